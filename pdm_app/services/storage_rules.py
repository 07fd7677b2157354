"""Storage rules: listed with what they do, estimated on the samples of the last day, changed; in force at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.errors import ConflictError, FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.identifiers import new_id
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Stretch
from pdm_app.domain.signals import Signal
from pdm_app.domain.storage_rules import (
    RULES_MAX,
    BoundIn,
    Method,
    Plan,
    RuleEstimate,
    RuleView,
    StorageRule,
    StorageRuleFacts,
    plans_of,
)
from pdm_app.services.record_changes import changed, in_force, put_on_record, require_revision, require_site
from pdm_app.stream.thinning import Thinning

WORD = "storage rule"
DAY_US = 86_400 * MICROS_PER_S
DAYS_PER_MONTH = 30.44
READ_SIGNALS_MAX = 12
READ_SAMPLES_MAX = 100_000
COUNTED_SIGNALS_MAX = 400
SPAN_US_MIN = 15 * 60 * MICROS_PER_S
ROWS_PER_BATCH = 100_000
NAMES_MAX = 12


class StorageRuleService:
    """The rules of the sites.

    Args:
        work: Where they are stored.
        historian: Read for estimates.
        clock: Injected time.
        reload: Awaited after a change, to put it in force.
        thinned: Returns by signal number how many samples were left out since the start.
        bytes_per_sample: Returns what a sample takes in files of closed days.
    """

    def __init__(
        self,
        work: UnitOfWork,
        historian: Historian,
        clock: Clock,
        reload: Callable[[], Awaitable[None]],
        thinned: Callable[[], Mapping[int, int]],
        bytes_per_sample: Callable[[], Awaitable[float]],
    ) -> None:
        self._work = work
        self._historian = historian
        self._clock = clock
        self._reload = reload
        self._thinned = thinned
        self._bytes_per_sample = bytes_per_sample
        self._turn = asyncio.Semaphore(1)

    async def all(self, actor: Actor, site_id: str | None = None) -> tuple[RuleView, ...]:
        """Return the rules in the actor's sites in the order in which they are asked, with what they do."""
        actor.require(Permission.SIGNALS_READ)
        if site_id is not None:
            actor.require_site(site_id, f"site {site_id!r}")
        async with self._work(actor.scope) as work:
            rules = [rule for rule in await work.storage_rules.all() if site_id in (None, rule.site_id)]
            codes, signals = await _signals(work)
        plans, thinned = plans_of(rules, signals, codes), self._thinned()
        takers = _takers(rules, signals, codes)
        return tuple(
            RuleView(
                rule=rule,
                signals=sum(1 for taker in takers.values() if taker == rule.id),
                thinned=sum(thinned.get(number, 0) for number, plan in plans.items() if plan.rule_id == rule.id),
            )
            for rule in rules
        )

    async def get(self, actor: Actor, rule_id: str) -> StorageRule:
        """Return one rule.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
        """
        actor.require(Permission.SIGNALS_READ)
        async with self._work(actor.scope) as work:
            return await _found(work, rule_id)

    async def create(self, actor: Actor, facts: StorageRuleFacts) -> StorageRule:
        """Create a rule.

        Raises:
            NotFoundError: Its site or machine does not exist or lies outside the actor's sites.
            InvalidInputError: Names each field and its fix.
            ConflictError: There are as many as there may be.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        now = self._clock.now()
        rule = StorageRule(**facts.model_dump(), id=new_id(now), revision=1, changed_at=int(now), changed_by=actor.name)
        async with self._work(actor.scope) as work:
            await _judge(work, actor, rule)
            if len([other for other in await work.storage_rules.all() if other.site_id == rule.site_id]) >= RULES_MAX:
                raise ConflictError(f"There are {RULES_MAX} storage rules in this site. Delete one that is not needed.")
            await self._put(work, actor, None, rule)
        await in_force(self._reload, WORD)
        return rule

    async def change(
        self, actor: Actor, rule_id: str, changes: Mapping[str, object], revision: int | None = None
    ) -> StorageRule:
        """Change the fields named in ``changes`` and no others.

        Raises:
            NotFoundError: It, or its machine, does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed it since ``revision``.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(Permission.SIGNALS_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _found(work, rule_id)
            require_revision(before, WORD, revision)
            after = changed(before, WORD, changes, actor.name, self._clock.now())
            if after is before:
                return before
            await _judge(work, actor, after)
            await self._put(work, actor, before, after)
        await in_force(self._reload, WORD)
        return after

    async def delete(self, actor: Actor, rule_id: str, revision: int | None = None) -> StorageRule:
        """Delete a rule: what it thinned is stored in full from now on, or as the next rule says.

        Raises:
            NotFoundError: It does not exist or lies outside the actor's sites.
            ConflictError: Somebody has changed or deleted it since ``revision``.
        """
        return await self._hide(actor, rule_id, self._clock.now(), revision)

    async def restore(self, actor: Actor, rule_id: str) -> StorageRule:
        """Bring back a rule that was deleted.

        Raises:
            NotFoundError: It never existed, or its machine is gone, or it lies outside the actor's sites.
            ConflictError: It is there.
        """
        return await self._hide(actor, rule_id, None, None)

    async def _hide(self, actor: Actor, rule_id: str, at: Micros | None, revision: int | None) -> StorageRule:
        actor.require(Permission.SIGNALS_CONFIGURE)
        async with self._work(actor.scope) as work:
            before = await _found(work, rule_id, gone=at is None)
            require_revision(before, WORD, revision)
            after = changed(before, WORD, {"deleted_at": at}, actor.name, self._clock.now())
            if at is None:
                await _judge(work, actor, after)
            await work.storage_rules.put(after)
            sides = (before, None) if at is not None else (None, after)
            done = "storage_rules.restored" if at is None else "storage_rules.deleted"
            await put_on_record(work, actor, self._clock.now(), done, WORD, *sides)
            await work.commit()
        await in_force(self._reload, WORD)
        return after

    async def _put(self, work: Work, actor: Actor, before: StorageRule | None, after: StorageRule) -> None:
        done = "storage_rules.created" if before is None else "storage_rules.changed"
        await work.storage_rules.put(after)
        await put_on_record(work, actor, self._clock.now(), done, WORD, before, after)
        await work.commit()

    # --- what a rule would come to ------------------------------------------------------------------------------------

    async def estimate(self, actor: Actor, facts: StorageRuleFacts) -> RuleEstimate:
        """Return what a rule would come to, from the samples of the last day; the rule need not be stored.

        Rates are those of all signals it fits, what is kept is that of some of them, spread evenly over the list.

        Raises:
            NotFoundError: Its site or machine does not exist or lies outside the actor's sites.
            InvalidInputError: Names each field and its fix.
        """
        actor.require(Permission.SIGNALS_READ)
        rule = StorageRule(**facts.model_dump(), id="estimate")
        async with self._work(actor.scope) as work:
            await _judge(work, actor, rule)
            codes, signals = await _signals(work)
        now = self._clock.now()
        fitting = [
            signal
            for signal in signals
            if rule.model_copy(update={"enabled": True}).fits(signal, codes.get(signal.asset_id, ""))
        ]
        async with self._turn:
            per_day = await self._per_day(fitting, now)
            some = _spread([signal for signal in fitting if per_day.get(signal.id)] or fitting, READ_SIGNALS_MAX)
            read = kept = 0
            worst: float | None = None
            for signal in some:
                stretch = await self._last(signal, now)
                if len(stretch):
                    left, error = await asyncio.to_thread(_thinned, rule.plan(signal), stretch)
                    read, kept = read + len(stretch), kept + left
                    worst = error if worst is None else max(worst, error)
        share = kept / read if read else None
        samples_per_day = float(sum(per_day.values()))
        size = await self._bytes_per_sample()
        month = size * samples_per_day * DAYS_PER_MONTH
        return RuleEstimate(
            signals=len(fitting),
            signals_read=len(some) if read else 0,
            samples_per_day=samples_per_day,
            kept_per_day=samples_per_day * (share or 0.0),
            share=share,
            bytes_per_sample=size,
            bytes_per_month=month * (share or 0.0),
            bytes_per_month_now=month,
            error_max=worst,
            names=tuple(f"{codes.get(signal.asset_id, '?')}.{signal.name}" for signal in fitting[:NAMES_MAX]),
        )

    async def _per_day(self, signals: Sequence[Signal], now: Micros) -> dict[int, float]:
        """Return samples per day of each signal, by what was recorded since it began within the last day."""
        some = _spread(signals, COUNTED_SIGNALS_MAX)
        if not some:
            return {}
        edges = np.array([now - DAY_US, now], np.int64)
        rows = (await self._historian.summaries([signal.id for signal in some], edges)).rows
        found: dict[int, float] = {}
        for number, samples, begins in zip(
            rows.signal.tolist(), rows.samples.tolist(), rows.begins_at.tolist(), strict=True
        ):
            found[number] = samples * DAY_US / max(now - begins, MICROS_PER_S)
        if len(some) < len(signals):  # The others are taken for the mean of these.
            mean = sum(found.values()) / len(some)
            counted = {signal.id for signal in some}
            found |= {signal.id: mean for signal in signals if signal.id not in counted}
        return found

    async def _last(self, signal: Signal, now: Micros) -> Stretch:
        """Return the last day of a signal, or as much of it as may be read."""
        span_us = DAY_US
        while True:
            try:
                found = await self._historian.samples(
                    [signal.id], Micros(now - span_us), Micros(now + 1), READ_SAMPLES_MAX
                )
            except InvalidInputError:
                if span_us <= SPAN_US_MIN:
                    return Stretch(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint16))
                span_us //= 4
            else:
                return found[signal.id]


