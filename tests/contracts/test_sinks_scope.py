"""Nobody limited to some sites reads or changes sinks, or where they stand, elsewhere."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.sinks import FileOptions, InfluxdbOptions, Options, PostgresqlOptions, Sink, Sinks
from pdm_app.storage.database import Database
from pdm_app.storage.history_changes import note_change
from tests.counterparts.clocks import HandClock

LIMITED = (Scope(sites=frozenset({"site-graz"})), Scope(sites=frozenset()))
OPTIONS: tuple[Options, ...] = (
    FileOptions(kind="csv", folder="copy"),
    PostgresqlOptions(host="db", database="plant", username="pdm"),
    InfluxdbOptions(url="http://db:8086", database="plant"),
)
SINKS = [
    Sink(id=f"sink-{place}", site_id="site-linz", name=f"Copy {place}", options=options)
    for place, options in enumerate(OPTIONS)
]
SINK = SINKS[0]
PLACE = bytes(range(256)) * 300  # More than a TEXT of MySQL holds, and no text.

SPANS = [(number, number * 10**15, 2**62) for number in range(1, 3_000)]

Crossing = Callable[[Work], Awaitable[object]]
READS: dict[str, Crossing] = {
    "all": lambda w: w.sinks.all(),
    "get": lambda w: w.sinks.get(SINK.id),
    "progress": lambda w: w.sinks.progress(SINK.id),
    "changes": lambda w: w.sinks.changes(10),
}
WRITES: dict[str, Crossing] = {
    "put": lambda w: w.sinks.put(SINK.model_copy(update={"name": "mine"})),
    "put_progress": lambda w: w.sinks.put_progress(SINK.id, b"mine"),
    "forget_changes": lambda w: w.sinks.forget_changes(["any"]),
}


async def stolen(work: Work) -> None:
    """Try to make it one's own."""
    await work.sinks.put(SINK.model_copy(update={"site_id": "site-graz"}))


async def everything(plants: UnitOfWork) -> list[Any]:
    async with plants(EVERY_SITE) as w:
        return [await w.sinks.all(), await w.sinks.progress(SINK.id), await w.sinks.changes(10)]


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Sinks, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | WRITES.keys() == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork, database: Database) -> None:
    async with plants(EVERY_SITE) as w:
        for sink in SINKS:
            await w.sinks.put(sink)
        await w.sinks.put_progress(SINK.id, PLACE)
        await w.commit()
    async with database.writing("change history") as connection:
        await note_change(connection, HandClock(), SPANS, is_gone=True)
    before = await everything(plants)
    assert before[:2] == [SINKS, PLACE], "each comes back as it was given"
    (change,) = before[2]
    assert (change.is_gone, change.spans) == (True, SPANS)
    for scope in LIMITED:
        for name, crossing in READS.items():
            async with plants(scope) as w:
                assert not await crossing(w), name
        for crossing in (*WRITES.values(), stolen):
            async with plants(scope) as w:
                with pytest.raises(NotFoundError):
                    await crossing(w)
                await w.commit()
            assert await everything(plants) == before
