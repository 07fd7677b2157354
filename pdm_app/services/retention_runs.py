"""Runs of the rules of retention: one each night, or when somebody asks, watched, cancelled, and taken up again.

A run is a list of orders worked off day by day; each day is done or not begun, whatever dies (see
`pdm_app.storage.removal`). Its record in the database says how far it came; one that the process did not end is
called interrupted, and the next begins at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import structlog

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Permission
from pdm_app.domain.errors import ConflictError, FencedError, NotFoundError, PdmError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock, Fence
from pdm_app.domain.record import Record
from pdm_app.domain.removals import RemovalOrder, RemovalStore
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.retention import DAY_US, RetentionRun, RunState
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.auditing import audit
from pdm_app.services.retention import RetentionService

log = structlog.get_logger(__name__)

AT_US = 2 * 3600 * MICROS_PER_S
"""Each day at two o'clock UTC, when the day before is compacted and most plants are quiet."""
RUNS_SHOWN_MAX = 50
BREATH_S = 0.2  # Between two steps, so that the recorder's writes come in between.
NOTED_EVERY = 20
"""Steps after which the record of a run is written again."""


class RunStatus(Record):
    """The run that is under way, the ones before, and when the next one begins by itself."""

    running: RetentionRun | None
    recent: tuple[RetentionRun, ...]
    next_at: int | None


class RetentionRuns:
    """Has the rules carried out.

    Args:
        retention: Says what the rules order.
        store: Carries it out.
        work: Where records of runs are kept.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held.
    """

    def __init__(
        self,
        retention: RetentionService,
        store: RemovalStore,
        work: UnitOfWork,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
    ) -> None:
        self._retention = retention
        self._store = store
        self._work = work
        self._clock = clock
        self._fence = fence
        self._asked: Actor | None = None
        self._running: RetentionRun | None = None
        self._is_cancelled = False
        self.next_at: int | None = None

    async def status(self, actor: Actor) -> RunStatus:
        """Return what runs, what ran, and when the next run is."""
        _require(actor)
        async with self._work(EVERY_SITE) as work:
            recent = await work.retention.runs(RUNS_SHOWN_MAX)
        running = self._running
        done = tuple(run for run in recent if running is None or run.id != running.id)
        return RunStatus(running=running, recent=done, next_at=self.next_at)

    async def ask(self, actor: Actor) -> None:
        """Have the rules carried out now; what goes does not come back.

        Raises:
            ConflictError: A run is under way.
        """
        _require(actor)
        if self._running is not None or self._asked is not None:
            raise ConflictError("Retention is under way already. Wait for it, or cancel it first.")
        async with self._work(EVERY_SITE) as work:
            await audit(work, actor, self._clock.now(), "retention.run", subject="retention_run")
            await work.commit()
        self._asked = actor

    async def cancel(self, actor: Actor) -> RetentionRun:
        """End the run after the day that it works at; what is gone stays gone.

        Raises:
            ConflictError: None is under way.
        """
        _require(actor)
        running = self._running
        if running is None:
            raise ConflictError("No retention is under way.")
        async with self._work(EVERY_SITE) as work:
            await audit(
                work, actor, self._clock.now(), "retention.run_cancelled", subject="retention_run",
                subject_id=running.id,
            )  # fmt: skip
            await work.commit()
        self._is_cancelled = True
        return running

    # --- carrying it out ------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Find out when the next run is due: at once where the last one was interrupted."""
        now = self._clock.now()
        async with self._work(EVERY_SITE) as work:
            runs = await work.retention.runs(RUNS_SHOWN_MAX)
            dead = [run for run in runs if run.state is RunState.RUNNING]
            for run in dead:
                await work.retention.put_run(run.model_copy(update={"state": RunState.INTERRUPTED, "ended_at": now}))
            if dead:
                await work.commit()
        last = max((run.started_at for run in runs), default=None)
        is_due = bool(dead) or (last is not None and _after(last) <= now)
        self.next_at = now if is_due else _after(now)

    async def step(self) -> RetentionRun | None:
        """Carry the rules out if somebody asked, or if it is time; None where neither is so.

        Raises:
            FencedError: Another process holds the lease.
        """
        if self.next_at is None:
            await self.recover()
        asked, self._asked = self._asked, None
        if asked is None and self._clock.now() < (self.next_at or 0):
            return None
        self.next_at = _after(self._clock.now())
        return await self._run(asked or SYSTEM)

    async def _run(self, actor: Actor) -> RetentionRun | None:
        orders = await self._retention.orders()
        if not orders and actor is SYSTEM:
            return None  # Nobody wants to read each day that there are no rules.
        now = self._clock.now()
        self._is_cancelled = False
        run = await self._put(RetentionRun(id=new_id(now), asked_by=actor.name, started_at=now))
        try:
            planned = 0
            for order in orders:
                planned += (await self._store.due(order)).rows
            run = await self._put(run.model_copy(update={"rows_planned": planned}))
            for order in orders:
                run = await self._carry_out(run, order)
                if self._is_cancelled:
                    return await self._end(run, RunState.CANCELLED)
            return await self._end(run, RunState.DONE)
        except FencedError:
            self._running = None  # The other process will say what became of it.
            raise
        except (PdmError, OSError, TimeoutError) as error:
            problem = str(error) or "The database did not answer in time."
            log.warning("retention ended early; the next run goes on", error=problem)
            return await self._end(self._running or run, RunState.FAILED, problem)
        finally:
            self._running = None

    async def _carry_out(self, run: RetentionRun, order: RemovalOrder) -> RetentionRun:
        steps = 0
        async with aclosing(self._store.remove(order, await self._fence())) as removed:
            async for one in removed:
                steps += 1
                problem = one.reason or run.problem
                run = run.model_copy(
                    update={
                        "rows": run.rows + one.rows, "bytes": run.bytes + one.bytes,
                        "blocked": run.blocked + one.blocked, "problem": problem,
                    }
                )  # fmt: skip
                self._running = run
                if self._is_cancelled:
                    break
                if steps % NOTED_EVERY == 0:
                    await self._put(run)
                await self._clock.sleep(BREATH_S)
        return run

    async def _put(self, run: RetentionRun) -> RetentionRun:
        async with self._work(EVERY_SITE) as work:
            await work.retention.put_run(run)
            await work.commit()
        self._running = run if run.state is RunState.RUNNING else None
        return run

    async def _end(self, run: RetentionRun, state: RunState, problem: str = "") -> RetentionRun:
        ended = run.model_copy(
            update={"state": state, "ended_at": self._clock.now(), "problem": (problem or run.problem)[:2000]}
        )
        log.info("retention ended", state=str(state), rows=ended.rows, bytes=ended.bytes, blocked=ended.blocked)
        return await asyncio.shield(self._put(ended))


def _after(at: int) -> int:
    """Return the next time of day at which a run is due."""
    return at - (at - AT_US) % DAY_US + DAY_US


def _require(actor: Actor) -> None:
    actor.require(Permission.STORAGE_CONFIGURE)
    if actor.scope.sites is not None:
        raise NotFoundError("There is no retention in your sites.")
