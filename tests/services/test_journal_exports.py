"""The journal of alarms becomes a file: with the filter in force, the limit in each row, and of no foreign site."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pdm_app.documents.renderers import RENDERERS
from pdm_app.documents.xlsx_file import XlsxFile
from pdm_app.domain.access import EVERY_SITE, Actor, Role
from pdm_app.domain.alarms import AlarmState, JournalEntry, JournalKind
from pdm_app.domain.conditions.limits import ScoreLimit
from pdm_app.domain.errors import NotFoundError, PermissionDeniedError
from pdm_app.domain.exports import Export, JournalOrder
from pdm_app.domain.jobs import JobState
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.self_alarms import SYSTEM_ID
from pdm_app.domain.table_files import TableFormat
from pdm_app.services import export_contents, exports
from pdm_app.services.exports import ExportService
from pdm_app.storage.database import Database
from pdm_app.storage.historian import SqlHistorian
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, RULES, person
from tests.counterparts.clocks import NOON, HandClock, until
from tests.services.plant_desk import PlantDesk

ERIN = person("erin", Role.ENGINEER)  # Of Pune.


def entry(number: int, **facts: Any) -> JournalEntry:
    settled: dict[str, Any] = {
        "id": f"entry-{number:04}", "alarm_id": "a-1", "rule_id": "suction-low", "site_id": "pune", "asset_id": "p-501",
        "at": NOON + number * MICROS_PER_S, "recorded_at": NOON, "kind": JournalKind.RAISED,
        "state": AlarmState.UNACKNOWLEDGED, "priority": 2, "name": "Suction low", "value": 1.05, "limit": 1.2,
    }  # fmt: skip
    return JournalEntry(**{**settled, **facts})


ENTRIES = (
    entry(1),
    entry(2, kind=JournalKind.ACKNOWLEDGED, state=AlarmState.ACKNOWLEDGED, actor="anna", comment='=1+1 "öl"'),
    entry(3, priority=1, value=None, limit=None, rule_id="long-gone"),
    entry(4, site_id="graz", asset_id="c-201", rule_id="header-high", name="Header high"),
)


@pytest.fixture
async def service(
    sqlite_work: SqlUnitOfWork, sqlite_url: str, clock: HandClock, tmp_path: Path
) -> AsyncIterator[ExportService]:
    clock.at = NOON + 60 * MICROS_PER_S
    async with sqlite_work(EVERY_SITE) as work:
        for rule in RULES:
            await work.alarms.put_rule(rule)
        await work.alarms.append(ENTRIES)
        await work.commit()
    database = Database(sqlite_url)
    signals = PlantDesk(sqlite_work, clock).signals
    service = ExportService(sqlite_work, SqlHistorian(database, clock), signals, clock, tmp_path / "exports", RENDERERS)
    running = asyncio.create_task(service.run())
    yield service
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()


async def rows(service: ExportService, actor: Actor, **asked: Any) -> list[dict[str, str]]:
    export = await service.create(actor, JournalOrder(**asked))
    assert (export.state, export.problem) == (JobState.DONE, "")
    path, _, _ = await service.file(actor, export.id)
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


async def test_each_row_has_its_limit_its_unit_and_who_did_it_newest_first(service: ExportService) -> None:
    found = await rows(service, ERIN, zone="Asia/Kolkata")
    assert [row["What"] for row in found] == ["raised", "acknowledged", "raised"]
    oldest, gone = found[-1], found[0]
    assert (oldest["Value"], oldest["Limit"], oldest["Priority"], oldest["Asset"]) == ("1.05", "1.2", "2 high", "P-501")
    assert (gone["Value"], gone["Limit"], gone["Unit"], gone["Source"]) == ("", "", "", "")
    assert oldest["Source"] == "Rule"
    assert (found[1]["Who"], found[1]["State after it"]) == ("anna", "C")
    assert found[1]["Comment"] == '\'=1+1 "öl"', "no spreadsheet takes a comment for a formula"
    assert oldest["Time"].endswith("+05:30")


async def test_the_filter_of_the_page_is_in_force(service: ExportService) -> None:
    async def whats(**asked: Any) -> list[str]:
        return [f"{row['Alarm']}/{row['What']}" for row in await rows(service, ADA, **asked)]

    assert await whats(priorities=(1,)) == ["Suction low/raised"]
    assert await whats(kinds=(JournalKind.ACKNOWLEDGED,)) == ["Suction low/acknowledged"]
    assert await whats(text="HEADER") == ["Header high/raised"]
    assert await whats(end_at=NOON + 2 * MICROS_PER_S) == ["Suction low/raised"]
    assert await whats(text="nobody") == []
    assert (await service.estimate(ADA, JournalOrder(text="header"))).rows == 1


async def test_a_workbook_reads_back_as_it_was_asked_for(service: ExportService) -> None:
    export = await service.create(ERIN, JournalOrder.model_validate({"format": "xlsx", "kinds": ["raised"]}))
    path, _, media_type = await service.file(ERIN, export.id)
    assert media_type.endswith("spreadsheetml.sheet")
    book = XlsxFile(path, TableFormat())
    try:
        assert "Limit" in book.columns
        assert [row.cells[book.columns.index("Alarm")] for row in book] == ["Suction low", "Suction low"]
    finally:
        book.close()


async def test_a_long_journal_joins_its_pages_without_gap_and_leaves_out_what_happens_meanwhile(
    service: ExportService, sqlite_work: SqlUnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_contents, "ENTRIES_PER_BLOCK", 7)
    monkeypatch.setattr(exports, "SMALL_ROWS_MAX", 10)
    later = NOON + 3_600 * MICROS_PER_S
    async with sqlite_work(EVERY_SITE) as work:
        await work.alarms.append([entry(number, at=NOON + (number // 4) * MICROS_PER_S) for number in range(10, 60)])
        await work.alarms.append([entry(99, at=later, name="Not yet")])
        await work.commit()
    asked = await service.create(ERIN, JournalOrder())
    assert asked.state is JobState.WAITING

    def now() -> Export:
        return next(each for each in service.all(ERIN) if each.id == asked.id)

    await until(lambda: now().state.is_over)
    assert (now().state, now().rows, now().problem) == (JobState.DONE, 53, "")
    path, _, _ = await service.file(ERIN, asked.id)
    written = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))
    assert len(written) == 53
    assert {row["Alarm"] for row in written} == {"Suction low"}, "nothing of Graz, also in the background"


async def test_whoever_lost_a_site_does_not_get_the_file_of_it_any_more(service: ExportService) -> None:
    both = person("erin", Role.ENGINEER, "pune", "graz")
    export = await service.create(both, JournalOrder())
    assert (export.rows, export.site_ids) == (4, ("graz", "pune"))
    await service.file(both, export.id)
    with pytest.raises(NotFoundError):
        await service.file(ERIN, export.id)


async def test_what_is_elsewhere_is_not_there_and_without_the_right_there_is_no_file(service: ExportService) -> None:
    for asked in ({"asset_id": "c-201"}, {"site_id": "graz"}, {"asset_id": "nowhere"}):
        with pytest.raises(NotFoundError):
            await service.create(ERIN, JournalOrder.model_validate(asked))
    may_not = ERIN.model_copy(update={"permissions": frozenset()})
    with pytest.raises(PermissionDeniedError):
        await service.create(may_not, JournalOrder())


async def test_a_row_says_whether_a_rule_a_model_or_the_product_itself_has_called(
    service: ExportService, sqlite_work: SqlUnitOfWork
) -> None:
    score = RULES[0].model_copy(update={"id": "anomaly", "name": "Anomaly", "condition": ScoreLimit(limit=0.9)})
    async with sqlite_work(EVERY_SITE) as work:
        await work.alarms.put_rule(score)
        own = {"site_id": SYSTEM_ID, "asset_id": SYSTEM_ID, "rule_id": "system.disk", "name": "Disk almost full"}
        await work.alarms.append([entry(7, rule_id="anomaly", name="Anomaly"), entry(8, **own)])
        await work.commit()
    found = {row["Alarm"]: row["Source"] for row in await rows(service, ADA)}
    assert (found["Header high"], found["Anomaly"], found["Disk almost full"]) == ("Rule", "Model", "System")
    assert "Disk almost full" not in {row["Alarm"] for row in await rows(service, ERIN)}
