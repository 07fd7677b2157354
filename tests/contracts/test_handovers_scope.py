"""Nobody limited to some sites reads or changes what shifts hand over elsewhere."""

import inspect

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.handovers import Handovers
from pdm_app.domain.repositories import UnitOfWork
from tests.contracts.crossings import Crossing, assert_nothing_crosses
from tests.counterparts.production import handover

LINZ = "site-linz"
FIRST = handover(LINZ, "line-linz")
LATER = FIRST.model_copy(update={"id": "later", "begin_at": FIRST.end_at, "taken_by": "Olga", "taken_at": 5})
READS: dict[str, Crossing] = {
    "newest": lambda w: w.handovers.newest(LINZ, 10),
    "get": lambda w: w.handovers.get(FIRST.id),
}
CHANGES: dict[str, Crossing] = {"put": lambda w: w.handovers.put(FIRST.model_copy(update={"notes": "mine"}))}
THEFT: Crossing = lambda w: w.handovers.put(FIRST.model_copy(update={"site_id": "site-graz"}))  # noqa: E731


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        return list(await w.handovers.newest(LINZ, 10))


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Handovers, inspect.isfunction) if not name.startswith("_")}
    assert methods == set(READS) | set(CHANGES)


async def test_handovers_are_read_as_they_were_newest_first_and_by_nobody_else(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.handovers.put(FIRST)
        await w.handovers.put(LATER)
        await w.commit()
    assert await everything(plants) == [LATER, FIRST]
    async with plants(EVERY_SITE) as w:
        assert await w.handovers.newest(LINZ, 1) == [LATER]
    await assert_nothing_crosses(plants, READS, (*CHANGES.values(), THEFT), everything)
