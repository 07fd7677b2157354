"""Whatever is put into history past the recorder, or taken out of it, leaves a note in the same transaction."""

from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import FencedError
from pdm_app.domain.history_changes import HistoryChange
from pdm_app.domain.ports import Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Micros
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from tests.contracts.test_cold_tier import cold_historian, roll_over
from tests.contracts.test_historian import fence
from tests.contracts.test_taking_back import MARK, SPAN, imported
from tests.storage.data import NOON, S, batch, ramp

__all__ = ["fence"]


@pytest.fixture
def historian(database: Database, tmp_path: Path) -> SqlHistorian:
    return cold_historian(database, tmp_path)


def at(second: float) -> int:
    return NOON + round(second * S)


async def notes(plants: UnitOfWork) -> list[HistoryChange]:
    """Return what was noted, and forget it."""
    async with plants(EVERY_SITE) as work:
        found = list(await work.sinks.changes(100))
        await work.sinks.forget_changes([change.id for change in found])
        await work.commit()
        assert await work.sinks.changes(100) == []
    return found


def said(changes: list[HistoryChange]) -> list[tuple[bool, tuple[int, int, int]]]:
    return sorted((change.is_gone, span) for change in changes for span in change.spans)


async def test_what_the_recorder_writes_is_not_noted_and_what_comes_past_the_buffer_is(
    plants: UnitOfWork, historian: SqlHistorian, fence: Fence
) -> None:
    await historian.write([ramp(1, 0, 20)], fence)
    assert await notes(plants) == []
    await historian.write([batch([(1, 30, 1.0), (2, 31, 1.0), (1, 40, 2.0)], seq=2)], fence, past_buffer=True)
    assert said(await notes(plants)) == [(False, (1, at(30), at(40) + 1)), (False, (2, at(31), at(31) + 1))]


async def test_an_import_and_its_taking_back_are_noted_in_files_and_in_hot_rows(
    plants: UnitOfWork, historian: SqlHistorian, fence: Fence
) -> None:
    await roll_over(historian, fence)
    await historian.import_past([imported(batch([(1, 0, 1.0), (1, 9, 2.0), (2, 5, 3.0)]))], fence)
    cold = [(1, at(0), at(9) + 1), (2, at(5), at(5) + 1)]
    assert said(await notes(plants)) == [(False, span) for span in cold]
    young = 2 * 86_400 + 30  # Its hour is not rolled up yet.
    await historian.import_past([imported(batch([(1, young, 4.0), (1, young + 1, 5.0)]), 2)], fence)
    hot = (1, at(young), at(young + 1) + 1)
    assert said(await notes(plants)) == [(False, hot)]
    assert await historian.take_back([1, 2], *SPAN, MARK, fence) == 5
    assert said(await notes(plants)) == sorted((True, span) for span in (*cold, hot))
    assert await historian.take_back([1, 2], *SPAN, MARK, fence) == 0
    assert await notes(plants) == []


async def test_a_span_that_is_put_anew_is_noted(plants: UnitOfWork, historian: SqlHistorian, fence: Fence) -> None:
    await historian.write([ramp(1, 0, 20)], fence)
    nothing = ramp(1, 0, 1).rows(np.zeros(1, bool))
    await historian.rewrite(1, Micros(at(3)), Micros(at(7)), nothing, fence)
    assert said(await notes(plants)) == [(True, (1, at(3), at(7)))]


async def test_a_change_that_is_refused_is_not_noted(plants: UnitOfWork, historian: SqlHistorian, fence: Fence) -> None:
    await roll_over(historian, fence)
    old = Fence(fence.token - 1)
    nothing = ramp(1, 0, 1).rows(np.zeros(1, bool))
    with pytest.raises(FencedError):
        await historian.import_past([imported(ramp(1, 0, 20))], old)
    with pytest.raises(FencedError):
        await historian.rewrite(1, Micros(at(3)), Micros(at(7)), nothing, old)
    with pytest.raises(FencedError):
        await historian.write([ramp(1, 0, 20)], old, past_buffer=True)
    assert await notes(plants) == []
