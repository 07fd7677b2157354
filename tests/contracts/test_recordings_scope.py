"""Nobody limited to some sites reads or changes storage rules, runs or the rules that find them elsewhere."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.repositories import UnitOfWork, Work
from pdm_app.domain.runs import Run, RunQuery, RunRule, Runs
from pdm_app.domain.storage_rules import StorageRules
from tests.counterparts.recordings import storage_rule
from tests.storage.data import NOON

LIMITED = (Scope(sites=frozenset({"site-graz"})), Scope(sites=frozenset()))
RULE = storage_rule("site-linz")
FINDER = RunRule(id="finder-linz", site_id="site-linz", asset_id="asset-linz", name="Hot", condition="Flow > 9")
RUN = Run(id="run-linz", site_id="site-linz", asset_id="asset-linz", rule_id=FINDER.id, name="B-1", started_at=NOON,
          started_by="ada")  # fmt: skip
MINE = {"site_id": "site-graz"}

Crossing = Callable[[Work], Awaitable[object]]
READS: dict[str, Crossing] = {
    "storage_rules.all": lambda w: w.storage_rules.all(),
    "storage_rules.get": lambda w: w.storage_rules.get(RULE.id),
    "runs.rules": lambda w: w.runs.rules(),
    "runs.rule": lambda w: w.runs.rule(FINDER.id),
    "runs.page": lambda w: w.runs.page(RunQuery(site_id="site-linz")),
    "runs.some": lambda w: w.runs.some([RUN.id]),
    "runs.of_rule": lambda w: w.runs.of_rule(FINDER.id, 0),
    "runs.count": lambda w: w.runs.count(FINDER.id),
}
WRITES: dict[str, Crossing] = {
    "storage_rules.put": lambda w: w.storage_rules.put(RULE.model_copy(update={"bound": 9.0})),
    "runs.put_rule": lambda w: w.runs.put_rule(FINDER.model_copy(update={"gap_s": 9.0})),
    "runs.put": lambda w: w.runs.put([RUN.model_copy(update={"name": "mine"})]),
}
THEFTS: dict[str, Crossing] = {
    "storage_rules.put": lambda w: w.storage_rules.put(RULE.model_copy(update=MINE)),
    "runs.put_rule": lambda w: w.runs.put_rule(FINDER.model_copy(update=MINE)),
    "runs.put": lambda w: w.runs.put([RUN.model_copy(update=MINE)]),
}


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        found: list[object] = [await w.storage_rules.all(), await w.runs.rules(), await w.runs.page(RunQuery())]
        return found


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {
        f"{noun}.{name}"
        for noun, protocol in {"storage_rules": StorageRules, "runs": Runs}.items()
        for name, _ in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }
    assert READS.keys() | WRITES.keys() == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.storage_rules.put(RULE)
        await w.runs.put_rule(FINDER)
        await w.runs.put([RUN])
        await w.commit()
    before = await everything(plants)
    assert before == [[RULE], [FINDER], [RUN]], "each comes back as it was given"
    for scope in LIMITED:
        for name, crossing in READS.items():
            async with plants(scope) as w:
                assert not await crossing(w), name
        for name, crossing in (*WRITES.items(), *THEFTS.items()):
            async with plants(scope) as w:
                with pytest.raises(NotFoundError):
                    await crossing(w)
                await w.commit()
            assert await everything(plants) == before, name
