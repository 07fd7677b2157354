"""How often somebody may call: so many times a minute, evenly or in one burst.

Each key has one number, the time up to which its calls are used up (the generic cell rate algorithm): a call moves it
on by one share of a minute and is refused while it lies more than a burst ahead. One dictionary entry per caller, no
timer and no thread, and time comes from the clock that is given.

Source: ITU-T I.371, Annex A (GCRA, virtual scheduling).
"""

from math import ceil

from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S

KEYS_MAX = 20_000  # Beyond this the callers that were quiet longest are forgotten, which gives them their burst anew.
MINUTE = 60 * MICROS_PER_S


class Rate:
    """Admits each key ``per_minute`` times a minute; a caller that was quiet may spend a quarter of it at once."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        """Set the rate; 0 admits everything."""
        self._clock = clock
        self._used_to: dict[str, float] = {}
        self.limit(per_minute)

    def limit(self, per_minute: int) -> None:
        """Admit so many from now on; whoever waits at this moment waits no longer than a burst."""
        self._share = MINUTE / per_minute if per_minute else 0.0
        self._burst = max(MINUTE / 4, self._share)
        if not self._share:
            self._used_to.clear()

    def take(self, key: str) -> int:
        """Count a call.

        Returns:
            0 where it is admitted, else after how many seconds the next one is. A refused call is not counted: whoever
            keeps knocking gets the rate all the same.
        """
        if not self._share:
            return 0
        now = self._clock.now()
        used_to = max(self._used_to.pop(key, 0.0), now) + self._share
        wait = used_to - self._burst - now
        self._used_to[key] = used_to - self._share if wait > 0 else used_to  # Last in the order: heard of just now.
        if len(self._used_to) > KEYS_MAX:
            del self._used_to[next(iter(self._used_to))]
        return ceil(wait / MICROS_PER_S) if wait > 0 else 0
