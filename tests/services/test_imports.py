"""History is imported by people: looked at, tried, brought in, broken off, gone on with, and taken back."""

import asyncio
import csv
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pdm_app.documents.table_files import open_table
from pdm_app.documents.table_sniffing import table_format
from pdm_app.domain.access import Actor, Permission, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.imports import Import, ImportForm, ImportPlan, ImportState, Shape
from pdm_app.domain.ports import Fence
from pdm_app.domain.samples import Batch, Micros
from pdm_app.domain.uploads import Upload, UploadKind
from pdm_app.services import history_import
from pdm_app.services.import_jobs import ImportJobs
from pdm_app.services.imports import ImportService
from pdm_app.services.uploads import UploadService
from pdm_app.settings import UploadSettings
from pdm_app.storage.cold import ColdTier
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, VERA, person
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.installation import SIGNALS

ERIN = person("erin", Role.ENGINEER)
GUSTAV = person("gustav", Role.ENGINEER, "graz")
A, B, GRAZ = SIGNALS[0], SIGNALS[1], SIGNALS[-1]
S = 1_000_000
DAY = 86_400 * S
BEGIN = dt.datetime.fromtimestamp((NOON - 20 * DAY) / S, dt.UTC).replace(microsecond=0)
SPAN = (Micros(NOON - 25 * DAY), Micros(NOON + DAY))


def at(second: float) -> dt.datetime:
    return BEGIN + dt.timedelta(seconds=second)


def wide(rows: int, first: float = 0.0, heading: str = f"time,P-501 {A.name},P-501 {B.name}") -> bytes:
    lines = [f"{at(10 * row).isoformat()},{first + row},{first + 1000 + row}" for row in range(rows)]
    return "\n".join((heading, *lines, "")).encode()


class Room:
    """Store, jobs and imports over one historian with files of closed days."""

    def __init__(self, work: SqlUnitOfWork, historian: SqlHistorian, clock: HandClock, fence: Fence, at: Path) -> None:
        self.work, self.historian, self.clock, self.fence, self.folder = work, historian, clock, fence, at
        self.running: asyncio.Task[None] | None = None
        self.begin()

    def begin(self) -> None:
        """As a process does when it starts."""
        kinds = (UploadKind("history", Permission.HISTORY_IMPORT, table_format, "a table"),)
        self.uploads = UploadService(self.work, self.clock, self.folder / "uploads", kinds, UploadSettings())

        async def held() -> Fence:
            return self.fence

        self.jobs = ImportJobs(
            self.work, self.historian, self.uploads, open_table, self.clock, held, self.folder / "imports"
        )
        self.service = ImportService(self.work, self.uploads, self.jobs, open_table, self.clock)
        self.running = asyncio.create_task(self.jobs.run())

    async def end(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)

    async def hand_in(self, content: bytes, actor: Actor = ERIN, name: str = "log.csv") -> Upload:
        async with self.uploads.receiving(actor, "history", name, None) as reception:
            await reception.write(content)
            return await self.uploads.complete(reception, actor)

    async def plan(self, content: bytes, actor: Actor = ERIN, **form: Any) -> ImportPlan:
        """What the preview proposes, as somebody who agrees with it sends it."""
        upload = await self.hand_in(content, actor)
        seen = await self.service.preview(actor, upload.id, ImportForm.model_validate(form))
        assert seen.problem == ""
        columns = [
            {"column": one.column, "signal_id": one.signal_id, "unit": one.unit}
            for one in seen.proposals if one.signal_id is not None
        ]  # fmt: skip
        return ImportPlan.model_validate({"upload_id": upload.id, "form": seen.form, "columns": columns})

    async def one(self, one: Import) -> Import:
        return next(each for each in await self.service.all(ADA) if each.id == one.id)

    async def until_in(self, one: Import, *states: ImportState) -> Import:
        deadline = asyncio.get_running_loop().time() + 60
        while (now := await self.one(one)).state not in states:
            assert asyncio.get_running_loop().time() < deadline, now
            await asyncio.sleep(0.01)
        return now

    async def checked(self, plan: ImportPlan, actor: Actor = ERIN) -> Import:
        one = await self.service.create(actor, plan)
        return await self.until_in(one, ImportState.CHECKED, ImportState.FAILED)

    async def done(self, plan: ImportPlan) -> Import:
        one = await self.service.start(ERIN, (await self.checked(plan)).id)
        return await self.until_in(one, ImportState.DONE, ImportState.FAILED)

    async def values(self, signal: int) -> list[tuple[float, float]]:
        found = (await self.historian.samples([signal], *SPAN, 100_000))[signal]
        zero = BEGIN.timestamp()
        return [
            (at / S - zero, value) for at, value in zip(found.source_at.tolist(), found.value.tolist(), strict=True)
        ]

    async def store(self, signal: int, rows: Sequence[tuple[float, float]]) -> None:
        batch = Batch(
            "plc", np.full(len(rows), signal, np.uint32),
            np.array([round(at(second).timestamp() * S) for second, _ in rows], np.int64),
            np.array([value for _, value in rows]), np.zeros(len(rows), np.uint16), Micros(NOON - DAY), 5,
        )  # fmt: skip
        await self.historian.write([batch], self.fence)

    async def actions(self) -> list[str]:
        async with self.work(ADA.scope) as work:
            return [entry.action for entry in reversed(await work.audit.page(AuditQuery(subject="import")))]


