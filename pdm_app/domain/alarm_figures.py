"""How good the alarm system is: the figures by which alarms are managed.

Only annunciations count: raisings that called for an operator. Acknowledgements, returns, notes, and coming back from
the shelf are in the same journal and would make a busy system out of a calm one.

Source: ANSI/ISA-18.2-2016, clause 16 (monitoring and assessment), with the thresholds of EEMUA 191. What chatters and
what is fleeting is not fixed there; the values below are ours.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from pdm_app.domain.alarm_heat import AlarmHeat
from pdm_app.domain.alarms import PRIORITIES, AlarmState, JournalKind
from pdm_app.domain.record import Record
from pdm_app.domain.samples import MICROS_PER_S

S = MICROS_PER_S
TEN_MINUTES = 600 * S
HOUR = 3600 * S
DAY = 86_400 * S
FLOOD_FROM = 10  # More than this many in ten minutes begin a flood,
FLOOD_TO = 5  # fewer than this many end it.
BUSY_HOUR = 30
CHATTERS = 3  # raisings of one rule
CHATTERS_IN = 60 * S
FLEETS_BELOW = 10 * S
STALE_FROM = DAY
TOP = 10

Advice = Literal["chattering", "fleeting", "stale", "frequent"]
Rating = Literal["good", "manageable", "over", "unknown"]


class Happening(NamedTuple):
    """What the figures need of a journal entry; ``at`` is microseconds UTC."""

    at: int
    rule_id: str
    kind: JournalKind
    state: AlarmState
    priority: int


class AlarmFigure(Record):
    """One figure with what it should be at best, and what can still be managed."""

    key: str
    value: float | None
    target: float
    most: float
    rating: Rating


class PriorityShare(Record):
    """How many annunciations were of a priority, and how many should be."""

    priority: int
    count: int
    share: float
    target: float


class BadActor(Record):
    """A rule that makes much of the load, and what to do about it first."""

    rule_id: str
    count: int
    share: float
    chattering: int = Field(description="Raisings within a minute of at least two others.")
    fleeting: int
    stale: int
    advice: Advice


class AlarmScorecard(Record):
    """The figures of a period; ratios are 0 to 1."""

    start_at: int
    end_at: int
    days: float = Field(description="Of data; below 30 the figures are early ones.")
    annunciated: int
    figures: tuple[AlarmFigure, ...]
    priorities: tuple[PriorityShare, ...]
    bad_actors: tuple[BadActor, ...]
    per_hour: tuple[Annotated[int, Field(ge=0)], ...] = Field(description="Annunciations of each hour from start_at.")
    heat: AlarmHeat | None = Field(default=None, description="When they came; None where nobody asked by whose clock.")
    is_cut: bool = Field(default=False, description="There was more than is counted; only the newest part is.")


class _Interval(NamedTuple):
    start: int
    end: int


PRIORITY_TARGETS = {1: 0.01, 2: 0.04, 3: 0.15, 4: 0.80}
_LIMITS: dict[str, tuple[float, float]] = {
    "per_day": (150, 300),
    "per_hour": (6, 12),
    "per_ten_minutes": (1, 2),
    "busy_hours": (0.01, 0.01),
    "busy_periods": (0.01, 0.01),
    "most_in_ten_minutes": (10, 10),
    "in_flood": (0.01, 0.01),
    "top_ten": (0.01, 0.05),
    "chattering": (0, 0),
    "fleeting": (0, 0),
    "stale": (5, 5),
    "unapproved": (0, 0),
}


def scorecard(happenings: Iterable[Happening], start_at: int, end_at: int, *, is_cut: bool = False) -> AlarmScorecard:
    """Rate a period.

    Args:
        happenings: What is in the journal, oldest first; what lies before the period says what stood when it began.
        start_at: From here on there is data, microseconds UTC.
        end_at: Up to here, exclusive.
        is_cut: Whether there is more than was handed over.
    """
    events = [happening for happening in happenings if happening.at < end_at]
    called = [each for each in events if calls(each) and each.at >= start_at]
    intervals = _intervals(events, end_at)
    span = max(end_at - start_at, 1)
    hours = _counts(called, start_at, span, HOUR)
    periods = _counts(called, start_at, span, TEN_MINUTES)
    per_rule = Counter(each.rule_id for each in called)
    chattering, fleeting, stale = _chattering(called), _fleeting(called, intervals), _stale(intervals, start_at, end_at)
    total, days = len(called), span / DAY
    top = sum(count for _, count in per_rule.most_common(TOP))
    values = {
        "per_day": total / days,
        "per_hour": total / (span / HOUR),
        "per_ten_minutes": total / (span / TEN_MINUTES),
        "busy_hours": sum(count > BUSY_HOUR for count in hours) / len(hours),
        "busy_periods": sum(count > FLOOD_FROM for count in periods) / len(periods),
        "most_in_ten_minutes": float(max(periods)),
        "in_flood": sum(_floods(periods)) / len(periods),
        "top_ten": top / total if total else None,
        "chattering": float(sum(count > 0 for count in chattering.values())),
        "fleeting": float(sum(fleeting.values())),
        "stale": float(_most_stale(intervals, start_at, end_at)),
    }
    return AlarmScorecard(
        start_at=start_at,
        end_at=end_at,
        days=days,
        annunciated=total,
        figures=tuple(rated(key, value) for key, value in values.items()),
        priorities=_shares(called),
        bad_actors=tuple(
            _actor(rule_id, count, total, chattering, fleeting, stale) for rule_id, count in per_rule.most_common(TOP)
        ),
        per_hour=tuple(hours),
        is_cut=is_cut,
    )


def calls(happening: Happening) -> bool:
    """Whether it called for an operator: the only thing that is counted as an alarm."""
    return happening.kind is JournalKind.RAISED and happening.state is AlarmState.UNACKNOWLEDGED


def rated(key: str, value: float | None) -> AlarmFigure:
    """Set a figure beside its target."""
    target, most = _LIMITS[key]
    if value is None:
        rating: Rating = "unknown"
    else:
        rating = "good" if value <= target else "manageable" if value <= most else "over"
    return AlarmFigure(key=key, value=value, target=target, most=most, rating=rating)


def _counts(called: Sequence[Happening], start_at: int, span: int, width: int) -> list[int]:
    """Return how many fall into each period of ``width`` from ``start_at``; the last one may be shorter."""
    counts = [0] * max(1, -(-span // width))
    for each in called:
        counts[(each.at - start_at) // width] += 1
    return counts


def _floods(periods: Sequence[int]) -> list[bool]:
    """Return which ten-minute periods belong to a flood."""
    flooded, is_flood = [], False
    for count in periods:
        is_flood = count >= FLOOD_TO if is_flood else count > FLOOD_FROM
        flooded.append(is_flood)
    return flooded


def _intervals(events: Sequence[Happening], end_at: int) -> dict[str, list[_Interval]]:
    """Return, for each rule, from when to when it stood announced because of the process."""
    open_since: dict[str, int] = {}
    found: dict[str, list[_Interval]] = defaultdict(list)
    for each in events:
        if each.state.is_active:
            open_since.setdefault(each.rule_id, each.at)
        elif each.rule_id in open_since:
            found[each.rule_id].append(_Interval(open_since.pop(each.rule_id), each.at))
    for rule_id, since in open_since.items():
        found[rule_id].append(_Interval(since, end_at))
    return found


def _times(called: Sequence[Happening]) -> dict[str, list[int]]:
    times: dict[str, list[int]] = defaultdict(list)
    for each in called:
        times[each.rule_id].append(each.at)
    return times


def _chattering(called: Sequence[Happening]) -> Counter[str]:
    """Count, of each rule, the raisings that lie with at least two others of it within a minute."""
    found: Counter[str] = Counter()
    for rule_id, times in _times(called).items():
        chatters: set[int] = set()
        for place, at in enumerate(times):
            last = bisect_right(times, at + CHATTERS_IN)
            if last - place >= CHATTERS:
                chatters |= set(range(place, last))
        if chatters:
            found[rule_id] = len(chatters)
    return found


def _fleeting(called: Sequence[Happening], intervals: dict[str, list[_Interval]]) -> Counter[str]:
    """Count, of each rule, what stood for less than ten seconds, with no other raising within a minute."""
    found: Counter[str] = Counter()
    for rule_id, times in _times(called).items():
        ends = {interval.start: interval.end for interval in intervals.get(rule_id, ())}
        for at in times:
            near = bisect_right(times, at + CHATTERS_IN) - bisect_left(times, at - CHATTERS_IN)
            if near == 1 and ends.get(at, at + FLEETS_BELOW) - at < FLEETS_BELOW:
                found[rule_id] += 1
    return found


def _stale(intervals: dict[str, list[_Interval]], start_at: int, end_at: int) -> Counter[str]:
    """Count, of each rule, what stood for more than a day, any of that within the period."""
    return Counter(
        {
            rule_id: count
            for rule_id, mine in intervals.items()
            if (count := sum(_is_stale_in(interval, start_at, end_at) for interval in mine))
        }
    )


def _is_stale_in(interval: _Interval, start_at: int, end_at: int) -> bool:
    return interval.start + STALE_FROM < min(interval.end, end_at) and interval.end > start_at


def _most_stale(intervals: dict[str, list[_Interval]], start_at: int, end_at: int) -> int:
    """Return how many were stale on the worst day, counted in days of 24 h from ``start_at``."""
    days: Counter[int] = Counter()
    for mine in intervals.values():
        for interval in mine:
            first, last = max(interval.start + STALE_FROM, start_at), min(interval.end, end_at)
            if first < last:
                days.update(range((first - start_at) // DAY, (last - 1 - start_at) // DAY + 1))
    return max(days.values(), default=0)


def _shares(called: Sequence[Happening]) -> tuple[PriorityShare, ...]:
    counts = Counter(each.priority for each in called)
    return tuple(
        PriorityShare(
            priority=priority,
            count=counts[priority],
            share=counts[priority] / len(called) if called else 0.0,
            target=PRIORITY_TARGETS[priority],
        )
        for priority in PRIORITIES
    )


def _actor(
    rule_id: str, count: int, total: int, chattering: Counter[str], fleeting: Counter[str], stale: Counter[str]
) -> BadActor:
    advice: Advice = "frequent"
    if stale[rule_id]:
        advice = "stale"
    if fleeting[rule_id] * 2 >= count:
        advice = "fleeting"
    if chattering[rule_id]:
        advice = "chattering"
    return BadActor(
        rule_id=rule_id,
        count=count,
        share=count / total,
        chattering=chattering[rule_id],
        fleeting=fleeting[rule_id],
        stale=stale[rule_id],
        advice=advice,
    )
