"""What is probably wrong with a machine, why that is believed, and what to do about it until when.

The signals that make a score are ranked; the pattern they form is compared with those of known faults. Each finding
carries what speaks for it and against it, in numbers a reader can check. What looks like a failing sensor is called
that, and is never reported as damage. Where no pattern fits, that is the answer.
Source of the patterns: ISO 13373-3:2015, annexes on bearings, unbalance, misalignment and pumps; ISO 17359:2018, B.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from pdm_app.domain.movements import Movement
from pdm_app.domain.record import Finite, Record
from pdm_app.domain.sensor_faults import SensorFault
from pdm_app.domain.signal_roles import Role

MOVED_SPREADS = 3.0
"""So far a signal has to be for a pattern to be built on it."""
SUPPORT_SPREADS = 2.0
CONTRIBUTORS_MAX = 8
CERTAIN_MAX = 0.95
STANDS = 0.3
"""Speed and current lower by this share over the time that is looked at: it stood for part of it."""
VARIES = 0.9
"""A pressure drop whose lower end is less than that of its upper end varies with the flow."""
Share = Annotated[Finite, Field(ge=0, le=1)]


class Finding(StrEnum):
    """What it probably is."""

    BEARING = "bearing"
    IMBALANCE = "imbalance"
    MISALIGNMENT = "misalignment"
    CAVITATION = "cavitation"
    LEAK = "leak"
    AIR_LEAK = "air_leak"
    CLOGGING = "clogging"
    COOLING_BLOCKED = "cooling_blocked"
    HEATING_WEAK = "heating_weak"
    TOOL_WEAR = "tool_wear"
    SCRAP = "scrap"
    MINOR_STOPS = "minor_stops"
    STOPPED = "stopped"
    WEAK_LINK = "weak_link"
    SENSOR = "sensor"
    UNCLEAR = "unclear"
    USUAL = "usual"


class Contributor(Record):
    """One signal's part in what is unusual."""

    signal: str
    unit: str
    role: Role
    share: Share = Field(description="Of the score.")
    usual: Finite
    now: Finite
    spreads: Finite = Field(description="How many usual spreads it has moved; below zero it fell.")
    sensor: SensorFault | None = None


class Evidence(Record):
    """One reason for a finding, or against it."""

    signal: str
    speaks_for: bool
    change: Finite = Field(description="In the unit of the signal.")
    unit: str
    spreads: Finite


class Diagnosis(Record):
    """What is believed of a machine at one time."""

    finding: Finding
    certainty: Share
    sensor: SensorFault | None = Field(default=None, description="How the first signal's sensor fails.")
    contributors: tuple[Contributor, ...] = Field(
        max_length=CONTRIBUTORS_MAX,
        description="What explains the finding, then the rest.",
    )
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=2 * CONTRIBUTORS_MAX)
    also: tuple[Finding, ...] = Field(default=(), max_length=4, description="What else would fit, the likeliest first.")

    @property
    def is_machine_fault(self) -> bool:
        return self.finding not in (Finding.SENSOR, Finding.UNCLEAR, Finding.USUAL)


class Sign(Record):
    """One sign of a pattern: any signal of these roles has moved in this direction."""

    roles: tuple[Role, ...]
    up: bool
    share: float = Field(default=0.0, description="Of its usual level by which it has to move at least.")


class Pattern(Record):
    """How a fault shows: all of ``needs``, the more of ``backed_by`` the surer, and none of ``denied_by``."""

    finding: Finding
    needs: tuple[Sign, ...]
    backed_by: tuple[Sign, ...] = ()
    denied_by: tuple[Sign, ...] = ()
    measured: tuple[Role, ...] = Field(default=(), description="The machine must have signals of these roles.")
    unmeasured: tuple[Role, ...] = Field(default=(), description="It must have none of these, which would tell better.")


def _up(*roles: Role) -> Sign:
    return Sign(roles=roles, up=True)


def _down(*roles: Role, share: float = 0.0) -> Sign:
    return Sign(roles=roles, up=False, share=share)


