"""Runs by hand, their figures, and runs laid over each other; rules that refuse what cannot be."""

from typing import Any

import numpy as np
import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError
from pdm_app.domain.ports import Fence
from pdm_app.domain.runs import AlignedQuery, Run, RunQuery, RunRuleFacts
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.services.batches import BatchService, joined
from pdm_app.services.run_rules import RunRuleService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import P_501, SIGNALS

FLOW = SIGNALS[0]
S = MICROS_PER_S


class Office:
    """The service over a real database, with runs of a known signal in it."""

    def __init__(self, work: SqlUnitOfWork, url: str, clock: HandClock) -> None:
        self.work, self.clock, self.database = work, clock, Database(url)
        self.historian = SqlHistorian(self.database, clock)
        self.reloads = 0
        self.rules = RunRuleService(work, clock, self._reload, dict)
        self.batches = BatchService(work, self.historian, clock, self.rules)
        self._seq = 0
        self._fence: Fence | None = None

    async def _reload(self) -> None:
        self.reloads += 1

    async def record(self, start_s: float, values: list[float]) -> None:
        """Store a value each second."""
        if self._fence is None:
            self._fence = await SqlLease(self.database, self.clock).acquire("tests", 86_400)
        assert self._fence is not None
        self._seq += 1
        at = NOON + (np.arange(len(values)) + round(start_s)) * S
        batch = Batch(
            "plc", np.full(len(values), FLOW.id, np.uint32), at.astype(np.int64), np.array(values),
            np.zeros(len(values), np.uint16), Micros(NOON), self._seq,
        )  # fmt: skip
        await self.historian.write([batch], self._fence)

    async def put(self, name: str, start_s: int, end_s: int | None, **facts: Any) -> Run:
        run = Run(
            id=f"run-{name}", site_id=P_501.site_id, asset_id=P_501.id, name=name, started_at=NOON + start_s * S,
            ended_at=None if end_s is None else NOON + end_s * S, started_by="tests", signals=(FLOW.id,), **facts,
        )  # fmt: skip
        async with self.work(EVERY_SITE) as work:
            await work.runs.put([run])
            await work.commit()
        return run


@pytest.fixture
async def office(sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock) -> Any:
    office = Office(sqlite_work, sqlite_url, clock)
    yield office
    await office.database.close()


async def test_figures_of_a_run_are_those_of_its_span(office: Office) -> None:
    await office.record(0, [100.0, 1.0, 2.0, 3.0, 4.0, 100.0])
    await office.put("B-1", 1, 5)
    office.clock.at = NOON + 60 * S
    found = await office.batches.get(SYSTEM, "run-B-1")
    (figure,) = found.figures
    assert found.duration_s == 4
    assert (figure.low, figure.high, figure.samples) == (1.0, 4.0, 4)


async def test_runs_are_laid_over_each_other_from_their_beginnings_with_the_band_of_the_golden_ones(
    office: Office,
) -> None:
    await office.record(0, [1.0, 2.0, 3.0, 4.0])
    await office.record(100, [3.0, 4.0, 5.0])
    await office.put("B-1", 0, 4, is_golden=True)
    await office.put("B-2", 100, 103)
    office.clock.at = NOON + 200 * S
    query = AlignedQuery(runs=("run-B-1", "run-B-2"), signal=FLOW.id, points=4, tolerance=0, tolerance_abs=0.5)
    found = await office.batches.series(SYSTEM, query)
    assert found.at_s == [0, 1, 2, 3]
    assert [run.mean for run in found.runs] == [[1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, None]]
    assert found.band_runs == ["run-B-1"]
    assert (found.band_low, found.band_high) == ([0.5, 1.5, 2.5, 3.5], [1.5, 2.5, 3.5, 4.5])
    both = query.model_copy(update={"band_of": ("run-B-1", "run-B-2"), "tolerance": 1.0, "tolerance_abs": 0.0})
    found = await office.batches.series(SYSTEM, both)
    assert found.band_mean == [2.0, 3.0, 4.0, 4.0], "the longer one alone at the end"
    assert found.band_low == [1.0, 2.0, 3.0, 4.0]


