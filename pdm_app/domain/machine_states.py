"""What a machine does at a moment, found from its signals by rules, for the purpose of counting time.

Rules are looked at in order and the first that holds decides. A rule holds while its signal's value lies in its band.
Values stand until the next sample, as steps do, but no longer than the gap that the machine allows: of a signal that
has fallen silent nothing is known. Where a rule's own signal is not known, nothing is known of the machine, unless an
earlier rule has decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from pdm_app.domain.record import Facts, Id, SignalNumber
from pdm_app.domain.samples import F8, I8, QUALITY_BAD_MIN, Stretch

RULES_MAX = 40
PLANNED_STOP, UNKNOWN, NONE_HOLDS = -3, -2, -1

Limit = Annotated[float, Field(allow_inf_nan=False)]


class MachineState(StrEnum):
    """A kind of time. ``minor_stop`` follows from the length of a stop and ``unscheduled`` from the calendar."""

    RUNNING = "running"
    SLOW = "slow"
    MINOR_STOP = "minor_stop"
    IDLE = "idle"
    STARVED = "starved"
    BLOCKED = "blocked"
    SETUP = "setup"
    PLANNED = "planned"
    DOWN = "down"
    NO_DATA = "no_data"
    UNSCHEDULED = "unscheduled"

    @property
    def runs(self) -> bool:
        return self in (MachineState.RUNNING, MachineState.SLOW)

    @property
    def is_stop(self) -> bool:
        """Whether it is time in which the machine stood, and for which a reason is asked."""
        return self in STOPS


STOPS = (
    MachineState.MINOR_STOP,
    MachineState.IDLE,
    MachineState.STARVED,
    MachineState.BLOCKED,
    MachineState.SETUP,
    MachineState.PLANNED,
    MachineState.DOWN,
)
FOUND = tuple(state for state in MachineState if state not in (MachineState.MINOR_STOP, MachineState.UNSCHEDULED))
"""What a rule may say."""


class StateRule(Facts):
    """While ``low <= value < high`` of a signal, the machine is in ``state``; a bound that is None is not looked at."""

    signal_id: SignalNumber
    low: Limit | None = None
    high: Limit | None = None
    state: MachineState
    reason_id: Id | None = Field(default=None, description="What the machine itself says of why it stands.")
    may_be_minor: bool = Field(default=True, description="Whether a short one counts as a minor stop.")

    @model_validator(mode="after")
    def _can_hold(self) -> "StateRule":
        if self.low is not None and self.high is not None and self.high <= self.low:
            raise ValueError("high must be above low")
        if self.state not in FOUND:
            raise ValueError(f"{self.state} follows from length or calendar; no rule can say it")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Spells:
    """Which rule held when: spell k begins at ``begin_at[k]`` and lasts until the next one, the last until the end.

    Attributes:
        begin_at: Microseconds UTC, strictly rising.
        rule: Place of the rule; `NONE_HOLDS` or `UNKNOWN` where there is none, `PLANNED_STOP` where the machine stood
            and was to stand.
    """

    begin_at: I8
    rule: I8


def spells(
    rules: Sequence[StateRule], stretches: Mapping[int, Stretch], begin_at: int, end_at: int, gap_us: int
) -> Spells:
    """Return which rule held over a span, every moment of it.

    Args:
        rules: In order.
        stretches: Samples of their signals over the span, and before them what stood when it began.
        begin_at: Microseconds UTC, included.
        end_at: Excluded; after ``begin_at``.
        gap_us: So long a value stands without another sample.
    """
    lines = {number: _line(stretches.get(number), gap_us) for number in {rule.signal_id for rule in rules}}
    edges = np.unique(np.concatenate([np.array([begin_at], np.int64), *(line[0] for line in lines.values())]))
    edges = edges[(edges >= begin_at) & (edges < end_at)]
    held = np.full(len(edges), NONE_HOLDS, np.int64)
    open_yet = np.ones(len(edges), bool)
    for place, rule in enumerate(rules):
        at, value = lines[rule.signal_id]
        now = _at(at, value, edges)
        unknown = np.isnan(now)
        with np.errstate(invalid="ignore"):
            holds = ~unknown
            if rule.low is not None:
                holds &= now >= rule.low
            if rule.high is not None:
                holds &= now < rule.high
        held[open_yet & unknown] = UNKNOWN
        held[open_yet & holds] = place
        open_yet &= ~(unknown | holds)
    if not rules:
        held[:] = UNKNOWN
    new = np.concatenate([[True], held[1:] != held[:-1]])
    return Spells(edges[new], held[new])


def planned(found: Spells, rules: Sequence[StateRule], stops: Sequence[tuple[int, int]], cuts: Sequence[int]) -> Spells:
    """Lay planned time over what held: what stood in it was planned, and what ran or is not known stays.

    Args:
        found: As `spells` returns it.
        rules: Those of the spells.
        stops: Planned time as begin and end, apart from each other, in order.
        cuts: Moments at which a spell ends and goes on as another, such as a change of order.
    """
    begin_at = int(found.begin_at[0])
    if not stops and not any(cut > begin_at for cut in cuts):
        return found
    edges = np.array([edge for stop in stops for edge in stop], np.int64)
    all_at = np.unique(np.concatenate([found.begin_at, edges, np.array(cuts, np.int64)]))
    all_at = all_at[all_at >= begin_at]
    rule = found.rule[np.searchsorted(found.begin_at, all_at, side="right") - 1]
    stands = np.array([NONE_HOLDS, *(place for place, one in enumerate(rules) if one.state.is_stop)], np.int64)
    inside = np.searchsorted(edges, all_at, side="right") % 2 == 1
    return Spells(all_at, np.where(inside & np.isin(rule, stands), PLANNED_STOP, rule))


def _line(stretch: Stretch | None, gap_us: int) -> tuple[I8, F8]:
    """Return the changes of a value that stands until the next sample, and no longer than the gap."""
    if stretch is None or not len(stretch):
        return np.zeros(0, np.int64), np.zeros(0)
    at = stretch.source_at
    value = np.where(stretch.quality >= QUALITY_BAD_MIN, np.nan, stretch.value)
    silent = np.append(at[1:], np.iinfo(np.int64).max) - at > gap_us
    at = np.concatenate([at, at[silent] + gap_us])
    value = np.concatenate([value, np.full(int(silent.sum()), np.nan)])
    order = np.argsort(at, kind="stable")
    at, value = at[order], value[order]
    both_unknown = np.isnan(value[1:]) & np.isnan(value[:-1])
    new = np.concatenate([[True], (value[1:] != value[:-1]) & ~both_unknown])
    return at[new], value[new]


def _at(at: I8, value: F8, edges: I8) -> F8:
    place = np.searchsorted(at, edges, side="right") - 1
    known: F8 = np.where(place >= 0, value[np.clip(place, 0, None)] if len(value) else np.nan, np.nan)
    return known
