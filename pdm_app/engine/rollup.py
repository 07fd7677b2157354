"""Has the historian derive its coarser tiers, step by step, beside the recorder.

``Rollup(historian, fence, clock)``; run `run` under the supervisor with ``backoff=rollup.backoff``. It may be late or
away without harm: what is not derived yet is read from the raw samples, only slower.
"""

from collections.abc import Awaitable, Callable

from pdm_app.domain.ports import Clock, Fence, Historian
from pdm_app.engine.supervisor import Backoff

LOOK_EVERY_S = 5.0  # Buckets of 10 s close every 10 s.
BREATH_S = 0.05  # Between two steps of a backlog, so that the recorder's writes come in between.


class Rollup:
    """The loop that keeps long trends fast.

    Args:
        historian: Knows which buckets are due.
        fence: Returns the proof of the lease once it is held.
        clock: Injected time.
    """

    def __init__(self, historian: Historian, fence: Callable[[], Awaitable[Fence]], clock: Clock) -> None:
        self._historian = historian
        self._fence = fence
        self._clock = clock
        self.backoff = Backoff(first_s=1.0, cap_s=30.0)
        self.steps = 0

    async def run(self) -> None:
        """Derive for ever; cancellation leaves a step either done or not begun.

        Raises:
            UnavailableError: The database does not answer now; run again later.
            FencedError: Another process holds the lease.
        """
        while True:
            more = await self._historian.roll_up(await self._fence())
            self.backoff.reset()
            self.steps += 1
            await self._clock.sleep(BREATH_S if more else LOOK_EVERY_S)
