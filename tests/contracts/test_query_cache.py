"""Answers are the same with the cache of closed tiles as without, whatever is written, changed and asked in between."""

import asyncio
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.history import Envelope, HistoryQuery
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage import query_cache
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.query_cache import QueryCache, Tile
from tests.contracts.historian_checks import TABLES, assert_same, rolled_up
from tests.storage.data import NOON, S, SteppedClock, batch, ramp

TILE = 4  # Buckets: small plants have tiles, too.
HOUR_S = 3600


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_cache, "TILE_BUCKETS", TILE)
    monkeypatch.setattr("pdm_app.storage.cached_envelopes.TILE_BUCKETS", TILE)


@pytest.fixture
async def fence(database: Database) -> Fence:
    fence = await SqlLease(database, SteppedClock()).acquire("test", 3600)
    assert fence is not None
    return fence


def query(start_s: int, end_s: int, buckets: int, signals: tuple[int, ...] = (1, 2)) -> HistoryQuery:
    return HistoryQuery(signals=signals, start_at=NOON + start_s * S, end_at=NOON + end_s * S, buckets=buckets)


async def loaded(database: Database, fence: Fence) -> SqlHistorian:
    """Two signals of an hour, a sample a second, rolled up."""
    historian = SqlHistorian(database, SteppedClock())
    await historian.write([ramp(1, 0, HOUR_S), ramp(2, 0, HOUR_S, seq=2)], fence)
    await rolled_up(historian, fence)
    return historian


async def plain(database: Database, asked: HistoryQuery) -> list[Envelope]:
    """The answer of somebody who holds no lease, and so keeps nothing."""
    stranger = SqlHistorian(database, SteppedClock())
    found = list(await stranger.envelope(asked))
    assert stranger.cache_figures().tiles == 0
    return found


async def same(historian: SqlHistorian, database: Database, asked: HistoryQuery) -> None:
    for found, wanted in zip(await historian.envelope(asked), await plain(database, asked), strict=True):
        assert_same(found, wanted)


# --- any interleaving ---------------------------------------------------------------------------------------------

seconds = st.one_of(st.integers(0, 400), st.integers(0, 4000))
readings = st.lists(st.tuples(st.sampled_from([1, 2]), seconds, st.floats(-100, 100)), min_size=1, max_size=30)
steps: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("write"), readings, st.sampled_from([30, 500, 4200])),
    st.tuples(st.just("many"), st.sampled_from([1, 2]), st.integers(0, 3000), st.integers(50, 600)),
    st.tuples(st.just("roll"), st.integers(1, 4)),
    st.tuples(st.just("rewrite"), st.sampled_from([1, 2]), seconds, st.integers(1, 900)),
    st.tuples(st.just("ask"), seconds, st.integers(20, 4000), st.integers(1, 90)),
    st.tuples(st.just("ask"), st.sampled_from([0, 40, 80, 120]), st.just(400), st.sampled_from([10, 20, 40])),
)
ONE_DATABASE = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(ONE_DATABASE, max_examples=15)
@given(plan=st.lists(steps, min_size=6, max_size=25))
async def test_any_interleaving_of_writes_and_questions_gives_what_is_stored(
    database: Database, fence: Fence, plan: list[tuple[Any, ...]]
) -> None:
    await assert_interleaving(database, fence, plan)


@pytest.mark.long
@settings(ONE_DATABASE, max_examples=300)
@given(plan=st.lists(steps, min_size=6, max_size=60))
async def test_any_interleaving_gives_what_is_stored_hundreds_of_times(
    database: Database, fence: Fence, plan: list[tuple[Any, ...]]
) -> None:
    await assert_interleaving(database, fence, plan)


async def assert_interleaving(database: Database, fence: Fence, plan: list[tuple[Any, ...]]) -> None:
    async with database.writing("forget the example before") as connection:
        for name in TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    historian = SqlHistorian(database, SteppedClock())
    for seq, (what, *given_) in enumerate(plan, 1):
        if what == "write":
            await historian.write([batch(given_[0], seq=seq, received_s=given_[1])], fence)
        elif what == "many":
            await historian.write([ramp(given_[0], given_[1], given_[2], seq=seq)], fence)
        elif what == "roll":
            for _ in range(given_[0]):
                await historian.roll_up(fence)
        elif what == "rewrite":
            signal, start_s, length_s = given_
            inside = ramp(signal, start_s, length_s, every_s=1.0, seq=seq)
            await historian.rewrite(
                signal, Micros(NOON + start_s * S), Micros(NOON + (start_s + length_s) * S), inside, fence
            )
        else:
            start_s, length_s, buckets = given_
            await same(historian, database, query(start_s, start_s + length_s, buckets))
    for buckets in (5, 40, 100):
        await same(historian, database, query(0, 4000, buckets))


# --- single promises ----------------------------------------------------------------------------------------------