_TOTAL = (Role.VIBRATION,)
PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        finding=Finding.CAVITATION, needs=(_down(Role.SUCTION_PRESSURE), _up(*_TOTAL)),
        backed_by=(_down(Role.FLOW), _down(Role.PRESSURE)), denied_by=(_up(Role.SUCTION_PRESSURE),),
    ),
    Pattern(
        finding=Finding.MISALIGNMENT, needs=(_up(Role.VIBRATION_AXIAL), _up(*_TOTAL)),
        backed_by=(_up(Role.CURRENT, Role.POWER), _up(Role.BEARING_TEMPERATURE)),
        denied_by=(_up(Role.ENVELOPE), _up(Role.IMPULSES), _down(Role.SUCTION_PRESSURE)),
    ),
    Pattern(
        finding=Finding.IMBALANCE, needs=(_up(Role.VIBRATION_1X), _up(*_TOTAL)),
        denied_by=(_up(Role.VIBRATION_AXIAL), _up(Role.ENVELOPE), _up(Role.IMPULSES)),
    ),
    Pattern(
        finding=Finding.BEARING,
        needs=(_up(Role.ENVELOPE), _up(Role.IMPULSES, Role.VIBRATION, Role.BEARING_TEMPERATURE)),
        backed_by=(_up(*_TOTAL), _up(Role.IMPULSES), _up(Role.BEARING_TEMPERATURE), _up(Role.CURRENT, Role.POWER)),
        denied_by=(_down(Role.SUCTION_PRESSURE),),
    ),
    Pattern(
        finding=Finding.BEARING, needs=(_up(*_TOTAL), _up(Role.BEARING_TEMPERATURE)), unmeasured=(Role.ENVELOPE,),
        backed_by=(_up(Role.TEMPERATURE), _up(Role.CURRENT, Role.POWER)),
        denied_by=(_down(Role.SUCTION_PRESSURE), _down(Role.OIL_PRESSURE), _up(Role.VIBRATION_AXIAL)),
    ),
    Pattern(
        finding=Finding.CLOGGING, needs=(_down(Role.SUCTION_PRESSURE), _down(Role.FLOW, Role.PRESSURE)),
        denied_by=(_up(*_TOTAL),),
    ),
    Pattern(finding=Finding.CLOGGING, needs=(_up(Role.PRESSURE_DROP),), denied_by=(_up(Role.FLOW),)),
    Pattern(
        finding=Finding.LEAK, needs=(_down(Role.OIL_PRESSURE),), backed_by=(_up(Role.BEARING_TEMPERATURE),),
        denied_by=(_down(Role.SPEED),),
    ),
    Pattern(
        finding=Finding.AIR_LEAK, needs=(_up(Role.AIR_USE), _up(Role.LOAD, Role.POWER)),
        backed_by=(_down(Role.PRESSURE), _up(Role.TEMPERATURE)),
    ),
    Pattern(finding=Finding.COOLING_BLOCKED, needs=(_up(Role.COOLING_TIME), _up(Role.CYCLE_TIME))),
    Pattern(
        finding=Finding.HEATING_WEAK, needs=(_down(Role.MELT_TEMPERATURE),), backed_by=(_up(Role.SCRAP),),
    ),
    Pattern(
        finding=Finding.TOOL_WEAR, needs=(_up(*_TOTAL, Role.DIMENSION),), measured=(Role.TOOL_LIFE,),
        backed_by=(_down(Role.TOOL_LIFE), _up(Role.LOAD), _up(Role.DIMENSION)),
    ),
    Pattern(finding=Finding.SCRAP, needs=(_up(Role.SCRAP),), denied_by=(_down(Role.MELT_TEMPERATURE),)),
    Pattern(finding=Finding.MINOR_STOPS, needs=(_up(Role.STOPS),), backed_by=(_down(Role.SPEED), _down(Role.CURRENT))),
    Pattern(
        finding=Finding.STOPPED,
        needs=(_down(Role.SPEED, Role.FLOW, share=STANDS), _down(Role.CURRENT, Role.POWER, share=STANDS)),
    ),
    Pattern(finding=Finding.WEAK_LINK, needs=(_down(Role.RADIO),)),
)  # fmt: skip

