"""Nobody limited to some sites reads or changes verdicts on machines elsewhere; they come back as they were given."""

import inspect
from typing import Any

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.asset_health import (
    Anomaly,
    AnomalyQuery,
    AssetHealth,
    Healths,
    Outlook,
    OutlookState,
    SignalShare,
    Verdict,
)
from pdm_app.domain.repositories import UnitOfWork
from tests.contracts.crossings import Crossing, assert_nothing_crosses

PLACE: dict[str, Any] = {"site_id": "site-linz", "asset_id": "asset-linz", "model_id": "model-1"}
SHARES = (SignalShare(signal_id=2**32 - 1, share=0.1 + 0.2), SignalShare(signal_id=1, share=0.5))
OUTLOOK = Outlook(
    state=OutlookState.KNOWN,
    signal_id=1,
    limit=8.5,
    source="ISO 10816-7",
    at=7,
    reading=3.7,
    low_10_s=1.0,
    middle_s=2.0,
)
JUDGED = AssetHealth(
    id="v-1", **PLACE, verdict=Verdict.JUDGED, judged_until=10**15, score=1.5, health=0.1 + 0.2, confidence=0.75,
    is_unusual=True, shares=SHARES, drift=(0.1 + 0.2, -1.0), outlook=OUTLOOK, simulated=True,
)  # fmt: skip
WAITING = AssetHealth(id="v-2", **PLACE, is_shadow=True)


def anomaly(name: str, begin_at: int, end_at: int | None, *, is_shadow: bool = False) -> Anomaly:
    return Anomaly(
        id=name, **PLACE, version_id="v-1", is_shadow=is_shadow, begin_at=begin_at, end_at=end_at, peak=2.5,
        peak_at=begin_at, shares=SHARES,
    )  # fmt: skip


OVER, SHADOW, STANDS = anomaly("a-1", 10, 20), anomaly("a-2", 30, 40, is_shadow=True), anomaly("a-3", 50, None)
THEIRS = AnomalyQuery(site_id="site-linz", shadows=True)

READS: dict[str, Crossing] = {
    "all": lambda w: w.health.all(),
    "anomalies": lambda w: w.health.anomalies(THEIRS),
    "standing": lambda w: w.health.standing(),
    "forget": lambda w: w.health.forget("v-1"),
}
WRITES: dict[str, Crossing] = {
    "put": lambda w: w.health.put([JUDGED.model_copy(update={"score": 9.0})]),
    "put_anomalies": lambda w: w.health.put_anomalies([OVER.model_copy(update={"peak": 9.0})]),
}
THEFTS: tuple[Crossing, ...] = (
    lambda w: w.health.put([JUDGED.model_copy(update={"site_id": "site-graz"})]),
    lambda w: w.health.put_anomalies([OVER.model_copy(update={"site_id": "site-graz"})]),
)


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        return [list(await w.health.all()), list(await w.health.anomalies(AnomalyQuery(shadows=True)))]


async def put_all(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.health.put([JUDGED, WAITING])
        await w.health.put_anomalies([OVER, SHADOW, STANDS])
        await w.commit()


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Healths, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | WRITES.keys() == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork) -> None:
    await put_all(plants)
    assert await everything(plants) == [[JUDGED, WAITING], [STANDS, SHADOW, OVER]]
    await assert_nothing_crosses(plants, READS, (*WRITES.values(), *THEFTS), everything)


async def test_anomalies_are_found_by_time_and_verdicts_are_replaced_and_forgotten(plants: UnitOfWork) -> None:
    await put_all(plants)
    async with plants(EVERY_SITE) as w:
        found = w.health
        assert list(await found.anomalies(AnomalyQuery())) == [STANDS, OVER]
        assert list(await found.anomalies(AnomalyQuery(start_at=20))) == [STANDS]
        assert list(await found.anomalies(AnomalyQuery(end_at=50, asset_id="asset-linz"))) == [OVER]
        assert list(await found.standing()) == [STANDS]
        await found.put([JUDGED.model_copy(update={"verdict": Verdict.STOPPED, "score": None, "outlook": None})])
        await found.forget("v-2")
        await found.put_anomalies([STANDS.model_copy(update={"end_at": 60})])
        await w.commit()
    async with plants(EVERY_SITE) as w:
        [kept] = await w.health.all()
        assert (kept.verdict, kept.score, kept.outlook, kept.drift) == (Verdict.STOPPED, None, None, JUDGED.drift)
        assert not await w.health.standing()
