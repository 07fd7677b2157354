"""How fast images go out: all devices of a campaign share what it may take of the line.

A limit delays, and refuses nothing: clients take a refused download for a failed one.
"""

from pdm_app.domain.campaigns import Campaign
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S

PACES_MAX = 200
"""Of so many campaigns; the one that was quiet longest is forgotten, and begins with a free line again."""
PIECE_BYTES = 8_192
"""In such pieces a shared line is given out: with 500 devices at 128 kB/s each hears something every half a minute."""


class Pace:
    """A line that many share: each piece goes in the order in which it was asked for.

    Args:
        clock: Injected time.
        bytes_per_s: Of all together.
    """

    def __init__(self, clock: Clock, bytes_per_s: int) -> None:
        self._clock = clock
        self._bytes_per_s = bytes_per_s
        self._free_at = int(clock.now())

    async def turn(self, size: int) -> None:
        """Wait for the turn of ``size`` bytes; when cancelled, its place in the row stays empty."""
        now = int(self._clock.now())
        begin = max(now, self._free_at)
        self._free_at = begin + size * MICROS_PER_S // self._bytes_per_s
        if begin > now:
            await self._clock.sleep((begin - now) / MICROS_PER_S)


class Paces:
    """The lines of all campaigns that have a limit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paces: dict[str, Pace] = {}

    def of(self, campaign: Campaign) -> Pace | None:
        """Return the line that the devices of a campaign share; None where nothing limits them."""
        if campaign.bytes_per_s_max is None:
            return None
        pace = self._paces.pop(campaign.id, None) or Pace(self._clock, campaign.bytes_per_s_max)
        self._paces[campaign.id] = pace  # Last in the order: the first is the one that was quiet longest.
        if len(self._paces) > PACES_MAX:
            del self._paces[next(iter(self._paces))]
        return pace
