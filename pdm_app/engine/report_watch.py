"""Makes reports at their dates, and removes copies whose time is over.

What was due while nothing ran is made once, for the newest of the dates, and the copy counts the others. A date is
noted in the transaction that stores its copy and its messages: a crash makes it again or not at all, never twice.
"""

from collections.abc import Awaitable, Callable

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.reports import CopyState, ReportDefinition
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.engine.supervisor import Backoff
from pdm_app.services.report_making import ReportMaker, Standing

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 10.0  # So late a report may be made.
FORGOTTEN_PER_STEP = 50
TIDY_EVERY_US = 3_600 * MICROS_PER_S


class ReportWatch:
    """Run `run` under the supervisor with ``backoff=watch.backoff``.

    Args:
        work: Where reports are.
        maker: Makes them.
        clock: Injected time.
        fence: Proof of the collector lease.
    """

    def __init__(
        self, work: UnitOfWork, maker: ReportMaker, clock: Clock, fence: Callable[[], Awaitable[Fence]]
    ) -> None:
        self._work = work
        self._maker = maker
        self._clock = clock
        self._fence = fence
        self._tidy_at = Micros(0)
        self.backoff = Backoff(first_s=1.0, cap_s=30.0)

    async def run(self) -> None:
        """Look until cancelled.

        Raises:
            UnavailableError: The database does not answer; run again, no date is forgotten.
            FencedError: Another process makes reports.
        """
        while True:
            await self.step()
            await self.tidy()
            self.backoff.reset()
            await self._clock.sleep(LOOK_EVERY_S)

    async def step(self) -> None:
        """Make what is due, one after the other."""
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            reports = await work.reports.all()
        for report in reports:
            await self._look_at(report, now)

    async def _look_at(self, report: ReportDefinition, now: Micros) -> None:
        due = report.schedule.newest(report.made_for_at, now) if report.schedule is not None else None
        if due is None:
            return
        due_at, missed = due
        copy = await self._maker.make_due(report, Standing(due_at, missed, await self._fence()))
        if copy.state is CopyState.FAILED:
            log.warning("a report could not be made", report=report.name, why=copy.problem)
        else:
            log.info("a report is made", report=report.name, file=copy.file_name, missed=missed)

    async def tidy(self) -> None:
        """Once an hour, remove copies whose time is over, a part at a time."""
        now = self._clock.now()
        if now < self._tidy_at:
            return
        async with self._work(EVERY_SITE) as work:
            await work.hold(await self._fence())
            forgotten = await work.reports.forget(now, FORGOTTEN_PER_STEP)
            await work.commit()
        if forgotten == 0:
            self._tidy_at = Micros(now + TIDY_EVERY_US)
