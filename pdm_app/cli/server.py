"""uvicorn's server with what this product adds: an end in time, its own exit code, HTTPS kept fresh, a redirect."""

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from pdm_app.cli.https import Https, Redirect
from pdm_app.pdm_app import start_failures


class Server(uvicorn.Server):
    """One run of the server.

    Args:
        config: Of uvicorn.
        announce: Awaited once when the pages are served.
        last_resort: Started with the first signal; ends the process if its end in order takes too long.
        https: Whose certificate is looked after; None where HTTPS is not served.
        plain: A listener whose callers are sent to ``https_port``; None for none.
        https_port: Where HTTPS is served.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[], Awaitable[None]],
        last_resort: Timer,
        https: Https | None = None,
        plain: socket.socket | None = None,
        https_port: int = 443,
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._last_resort = last_resort
        self._https = https
        self._plain = plain
        self._https_port = https_port
        self._redirecting: asyncio.Server | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Obey signals during the block; uvicorn's own would raise them again after it, and end with -15."""
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            self._last_resort.start()
        super().handle_exit(number, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # How uvicorn ends when the application could not start.
            if start_failures:
                raise start_failures[0] from None
            raise
        gc.freeze()  # Nor is it searched later: a full collection would hold up the live values.
        gc.enable()
        if self.started and not self.should_exit:
            await self._redirect()
            await self._announce()

    async def _redirect(self) -> None:
        if self._plain is not None:
            loop = asyncio.get_running_loop()
            challenges = self._https.challenges if self._https is not None else None
            self._redirecting = await loop.create_server(
                lambda: Redirect(self._https_port, loop.call_later, challenges), sock=self._plain
            )

    async def on_tick(self, counter: int) -> bool:
        if self._https is not None:
            self._https.tick(counter)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._redirecting is not None:
            self._redirecting.close()
        await super().shutdown(sockets)
