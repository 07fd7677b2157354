"""Derived signals recalculated over their history: asked for, worked off one after the other, watched and cancelled.

`RecalculationService.run` works the list off under the supervisor. What is put in place of the old outcomes is what
the formula gives over the samples in history; each stretch is replaced in one transaction, so that a crash leaves
every stretch either as it was or as it is to be. The list itself lives in memory: after a restart one asks again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE, Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError, PdmError
from pdm_app.domain.formulas.parts import Formula
from pdm_app.domain.formulas.series import Series
from pdm_app.domain.formulas.syntax import FormulaError
from pdm_app.domain.history import Tier
from pdm_app.domain.history_notes import HistoryNotes, NoteKind
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.jobs import JobState
from pdm_app.domain.ports import Clock, Fence, Historian
from pdm_app.domain.recalculations import DerivedSignal, Recalculation
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import QUALITY_BAD_MIN, Batch, Micros, Stretch
from pdm_app.domain.signals import Shape, Signal
from pdm_app.services.auditing import audit
from pdm_app.services.derived_signals import compiled
from pdm_app.stream.derivations import Outcomes, thinned

log = structlog.get_logger(__name__)

HOUR_US = 3_600_000_000
STEP_US_FIRST = 6 * HOUR_US
STEP_US_MIN = 60_000_000
STEP_US_MAX = 7 * 24 * HOUR_US
SAMPLES_MAX = 300_000  # Read at once; a step that would read more is cut in half.
SAMPLES_WANTED = 100_000
WAITING_MAX = 20
REMEMBERED_MAX = 50
RECALCULATED_BY = "pdm.recalculation"


class RecalculationService:
    """Derived signals with their faults, and their recalculation.

    Args:
        work: Where signals are stored.
        historian: Read and rewritten.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held.
        faults: Why derived signals are not reckoned now, by number.
        notes: Knows of which spans samples were removed.
    """

    def __init__(
        self,
        work: UnitOfWork,
        historian: Historian,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        faults: Callable[[], Mapping[int, str]],
        notes: HistoryNotes | None = None,
    ) -> None:
        self._work = work
        self._historian = historian
        self._clock = clock
        self._fence = fence
        self._faults = faults
        self._notes = notes
        self._jobs: dict[str, Recalculation] = {}
        self._waiting: deque[str] = deque()
        self._cancelled: set[str] = set()
        self._asked = asyncio.Event()

    async def derived(self, actor: Actor, site_id: str | None = None) -> tuple[DerivedSignal, ...]:
        """Return the derived signals in the actor's sites, by machine and name."""
        actor.require(Permission.SIGNALS_READ)
        async with self._work(actor.scope) as work:
            found = [one for one in await work.signals.derived() if site_id in (None, one.site_id)]
        faults = self._faults()
        found.sort(key=lambda signal: (signal.asset_id, signal.name))
        return tuple(DerivedSignal(signal=signal, fault=faults.get(signal.id, "")) for signal in found)

    async def ask(self, actor: Actor, signal_id: int, start_at: Micros, end_at: Micros) -> Recalculation:
        """Have a derived signal, and the derived signals that read it, recalculated over a span.

        Raises:
            NotFoundError: The signal does not exist or lies outside the actor's sites.
            InvalidInputError: It is measured, or the span is empty.
            ConflictError: Too many wait already, or this one does.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        now = self._clock.now()
        end_at = min(end_at, now)
        async with self._work(actor.scope) as work:
            found = await work.signals.some([signal_id])
            if not found:
                raise NotFoundError(f"There is no signal {signal_id}.", signal_id=signal_id)
            signal = found[0]
            if not signal.is_derived:
                raise InvalidInputError(f"{signal.name} is measured; there is nothing to recalculate.")
            if start_at >= end_at:
                raise InvalidInputError(
                    "The span is empty.", [FieldIssue("start_at", "is not before the end", "choose an earlier begin")]
                )
            derived = await work.signals.derived()
            order = _readers(signal, derived)
            await self._refuse_removed(order, derived, start_at, end_at)
            standing = [job for job in self._jobs.values() if not job.state.is_over]
            if any(signal.id in job.signals for job in standing):
                raise ConflictError(f"{signal.name} is being recalculated already. Wait for it, or cancel it first.")
            if len(standing) >= WAITING_MAX:
                raise ConflictError(f"{WAITING_MAX} recalculations wait already. Ask again when some are done.")
            job = Recalculation(
                id=new_id(now), site_id=signal.site_id, signal_id=signal.id, name=signal.name, signals=tuple(order),
                start_at=start_at, end_at=end_at, asked_by=actor.name, asked_at=now,
            )  # fmt: skip
            await audit(
                work, actor, now, "signals.recalculated", subject="signal", subject_id=str(signal.id), name=signal.name,
                site_id=signal.site_id, after={"start_at": start_at, "end_at": end_at, "signals": order},
            )  # fmt: skip
            await work.commit()
        self._jobs[job.id] = job
        self._waiting.append(job.id)
        self._forget_old()
        self._asked.set()
        return job

    async def _refuse_removed(
        self, order: Sequence[int], derived: Sequence[Signal], start_at: Micros, end_at: Micros
    ) -> None:
        """Refuse a span of which samples were removed: reckoned of nothing, the outcomes would be gone as well.

        Raises:
            InvalidInputError: Says from when on all samples are there.
        """
        if self._notes is None:
            return
        reads = {number for one in derived if one.id in order for number in (one.id, *one.formula_reads)}
        for note in await self._notes.notes(sorted(reads), start_at, end_at):
            if note.kind is NoteKind.REMOVED and note.tier == str(Tier.RAW):
                raise InvalidInputError(
                    f"{note.text} A recalculation over that time would leave nothing of what was reckoned of them.",
                    [FieldIssue("start_at", "lies before that", "choose a later beginning")],
                    from_at=note.end_at,
                )

    def all(self, actor: Actor) -> tuple[Recalculation, ...]:
        """Return the recalculations in the actor's sites since the start of the process, newest first."""
        actor.require(Permission.SIGNALS_READ)
        return tuple(job for job in reversed(self._jobs.values()) if actor.scope.covers(job.site_id))

    async def cancel(self, actor: Actor, recalculation_id: str) -> Recalculation:
        """Stop a recalculation; what it has put in place stays.

        Raises:
            NotFoundError: There is none, or it lies outside the actor's sites.
            ConflictError: It is over.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        job = self._jobs.get(recalculation_id)
        if job is None or not actor.scope.covers(job.site_id):
            raise NotFoundError(f"There is no recalculation {recalculation_id!r}.", recalculation_id=recalculation_id)
        if job.state.is_over:
            raise ConflictError(f"The recalculation of {job.name} is over.")
        async with self._work(actor.scope) as work:
            await audit(
                work, actor, self._clock.now(), "signals.recalculation_cancelled", subject="signal",
                subject_id=str(job.signal_id), name=job.name, site_id=job.site_id,
            )  # fmt: skip
            await work.commit()
        self._cancelled.add(job.id)
        if job.state is JobState.WAITING:
            self._waiting.remove(job.id)
            self._end(job.id, JobState.CANCELLED)
        return self._jobs[job.id]

    # --- working it off -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work off what is asked for, one after the other, until cancelled."""
        while True:
            while not self._waiting:
                self._asked.clear()
                await self._asked.wait()
            job_id = self._waiting.popleft()
            try:
                await self._work_off(job_id)
            except (PdmError, OSError, TimeoutError) as error:  # A job that nobody ended would stand as running.
                problem = str(error) or "The database did not answer in time."
                log.warning("a recalculation failed", signal=self._jobs[job_id].name, error=problem)
                self._end(job_id, JobState.FAILED, problem)
            except asyncio.CancelledError:
                self._end(job_id, JobState.FAILED, "The program was stopped. Ask for it again.")
                raise

    async def _work_off(self, job_id: str) -> None:
        job = self._put(job_id, state=JobState.RUNNING)
        async with self._work(EVERY_SITE) as work:
            known = {signal.id: signal for signal in await work.signals.all()}
        for place, number in enumerate(job.signals):
            signal = known.get(number)
            if signal is None or not signal.is_derived:
                continue  # It was deleted since.
            try:
                formula = await asyncio.to_thread(compiled, signal, known)
            except FormulaError as error:
                self._end(job_id, JobState.FAILED, f"{signal.name}: {error}")
                return
            if not await self._recalculate(job_id, place, signal, formula, known):
                self._end(job_id, JobState.CANCELLED)
                return
        self._end(job_id, JobState.DONE)

    async def _recalculate(
        self, job_id: str, place: int, signal: Signal, formula: Formula, known: Mapping[int, Signal]
    ) -> bool:
        """Recalculate one signal, stretch by stretch; False where it was cancelled."""
        job = self._jobs[job_id]
        is_step_of = {number: known[number].shape is Shape.STEP for number in formula.signals}
        begin, step_us, follows_bad = job.start_at, STEP_US_FIRST, False
        while begin < job.end_at:
            if job_id in self._cancelled:
                return False
            end = min(job.end_at, begin + step_us)
            try:
                stretches = await self._historian.samples(
                    formula.signals, Micros(max(0, begin - formula.lookback_us)), Micros(end), SAMPLES_MAX
                )
            except InvalidInputError as error:
                if step_us <= STEP_US_MIN:
                    raise InvalidInputError(f"{signal.name} looks back on too many samples: {error.message}") from None
                step_us = max(STEP_US_MIN, step_us // 2)
                continue
            outcomes = await asyncio.to_thread(_reckoned, signal.id, formula, stretches, is_step_of, begin, end)
            kept = thinned(outcomes, follows_bad)
            if len(outcomes.at):
                follows_bad = bool(outcomes.quality[-1] >= QUALITY_BAD_MIN)
            fence = await self._fence()
            replaced = await self._historian.rewrite(
                signal.id, Micros(begin), Micros(end), _batch(kept, self._clock.now()), fence
            )
            if sum(len(stretch) for stretch in stretches.values()) < SAMPLES_WANTED // 2:
                step_us = min(step_us * 2, STEP_US_MAX)
            begin = end
            job = self._jobs[job_id]
            share = (begin - job.start_at) / (job.end_at - job.start_at)
            self._put(
                job_id, share=(place + share) / len(job.signals),
                written=job.written + len(kept.at), replaced=job.replaced + replaced,
            )  # fmt: skip
        return True

    def _put(self, job_id: str, **changes: object) -> Recalculation:
        self._jobs[job_id] = self._jobs[job_id].model_copy(update=changes)
        return self._jobs[job_id]

    def _end(self, job_id: str, state: JobState, problem: str = "") -> None:
        self._cancelled.discard(job_id)
        done = {"share": 1.0} if state is JobState.DONE else {}
        self._put(job_id, state=state, problem=problem, ended_at=self._clock.now(), **done)

    def _forget_old(self) -> None:
        over = [job.id for job in self._jobs.values() if job.state.is_over]
        for job_id in over[: max(0, len(self._jobs) - REMEMBERED_MAX)]:
            del self._jobs[job_id]


def _readers(signal: Signal, derived: Sequence[Signal]) -> list[int]:
    """Return a derived signal and all that read it, directly or through others, each after what it reads."""
    reached = {signal.id}
    grows = True
    while grows:
        more = {one.id for one in derived if reached.intersection(one.formula_reads)} - reached
        reached |= more
        grows = bool(more)
    waiting = {one.id: set(one.formula_reads) & reached for one in derived if one.id in reached}
    order: list[int] = []
    while waiting:
        ready = sorted(number for number, reads in waiting.items() if reads <= set(order))
        order += ready
        for number in ready:
            del waiting[number]
        if not ready:
            break  # A circle, which the rules refuse.
    return order


def _reckoned(
    number: int,
    formula: Formula,
    stretches: Mapping[int, Stretch],
    is_step_of: Mapping[int, bool],
    begin: int,
    end: int,
) -> Outcomes:
    series = {one: Series.of_stretch(stretch, is_step=is_step_of[one]) for one, stretch in stretches.items()}
    at = formula.instants(series, begin, end)
    return Outcomes(number, at, *formula.evaluate(series, at))


def _batch(outcomes: Outcomes, now: Micros) -> Batch:
    signal = np.full(len(outcomes.at), outcomes.signal, np.uint32)
    return Batch(RECALCULATED_BY, signal, outcomes.at, outcomes.value, outcomes.quality, received_at=now)
