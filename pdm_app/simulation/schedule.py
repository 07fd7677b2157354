"""When which fault begins in a replay, as people write it: ``cavitation@day2.5-day3:P-502=30%``.

A line names the kind of fault, the day on which it begins and the one on which it is repaired, counted from the start
of the replay, the machine, for faults of a sensor the signal after a dot, and the severity with which it begins.
"""

import re
from collections.abc import Iterable, Sequence

from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import faults
from pdm_app.simulation.physics import bearing
from pdm_app.simulation.plant import machines_of
from pdm_app.simulation.story import repaired

DAY_US = 86_400 * MICROS_PER_S
FAULTS_MAX = 200
WORN_AT_END_D = 26.9  # Of the bearing's 27: a replay shows all that comes before it seizes.
EXAMPLE = "cavitation@day2.5-day3:P-502=30%"

_DAY = r"day(\d{1,4}(?:\.\d{1,6})?)"
_LINE = re.compile(
    rf"(?P<key>\w+)@{_DAY.replace('(', '(?P<begin>', 1)}(?:-{_DAY.replace('(', '(?P<end>', 1)})?"
    r":(?P<asset>[^.=\s]+)(?:\.(?P<signal>\w+))?(?:=(?P<percent>\d{1,3}(?:\.\d{1,3})?)%)?"
)


def scheduled(
    lines: Iterable[str], start_at: Micros, end_at: Micros, size: PlantSize = PlantSize.WHOLE
) -> tuple[InjectedFault, ...]:
    """Return the faults of some lines, in order of their beginning; empty ones and what follows a # say nothing.

    Raises:
        InvalidInputError: A line cannot be read, or the plant cannot have that fault then; says which line, and why.
    """
    found: list[InjectedFault] = []
    codes = _codes(size)
    for line in (line.split("#", 1)[0].strip() for line in lines):
        if line:
            fault = _fault(line, start_at, end_at, found)
            if fault.asset_code not in codes:
                raise _refused(line, f"is of a machine that the {size} plant does not have", "choose another machine")
            found.append(fault)
        if len(found) > FAULTS_MAX:
            raise _refused(line, f"is one too many; a replay takes {FAULTS_MAX} faults", "leave some out")
    return tuple(sorted(found, key=lambda fault: (fault.injected_at, fault.id)))


def story(start_at: Micros, end_at: Micros, size: PlantSize = PlantSize.WHOLE) -> tuple[InjectedFault, ...]:
    """Return what goes wrong by itself: the faults of the last weeks, and a bearing that wears out at the end.

    There it is replaced, by one on day 19, so that a demo that opens the directory later finds no plant that went hot.
    """
    worn_us = round(WORN_AT_END_D * DAY_US)
    begun = max(start_at, end_at - worn_us)
    severity = max(0.0, (worn_us - (end_at - begun)) / (bearing.LIFE_D * DAY_US))
    id = derived_id(Micros(begun), "replay", faults.BEARING_WEAR)
    code = faults.SCRIPTS[faults.BEARING_WEAR].kind.asset_codes[0]
    wear = InjectedFault(id, faults.BEARING_WEAR, code, "", begun, severity, end_at)
    next_id = derived_id(end_at, "replay", faults.BEARING_WEAR)
    after = InjectedFault(next_id, faults.BEARING_WEAR, code, "", end_at, faults.START_OF_DEMO_SEVERITY)
    codes = _codes(size)
    repairs = (fault for fault in repaired(end_at) if fault.injected_at >= start_at and fault.asset_code in codes)
    return (wear, *repairs, after)


def _codes(size: PlantSize) -> frozenset[str]:
    return frozenset(machine.asset.code for machine in machines_of(size))


def _fault(line: str, start_at: Micros, end_at: Micros, before: Sequence[InjectedFault]) -> InjectedFault:
    read = _LINE.fullmatch(line)
    if read is None:
        raise _refused(line, "is no fault of a replay", f"write it like {EXAMPLE}")
    begin = Micros(start_at + round(float(read["begin"]) * DAY_US))
    end = Micros(start_at + round(float(read["end"]) * DAY_US)) if read["end"] else None
    severity = float(read["percent"] or 0) / 100
    key, asset, signal = read["key"], read["asset"], read["signal"] or ""
    if begin >= end_at:
        raise _refused(line, "begins after the replay has ended", "choose an earlier day, or replay more days")
    if end is not None and end <= begin:
        raise _refused(line, "ends before it begins", "choose a later day for its repair")
    if severity > 1:
        raise _refused(line, "begins with more than 100 %", "choose 0 to 100 %")
    if key in faults.WIRE_FAULTS:
        raise _refused(line, "is a fault of a server, and no server runs in a replay", "break it in the running demo")
    try:
        faults.check(key, asset, signal, [fault for fault in before if faults.is_standing(fault, begin)])
    except (InvalidInputError, ConflictError) as error:
        raise _refused(line, f"cannot be: {error.message}", "change or leave out the line") from error
    return InjectedFault(derived_id(begin, "replay", key, asset, signal), key, asset, signal, begin, severity, end)


def _refused(line: str, problem: str, fix: str) -> InvalidInputError:
    return InvalidInputError(f"{line!r} {problem}; {fix}.", [FieldIssue("fault", problem[:200], fix)], given=line)
