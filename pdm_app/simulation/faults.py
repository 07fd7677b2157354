"""The faults the plant can be given: where, how fast they grow, and when they end by themselves.

Severity is a function of the label and the time alone: a physics process that was killed goes on where it would be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np

from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError
from pdm_app.domain.ports import FaultKind, InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation.physics import acting, bearing, gateways, machining, moulding, packing, pumps
from pdm_app.simulation.physics.acting import FULL_AFTER_S, severities
from pdm_app.simulation.physics.gateways import LINK_LOST_AT
from pdm_app.simulation.sensors import MEASURED

BEARING_WEAR = acting.BEARING_WEAR
LINK_LOST_FOR_S = 180.0
TRIPPED_FOR_S = 240.0
RESTARTED_WITHIN_S = 30.0
DIPPED_FOR_S = 200.0  # Until the last machine runs again.

SENSOR_FAULTS = (acting.SENSOR_STUCK, acting.SENSOR_DRIFT, acting.SENSOR_SPIKE, acting.SENSOR_DROPOUT)
SERVER_OF = {"P-101A": "opcua", "C-201": "modbus", "P-501": "broker"}
"""The plant's server behind a machine, for faults of the wire."""
WIRE_FAULTS = (acting.LINE_CUT, acting.LINE_FROZEN, acting.LINE_RESTART)


@dataclass(frozen=True, slots=True)
class FaultScript:
    """One kind of fault.

    Attributes:
        kind: What the demo's panel shows.
        lasts_s: How long it acts once it has grown to ``lasts_from``, then it is over by itself; None: needs a repair.
        lasts_from: Severity from which that counts.
    """

    kind: FaultKind
    lasts_s: float | None = None
    lasts_from: float = 0.0

    @property
    def full_after_s(self) -> float:
        """Time from severity 0 to 1, along a straight line."""
        return FULL_AFTER_S[self.kind.key]


def _script(
    key: str, codes: Iterable[str], title: str, *, lasts_s: float | None = None, lasts_from: float = 0.0
) -> FaultScript:
    return FaultScript(FaultKind(key, tuple(codes), title), lasts_s, lasts_from)


def _sensor_script(key: str, title: str) -> FaultScript:
    names = tuple(dict.fromkeys(chain.from_iterable(MEASURED.values())))
    return FaultScript(FaultKind(key, tuple(code for code, own in MEASURED.items() if own), title, signals=names))


_MOULDS = tuple(mould for pair in moulding.MOULDS.values() for mould in pair)

