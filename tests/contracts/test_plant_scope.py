"""The plant is kept by one repository for all nouns: what it does is the same for each, and never crosses the scope."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.plant import Listing, Plant
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.domain.samples import Micros
from pdm_app.domain.signals import Signal
from tests.storage import data
from tests.storage.data import MINE, NOON, THEIRS

ONLY_MINE = Scope(sites=frozenset({"site-graz"}))
AT = Micros(NOON)
NOUNS: dict[type[Any], Callable[[str], Any]] = {
    Site: data.site,
    Area: data.area,
    Line: data.line,
    Asset: data.asset,
    Device: data.device,
    Connection: data.connection,
    Signal: lambda name: data.signal(name, 1 if name == MINE else 2),
    AlarmRule: data.rule,
}
READS: dict[str, Callable[[Plant, type[Any], Any], Awaitable[object]]] = {
    "hold": lambda plant, _, record: plant.hold(getattr(record, "site_id", record.id)),
    "get": lambda plant, kind, record: plant.get(kind, record.id),
    "mark": lambda plant, kind, record: plant.mark(kind, record.id),
    "marks": lambda plant, kind, _: plant.marks(kind),
    "page": lambda plant, kind, _: plant.page(kind, Listing()),
    "some": lambda plant, kind, _: plant.some(kind, 10),
    "count": lambda plant, kind, record: plant.count(kind, id=record.id),
    "change": lambda plant, _, record: plant.change(record.model_copy(update={"revision": 1}), "me", AT),
    "delete": lambda plant, kind, record: plant.delete(kind, record.id, "me", AT),
    "restore": lambda plant, kind, record: plant.restore(kind, record.id, "me", AT),
}
REFUSED = {"add", "change"}


def test_every_method_is_tried_across_the_scope() -> None:
    methods = {name for name, _ in inspect.getmembers(Plant, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | REFUSED | {"new_signal_number"} == methods


@pytest.mark.parametrize("kind", NOUNS, ids=lambda kind: kind.__name__)
async def test_what_belongs_to_another_site_is_neither_found_nor_touched(plants: UnitOfWork, kind: type[Any]) -> None:
    theirs, mine = NOUNS[kind](THEIRS), NOUNS[kind](MINE)
    for name, read in READS.items():
        async with plants(ONLY_MINE) as w:
            if name == "change":
                with pytest.raises(NotFoundError):
                    await read(w.plant, kind, theirs)
            else:
                assert "linz" not in repr(await read(w.plant, kind, theirs)).lower(), name
            await w.commit()
    async with plants(ONLY_MINE) as w:
        with pytest.raises(NotFoundError):
            await w.plant.add(theirs, "me", AT)
        stolen = mine.model_copy(update={"id": theirs.id, "revision": 1})
        assert kind is Site or not await w.plant.change(stolen, "me", AT)
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert await w.plant.get(kind, theirs.id) == theirs
        mark = await w.plant.mark(kind, theirs.id)
        assert mark is not None
        assert (mark.revision, mark.changed_by, mark.deleted_at) == (0, "", None)


@pytest.mark.parametrize("kind", NOUNS, ids=lambda kind: kind.__name__)
async def test_every_noun_is_changed_deleted_hidden_and_restored_alike(plants: UnitOfWork, kind: type[Any]) -> None:
    mine = NOUNS[kind](MINE)
    async with plants(ONLY_MINE) as w:
        second = mine.model_copy(update={"revision": 1})
        assert await w.plant.change(second, "anna", AT)
        assert not await w.plant.change(second, "boris", AT), "somebody was first"
        assert await w.plant.get(kind, mine.id) == second
        await w.plant.delete(kind, mine.id, "boris", Micros(AT + 1))
        assert await w.plant.get(kind, mine.id) is None
        assert not await w.plant.change(second.model_copy(update={"revision": 3}), "anna", AT), "it is gone"
        assert (await w.plant.page(kind, Listing())).items == ()
        assert await w.plant.count(kind) == 0
        gone = await w.plant.get(kind, mine.id, deleted=True)
        mark = await w.plant.mark(kind, mine.id)
        assert mark is not None
        assert (mark.changed_by, mark.changed_at, mark.deleted_at) == ("boris", AT + 1, AT + 1)
        assert (await w.plant.page(kind, Listing(deleted=True))).items == (gone,)
        again = mine.model_copy(update={"id": 77 if kind is Signal else "another"})
        if kind is not Site:  # Its name is free; one of another site is not ours to make.
            await w.plant.add(again, "anna", AT)
        await w.commit()
    async with plants(ONLY_MINE) as w:
        if kind is not Site:
            with pytest.raises(ConflictError):
                await w.plant.restore(kind, mine.id, "boris", AT)
            return
        await w.plant.restore(kind, mine.id, "boris", AT)
        assert await w.plant.get(kind, mine.id) == mine.model_copy(update={"revision": 3})


async def test_a_cursor_of_another_site_is_none(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        for cursor in ("asset-linz", "nothing"):
            with pytest.raises(InvalidInputError, match="cannot go on from"):
                await w.plant.page(Asset, Listing(cursor=cursor))
        assert (await w.plant.page(Asset, Listing(cursor="asset-graz"))).items == ()


async def test_signal_numbers_only_grow_also_where_higher_ones_were_brought_in(plants: UnitOfWork) -> None:
    async with plants(ONLY_MINE) as w:
        assert await w.plant.new_signal_number() == 3
        assert await w.plant.new_signal_number() == 4
        await w.signals.put([data.signal(MINE, 90)])
        assert await w.plant.new_signal_number() == 91
        await w.plant.delete(Signal, 90, "anna", AT)
        await w.commit()
    async with plants(ONLY_MINE) as w:
        assert await w.plant.new_signal_number() == 92
