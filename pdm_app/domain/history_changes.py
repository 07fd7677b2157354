"""What is put into history, or taken out of it, on another way than the recorder's, for those who keep copies."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HistoryChange:
    """Spans of some signals that are other than they were.

    Attributes:
        id: Sorts by age.
        is_gone: Samples went, or others took their place; else some came.
        spans: Signal, from, up to, not including; microseconds UTC.
    """

    id: str
    is_gone: bool
    spans: Sequence[tuple[int, int, int]]
