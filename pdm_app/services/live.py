"""Ask for the present: a stream of encoded frames with the newest values of some signals."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from pdm_app.domain.access import Actor
from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.services.signals import SignalService
from pdm_app.stream.frames import LiveFrames

SIGNALS_MAX = 500


class LiveService:
    """Reads of the newest values."""

    def __init__(self, frames: LiveFrames, signals: SignalService) -> None:
        self._frames = frames
        self._signals = signals

    async def watch(self, actor: Actor, signals: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """Yield JSON frames as `pdm_app.stream.frames` describes, until the caller leaves.

        Raises:
            InvalidInputError: No signal, or more than 500.
            NotFoundError: A signal does not exist or lies outside the actor's sites.
        """
        await self._require(actor, signals)
        async with aclosing(self._frames.watch(signals)) as frames:
            async for frame in frames:
                yield frame

    async def snapshot(self, actor: Actor, signals: Sequence[int]) -> bytes:
        """Return one JSON frame with the newest values, for a viewer that polls; raises as `watch` does."""
        await self._require(actor, signals)
        return self._frames.snapshot(signals)

    async def _require(self, actor: Actor, signals: Sequence[int]) -> None:
        if not 1 <= len(signals) <= SIGNALS_MAX:
            raise InvalidInputError(
                f"Ask for 1 to {SIGNALS_MAX} signals at once, not {len(signals)}.",
                [FieldIssue("signals", f"has {len(signals)} entries", f"send 1 to {SIGNALS_MAX}")],
            )
        await self._signals.some(actor, signals)