async def test_what_was_asked_before_is_read_no_more_and_answers_alike(database: Database, fence: Fence) -> None:
    historian = await loaded(database, fence)
    asked = query(35, 3005, 90)
    await same(historian, database, asked)
    first = historian.cache_figures()
    assert first.hits == 0
    assert first.tiles > 0
    assert first.bytes > 0
    await same(historian, database, asked)
    second = historian.cache_figures()
    assert (second.misses - first.misses, second.tiles) == (0, first.tiles), "every tile of it was there"
    assert second.hits == first.misses
    await same(historian, database, query(75, 3045, 90))
    assert historian.cache_figures().misses - second.misses <= 4, "a step aside reads the new edge only"


async def test_a_late_sample_is_seen_at_once_and_costs_the_tiles_it_falls_into(
    database: Database, fence: Fence
) -> None:
    historian = await loaded(database, fence)
    asked = query(0, 3200, 80)
    await historian.envelope(asked)
    before = historian.cache_figures()
    await historian.write([batch([(1, 1234.5, 9e6)], seq=9, received_s=HOUR_S)], fence)
    after = historian.cache_figures()
    assert (after.dropped, before.tiles - after.tiles) == (1, 1)
    found = (await historian.envelope(asked))[0]
    assert max(high for high in found.high if high is not None) == 9e6
    await same(historian, database, asked)


async def test_a_rewritten_stretch_is_answered_as_it_is_now(database: Database, fence: Fence) -> None:
    historian = await loaded(database, fence)
    asked = query(0, 3200, 80)
    await historian.envelope(asked)
    flat = batch([(1, 600 + second, -5.0) for second in range(600)], seq=7, received_s=HOUR_S)
    await historian.rewrite(1, Micros(NOON + 600 * S), Micros(NOON + 1200 * S), flat, fence)
    await same(historian, database, asked)
    found = (await historian.envelope(asked))[0]
    assert found.low[found.at.index(NOON + 640 * S)] == -5.0


async def test_acknowledged_samples_that_are_not_recorded_yet_are_in_the_answer(
    database: Database, fence: Fence
) -> None:
    waiting: list[Batch] = []

    async def waits() -> list[Batch]:
        return waiting

    historian = SqlHistorian(database, SteppedClock(), waits)
    await historian.write([ramp(1, 0, HOUR_S), ramp(2, 0, HOUR_S, seq=2)], fence)
    await rolled_up(historian, fence)
    asked = query(0, 3200, 80)
    await historian.envelope(asked)
    waiting.append(batch([(1, 1234.5, 9e6)], seq=9, received_s=HOUR_S))
    found = (await historian.envelope(asked))[0]
    assert max(high for high in found.high if high is not None) == 9e6
    waiting.clear()  # Given up before it was recorded: not in the answer any more, and never kept.
    await same(historian, database, asked)


async def test_nothing_is_kept_of_a_stretch_that_changes_while_it_is_read(database: Database, fence: Fence) -> None:
    historian = await loaded(database, fence)
    asked = query(0, 3200, 80)
    late = [batch([(1, 1234.5 + number, 1e6 + number)], seq=20 + number, received_s=HOUR_S) for number in range(6)]
    await asyncio.gather(
        *(historian.envelope(asked) for _ in range(4)), *(historian.write([each], fence) for each in late),
        *(historian.envelope(asked) for _ in range(4)),
    )  # fmt: skip
    await same(historian, database, asked)


async def test_another_process_that_takes_the_lease_makes_this_one_read_anew(database: Database, fence: Fence) -> None:
    historian = await loaded(database, fence)
    asked = query(0, 3200, 80)
    await historian.envelope(asked)
    clock = SteppedClock()
    clock.at += 7200 * S
    theirs = await SqlLease(database, clock).acquire("another", 3600)
    assert theirs is not None
    assert theirs.token > fence.token
    other = SqlHistorian(database, clock)
    await other.write([batch([(1, 1234.5, 9e6)], seq=9, received_s=HOUR_S)], theirs)
    found = (await historian.envelope(asked))[0]
    assert max(high for high in found.high if high is not None) == 9e6


def tile(buckets: int) -> Tile:
    return Tile(np.arange(buckets), np.zeros((4, buckets)), np.ones((2, buckets), np.int64))


def test_the_tiles_that_were_not_asked_for_the_longest_go_first_and_the_bytes_are_held() -> None:
    cache = QueryCache(bytes_max=3 * tile(TILE).size)
    cache.hold(1)
    keys = [(1, 10 * S, number * TILE * 10 * S) for number in range(4)]
    with cache.reading() as reading:
        for key in keys[:3]:
            cache.keep(reading, key, tile(TILE))
        assert cache.take(reading, keys[0]) is not None
        cache.keep(reading, keys[3], tile(TILE))
        assert [cache.take(reading, key) is not None for key in keys] == [True, False, True, True]
        cache.keep(reading, (2, 10 * S, 0), tile(10_000))
    figures = cache.figures()
    assert figures.bytes <= figures.bytes_max
    assert (figures.tiles, figures.evicted) == (3, 1)
    assert figures.hit_ratio == 4 / 5