def _thinned(plan: Plan, stretch: Stretch) -> tuple[int, float]:
    """Return how many samples of a stretch a plan keeps, and the largest error of what is drawn from them."""
    if plan.method is Method.ALL:
        return len(stretch), 0.0
    thinning = Thinning({plan.signal: plan})
    kept: list[np.ndarray] = []
    for begin in range(0, len(stretch), ROWS_PER_BATCH):
        rows = slice(begin, begin + ROWS_PER_BATCH)
        signal = np.full(len(stretch.source_at[rows]), plan.signal, np.uint32)
        batch = Batch("", signal, stretch.source_at[rows], stretch.value[rows], stretch.quality[rows], Micros(0), 1)
        kept += [picked.source_at for picked in thinning.take([batch])]
    kept.append(thinning.waiting(0).source_at)
    at = np.unique(np.concatenate(kept))
    places = np.searchsorted(stretch.source_at, at)
    value = stretch.value[places]
    if plan.is_step or plan.method is Method.CHANGE:
        drawn = value[np.maximum(np.searchsorted(at, stretch.source_at, side="right") - 1, 0)]
    else:
        drawn = np.interp(stretch.source_at, at, value)
    apart = np.abs(drawn - stretch.value)
    return len(at), float(np.nanmax(apart)) if np.isfinite(apart).any() else 0.0


