"""Has closed days go from hot rows to cold files, one after the other, beside everything else.

``Cooling(store, fence, clock)``; run `run` under the supervisor with ``backoff=cooling.backoff``. It may be late or
away without harm: what is not cold is hot, and reads see both.
"""

from collections.abc import Awaitable, Callable

import structlog

from pdm_app.domain.cold import ColdStore
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock, Fence
from pdm_app.engine.supervisor import Backoff

log = structlog.get_logger(__name__)

HOT_DAYS = 2
"""Today and yesterday stay hot: what comes late comes mostly within a day, and is then no new file."""
FIRST_LOOK_S = 60.0  # A start has better things to do.
LOOK_EVERY_S = 900.0
BREATH_S = 5.0  # Between two days of a backlog.


class Cooling:
    """The loop that keeps the hot tables small.

    Args:
        store: Knows which days are due.
        fence: Returns the proof of the lease once it is held.
        clock: Injected time.
        hot_days: Days, with today, that stay hot; may be changed while it runs.
    """

    def __init__(
        self, store: ColdStore, fence: Callable[[], Awaitable[Fence]], clock: Clock, hot_days: int = HOT_DAYS
    ) -> None:
        self._store = store
        self._fence = fence
        self._clock = clock
        self.hot_days = hot_days
        self.backoff = Backoff(first_s=30.0, cap_s=1800.0)
        self.days = 0
        self.hours = 0
        self.moved = 0
        self.trouble = ""

    async def run(self) -> None:
        """Compact for ever; cancellation leaves a day either hot, or in a file with some hot rows too many.

        Raises:
            UnavailableError: The database does not answer now; run again later.
            FencedError: Another process holds the lease.
        """
        await self._clock.sleep(FIRST_LOOK_S)
        while True:
            await self._fence()
            trouble = ""
            for day in await self._store.due(self.hot_days):
                try:
                    done = await self._store.compact(await self._fence(), day.start_at)
                except UnavailableError as error:
                    trouble = error.message  # A full disk or a damaged file: the day stays hot, others go on.
                    continue
                if done is not None:
                    self.days += 1
                    log.info("a closed day is cold", file=done.file.name, samples=done.samples, bytes=done.file.bytes)
                await self._clock.sleep(BREATH_S)
            try:
                await self._cool_hours()
            except UnavailableError as error:
                trouble = error.message
            try:
                self.moved += await self._store.move(await self._fence())
            except UnavailableError as error:
                trouble = error.message
            if trouble and trouble != self.trouble:
                log.warning("closed days stay hot", error=trouble)
            self.trouble = trouble
            self.backoff.reset()
            await self._clock.sleep(LOOK_EVERY_S)

    async def _cool_hours(self) -> None:
        due = await self._store.due_hours()
        if due is None:
            return
        done = await self._store.compact_hours(await self._fence(), due)
        if done is not None:
            self.hours += 1
            log.info("closed hours are cold", file=done.file.name, samples=done.samples, bytes=done.file.bytes)
