"""Ask for pumps by the ten names that their controllers send: what they read now, what they read before.

A pump is a machine that has a signal of each of the ten names. `PumpService` puts together what the services of assets,
signals, live values and history answer, so their permissions and site scope hold here, too.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson

from pdm_app.domain.access import Actor, Permission
from pdm_app.domain.assets import Asset
from pdm_app.domain.errors import FieldIssue, InvalidInputError, NotFoundError
from pdm_app.domain.history import Envelope, HistoryQuery
from pdm_app.domain.pumps import PUMP_KEYS, Anomaly, MaintenanceEvent, Pump, PumpHistory, PumpReading, PumpRow
from pdm_app.domain.samples import MICROS_PER_S, Quality
from pdm_app.services.assets import AssetService
from pdm_app.services.history import HistoryService
from pdm_app.services.live import SIGNALS_MAX, LiveService
from pdm_app.services.signals import SignalService

ROWS_MAX = 5_000
SPAN_DAYS_MAX = 31
PUMPS_NAMED_MAX = 10  # In an error, which is to be read by a person.

Folded = dict[int, list[float]]
"""By start of bucket: lowest, highest, sum of the means and how many of them."""


class PumpService:
    """Reads of pumps."""

    def __init__(
        self, assets: AssetService, signals: SignalService, live: LiveService, history: HistoryService
    ) -> None:
        self._assets = assets
        self._signals = signals
        self._live = live
        self._history = history

    async def all(self, actor: Actor) -> tuple[Pump, ...]:
        """Return the pumps in reach, in plant order."""
        return _pumps(await self._assets.all(actor), await self._numbers(actor))

    async def one(self, actor: Actor, asset: str | None) -> Pump:
        """Return the pump of an asset's id or code; for None the only one in reach.

        Raises:
            NotFoundError: No such asset in reach, or no pump at all.
            InvalidInputError: The asset is no pump, or None was asked for and there are several.
        """
        assets, numbers = await self._assets.all(actor), await self._numbers(actor)
        pumps = _pumps(assets, numbers)
        if asset is None:
            return _only(pumps)
        found = next((pump for pump in pumps if asset in (pump.asset_id, pump.code)), None)
        if found is not None:
            return found
        machine = next((machine for machine in assets if asset in (machine.id, machine.code)), None)
        if machine is None:
            raise NotFoundError(f"There is no asset {asset[:80]!r}.", asset=asset[:80])
        missing = [key for key in PUMP_KEYS if key not in numbers.get(machine.id, {})]
        raise InvalidInputError(
            f"{machine.code} is no pump of ten sensors: it has no {', '.join(missing)}.",
            [FieldIssue("asset", f"names a machine without {missing[0]}", "name a pump, or leave it out for all")],
        )

    async def readings(self, actor: Actor, asset: str | None = None) -> tuple[PumpReading, ...]:
        """Return the newest values of one pump, or of all in reach.

        Raises:
            NotFoundError, InvalidInputError: As `one`, for an asset that is named.
        """
        pumps = await self.all(actor) if asset is None else (await self.one(actor, asset),)
        numbers = [number for pump in pumps for number in pump.signals.values()]
        rows: dict[int, Sequence[Any]] = {}
        for start in range(0, len(numbers), SIGNALS_MAX):
            frame = orjson.loads(await self._live.snapshot(actor, numbers[start : start + SIGNALS_MAX]))
            rows.update({row[0]: row[1:] for row in frame["rows"]})
        return tuple(_reading(pump, rows) for pump in pumps)

    async def history(
        self, actor: Actor, asset: str | None, start_at: int, end_at: int, rows: int = 600
    ) -> PumpHistory:
        """Return the readings of one pump over a span, in about as many rows as asked for.

        Where more was recorded, a row is the mean over a bucket, with the lowest and highest value beside it.

        Args:
            actor: Needs history.read and signals.read.
            asset: As `one`.
            start_at: Microseconds UTC, included.
            end_at: Microseconds UTC, excluded.
            rows: 1 to 5,000.

        Raises:
            NotFoundError: As `one`.
            InvalidInputError: As `one`; an empty or too long span, or too many rows.
        """
        actor.require(Permission.HISTORY_READ)
        _check_span(start_at, end_at)
        if not 1 <= rows <= ROWS_MAX:
            raise InvalidInputError(
                f"{rows} rows cannot be asked for.", [FieldIssue("limit", f"is {rows}", f"send 1 to {ROWS_MAX}")]
            )
        pump = await self.one(actor, asset)
        query = HistoryQuery(
            signals=tuple(pump.signals[key] for key in PUMP_KEYS), start_at=start_at, end_at=end_at, buckets=rows
        )
        series = (await self._history.envelope(actor, query)).series
        bucket_us = max(envelope.bucket_us for envelope in series)
        return PumpHistory(
            pump=pump, start_at=start_at, end_at=end_at, bucket_us=bucket_us, rows=tuple(_rows(series, bucket_us))
        )

    async def anomalies(self, actor: Actor, asset: str | None, start_at: int, end_at: int) -> tuple[Anomaly, ...]:
        """Return what models have found in a span, newest first; none, as long as no model scores here.

        Raises:
            NotFoundError, InvalidInputError: As `history`; without an asset all pumps are meant.
        """
        actor.require(Permission.HISTORY_READ)
        _check_span(start_at, end_at)
        if asset is not None:
            await self.one(actor, asset)
        return ()

    async def maintenance_events(self, actor: Actor, asset: str | None) -> tuple[MaintenanceEvent, ...]:
        """Return what rules and models have opened, newest first; none, as long as nothing opens events here.

        Raises:
            NotFoundError, InvalidInputError: As `one`; without an asset all pumps are meant.
        """
        actor.require(Permission.ASSETS_READ)
        if asset is not None:
            await self.one(actor, asset)
        return ()

    async def _numbers(self, actor: Actor) -> dict[str, dict[str, int]]:
        """Return the numbers of the signals with one of the ten names, by asset and name."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for signal in await self._signals.all(actor):
            if signal.name in PUMP_KEYS:
                found[signal.asset_id][signal.name] = signal.id
        return found


