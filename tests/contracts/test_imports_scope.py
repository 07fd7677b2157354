"""An import of one site is nobody's business in another: it is not seen, not changed and not moved there."""

import inspect

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.imports import Import, ImportColumn, ImportedSignal, ImportPlan, Imports, ImportState, Refusal
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.storage.data import MINE, NOON, THEIRS

ONLY_MINE = Scope(sites=frozenset({f"site-{MINE}"}))


def one(name: str, state: ImportState = ImportState.RUNNING, number: int = 1) -> Import:
    return Import(
        id=f"import-{name}-{number}", site_id=f"site-{name}", owner_id="erin", owner="erin", file_name="läuft.csv",
        format="csv", plan=ImportPlan(upload_id="up", columns=(ImportColumn(column="a", signal_id=1, unit="bar"),)),
        state=state, signals=(ImportedSignal(signal_id=1, name="P Flow", samples=3),), asked_at=NOON,
        refusals=(Refusal(line=7, reason="'x' is no number"),), mark=NOON + 1, derived=(4,),
    )  # fmt: skip


@pytest.fixture
async def plants(database: Database) -> UnitOfWork:
    work = SqlUnitOfWork(database)
    async with work(EVERY_SITE) as transaction:
        await transaction.imports.put(one(MINE))
        await transaction.imports.put(one(THEIRS))
        await transaction.imports.put(one(MINE, ImportState.DONE, 2))
        await transaction.commit()
    return work


async def test_what_is_read_is_what_was_stored_and_of_ones_own_sites(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as work:
        assert await work.imports.newest(9) == [one(MINE, ImportState.DONE, 2), one(MINE)]
        assert await work.imports.newest(1) == [one(MINE, ImportState.DONE, 2)]
        assert await work.imports.under_way() == [one(MINE)]
        assert await work.imports.get(one(THEIRS).id) is None
    async with plants(EVERY_SITE) as work:
        assert await work.imports.get(one(THEIRS).id) == one(THEIRS)
        assert len(await work.imports.under_way()) == 2


async def test_nobody_changes_moves_or_makes_one_elsewhere(plants: UnitOfWork) -> None:
    claimed = one(THEIRS).model_copy(update={"site_id": f"site-{MINE}"})
    given_away = one(MINE).model_copy(update={"site_id": f"site-{THEIRS}"})
    for crossing in (one(THEIRS), one(THEIRS, number=9), claimed, given_away):
        async with plants(ONLY_MINE) as work:
            with pytest.raises(NotFoundError):
                await work.imports.put(crossing)
    async with plants(EVERY_SITE) as work:
        assert [each.site_id for each in await work.imports.newest(9)].count(f"site-{THEIRS}") == 1


def test_every_method_there_is_was_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Imports, inspect.isfunction) if not name.startswith("_")}
    assert methods == {"newest", "under_way", "get", "put"}
