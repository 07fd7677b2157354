"""Asking for the audit trail: pages, exports that verify, and a check that names the first entry somebody touched."""

import asyncio
import csv
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Executable, delete, insert, literal, select, update

from pdm_app.domain.access import EVERY_SITE, ROLE_PERMISSIONS, SYSTEM, Actor, Permission, Role, Scope
from pdm_app.domain.audit import Anchor, AuditEntry, AuditHead, AuditQuery, ChainCheck
from pdm_app.domain.errors import (
    ConflictError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnavailableError,
)
from pdm_app.services import audit as audit_service
from pdm_app.services.audit import AuditService, ExportFormat
from pdm_app.services.auditing import audit
from pdm_app.storage.audit import ENTRIES, HEAD
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import SwitchedWork
from tests.counterparts.clocks import HandClock

WARN = 1_000


def somebody(role: Role, *sites: str) -> Actor:
    return Actor(id="x", name="x", role=role, scope=Scope(sites=frozenset(sites)), permissions=ROLE_PERMISSIONS[role])


MANAGER = somebody(Role.MANAGER, "graz")


@pytest.fixture
def trail(work: SqlUnitOfWork, clock: HandClock) -> AuditService:
    return AuditService(work, clock, WARN)


@pytest.fixture
async def seven(work: SqlUnitOfWork, clock: HandClock) -> list[AuditEntry]:
    """Seven entries of two sites and of none, a second apart."""
    sites = ("graz", "pune", None, "graz", "pune", "graz", None)
    for number, site in enumerate(sites):
        clock.at += 1_000_000
        async with work(EVERY_SITE) as w:
            await audit(
                w, SYSTEM if number % 2 else SYSTEM.model_copy(update={"name": "Ada"}), clock.now(),
                "connections.paused" if number < 4 else "users.changed", subject="connection" if number < 4 else "user",
                subject_id=f"s{number}", name=f"Thing {number}", site_id=site, before={"on": True},
                after={"on": False, "note": f"Wört {number}"}, reason="=cmd()" if number == 3 else "",
            )  # fmt: skip
            await w.commit()
    async with work(EVERY_SITE) as w:
        return list(await w.audit.after(None, 100))


async def test_pages_go_from_the_newest_to_the_oldest_without_gap_or_overlap(
    trail: AuditService, seven: list[AuditEntry]
) -> None:
    first = await trail.page(SYSTEM, AuditQuery(limit=3))
    second = await trail.page(SYSTEM, AuditQuery(limit=3, before=first.before))
    third = await trail.page(SYSTEM, AuditQuery(limit=3, before=second.before))
    assert [*first.entries, *second.entries, *third.entries] == seven[::-1]
    assert third.before is None


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"site_id": "graz"}, [6, 4, 1]),
        ({"actor": "ada"}, [7, 5, 3, 1]),
        ({"action": "users."}, [7, 6, 5]),
        ({"subject": "user"}, [7, 6, 5]),
        ({"subject": "connection", "subject_id": "s2"}, [3]),
        ({"text": "WÖRT 4"}, [5]),
        ({"text": "=cmd("}, [4]),
        ({"text": "%"}, []),
        ({"action": "users_"}, []),
        ({"text": "'; DROP TABLE audit_entries; --"}, []),
    ],
)
async def test_filters_admit_what_they_say(
    trail: AuditService, seven: list[AuditEntry], asked: dict[str, str], numbers: list[int]
) -> None:
    page = await trail.page(SYSTEM, AuditQuery.model_validate(asked))
    assert [entry.seq for entry in page.entries] == numbers
    between = AuditQuery(start_at=seven[2].at, end_at=seven[4].at)
    assert [entry.seq for entry in (await trail.page(SYSTEM, between)).entries] == [4, 3]


async def test_a_manager_reads_the_own_sites_and_the_others_need_the_right(
    trail: AuditService, seven: list[AuditEntry]
) -> None:
    assert [entry.seq for entry in (await trail.page(MANAGER, AuditQuery())).entries] == [6, 4, 1]
    for site in ("pune", "mars"):
        with pytest.raises(NotFoundError, match=f"There is no site '{site}'"):
            await trail.page(MANAGER, AuditQuery(site_id=site))
        with pytest.raises(NotFoundError):
            await anext(trail.export(MANAGER, AuditQuery(site_id=site), ExportFormat.JSONL))
    for role in set(Role) - {Role.ADMIN, Role.MANAGER}:
        for attempt in (trail.page(somebody(role, "graz"), AuditQuery()), trail.verify(somebody(role, "graz"))):
            with pytest.raises(PermissionDeniedError, match=r"audit\.read"):
                await attempt
        with pytest.raises(PermissionDeniedError):
            await anext(trail.export(somebody(role, "graz"), AuditQuery(), ExportFormat.CSV))


