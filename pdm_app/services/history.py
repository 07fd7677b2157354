"""Ask for the past: series at the resolution of the screen, figures of spans, values at a time.

Answers are the same whichever tier they come from. What they may cost is bounded in rows, in time, and in how many are
worked on at once.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

import numpy as np

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.cold import LEAVES_OUT
from pdm_app.domain.errors import FieldIssue, InvalidInputError, UnavailableError
from pdm_app.domain.history import (
    AggregateAnswer,
    AggregateQuery,
    HistoryAnswer,
    HistoryQuery,
    MomentAnswer,
    MomentQuery,
    ValueAt,
    Way,
)
from pdm_app.domain.history_facts import Beside
from pdm_app.domain.history_notes import HistoryNote, HistoryNotes
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.samples import QUALITY_BAD_MIN, Micros
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.services.figures import STATES_MAX, aggregates, edges_of, percentiles, time_at_values
from pdm_app.services.signals import SignalService

AT_ONCE = 4
"""Questions that are worked on at the same time; others wait their turn."""
ANSWER_S_MAX = 30.0
RAW_SAMPLES_MAX = 1_000_000
"""Samples that percentiles and times at values are reckoned of."""
COARSE_BUCKETS = 60


class HistoryService:
    """Reads of the historian."""

    def __init__(
        self,
        historian: Historian,
        signals: SignalService,
        observe_s: Callable[[float], None],
        clock: Clock,
        notes: HistoryNotes | None = None,
    ) -> None:
        self._historian = historian
        self._signals = signals
        self._observe_s = observe_s
        self._clock = clock
        self._notes = notes
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def envelope(self, actor: Actor, query: HistoryQuery) -> HistoryAnswer:
        """Return one envelope per signal, in the order asked.

        Raises:
            NotFoundError: A signal does not exist or lies outside the actor's sites.
            InvalidInputError: It would take too many samples.
            UnavailableError: It took longer than 30 s.
        """
        await self._known(actor, query.signals)
        return await self._envelope(query)

    async def progressive(self, actor: Actor, query: HistoryQuery) -> AsyncGenerator[HistoryAnswer, None]:
        """Yield a coarse answer at once, then the one asked for; raises as `envelope` does."""
        await self._known(actor, query.signals)
        if query.buckets >= COARSE_BUCKETS * 4:
            coarse = await self._envelope(query.model_copy(update={"buckets": COARSE_BUCKETS}))
            if any(envelope.bucket_us for envelope in coarse.series):
                yield coarse.model_copy(update={"is_final": False})
        yield await self._envelope(query)

    async def _envelope(self, query: HistoryQuery) -> HistoryAnswer:
        started = perf_counter()
        async with self._in_turn():
            leaves_out = LEAVES_OUT.set(True)  # What is not there is said in the notes.
            try:
                series = list(await self._historian.envelope(query))
            finally:
                LEAVES_OUT.reset(leaves_out)
            notes = await self._noted(query)
        took_s = perf_counter() - started
        self._observe_s(took_s)
        return HistoryAnswer(
            series=series,
            points_read=sum(sum(envelope.count) for envelope in series),
            points=sum(len(envelope.at) for envelope in series),
            took_ms=round(took_s * 1000, 1),
            notes=notes,
        )

    async def aggregate(self, actor: Actor, query: AggregateQuery) -> AggregateAnswer:
        """Return figures of each signal, in the order asked, one entry for each stretch.

        Raises:
            NotFoundError: A signal does not exist or lies outside the actor's sites.
            InvalidInputError: It would take too many rows; or states are asked of a signal that has none.
            UnavailableError: It took longer than 30 s.
        """
        signals = await self._known(actor, query.signals)
        _refuse_texts(signals, query)
        started = perf_counter()
        edges, now = edges_of(query), self._clock.now()
        async with self._in_turn():
            found = await self._historian.summaries(query.signals, edges)
            series = [await asyncio.to_thread(aggregates, signal, edges, found, now) for signal in signals]
            if query.percentile is not None or query.states:
                start, end = Micros(query.start_at), Micros(query.end_at)
                stretches = await self._historian.samples(query.signals, start, end, RAW_SAMPLES_MAX)
                for place, signal in enumerate(signals):
                    extra: dict[str, object] = {}
                    if query.percentile is not None:
                        extra["percentile"] = percentiles(stretches[signal.id], edges, query.percentile)
                    if query.states:
                        states = time_at_values(stretches[signal.id], start, min(end, now))
                        if states is None:
                            raise _too_many_states(signal)
                        extra["states"] = states
                    series[place] = series[place].model_copy(update=extra)
            notes = await self._noted(query)
        took_s = perf_counter() - started
        self._observe_s(took_s)
        return AggregateAnswer(
            series=series,
            tiers=list(found.tiers),
            rows_read=found.rows_read,
            took_ms=round(took_s * 1000, 1),
            notes=notes,
        )

    async def at(self, actor: Actor, query: MomentQuery) -> MomentAnswer:
        """Return what each signal stood at, in the order asked.

        Raises:
            NotFoundError: A signal does not exist or lies outside the actor's sites.
        """
        signals = await self._known(actor, query.signals)
        async with self._in_turn():
            beside = await self._historian.beside(query.signals, Micros(query.at))
        now = self._clock.now()
        values = [_value_at(signal, query.at, now, *beside[signal.id]) for signal in signals]
        return MomentAnswer(at=query.at, values=values)

    async def _noted(self, query: HistoryQuery | AggregateQuery) -> tuple[HistoryNote, ...]:
        """Return what has to be said beside an answer; after it, since reading finds out what is damaged."""
        if self._notes is None:
            return ()
        return tuple(await self._notes.notes(query.signals, query.start_at, query.end_at))

    async def _known(self, actor: Actor, ids: Sequence[int]) -> tuple[Signal, ...]:
        actor.require(Permission.HISTORY_READ)
        return await self._signals.ever(actor, ids)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    yield
            except TimeoutError as error:
                raise UnavailableError(
                    f"The answer took longer than {ANSWER_S_MAX:.0f} s and was given up. Choose a shorter span, fewer "
                    "signals or wider stretches.",
                    answer_s_max=ANSWER_S_MAX,
                ) from error


def _refuse_texts(signals: Sequence[Signal], query: AggregateQuery) -> None:
    texts = [signal.name for signal in signals if signal.data_type is DataType.TEXT]
    if query.states and texts:
        raise InvalidInputError(
            f"Times at values are reckoned of numbers; {texts[0]} holds texts.",
            [FieldIssue("states", f"{texts[0]} holds texts", "ask without it")],
        )


def _too_many_states(signal: Signal) -> InvalidInputError:
    return InvalidInputError(
        f"{signal.name} stood at more than {STATES_MAX} values in this span. Ask for states of signals that have few.",
        [FieldIssue("states", f"{signal.name} has more than {STATES_MAX} values", "choose a signal of few values")],
    )


def _value_at(signal: Signal, at: int, now: int, before: Beside | None, after: Beside | None) -> ValueAt:
    unknown = ValueAt(
        signal=signal.id,
        value=None,
        quality=None if before is None else before.quality,
        way=Way.UNKNOWN,
        before_at=None if before is None else before.at,
        after_at=None,
    )
    if before is None or before.value is None or before.quality >= QUALITY_BAD_MIN or at > now:
        return unknown
    held = unknown.model_copy(update={"value": before.value, "way": Way.SAMPLE if before.at == at else Way.HELD})
    if signal.shape is not Shape.CONTINUOUS or before.at == at or after is None or after.quality >= QUALITY_BAD_MIN:
        return held
    if not isinstance(before.value, float) or not isinstance(after.value, float):
        return held
    value = float(np.interp(at, [before.at, after.at], [before.value, after.value]))
    return held.model_copy(update={"value": value, "way": Way.INTERPOLATED, "after_at": after.at})
