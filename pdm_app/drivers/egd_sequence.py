"""Which productions of an exchange are news, and which are missing, doubled, late or of a producer that began anew.

The number that tells is 16 bits wide and wraps; a producer that restarts may begin it at any value.

Source: GFK-2224Q; the rules where it leaves the consumer free are said at each.
"""

from dataclasses import dataclass
from enum import Enum, auto

REQUESTS = 1 << 16
BEHIND_FROM = 1 << 15
REORDER_MAX = 16
"""A number up to this many behind came late over the network; one further behind is of a new start."""


class Verdict(Enum):
    """What to do with a datagram."""

    NEWS = auto()
    RESTART = auto()
    DUPLICATE = auto()
    CONFLICT = auto()
    LATE = auto()

    @property
    def is_taken(self) -> bool:
        return self in (Verdict.NEWS, Verdict.RESTART)


@dataclass(slots=True)
class Counts:
    """What became of the datagrams of one exchange."""

    received: int = 0
    missed: int = 0
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    restarts: int = 0
    timeouts: int = 0
    refused: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


class Sequence:
    """The order of one exchange's productions."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.step = 0  # Productions between the last two that were taken; 0 where that is not known.
        self._request_id: int | None = None
        self._source_at: int | None = None
        self._sender = ""

    def judge(self, request_id: int, source_at: int | None, sender: str, *, was_silent: bool) -> Verdict:
        """Judge the next datagram and count it.

        A number that stands still is a duplicate; from another address it is of a redundant producer, whose first
        datagram was taken. A number that goes back is late, unless the exchange had timed out, or it goes far back with
        a newer time: then the producer has begun anew.

        Args:
            sender: Address it was sent from.
            was_silent: The exchange had timed out before it came.
        """
        last = self._request_id
        verdict = Verdict.NEWS
        self.step = 0
        if last is not None:
            ahead = (request_id - last) % REQUESTS
            if ahead == 0:
                repeated = Verdict.DUPLICATE if sender == self._sender else Verdict.CONFLICT
                is_old = (
                    source_at is not None and source_at == self._source_at
                )  # Sent again and again by a stuck producer.
                verdict = repeated if is_old or not was_silent else Verdict.RESTART
            elif ahead >= BEHIND_FROM:
                far = REQUESTS - ahead > REORDER_MAX
                newer = source_at is not None and self._source_at is not None and source_at > self._source_at
                verdict = Verdict.RESTART if was_silent or (far and newer) else Verdict.LATE
            else:
                self.step = ahead
        self._count(verdict)
        if verdict.is_taken:
            self._request_id, self._source_at, self._sender = request_id, source_at, sender
        return verdict

    def _count(self, verdict: Verdict) -> None:
        counts = self.counts
        counts.received += verdict.is_taken
        counts.missed += max(0, self.step - 1)
        counts.duplicates += verdict is Verdict.DUPLICATE
        counts.conflicts += verdict is Verdict.CONFLICT
        counts.late += verdict is Verdict.LATE
        counts.restarts += verdict is Verdict.RESTART
