"""Machines with a past get a model by themselves: fitted, replayed, in force; those without enough of it get none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pdm_app.domain.access import SYSTEM
from pdm_app.domain.asset_health import Verdict
from pdm_app.domain.model_registry import ModelOrigin, ModelState
from pdm_app.engine.default_models import ROWS_MIN, DefaultModels
from tests.counterparts.installation import P_501
from tests.engine.model_plant import CHOSEN, ModelSite, model_site, usual


@pytest.fixture
async def site(sqlite_url: str, tmp_path: Path) -> AsyncIterator[ModelSite]:
    async with model_site(sqlite_url, tmp_path) as site:
        yield site


def fitting(site: ModelSite) -> DefaultModels:
    return DefaultModels(
        site.work,
        site.historian,
        site.inference,
        site.service,
        site.clock,
        site.held,
        lambda signals: True,
        lambda: True,
    )


async def test_a_machine_gets_a_model_that_was_replayed_and_judges_from_then_on(site: ModelSite) -> None:
    await site.measure(usual(ROWS_MIN + 200))
    await fitting(site).run()
    [view] = await site.service.list(SYSTEM)
    [version] = view.versions
    assert (view.model.asset_id, version.state, version.origin) == (
        P_501.id, ModelState.CHAMPION, ModelOrigin.AUTOMATIC,
    )  # fmt: skip
    assert set(version.signal_ids) == {signal.id for signal in CHOSEN}, "what never changes, or never came, is left out"
    assert version.backtest is not None
    assert version.backtest.judged_rows > 0
    assert version.backtest.in_force.alarms == 0
    await site.measure(usual(20, seed=1))
    assert (await site.judge()).verdict is Verdict.JUDGED
    await fitting(site).run()
    assert await site.service.list(SYSTEM) == (view,), "one is enough"


async def test_half_a_day_is_too_little_to_know_what_is_usual(site: ModelSite) -> None:
    await site.measure(usual(ROWS_MIN - 100))
    await fitting(site).run()
    assert await site.service.list(SYSTEM) == ()