COMPANIONS: Mapping[Role, tuple[Role, ...]] = {
    Role.VIBRATION: (Role.VIBRATION_AXIAL, Role.VIBRATION_1X, Role.ENVELOPE),
    Role.VIBRATION_1X: (Role.VIBRATION,),
    Role.VIBRATION_AXIAL: (Role.VIBRATION,),
    Role.ENVELOPE: (Role.IMPULSES, Role.VIBRATION),
    Role.IMPULSES: (Role.ENVELOPE, Role.VIBRATION),
    Role.BEARING_TEMPERATURE: (Role.VIBRATION, Role.ENVELOPE, Role.TEMPERATURE),
    Role.OIL_PRESSURE: (Role.BEARING_TEMPERATURE, Role.TEMPERATURE),
    Role.SUCTION_PRESSURE: (Role.FLOW, Role.PRESSURE),
    Role.PRESSURE: (Role.FLOW, Role.CURRENT, Role.POWER, Role.SUCTION_PRESSURE),
    Role.FLOW: (Role.PRESSURE, Role.CURRENT, Role.POWER, Role.SUCTION_PRESSURE),
    Role.CURRENT: (Role.POWER, Role.FLOW, Role.SPEED),
    Role.POWER: (Role.CURRENT, Role.LOAD, Role.FLOW),
    Role.SPEED: (Role.FLOW, Role.CURRENT, Role.POWER),
    Role.AIR_USE: (Role.LOAD, Role.POWER),
    Role.LOAD: (Role.POWER, Role.AIR_USE, Role.TEMPERATURE),
    Role.DIMENSION: (Role.VIBRATION, Role.LOAD),
    Role.COOLING_TIME: (Role.CYCLE_TIME,),
}
"""What moves with a signal when it is the machine that changes. If none of them did, it is the sensor."""


def diagnose(
    moved: Sequence[Movement],
    shares: Mapping[str, float] | None = None,
    sensors: Mapping[str, SensorFault] | None = None,
) -> Diagnosis:
    """Tell what is probably wrong.

    Args:
        moved: How far each signal of the machine, and of those beside it where they matter, has moved.
        shares: Each signal's part in the score of a model; from the movements where there is none.
        sensors: Signals whose own samples show that the sensor fails.
    """
    sensors = sensors or {}
    ranked = ranking(moved, shares, sensors)
    sound = [each for each in moved if each.name not in sensors]
    fits = (_fit(pattern, sound, ranked) for pattern in PATTERNS)
    found = sorted((told for told in fits if told is not None), key=lambda one: -one[1])
    kinds = list(dict.fromkeys(pattern.finding for pattern, _ in found))
    if found and not _is_drift(sound, found[0][0]):
        best, certainty = found[0]
        evidence = _evidence(best, sound)
        explains = {each.signal for each in evidence if each.speaks_for}
        first_those = sorted(ranked, key=lambda each: each.sensor is None and each.signal not in explains)
        return Diagnosis(
            finding=best.finding, certainty=certainty, contributors=tuple(first_those), evidence=evidence,
            also=tuple(kinds[1:5]),
        )  # fmt: skip
    first = next((each for each in ranked if each.signal in sensors), None)
    if first is not None:
        certain = 0.7 if len(sensors) > 1 or _beside(sound) else 0.9
        return Diagnosis(finding=Finding.SENSOR, certainty=certain, sensor=first.sensor, contributors=ranked)
    alone = _alone(sound)
    if alone is not None:
        return Diagnosis(
            finding=Finding.SENSOR, certainty=0.6, sensor=SensorFault.DRIFT,
            contributors=tuple(sorted(ranked, key=lambda each: each.signal != alone.name)),
            evidence=(_told(alone), *(_told(each) for each in _companions(alone, sound))),
        )  # fmt: skip
    is_usual = not _beside(sound)
    return Diagnosis(
        finding=Finding.USUAL if is_usual else Finding.UNCLEAR, certainty=0.5, contributors=ranked,
        evidence=tuple(_told(each) for each in sorted(_beside(sound), key=lambda each: -abs(each.spreads))[:4]),
    )  # fmt: skip


def ranking(
    moved: Sequence[Movement], shares: Mapping[str, float] | None, sensors: Mapping[str, SensorFault]
) -> tuple[Contributor, ...]:
    """Rank the signals by their part in what is unusual; a sensor that fails by itself stands first.

    A model knows which signals do not go together, the movements which are not where they usually are; a signal that
    only one of them names is rarely the reason, so its part is their geometric mean. One that the model does not watch
    counts by its movement.
    """
    told = _normed({each.name: each.spreads**2 for each in moved})
    if shares:
        told = _normed({name: float(np.sqrt(part * max(shares.get(name, part), 0.0))) for name, part in told.items()})
    rows = [
        Contributor(
            signal=each.name, unit=each.unit, role=each.role, share=float(np.clip(told[each.name], 0, 1)),
            usual=each.usual, now=each.now, spreads=each.spreads, sensor=sensors.get(each.name),
        )
        for each in moved
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (row.sensor is None, -row.share, row.signal))[:CONTRIBUTORS_MAX])


