"""A watch over models with all around it: a real database, history and inference; values and time are set by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.asset_health import AssetHealth
from pdm_app.domain.model_registry import ModelAct, ModelOrigin, ModelVersion, TrainingFacts
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import F8, MICROS_PER_S, Batch, Micros, Quality
from pdm_app.engine.intake import Intake
from pdm_app.engine.model_watch import LATE_S, ModelWatch
from pdm_app.inference.live import Inference
from pdm_app.services.model_graphs import ModelGraphs
from pdm_app.services.models import ModelService, NewVersion
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from pdm_app.stream.latest import Latest
from tests.counterparts.clocks import HandClock
from tests.counterparts.installation import P_501, SIGNALS, stored_plant
from tests.counterparts.models import backtest
from tests.engine.memory import MemoryBuffer

ROW_S = 60
BEGIN = 1_763_596_800_000_000
LEARNED = 360
CHOSEN = SIGNALS[:3]


def usual(rows: int, seed: int = 0) -> F8:
    """Three signals that wobble about their places."""
    return np.array([1480.0, 145.0, 1.8]) + np.array([4.0, 2.0, 0.05]) * np.random.default_rng(seed).standard_normal(
        (rows, 3)
    )


class ModelSite:
    """A watch with all around it over a real database."""

    def __init__(self, work: SqlUnitOfWork, database: Database, folder: Path) -> None:
        self.work, self.database, self.clock = work, database, HandClock(BEGIN)
        self.historian = SqlHistorian(database, self.clock)
        self.latest, self.buffer = Latest(), MemoryBuffer()
        self.graphs, self.inference = ModelGraphs(folder / "models"), Inference()
        self.folder = folder
        self.rows = 0
        self.fence: Fence | None = None
        self.begin()

    def begin(self) -> None:
        """Begin as a process does: nothing of the one before is known but what is stored."""
        self.intake = Intake([], Bus(), self.latest, self.buffer, self.clock, may_collect=lambda: True)
        self.watch = ModelWatch(
            self.work, self.historian, self.intake, self.graphs, self.inference, self.clock, self.held, self.known
        )
        self.service = ModelService(self.work, self.clock, self.graphs, self.watch.reload)

    async def held(self) -> Fence:
        if self.fence is None:
            self.fence = await SqlLease(self.database, self.clock).acquire("tests", 10 * 86_400)
            assert self.fence is not None
        return self.fence

    async def known(self) -> None:
        async with self.work(EVERY_SITE) as work:
            self.intake.reload(await work.signals.all())

    async def measure(self, rows: F8, quality: Quality = Quality.GOOD) -> None:
        """Have one sample of each signal in each of the next minutes, and the clock behind them."""
        at = BEGIN + (self.rows + np.arange(len(rows))) * ROW_S * MICROS_PER_S + MICROS_PER_S
        batch = Batch(
            "plc",
            np.repeat(np.array([signal.id for signal in CHOSEN], np.uint32), len(rows)),
            np.tile(at, 3).astype(np.int64),
            rows.T.ravel().astype(np.float64),
            np.full(rows.size, quality, np.uint16),
            received_at=Micros(int(at[-1])),
            seq=self.rows + 1,
        )
        await self.historian.write([batch], await self.held())
        self.rows += len(rows)
        self.clock.at = BEGIN + round((self.rows * ROW_S + LATE_S) * MICROS_PER_S)

    async def judge(self) -> AssetHealth:
        """Judge all that is due, and return what is stored of the newest version in force."""
        while await self.watch.step():
            pass
        async with self.work(EVERY_SITE) as work:
            return next(each for each in await work.health.all() if not each.is_shadow)

    async def registered(self, rows: F8) -> ModelVersion:
        names = [signal.name for signal in CHOSEN]
        card, graph = await self.inference.train_default("Default ensemble", names, rows, float(ROW_S))
        end = BEGIN + LEARNED * ROW_S * MICROS_PER_S
        new = NewVersion(
            asset_id=P_501.id, name="Default ensemble", card=card, signal_ids=tuple(signal.id for signal in CHOSEN),
            origin=ModelOrigin.AUTOMATIC, training=TrainingFacts(begin_at=BEGIN, end_at=end),
        )  # fmt: skip
        version = await self.service.register(SYSTEM, new, graph)
        return await self.service.attach(SYSTEM, version.id, backtest())

    async def promoted(self, rows: F8) -> ModelVersion:
        version = await self.registered(rows)
        for act in (ModelAct.SHADOW, ModelAct.PROMOTE):
            version = await self.service.decide(SYSTEM, version.id, act, version.revision)
        return version


@asynccontextmanager
async def model_site(url: str, folder: Path) -> AsyncIterator[ModelSite]:
    async with stored_plant(url) as work:
        database = Database(url)
        site = ModelSite(work, database, folder)
        await site.known()
        yield site
        site.inference.close()
        await database.close()
