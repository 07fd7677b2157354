"""Formulas asked through the service: over real history, in reach only, refused at the column."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from pdm_app.domain.access import Role
from pdm_app.domain.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.evaluations import EvaluationQuery
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.services import formulas
from pdm_app.services.formulas import FormulaService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, person
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import P_501, SIGNALS

FLOW, SUCTION = SIGNALS[0], SIGNALS[1]
MINUTE_END = NOON + 60 * MICROS_PER_S


def asked(formula: str, *, at_home: bool = True, **settings: Any) -> EvaluationQuery:
    """A formula over the minute, with the pump's signals named alone where it is at home."""
    span = {"start_at": NOON, "end_at": MINUTE_END, **settings}
    return EvaluationQuery(formula=formula, asset_id=P_501.id if at_home else None, **span)


def seconds_of(signal: int, value: list[float], seq: int) -> Batch:
    return Batch(
        device="plc",
        signal=np.full(len(value), signal, dtype=np.uint32),
        source_at=NOON + np.arange(len(value), dtype=np.int64) * MICROS_PER_S,
        value=np.array(value),
        quality=np.zeros(len(value), dtype=np.uint16),
        received_at=Micros(NOON + 60 * MICROS_PER_S),
        seq=seq,
    )


@asynccontextmanager
async def serving(work: SqlUnitOfWork, database_url: str, clock: HandClock) -> AsyncIterator[FormulaService]:
    """The service over a minute of two signals: a ramp, and a level with one peak."""
    database = Database(database_url)
    try:
        historian = SqlHistorian(database, clock)
        fence = await SqlLease(database, clock).acquire("tests", 60)
        assert fence is not None
        level = [2.0] * 60
        level[30] = 50.0
        ramp = [float(second) for second in range(60)]
        await historian.write([seconds_of(FLOW.id, ramp, 1), seconds_of(SUCTION.id, level, 2)], fence)
        yield FormulaService(work, historian)
    finally:
        await database.close()


async def test_a_formula_is_evaluated_at_every_sample_of_what_it_reads(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with serving(work, database_url, clock) as service:
        formula = f'"{P_501.code}".{FLOW.name} * {SUCTION.name} / {SUCTION.name}'
        found = await service.evaluate(ADA, asked(formula))
        assert found.signals == sorted([FLOW.id, SUCTION.id])
        assert found.at == [NOON + second * MICROS_PER_S for second in range(60)]
        assert found.last == pytest.approx(list(range(60)))
        assert (found.bucket_us, found.samples_read, set(found.quality)) == (0, 120, {0})


async def test_a_window_at_the_beginning_of_the_span_sees_what_was_before(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with serving(work, database_url, clock) as service:
        begin, end = NOON + 40 * MICROS_PER_S, NOON + 50 * MICROS_PER_S
        query = asked(f"max({SUCTION.name}, 15s)", start_at=begin, end_at=end)
        assert (await service.evaluate(ADA, query)).last == [50.0] * 6 + [2.0] * 4


async def test_many_outcomes_come_in_buckets_that_keep_the_peak(
    work: SqlUnitOfWork, database_url: str, clock: HandClock
) -> None:
    async with serving(work, database_url, clock) as service:
        query = asked(f"{SUCTION.name} * 2", buckets=4)
        found = await service.evaluate(ADA, query)
        assert found.bucket_us == 15 * MICROS_PER_S
        assert found.high == [4.0, 4.0, 100.0, 4.0]
        assert found.low == found.last == [4.0] * 4


@pytest.mark.parametrize(
    ("formula", "column", "words"),
    [
        (f"{FLOW.name} +", len(FLOW.name) + 3, "ends too early"),
        ("Nothing_Here", 1, "There is no signal Nothing_Here"),
        ("nowhere.x", 1, "There is no asset nowhere"),
        ("open(1)", 1, "There is no function open"),
    ],
)
async def test_a_formula_that_cannot_be_used_is_refused_at_its_column(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock, formula: str, column: int, words: str
) -> None:
    async with serving(sqlite_work, sqlite_url, clock) as service:
        with pytest.raises(InvalidInputError, match=words) as refused:
            await service.evaluate(ADA, asked(formula))
        assert refused.value.facts["column"] == column
        assert refused.value.issues[0].field == "formula"


async def test_what_lies_out_of_reach_is_as_if_it_did_not_exist(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with serving(sqlite_work, sqlite_url, clock) as service:
        stranger = person("greta", Role.OPERATOR, "elsewhere")
        query = asked(f'"{P_501.code}".{FLOW.name}', at_home=False)
        assert (await service.evaluate(ADA, query)).signals == [FLOW.id]
        with pytest.raises(InvalidInputError, match=f"There is no asset {P_501.code}"):
            await service.evaluate(stranger, query)
        at_home = asked(FLOW.name)
        with pytest.raises(NotFoundError, match="There is no asset"):
            await service.evaluate(stranger, at_home)
        with pytest.raises(PermissionDeniedError, match=r"history\.read"):
            await service.evaluate(person("p-501", Role.SERVICE), query)


async def test_a_span_with_too_many_samples_is_refused_before_they_are_read(
    work: SqlUnitOfWork, database_url: str, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formulas, "SAMPLES_MAX", 59)
    async with serving(work, database_url, clock) as service:
        with pytest.raises(InvalidInputError, match="more than 59 samples"):
            await service.evaluate(ADA, asked(FLOW.name))


async def test_the_functions_of_the_language_are_told(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock
) -> None:
    async with serving(sqlite_work, sqlite_url, clock) as service:
        told = {one.signature: one for one in service.functions(ADA)}
        assert told["avg(x, span)"].looks_back
        assert not told["sqrt(x)"].looks_back
