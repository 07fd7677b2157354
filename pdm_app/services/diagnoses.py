"""The diagnosis of a machine now: its last hour beside a usual week, and what it looked like in cases of the past."""

from collections.abc import Mapping, Sequence

import numpy as np

from pdm_app.domain.access import EVERY_SITE, Actor
from pdm_app.domain.advice import Episode, alike, signature, similar
from pdm_app.domain.asset_health import AssetHealth
from pdm_app.domain.assets import Asset
from pdm_app.domain.cases import CaseQuery, CaseState
from pdm_app.domain.diagnosis import Diagnosis, diagnose
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.movements import BLOCKS_MIN, Movement, movements
from pdm_app.domain.ports import Clock, Historian
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import F8, MICROS_PER_S, QUALITY_BAD_MIN, Micros, Stretch
from pdm_app.domain.sensor_faults import SensorFault, sensor_fault
from pdm_app.domain.signals import Signal
from pdm_app.domain.training import Span
from pdm_app.services.training_rows import Rows, rows_of
from pdm_app.services.troubles import troubles_of

ROW_S = 300
HOUR_ROWS = 3600 // ROW_S
USUAL_DAYS = 7
EPISODES_LOOKED_AT = 10
SAMPLES_MAX = 200_000
SENSOR_S = 1800
DAY_US = 86_400 * MICROS_PER_S


class DiagnosisService:
    """Compares machines with their usual selves.

    Args:
        work: Where cases and troubles are on record.
        historian: Read.
        clock: Injected time.
    """

    def __init__(self, work: UnitOfWork, historian: Historian, clock: Clock) -> None:
        self._work = work
        self._historian = historian
        self._clock = clock

    async def rows(self, asset: Asset, signals: Sequence[Signal], span: Span) -> Rows:
        """Read a machine's past in rows of five minutes."""
        return await rows_of(self._historian, asset, [signal.id for signal in signals], span, ROW_S)

    async def of_machine(
        self, asset: Asset, signals: Sequence[Signal], healths: Sequence[AssetHealth] = ()
    ) -> tuple[Diagnosis, tuple[Movement, ...]] | None:
        """Return what is probably wrong now, and how far each signal has moved; None where nothing can be compared."""
        now = self._clock.now()
        moved = await self._moved(asset, signals, now)
        if not moved:
            return None
        names = {signal.id: signal.name for signal in signals}
        best = next((each for each in healths if each.shares), None)
        shares: Mapping[str, float] | None = None
        if best is not None:
            told = {names[share.signal_id]: share.share for share in best.shares if share.signal_id in names}
            rest = max(0.0, 1.0 - sum(told.values())) / max(1, len(names) - len(told))
            shares = {name: told.get(name, rest) for name in names.values()}
        return diagnose(moved, shares, await self._failing(signals, now)), moved

    async def alike(
        self, actor: Actor, asset: Asset, signals: Sequence[Signal], moved: Sequence[Movement]
    ) -> tuple[Episode, ...]:
        """Return judged cases of the machine whose signals had moved alike when they were opened."""
        now_looks = signature(moved)
        if not now_looks:
            return ()
        async with self._work(actor.scope) as work:
            cases = await work.cases.page(CaseQuery(asset_id=asset.id, is_closed=None, limit=EPISODES_LOOKED_AT))
        judged = [case for case in cases if case.verdict is CaseState.CONFIRMED]
        found = []
        for case in judged:
            then = await self._moved(asset, signals, case.opened_at)
            found.append(
                Episode(
                    case_id=case.id, asset_id=asset.id, at=case.opened_at, title=case.title, label=case.label,
                    is_confirmed=True, alike=alike(now_looks, signature(then)),
                )
            )  # fmt: skip
        return similar(found)

    async def _moved(self, asset: Asset, signals: Sequence[Signal], at: int) -> tuple[Movement, ...]:
        """Compare the hour before a time with the week before that; empty where too little of either is known."""
        if not signals:
            return ()
        span = Span(start_at=max(0, at - USUAL_DAYS * DAY_US - 3600 * MICROS_PER_S), end_at=max(at, 1))
        rows = await self.rows(asset, signals, span)
        async with self._work(EVERY_SITE) as work:  # Of a machine that its asker may see.
            troubles = await troubles_of(work, asset.id, span, at)
        begin = int(np.searchsorted(rows.at, at - 3600 * MICROS_PER_S))
        known = rows.outside([Span(start_at=max(0, t.start_at), end_at=t.end_at) for t in troubles]) & rows.running
        usual = rows.values[:begin][known[:begin]]
        if len(usual) < BLOCKS_MIN * HOUR_ROWS:  # It was never well: then all of its week has to do.
            usual = rows.values[:begin][rows.running[:begin]]
        recent = rows.values[begin:][rows.running[begin:]]
        try:
            return movements([s.name for s in signals], [s.unit for s in signals], usual, recent)
        except InvalidInputError:
            return ()

    async def _failing(self, signals: Sequence[Signal], now: int) -> dict[str, SensorFault]:
        """Look at the samples of the last half hour beside an hour of the day before."""
        numbers = [signal.id for signal in signals]
        before = now - DAY_US
        try:
            usual = await self._historian.samples(
                numbers, Micros(before), Micros(before + 3600 * MICROS_PER_S), SAMPLES_MAX
            )
            recent = await self._historian.samples(
                numbers, Micros(now - SENSOR_S * MICROS_PER_S), Micros(now), SAMPLES_MAX
            )
        except InvalidInputError:
            return {}  # More samples than can be looked at: nothing is said of sensors.
        found = {}
        for signal in signals:
            one, other = usual.get(signal.id), recent.get(signal.id)
            if one is None or other is None:
                continue
            failing = sensor_fault(_column(one), _column(other))
            if failing is not None:
                found[signal.name] = failing
        return found


def _column(stretch: Stretch) -> F8:
    return np.where(stretch.quality >= QUALITY_BAD_MIN, np.nan, stretch.value)