def _spread(signals: Sequence[Signal], most: int) -> list[Signal]:
    places = np.linspace(0, len(signals) - 1, min(most, len(signals))).round().astype(int)
    return [signals[place] for place in np.unique(places).tolist()]


def _takers(rules: Sequence[StorageRule], signals: Sequence[Signal], codes: Mapping[str, str]) -> dict[int, str]:
    """Return by signal number which rule counts for it, also one that keeps everything."""
    found: dict[int, str] = {}
    for signal in signals:
        rule = next((rule for rule in rules if rule.fits(signal, codes.get(signal.asset_id, ""))), None)
        if rule is not None:
            found[signal.id] = rule.id
    return found


async def _signals(work: Work) -> tuple[dict[str, str], list[Signal]]:
    codes = {asset.id: asset.code for asset in await work.assets.all()}
    return codes, list(await work.signals.all())


async def _found(work: Work, rule_id: str, *, gone: bool = False) -> StorageRule:
    found = await work.storage_rules.get(rule_id)
    if found is None or (found.deleted_at is not None and not gone):
        raise NotFoundError(f"There is no storage rule {rule_id!r}.", rule_id=rule_id)
    if gone and found.deleted_at is None:
        raise ConflictError("This storage rule is there; there is nothing to restore.", rule_id=rule_id)
    return found


async def _judge(work: Work, actor: Actor, rule: StorageRule) -> None:
    """Refuse a rule that refers to what is not there, or that would keep everything without saying so."""
    await require_site(work, actor, rule.site_id, rule.asset_id)
    if rule.method is Method.DOOR and rule.bound == 0:
        what = "percentage of the range" if rule.bound_in is BoundIn.RANGE_PERCENT else "number in the signals' unit"
        raise InvalidInputError(
            "A swinging door without a bound would keep nearly everything.",
            [FieldIssue("bound", "is 0", f"give a {what} that may be lost")],
        )
