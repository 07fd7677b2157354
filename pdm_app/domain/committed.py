"""What is in history for good, as those read it who keep copies: each signal from a place of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pdm_app.domain.samples import F8, I8


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Some committed samples of some signals, with what was removed of the spans asked for."""

    signal: I8
    source_at: I8
    value: F8
    quality: I8
    text: Mapping[int, str]
    removed: Sequence[tuple[int, int, int]] = ()
    trouble: str = ""
    """What of the spans could not be read; it is missing here, and nobody knows what it was."""

    def __len__(self) -> int:
        return len(self.signal)


class Committed(Protocol):
    """Reads what the recorder has put into history, hot and cold; nothing that still waits for it."""

    async def newest(self, signals: Sequence[int]) -> Mapping[int, int]:
        """Return by signal the source time of its newest sample.

        Raises:
            UnavailableError: The database does not answer.
        """
        ...

    async def read(
        self, spans: Sequence[tuple[int, int, int]], texts_of: frozenset[int], rows_max: int, *, strict: bool = False
    ) -> Page | None:
        """Return the samples of (signal, from, up to) spans by time; None where they are more than ``rows_max``.

        A file that cannot be read is left out; with ``strict`` the page's ``trouble`` names it.

        Raises:
            UnavailableError: The database does not answer.
        """
        ...
