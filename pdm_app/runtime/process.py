"""The process around the product: its clock, its version, and its end when the engine cannot go on."""

import asyncio
import os
import signal
import time
from importlib.metadata import PackageNotFoundError, version

import structlog

from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import Micros

log = structlog.get_logger(__name__)

FATAL_EXIT = 70  # EX_SOFTWARE of sysexits.h: a service manager starts the product again.
FATAL_VARIABLE = "PDM_INTERNAL_FATAL"  # Read by the command that serves, which turns it into the exit code.


class SystemClock:
    """The wall clock."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def product_version() -> str:
    """Version of the installed package, or of a checkout."""
    try:
        return version("pdm-app")
    except PackageNotFoundError:
        return "0.1.0+checkout"


def end_process(child: str, error: BaseException) -> None:
    """Stop the server in order and have the process end with a non-zero code: what a bug in the engine leads to."""
    log.critical("the product ends", child=child, error=str(error))
    os.environ[FATAL_VARIABLE] = "1"
    signal.raise_signal(signal.SIGTERM)


async def later(seconds: float, clock: Clock, event: asyncio.Event) -> None:
    """Set an event when so many seconds have passed."""
    await clock.sleep(seconds)
    event.set()
