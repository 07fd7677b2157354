"""Tells the alarms at which sites a shift runs, by the calendars that are kept, so that rules can be silent off shift.

``ShiftWatch(work, watch, clock)``; run `run` under the supervisor. A site without a calendar is not told of: its rules
call at every hour. While the database is out, the calendars read last go on.
"""

from zoneinfo import ZoneInfo

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.shifts import ShiftCalendar
from pdm_app.engine.alarm_watch import AlarmWatch

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0  # So late a rule may fall silent, or speak, at the change of shifts.
READ_EVERY_US = 30 * MICROS_PER_S  # So late a changed calendar is in force.


class ShiftWatch:
    """Looks at the clock of each site."""

    def __init__(self, work: UnitOfWork, watch: AlarmWatch, clock: Clock) -> None:
        self._work = work
        self._watch = watch
        self._clock = clock
        self._calendars: list[tuple[ShiftCalendar, ZoneInfo]] = []
        self._read_at: Micros | None = None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.step()
            await self._clock.sleep(LOOK_EVERY_S)

    async def step(self) -> None:
        """Look once."""
        now = self._clock.now()
        if self._read_at is None or abs(now - self._read_at) >= READ_EVERY_US:
            await self._read(now)
        runs = {calendar.site_id: calendar.at(now, zone) is not None for calendar, zone in self._calendars}
        if runs:
            await self._watch.tell_shifts(runs)

    async def _read(self, now: Micros) -> None:
        try:
            async with self._work(EVERY_SITE) as work:
                zones = {site.id: ZoneInfo(site.time_zone) for site in await work.sites.all()}
                calendars = await work.shifts.all()
        except UnavailableError as error:
            log.debug("the shift calendars could not be read", error=error.message)
            return
        self._calendars = [(calendar, zones[calendar.site_id]) for calendar in calendars if calendar.site_id in zones]
        self._read_at = now
