"""Models on live rows: what they say is kept, shown as signals and told as anomalies, across restarts and versions."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.asset_health import HEALTH_SIGNAL, SCORE_SIGNAL, AnomalyQuery, Verdict
from pdm_app.domain.model_registry import ModelAct
from pdm_app.domain.samples import MICROS_PER_S, Quality
from tests.counterparts.installation import P_501
from tests.engine.model_plant import BEGIN, CHOSEN, LEARNED, ROW_S, ModelSite, model_site, usual


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path) -> AsyncIterator[ModelSite]:
    async with model_site(sqlite_url, tmp_path) as site:
        yield site


async def test_usual_rows_are_usual_a_fault_is_an_anomaly_and_both_are_signals_of_the_machine(site: ModelSite) -> None:
    learned = usual(LEARNED)
    await site.measure(learned)
    version = await site.promoted(learned)
    await site.measure(usual(90, seed=1))
    sound = await site.judge()
    assert (sound.id, sound.verdict, sound.is_unusual) == (version.id, Verdict.JUDGED, False)
    assert sound.score is not None
    assert sound.score < 1
    assert sound.health is not None
    assert sound.health > 60
    assert sound.judged_until == BEGIN + site.rows * ROW_S * MICROS_PER_S
    broken = usual(40, seed=2)
    broken[:, 2] += 1.0  # Twenty of its spreads.
    await site.measure(broken)
    ill = await site.judge()
    assert ill.is_unusual
    assert ill.health is not None
    assert ill.health < 60
    assert ill.shares[0].signal_id == CHOSEN[2].id
    async with site.work(EVERY_SITE) as work:
        [anomaly] = await work.health.anomalies(AnomalyQuery(asset_id=P_501.id))
        own = {signal.name: signal.id for signal in await work.signals.of_asset(P_501.id)}
    assert anomaly.end_at is None
    assert anomaly.begin_at > BEGIN + (LEARNED + 90) * ROW_S * MICROS_PER_S
    shown = site.latest.sample(own[SCORE_SIGNAL])
    assert shown is not None
    assert shown.value == pytest.approx(ill.score)
    assert site.latest.sample(own[HEALTH_SIGNAL]) is not None


async def test_after_a_restart_it_goes_on_and_says_what_it_would_have_said(site: ModelSite) -> None:
    learned = usual(LEARNED)
    await site.measure(learned)
    await site.promoted(learned)
    broken = usual(60, seed=3)
    broken[30:, 0] -= 60.0
    await site.measure(broken[:45])
    before = await site.judge()
    assert before.is_unusual
    site.begin()
    await site.known()
    await site.measure(broken[45:])
    after = await site.judge()
    assert after.is_unusual
    assert after.judged_until == BEGIN + site.rows * ROW_S * MICROS_PER_S
    async with site.work(EVERY_SITE) as work:
        [anomaly] = await work.health.anomalies(AnomalyQuery())
    assert anomaly.end_at is None
    assert site.watch.judged_rows == 15, "nothing is judged twice"


async def test_without_good_values_nothing_is_judged(site: ModelSite) -> None:
    learned = usual(LEARNED)
    await site.measure(learned)
    await site.promoted(learned)
    await site.measure(usual(30), Quality.BAD_DEVICE_FAILURE)
    blind = await site.judge()
    assert (blind.verdict, blind.score, blind.health, blind.is_unusual) == (Verdict.NO_DATA, None, None, False)


async def test_a_version_that_takes_over_judges_from_the_next_row_and_a_missing_graph_is_told(site: ModelSite) -> None:
    learned = usual(LEARNED)
    await site.measure(learned)
    first = await site.promoted(learned)
    await site.measure(usual(20, seed=4))
    await site.judge()
    second = await site.promoted(learned[60:])
    await site.measure(usual(20, seed=5))
    taken_over = await site.judge()
    assert taken_over.id == second.id != first.id
    async with site.work(EVERY_SITE) as work:
        assert [each.id for each in await work.health.all()] == [second.id], "the one that retired says nothing more"
    await site.service.decide(SYSTEM, second.id, ModelAct.ROLL_BACK, second.revision)
    (site.folder / "models" / first.graph_sha256[:2] / first.graph_sha256).unlink()
    faulty = await site.judge()
    assert (faulty.id, faulty.verdict) == (first.id, Verdict.FAULTY)
    assert "Restore the folder" in faulty.problem
