"""The faults the plant can be given: where, how fast they grow, and what they ask of the physics.

Severity is a function of the label and the time alone: a physics process that was killed goes on where it would be.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError
from pdm_app.domain.ports import FaultKind, InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.signals import DataType
from pdm_app.simulation.machines import cooling_pump, station_pump
from pdm_app.simulation.physics import bearing
from pdm_app.simulation.physics.surroundings import DAY_S
from pdm_app.simulation.physics.world import LINK_LOST_AT, SOUND, Reading, Readings, WorldInputs
from pdm_app.simulation.plant import MACHINES

BEARING_WEAR = "bearing_wear"
CAVITATION = "cavitation"
SENSOR_STUCK = "sensor_stuck"
COMM_LOSS = "comm_loss"

LINK_LOST_FOR_S = 180.0


@dataclass(frozen=True, slots=True)
class FaultScript:
    """One kind of fault.

    Attributes:
        kind: What the demo's panel shows.
        full_after_s: Time from severity 0 to 1, along a straight line.
        heals_after_loss_s: How long the link stays broken before it comes back by itself; None: it needs a repair.
    """

    kind: FaultKind
    full_after_s: float
    heals_after_loss_s: float | None = None


def _stuck_signals() -> dict[str, tuple[str, ...]]:
    """Return the measured signals of each machine; texts, counters and states do not get stuck."""
    return {
        machine.asset.code: tuple(
            signal.name
            for signal in machine.signals
            if signal.data_type is DataType.NUMBER and signal.range_low is not None
        )
        for machine in MACHINES
    }


SENSORS = _stuck_signals()

SCRIPTS: dict[str, FaultScript] = {
    script.kind.key: script
    for script in (
        # Severity is the share of the bearing's life: 19/27 is day 19 of 27.
        FaultScript(FaultKind(BEARING_WEAR, (cooling_pump.CODE,), "Bearing wear, drive end"), bearing.LIFE_D * DAY_S),
        # Severity is how far the suction strainer is clogged.
        FaultScript(FaultKind(CAVITATION, (station_pump.CODE,), "Cavitation, clogged suction strainer"), 2 * 3600.0),
        # Severity is how much of the measured movement is gone; at 1 the value stands still.
        FaultScript(
            FaultKind(
                SENSOR_STUCK,
                tuple(SENSORS),
                "Stuck sensor",
                signals=tuple(dict.fromkeys(chain.from_iterable(SENSORS.values()))),
            ),
            60.0,
        ),
        # Severity is how far the radio signal has sunk; at 0.8 the link breaks, and returns three minutes later.
        FaultScript(FaultKind(COMM_LOSS, ("G-3",), "Communication loss"), 60.0, heals_after_loss_s=LINK_LOST_FOR_S),
    )
}

START_OF_DEMO_DAY = 19.0
START_OF_DEMO_SEVERITY = START_OF_DEMO_DAY / bearing.LIFE_D


def severity(fault: InjectedFault, at: int) -> float:
    """Return how bad the fault is at a moment: 0 before it began and after it was cleared, else up to 1."""
    if at < fault.injected_at or (fault.cleared_at is not None and at >= fault.cleared_at):
        return 0.0
    elapsed_s = (at - fault.injected_at) / MICROS_PER_S
    return min(fault.start_severity + elapsed_s / SCRIPTS[fault.key].full_after_s, 1.0)


def heals_at(fault: InjectedFault) -> Micros | None:
    """Return when the fault ends by itself; None where somebody has to repair it."""
    script = SCRIPTS[fault.key]
    if script.heals_after_loss_s is None:
        return None
    until_loss_s = max(LINK_LOST_AT - fault.start_severity, 0.0) * script.full_after_s
    return Micros(fault.injected_at + round((until_loss_s + script.heals_after_loss_s) * MICROS_PER_S))


def is_standing(fault: InjectedFault, at: int) -> bool:
    """Return whether the fault acts at this moment."""
    return fault.injected_at <= at and (fault.cleared_at is None or at < fault.cleared_at)


def check(key: str, asset_code: str, signal: str, standing: Iterable[InjectedFault]) -> None:
    """Refuse a fault that the plant cannot have.

    Raises:
        InvalidInputError: No such fault, not on this machine, or not on this signal; the issue names what there is.
        ConflictError: The same fault stands there already.
    """
    script = SCRIPTS.get(key)
    if script is None:
        raise _refused("key", key, "is not a fault of this plant", sorted(SCRIPTS))
    if asset_code not in script.kind.asset_codes:
        raise _refused("asset_code", asset_code, f"cannot have {key}", script.kind.asset_codes)
    if key == SENSOR_STUCK and signal not in SENSORS[asset_code]:
        raise _refused("signal", signal, f"is not a sensor of {asset_code}", SENSORS[asset_code])
    if key != SENSOR_STUCK and signal:
        raise _refused("signal", signal, f"does not apply to {key}", ["an empty text"])
    for fault in standing:
        if (fault.key, fault.asset_code, fault.signal) == (key, asset_code, signal):
            raise ConflictError(
                f"{asset_code} already has {key}{f' on {signal}' if signal else ''}. Clear it first.", fault_id=fault.id
            )


def _refused(field: str, given: str, problem: str, allowed: Iterable[str]) -> InvalidInputError:
    fix = f"choose one of {', '.join(allowed)}"
    return InvalidInputError(f"{given!r} {problem}; {fix}.", [FieldIssue(field, problem, fix)], given=given)


def inputs_at(at: int, standing: Iterable[InjectedFault], since: int) -> WorldInputs:
    """Return what the standing faults ask of the physics at one moment."""
    bearing_day, clog, link_loss = SOUND, 0.0, {}
    for fault in standing:
        if not is_standing(fault, at):
            continue
        bad = severity(fault, at)
        if fault.key == BEARING_WEAR:
            bearing_day = bad * bearing.LIFE_D
        elif fault.key == CAVITATION:
            clog = bad
        elif fault.key == COMM_LOSS:
            link_loss[fault.asset_code] = bad
    return WorldInputs(at=at, bearing_day=bearing_day, clog=clog, link_loss=link_loss, since=since)


def hold_stuck(
    readings: Readings, standing: Iterable[InjectedFault], at: int, held: Mapping[str, float]
) -> dict[str, float]:
    """Put stuck sensors' values into ``readings``, in place, and return the values they are stuck at by fault id.

    A sensor sticks at what it read when the fault first acted; ``held`` carries that value from step to step.
    """
    stuck_at: dict[str, float] = {}
    for fault in standing:
        if fault.key != SENSOR_STUCK or not is_standing(fault, at):
            continue
        live: Reading = readings[fault.asset_code][fault.signal]
        if isinstance(live, str):
            raise TypeError(f"{fault.asset_code}/{fault.signal} is a text and cannot be stuck")
        stuck_at[fault.id] = held.get(fault.id, float(live))
        moving = 1.0 - severity(fault, at)
        readings[fault.asset_code][fault.signal] = round(stuck_at[fault.id] + moving * (live - stuck_at[fault.id]), 5)
    return stuck_at