def _normed(parts: Mapping[str, float]) -> dict[str, float]:
    whole = sum(parts.values()) or 1.0
    return {name: part / whole for name, part in parts.items()}


def _beside(moved: Sequence[Movement]) -> list[Movement]:
    """Return what has moved and is not the weather."""
    return [each for each in moved if abs(each.spreads) >= MOVED_SPREADS and each.role is not Role.AMBIENT_TEMPERATURE]


def _signs(sign: Sign, moved: Sequence[Movement], least: float) -> list[Movement]:
    return [
        each for each in moved
        if each.role in sign.roles and (each.spreads >= least if sign.up else each.spreads <= -least)
        and abs(each.share or np.inf) >= sign.share
    ]  # fmt: skip


def _fit(pattern: Pattern, moved: Sequence[Movement], ranked: Sequence[Contributor]) -> tuple[Pattern, float] | None:
    """Return how certain a pattern is; None where something it needs has not moved.

    What it leaves unexplained speaks against it: a pattern of two signals is none while a third one has moved most.
    """
    measured = {each.role for each in moved}
    if not all(_signs(need, moved, SUPPORT_SPREADS) for need in pattern.needs) or set(pattern.measured) - measured:
        return None
    if set(pattern.unmeasured) & measured:
        return None
    needed = {each.name: each for need in pattern.needs for each in _signs(need, moved, SUPPORT_SPREADS)}
    if max(abs(each.spreads) for each in needed.values()) < MOVED_SPREADS:
        return None
    backing = [sign for sign in pattern.backed_by if measured & set(sign.roles)]
    backers = [_signs(sign, moved, SUPPORT_SPREADS) for sign in backing]
    backed = sum(map(bool, backers)) / len(backing) if backing else 0.5
    explained = set(needed) | {each.name for backer in backers for each in backer}
    shares = [row for row in ranked if row.sensor is None]
    coverage = sum(row.share for row in shares if row.signal in explained) / (sum(row.share for row in shares) or 1.0)
    denied = sum(1 for sign in pattern.denied_by if _signs(sign, moved, MOVED_SPREADS))
    certainty = 0.2 + 0.1 * len(pattern.needs) + 0.15 * backed + 0.4 * coverage - 0.3 * denied
    return (pattern, float(np.clip(certainty, 0.05, CERTAIN_MAX))) if certainty > 0.3 else None


def _is_drift(moved: Sequence[Movement], pattern: Pattern) -> bool:
    """Return whether a pressure drop has moved by as much at low flow as at high: a clog scales it, a drift adds to it.

    Where it hardly varies with the flow nobody can tell, and it counts as a clog.
    """
    if pattern.finding is not Finding.CLOGGING or len(pattern.needs) != 1:
        return False
    drops = _signs(pattern.needs[0], moved, SUPPORT_SPREADS)
    return all(
        each.high > 0 and each.low < VARIES * each.high and each.high_shift > 0
        and each.low_shift / each.high_shift > (1 + each.low / each.high) / 2
        for each in drops
    )  # fmt: skip


def _companions(one: Movement, moved: Sequence[Movement]) -> list[Movement]:
    return [each for each in moved if each.role in COMPANIONS.get(one.role, ()) and each.name != one.name]


def _alone(moved: Sequence[Movement]) -> Movement | None:
    """Return the one signal that moved while nothing moved that goes with it."""
    beside = _beside(moved)
    if len(beside) != 1:
        return None
    companions = _companions(beside[0], moved)
    quiet = all(abs(each.spreads) < SUPPORT_SPREADS for each in companions)
    additive = beside[0].role is Role.PRESSURE_DROP
    return beside[0] if quiet and (companions or additive) else None


def _evidence(pattern: Pattern, moved: Sequence[Movement]) -> tuple[Evidence, ...]:
    told: dict[str, Evidence] = {}
    for sign in (*pattern.needs, *pattern.backed_by):
        for each in _signs(sign, moved, SUPPORT_SPREADS):
            told.setdefault(each.name, _told(each))
    for sign in pattern.denied_by:
        for each in _signs(sign, moved, MOVED_SPREADS):
            told.setdefault(each.name, _told(each, speaks_for=False))
    return tuple(told.values())[: 2 * CONTRIBUTORS_MAX]


def _told(each: Movement, *, speaks_for: bool = True) -> Evidence:
    return Evidence(signal=each.name, speaks_for=speaks_for, change=each.change, unit=each.unit, spreads=each.spreads)
