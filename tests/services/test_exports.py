"""History becomes files: what is in them, who gets them, how large they may be, and what a restart leaves."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pdm_app.documents.renderers import RENDERERS
from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.exports import Export, ExportFormat, ExportOrder, Figure
from pdm_app.domain.jobs import JobState
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros, Quality, Sample, SignalId
from pdm_app.domain.signals import DataType
from pdm_app.domain.units import US_CUSTOMARY
from pdm_app.services import export_rows, exports
from pdm_app.services.exports import NOTE, ExportService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.lease import SqlLease
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, BORIS, VERA, person
from tests.counterparts.clocks import NOON, HandClock, until
from tests.counterparts.installation import P_501, SIGNALS
from tests.services.plant_desk import PlantDesk

A, B = SIGNALS[0], SIGNALS[1]
HOUR = 3600 * MICROS_PER_S
SPAN = {"start_at": NOON, "end_at": NOON + 600 * MICROS_PER_S}


def rows(signal: int, count: int, every_s: float, first: float, seq: int) -> Batch:
    return Batch(
        device="plc",
        signal=np.full(count, signal, np.uint32),
        source_at=NOON + (np.arange(count) * every_s * MICROS_PER_S).astype(np.int64),
        value=first + np.arange(count, dtype=np.float64),
        quality=np.zeros(count, np.uint16),
        received_at=Micros(NOON + HOUR),
        seq=seq,
    )


class Room:
    """The service over ten minutes: A every 5 s from 0 up, B every 10 s from 1000 up."""

    def __init__(self, work: SqlUnitOfWork, historian: SqlHistorian, clock: HandClock, folder: Path) -> None:
        self.work, self.historian, self.clock, self.folder = work, historian, clock, folder
        self.service = self.again()

    def again(self) -> ExportService:
        """The same after a restart."""
        signals = PlantDesk(self.work, self.clock).signals
        return ExportService(self.work, self.historian, signals, self.clock, self.folder, RENDERERS)

    async def text(self, export: Export) -> str:
        path, _, _ = await self.service.file(ADA, export.id)
        return path.read_bytes().decode("utf-8-sig")

    async def over(self, export: Export) -> Export:
        def now() -> Export:
            return next(each for each in self.service.all(ADA) if each.id == export.id)

        await until(lambda: now().state.is_over)
        return now()


@asynccontextmanager
async def room_of(work: SqlUnitOfWork, url: str, clock: HandClock, folder: Path) -> AsyncIterator[Room]:
    clock.at = NOON + 3 * HOUR
    database = Database(url)
    running = None
    try:
        historian = SqlHistorian(database, clock)
        fence = await SqlLease(database, clock).acquire("tests", 36_000)
        assert fence is not None
        await historian.write([rows(A.id, 120, 5, 0, 1), rows(B.id, 60, 10, 1000, 2)], fence)
        room = Room(work, historian, clock, folder / "exports")
        running = asyncio.create_task(room.service.run())
        yield room
    finally:
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
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


def order(**changes: Any) -> ExportOrder:
    return ExportOrder.model_validate({"signals": (A.id, B.id), **SPAN, **changes})


async def test_every_sample_is_a_row_in_the_order_of_time(room: Room) -> None:
    export = await room.service.create(ADA, order(zone="Europe/Vienna"))
    assert (export.state, export.rows, export.problem) == (JobState.DONE, 180, "")
    head, *found = csv.reader((await room.text(export)).splitlines())
    assert head == ["Time", "Signal", "Value", "Unit", "Text", "Quality"]
    assert len(found) == 180
    assert [row[0] for row in found] == sorted(row[0] for row in found)
    mine = [row for row in found if row[1] == f"{P_501.code} {A.name}"]
    assert [float(row[2]) for row in mine] == [float(number) for number in range(120)]
    assert {row[5] for row in mine} == {"good"}
    async with room.work(EVERY_SITE) as stored:
        entries = await stored.audit.page(AuditQuery())
    assert [(entry.action, entry.subject_id) for entry in entries][:1] == [("exports.created", export.id)]


async def test_figures_of_stretches_stand_side_by_side(room: Room) -> None:
    wanted = order(every_us=60 * MICROS_PER_S, figures=(Figure.LOW, Figure.HIGH, Figure.COUNT), format="json")
    export = await room.service.create(ADA, wanted)
    found = json.loads(await room.text(export))
    assert len(found) == export.rows == 10
    by_title = {title.partition(" [")[0]: number for title, number in found[1].items()}
    assert by_title[f"{P_501.code} {A.name} low"] == 12.0
    assert by_title[f"{P_501.code} {A.name} high"] == 23.0
    assert by_title[f"{P_501.code} {A.name} count"] == 12.0
    assert by_title[f"{P_501.code} {B.name} low"] == 1006.0


async def test_a_span_is_read_in_portions_and_nothing_is_there_twice(
    sqlite_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_rows, "SAMPLES_MAX", 30)
    monkeypatch.setattr(export_rows, "SAMPLES_WANTED", 20)
    monkeypatch.setattr(export_rows, "CELLS_PER_BLOCK", 6)
    raw = await sqlite_room.service.create(ADA, order(format="jsonl"))
    found = [json.loads(line) for line in (await sqlite_room.text(raw)).splitlines()]
    assert sorted(row["Value"] for row in found if row["Value"] < 1000) == [float(number) for number in range(120)]
    assert sum(row["Value"] >= 1000 for row in found) == 60
    figures = await sqlite_room.service.create(
        ADA, order(every_us=30 * MICROS_PER_S, figures=("total",), format="json")
    )
    sums = [list(row.values())[1] for row in json.loads(await sqlite_room.text(figures))]
    assert len(sums) == 20
    assert sum(sums) == sum(range(120))


async def test_us_units_change_the_numbers_and_their_names(sqlite_room: Room) -> None:
    other = A.model_copy(update={"id": 901, "name": "Bearing_C", "unit": "Cel"})
    by = US_CUSTOMARY["Cel"]
    async with sqlite_room.work(EVERY_SITE) as stored:
        await stored.signals.put([other])
        await stored.commit()
    fence = await SqlLease(sqlite_room.historian._database, sqlite_room.clock).acquire("tests", 36_000)
    assert fence is not None
    await sqlite_room.historian.write([rows(other.id, 4, 10, 50, 7)], fence)
    wanted = {"signals": (other.id,), "format": "json", "figures": ("mean", "total"), "every_us": 600 * MICROS_PER_S}
    plain = json.loads(await sqlite_room.text(await sqlite_room.service.create(ADA, order(**wanted))))
    turned = json.loads(await sqlite_room.text(await sqlite_room.service.create(ADA, order(**wanted, us_units=True))))
    (_, mean), (_, total) = list(plain[0].items())[1:]
    (name, us_mean), (_, us_total) = list(turned[0].items())[1:]
    assert us_mean == pytest.approx(by.of(mean))
    usable = round(total / mean)
    assert us_total == pytest.approx(total * by.factor + by.offset * usable)
    assert name.endswith("[°F]")


async def test_texts_stand_in_a_column_of_their_own(sqlite_room: Room) -> None:
    words = next(signal for signal in SIGNALS if signal.data_type is DataType.TEXT)
    fence = await SqlLease(sqlite_room.historian._database, sqlite_room.clock).acquire("tests", 36_000)
    assert fence is not None
    given = [Sample(SignalId(words.id), text, Quality.GOOD, Micros(NOON + place)) for place, text in enumerate("ab")]
    await sqlite_room.historian.write([Batch.of("gateway", given, Micros(NOON))], fence)
    export = await sqlite_room.service.create(ADA, order(signals=(words.id, A.id), format="jsonl"))
    found = [json.loads(line) for line in (await sqlite_room.text(export)).splitlines()]
    assert [row["Text"] for row in found if row["Text"] is not None] == ["a", "b"]
    assert all(row["Value"] is None for row in found if row["Text"] is not None)


async def test_the_estimate_counts_rows_before_anything_is_written(sqlite_room: Room) -> None:
    raw = await sqlite_room.service.estimate(ADA, order())
    assert (raw.rows, raw.is_large, raw.refused) == (180, False, "")
    export = await sqlite_room.service.create(ADA, order())
    assert raw.bytes / 3 < export.bytes < raw.bytes * 3
    assert (await sqlite_room.service.estimate(ADA, order(every_us=7 * MICROS_PER_S))).rows == 86


async def test_too_many_rows_are_refused_with_a_way_out(sqlite_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "WORKBOOK_ROWS_MAX", 100)
    with pytest.raises(InvalidInputError, match="180 rows are more than the 100 of a xlsx file"):
        await sqlite_room.service.create(ADA, order(format=ExportFormat.XLSX))
    assert not sqlite_room.service.all(ADA)


async def test_a_large_one_is_made_in_the_background_and_can_be_stopped(
    sqlite_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "SMALL_ROWS_MAX", 10)
    done = await sqlite_room.over(await sqlite_room.service.create(ADA, order()))
    assert (done.state, done.rows) == (JobState.DONE, 180)
    gate, reached = asyncio.Event(), asyncio.Event()
    real = sqlite_room.historian.samples

    async def held_up(*given: Any) -> Any:
        reached.set()
        await gate.wait()
        return await real(*given)

    monkeypatch.setattr(sqlite_room.historian, "samples", held_up)
    slow = await sqlite_room.service.create(ADA, order())
    async with asyncio.timeout(90):
        await reached.wait()
    behind = await sqlite_room.service.create(ADA, order())
    assert behind.state is JobState.WAITING
    await sqlite_room.service.delete(ADA, behind.id)
    await sqlite_room.service.delete(ADA, slow.id)
    gate.set()
    assert (await sqlite_room.over(slow)).state is JobState.CANCELLED
    assert [path.name for path in sqlite_room.folder.iterdir() if path.stem == slow.id] == []
    assert behind.id not in {export.id for export in sqlite_room.service.all(ADA)}


async def test_a_file_belongs_to_who_asked_for_it(sqlite_room: Room) -> None:
    export = await sqlite_room.service.create(ADA, order())
    assert sqlite_room.service.all(BORIS) == ()
    for attempt in (sqlite_room.service.file(BORIS, export.id), sqlite_room.service.delete(BORIS, export.id)):
        with pytest.raises(NotFoundError):
            await attempt
    moved = person("ada", Role.OPERATOR, "nowhere")
    with pytest.raises(NotFoundError):
        await sqlite_room.service.file(moved, export.id)
    with pytest.raises(NotFoundError):
        await sqlite_room.service.create(moved, order())


async def test_who_may_look_at_history_need_not_be_let_take_it_away(sqlite_room: Room) -> None:
    for attempt in (sqlite_room.service.estimate(VERA, order()), sqlite_room.service.create(VERA, order())):
        with pytest.raises(PermissionDeniedError, match=r"history\.export"):
            await attempt
    with pytest.raises(PermissionDeniedError):
        sqlite_room.service.all(VERA)


async def test_files_outlive_a_restart_and_go_after_a_week(sqlite_room: Room) -> None:
    export = await sqlite_room.service.create(ADA, order())
    (sqlite_room.folder / "half.part").write_bytes(b"of a process that died")
    (sqlite_room.folder / f"broken{NOTE}").write_text("{")
    sqlite_room.service = sqlite_room.again()
    await asyncio.to_thread(sqlite_room.service._load)
    assert sqlite_room.service.all(ADA) == (export,)
    assert {path.stem for path in sqlite_room.folder.iterdir()} == {export.id}
    assert len((await sqlite_room.text(export)).splitlines()) == 181
    sqlite_room.clock.at += exports.KEPT_US + 1
    sqlite_room.service._sweep()
    assert sqlite_room.service.all(ADA) == ()
    assert list(sqlite_room.folder.iterdir()) == []


async def test_room_is_bounded_for_each_person(sqlite_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "FILES_MAX", 1)
    await sqlite_room.service.create(ADA, order())
    with pytest.raises(ConflictError, match="Delete some"):
        await sqlite_room.service.create(ADA, order())
    await sqlite_room.service.create(person("boris", Role.ADMIN), order())


async def test_a_full_disk_ends_an_export_with_the_reason(sqlite_room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pdm_app.documents.text_tables.CsvTable.write", full)
    export = await sqlite_room.service.create(ADA, order())
    assert export.state is JobState.FAILED
    assert "No space left" in export.problem
    assert list(sqlite_room.folder.iterdir()) == []
    with pytest.raises(ConflictError, match="failed"):
        await sqlite_room.service.file(ADA, export.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
        {"decimal": ",", "separator": ","},
        {"end_at": NOON},
        {"signals": (A.id, A.id)},
        {"every_us": 1},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        order(**wrong)
