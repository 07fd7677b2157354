"""The plant as its sensors tell it, live and in the past: one reader for both.

``PlantReader(since).read(at, faults)`` gives columns of values at any evenly spaced moments. What is carried from one
call to the next, `Told.memory` and `Told.held`, only saves making it anew.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import F8, I8
from pdm_app.domain.signals import DataType
from pdm_app.simulation.machines import gateways, rigs
from pdm_app.simulation.machines.parts import STATE
from pdm_app.simulation.physics import acting
from pdm_app.simulation.physics.moments import Columns
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.states import RUNNING
from pdm_app.simulation.physics.world import CODES, Memory, World
from pdm_app.simulation.plant import MACHINES
from pdm_app.simulation.sensors import SIGNALS, Sensors

Reading = float | int | str | None
Readings = dict[str, dict[str, Reading]]
"""Values of one moment by machine code and signal name; None where a sensor says nothing."""

TEXTS: dict[str, dict[str, str]] = {
    machine.asset.code: {
        signal.name: gateways.FIRMWARE for signal in machine.signals if signal.name == "firmware_version"
    }
    for machine in MACHINES
}
"""What stays the same: texts by machine code and signal name."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of some moments.

    Attributes:
        at: Microseconds UTC, shape (times,).
        columns: By machine code and signal name, shape (times,); NaN where a sensor says nothing.
        memory: For the next moments.
        held: Values at which stuck sensors stand, by fault id.
    """

    at: I8
    columns: Columns
    memory: Memory
    held: dict[str, float]

    def readings(self, row: int, codes: Collection[str]) -> Readings:
        """Return the values of one moment as they go over the wire."""
        return {
            code: {
                **TEXTS.get(code, {}),
                **{name: _wired(code, name, float(values[row])) for name, values in self.columns[code].items()},
            }
            for code in codes
        }


def _wired(code: str, name: str, value: float) -> Reading:
    if np.isnan(value):
        return None
    if (code, name) not in SIGNALS:  # Of a test rig.
        return int(value) if name == STATE.name else value
    return value if SIGNALS[code, name].data_type is DataType.NUMBER and name != "uptime_s" else int(value)


def _repeated(place: int, said: Columns, at: I8) -> dict[str, F8]:
    """Return what the test rig at a place says: what the plant's sensors say, with their faults."""
    own = {name: said[code][source] for name, (code, source) in _repeats(place).items()}
    return {**own, STATE.name: np.full(len(at), RUNNING)}


@cache
def _repeats(place: int) -> Mapping[str, rigs.Source]:
    return rigs.repeated(place, rigs.sources(MACHINES))


class PlantReader:
    """The plant of one seed and first start, seen through the sensors of some of its machines."""

    def __init__(self, since: int, seed: int = SEED, codes: Collection[str] = CODES) -> None:
        self._world = World(since, seed)
        self._seed = seed
        self._rigs = [code for code in rigs.CODES if code in set(codes)]
        self._codes = frozenset(CODES if self._rigs else codes)
        self._sensors = Sensors(seed, self._codes)

    def read(
        self,
        at: I8,
        faults: Sequence[InjectedFault] = (),
        memory: Memory | None = None,
        held: Mapping[str, float] | None = None,
    ) -> Told:
        """Return what the sensors say at evenly spaced moments, ascending, at least one."""
        done, remembered = self._world.read(at, faults, memory, self._codes)
        said = self._sensors.say(done, at)
        known = {**self._stuck_before(int(at[0]), faults, held or {}), **(held or {})}
        stuck = self._sensors.fail(said, at, faults, known)
        said |= {code: _repeated(place, said, at) for place, code in enumerate(rigs.CODES) if code in self._rigs}
        return Told(at, said, remembered, stuck)

    def _stuck_before(self, first: int, faults: Sequence[InjectedFault], held: Mapping[str, float]) -> dict[str, float]:
        """Return where sensors stand that got stuck before these moments: at what they said then."""
        found: dict[str, float] = {}
        for fault in faults:
            if fault.key != acting.SENSOR_STUCK or fault.id in held or fault.asset_code not in self._codes:
                continue
            if fault.injected_at <= first and (fault.cleared_at is None or fault.cleared_at > first):
                then = np.array([fault.injected_at], dtype=np.int64)
                others = [other for other in faults if other.id != fault.id]
                own = PlantReader(self._world.since, self._seed, {fault.asset_code})
                found[fault.id] = float(own.read(then, others).columns[fault.asset_code][fault.signal][0])
        return found
