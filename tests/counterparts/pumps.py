"""The services of pumps, live values and alarms over a stored plant, with values and a history that tests fill."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.services.alarms import AlarmService
from pdm_app.services.assets import AssetService
from pdm_app.services.history import HistoryService
from pdm_app.services.live import LiveService
from pdm_app.services.pumps import PumpService
from pdm_app.services.signals import SignalService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.alarm_book import AlarmBook
from pdm_app.stream.frames import LiveFrames
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import HandClock


@dataclass(frozen=True)
class PumpRoom:
    """The services and what stands behind them."""

    pumps: PumpService
    assets: AssetService
    signals: SignalService
    live: LiveService
    alarms: AlarmService
    book: AlarmBook
    frames: LiveFrames
    latest: Latest
    historian: SqlHistorian
    fence: Fence

    def measure(self, signal: int, value: float, at: int, quality: Quality = Quality.GOOD) -> None:
        """Have a sensor send one value."""
        sample = Sample(SignalId(signal), value, quality, Micros(at))
        self.latest.merge(Batch.of("pump", [sample], Micros(at)))

    async def record(self, signal: int, values: Sequence[float], start_at: int, every_s: float = 1.0) -> None:
        """Write values into the history, one each ``every_s``."""
        step = round(every_s * MICROS_PER_S)
        batch = Batch(
            device="pump",
            signal=np.full(len(values), signal, dtype=np.uint32),
            source_at=start_at + np.arange(len(values), dtype=np.int64) * step,
            value=np.array(values, dtype=np.float64),
            quality=np.zeros(len(values), dtype=np.uint16),
            received_at=Micros(start_at + len(values) * step),
            seq=signal,
        )
        await self.historian.write([batch], self.fence)


class HasRoom:
    """Part of the services that endpoints get: those of a room."""

    room: PumpRoom

    @property
    def pumps(self) -> PumpService:
        return self.room.pumps

    @property
    def assets(self) -> AssetService:
        return self.room.assets

    @property
    def signals(self) -> SignalService:
        return self.room.signals

    @property
    def live(self) -> LiveService:
        return self.room.live

    @property
    def alarms(self) -> AlarmService:
        return self.room.alarms


@asynccontextmanager
async def pump_room(work: SqlUnitOfWork, url: str, clock: HandClock) -> AsyncIterator[PumpRoom]:
    """Put the service together on the plant's database."""
    database, latest = Database(url), Latest()
    try:
        historian, book = SqlHistorian(database, clock), AlarmBook()
        assets, signals = AssetService(work), SignalService(work)
        fence = await SqlLease(database, clock).acquire("tests", 600)
        assert fence is not None
        frames = LiveFrames(latest, clock)
        live = LiveService(frames, signals)
        history = HistoryService(historian, signals, lambda _: None, clock)
        with latest.listening(frames.note):
            yield PumpRoom(
                pumps=PumpService(assets, signals, live, history),
                assets=assets,
                signals=signals,
                live=live,
                alarms=AlarmService(work, book, clock),
                book=book,
                frames=frames,
                latest=latest,
                historian=historian,
                fence=fence,
            )
    finally:
        await database.close()
