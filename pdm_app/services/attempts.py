"""A limit on failed attempts within a sliding span, kept in memory.

An attempt counts from its start and is taken back on success, so that guesses made at the same time count too.
"""

from collections import deque

from pdm_app.domain.errors import TooManyAttemptsError
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S

KEYS_MAX = 10_000  # Beyond this the keys that were quiet longest are forgotten; a guesser's own key never is quiet.


class Attempts:
    """Counts attempts per key, such as an account seen from an address."""

    def __init__(self, clock: Clock, attempts_max: int, window_s: int) -> None:
        self._clock = clock
        self.limit(attempts_max, window_s)
        self._at: dict[str, deque[int]] = {}

    def limit(self, attempts_max: int, window_s: int) -> None:
        """Allow so many within so long from now on; what was counted stays counted."""
        self._attempts_max = attempts_max
        self._window = window_s * MICROS_PER_S

    def begin(self, key: str) -> None:
        """Count one attempt.

        Raises:
            TooManyAttemptsError: The limit is reached; ``facts['retry_after_s']`` says when the next is allowed.
        """
        now = self._clock.now()
        times = self._at.pop(key, None) or deque()
        self._at[key] = times  # Last in the order: the first is the one that was quiet longest.
        if len(self._at) > KEYS_MAX:
            del self._at[next(iter(self._at))]
        while times and times[0] <= now - self._window:
            times.popleft()
        if len(times) >= self._attempts_max:
            retry_after_s = (times[-self._attempts_max] + self._window - now) // MICROS_PER_S + 1
            raise TooManyAttemptsError(
                f"{len(times)} attempts have failed in a row. Try again in {_span(retry_after_s)}.",
                retry_after_s=retry_after_s,
            )
        times.append(now)

    def succeeded(self, key: str) -> None:
        """Forget the attempts of ``key``."""
        self._at.pop(key, None)

    def take_back(self, key: str) -> None:
        """Uncount the newest attempt: it was not one, or somebody else's success must not wipe the others."""
        times = self._at.get(key)
        if times:
            times.pop()


def _span(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} min"