@asynccontextmanager
async def room_of(work: SqlUnitOfWork, url: str, clock: HandClock, folder: Path) -> AsyncIterator[Room]:
    database = Database(url)
    room = None
    try:
        historian = SqlHistorian(database, clock, cold=ColdTier(database, folder / "cold"))
        fence = await SqlLease(database, clock).acquire("tests", 36_000)
        assert fence is not None
        room = Room(work, historian, clock, fence, folder)
        yield room
    finally:
        if room is not None:
            await room.end()
        await database.close()


@pytest.fixture
async def room(work: SqlUnitOfWork, database_url: str, clock: HandClock, tmp_path: Path) -> AsyncIterator[Room]:
    async with room_of(work, database_url, clock, tmp_path) as room:
        yield room


@pytest.fixture
async def sqlite_room(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock, tmp_path: Path
) -> AsyncIterator[Room]:
    async with room_of(sqlite_work, sqlite_url, clock, tmp_path) as room:
        yield room


# --- the whole way ------------------------------------------------------------------------------------------------


async def test_a_file_is_checked_imported_and_taken_back_and_history_is_as_before(room: Room) -> None:
    await room.store(A.id, [(0, 0.0), (10, 7.0), (5, 3.0)])
    before = await room.values(A.id)
    plan = await room.plan(wide(300) + b"nonsense,1,2\n" + at(10).isoformat().encode() + b",x,\n")
    checked = await room.checked(plan)
    assert (checked.state, checked.rows, checked.samples, checked.refused) == (ImportState.CHECKED, 302, 600, 2)
    assert [(each.line, each.reason[:28]) for each in checked.refusals] == [
        (302, "its time 'nonsense' is not l"), (303, f"{A.name}: 'x' is no number"[:28]),
    ]  # fmt: skip
    assert [(each.signal_id, each.samples, each.same, each.other) for each in checked.signals] == [
        (A.id, 300, 1, 1), (B.id, 300, 0, 0),
    ]  # fmt: skip
    assert await room.values(A.id) == before, "a check touches nothing"
    path, name = await room.service.refused(ERIN, checked.id)
    rows = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert name == "refused-rows-of-log.csv"
    assert rows[1] == ["302", rows[1][1], "nonsense", "1", "2"]

    done = await room.until_in(await room.service.start(ERIN, checked.id), ImportState.DONE, ImportState.FAILED)
    assert (done.state, done.problem, done.days) == (ImportState.DONE, "", 1)
    assert [value for _, value in await room.values(B.id)] == [1000.0 + row for row in range(300)]
    assert dict(await room.values(A.id)) | {5.0: 3.0} == {10.0 * row: float(row) for row in range(300)} | {5.0: 3.0}

    undone = await room.until_in(await room.service.undo(ERIN, done.id), ImportState.UNDONE, ImportState.FAILED)
    assert (undone.state, undone.problem, undone.removed) == (ImportState.UNDONE, "", 600)
    assert await room.values(A.id) == before
    assert await room.values(B.id) == []
    assert await room.actions() == ["imports.created", "imports.started", "imports.undone"]
    with pytest.raises(ConflictError, match="undone"):
        await room.service.undo(ERIN, done.id)


