"""How good the alarm system is: the scorecard of a period, and the rules that make most of the load.

``AlarmFiguresService(work, clock)``.
"""

from pdm_app.domain.access import Actor
from pdm_app.domain.alarm_figures import DAY, AlarmScorecard, scorecard
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.alarm_reach import reach_of

DAYS_MAX = 92
HAPPENINGS_MAX = 300_000  # A thousand alarms a day for three months; reading them takes a few seconds.
LOOKED_BACK = 8 * DAY  # What was raised up to a week before the period and still stood in it.


class AlarmFiguresService:
    """Reads of the journal as figures."""

    def __init__(self, work: UnitOfWork, clock: Clock) -> None:
        self._work = work
        self._clock = clock

    async def scorecard(self, actor: Actor, days: float = 30.0, site_id: str | None = None) -> AlarmScorecard:
        """Rate the last days of one site, or of all in reach together.

        A journal that begins later shortens the period: ``days`` of the answer says what there is.

        Raises:
            NotFoundError: The site lies outside the actor's.
            InvalidInputError: The period is empty or too long.
        """
        reach_of(actor, site_id)
        if not 0 < days <= DAYS_MAX:
            raise InvalidInputError(
                f"A scorecard is made of up to {DAYS_MAX} days, not of {days:g}.",
                [FieldIssue("days", "is out of bounds", f"give more than 0 and at most {DAYS_MAX}")],
            )
        end_at = self._clock.now() + 1  # What happened at this moment has happened.
        start_at = end_at - round(days * DAY)
        async with self._work(actor.scope) as work:
            begins_at = await work.alarms.journal_begins_at(site_id)
            happenings = await work.alarms.happenings(start_at - LOOKED_BACK, end_at, site_id, HAPPENINGS_MAX)
        known_from = begins_at if begins_at is not None else end_at
        is_cut = len(happenings) == HAPPENINGS_MAX and happenings[0].at > start_at
        if is_cut:
            known_from = happenings[0].at
        start_at = max(start_at, min(known_from, end_at - 1))
        return scorecard(happenings, start_at, end_at, is_cut=is_cut)
