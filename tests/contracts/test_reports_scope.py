"""Nobody limited to some sites reads, changes or takes reports of other ones; files come back to the byte."""

import inspect
from collections.abc import Awaitable, Callable

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.errors import NotFoundError
from pdm_app.domain.report_schedules import Rhythm, Schedule
from pdm_app.domain.reports import (
    CopyQuery,
    CopyState,
    ReportCopy,
    ReportDefinition,
    ReportFormat,
    ReportPart,
    Reports,
    ReportTemplate,
)
from pdm_app.domain.repositories import UnitOfWork, Work

LIMITED = (Scope(sites=frozenset({"site-graz"})), Scope(sites=frozenset()))
CONTENT = bytes(range(256)) * 40
REPORT = ReportDefinition(
    id="report-1", site_id="site-linz", name="Woche ☂", template=ReportTemplate.CUSTOM,
    parts=(ReportPart.NOTES, ReportPart.BAD_ACTORS), paper="us-letter", recipient_ids=("ann",), owner_id="bob",
    schedule=Schedule(rhythm=Rhythm.WEEKLY, at="06:30", zone="Europe/Vienna", weekdays=(0, 2)), made_for_at=7,
)  # fmt: skip
BY_HAND = ReportDefinition(
    id="report-2", site_id="site-linz", name="Zeta", template=ReportTemplate.ALARM_KPI, owner_id="bob"
)


def copy_of(number: int, report_id: str = "report-1", kept_until: int = 100) -> ReportCopy:
    return ReportCopy(
        id=f"copy-{number}", site_id="site-linz", report_id=report_id, name="Woche", format=ReportFormat.PDF,
        made_at=number, made_by="bob", missed=1, parts=(ReportPart.NOTES,), start_at=0, end_at=1,
        state=CopyState.DONE, file_name="woche.pdf", bytes=len(CONTENT), sha256="a" * 64, message_ids=("m1",),
        kept_until=kept_until,
    )  # fmt: skip


THEIRS = CopyQuery(site_id="site-linz")
Crossing = Callable[[Work], Awaitable[object]]
READS: dict[str, Crossing] = {
    "all": lambda w: w.reports.all(),
    "get": lambda w: w.reports.get("report-1"),
    "remove": lambda w: w.reports.remove("report-1"),
    "copies": lambda w: w.reports.copies(THEIRS),
    "copy": lambda w: w.reports.copy("copy-1"),
    "content": lambda w: w.reports.content("copy-1"),
    "newest": lambda w: w.reports.newest(["report-1"]),
    "forget": lambda w: w.reports.forget(2**53, 10),
}
WRITES: dict[str, Crossing] = {
    "put": lambda w: w.reports.put(REPORT.model_copy(update={"name": "mine"})),
    "add_copy": lambda w: w.reports.add_copy(copy_of(9), CONTENT),
}


async def put_theirs(plants: UnitOfWork) -> None:
    async with plants(EVERY_SITE) as w:
        await w.reports.put(REPORT)
        await w.reports.put(BY_HAND)
        await w.reports.add_copy(copy_of(1), CONTENT)
        await w.commit()


async def everything(plants: UnitOfWork) -> list[object]:
    async with plants(EVERY_SITE) as w:
        return [list(await w.reports.all()), list(await w.reports.copies(THEIRS)), await w.reports.content("copy-1")]


def test_every_method_is_among_those_that_are_tried() -> None:
    methods = {name for name, _ in inspect.getmembers(Reports, inspect.isfunction) if not name.startswith("_")}
    assert READS.keys() | WRITES.keys() == methods


async def test_what_lies_elsewhere_is_neither_seen_nor_changed(plants: UnitOfWork) -> None:
    await put_theirs(plants)
    before = await everything(plants)
    assert before == [[REPORT, BY_HAND], [copy_of(1)], CONTENT], "each comes back as it was given"
    for scope in LIMITED:
        for name, crossing in READS.items():
            async with plants(scope) as w:
                assert not await crossing(w), name
                await w.commit()
        for crossing in WRITES.values():
            async with plants(scope) as w:
                with pytest.raises(NotFoundError):
                    await crossing(w)
                await w.commit()
        async with plants(scope) as w:
            with pytest.raises(NotFoundError):
                await w.reports.put(REPORT.model_copy(update={"site_id": "site-graz"}))
    assert await everything(plants) == before


async def test_copies_are_paged_from_the_newest_and_go_when_their_time_is_over(plants: UnitOfWork) -> None:
    await put_theirs(plants)
    async with plants(EVERY_SITE) as w:
        await w.reports.add_copy(copy_of(2, kept_until=300), CONTENT)
        await w.reports.add_copy(copy_of(3, report_id="report-2"), b"")
        await w.commit()
    async with plants(EVERY_SITE) as w:
        page = await w.reports.copies(CopyQuery(site_id="site-linz", limit=2))
        rest = await w.reports.copies(CopyQuery(site_id="site-linz", before=page[-1].id))
        assert [each.id for each in (*page, *rest)] == ["copy-3", "copy-2", "copy-1"]
        assert await w.reports.copies(CopyQuery(site_id="site-linz", report_id="report-2")) == page[:1]
        assert {each.id for each in await w.reports.newest(["report-1", "report-2", "none"])} == {"copy-2", "copy-3"}
        assert await w.reports.content("copy-3") is None
        assert await w.reports.forget(200, 1) == 1
        assert await w.reports.forget(200, 10) == 1
        assert await w.reports.forget(200, 10) == 0
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert [each.id for each in await w.reports.copies(THEIRS)] == ["copy-2"]
        assert await w.reports.content("copy-2") == CONTENT


async def test_a_report_that_is_removed_leaves_its_copies(plants: UnitOfWork) -> None:
    await put_theirs(plants)
    async with plants(EVERY_SITE) as w:
        assert await w.reports.remove("report-1")
        assert not await w.reports.remove("report-1")
        await w.commit()
    async with plants(EVERY_SITE) as w:
        assert [each.id for each in await w.reports.all("site-linz")] == ["report-2"]
        assert await w.reports.all("site-graz") == []
        assert await w.reports.content("copy-1") == CONTENT