async def test_the_same_file_imported_twice_is_told_to_be_there_already(sqlite_room: Room) -> None:
    first = await sqlite_room.done(await sqlite_room.plan(wide(50)))
    again = await sqlite_room.checked(await sqlite_room.plan(wide(50)))
    assert [(each.same, each.other) for each in again.signals] == [(50, 0), (50, 0)]
    done = await sqlite_room.until_in(await sqlite_room.service.start(ERIN, again.id), ImportState.DONE)
    assert done.mark != first.mark
    await sqlite_room.until_in(await sqlite_room.service.undo(ERIN, done.id), ImportState.UNDONE)
    assert len(await sqlite_room.values(A.id)) == 50, "the first import stays"


async def test_an_export_of_the_product_can_be_imported_again(sqlite_room: Room) -> None:
    """As it writes samples: long, a unit in a column, quality in words."""
    lines = ["\ufeffTime,Signal,Value,Unit,Text,Quality"]
    lines += [f"{at(row).isoformat()},P-501 {A.name},{row},bar,,good" for row in range(9)]
    lines += [f"{at(9).isoformat()},P-501 {A.name},9,bar,,bad_stale", f"{at(9).isoformat()},Other,1,,,good"]
    plan = await sqlite_room.plan("\r\n".join(lines).encode())
    assert (plan.form.shape, plan.form.name_column, plan.form.quality_column) == (Shape.LONG, "Signal", "Quality")
    done = await sqlite_room.done(plan)
    assert (done.samples, done.refused) == (10, 1)
    assert done.refusals[0].reason == "there is no signal 'Other'"
    found = (await sqlite_room.historian.samples([A.id], *SPAN, 100))[A.id]
    assert found.quality.tolist() == [0] * 9 + [206]


async def test_parquet_and_workbooks_go_the_same_way(sqlite_room: Room, tmp_path: Path) -> None:
    times = [at(row) for row in range(5)]
    table = pa.table({"time": times, A.name: [float(row) for row in range(5)]})
    pq.write_table(table, tmp_path / "t.parquet")
    done = await sqlite_room.done(await sqlite_room.plan((tmp_path / "t.parquet").read_bytes()))
    assert (done.state, done.format, done.samples) == (ImportState.DONE, "parquet", 5)
    book = openpyxl.Workbook()
    for cells in (["Zeit", A.name], *([moment.replace(tzinfo=None), row + 100.5] for row, moment in enumerate(times))):
        book.active.append(cells)
    book.save(tmp_path / "t.xlsx")
    done = await sqlite_room.done(await sqlite_room.plan((tmp_path / "t.xlsx").read_bytes()))
    assert (done.state, done.format, done.signals[0].other) == (ImportState.DONE, "xlsx", 5)
    assert await sqlite_room.values(A.id) == [(float(row), row + 100.5) for row in range(5)]


# --- on the way ---------------------------------------------------------------------------------------------------


async def test_a_restart_goes_on_with_an_import_and_stores_nothing_twice(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_import, "SAMPLES_AT_ONCE", 100)
    checked = await room.checked(await room.plan(wide(200)))
    came, go = asyncio.Event(), asyncio.Event()
    whole = room.historian.import_past

    async def third_waits(batches: Sequence[Batch], fence: Fence) -> Any:
        done = await whole(batches, fence)
        if batches[0].seq % 4 == 2:
            came.set()
            await go.wait()
        return done

    monkeypatch.setattr(room.historian, "import_past", third_waits)
    await room.service.start(ERIN, checked.id)
    await asyncio.wait_for(came.wait(), 30)
    assert 0 < len(await room.values(A.id)) < 200
    await room.end()  # As a process that is killed: the state on record stays.
    assert (await room.one(checked)).state is ImportState.RUNNING
    monkeypatch.setattr(room.historian, "import_past", whole)
    room.begin()
    done = await room.until_in(checked, ImportState.DONE, ImportState.FAILED)
    assert (done.state, done.problem) == (ImportState.DONE, "")
    assert await room.historian.count(A.id, *SPAN) == 200
    await room.until_in(await room.service.undo(ERIN, done.id), ImportState.UNDONE)
    assert await room.values(A.id) == []


async def test_an_import_that_is_cancelled_on_its_way_leaves_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_import, "SAMPLES_AT_ONCE", 50)
    checked = await room.checked(await room.plan(wide(400)))
    came, go = asyncio.Event(), asyncio.Event()
    whole = room.historian.import_past

    async def waits(batches: Sequence[Batch], fence: Fence) -> Any:
        done = await whole(batches, fence)
        came.set()
        await go.wait()
        return done

    monkeypatch.setattr(room.historian, "import_past", waits)
    await room.service.start(ERIN, checked.id)
    await asyncio.wait_for(came.wait(), 30)
    cancelling = asyncio.create_task(room.service.cancel(ERIN, checked.id))
    await asyncio.sleep(0)
    go.set()
    assert (await cancelling).state is ImportState.UNDOING
    undone = await room.until_in(checked, ImportState.UNDONE, ImportState.FAILED)
    assert undone.removed > 0
    assert await room.values(A.id) == await room.values(B.id) == []


