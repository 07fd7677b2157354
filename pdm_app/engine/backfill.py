"""Puts a past into the history, newest first, beside everything else.

``Backfill(source, historian, fence, clock)``; run `run` under the supervisor with ``backoff=backfill.backoff``. Killed
at any moment it goes on where it was: a piece that was stored and not noted is stored again, which changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

import structlog

from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.history_facts import Imported
from pdm_app.domain.past import PastPiece, PastProgress, PastSource
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.samples import Batch
from pdm_app.engine.supervisor import Backoff

log = structlog.get_logger(__name__)

SAMPLES_AT_ONCE = 250_000
"""One import takes about so many, some 100 MB while it lasts; a day's file is made anew for each import."""

BREATH_S = 0.05  # Between two pieces, for who waits for the database.


class ImportsPast(Protocol):
    """What is needed of the historian."""

    async def import_past(self, batches: Sequence[Batch], fence: Fence) -> Imported: ...


class Backfill:
    """The loop that ends once all of the past is stored.

    Args:
        source: What happened.
        historian: Where it goes.
        fence: Returns the proof of the lease once it is held.
        clock: Injected time.
        begin: Awaited before anything else, for who has more urgent work for the processors.
        prepare: Awaited before the first piece that is told in full, for what has to be there before it.
    """

    def __init__(
        self,
        source: PastSource,
        historian: ImportsPast,
        fence: Callable[[], Awaitable[Fence]],
        clock: Clock,
        begin: Callable[[], Awaitable[object]] | None = None,
        prepare: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._source = source
        self._historian = historian
        self._fence = fence
        self._clock = clock
        self._begin = begin
        self._prepare = prepare
        self.backoff = Backoff(first_s=2.0, cap_s=60.0)
        self._done: frozenset[int] = frozenset()
        self.complete = asyncio.Event()
        """Set once all of it is stored."""
        self._samples = 0
        self._trouble = ""

    async def run(self) -> None:
        """Store what is missing; returns when nothing is.

        Raises:
            UnavailableError: The database does not answer now, or the disk is full; run again later.
            FencedError: Another process holds the lease.
        """
        if self._begin is not None:
            await self._begin()
        self._done = await asyncio.to_thread(self._source.done)
        began_at, due = self._clock.now(), [piece for piece in self._source.pieces if piece.number not in self._done]
        is_prepared = self._prepare is None
        for piece in due:
            if self._prepare is not None and not is_prepared and not piece.is_sketch:
                await self._prepare()
                is_prepared = True
            try:
                await self._store(piece)
            except UnavailableError as error:
                self._trouble = error.message
                raise
            self._trouble = ""
            self.backoff.reset()
            await self._clock.sleep(BREATH_S)
        if due:
            took_s = (self._clock.now() - began_at) / 1_000_000
            log.info("the past is complete", samples=self._samples, took_s=round(took_s, 1))
        self.complete.set()

    async def _store(self, piece: PastPiece) -> None:
        batches = self._source.batches(piece)
        while some := await asyncio.to_thread(_some, batches):
            self._samples += (await self._historian.import_past(some, await self._fence())).samples
        await asyncio.to_thread(self._source.keep, piece)
        self._done |= {piece.number}

    def progress(self) -> PastProgress:
        """Return how far it is."""
        pieces = self._source.pieces
        back_to = None
        for piece in pieces:
            if piece.is_sketch:
                continue
            if piece.number not in self._done:
                break
            back_to = piece.start_at
        return PastProgress(
            pieces=len(pieces),
            pieces_done=len(self._done & {piece.number for piece in pieces}),
            samples=self._samples,
            back_to=back_to,
            begins_at=min((piece.start_at for piece in pieces), default=None),
            is_done=all(piece.number in self._done for piece in pieces),
            trouble=self._trouble[:2000],
        )


def _some(batches: Iterator[Batch]) -> list[Batch]:
    """Take as many batches as one import is to have."""
    some: list[Batch] = []
    total = 0
    for batch in batches:
        some.append(batch)
        total += len(batch)
        if total >= SAMPLES_AT_ONCE:
            break
    return some
