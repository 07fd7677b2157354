"""Has each day of hot rows lie in a partition of its own before it begins.

``PartitionKeeper(partitions, fence, clock)``; run `run` under the supervisor with ``backoff=keeper.backoff``. It may be
late or away without harm: samples of a day without a partition lie in the last one until it is cut.
"""

from collections.abc import Awaitable, Callable

import structlog

from pdm_app.domain.partitions import DayPartitions
from pdm_app.domain.ports import Clock, Fence
from pdm_app.engine.supervisor import Backoff

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 900.0


class PartitionKeeper:
    """The loop that is a few days ahead.

    Args:
        partitions: Those of the hot rows.
        fence: Returns the proof of the lease once it is held.
        clock: Injected time.
        hot_days: Returns how many days, with today, stay hot.
    """

    def __init__(
        self,
        partitions: DayPartitions,
        fence: Callable[[], Awaitable[Fence]],
        clock: Clock,
        hot_days: Callable[[], int],
    ) -> None:
        self._partitions = partitions
        self._fence = fence
        self._clock = clock
        self._hot_days = hot_days
        self.backoff = Backoff(first_s=10.0, cap_s=600.0)
        self.too_full: tuple[str, ...] = ()

    async def run(self) -> None:
        """Look for ever; cancellation leaves a partition cut, or not touched.

        Raises:
            UnavailableError: The database does not answer now, or somebody reads for long; run again later.
            FencedError: Another process holds the lease.
        """
        while True:
            fence = await self._fence()
            changed = await self._partitions.roll_forward(fence, self._clock.now(), self._hot_days())
            if changed.added or changed.joined:
                log.info("days have partitions", added=changed.added, joined=changed.joined)
            if changed.too_full and changed.too_full != self.too_full:
                log.warning(
                    "partitions hold too many rows to be cut into days; they are when most of these are in files, and "
                    "until then rows go one by one, slower",
                    partitions=changed.too_full,
                )
            self.too_full = changed.too_full
            self.backoff.reset()
            await self._clock.sleep(LOOK_EVERY_S)
