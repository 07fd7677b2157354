"""Has the rules of retention carried out each night, and at once when somebody asks.

``RetentionKeeper(runs, fence, clock)``; run `run` under the supervisor with ``backoff=keeper.backoff``. It may be late
or away without harm: what no rule keeps stays a while longer.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.retention import RetentionRun
from pdm_app.engine.supervisor import Backoff

LOOK_EVERY_S = 2.0  # Somebody who asks looks at the page and waits.


class Runs(Protocol):
    """Carries rules out when it is time."""

    async def step(self) -> RetentionRun | None: ...


class RetentionKeeper:
    """The loop that forgets in time."""

    def __init__(self, runs: Runs, fence: Callable[[], Awaitable[Fence]], clock: Clock) -> None:
        self._runs = runs
        self._fence = fence
        self._clock = clock
        self.backoff = Backoff(first_s=30.0, cap_s=1800.0)

    async def run(self) -> None:
        """Look for ever; cancellation leaves a day of a tier gone, or not touched.

        Raises:
            UnavailableError: The database does not answer now; run again later.
            FencedError: Another process holds the lease.
        """
        while True:
            await self._fence()
            await self._runs.step()
            self.backoff.reset()
            await self._clock.sleep(LOOK_EVERY_S)
