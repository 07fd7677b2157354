"""What the sensors of the plant say of what its machines do: their noise, and the faults that only they have."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.domain.signals import DataType, Signal
from pdm_app.simulation.physics import acting
from pdm_app.simulation.physics.acting import HOUR_S, severities
from pdm_app.simulation.physics.moments import Columns
from pdm_app.simulation.physics.noise import channel_key, lattice, uniform
from pdm_app.simulation.plant import MACHINES

DIGITS = 5
DRIFT_SHARE_PER_H = 0.003  # Of the signal's range.
SPIKE_SIGMAS = 8.0
SPIKE_CHANCE = 1 / 60  # Of each second.
SIGMA_SHARE_LEAST = 0.005  # Of the range, for a sensor without noise of its own.
DROPOUT_S = 20
DROPOUT_CHANCE = 0.5  # Of each span of that length, at the full fault.

SIGNALS: dict[tuple[str, str], Signal] = {
    (machine.asset.code, signal.name): signal for machine in MACHINES for signal in machine.signals
}
MEASURED: dict[str, tuple[str, ...]] = {
    machine.asset.code: tuple(
        signal.name
        for signal in machine.signals
        if signal.data_type is DataType.NUMBER and signal.range_low is not None
    )
    for machine in MACHINES
}
"""The sensors of each machine; texts, counters and states have none that could fail alone."""


@dataclass(frozen=True, slots=True)
class _Channels:
    """Sensors whose noise has one correlation time."""

    names: tuple[tuple[str, str], ...]
    keys: np.ndarray[tuple[int], np.dtype[np.uint64]]
    deviation: F8


def _channels(codes: frozenset[str]) -> dict[float, _Channels]:
    kinds: dict[float, list[tuple[str, str, float]]] = {}
    for machine in MACHINES:
        for name, (deviation, correlation_s) in machine.noise.items():
            if machine.asset.code in codes:
                kinds.setdefault(correlation_s, []).append((machine.asset.code, name, deviation))
    return {
        correlation_s: _Channels(
            tuple((code, name) for code, name, _ in rows),
            np.array([channel_key(f"{code}/{name}") for code, name, _ in rows], dtype=np.uint64),
            np.array([deviation for _, _, deviation in rows]),
        )
        for correlation_s, rows in kinds.items()
    }


class Sensors:
    """The sensors of the machines with these codes."""

    def __init__(self, seed: int, codes: Collection[str]) -> None:
        self._seed = seed
        self._codes = frozenset(codes)
        self._channels = _channels(self._codes)

    def say(self, done: Columns, at: I8) -> Columns:
        """Return what the sensors say of what the machines do, each with its own noise, to five digits."""
        noise: dict[tuple[str, str], F8] = {}
        for correlation_s, channels in self._channels.items():
            drawn = channels.deviation[:, None] * lattice(self._seed, channels.keys, correlation_s, at)
            noise.update(zip(channels.names, drawn, strict=True))
        said: Columns = {}
        for code in done.keys() & self._codes:
            said[code] = {}
            for name, values in done[code].items():
                own = noise.get((code, name))
                noisy = values if own is None else _within(values + own, SIGNALS[code, name])
                said[code][name] = _rounded(noisy)
        return said

    def fail(
        self, said: Columns, at: I8, faults: Sequence[InjectedFault], held: Mapping[str, float]
    ) -> dict[str, float]:
        """Put the faults of sensors into ``said``, in place; NaN stands where a sensor says nothing.

        Args:
            said: What sound sensors say.
            at: When.
            faults: All that may act.
            held: Values at which stuck sensors stand, by fault id.

        Returns:
            The values at which stuck sensors stand now; one not yet in ``held`` sticks at what it says first.
        """
        stuck: dict[str, float] = {}
        for fault in faults:
            sound = said.get(fault.asset_code, {}).get(fault.signal)
            if sound is None or fault.key not in _FAULTY:
                continue
            bad = severities(fault, at)
            if not bad.any():
                if fault.id in held:
                    stuck[fault.id] = held[fault.id]
                continue
            signal = SIGNALS[fault.asset_code, fault.signal]
            if fault.key == acting.SENSOR_STUCK:
                stuck[fault.id] = held.get(fault.id, float(sound[np.argmax(bad > 0)]))
                failing = np.where(bad > 0, stuck[fault.id] + (1 - bad) * (sound - stuck[fault.id]), sound)
            else:
                failing = self._failing(fault, signal, sound, bad, at)
            said[fault.asset_code][fault.signal] = _rounded(failing)
        return stuck

    def _failing(self, fault: InjectedFault, signal: Signal, sound: F8, bad: F8, at: I8) -> F8:
        span = (signal.range_high or 0.0) - (signal.range_low or 0.0)
        key = np.array([channel_key(fault.id)], dtype=np.uint64)
        if fault.key == acting.SENSOR_DRIFT:
            hours = bad * acting.FULL_AFTER_S[fault.key] / HOUR_S
            return sound + DRIFT_SHARE_PER_H * span * hours
        if fault.key == acting.SENSOR_SPIKE:
            second = at // MICROS_PER_S
            chance = uniform(self._seed, key, second)
            sigma = max(self._deviation(fault), SIGMA_SHARE_LEAST * span)
            upwards = np.where(chance < SPIKE_CHANCE / 2, 1.0, -1.0)
            return sound + np.where((chance < SPIKE_CHANCE) & (bad > 0), SPIKE_SIGMAS * sigma * upwards, 0.0)
        silent = uniform(self._seed, key, at // (DROPOUT_S * MICROS_PER_S)) < DROPOUT_CHANCE * bad
        return np.where(silent & (bad > 0), np.nan, sound)

    def _deviation(self, fault: InjectedFault) -> float:
        for machine in MACHINES:
            if machine.asset.code == fault.asset_code and fault.signal in machine.noise:
                return machine.noise[fault.signal][0]
        return 0.0


_FAULTY = (acting.SENSOR_STUCK, acting.SENSOR_DRIFT, acting.SENSOR_SPIKE, acting.SENSOR_DROPOUT)


def _within(values: F8, signal: Signal) -> F8:
    """Keep a sensor inside its range; one below zero by its noise says its lower end."""
    if signal.range_low is None or signal.range_high is None:
        return values
    return np.clip(values, signal.range_low, signal.range_high)


def _rounded(values: F8) -> F8:
    rounded: F8 = values.round(DIGITS)
    return rounded