async def test_steps_between_two_samples_lie_on_the_line_between_them_and_a_gap_stays_one(office: Office) -> None:
    await office.record(0, [0.0, 2.0, 4.0, 2.0])
    await office.record(100, [6.0])
    await office.put("B-1", 0, 101)
    office.clock.at = NOON + 200 * S
    found = await office.batches.series(SYSTEM, AlignedQuery(runs=("run-B-1",), signal=FLOW.id, points=202))
    mean = found.runs[0].mean
    assert found.every_s == 0.5
    assert mean[:7] == [0.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0]
    assert mean[7:200] == [None] * 193
    assert mean[200:] == [6.0, None]


def test_a_value_that_stands_is_held_to_the_next_one_and_a_bad_one_ends_it() -> None:
    held, place = np.array([1.0, np.nan, 5.0, np.nan, np.nan, 7.0]), np.array([0, 2, 4, 5])
    assert np.array_equal(joined(held, place, is_held=True), [1, 1, 5, np.nan, np.nan, 7], equal_nan=True)
    alone = np.array([np.nan, 3.0, np.nan])
    assert np.array_equal(joined(alone.copy(), np.array([1]), is_held=False), alone, equal_nan=True)


async def test_a_run_is_begun_and_ended_by_hand_once(office: Office) -> None:
    run = await office.batches.start(SYSTEM, P_501.id, "B-7", product="Lacquer")
    with pytest.raises(ConflictError, match="goes on"):
        await office.batches.start(SYSTEM, P_501.id, "B-7")
    assert [each.name for each in await office.batches.page(SYSTEM, RunQuery(running=True))] == ["B-7"]
    office.clock.at += 5 * S
    ended = await office.batches.stop(SYSTEM, run.id)
    assert (ended.ended_at or 0) - ended.started_at == 5 * S
    with pytest.raises(ConflictError, match="ended already"):
        await office.batches.stop(SYSTEM, run.id)
    with pytest.raises(InvalidInputError, match="future"):
        await office.batches.start(SYSTEM, P_501.id, "B-8", at=int(office.clock.now()) + S)


async def test_somebody_who_read_an_older_revision_is_told(office: Office) -> None:
    run = await office.put("B-1", 0, 4)
    changed = await office.batches.change(SYSTEM, run.id, {"note": "slow start"}, run.revision)
    with pytest.raises(ConflictError, match="after you had read it"):
        await office.batches.change(SYSTEM, run.id, {"note": "mine"}, run.revision)
    assert (await office.batches.get(SYSTEM, run.id)).run == changed


async def test_pages_go_from_the_newest_back_and_find_by_name_product_and_span(office: Office) -> None:
    for place, product in enumerate(("Lacquer", "Primer_1", "PrimerX1")):
        await office.put(f"B-{place}", 100 * place, 100 * place + 50, product=product)

    async def names(**asked: Any) -> list[str]:
        return [run.name for run in await office.batches.page(SYSTEM, RunQuery(**asked))]

    assert await names() == ["B-2", "B-1", "B-0"]
    assert await names(limit=1, before=NOON + 200 * S) == ["B-1"]
    assert await names(text="primer_") == ["B-1"], "an underscore is one"
    assert await names(start_at=NOON + 60 * S, end_at=NOON + 150 * S) == ["B-1"]


@pytest.mark.parametrize(
    ("condition", "told"), [("Nope > 1", "no signal"), (f"{FLOW.name} + 1", "true or false"), ("1 >", "column")]
)
async def test_a_condition_that_cannot_be_is_refused_at_its_place(office: Office, condition: str, told: str) -> None:
    facts = RunRuleFacts(site_id=P_501.site_id, asset_id=P_501.id, name="Pumping", condition=condition)
    with pytest.raises(InvalidInputError) as refused:
        await office.rules.create(SYSTEM, facts)
    assert refused.value.issues[0].field == "condition"
    assert told in f"{refused.value.message} {refused.value.issues[0].problem}"
    assert office.reloads == 0


async def test_a_rule_that_is_deleted_is_back_when_restored(office: Office) -> None:
    facts = RunRuleFacts(site_id=P_501.site_id, asset_id=P_501.id, name="Pumping", condition=f"{FLOW.name} > 1")
    rule = await office.rules.create(SYSTEM, facts)
    await office.rules.delete(SYSTEM, rule.id)
    assert await office.rules.all(SYSTEM) == ()
    with pytest.raises(NotFoundError):
        await office.rules.change(SYSTEM, rule.id, {"gap_s": 1.0})
    await office.rules.restore(SYSTEM, rule.id)
    assert [view.rule.name for view in await office.rules.all(SYSTEM)] == ["Pumping"]
    assert office.reloads == 3
