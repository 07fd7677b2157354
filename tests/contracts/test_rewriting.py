"""A span of one signal that is put anew: raw, rollups and latest agree, and nothing else has moved."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pdm_app.domain.errors import FencedError
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from tests.contracts.historian_checks import (
    QUERIES,
    SIGNALS,
    TABLES,
    assert_answers,
    assert_rollups,
    rolled_up,
    rows,
)
from tests.contracts.test_historian import fence
from tests.storage.data import NOON, S, SteppedClock, batch
from tests.storage.reference import Reference

__all__ = ["fence"]

MINE = SIGNALS[1]
mine = rows.map(lambda row: (MINE, *row[1:]))


def at(second: float) -> Micros:
    return Micros(NOON + round(second * S))


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int, Batch]:
    start = draw(st.integers(0, 80))
    end = draw(st.integers(start + 1, 95))
    inside = [row for row in draw(st.lists(mine, max_size=15)) if start <= row[1] < end]
    return (
        start,
        end,
        batch(inside, seq=99, received_s=200) if inside else batch([(MINE, start, 0.0)]).rows(np.zeros(1, bool)),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(rows, min_size=1, max_size=40), spans=st.lists(spans(), min_size=1, max_size=3), rolls=st.booleans()
)
async def test_what_is_put_anew_is_as_if_it_had_been_recorded_so(
    database: Database, fence: Fence, before: list[Any], spans: list[tuple[int, int, Batch]], rolls: bool
) -> None:
    async with database.writing("forget the example before") as connection:
        for name in TABLES:
            await connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
    historian = SqlHistorian(database, SteppedClock())
    await historian.write([batch(before, seq=1, received_s=150)], fence)
    if rolls:
        await rolled_up(historian, fence)
    kept = list(before)
    for start, end, anew in spans:
        await historian.rewrite(MINE, at(start), at(end), anew, fence)
        kept = [row for row in kept if row[0] != MINE or not start <= row[1] < end]
        kept += [_row(anew, place) for place in range(len(anew))]
    reference = Reference()
    reference.deliver([batch(kept, seq=1, received_s=150)] if kept else [])
    await assert_answers(historian, reference, QUERIES[:3])
    await rolled_up(historian, fence)
    await assert_answers(historian, reference, QUERIES)
    await assert_rollups(database, reference)
    newest = {sample.signal: (sample.source_at, sample.value, sample.quality) for sample in await historian.latest()}
    assert newest == reference.latest()


def _row(anew: Batch, place: int) -> Any:
    second = (int(anew.source_at[place]) - NOON) / S
    return MINE, second, anew.text.get(place, float(anew.value[place])), int(anew.quality[place])


async def test_a_span_is_rewritten_by_its_own_signal_only_and_by_who_leads(database: Database, fence: Fence) -> None:
    historian = SqlHistorian(database, SteppedClock())
    with pytest.raises(ValueError, match="own signal"):
        await historian.rewrite(1, at(0), at(10), batch([(2, 1, 1.0)]), fence)
    with pytest.raises(ValueError, match="own signal"):
        await historian.rewrite(1, at(0), at(10), batch([(1, 10, 1.0)]), fence)
    with pytest.raises(FencedError):
        await historian.rewrite(1, at(0), at(10), batch([(1, 1, 1.0)]), Fence(fence.token + 7))
    assert await historian.count(1, at(0), at(10)) == 0
    await historian.write([batch([(1, 1, 1.0), (1, 2, 2.0)])], fence)
    assert await historian.rewrite(1, at(0), at(2), batch([(1, 0.5, 9.0)]), fence) == 1
    assert await historian.count(1, at(0), at(10)) == 2
