"""`bench history`: product and peers are asked the same of the same samples, and all of these are there."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pdm_app.cli.bench.history import bench_history
from pdm_app.cli.bench.history_child import Store, asked, opened
from pdm_app.cli.bench.history_plan import FAST, SECOND, SLOW, TODAY, HistoryPlan
from pdm_app.cli.bench.mariadb import find_mariadbd
from pdm_app.cli.bench.peer_influxdb import find_influxd
from pdm_app.cli.bench.peer_postgresql import copied, find_postgresql
from pdm_app.cli.bench.peer_servers import private_postgresql
from pdm_app.domain.samples import MICROS_PER_S

POINTS = 5_000


@pytest.fixture
def plan() -> HistoryPlan:
    return HistoryPlan(POINTS)


@pytest.fixture
async def product(plan: HistoryPlan, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    store = await opened("product", sqlite_url, tmp_path, plan)
    yield store
    await store.close()


def test_thirty_million_samples_are_a_year_of_slow_signals_and_a_day_and_a_half_of_fast_ones() -> None:
    plan = HistoryPlan(30_000_000)
    assert (plan.days, plan.slow_every_us, plan.hot_s) == (365, 60 * MICROS_PER_S, 7200)
    assert (TODAY - plan.recent_start) / MICROS_PER_S / 3600 > 24
    assert [question.length_us // MICROS_PER_S for question in plan.questions()[:6]] == [28_800] * 4 + [900] * 2


def test_every_process_makes_the_same_samples_and_asks_for_the_same_spans(plan: HistoryPlan) -> None:
    again = HistoryPlan(POINTS)
    for mine, theirs in zip(plan.portions(plan.day_starts()[-2]), again.portions(plan.day_starts()[-2]), strict=True):
        assert (mine.signal == theirs.signal).all()
        assert (mine.value == theirs.value).all()
    for question, other in zip(plan.questions(), again.questions(), strict=True):
        assert question.spans(5) == other.spans(5)
        assert all(question.start <= span.start < span.end <= question.end for span in question.spans(5))
    signals = {signal for day in plan.day_starts() for part in plan.portions(day) for signal in part.signal.tolist()}
    assert signals == {*SLOW, *FAST, *SECOND}


async def test_the_product_has_every_sample_and_answers_as_a_peer_does_of_raw(
    plan: HistoryPlan, product: Store, tmp_path: Path
) -> None:
    duckdb = await opened("duckdb", "", tmp_path / "duckdb", plan)
    loaded, other = await product.load(), await duckdb.load()
    assert loaded["stored"] == loaded["samples"] == other["stored"] == other["samples"]
    assert int(str(loaded["samples"])) > POINTS
    assert int(str(loaded["cold_bytes"])) > 0
    for question in plan.questions():
        mine, theirs = await asked(product, question, 2), await asked(duckdb, question, 2)
        assert len(mine["took_ms"]) == len(theirs["took_ms"]) == 2
        if question.kind != "envelope":
            assert mine["points"] >= theirs["points"] > 0
            assert mine["points"] - theirs["points"] <= 10, "at most what stood when the span began"
    await duckdb.close()


async def test_postgresql_takes_every_row_of_a_binary_copy(
    plan: HistoryPlan, tmp_path: Path, need: Callable[[str, object], None]
) -> None:
    need("postgresql", find_postgresql())
    assert len(copied(plan.lonely())) == 21 + 40 * len(plan.lonely())
    with private_postgresql() as server:
        store = await opened("postgresql", server.url, tmp_path, plan)
        loaded = await store.load()
        assert loaded["stored"] == loaded["samples"]
        await asked(store, plan.questions()[0], 1)
        await store.close()


@pytest.mark.long
async def test_all_stores_are_filled_and_asked(need: Callable[[str, object], None]) -> None:
    for name, found in (
        ("mariadb-server", find_mariadbd()),
        ("postgresql", find_postgresql()),
        ("influxdb", find_influxd()),
    ):
        need(name, found)
    report = await bench_history(50_000, 2, "")
    figures = {figure.name: figure for figure in report.figures}
    for label in ("SQLite", "MariaDB"):
        assert figures[f"stored of those written, {label}"].value == 100
        assert figures[f"latest of 5,000 signals, {label}"].value
        assert figures[f"latest of 5,000 signals, {label}"].peer
    assert figures["latest of 5,000 signals, InfluxDB"].value
    assert set(report.facts) == {"SQLite", "MariaDB", "DuckDB", "PostgreSQL", "InfluxDB"}
