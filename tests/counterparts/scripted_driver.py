"""A driver without a protocol: its device is a script in memory, so that tests decide what comes and when."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConnectionFailedError, NotSupportedError
from pdm_app.domain.ports import BrowsedNode, Clock, DriverHealth, Sink, WriteResult
from pdm_app.domain.samples import Batch, Quality
from pdm_app.domain.signals import Signal


class ScriptedDevice:
    """What the drivers of all attempts talk to."""

    def __init__(self, *, pushes: bool = True) -> None:
        self.pushes = pushes
        self.reachable = True
        self.drivers: list[ScriptedDriver] = []
        self.values: dict[int, float] = {}
        self.faults: dict[int, str] = {}
        self.polls: list[tuple[int, tuple[int, ...]]] = []
        self.poll_takes_s = 0.0
        self.breaks_with: Exception | None = None

    def driver(self, connection: Connection, clock: Clock) -> "ScriptedDriver":
        driver = ScriptedDriver(self, connection, clock)
        self.drivers.append(driver)
        return driver

    @property
    def open_driver(self) -> "ScriptedDriver":
        return self.drivers[-1]

    def cut(self, why: str = "The cable was pulled.") -> None:
        """Lose every link; new attempts fail until ``reachable`` is set again."""
        self.reachable = False
        for driver in self.drivers:
            driver.cut(why)


class ScriptedDriver:
    """One attempt; `send` is the device speaking."""

    def __init__(self, device: ScriptedDevice, connection: Connection, clock: Clock) -> None:
        self.pushes = device.pushes
        self.device = device
        self.connection = connection
        self.is_open = False
        self._clock = clock
        self._sink: Sink | None = None
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def connect(self) -> None:
        if self.device.breaks_with is not None:
            raise self.device.breaks_with
        if not self.device.reachable:
            raise ConnectionFailedError(
                f"{self.connection.name!r} at {self.connection.endpoint}: nothing listens there."
            )
        self.is_open = True

    async def subscribe(self, signals: Sequence[Signal], sink: Sink) -> None:
        del signals
        self._sink = sink

    def send(self, batch: Batch) -> "asyncio.Future[None] | None":
        assert self._sink is not None, "nobody has subscribed"
        return self._sink(batch)

    def cut(self, why: str) -> None:
        if not self._lost.done():
            self._lost.set_result(why)

    async def poll(self, signals: Sequence[Signal]) -> Batch:
        ids = tuple(signal.id for signal in signals)
        self.device.polls.append((self._clock.now(), ids))
        if self.device.poll_takes_s:
            await self._clock.sleep(self.device.poll_takes_s)
        if self._lost.done():
            raise ConnectionFailedError(self._lost.result())
        now = self._clock.now()
        return Batch(
            device=self.connection.id,
            signal=np.array(ids, dtype=np.uint32),
            source_at=np.full(len(ids), now, dtype=np.int64),
            value=np.array([self.device.values.get(signal, np.nan) for signal in ids]),
            quality=np.array(
                [Quality.GOOD if signal in self.device.values else Quality.BAD_CONFIGURATION for signal in ids],
                dtype=np.uint16,
            ),
            received_at=now,
        )

    async def lost(self) -> str:
        return await asyncio.shield(self._lost)

    async def write(self, signal: Signal, value: float | str) -> WriteResult:
        self.device.values[signal.id] = float(value)
        return WriteResult(value, float(value), accepted=True)

    async def browse(self, address: Mapping[str, object] | None) -> Sequence[BrowsedNode]:
        del address
        raise NotSupportedError("A script cannot be browsed.")

    def health(self) -> DriverHealth:
        return DriverHealth(self.is_open and not self._lost.done(), "", None, dict(self.device.faults))

    async def close(self) -> None:
        self.is_open = False
        self._sink = None
        if not self._lost.done():
            self._lost.cancel()
