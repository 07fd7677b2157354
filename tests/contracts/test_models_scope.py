"""Nobody limited to some sites reads or changes models elsewhere, and what is kept comes back as it was given."""

import inspect

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.model_registry import Models, ModelState
from pdm_app.domain.repositories import UnitOfWork
from tests.contracts.crossings import Crossing, assert_nothing_crosses
from tests.counterparts.models import SHA256, backtest, kept_model, version

MODEL = kept_model("site-linz", "asset-linz")
OTHER = kept_model("site-linz", "asset-linz", "model-2")
CHAMPION = version(MODEL, 1, ModelState.CHAMPION, backtest=backtest(), champion_at=5)
SHADOW = version(MODEL, 2, ModelState.SHADOW, parent_id=CHAMPION.id)
CANDIDATE = version(OTHER, 1)
MINE = {"site_id": "site-graz", "asset_id": "asset-graz"}

READS: dict[str, Crossing] = {
    "all": lambda w: w.models.all(),
    "get": lambda w: w.models.get(MODEL.id),
    "versions": lambda w: w.models.versions(MODEL.id),
    "version": lambda w: w.models.version(CHAMPION.id),
    "standing": lambda w: w.models.standing(),
    "graphs": lambda w: w.models.graphs(),
    "change_version": lambda w: w.models.change_version(SHADOW.model_copy(update={"reason": "mine"}), 0),
    "remove_version": lambda w: w.models.remove_version(CHAMPION.id),
}
WRITES: dict[str, Crossing] = {
    "put": lambda w: w.models.put(MODEL.model_copy(update={"name": "mine"})),
    "add_version": lambda w: w.models.add_version(version(MODEL, 9)),
}
THEFTS: tuple[Crossing, ...] = (
    lambda w: w.models.put(MODEL.model_copy(update=MINE)),
    lambda w: w.models.add_version(CHAMPION.model_copy(update=MINE)),
)


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        found = [list(await w.models.versions(model.id)) for model in (MODEL, OTHER)]
        return [list(await w.models.all()), *found]


async def put_all(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        for model in (OTHER, MODEL):
            await w.models.put(model)
        for one in (CHAMPION, SHADOW, CANDIDATE):
            await w.models.add_version(one)
        await w.commit()


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Models, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | WRITES.keys() == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork) -> None:
    await put_all(plants)
    assert await everything(plants) == [[MODEL, OTHER], [SHADOW, CHAMPION], [CANDIDATE]]
    await assert_nothing_crosses(plants, READS, (*WRITES.values(), *THEFTS), everything)


async def test_of_two_changes_one_is_first_and_names_and_numbers_are_there_once(plants: UnitOfWork) -> None:
    await put_all(plants)
    changed = SHADOW.model_copy(update={"state": ModelState.RETIRED, "backtest": backtest(), "revision": 1})
    async with plants(EVERY_SITE) as w:
        assert [one.id for one in await w.models.standing()] == [CHAMPION.id, SHADOW.id]
        assert list(await w.models.graphs()) == [SHA256]
        assert await w.models.change_version(changed, 0)
        assert not await w.models.change_version(changed.model_copy(update={"reason": "late"}), 0)
        await w.models.remove_version(CANDIDATE.id)
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert await w.models.version(SHADOW.id) == changed
        assert not await w.models.versions(OTHER.id)
        assert [one.id for one in await w.models.standing()] == [CHAMPION.id]
    async with plants(EVERY_SITE) as w:
        with pytest.raises(ConflictError):
            await w.models.put(MODEL.model_copy(update={"id": "model-3"}))
    async with plants(EVERY_SITE) as w:
        with pytest.raises(ConflictError):
            await w.models.add_version(SHADOW.model_copy(update={"id": "v-3"}))
