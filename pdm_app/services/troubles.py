"""When a machine was not well, by what is on record: maintenance events, confirmed cases, urgent alarms.

They are left out of what a model learns from, and are what a backtest asks it to have seen.
"""

from collections.abc import Sequence

from pdm_app.domain.alarms import JournalKind, JournalQuery
from pdm_app.domain.cases import CaseQuery, CaseState
from pdm_app.domain.maintenance_events import EventQuery
from pdm_app.domain.repositories import Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.training import EXCLUDED_MAX, ExclusionKind, KnownTrouble, Span

URGENT_MAX = 2
"""Alarms of the two highest priorities are trouble; the others are often no more than a nuisance."""
AROUND_US = 600 * MICROS_PER_S
ALARM_US_MAX = 7 * 86_400 * MICROS_PER_S
ENTRIES_MAX = 500


async def troubles_of(work: Work, asset_id: str, span: Span, now: int) -> tuple[KnownTrouble, ...]:
    """Return the troubles of a machine that touch a span, oldest first; the newest where there are too many."""
    found = [*await _events(work, asset_id, now), *await _cases(work, asset_id), *await _alarms(work, asset_id, span)]
    inside = [each for each in found if each.start_at < span.end_at and each.end_at > span.start_at]
    return tuple(sorted(inside, key=lambda each: (each.start_at, each.id))[-EXCLUDED_MAX:])


async def _events(work: Work, asset_id: str, now: int) -> Sequence[KnownTrouble]:
    events = await work.maintenance.events(EventQuery(asset_id=asset_id, limit=EXCLUDED_MAX))
    return [
        KnownTrouble(
            kind=ExclusionKind.EVENT, id=event.id, name=event.name, start_at=max(0, event.opened_at - AROUND_US),
            end_at=max(event.resolved_at or event.ended_at or now, event.opened_at) + AROUND_US, is_failure=True,
        )
        for event in events
    ]  # fmt: skip


async def _cases(work: Work, asset_id: str) -> Sequence[KnownTrouble]:
    """Return cases; a rejected one was none, and one that is open may be one."""
    cases = await work.cases.page(CaseQuery(asset_id=asset_id, is_closed=None, limit=EXCLUDED_MAX))
    return [
        KnownTrouble(
            kind=ExclusionKind.CASE, id=case.id, name=case.title, start_at=max(0, case.opened_at - AROUND_US),
            end_at=max(case.changed_at, case.opened_at) + AROUND_US, is_failure=_is_confirmed(case.state, case.verdict),
        )
        for case in cases
        if case.verdict is not CaseState.REJECTED
    ]  # fmt: skip


def _is_confirmed(state: CaseState, verdict: CaseState | None) -> bool:
    return CaseState.CONFIRMED in (state, verdict)


async def _alarms(work: Work, asset_id: str, span: Span) -> Sequence[KnownTrouble]:
    """Pair the rises and returns of urgent alarms; one that has not returned stands to the end of the span."""
    entries = await work.alarms.journal(
        JournalQuery(
            asset_id=asset_id, kinds=(JournalKind.RAISED, JournalKind.RETURNED), priorities=(1, 2),
            start_at=max(0, span.start_at - ALARM_US_MAX), end_at=span.end_at, limit=ENTRIES_MAX,
        )
    )  # fmt: skip
    found: list[KnownTrouble] = []
    ends: dict[str, int] = {}
    for entry in entries:  # The newest first, so that a return is met before the rise it ends.
        if entry.kind is JournalKind.RETURNED:
            ends[entry.alarm_id] = entry.at
        elif entry.priority <= URGENT_MAX:
            end = ends.pop(entry.alarm_id, span.end_at)
            found.append(
                KnownTrouble(
                    kind=ExclusionKind.ALARM, id=entry.id, name=entry.name, start_at=max(0, entry.at - AROUND_US),
                    end_at=max(end, entry.at) + AROUND_US, is_failure=True,
                )
            )  # fmt: skip
    return found
