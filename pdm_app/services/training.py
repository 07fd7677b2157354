"""Training as a service: what there is to learn from, jobs one after the other, and the replay of a version's past.

``TrainingService.run`` works the list off under the supervisor. A job lives in memory; what it makes is kept by the
registry, so that a restart loses a running job, and nothing that was done. It acts as the person who asked for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import structlog

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, PdmError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.jobs import JobState
from pdm_app.domain.model_registry import ModelOrigin, ModelVersion, TrainingFacts
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import Signal
from pdm_app.domain.training import (
    JobKind,
    JobStage,
    Span,
    Trained,
    Trainer,
    TrainingJob,
    TrainingOrder,
    TrainingPlan,
    refuse_too_long,
    refused_rows,
)
from pdm_app.services.auditing import audit
from pdm_app.services.model_backtests import BacktestOrder, backtested
from pdm_app.services.models import ModelService, NewVersion
from pdm_app.services.training_rows import rows_of, watchable
from pdm_app.services.training_signals import grades
from pdm_app.services.troubles import troubles_of
from pdm_app.services.uploads import UploadService

log = structlog.get_logger(__name__)

UPLOAD_KIND = "model"
WAITING_MAX = 10
REMEMBERED_MAX = 50


class TrainingService:
    """Models trained and tested on machines of the actor's sites.

    Args:
        work: Where machines, signals and troubles are stored.
        historian: Read.
        models: The registry, which keeps what is made.
        trainer: Does the work in a process of its own.
        uploads: Where graphs of others are handed in.
        clock: Injected time.
    """

    def __init__(
        self,
        work: UnitOfWork,
        historian: Historian,
        models: ModelService,
        trainer: Trainer,
        uploads: UploadService,
        clock: Clock,
    ) -> None:
        self._work = work
        self._historian = historian
        self._models = models
        self._trainer = trainer
        self._uploads = uploads
        self._clock = clock
        self._jobs: dict[str, TrainingJob] = {}
        self._orders: dict[str, tuple[Actor, Callable[[str, Actor], Awaitable[None]]]] = {}
        self._waiting: deque[str] = deque()
        self._running: str | None = None
        self._cancelled: set[str] = set()
        self._asked = asyncio.Event()

    async def plan(self, actor: Actor, asset_id: str, span: Span, row_s: int) -> TrainingPlan:
        """Return what there is to learn from: signals with the grade of their data, and when the machine was not well.

        Raises:
            NotFoundError: There is no such machine in the actor's sites.
        """
        actor.require(Permission.MODELS_TRAIN)
        actor.require(Permission.HISTORY_READ)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            asset, signals = await _machine(actor, work, asset_id)
            troubles = await troubles_of(work, asset_id, span, now)
        if not signals:
            return TrainingPlan(
                asset_id=asset_id, code=asset.code, span=span, row_s=row_s, rows=0, running_rows=0, signals=(),
                troubles=troubles, refused=f"{asset.code} has no measured numbers that a model could watch.",
            )  # fmt: skip
        rows = await rows_of(self._historian, asset, [signal.id for signal in signals], span, row_s)
        graded_signals = grades(signals, rows)
        keep = rows.outside([Span(start_at=each.start_at, end_at=each.end_at) for each in troubles]) & rows.running
        fitting = [place for place, each in enumerate(graded_signals) if each.fits]
        whole = int((keep & np.isfinite(rows.values[:, fitting]).all(axis=1)).sum()) if fitting else 0
        return TrainingPlan(
            asset_id=asset_id, code=asset.code, span=span, row_s=row_s, rows=len(rows.at),
            running_rows=int(rows.running.sum()), signals=graded_signals, troubles=troubles,
            refused=refused_rows(whole),
        )  # fmt: skip

    async def train(self, actor: Actor, order: TrainingOrder) -> TrainingJob:
        """Have a model trained; it is kept as a candidate.

        Raises:
            NotFoundError: There is no such machine in the actor's sites.
            InvalidInputError: A signal is no measured number of the machine.
            ConflictError: Too many jobs wait.
        """
        return await self._ask(actor, order, JobKind.TRAINING, None)

    async def adopt(self, actor: Actor, order: TrainingOrder, upload_id: str) -> TrainingJob:
        """Have somebody else's ONNX graph tried in a limited process, its threshold found, and kept as a candidate.

        Raises: as `train` does, and NotFoundError where the actor has no such upload; what is wrong with the graph is
            said by the job.
        """
        actor.require(Permission.MODELS_TRAIN)
        _, path = await self._uploads.file(actor, upload_id, UPLOAD_KIND)
        graph = await asyncio.to_thread(path.read_bytes)
        return await self._ask(actor, order, JobKind.ADOPTION, graph)

    async def backtest(self, actor: Actor, order: BacktestOrder) -> TrainingJob:
        """Have a version replayed over the past; what is found is kept with it.

        Raises:
            NotFoundError: There is no such version in the actor's sites.
            InvalidInputError: The time has too many of the version's rows.
            ConflictError: Too many jobs wait.
        """
        actor.require(Permission.MODELS_TRAIN)
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            version = await work.models.version(order.version_id)
            if version is None:
                raise NotFoundError(f"There is no model version {order.version_id!r}.", version_id=order.version_id)
            asset, _ = await _machine(actor, work, version.asset_id)
        try:
            refuse_too_long(order.span, version.card.row_s)
        except ValueError as error:
            issue = FieldIssue("span", str(error), "replay a shorter time")
            raise InvalidInputError(f"The replay is too long: {error}.", [issue]) from None

        async def do(job_id: str, actor: Actor) -> None:
            _, graph = await self._models.graph(actor, version.id)
            await self._tested(job_id, actor, asset, version, graph, order.span)

        return await self._put_in_line(actor, asset, JobKind.BACKTEST, version.card.name, version, do)

    async def list(self, actor: Actor, asset_id: str | None = None) -> tuple[TrainingJob, ...]:
        """Return the jobs in the actor's sites since the start of the process, newest first; of one machine if named.

        Raises:
            NotFoundError: There is no such machine in the actor's sites.
        """
        actor.require(Permission.MODELS_TRAIN)
        if asset_id is not None:
            async with self._work(actor.scope) as work:
                await _machine(actor, work, asset_id)
        return tuple(
            job
            for job in reversed(self._jobs.values())
            if actor.scope.covers(job.site_id) and asset_id in (None, job.asset_id)
        )

    async def cancel(self, actor: Actor, job_id: str) -> TrainingJob:
        """Stop a job; its process is gone with it, and nothing of it is kept.

        Raises:
            NotFoundError: There is none, or it lies outside the actor's sites.
            ConflictError: It is over.
        """
        actor.require(Permission.MODELS_TRAIN)
        job = self._jobs.get(job_id)
        if job is None or not actor.scope.covers(job.site_id):
            raise NotFoundError(f"There is no job {job_id!r}.", job_id=job_id)
        if job.state.is_over:
            raise ConflictError(f"The {job.kind} of {job.name} is over.")
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, self._clock.now(), "training.cancelled", subject="asset", subject_id=job.asset_id,
                name=job.name, site_id=job.site_id, before={"kind": job.kind, "state": job.state},
            )  # fmt: skip
            await work.commit()
        if job_id in self._waiting:
            self._waiting.remove(job_id)
            self._end(job_id, JobState.CANCELLED)
        elif self._running == job_id:
            self._cancelled.add(job_id)
            self._trainer.stop()
        return self._jobs[job_id]

    # --- working it off -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work off what is asked for, one after the other, until cancelled."""
        while True:
            while not self._waiting:
                self._asked.clear()
                await self._asked.wait()
            await self._work_off(self._waiting.popleft())

    async def _work_off(self, job_id: str) -> None:
        actor, do = self._orders.pop(job_id)
        self._running = job_id
        self._put(job_id, state=JobState.RUNNING)
        try:
            await do(job_id, actor)
            self._end(job_id, JobState.DONE)
        except PdmError as error:
            if job_id in self._cancelled:
                self._end(job_id, JobState.CANCELLED)
            else:
                self._end(job_id, JobState.FAILED, error.message)
        except (OSError, TimeoutError) as error:
            log.warning("a training failed", job=job_id, problem=str(error))
            self._end(job_id, JobState.FAILED, f"It could not be done: {str(error) or 'no answer in time'}. Ask again.")
        finally:
            self._running = None
            self._cancelled.discard(job_id)

    async def _ask(self, actor: Actor, order: TrainingOrder, kind: JobKind, graph: bytes | None) -> TrainingJob:
        actor.require(Permission.MODELS_TRAIN)
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            asset, signals = await _machine(actor, work, order.asset_id)
        known = {signal.id: signal for signal in signals}
        strange = [number for number in order.signal_ids if number not in known]
        if strange:
            issue = FieldIssue("signal_ids", f"names {strange[0]}", "choose measured numbers of the machine")
            raise InvalidInputError(f"Signal {strange[0]} is no measured number of {asset.code}.", [issue])
        chosen = [known[number] for number in order.signal_ids]

        async def do(job_id: str, actor: Actor) -> None:
            await self._made(job_id, actor, asset, chosen, order, graph)

        return await self._put_in_line(actor, asset, kind, order.name, None, do)

    async def _put_in_line(
        self,
        actor: Actor,
        asset: Asset,
        kind: JobKind,
        name: str,
        version: ModelVersion | None,
        do: Callable[[str, Actor], Awaitable[None]],
    ) -> TrainingJob:
        if sum(not job.state.is_over for job in self._jobs.values()) >= WAITING_MAX:
            raise ConflictError(f"{WAITING_MAX} trainings wait already. Ask again when some are done.")
        now = self._clock.now()
        job = TrainingJob(
            id=new_id(now), site_id=asset.site_id, asset_id=asset.id, kind=kind, name=name, asked_by=actor.name,
            asked_at=now, origin=ModelOrigin.FOREIGN if kind is JobKind.ADOPTION else ModelOrigin.TRAINED,
            model_id=version.model_id if version else None, version_id=version.id if version else None,
        )  # fmt: skip
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, now, "training.asked", subject="asset", subject_id=asset.id, name=name,
                site_id=asset.site_id, after={"kind": kind, "version_id": job.version_id},
            )  # fmt: skip
            await work.commit()
        self._jobs[job.id] = job
        self._orders[job.id] = (actor, do)
        self._waiting.append(job.id)
        over = [one.id for one in self._jobs.values() if one.state.is_over]
        for job_id in over[: max(0, len(self._jobs) - REMEMBERED_MAX)]:
            del self._jobs[job_id]
        self._asked.set()
        return job

    async def _made(
        self,
        job_id: str,
        actor: Actor,
        asset: Asset,
        signals: Sequence[Signal],
        order: TrainingOrder,
        graph: bytes | None,
    ) -> None:
        """Read, train, and keep the candidate."""
        begun = self._clock.now()
        rows = await rows_of(self._historian, asset, [signal.id for signal in signals], order.span, order.row_s)
        keep = rows.whole & rows.outside(order.excluded)
        usual = rows.values[keep]
        self._put(job_id, rows=len(usual))
        self._tell(job_id, JobStage.LEARNING, 0.0, None)
        if refused := refused_rows(len(usual)):
            raise InvalidInputError(refused)
        names = [signal.name for signal in signals]
        given = (order.name, names, usual)
        if graph is None:
            made = await self._trainer.train(
                *given, order.detector, order.alarm, float(order.row_s), self._teller(job_id)
            )
        else:
            made = await self._trainer.adopt(*given, graph, order.alarm, float(order.row_s), self._teller(job_id))
        self._tell(job_id, JobStage.KEEPING, 1.0, None)
        facts = _facts(made, order, excluded=len(rows.at) - len(usual), took_us=self._clock.now() - begun)
        card = made.card.model_copy(update={"trained_at": int(self._clock.now())})
        new = NewVersion(
            asset_id=asset.id, name=order.name, card=card, signal_ids=order.signal_ids,
            origin=ModelOrigin.TRAINED if graph is None else ModelOrigin.FOREIGN, training=facts,
        )  # fmt: skip
        version = await self._models.register(actor, new, made.graph)
        self._put(job_id, model_id=version.model_id, version_id=version.id)

    async def _tested(
        self, job_id: str, actor: Actor, asset: Asset, version: ModelVersion, graph: bytes, span: Span
    ) -> None:
        """Read, score, judge against what is on record, and keep it with the version."""
        rows = await rows_of(self._historian, asset, version.signal_ids, span, version.card.row_s)
        self._put(job_id, rows=len(rows.at))
        self._tell(job_id, JobStage.SCORING, 0.0, None)
        if not rows.whole.any():
            raise InvalidInputError(f"{asset.code} has no rows with all signals in this time. Take another one.")
        async with self._work(actor.scope) as work:
            troubles = await troubles_of(work, asset.id, span, self._clock.now())
        log_scores, _ = await self._trainer.score(version.card, graph, rows.values, ~rows.running, self._teller(job_id))
        failures = [each for each in troubles if each.is_failure]
        found = await asyncio.to_thread(
            backtested, version.card, rows.at, log_scores, failures, span, self._clock.now(), actor.name
        )
        self._tell(job_id, JobStage.KEEPING, 1.0, None)
        await self._models.attach(actor, version.id, found)

    def _teller(self, job_id: str) -> Callable[[JobStage, float, float | None], None]:
        return lambda stage, share, loss: self._tell(job_id, stage, share, loss)

    def _tell(self, job_id: str, stage: JobStage, share: float, loss: float | None) -> None:
        """Note how far a job is.

        Raises:
            ConflictError: Somebody has cancelled it: nothing of it is kept.
        """
        if job_id in self._cancelled:
            raise ConflictError(f"The {self._jobs[job_id].kind} of {self._jobs[job_id].name} was cancelled.")
        losses = self._jobs[job_id].loss
        self._put(job_id, stage=stage, share=share, loss=losses if loss is None else (*losses, loss))

    def _put(self, job_id: str, **changes: object) -> None:
        self._jobs[job_id] = self._jobs[job_id].model_copy(update=changes)

    def _end(self, job_id: str, state: JobState, problem: str = "") -> None:
        self._orders.pop(job_id, None)
        done = {"share": 1.0} if state is JobState.DONE else {}
        self._put(job_id, state=state, problem=problem, ended_at=self._clock.now(), **done)


async def _machine(actor: Actor, work: Work, asset_id: str) -> tuple[Asset, tuple[Signal, ...]]:
    asset = await work.assets.get(asset_id)
    if asset is None or not actor.scope.covers(asset.site_id):
        raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
    return asset, watchable(await work.signals.of_asset(asset_id))


def _facts(made: Trained, order: TrainingOrder, *, excluded: int, took_us: int) -> TrainingFacts:
    return TrainingFacts(
        begin_at=order.span.start_at, end_at=order.span.end_at, excluded_rows=excluded, took_s=took_us / MICROS_PER_S,
        loss=made.loss, histogram=made.histogram, metrics=made.metrics,
    )  # fmt: skip
