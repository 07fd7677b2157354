"""A device that posts samples as fast as the server takes them and remembers what it was promised.

It behaves as ``POST /api/ingest`` asks devices to: what was not answered with 200 is sent again, the very same.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import httpx

from pdm_app.domain.samples import MICROS_PER_S
from tests.counterparts.clocks import WallClock

SEND_AGAIN_MAX = 300  # Times, a tenth of a second apart: as long as a slow machine starts.
SAMPLES_MAX = 400  # Per call, so that a kill meets calls at every stage of their way.
STEP_US = 100
AGE_US = 3600 * MICROS_PER_S  # The first sample is an hour old; the device has its own clock and counts it up.

Key = tuple[int, int]
"""Signal and source time: what makes a sample the same sample."""

Call = list[tuple[int, int, float]]
"""Signal, source time, value."""


@dataclass
class Sender:
    """One signal of one device; calls go out one after the other, like a controller's."""

    signal: int
    name: str
    random: Random
    key: str

    def __post_init__(self) -> None:
        self._at = WallClock().now() - AGE_US
        self._value = 0
        self.acknowledged: dict[Key, float] = {}
        self.unanswered: Call = []

    async def send_until_refused(self, url: str) -> None:
        """Post until the server does not answer with 200; what it did not acknowledge is kept to be sent again."""
        async with httpx.AsyncClient(base_url=url, timeout=90) as client:
            while True:
                call = self.unanswered or self._next_call()
                self.unanswered = call
                if not await self._is_acknowledged(client, call):
                    return
                self._note(call)

    async def send_again(self, url: str) -> None:
        """Send what was never acknowledged once more, for as long as the server says that it is not ready."""
        async with httpx.AsyncClient(base_url=url, timeout=90) as client:
            for _ in range(SEND_AGAIN_MAX):
                if not self.unanswered or await self._is_acknowledged(client, self.unanswered):
                    self._note(self.unanswered)
                    return
                await asyncio.sleep(0.1)
        raise AssertionError(f"{len(self.unanswered)} samples of {self.name} are still refused, {SEND_AGAIN_MAX} times")

    def _next_call(self) -> Call:
        call: Call = []
        for _ in range(self.random.randint(1, SAMPLES_MAX)):
            self._at += STEP_US
            self._value += 1
            call.append((self.signal, self._at, float(self._value)))
        return call

    async def _is_acknowledged(self, client: httpx.AsyncClient, call: Call) -> bool:
        samples = [{"signal": self.name, "value": value, "source_at": at} for _, at, value in call]
        try:
            answer = await client.post(
                "/api/ingest", json={"samples": samples}, headers={"authorization": f"Bearer {self.key}"}
            )
        except httpx.TransportError:
            return False
        if answer.status_code == 200:
            assert answer.json()["kept"] == len(call), answer.text[:500]
            return True
        assert answer.status_code == 503, answer.text[:500]
        return False

    def _note(self, call: Call) -> None:
        self.acknowledged.update({(signal, at): value for signal, at, value in call})
        self.unanswered = []


@asynccontextmanager
async def sending(senders: Sequence[Sender], url: str) -> AsyncIterator[None]:
    """Have all devices send during the block; leaving it waits until none is served any more."""
    tasks = [asyncio.create_task(sender.send_until_refused(url)) for sender in senders]
    try:
        yield
        await asyncio.wait_for(asyncio.gather(*tasks), 60)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def promised(senders: Sequence[Sender]) -> dict[Key, float]:
    """Everything that was acknowledged to any of them."""
    return {key: value for sender in senders for key, value in sender.acknowledged.items()}


def unanswered(senders: Sequence[Sender]) -> dict[Key, float]:
    """Everything that was sent and not acknowledged: it may be there, whole, or not."""
    return {(signal, at): value for sender in senders for signal, at, value in sender.unanswered}


def difference(
    promised: dict[Key, float], rows: Sequence[tuple[int, int, float]], perhaps: dict[Key, float] | None = None
) -> dict[str, int]:
    """Count what is missing, there twice, other than sent, and never sent; all zero is what is wanted."""
    stored = {(signal, at): value for signal, at, value in rows}
    sent = promised | (perhaps or {})
    return {
        "missing": len(promised.keys() - stored.keys()),
        "twice": len(rows) - len(stored),
        "changed": sum(1 for key in sent.keys() & stored.keys() if sent[key] != stored[key]),
        "invented": len(stored.keys() - sent.keys()),
    }


NOTHING_WRONG = {"missing": 0, "twice": 0, "changed": 0, "invented": 0}
