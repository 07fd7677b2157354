"""Keeps the words of journal entries that an earlier release has stored, so that searches of a long journal are fast.

``JournalWords(work, clock, fence)``; run `run` under the supervisor. Until it is done, a search for a rare word reads
the whole journal. It goes from the newest entry to the oldest, in small transactions with a pause after each.
"""

from collections.abc import Awaitable, Callable

import structlog

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.repositories import UnitOfWork

log = structlog.get_logger(__name__)

ROWS_AT_ONCE = 500
PAUSE_S = 0.2  # Ten million entries take an hour or two, and nobody notices.
TOLD_EVERY = 100_000


class JournalWords:
    """One walk through the journal."""

    def __init__(self, work: UnitOfWork, clock: Clock, fence: Callable[[], Awaitable[Fence]]) -> None:
        self._work = work
        self._clock = clock
        self._fence = fence

    async def run(self) -> None:
        """Walk until every entry has its words, then end; what was done before a fault stays done.

        Raises:
            FencedError: Another process keeps them; this one must stop.
        """
        done = told = 0
        while True:
            fence = await self._fence()
            async with self._work(EVERY_SITE) as work:
                now_done = await work.alarms.catch_up_words(ROWS_AT_ONCE)
                if now_done:
                    await work.hold(fence)
                    await work.commit()
            if not now_done:
                break
            done += now_done
            if done - told >= TOLD_EVERY:
                log.info("the alarm journal gets its words, searches are slow until then", entries=done)
                told = done
            await self._clock.sleep(PAUSE_S)
        if done:
            log.info("every entry of the alarm journal is found by its words", entries=done)
