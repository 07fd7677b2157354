"""Gives machines that have a past, but no model, a default one: fitted, replayed on the rest of the past, put in force.

``DefaultModels(work, historian, models, service, clock, fence, wants, is_ready)``; run `run` under the supervisor. It
ends once every machine that is meant has one; one machine after the other, with a pause between, so that nothing waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.asset_health import HEALTH_SIGNAL, SCORE_SIGNAL
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.live_models import LiveModels
from pdm_app.domain.model_registry import ModelAct, ModelOrigin, TrainingFacts
from pdm_app.domain.ports import Clock, Fence, Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import F8, MICROS_PER_S, Micros
from pdm_app.domain.scores import Flags
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.domain.training import Span
from pdm_app.engine.supervisor import Backoff
from pdm_app.services.model_backtests import backtested
from pdm_app.services.model_rows import START_ROWS_S, model_rows
from pdm_app.services.models import ModelService, NewVersion

log = structlog.get_logger(__name__)

NAME = "Default ensemble"
REASON = "fitted by itself"
ROW_S = 60.0
ROW_US = round(ROW_S * MICROS_PER_S)
START_ROWS = round(START_ROWS_S / ROW_S)
DAY_US = 86_400 * MICROS_PER_S
PAST_DAYS = 30
LEARN_DAYS = 10
"""Of the oldest days, where they were told minute by minute; a machine has every kind of day of its week in them."""
LEARN_LATEST_DAYS = 2
DENSE_SHARE = 0.8
SIGNALS_MIN, SIGNALS_MAX = 3, 32
ROWS_MIN = 720  # Half a day of minutes; less says nothing of usual days.
REMEMBERED_ROWS = 1440  # Before a replay, so that the baseline has followed.
PAUSE_S = 2.0


class DefaultModels:
    """The loop that ends once every machine that is meant has a model.

    Args:
        work: Where machines are read.
        historian: Asked for their past.
        models: Fits and replays.
        service: Keeps what was fitted.
        clock: Injected time.
        fence: Returns once this process leads.
        wants: Whether a machine is meant, by what it measures.
        is_ready: Whether the past is all there.
    """

    def __init__(
        self,
        work: UnitOfWork,
        historian: Historian,
        models: LiveModels,
        service: ModelService,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        wants: Callable[[Sequence[Signal]], bool],
        is_ready: Callable[[], bool],
    ) -> None:
        self._work = work
        self._historian = historian
        self._models = models
        self._service = service
        self._clock = clock
        self._fence = fence
        self._wants = wants
        self._is_ready = is_ready
        self.backoff = Backoff(first_s=5.0, cap_s=60.0)

    async def run(self) -> None:
        """Fit what is missing.

        Raises:
            UnavailableError: The database does not answer; run it again.
        """
        await self._fence()
        while not self._is_ready():
            await self._clock.sleep(PAUSE_S)
        async with self._work(EVERY_SITE) as work:
            assets = await work.assets.all()
            has_one = {model.asset_id for model in await work.models.all()}
            signals = {asset.id: await work.signals.of_asset(asset.id) for asset in assets}
        fitted = 0
        for asset in assets:
            own = [signal for signal in signals[asset.id] if _is_watched(signal)]
            if asset.id in has_one or len(own) < SIGNALS_MIN or not self._wants(own):
                continue
            if fitted:
                await self._clock.sleep(PAUSE_S)
            fitted += 1
            try:
                await self._fit(asset, own[:SIGNALS_MAX], self._clock.now())
            except InvalidInputError as error:
                log.info("a machine gets no default model", asset=asset.code, reason=error.message)

    async def _fit(self, asset: Asset, signals: Sequence[Signal], now: Micros) -> None:
        until = now // DAY_US * DAY_US
        begin = until - PAST_DAYS * DAY_US
        end = begin + LEARN_DAYS * DAY_US
        rows, masked = await self._read(asset, signals, begin, end)
        if _density(rows).max() < DENSE_SHARE:
            end = now // ROW_US * ROW_US - 2 * ROW_US
            begin = end - LEARN_LATEST_DAYS * DAY_US
            rows, masked = await self._read(asset, signals, begin, end)
        told = _density(rows) >= DENSE_SHARE * _density(rows).max()  # What seldom or never came is left out.
        is_usual = ~masked & np.isfinite(rows[:, told]).all(axis=1)
        usual = rows[is_usual]
        moving = [place for place in np.flatnonzero(told).tolist() if len(usual) and np.ptp(usual[:, place]) > 0]
        if len(usual) < ROWS_MIN or len(moving) < SIGNALS_MIN:
            raise InvalidInputError(f"{len(usual)} usual rows of {len(moving)} signals that change are too few.")
        chosen = [signals[place] for place in moving]
        card, graph = await self._models.train_default(
            NAME, [signal.name for signal in chosen], usual[:, moving], ROW_S
        )
        version = await self._service.register(
            SYSTEM,
            NewVersion(
                asset_id=asset.id, name=NAME, card=card.model_copy(update={"trained_at": int(now)}),
                signal_ids=tuple(signal.id for signal in chosen), origin=ModelOrigin.AUTOMATIC,
                training=TrainingFacts(begin_at=begin, end_at=end, excluded_rows=len(rows) - len(usual)),
            ),
            graph,
        )  # fmt: skip
        replay_end = now // ROW_US * ROW_US - 2 * ROW_US
        if replay_end - end < DAY_US:  # All there is was learned from: the last third of it was only looked at.
            replay_begin, replay_end = end - (end - begin) // 3 // ROW_US * ROW_US, end
        else:
            replay_begin = end
        later, unfit = await self._read(asset, chosen, replay_begin, replay_end)
        came_before = begin + ROW_US * np.flatnonzero(is_usual) < replay_begin
        before = usual[came_before][:, moving][-REMEMBERED_ROWS:]
        logs = await self._models.replay(card, graph, before, later, unfit | np.isnan(later).all(axis=1))
        span = Span(start_at=replay_begin, end_at=replay_end)
        at = replay_begin + ROW_US * np.arange(len(later), dtype=np.int64)
        replayed = await asyncio.to_thread(backtested, card, at, logs, (), span, int(now), SYSTEM.name)
        version = await self._service.attach(SYSTEM, version.id, replayed)
        version = await self._service.decide(SYSTEM, version.id, ModelAct.SHADOW, version.revision, REASON)
        await self._service.decide(SYSTEM, version.id, ModelAct.PROMOTE, version.revision, REASON)
        log.info("a default model is in force", asset=asset.code, signals=len(chosen), rows=len(usual))

    async def _read(self, asset: Asset, signals: Sequence[Signal], begin: int, end: int) -> tuple[F8, Flags]:
        """Read rows a day at a time."""
        numbers = [signal.id for signal in signals]
        parts = [
            await model_rows(
                self._historian, numbers, asset.state_signal_id, at, min(at + DAY_US, end), ROW_US, START_ROWS
            )
            for at in range(begin, end, DAY_US)
        ]
        return np.concatenate([rows for rows, _ in parts]), np.concatenate([masked for _, masked in parts])


def _density(rows: F8) -> F8:
    """Return in which share of the rows each signal has a value."""
    return np.asarray(np.isfinite(rows).mean(axis=0), dtype=np.float64)


def _is_watched(signal: Signal) -> bool:
    """Whether a signal is a measured quantity that may move: no counter, no state, no outcome of a model."""
    is_own = signal.name in (SCORE_SIGNAL, HEALTH_SIGNAL)
    return (
        signal.data_type is DataType.NUMBER
        and signal.shape is Shape.CONTINUOUS
        and not is_own
        and not signal.is_derived
    )