SCRIPTS: dict[str, FaultScript] = {
    script.kind.key: script
    for script in (
        # Severity is the share of the bearing's life: 19/27 is day 19 of 27.
        _script(BEARING_WEAR, ["P-101A"], "Bearing wear, drive end"),
        # Severity is how far the suction strainer is clogged.
        _script(acting.CAVITATION, pumps.STATION, "Cavitation, clogged suction strainer"),
        _script(acting.IMPELLER_IMBALANCE, ["CT-101"], "Imbalance of the fan"),
        _script(acting.MISALIGNMENT, ["P-101B"], "Misaligned after maintenance"),
        # Severity is the share of 1.44 bar by which the oil pressure has fallen.
        _script(acting.SEAL_LEAK, pumps.STATION, "Leaking seal, oil pressure falls"),
        # Severity 0 is a leak of 0.4 m³/min, severity 1 one of 2.4.
        _script(acting.AIR_LEAK, ["AH-201"], "Air leak, growing"),
        # Severity is the exponent of the growth of the pressure drop, up to 2.4 times that of a clean filter.
        _script(acting.FILTER_CLOG, ["C-201"], "Clogged inlet filter"),
        _script(acting.TOOL_WEAR, machining.CODES, "Tool wears faster"),
        _script(acting.VENT_CLOG, _MOULDS, "Clogged vents, burnt parts"),
        _script(acting.HOT_RUNNER, _MOULDS, "Hot runner too cold, short shots"),
        _script(acting.COOL_BLOCKED, moulding.CODES, "Blocked cooling channel, longer cycle"),
        # Severity 1 is ten more micro-stops an hour than the usual four.
        _script(acting.CAPPER_JAM, ["C-42"], "Capper jams, micro-stops"),
        # Severity is how much of the measured movement is gone; at 1 the value stands still.
        _sensor_script(acting.SENSOR_STUCK, "Stuck sensor"),
        _sensor_script(acting.SENSOR_DRIFT, "Drifting sensor, 0.3 % of range per hour"),
        _sensor_script(acting.SENSOR_SPIKE, "Sensor with spikes"),
        _sensor_script(acting.SENSOR_DROPOUT, "Sensor that drops out"),
        # Severity is how far the radio signal has sunk; at 0.8 the link breaks, and returns three minutes later.
        _script(
            acting.COMM_LOSS, [*gateways.CODES, "F-41"], "Communication loss",
            lasts_s=LINK_LOST_FOR_S, lasts_from=LINK_LOST_AT,
        ),
        # The link is weak, and holds.
        _script(acting.LINK_WEAK, gateways.CODES, "Weak radio link, a truck before the mast"),
        _script(acting.ALARM_FLOOD, ["P-101A"], "Trip of the cooling water, alarm flood", lasts_s=TRIPPED_FOR_S),
        _script(acting.CHATTERING, [packing.CODES[packing.CAMERA]], "Glue level chatters at its limit"),
        _script(
            acting.POWER_DIP, ["P-101A", "C-201", *moulding.CODES, *machining.CODES, *packing.CODES],
            "Sag of the mains in all of Graz", lasts_s=DIPPED_FOR_S,
        ),
        _script(acting.LINE_CUT, SERVER_OF, "Server of its line is gone"),
        _script(acting.LINE_FROZEN, SERVER_OF, "Server of its line hangs"),
        _script(acting.LINE_RESTART, SERVER_OF, "Server of its line restarts", lasts_s=RESTARTED_WITHIN_S),
    )
}  # fmt: skip

START_OF_DEMO_DAY = 19.0
START_OF_DEMO_SEVERITY = START_OF_DEMO_DAY / bearing.LIFE_D


def severity(fault: InjectedFault, at: int) -> float:
    """Return how bad the fault is at a moment: 0 before it began and after it was cleared, else up to 1."""
    return float(severities(fault, np.array([at], dtype=np.int64))[0])


def heals_at(fault: InjectedFault) -> Micros | None:
    """Return when the fault ends by itself; None where somebody has to repair it."""
    script = SCRIPTS[fault.key]
    if script.lasts_s is None:
        return None
    until_s = max(script.lasts_from - fault.start_severity, 0.0) * script.full_after_s
    return Micros(fault.injected_at + round((until_s + script.lasts_s) * MICROS_PER_S))


def is_standing(fault: InjectedFault, at: int) -> bool:
    """Return whether the fault acts at this moment."""
    return fault.injected_at <= at and (fault.cleared_at is None or at < fault.cleared_at)


def link_lost(code: str, standing: Iterable[InjectedFault], at: int) -> bool:
    """Return whether a machine's link is broken."""
    return any(
        fault.key == acting.COMM_LOSS and fault.asset_code == code and severity(fault, at) >= LINK_LOST_AT
        for fault in standing
    )


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
    if key in SENSOR_FAULTS and signal not in MEASURED[asset_code]:
        raise _refused("signal", signal, f"is not a sensor of {asset_code}", MEASURED[asset_code])
    if key not in SENSOR_FAULTS and signal:
        raise _refused("signal", signal, f"does not apply to {key}", ["an empty text"])
    for fault in standing:
        if (fault.key, fault.asset_code, fault.signal) == (key, asset_code, signal):
            raise ConflictError(
                f"{asset_code} already has {key}{f' on {signal}' if signal else ''}. Clear it first.", fault_id=fault.id
            )


def _refused(field: str, given: str, problem: str, allowed: Iterable[str]) -> InvalidInputError:
    fix = f"choose one of {', '.join(allowed)}"
    return InvalidInputError(f"{given!r} {problem}; {fix}.", [FieldIssue(field, problem, fix)], given=given)
