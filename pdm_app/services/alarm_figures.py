"""How good the alarm system is: the scorecard of a period, and the rules that make most of the load.

``AlarmFiguresService(work, clock)``.
"""

import asyncio
from zoneinfo import ZoneInfo

from pdm_app.domain.access import Actor
from pdm_app.domain.alarm_figures import DAY, AlarmScorecard, calls, rated, scorecard
from pdm_app.domain.alarm_heat import heat_of
from pdm_app.domain.audit import PAGE_MAX, AuditQuery
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.services.alarm_reach import reach_of

DAYS_MAX = 92
HAPPENINGS_MAX = 300_000  # A thousand alarms a day for three months; reading them takes a few seconds.
CHANGES_MAX = 20 * PAGE_MAX  # Of rules in the period; whoever brings in more by sheets has approvals to give anyway.
LOOKED_BACK = 8 * DAY  # What was raised up to a week before the period and still stood in it.


class AlarmFiguresService:
    """Reads of the journal as figures."""

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def scorecard(
        self, actor: Actor, days: float = 30.0, site_id: str | None = None, zone: str = "UTC"
    ) -> AlarmScorecard:
        """Rate the last days of one site, or of all in reach together.

        A journal that begins later shortens the period: ``days`` of the answer says what there is. Weekdays and hours
        are told by the clock of ``zone``, an IANA name.

        Raises:
            NotFoundError: The site lies outside the actor's.
            InvalidInputError: The period is empty or too long, or there is no such zone.
        """
        reach_of(actor, site_id)
        clock = _zone(zone)
        if not 0 < days <= DAYS_MAX:
            raise InvalidInputError(
                f"A scorecard is made of up to {DAYS_MAX} days, not of {days:g}.",
                [FieldIssue("days", "is out of bounds", f"give more than 0 and at most {DAYS_MAX}")],
            )
        end_at = self._clock.now() + 1  # What happened at this moment has happened.
        return await self.between(actor, end_at - round(days * DAY), end_at, site_id, clock)

    async def between(
        self, actor: Actor, start_at: int, end_at: int, site_id: str | None, clock: ZoneInfo
    ) -> AlarmScorecard:
        """Rate the time from a moment up to, and without, another one; as `scorecard`.

        Raises:
            NotFoundError: The site lies outside the actor's.
        """
        reach_of(actor, site_id)
        async with self._work(actor.scope) as work:
            begins_at = await work.alarms.journal_begins_at(site_id)
            happenings = await work.alarms.happenings(start_at - LOOKED_BACK, end_at, site_id, HAPPENINGS_MAX)
            unapproved = await _unapproved(work, start_at, site_id)
        known_from = begins_at if begins_at is not None else end_at
        is_cut = len(happenings) == HAPPENINGS_MAX and happenings[0].at > start_at
        if is_cut:
            known_from = happenings[0].at
        start_at = max(start_at, min(known_from, end_at - 1))

        def reckoned() -> AlarmScorecard:
            card = scorecard(happenings, start_at, end_at, is_cut=is_cut)
            called = [happening.at for happening in happenings if calls(happening)]
            figures = (*card.figures, rated("unapproved", float(unapproved)))
            heat = heat_of(called, card.start_at, card.end_at, clock)
            return card.model_copy(update={"figures": figures, "heat": heat})

        return await asyncio.to_thread(reckoned)  # Three months take a while, and others ask too.


def _zone(name: str) -> ZoneInfo:
    """Return a zone; a list of all of them would be read from hundreds of files at each question."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # Unknown, no name at all, or a folder of names.
        raise InvalidInputError(
            f"There is no time zone {name!r}.",
            [FieldIssue("zone", "is no time zone", "send a name such as Europe/Vienna")],
        ) from None


async def _unapproved(work: Work, start_at: int, site_id: str | None) -> int:
    """Count the rules in force that somebody made or changed in the period and nobody has approved since."""
    waiting = {
        rule.id
        for rule in await work.alarms.rules()
        if rule.enabled and rule.approved_at is None and site_id in (None, rule.site_id)
    }
    changed: set[str] = set()
    query = AuditQuery(start_at=start_at, action="alarm_rules.", subject="alarm_rule", limit=PAGE_MAX)
    for _ in range(0, CHANGES_MAX, PAGE_MAX):
        entries = await work.audit.page(query)
        changed.update(entry.subject_id for entry in entries)
        if len(entries) < PAGE_MAX:
            break
        query = query.model_copy(update={"before": entries[-1].seq})
    return len(changed & waiting)
