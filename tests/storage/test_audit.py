"""The audit trail as a chain on disk: what is committed is sealed, and whoever touches it afterwards is found out."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Scope
from pdm_app.domain.audit import AuditEntry, AuditFact, AuditQuery, ChainCheck
from pdm_app.domain.errors import NotFoundError, PdmError
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.services.auditing import audit
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.templates import begin_migrated
from tests.storage.data import NOON, SteppedClock

AT = SteppedClock(NOON).now()


async def record(work: UnitOfWork, names: Sequence[str], *, commit: bool = True, site_id: str | None = None) -> None:
    async with work(EVERY_SITE) as w:
        for name in names:
            await audit(w, SYSTEM, AT, "things.made", subject="thing", name=name, site_id=site_id, after={"name": name})
        if commit:
            await w.commit()


async def entries(work: UnitOfWork) -> list[AuditEntry]:
    async with work(EVERY_SITE) as w:
        return list(await w.audit.after(None, 1000))


async def check(work: UnitOfWork) -> ChainCheck:
    chain = ChainCheck()
    async with work(EVERY_SITE) as w:
        chain.take(await w.audit.after(None, 1000))
        chain.end(await w.audit.head())
    return chain


@pytest.fixture
async def database(database_url: str) -> Database:
    database = Database(database_url)
    await begin_migrated(database)
    return database


@pytest.fixture
def work(database: Database) -> SqlUnitOfWork:
    return SqlUnitOfWork(database)


async def test_what_is_committed_is_chained_and_what_is_not_leaves_no_gap(
    database: Database, work: SqlUnitOfWork
) -> None:
    await record(work, ["a", "b"])
    await record(work, ["never"], commit=False)
    await record(work, ["c"])
    found = await entries(work)
    assert [(entry.seq, entry.name) for entry in found] == [(1, "a"), (2, "b"), (3, "c")]
    assert [entry.previous for entry in found] == ["0" * 64, found[0].hash, found[1].hash]
    assert (await check(work)).broken_at is None
    await database.close()


async def test_many_writers_at_once_make_one_chain(database: Database, work: SqlUnitOfWork) -> None:
    other = Database(database.url.render_as_string(hide_password=False))
    elsewhere = SqlUnitOfWork(other)
    writers = [record(work if number % 2 else elsewhere, [f"w{number}", f"x{number}"]) for number in range(24)]
    await asyncio.gather(*writers, *(record(work, ["never"], commit=False) for _ in range(6)))
    chain = await check(work)
    assert (chain.broken_at, chain.checked) == (None, 48)
    names = [entry.name for entry in await entries(work)]
    assert sorted(names) == sorted(f"{letter}{number}" for number in range(24) for letter in "wx")
    assert all(names[place + 1] == names[place].replace("w", "x") for place in range(0, 48, 2)), "a change stays whole"
    await other.close()
    await database.close()


async def test_a_fact_that_is_told_again_after_an_unknown_commit_stays_single(
    database: Database, work: SqlUnitOfWork
) -> None:
    await record(work, ["a"])
    first = (await entries(work))[0]
    fact = AuditFact(**{name: getattr(first, name) for name in AuditFact.model_fields})
    async with work(EVERY_SITE) as w:
        await w.audit.add(fact)
        await w.commit()
    assert len(await entries(work)) == 1
    assert (await check(work)).broken_at is None
    await database.close()


async def test_without_its_end_nothing_is_changed_and_it_is_said_why(database: Database, work: SqlUnitOfWork) -> None:
    async with database.writing("damage") as connection:
        await connection.execute(text("DELETE FROM audit_head"))
    with pytest.raises(PdmError, match="audit trail has lost its end"):
        await record(work, ["a"])
    assert await entries(work) == []
    await database.close()


async def test_a_limited_scope_reads_its_own_sites_and_adds_to_no_other(
    database: Database, work: SqlUnitOfWork
) -> None:
    for name, site in (("mine", "graz"), ("theirs", "linz"), ("nobody's", None)):
        await record(work, [name], site_id=site)
    async with work(Scope(sites=frozenset({"graz"}))) as w:
        assert [entry.name for entry in await w.audit.page(AuditQuery())] == ["mine"]
        assert [entry.name for entry in await w.audit.after(None, 10)] == ["mine"]
        with pytest.raises(NotFoundError):
            await audit(w, SYSTEM, AT, "things.made", subject="thing", site_id="linz")
        await audit(w, SYSTEM, AT, "things.made", subject="thing", name="new", site_id="graz")
        await w.commit()
    assert (await check(work)).checked == 4
    await database.close()