def _pumps(assets: Sequence[Asset], numbers: dict[str, dict[str, int]]) -> tuple[Pump, ...]:
    return tuple(
        Pump(
            asset_id=asset.id,
            site_id=asset.site_id,
            code=asset.code,
            name=asset.name,
            simulated=asset.simulated,
            signals={key: numbers[asset.id][key] for key in PUMP_KEYS},
        )
        for asset in assets
        if len(numbers.get(asset.id, {})) == len(PUMP_KEYS)
    )


def _only(pumps: Sequence[Pump]) -> Pump:
    if len(pumps) == 1:
        return pumps[0]
    if not pumps:
        raise NotFoundError("No machine in your reach has the ten signals of a pump.")
    codes = ", ".join(pump.code for pump in pumps[:PUMPS_NAMED_MAX])
    raise InvalidInputError(
        f"There are {len(pumps)} pumps in your reach; say which one, such as ?asset={pumps[0].code}.",
        [FieldIssue("asset", "is missing", f"name one of {codes}")],
    )


def _check_span(start_at: int, end_at: int) -> None:
    if end_at <= start_at:
        raise InvalidInputError(
            "The span ends before it starts.", [FieldIssue("end", "is not after start", "swap the two")]
        )
    if end_at - start_at > SPAN_DAYS_MAX * 86_400 * MICROS_PER_S:
        raise InvalidInputError(
            f"The span is longer than {SPAN_DAYS_MAX} days.",
            [FieldIssue("start", f"lies more than {SPAN_DAYS_MAX} days before end", "ask for shorter spans")],
        )


def _reading(pump: Pump, rows: dict[int, Sequence[Any]]) -> PumpReading:
    values: dict[str, float | None] = {}
    quality: dict[str, str] = {}
    newest = 0
    for key, number in pump.signals.items():
        value, code, source_at, _ = rows[number]
        newest = max(newest, int(source_at))
        quality[key] = Quality(int(code)).name.lower()
        values[key] = value if isinstance(value, (int, float)) and not Quality(int(code)).is_bad else None
    return PumpReading(pump=pump, at=newest or None, values=values, quality=quality)


def _rows(series: Sequence[Envelope], bucket_us: int) -> list[PumpRow]:
    """Join ten envelopes by time.

    Where one signal has buckets and another, recorded more seldom, its very points, the points go into the buckets.
    """
    folded = [_folded(envelope, bucket_us) for envelope in series]
    moments = sorted({at for one in folded for at in one})
    rows = []
    for at in moments:
        found = [one.get(at) for one in folded]
        rows.append(
            PumpRow(
                at=at,
                values={key: _mean(one) for key, one in zip(PUMP_KEYS, found, strict=True)},
                low={key: one[0] if one else None for key, one in zip(PUMP_KEYS, found, strict=True)},
                high={key: one[1] if one else None for key, one in zip(PUMP_KEYS, found, strict=True)},
            )
        )
    return rows


def _folded(envelope: Envelope, bucket_us: int) -> Folded:
    folded: Folded = {}
    for at, low, high, mean in zip(envelope.at, envelope.low, envelope.high, envelope.mean, strict=True):
        start = at - at % bucket_us if bucket_us else at
        held = folded.setdefault(start, [])  # A moment without a usable value is a row with a hole, not no row.
        if low is None or high is None or mean is None:
            continue
        if held:
            held[:] = [min(held[0], low), max(held[1], high), held[2] + mean, held[3] + 1]
        else:
            held[:] = [low, high, mean, 1]
    return folded


def _mean(held: Sequence[float] | None) -> float | None:
    return held[2] / held[3] if held else None
