"""What goes wrong on the plant by itself: in the weeks before it first started, and when it opens.

What was repaired in the weeks before is a function of that start alone, so that past, truth and journal agree without
anything being kept. All of it is over well before the start: what lags has forgotten it when the live plant begins.
What stands when the plant opens are labels as of faults that people inject, and can be repaired like these.
"""

from typing import NamedTuple

from pdm_app.domain.identifiers import derived_id, new_id
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation.physics import acting

HOUR_US = 3600 * MICROS_PER_S


class _Event(NamedTuple):
    """A fault that stood from so many hours before the start for so many hours, begun at a severity."""

    before_h: float
    lasted_h: float
    key: str
    asset_code: str
    severity: float = 0.0
    signal: str = ""


_EVENTS = (
    _Event(30 * 24, 0.7, acting.COMM_LOSS, "G-2", 0.6),  # The figures count from the first entry of the journal.
    _Event(28 * 24 + 3, 2.5, acting.CAVITATION, "P-504", 0.2),
    _Event(27 * 24 + 5, 70, acting.SEAL_LEAK, "P-503"),
    _Event(25 * 24 + 7, 0.6, acting.COMM_LOSS, "G-5", 0.6),
    _Event(24 * 24 + 2, 1.5, acting.IMPELLER_IMBALANCE, "CT-101"),
    _Event(23 * 24 + 1, 9.6 * 24, acting.FILTER_CLOG, "C-201"),
    _Event(20 * 24 + 8, 1.2, acting.POWER_DIP, "C-201"),
    _Event(17 * 24 + 6, 3, acting.CAVITATION, "P-502", 0.1),
    _Event(15 * 24 + 9, 26, acting.COOL_BLOCKED, "IM-12"),
    _Event(13 * 24 + 4, 0.4, acting.ALARM_FLOOD, "P-101A"),
    _Event(11 * 24 + 2, 9, acting.TOOL_WEAR, "CNC-31", 0.3),
    _Event(9 * 24 + 5, 0.7, acting.COMM_LOSS, "G-3", 0.6),
    _Event(6 * 24 + 3, 2.2, acting.CAVITATION, "P-501", 0.3),
    _Event(5 * 24 + 7, 8, acting.CAPPER_JAM, "C-42", 0.5),
    _Event(3 * 24 + 6, 0.8, acting.CHATTERING, "L-43"),
    _Event(2 * 24 + 8, 1.5, acting.SENSOR_SPIKE, "P-506", 0.0, "Vibration_mm_s"),
    _Event(30, 1, acting.COMM_LOSS, "G-1", 0.6),
)


class _Scene(NamedTuple):
    """A fault that stands when the plant opens, at a severity to which it has grown in the time before."""

    key: str
    asset_code: str
    severity: float


_OPENING = (
    _Scene(acting.FILTER_CLOG, "C-201", 0.93),  # An alarm that stands; the filter was changed 13.4 days ago.
    _Scene(acting.LINK_WEAK, "G-7", 1.0),  # A second one, of the least priority.
    _Scene(acting.COMM_LOSS, "G-12", 0.6),  # One that returns after three minutes, and waits to be acknowledged.
    _Scene(acting.CHATTERING, "L-43", 0.0),  # One that comes and goes, and is therefore shelved.
    _Scene(acting.CAPPER_JAM, "C-42", 0.95),  # Begun in this shift or the one before: packing misses its target.
)


class Shelving(NamedTuple):
    """An alarm that somebody on shift shelves soon after the plant has opened."""

    rule_id: str
    username: str
    for_s: float
    reason: str


SHELVING = Shelving("l-43-glue-low", "erin.engineer", 4 * 3600.0, "Float switch hangs; tank is full, seen on site.")


def opening(at: Micros) -> tuple[InjectedFault, ...]:
    """Return what stands, beside the bearing's wear, when the whole plant opens."""
    return tuple(InjectedFault(new_id(at), key, code, "", at, severity) for key, code, severity in _OPENING)


def repaired(since: int) -> tuple[InjectedFault, ...]:
    """Return the faults that stood before the plant's first start, oldest first."""
    found = []
    for event in _EVENTS:
        begun = Micros(since - round(event.before_h * HOUR_US))
        ended = Micros(begun + round(event.lasted_h * HOUR_US))
        id = derived_id(begun, "story", event.key, event.asset_code)
        found.append(InjectedFault(id, event.key, event.asset_code, event.signal, begun, event.severity, ended))
    return tuple(found)