async def test_what_failed_on_its_way_can_go_on_or_be_taken_back(
    sqlite_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = await sqlite_room.checked(await sqlite_room.plan(wide(20)))
    whole = sqlite_room.historian.import_past

    async def full(batches: Sequence[Batch], fence: Fence) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite_room.historian, "import_past", full)
    failed = await sqlite_room.until_in(await sqlite_room.service.start(ERIN, checked.id), ImportState.FAILED)
    assert "No space left" in failed.problem
    monkeypatch.setattr(sqlite_room.historian, "import_past", whole)
    done = await sqlite_room.until_in(await sqlite_room.service.start(ERIN, checked.id), ImportState.DONE)
    assert done.mark == failed.mark
    assert len(await sqlite_room.values(A.id)) == 20


async def test_a_check_can_be_put_away_and_its_file_may_go_then(sqlite_room: Room) -> None:
    plan = await sqlite_room.plan(wide(5))
    checked = await sqlite_room.checked(plan)
    with pytest.raises(ConflictError, match="needed by an import"):
        await sqlite_room.uploads.delete(ERIN, plan.upload_id)
    assert (await sqlite_room.service.cancel(ERIN, checked.id)).state is ImportState.CANCELLED
    await sqlite_room.uploads.delete(ERIN, plan.upload_id)
    for attempt in (sqlite_room.service.start, sqlite_room.service.undo, sqlite_room.service.cancel):
        with pytest.raises(ConflictError, match="cancelled"):
            await attempt(ERIN, checked.id)


# --- who and what -------------------------------------------------------------------------------------------------


async def test_nobody_reaches_over_the_fence_of_a_site(sqlite_room: Room) -> None:
    plan = await sqlite_room.plan(wide(5))
    one = await sqlite_room.checked(plan)
    for attempt in (
        sqlite_room.service.start(GUSTAV, one.id), sqlite_room.service.cancel(GUSTAV, one.id),
        sqlite_room.service.undo(GUSTAV, one.id), sqlite_room.service.refused(GUSTAV, one.id),
        sqlite_room.service.preview(GUSTAV, plan.upload_id, ImportForm()), sqlite_room.service.create(GUSTAV, plan),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            await attempt
    assert await sqlite_room.service.all(GUSTAV) == ()
    with pytest.raises(PermissionDeniedError):
        await sqlite_room.service.all(VERA)
    theirs = await sqlite_room.hand_in(wide(3), GUSTAV)
    seen = await sqlite_room.service.preview(GUSTAV, theirs.id, ImportForm())
    assert [one.signal_id for one in seen.proposals] == [None, None], "no name of another site is proposed"


async def test_a_plan_that_does_not_fit_says_what_is_wrong(sqlite_room: Room) -> None:
    upload = await sqlite_room.hand_in(wide(5))
    column = {"column": f"P-501 {A.name}", "signal_id": A.id}

    async def refused(error: type[Exception], says: str, columns: list[dict[str, Any]], **form: Any) -> None:
        plan = ImportPlan.model_validate({"upload_id": upload.id, "columns": columns, "form": form})
        with pytest.raises(error, match=says):
            await sqlite_room.service.create(ERIN, plan)

    await refused(NotFoundError, "no signal 999", [{**column, "signal_id": 999}])
    await refused(InvalidInputError, "no column 'Flow'", [{**column, "column": "Flow"}])
    await refused(InvalidInputError, "no column 'when'", [column], time_column="when")
    await refused(NotFoundError, "no signal 21", [column, {"column": "x", "signal_id": GRAZ.id}])
    both = person("bella", Role.ENGINEER, "graz", "pune")
    mixed = {"upload_id": upload.id, "columns": [column, {"column": "x", "signal_id": GRAZ.id}]}
    with pytest.raises(InvalidInputError, match="several sites"):
        await sqlite_room.service.create(both, ImportPlan.model_validate(mixed))
    assert await sqlite_room.service.all(ADA) == ()
