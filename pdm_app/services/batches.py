"""Runs, such as production batches and events: listed with their figures, laid over each other, begun and ended."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.runs import (
    AlignedQuery,
    AlignedRun,
    AlignedSeries,
    Run,
    RunDetail,
    RunFigure,
    RunKind,
    RunQuery,
)
from pdm_app.domain.samples import F8, I8, MICROS_PER_S
from pdm_app.domain.signals import Shape, Signal
from pdm_app.services.figures import aggregates
from pdm_app.services.record_changes import changed, put_on_record, require_revision, require_site
from pdm_app.services.run_rules import RunRuleService

WORD = "run"
STEP_US_MIN = 1_000
AT_ONCE = 2
GAP_MAX = 10.0
"""Times the usual distance of samples: what is farther apart is a gap."""


class BatchService:
    """Runs of the sites.

    Args:
        work: Where they are stored.
        historian: Asked for figures and series.
        clock: Injected time.
        rules: The rules that find them.
    """

    def __init__(self, work: UnitOfWork, historian: Historian, clock: Clock, rules: RunRuleService) -> None:
        self._work = work
        self._historian = historian
        self._clock = clock
        self.rules = rules
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def page(self, actor: Actor, query: RunQuery) -> tuple[Run, ...]:
        """Return runs in the actor's sites, the newest first.

        Raises:
            NotFoundError: The site or machine does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.HISTORY_READ)
        if query.site_id is not None:
            actor.require_site(query.site_id, f"site {query.site_id!r}")
        async with self._work(actor.scope) as work:
            if query.asset_id is not None and await work.assets.get(query.asset_id) is None:
                raise NotFoundError(f"There is no asset {query.asset_id!r}.", asset_id=query.asset_id)
            if query.rule_id is not None and await work.runs.rule(query.rule_id) is None:
                raise NotFoundError(f"There is no rule {query.rule_id!r} for runs.", rule_id=query.rule_id)
            return tuple(await work.runs.page(query))

    async def get(self, actor: Actor, run_id: str) -> RunDetail:
        """Return one run with the figures of its signals; of one that goes on, up to now.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            run = await _found(work, run_id)
            signals = {signal.id: signal for signal in await work.signals.some(list(run.signals))}
        now = self._clock.now()
        end = max(run.ended_at or int(now), run.started_at + 1)
        figures: list[RunFigure] = []
        if signals:
            edges = np.array([run.started_at, end], np.int64)
            async with self._turn:
                spans = await self._historian.summaries(list(signals), edges)
            for signal in signals.values():
                found = await asyncio.to_thread(aggregates, signal, edges, spans, now)
                figures.append(
                    RunFigure(
                        signal=signal.id, low=found.low[0], mean=found.average[0], high=found.high[0],
                        samples=found.count[0],
                    )
                )  # fmt: skip
        return RunDetail(run=run, duration_s=(end - run.started_at) / MICROS_PER_S, figures=tuple(figures))

    async def series(self, actor: Actor, query: AlignedQuery) -> AlignedSeries:
        """Return a signal in several runs, each counted from its beginning, with a band around some of them.

        Raises:
            NotFoundError: A run or the signal does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.HISTORY_READ)
        async with self._work(actor.scope) as work:
            runs = {run.id: run for run in await work.runs.some([*query.runs, *query.band_of])}
            for run_id in (*query.runs, *query.band_of):
                if run_id not in runs or runs[run_id].deleted_at is not None:
                    raise NotFoundError(f"There is no run {run_id!r}.", run_id=run_id)
            known = await work.signals.some([query.signal])
            if not known:
                raise NotFoundError(f"There is no signal {query.signal}.", signal_id=query.signal)
        now = int(self._clock.now())
        longest = max((run.ended_at or now) - run.started_at for run in runs.values())
        width = max(STEP_US_MIN, -(-longest // query.points))
        steps = max(1, -(-longest // width))
        means: dict[str, F8] = {}
        async with self._turn:
            for run in runs.values():
                means[run.id] = await self._means(run, known[0], width, steps, now)
        band = list(query.band_of) or [run.id for run in runs.values() if run.is_golden]
        low, middle, high = _band([means[run_id] for run_id in band], query)
        return AlignedSeries(
            signal=query.signal,
            every_s=width / MICROS_PER_S,
            at_s=[step * width / MICROS_PER_S for step in range(steps)],
            runs=[
                AlignedRun(
                    run_id=run_id, name=runs[run_id].name, is_golden=runs[run_id].is_golden,
                    duration_s=((runs[run_id].ended_at or now) - runs[run_id].started_at) / MICROS_PER_S,
                    mean=_numbers(means[run_id]),
                )
                for run_id in dict.fromkeys(query.runs)
            ],
            band_runs=band,
            band_mean=_numbers(middle),
            band_low=_numbers(low),
            band_high=_numbers(high),
        )  # fmt: skip

    async def _means(self, run: Run, signal: Signal, width: int, steps: int, now: int) -> F8:
        """Return the mean of the usable samples of each step, NaN where nothing is known; shape (steps,)."""
        means = np.full(steps, np.nan)
        end = run.ended_at or now
        edges = np.minimum(run.started_at + width * np.arange(steps + 1, dtype=np.int64), max(end, run.started_at + 1))
        edges = np.unique(edges)
        if len(edges) < 2:
            return means
        rows = (await self._historian.summaries([signal.id], edges)).rows
        place = (rows.at - run.started_at) // width
        with np.errstate(all="ignore"):
            means[place] = rows.total / rows.usable
        return joined(means, place, is_held=signal.shape is not Shape.CONTINUOUS)

    # --- changing -----------------------------------------------------------------------------------------------------

    async def start(
        self, actor: Actor, asset_id: str, name: str, *, product: str = "", kind: RunKind = RunKind.BATCH,
        signals: Sequence[int] = (), at: int | None = None,
    ) -> Run:  # fmt: skip
        """Begin a run by hand, now or at a time that has passed.

        Raises:
            NotFoundError: The machine or a signal does not exist or lies outside the actor's sites.
            InvalidInputError: The time is to come.
            ConflictError: A run of this name goes on at the machine.
        """
        actor.require(Permission.RUNS_CONTROL)
        now = self._clock.now()
        if at is not None and at > now:
            raise InvalidInputError(
                "A run cannot begin in the future.", [FieldIssue("at", "is to come", "leave it out")]
            )
        async with self._work(actor.scope) as work:
            asset = await work.assets.get(asset_id)
            if asset is None:
                raise NotFoundError(f"There is no asset {asset_id!r}.", asset_id=asset_id)
            await require_site(work, actor, asset.site_id, asset_id)
            await _require_signals(work, asset.site_id, signals)
            going = await work.runs.page(RunQuery(asset_id=asset_id, running=True, limit=500))
            if any(run.name == name for run in going):
                raise ConflictError(f"A run {name!r} goes on at {asset.code} already. End it first, or choose a name.")
            run = Run(
                id=new_id(now), site_id=asset.site_id, asset_id=asset_id, kind=kind, name=name, product=product,
                started_at=int(now if at is None else at), started_by=actor.name, signals=tuple(signals), revision=1,
                changed_at=int(now), changed_by=actor.name,
            )  # fmt: skip
            await work.runs.put([run])
            await put_on_record(work, actor, now, "batches.started", WORD, None, run)
            await work.commit()
        return run

    async def stop(self, actor: Actor, run_id: str, at: int | None = None) -> Run:
        """End a run that was begun by hand, now or at a time that has passed.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: It has ended, or its rule will end it.
            InvalidInputError: The time is to come, or lies before its beginning.
        """
        actor.require(Permission.RUNS_CONTROL)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, run_id)
            if before.ended_at is not None:
                raise ConflictError(f"The run {before.name!r} has ended already.", run_id=run_id)
            rule = None if before.rule_id is None else await work.runs.rule(before.rule_id)
            if rule is not None and rule.enabled and rule.deleted_at is None:
                raise ConflictError(
                    f"The run {before.name!r} ends when its condition does. Change the rule, or switch it off, first.",
                    run_id=run_id,
                )
            ended_at = int(now if at is None else at)
            if not before.started_at < ended_at <= now:
                raise InvalidInputError(
                    "A run ends after its beginning, and not in the future.",
                    [FieldIssue("at", "lies outside", "leave it out to end the run now")],
                )
            after = changed(before, WORD, {"ended_at": ended_at, "ended_by": actor.name}, actor.name, now)
            await work.runs.put([after])
            await put_on_record(work, actor, now, "batches.stopped", WORD, before, after)
            await work.commit()
        return after

    async def change(
        self, actor: Actor, run_id: str, changes: Mapping[str, object], revision: int | None = None
    ) -> Run:
        """Change name, product, note, attributes, signals or the golden mark.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed it since ``revision``.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(Permission.RUNS_CONTROL)
        now = self._clock.now()
        async with self._work(actor.scope) as work:
            before = await _found(work, run_id)
            require_revision(before, WORD, revision)
            after = changed(before, WORD, changes, actor.name, now)
            if after is before:
                return before
            await _require_signals(work, after.site_id, after.signals)
            await work.runs.put([after])
            await put_on_record(work, actor, now, "batches.changed", WORD, before, after)
            await work.commit()
        return after


def joined(means: F8, place: I8, *, is_held: bool) -> F8:
    """Fill steps without a sample between two that have some: with the value before, or a point on the line between.

    What is farther apart than ten times the usual, or has a bad sample between, stays a gap.

    Args:
        means: Shape (steps,), NaN where there is none; changed in place.
        place: The steps that have samples, usable or not, rising.
        is_held: Whether a value stands until the next one.
    """
    if len(place) < 2:
        return means
    apart = np.diff(place)
    near = (apart <= GAP_MAX * np.median(apart)) & np.isfinite(means[place[:-1]]) & np.isfinite(means[place[1:]])
    open_ends = np.flatnonzero(near & (apart > 1))
    for before, after in zip(place[open_ends].tolist(), place[open_ends + 1].tolist(), strict=True):
        line = means[before] if is_held else np.linspace(means[before], means[after], after - before + 1)[1:-1]
        means[before + 1 : after] = line
    return means


def _band(means: Sequence[F8], query: AlignedQuery) -> tuple[F8, F8, F8]:
    """Return low, mean and high of the band: the mean of some runs, give or take their spread."""
    if not means:
        nothing = np.zeros(0)
        return nothing, nothing, nothing
    every = np.stack(means)
    known = np.isfinite(every)
    count = known.sum(axis=0)
    with np.errstate(all="ignore"):
        middle = np.where(known, every, 0).sum(axis=0) / count
        spread = np.sqrt(np.where(known, (every - middle) ** 2, 0).sum(axis=0) / count)
    half = np.maximum(query.tolerance * spread, query.tolerance_abs)
    return middle - half, middle, middle + half


def _numbers(values: F8) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


async def _found(work: Work, run_id: str) -> Run:
    found = await work.runs.some([run_id])
    if not found or found[0].deleted_at is not None:
        raise NotFoundError(f"There is no run {run_id!r}.", run_id=run_id)
    return found[0]


async def _require_signals(work: Work, site_id: str, signals: Sequence[int]) -> None:
    """Refuse what the run's site does not have, be it shown to the actor or not."""
    known = {signal.id for signal in await work.signals.some(list(signals)) if signal.site_id == site_id}
    missing = [number for number in signals if number not in known]
    if missing:
        raise NotFoundError(f"There is no signal {missing[0]}.", signal_id=missing[0])
