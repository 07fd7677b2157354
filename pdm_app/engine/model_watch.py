"""Has models judge machines: a row of means as soon as its time is over, from the same history they were trained on.

``ModelWatch(work, historian, intake, graphs, models, clock, fence, signals_changed)``; run `run` under the supervisor.

* Rows come from the historian, which knows what is committed and what still waits to be: a model sees live exactly what
  a backtest shows it, and after a restart it goes on where it was, minute by minute.
* Not judged is what does not run, what has just started, and what has no good values; the models' own rule bridges
  short gaps.
* A champion's score and health are signals of the machine, so that alarms, maintenance rules, trends and exports know
  them. Shadows are judged alike and tell nobody.
* Another version in force is loaded before the one it replaces is dropped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.asset_health import HEALTH_SIGNAL, SCORE_SIGNAL, Anomaly, AssetHealth, Outlook, SignalShare, Verdict
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.identifiers import derived_id
from pdm_app.domain.live_models import LiveModel, LiveModels
from pdm_app.domain.model_registry import ModelState, ModelVersion
from pdm_app.domain.outlooks import HOUR_US, OUTLOOK_EVERY_US, READ_DAYS, WearReading, outlook_of, wear_reading
from pdm_app.domain.ports import Clock, Fence, Historian
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.samples import F8, MICROS_PER_S, Batch, Micros, Quality
from pdm_app.domain.scores import Flags, Scores, health_of
from pdm_app.domain.signals import Shape, Signal
from pdm_app.engine.intake import Intake
from pdm_app.engine.supervisor import Backoff
from pdm_app.services.auditing import audit
from pdm_app.services.model_graphs import ModelGraphs
from pdm_app.services.model_rows import START_ROWS_S, model_rows

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
READ_EVERY_US = 60 * MICROS_PER_S
LATE_S = 15.0  # So long after a row's end its samples may come; what comes later is seen by trends, not by models.
ROWS_AT_ONCE = 1440  # Of one version: a day of minutes.
REMEMBERED_ROWS = 1440  # Before the first judged row, so that the baseline has followed.
PAST_DAYS_MAX = 35
DERIVED_BY = "pdm.models"
LIVE_US = 3_600 * MICROS_PER_S  # What is older is put into history without passing the screens.
SIGNAL_POSITION = 900  # Behind whatever a machine measures.
SHARES_SHOWN = 5


@dataclass(slots=True)
class Watched:
    """One version at work."""

    version: ModelVersion
    asset: Asset
    live: LiveModel | None
    verdict: AssetHealth
    score_id: int | None = None
    health_id: int | None = None
    anomaly: Anomaly | None = None
    wear: WearReading | None = None
    outlook_at: int = field(default=0)

    @property
    def row_us(self) -> int:
        return round(self.version.card.row_s * MICROS_PER_S)


class ModelWatch:
    """The engine's part for models.

    Args:
        work: Where versions and verdicts are stored.
        historian: Asked for rows.
        intake: Takes scores.
        graphs: Where models lie.
        models: Runs them.
        clock: Injected time.
        fence: Returns the proof of the lease once it is held; nothing is judged before.
        signals_changed: Called when a machine has got its score's signals.
    """

    def __init__(
        self,
        work: UnitOfWork,
        historian: Historian,
        intake: Intake,
        graphs: ModelGraphs,
        models: LiveModels,
        clock: Clock,
        fence: Callable[[], Awaitable[Fence]],
        signals_changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._work = work
        self._historian = historian
        self._intake = intake
        self._graphs = graphs
        self._models = models
        self._clock = clock
        self._fence = fence
        self._signals_changed = signals_changed
        self.backoff = Backoff(first_s=1.0, cap_s=30.0)
        self.watched: dict[str, Watched] = {}
        self.judged_rows = 0
        self._read_at: int | None = None
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Judge until cancelled; what was not judged is judged later.

        Raises:
            UnavailableError: The database does not answer; run it again.
        """
        await self._fence()
        self.watched.clear()
        while True:
            is_behind = await self.step()
            self.backoff.reset()
            await self._clock.sleep(0.2 if is_behind else LOOK_EVERY_S)

    async def reload(self) -> None:
        """Put the stored versions in force at the next look."""
        self._read_at = None

    async def step(self) -> bool:
        """Judge what is due, at most a day of one machine; return whether more is due at once."""
        now = self._clock.now()
        if self._read_at is None or abs(now - self._read_at) >= READ_EVERY_US:
            await self._read(now)
        is_behind = False
        for watched in list(self.watched.values()):
            if watched.live is None:
                continue
            end = int((now - LATE_S * MICROS_PER_S) // watched.row_us * watched.row_us)
            rows = (end - watched.verdict.judged_until) // watched.row_us
            if rows > 0:
                await self._judge(watched, min(end, watched.verdict.judged_until + ROWS_AT_ONCE * watched.row_us), now)
                is_behind |= rows > ROWS_AT_ONCE
        return is_behind

    # --- what is in force -------------------------------------------------------------------------------------------

    async def _read(self, now: Micros) -> None:
        async with self._work(EVERY_SITE) as work:
            versions = {version.id: version for version in await work.models.standing()}
            assets = {asset.id: asset for asset in await work.assets.all()}
            stored = {verdict.id: verdict for verdict in await work.health.all()}
            standing = {anomaly.version_id: anomaly for anomaly in await work.health.standing()}
        for version in versions.values():
            known = self.watched.get(version.id)
            is_same = known is not None and known.version.revision == version.revision and known.live is not None
            if not is_same and version.asset_id in assets:
                verdict = known.verdict if known is not None else stored.get(version.id)
                await self._begin(version, assets[version.asset_id], verdict, standing.get(version.id), now)
        for gone in [*(set(self.watched) - set(versions)), *(set(stored) - set(versions))]:
            await self._end(gone, standing.get(gone), now)
        self._read_at = now

    async def _begin(
        self, version: ModelVersion, asset: Asset, verdict: AssetHealth | None, standing: Anomaly | None, now: Micros
    ) -> None:
        """Load a version, and have it remember what came before its next row."""
        is_shadow = version.state is ModelState.SHADOW
        row_us = round(version.card.row_s * MICROS_PER_S)
        first = max(version.training.end_at, now - PAST_DAYS_MAX * 86_400 * MICROS_PER_S) // row_us * row_us
        verdict = verdict or AssetHealth(
            id=version.id, site_id=version.site_id, asset_id=version.asset_id, model_id=version.model_id,
            judged_until=first, simulated=version.simulated,
        )  # fmt: skip
        verdict = verdict.model_copy(update={"is_shadow": is_shadow})
        watched = Watched(version, asset, None, verdict, anomaly=standing)
        self.watched[version.id] = watched
        try:
            graph = await self._graphs.get(version.graph_sha256)
            live = await self._models.load(version.id, version.card, graph)
        except (InvalidInputError, NotFoundError, UnavailableError) as error:
            if verdict.problem != error.message[:500]:
                log.warning(
                    "a model cannot be loaded", model=version.card.name, number=version.number, error=error.message
                )
            watched.verdict = verdict.model_copy(
                update={"verdict": Verdict.FAULTY, "problem": error.message[:500], "score": None, "health": None}
            )
            await self._store(watched, [])
            return
        if verdict.drift:
            live.resume(np.array(verdict.drift), np.log(standing.peak) if standing is not None else None)
        rows, _ = await self._rows(watched, verdict.judged_until - REMEMBERED_ROWS * row_us, verdict.judged_until)
        if len(rows):
            live.remember(rows, follows=not verdict.drift)
        if not is_shadow:
            await self._ready_signals(watched, now)
        watched.live = live

    async def _end(self, version_id: str, standing: Anomaly | None, now: Micros) -> None:
        self.watched.pop(version_id, None)
        self._models.drop(version_id)
        async with self._work(EVERY_SITE) as work:
            await work.hold(await self._fence())
            await work.health.forget(version_id)
            if standing is not None:
                await work.health.put_anomalies([standing.model_copy(update={"end_at": int(now)})])
            await work.commit()

    async def _ready_signals(self, watched: Watched, now: Micros) -> None:
        """Have the machine own the signals of its score and health, and know what of it shows wear."""
        asset = watched.asset
        made = False
        async with self._work(EVERY_SITE) as work:
            own = {signal.name: signal for signal in await work.signals.of_asset(asset.id)}
            watched.wear = wear_reading(asset, list(own.values()))
            for name, label, unit, decimals in (
                (SCORE_SIGNAL, "Anomaly score", "1", 2),
                (HEALTH_SIGNAL, "Health", "%", 0),
            ):
                if name not in own:
                    own[name] = await _new_signal(work, asset, name, label, unit, decimals, watched, now)
                    made = True
            if made:
                await work.commit()
        watched.score_id, watched.health_id = own[SCORE_SIGNAL].id, own[HEALTH_SIGNAL].id
        if made:
            await self._signals_changed()

    # --- judging ----------------------------------------------------------------------------------------------------

    async def _rows(self, watched: Watched, begin: int, end: int) -> tuple[F8, Flags]:
        card = watched.version.card
        lead = round(START_ROWS_S / card.row_s)
        return await model_rows(
            self._historian, watched.version.signal_ids, watched.asset.state_signal_id, begin, end, watched.row_us, lead
        )

    async def _judge(self, watched: Watched, end: int, now: Micros) -> None:
        begin, live = watched.verdict.judged_until, watched.live
        if live is None:
            return
        rows, masked = await self._rows(watched, begin, end)
        silent = np.isnan(rows).all(axis=1)  # A line that is lost is not bridged, as one signal's short gap is.
        try:
            scores, unusual = await live.judge(rows, masked | silent)
        except UnavailableError:
            watched.live = None  # Loaded anew at the next look, which goes on behind the last verdict.
            raise
        self.judged_rows += len(rows)
        ends = begin + watched.row_us * np.arange(1, len(rows) + 1)
        health = health_of(np.log(scores.score), watched.version.card.held_out_spread)
        if watched.score_id is not None and watched.health_id is not None:
            await self._publish(watched, ends, scores.score, health, now)
        anomalies = _episodes(watched, ends, scores, unusual)
        watched.verdict = _verdict(watched, live, scores, health, masked & ~silent, end)
        if watched.wear is not None and end - watched.outlook_at >= OUTLOOK_EVERY_US:
            watched.outlook_at = end
            watched.verdict = watched.verdict.model_copy(update={"outlook": await self._outlook(watched.wear, end)})
        await self._store(watched, anomalies)

    async def _outlook(self, wear: WearReading, at: int) -> Outlook:
        end = at // HOUR_US * HOUR_US
        begin = end - READ_DAYS * 24 * HOUR_US
        means, _ = await model_rows(self._historian, [wear.signal_id], None, begin, end, HOUR_US, 0)
        return await asyncio.to_thread(outlook_of, wear, means[:, 0], end)

    async def _publish(self, watched: Watched, ends: np.ndarray, score: F8, health: F8, now: Micros) -> None:
        """Have score and health recorded; where nothing was judged there is a gap."""
        good = np.where(np.isnan(score), Quality.BAD_DEVICE_FAILURE, Quality.GOOD).astype(np.uint16)
        for is_live in (False, True):
            mine = (ends >= now - LIVE_US) == is_live
            if not mine.any():
                continue
            count = int(mine.sum())
            batch = Batch(
                DERIVED_BY,
                np.repeat(np.array([watched.score_id, watched.health_id], np.uint32), count),
                np.tile(ends[mine].astype(np.int64), 2),
                np.concatenate([score[mine], health[mine]]),
                np.tile(good[mine], 2),
                received_at=now,
            )
            if is_live:
                await asyncio.shield(self._intake.derive(batch).durable)
            else:
                await self._historian.import_past([batch], await self._fence())

    async def _store(self, watched: Watched, anomalies: Sequence[Anomaly]) -> None:
        async with self._work(EVERY_SITE) as work:
            await work.hold(await self._fence())
            await work.health.put([watched.verdict])
            await work.health.put_anomalies(anomalies)
            await work.commit()


def _verdict(watched: Watched, live: LiveModel, scores: Scores, health: F8, masked: Flags, end: int) -> AssetHealth:
    """Return what the newest row says."""
    is_judged = not np.isnan(scores.score[-1])
    state = Verdict.JUDGED if is_judged else Verdict.STOPPED if masked[-1] else Verdict.NO_DATA
    changes: dict[str, object] = {
        "verdict": state,
        "problem": "",
        "judged_until": end,
        "score": float(scores.score[-1]) if is_judged else None,
        "health": float(health[-1]) if is_judged else None,
        "confidence": float(scores.confidence[-1]) if is_judged else None,
        "is_unusual": watched.anomaly is not None,
        "shares": _shares(watched.version, scores, len(health) - 1) if is_judged else (),
        "drift": tuple(float(each) for each in live.drift),
    }
    return watched.verdict.model_copy(update=changes)


def _episodes(watched: Watched, ends: np.ndarray, scores: Scores, unusual: Flags) -> list[Anomaly]:
    """Return what began, went on or ended in these rows, and note what goes on."""
    changed: dict[str, Anomaly] = {}
    version = watched.version
    for place, is_unusual in enumerate(unusual.tolist()):
        score, at = float(scores.score[place]), int(ends[place])
        if np.isnan(score):
            continue  # What is not judged neither begins nor ends anything.
        if is_unusual and watched.anomaly is None:
            watched.anomaly = Anomaly(
                id=derived_id(Micros(at), version.id, "anomaly"), site_id=version.site_id, asset_id=version.asset_id,
                model_id=version.model_id, version_id=version.id, is_shadow=watched.verdict.is_shadow, begin_at=at,
                peak=score, peak_at=at, shares=_shares(version, scores, place), simulated=version.simulated,
            )  # fmt: skip
        elif is_unusual and watched.anomaly is not None and score > watched.anomaly.peak:
            watched.anomaly = watched.anomaly.model_copy(
                update={"peak": score, "peak_at": at, "shares": _shares(version, scores, place)}
            )
        elif not is_unusual and watched.anomaly is not None:
            changed[watched.anomaly.id] = watched.anomaly.model_copy(update={"end_at": at})
            watched.anomaly = None
            continue
        if watched.anomaly is not None:
            changed[watched.anomaly.id] = watched.anomaly
    return list(changed.values())


def _shares(version: ModelVersion, scores: Scores, row: int) -> tuple[SignalShare, ...]:
    """Return the signals that make most of a score, the largest share first."""
    number_of = dict(zip(version.card.signals, version.signal_ids, strict=True))
    share_of = dict(zip(version.card.signals, scores.contribution[row].tolist(), strict=True))
    names = scores.first_contributors(row, version.card.signals, SHARES_SHOWN)
    return tuple(SignalShare(signal_id=number_of[name], share=min(max(share_of[name], 0.0), 1.0)) for name in names)


async def _new_signal(
    work: Work, asset: Asset, name: str, label: str, unit: str, decimals: int, watched: Watched, now: Micros
) -> Signal:
    signal = Signal(
        id=await work.plant.new_signal_number(), site_id=asset.site_id, asset_id=asset.id, name=name, label=label,
        unit=unit, shape=Shape.STEP, decimals=decimals, range_low=0.0, range_high=100.0 if unit == "%" else None,
        position=SIGNAL_POSITION, stale_after_s=max(300.0, 5 * watched.version.card.row_s), simulated=asset.simulated,
        revision=1,
    )  # fmt: skip
    await work.plant.add(signal, SYSTEM.name, now)
    await audit(
        work, SYSTEM, now, "signals.created", subject="signal", subject_id=str(signal.id), name=f"{asset.code} {name}",
        site_id=asset.site_id, after=signal, reason="a model is in force",
    )  # fmt: skip
    return signal
