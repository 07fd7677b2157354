"""Where drivers under test deliver to."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pdm_app.domain.connections import Connection
from pdm_app.domain.samples import Batch, Quality, Sample
from pdm_app.domain.signals import Signal


class Sink:
    """Keeps what comes; commits at once, later, or not at all.

    Attributes:
        commits: False holds every batch undurable until `commit`.
        refuses: True says that the buffer is full.
    """

    def __init__(self, *, commits: bool = True) -> None:
        self.commits = commits
        self.refuses = False
        self.batches: list[Batch] = []
        self._waiting: list[asyncio.Future[None]] = []

    def __call__(self, batch: Batch) -> "asyncio.Future[None] | None":
        if self.refuses:
            return None
        self.batches.append(batch)
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(durable)
        if self.commits:
            self.commit()
        return durable

    def commit(self) -> None:
        for durable in self._waiting:
            if not durable.done():
                durable.set_result(None)
        self._waiting.clear()

    def samples(self, signal: int | None = None) -> list[Sample]:
        return [s for batch in self.batches for s in batch.samples() if signal is None or s.signal == signal]

    def values(self, signal: int) -> list[float | str | None]:
        return [sample.value for sample in self.samples(signal)]

    def qualities(self, signal: int) -> Sequence[Quality]:
        return [sample.quality for sample in self.samples(signal)]


def a_signal(number: int, address: dict[str, Any], **settings: Any) -> Signal:
    facts: dict[str, Any] = {"site_id": "graz", "asset_id": "pump", "label": "Signal", "connection_id": "line"}
    return Signal(id=number, name=f"Signal_{number}", address=address, **(facts | settings))


def a_connection(driver: str, endpoint: str, **options: Any) -> Connection:
    return Connection(id="line", site_id="graz", name="Line 1", driver=driver, endpoint=endpoint, options=options)