async def exported(trail: AuditService, actor: Actor, query: AuditQuery, form: ExportFormat) -> bytes:
    return b"".join([portion async for portion in trail.export(actor, query, form)])


async def test_an_export_as_json_lines_verifies_by_itself_and_is_on_record(
    trail: AuditService, seven: list[AuditEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_service, "PORTION", 3)
    lines = (await exported(trail, SYSTEM, AuditQuery(), ExportFormat.JSONL)).splitlines()
    entries = [AuditEntry.model_validate(json.loads(line)) for line in lines]
    assert entries[:7] == seven
    assert (entries[7].action, json.loads(entries[7].after)) == ("audit.exported", {"format": "jsonl"})
    check = ChainCheck()
    assert check.take(entries)
    assert check.end(AuditHead(seq=8, hash=entries[-1].hash))


async def test_an_export_as_csv_runs_no_formula_and_holds_only_what_was_asked_for(
    trail: AuditService, seven: list[AuditEntry]
) -> None:
    text = (await exported(trail, MANAGER, AuditQuery(action="connections."), ExportFormat.CSV)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["seq"] for row in rows] == ["1", "4"]
    assert [row["hash"] for row in rows] == [seven[0].hash, seven[3].hash]
    assert rows[1]["reason"] == "'=cmd()"
    assert (await exported(trail, MANAGER, AuditQuery(text="nothing like it"), ExportFormat.JSONL)) == b""


INSERTED: dict[str, ColumnElement[Any]] = {"seq": literal(8), "id": literal("new"), "previous": ENTRIES.c.hash}
DAMAGE: dict[str, tuple[list[Executable], int, str]] = {
    "altered": ([update(ENTRIES).where(ENTRIES.c.seq == 3).values(actor="mallory")], 3, "altered"),
    "a site taken away": ([update(ENTRIES).where(ENTRIES.c.seq == 4).values(site_id=None)], 4, "altered"),
    "removed": ([delete(ENTRIES).where(ENTRIES.c.seq == 2)], 2, "missing"),
    "the first removed": ([delete(ENTRIES).where(ENTRIES.c.seq == 1)], 1, "missing"),
    "the last removed": ([delete(ENTRIES).where(ENTRIES.c.seq == 7)], 7, "newest entries"),
    "all removed": ([delete(ENTRIES)], 1, "newest entries"),
    "removed and closed up": (
        [
            delete(ENTRIES).where(ENTRIES.c.seq == 5),
            update(ENTRIES).where(ENTRIES.c.seq == 6).values(seq=5),
            update(ENTRIES).where(ENTRIES.c.seq == 7).values(seq=6),
            update(HEAD).values(seq=6),
        ],
        5,
        "altered",
    ),
    "two that changed places": (
        [
            update(ENTRIES).where(ENTRIES.c.seq == 2).values(seq=99),
            update(ENTRIES).where(ENTRIES.c.seq == 6).values(seq=2),
            update(ENTRIES).where(ENTRIES.c.seq == 99).values(seq=6),
        ],
        2,
        "altered",
    ),
    "inserted past the end": (
        [
            insert(ENTRIES).from_select(
                [column.name for column in ENTRIES.c],
                select(*(INSERTED.get(column.name, column) for column in ENTRIES.c)).where(ENTRIES.c.seq == 7),
            )
        ],
        8,
        "altered",
    ),
    "moved before the first": ([update(ENTRIES).where(ENTRIES.c.seq == 7).values(seq=-5)], -5, "number"),
    "the end moved back": ([update(HEAD).values(seq=4)], 5, "past the end"),
    "the end removed": ([delete(HEAD)], 1, "past the end"),
    "the end written anew": ([update(HEAD).values(hash="0" * 64)], 7, "end of the chain"),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_whoever_touches_the_tables_is_found_and_the_first_entry_is_named(
    damage: str, trail: AuditService, work: SqlUnitOfWork, seven: list[AuditEntry], database_url: str
) -> None:
    assert (await trail.verify(SYSTEM)).is_whole
    assert (await trail.check()).ok
    statements, broken_at, fault = DAMAGE[damage]
    database = Database(database_url)
    async with database.writing("damage") as connection:
        for statement in statements:
            await connection.execute(statement)
    await database.close()
    verdict = await trail.verify(SYSTEM)
    assert (verdict.is_whole, verdict.broken_at) == (False, broken_at)
    assert fault in verdict.fault
    seen = await trail.check()
    assert not seen.ok
    assert str(broken_at) in seen.detail
    assert (await trail.page(SYSTEM, AuditQuery())).entries is not None, "what is left is still shown"


async def test_the_chain_is_walked_in_portions_also_while_entries_are_added(
    trail: AuditService, work: SqlUnitOfWork, seven: list[AuditEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_service, "PORTION", 2)
    verdict = await trail.verify(SYSTEM)
    assert (verdict.is_whole, verdict.checked, verdict.last_hash) == (True, 7, seven[-1].hash)
    kept = Anchor(seq=4, hash=seven[3].hash)
    assert (await trail.verify(MANAGER, kept)).is_whole
    wrong = await trail.verify(SYSTEM, Anchor(seq=4, hash=seven[4].hash))
    assert (wrong.broken_at, wrong.checked) == (4, 3)
    assert (await trail.check()).ok, "a mistyped hash says nothing about the trail"


async def test_only_so_many_check_at_once(trail: AuditService, seven: list[AuditEntry]) -> None:
    outcomes = await asyncio.gather(*(trail.verify(SYSTEM) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, UnavailableError) for outcome in outcomes) == 3
    assert (await trail.verify(SYSTEM)).is_whole


async def test_health_asks_for_room_before_there_is_none(work: SqlUnitOfWork, clock: HandClock, seven: object) -> None:
    check = await AuditService(work, clock, 7).check()
    assert not check.ok
    assert not check.needed
    assert "more than 7" in check.detail
    assert (await AuditService(work, clock, 8).check()).ok


# --- the check as something that runs by itself ----------------------------------------------------------------------


class Spawned:
    """Runs what is spawned when the test says so."""

    def __init__(self) -> None:
        self.runs: list[Callable[[], Awaitable[None]]] = []

    def __call__(self, _name: str, run: Callable[[], Awaitable[None]]) -> None:
        self.runs.append(run)

    async def next(self) -> None:
        await self.runs.pop(0)()


async def test_a_check_runs_by_itself_and_keeps_its_verdict(work: SqlUnitOfWork, clock: HandClock) -> None:
    spawned = Spawned()
    service = AuditService(work, clock, WARN, spawned)
    assert service.checking(SYSTEM).state == "none"
    begun = await service.begin_check(SYSTEM)
    assert (begun.state, begun.begun_by, begun.verdict) == ("running", "system", None)
    with pytest.raises(ConflictError, match="system has begun to check the audit trail already"):
        await service.begin_check(SYSTEM)
    await spawned.next()
    done = service.checking(SYSTEM)
    assert done.state == "done"
    assert done.verdict is not None
    assert done.verdict.is_whole
    assert done.checked == done.verdict.checked > 0
    assert "found whole" in (await service.check()).detail, "the health page has heard of it"


async def test_a_check_that_is_stopped_ends_without_a_verdict_and_another_one_begins_anew(
    work: SqlUnitOfWork, clock: HandClock
) -> None:
    spawned = Spawned()
    service = AuditService(work, clock, WARN, spawned)
    with pytest.raises(ConflictError, match="nothing to stop"):
        await service.cancel_check(SYSTEM)
    await service.begin_check(SYSTEM)
    assert (await service.cancel_check(SYSTEM)).state == "cancelled"
    await service.begin_check(SYSTEM)
    await spawned.next()  # The one that was stopped.
    assert service.checking(SYSTEM).state == "running", "and it leaves the next one alone"
    await spawned.next()
    assert service.checking(SYSTEM).state == "done"
    async with work(EVERY_SITE) as transaction:
        entries = await transaction.audit.page(AuditQuery(action="audit.check_"))
    assert [entry.action.removeprefix("audit.check_") for entry in entries] == ["begun", "cancelled", "begun"]


async def test_a_check_that_cannot_go_on_says_why(work: SqlUnitOfWork, clock: HandClock) -> None:
    spawned = Spawned()
    switched = SwitchedWork(work)
    service = AuditService(switched, clock, WARN, spawned)
    await service.begin_check(SYSTEM)
    switched.is_on = False
    await spawned.next()
    failed = service.checking(SYSTEM)
    assert (failed.state, failed.problem) == ("failed", "The database does not answer.")


async def test_only_those_who_read_the_trail_have_it_checked(work: SqlUnitOfWork, clock: HandClock) -> None:
    service = AuditService(work, clock, WARN, Spawned())
    nobody = SYSTEM.model_copy(update={"permissions": frozenset(Permission) - {Permission.AUDIT_READ}})
    for attempt in (service.begin_check(nobody), service.cancel_check(nobody)):
        with pytest.raises(PermissionDeniedError):
            await attempt
    with pytest.raises(PermissionDeniedError):
        service.checking(nobody)
    with pytest.raises(NotSupportedError, match="runs nothing by itself"):
        await AuditService(work, clock, WARN).begin_check(SYSTEM)
