"""What a rule would have done, judged over the past before it is saved.

``AlarmBacktestService(work, historian, clock)``. The samples of the past go through the same judging as live ones,
together with the rule as it would be with longer on-delays, so that a better one is proposed from what happened and
not from an estimate. Nobody acknowledges in the past: an alarm that comes again counts again. Shifts are not looked at:
a rule that is silent off shift is counted in all hours.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import Field

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.alarm_figures import DAY, Happening, scorecard
from pdm_app.domain.alarms import AlarmRule, AlarmRuleFacts, JournalEntry, JournalKind
from pdm_app.domain.errors import InvalidInputError, NotFoundError
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.record import Record
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Batch, Micros, Stretch
from pdm_app.domain.signals import Signal
from pdm_app.domain.suppression import guarding_signals
from pdm_app.services.alarm_rules import refuse_unfit
from pdm_app.stream.alarm_book import AlarmBook

DAYS_MAX = 92
SLICES = 60  # Of a period; after each the progress is told, and whoever has left ends it.
SAMPLES_PER_SLICE_MAX = 400_000
SAMPLES_MAX = 6_000_000  # A month of one signal at 2 Hz.
SAMPLES_LOOKED_BACK_MAX = 600_000  # Of conditions that look at each sample by itself.
SAMPLES_AT_ONCE = 2_000  # Judged before others have their turn.
EXTRA_DELAYS_S = (0.0, 2.0, 5.0, 12.0, 30.0, 60.0, 120.0)
SHOWN_MAX = 100
AT_ONCE_MAX = 2


class Activation(Record):
    """One time the rule would have called; ``end_at`` is None while it stood to the end."""

    start_at: int
    end_at: int | None
    value: float | None


class Trial(Record):
    """What the rule would have done with one on-delay."""

    on_delay_s: float
    activations: int
    fleeting: int
    chattering: int = Field(description="Activations within a minute of at least two others.")


class Backtest(Record):
    """A backtest as it stands; ``trials`` begins with the rule as it was given, and is there at the end."""

    progress: Annotated[float, Field(ge=0, le=1)]
    days: float = Field(description="Days of data that were judged so far.")
    samples: int
    is_done: bool = False
    trials: tuple[Trial, ...] = ()
    proposed: Trial | None = Field(default=None, description="A longer on-delay that leaves nothing fleeting.")
    activations: tuple[Activation, ...] = Field(default=(), description="The newest ones of the rule as given.")


class AlarmBacktestService:
    """Judges the past by a rule that is not saved."""

    def __init__(self, work: UnitOfWork, historian: Historian, clock: Clock) -> None:
        self._work = work
        self._historian = historian
        self._clock = clock
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def run(self, actor: Actor, facts: AlarmRuleFacts, days: float = 30.0) -> AsyncGenerator[Backtest, None]:
        """Judge the last days; yield how far it is, and at the end what it found. Leaving ends it.

        Raises:
            NotFoundError: A signal does not exist or lies outside the actor's sites.
            InvalidInputError: The rule does not fit its signal; there are more samples than are judged at once.
        """
        actor.require(Permission.ALARMS_CONFIGURE)
        actor.require(Permission.HISTORY_READ)
        rule = await self._rule(actor, facts)
        end_at = self._clock.now()
        start_at = end_at - round(min(max(days, 0.01), DAYS_MAX) * DAY)
        run = _Run(rule, Micros(start_at))
        edges = [Micros(round(edge)) for edge in np.linspace(start_at, end_at, SLICES + 1)]
        async with self._turn:
            for place, (since, until) in enumerate(pairwise(edges), start=1):
                stretches = await self._historian.samples(run.signals, since, until, SAMPLES_PER_SLICE_MAX)
                await run.judge(stretches, since, until)
                yield Backtest(progress=place / (SLICES + 1), days=run.days(until), samples=run.samples)
            yield run.found(end_at)

    async def _rule(self, actor: Actor, facts: AlarmRuleFacts) -> AlarmRule:
        asked = [facts.signal_id, *facts.condition.inputs(), *guarding_signals(facts.suppressions)]
        async with self._work(actor.scope) as work:
            known = {
                signal.id: signal for signal in [await work.plant.get(Signal, number) for number in asked] if signal
            }
        missing = [number for number in asked if number not in known]
        if missing:
            raise NotFoundError(f"There is no signal {missing[0]}.", signal_id=missing[0])
        signal = known[facts.signal_id]
        refuse_unfit(signal, facts)
        return AlarmRule(
            **{
                name: getattr(facts, name)
                for name in AlarmRuleFacts.model_fields
                if name not in ("enabled", "first_out")
            },
            id="backtest",
            site_id=signal.site_id,
            asset_id=signal.asset_id,
        )


class _Run:
    """One backtest: the rule with each on-delay, judged side by side."""

    def __init__(self, rule: AlarmRule, start_at: Micros) -> None:
        self._rule = rule
        self._start_at = start_at
        self._rules = [
            rule.model_copy(update={"id": f"trial-{place}", "on_delay_s": rule.on_delay_s + extra})
            for place, extra in enumerate(EXTRA_DELAYS_S)
        ]
        self._book = AlarmBook()
        self._book.load(self._rules, (), (), frozenset(), start_at)
        self._entries: dict[str, list[JournalEntry]] = {each.id: [] for each in self._rules}
        self._first_at: int | None = None
        self.signals = sorted({rule.signal_id, *rule.condition.inputs(), *guarding_signals(rule.suppressions)})
        self.samples = 0
        self._samples_max = SAMPLES_MAX if rule.condition.band() is not None else SAMPLES_LOOKED_BACK_MAX

    async def judge(self, stretches: Mapping[int, Stretch], since: Micros, until: Micros) -> None:
        """Judge one slice.

        Raises:
            InvalidInputError: Too many samples were judged by then.
        """
        batch = _merged(stretches, until)
        if since > self._start_at:  # What stood when a later slice begins was judged with the one before.
            batch = _part(batch, int(np.searchsorted(batch.source_at, since)), len(batch))
        self.samples += len(batch)
        if self.samples > self._samples_max:
            raise InvalidInputError(
                f"There are more than {self._samples_max:,} samples in this time, too many for a backtest. Ask for "
                "fewer days.",
                samples_max=self._samples_max,
            )
        if len(batch) and self._first_at is None:
            self._first_at = int(batch.source_at[0])
        for first in range(0, len(batch), SAMPLES_AT_ONCE):
            self._book.judge(_part(batch, first, first + SAMPLES_AT_ONCE), until)
            self._collect()
            await asyncio.sleep(0)
        self._book.tick(until)
        self._collect()

    def _collect(self) -> None:
        while changes := self._book.oldest_unsaved(1_000):
            for unsaved in changes:
                self._entries[unsaved.change.entry.rule_id].append(unsaved.change.entry)
            self._book.saved(changes)

    def days(self, until: Micros) -> float:
        return 0.0 if self._first_at is None else max(0.0, (until - max(self._first_at, self._start_at)) / DAY)

    def found(self, end_at: Micros) -> Backtest:
        trials = [self._trial(rule, end_at) for rule in self._rules]
        given = trials[0]
        calmer = [trial for trial in trials[1:] if not trial.fleeting and not trial.chattering]
        is_noisy = given.fleeting or given.chattering
        return Backtest(
            progress=1.0,
            days=self.days(end_at),
            samples=self.samples,
            is_done=True,
            trials=tuple(trials),
            proposed=calmer[0] if is_noisy and calmer else None,
            activations=tuple(_activations(self._entries[self._rules[0].id])[-SHOWN_MAX:]),
        )

    def _trial(self, rule: AlarmRule, end_at: Micros) -> Trial:
        entries = sorted(self._entries[rule.id], key=lambda entry: entry.at)
        happenings = [Happening(each.at, each.rule_id, each.kind, each.state, each.priority) for each in entries]
        card = scorecard(happenings, self._start_at, end_at + 1)
        actor = card.bad_actors[0] if card.bad_actors else None
        return Trial(
            on_delay_s=rule.on_delay_s,
            activations=card.annunciated,
            fleeting=0 if actor is None else actor.fleeting,
            chattering=0 if actor is None else actor.chattering,
        )


def _activations(entries: Sequence[JournalEntry]) -> list[Activation]:
    found: list[Activation] = []
    for entry in entries:
        if entry.is_annunciation:
            found.append(Activation(start_at=entry.at, end_at=None, value=entry.value))
        elif found and found[-1].end_at is None and entry.kind in (JournalKind.RETURNED, JournalKind.SUPPRESSED):
            found[-1] = found[-1].model_copy(update={"end_at": entry.at})
    return found


def _merged(stretches: Mapping[int, Stretch], until: Micros) -> Batch:
    """Return the samples of a slice as one batch in the order of time; what stood before is there once, at first."""
    each = list(stretches.items())
    if not each:
        nothing = np.zeros(0)
        each = [(0, Stretch(nothing.astype(np.int64), nothing, nothing.astype(np.uint16)))]
    signal = np.concatenate([np.full(len(stretch), number, dtype=np.uint32) for number, stretch in each])
    at = np.concatenate([stretch.source_at for _, stretch in each])
    value = np.concatenate([stretch.value for _, stretch in each])
    quality = np.concatenate([stretch.quality for _, stretch in each])
    order = np.argsort(at, kind="stable")
    return Batch(
        device="backtest",
        signal=signal[order],
        source_at=at[order],
        value=value[order],
        quality=quality[order],
        received_at=until,
    )


def _part(batch: Batch, first: int, last: int) -> Batch:
    at = batch.source_at[first:last]
    return Batch(
        device=batch.device,
        signal=batch.signal[first:last],
        source_at=at,
        value=batch.value[first:last],
        quality=batch.quality[first:last],
        received_at=Micros(int(at[-1])) if len(at) else batch.received_at,
    )
