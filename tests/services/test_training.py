"""Training as a service: what there is to learn from, a model made, tested on the past and put in force, or stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.jobs import JobState
from pdm_app.domain.maintenance_events import EventKind, MaintenanceEvent
from pdm_app.domain.maintenance_rules import Severity
from pdm_app.domain.model_registry import ModelAct, ModelOrigin, ModelState
from pdm_app.domain.models import DetectorKind
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.domain.training import ExclusionKind, Grade, JobKind, Span, TrainingJob, TrainingOrder
from pdm_app.inference.trainer import ProcessTrainer
from pdm_app.runtime.training import MODEL_UPLOAD
from pdm_app.services.model_backtests import BacktestOrder
from pdm_app.services.model_graphs import ModelGraphs
from pdm_app.services.models import ModelService
from pdm_app.services.training import TrainingService
from pdm_app.services.uploads import UploadService
from pdm_app.settings import UploadSettings
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import person
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import C_201, P_501, SIGNALS

ERIN, OTTO = person("erin", Role.ENGINEER), person("otto", Role.OPERATOR)
GRETA = person("greta", Role.ENGINEER, "graz")
MINUTE = 60 * MICROS_PER_S
ROWS = 2_400
FAULT_FROM, FAULT_TO = 1_800, 2_000
FLOW, CURRENT, STILL, GAPS = (signal.id for signal in SIGNALS[:4])
USUAL = Span(start_at=NOON, end_at=NOON + 1_500 * MINUTE)
WHOLE = Span(start_at=NOON, end_at=NOON + ROWS * MINUTE)


def past() -> list[Batch]:
    """Forty hours of minutes: two signals that wander together, one that never moves, one with gaps; then a fault."""
    random = np.random.default_rng(3)
    wander = np.sin(np.arange(ROWS) / 50)
    flow = 120 + 5 * wander + random.standard_normal(ROWS) * 0.2
    current = 30 + wander + random.standard_normal(ROWS) * 0.05
    current[FAULT_FROM:FAULT_TO] += 6
    columns = {FLOW: flow, CURRENT: current, STILL: np.full(ROWS, 7.0), GAPS: flow}
    at = NOON + np.arange(ROWS, dtype=np.int64) * MINUTE
    batches = []
    for seq, (signal, values) in enumerate(columns.items(), start=1):
        keep = np.arange(ROWS) % 40 < 15 if signal == GAPS else np.ones(ROWS, dtype=np.bool_)
        batches.append(
            Batch(
                device="plc", signal=np.full(int(keep.sum()), signal, np.uint32), source_at=at[keep],
                value=values[keep], quality=np.zeros(int(keep.sum()), np.uint16),
                received_at=Micros(NOON + ROWS * MINUTE), seq=seq,
            )
        )  # fmt: skip
    return batches


class Desk:
    """The service, and the registry behind it."""

    def __init__(self, training: TrainingService, models: ModelService, uploads: UploadService) -> None:
        self.training, self.models, self.uploads = training, models, uploads

    async def handed_in(self, content: bytes) -> str:
        async with self.uploads.receiving(ERIN, "model", "mine.onnx", len(content)) as reception:
            await reception.write(content)
            return (await self.uploads.complete(reception, ERIN)).id

    async def over(self, job: TrainingJob) -> TrainingJob:
        return await self.when(job, lambda now: now.state.is_over)

    async def when(self, job: TrainingJob, holds: Callable[[TrainingJob], bool]) -> TrainingJob:
        async with asyncio.timeout(90):
            while True:
                now = next(each for each in await self.training.list(ERIN) if each.id == job.id)
                if holds(now):
                    return now
                await asyncio.sleep(0.01)


@pytest.fixture
async def desk(sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock, tmp_path: Path) -> AsyncIterator[Desk]:
    clock.at = NOON + ROWS * MINUTE
    database = Database(sqlite_url)
    running = None

    async def changed() -> None:
        return None

    try:
        historian = SqlHistorian(database, clock)
        fence = await SqlLease(database, clock).acquire("tests", 36_000)
        assert fence is not None
        await historian.write(past(), fence)
        async with sqlite_work(EVERY_SITE) as work:
            await work.maintenance.add(
                MaintenanceEvent(
                    id="jam", site_id=P_501.site_id, asset_id=P_501.id, kind=EventKind.REPORTED, name="Impeller jams",
                    severity=Severity.HIGH, opened_at=NOON + FAULT_FROM * MINUTE, recorded_at=NOON,
                    opened_by="tom", resolved_at=NOON + FAULT_TO * MINUTE, resolved_by="tom", currency="INR",
                )
            )  # fmt: skip
            await work.commit()
        uploads = UploadService(sqlite_work, clock, tmp_path / "uploads", (MODEL_UPLOAD,), UploadSettings())
        models = ModelService(sqlite_work, clock, ModelGraphs(tmp_path / "models"), changed)
        training = TrainingService(sqlite_work, historian, models, ProcessTrainer(), uploads, clock)
        running = asyncio.create_task(training.run())
        yield Desk(training, models, uploads)
    finally:
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        await database.close()


def order(**said: object) -> TrainingOrder:
    given = {"asset_id": P_501.id, "name": "Pump", "signal_ids": (FLOW, CURRENT), "span": USUAL, **said}
    return TrainingOrder.model_validate(given)


async def test_signals_are_graded_and_known_troubles_are_left_out(desk: Desk) -> None:
    plan = await desk.training.plan(ERIN, P_501.id, WHOLE, 60)
    grades = {each.signal_id: (each.grade, each.changes, each.fits) for each in plan.signals}
    assert grades[FLOW] == grades[CURRENT] == (Grade.HIGH, True, True)
    assert grades[STILL] == (Grade.LOW, False, False)
    assert grades[GAPS][0] is Grade.LOW
    assert next(each.covered for each in plan.signals if each.signal_id == GAPS) == pytest.approx(25 / 40, abs=0.01)
    [trouble] = plan.troubles
    assert (trouble.kind, trouble.name, trouble.is_failure) == (ExclusionKind.EVENT, "Impeller jams", True)
    assert plan.rows == plan.running_rows == ROWS
    assert plan.refused == ""
    assert "are too few" in (await desk.training.plan(ERIN, P_501.id, WHOLE, 3600)).refused


async def test_a_model_is_trained_tested_on_the_past_and_comes_into_force(desk: Desk) -> None:
    job = await desk.over(await desk.training.train(ERIN, order()))
    assert (job.state, job.problem, job.rows) == (JobState.DONE, "", 1_500)
    [view] = await desk.models.list(ERIN, asset_id=P_501.id)
    [version] = view.versions
    assert (version.id, version.state, version.origin) == (job.version_id, ModelState.CANDIDATE, ModelOrigin.TRAINED)
    assert version.card.signals == (SIGNALS[0].name, SIGNALS[1].name)
    assert version.training.histogram
    shadow = await desk.models.decide(ERIN, version.id, ModelAct.SHADOW, version.revision)
    with pytest.raises(ConflictError, match="has no backtest"):
        await desk.models.decide(ERIN, version.id, ModelAct.PROMOTE, shadow.revision)
    test = await desk.over(await desk.training.backtest(ERIN, BacktestOrder(version_id=version.id, span=WHOLE)))
    assert (test.kind, test.state, test.problem, test.rows) == (JobKind.BACKTEST, JobState.DONE, "", ROWS)
    [view] = await desk.models.list(ERIN, asset_id=P_501.id)
    tested = view.versions[0].backtest
    assert tested is not None
    assert (tested.failures, tested.in_force.seen, tested.in_force.missed) == (1, 1, 0)
    alarms = [point.alarms for point in tested.points]
    assert alarms[0] >= tested.in_force.alarms >= alarms[-1]
    assert any(
        NOON + (FAULT_FROM - 1) * MINUTE <= each.begin_at < NOON + (FAULT_FROM + 60) * MINUTE
        for each in tested.episodes
    )
    drawn = (await desk.models.show(ERIN, version.model_id)).versions[0].backtest
    assert drawn is not None
    assert (tested.trace, tested.troubles) == ((), ()), "a list holds what a table shows, no drawings"
    assert [(each.name, each.begin_at < NOON + FAULT_FROM * MINUTE < each.end_at) for each in drawn.troubles] == [
        ("Impeller jams", True)
    ]
    assert drawn.in_force.is_seen == (True,)
    assert len(drawn.in_force.episodes) == drawn.in_force.alarms
    highest = [score for score in drawn.trace if score is not None]
    at_fault = drawn.trace[len(drawn.trace) * (FAULT_FROM + 50) // ROWS]
    assert at_fault is not None
    assert at_fault > 0 > float(np.median(highest))
    champion = await desk.models.decide(ERIN, version.id, ModelAct.PROMOTE, view.versions[0].revision)
    assert champion.state is ModelState.CHAMPION
    quarter = Span(start_at=NOON - 90 * 1_440 * MINUTE, end_at=NOON + MINUTE)
    again = await desk.training.backtest(ERIN, BacktestOrder(version_id=version.id, span=quarter))
    await desk.training.cancel(ERIN, again.id)
    with pytest.raises(ValueError, match="93 days are more than 92"):
        BacktestOrder(version_id=version.id, span=Span(start_at=NOON, end_at=NOON + 93 * 1_440 * MINUTE))


async def test_a_replay_of_too_many_rows_of_its_version_is_refused(desk: Desk) -> None:
    job = await desk.over(await desk.training.train(ERIN, order(detector=DetectorKind.ROLLING_Z, row_s=10)))
    assert (job.state, job.problem) == (JobState.DONE, "")
    quarter = Span(start_at=NOON, end_at=NOON + 90 * 1_440 * MINUTE)
    with pytest.raises(InvalidInputError, match="777,600 rows are more than 200,000"):
        await desk.training.backtest(ERIN, BacktestOrder(version_id=job.version_id or "", span=quarter))


async def test_what_was_excluded_is_not_learned_from(desk: Desk) -> None:
    fault = Span(start_at=NOON + FAULT_FROM * MINUTE, end_at=NOON + FAULT_TO * MINUTE)
    made = await desk.over(
        await desk.training.train(ERIN, order(span=WHOLE, excluded=(fault,), detector=DetectorKind.ROLLING_Z))
    )
    assert made.rows == ROWS - (FAULT_TO - FAULT_FROM)
    [view] = await desk.models.list(ERIN, asset_id=P_501.id)
    assert view.versions[0].training.excluded_rows == FAULT_TO - FAULT_FROM


async def test_a_training_is_cancelled_and_leaves_nothing(desk: Desk) -> None:
    long = await desk.training.train(ERIN, order(detector=DetectorKind.LSTM_AUTOENCODER))
    behind = await desk.training.train(ERIN, order(name="Behind"))
    await desk.when(long, lambda now: now.state is JobState.RUNNING)
    assert (await desk.training.cancel(ERIN, behind.id)).state is JobState.CANCELLED
    await desk.training.cancel(ERIN, long.id)
    assert (await desk.over(long)).state is JobState.CANCELLED
    assert await desk.models.list(ERIN) == ()
    with pytest.raises(ConflictError, match="is over"):
        await desk.training.cancel(ERIN, long.id)


async def test_a_harmful_or_empty_order_is_refused_with_its_reason(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match="no measured number of P-501"):
        await desk.training.train(ERIN, order(signal_ids=(FLOW, 21)))
    empty = Span(start_at=NOON - 500 * MINUTE, end_at=NOON - 100 * MINUTE)
    job = await desk.over(await desk.training.train(ERIN, order(span=empty)))
    assert job.state is JobState.FAILED
    assert "0 rows with all signals are too few" in job.problem
    with pytest.raises(InvalidInputError, match="no ONNX graph"):
        await desk.handed_in(b"no graph at all")
    job = await desk.over(await desk.training.adopt(ERIN, order(), await desk.handed_in(b"\x08\x0ahalf of one")))
    assert job.state is JobState.FAILED
    assert "no ONNX graph" in job.problem
    with pytest.raises(NotFoundError):
        await desk.training.adopt(ERIN, order(), "somebody-elses")


async def test_only_those_who_may_train_do_and_only_at_their_sites(desk: Desk) -> None:
    with pytest.raises(PermissionDeniedError):
        await desk.training.train(OTTO, order())
    with pytest.raises(NotFoundError):
        await desk.training.train(GRETA, order())
    with pytest.raises(NotFoundError):
        await desk.training.plan(GRETA, P_501.id, WHOLE, 60)
    with pytest.raises(NotFoundError):
        await desk.training.backtest(ERIN, BacktestOrder(version_id="nowhere", span=WHOLE))
    job = await desk.training.train(ERIN, order(signal_ids=(FLOW,), span=Span(start_at=1, end_at=MINUTE)))
    assert await desk.training.list(GRETA) == ()
    with pytest.raises(NotFoundError):
        await desk.training.list(GRETA, P_501.id)
    with pytest.raises(NotFoundError):
        await desk.training.cancel(GRETA, job.id)
    assert C_201.site_id == "graz"
