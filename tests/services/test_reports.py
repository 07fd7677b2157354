"""Reports as people keep and make them: who may, what they tell, to whom they go, what stays of them."""

import json
from hashlib import sha256
from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.report_blocks import Bars, FigureRow, Paragraph, Report, Table
from pdm_app.domain.reports import CopyQuery, CopyState, ReportCopy, ReportFormat, ReportPart
from pdm_app.services import reports as report_service
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.counterparts.report_plant import MONDAYS, ReportPlant, facts, wall


@pytest.fixture
async def plant(work: SqlUnitOfWork, clock: HandClock) -> ReportPlant:
    plant = ReportPlant(work, clock)
    await plant.fill()
    return plant


async def copies(plant: ReportPlant) -> list[ReportCopy]:
    return list(await plant.reports.copies(plant.people["mia"], CopyQuery(site_id="pune")))


async def test_a_report_is_kept_shown_changed_and_removed_each_on_record(plant: ReportPlant) -> None:
    mia, erin = plant.people["mia"], plant.people["erin"]
    made = await plant.reports.add(mia, facts(schedule=MONDAYS, recipient_ids=["vera"]), "management review")
    [view] = await plant.reports.all(plant.people["vera"], "pune")
    assert (view.report, view.owner, view.newest) == (made, "Mia", None)
    assert view.words == "every Monday 06:30 Asia/Kolkata"
    assert view.next_at[0] == wall("2026-11-16T06:30:00")
    changed = await plant.reports.change(erin, made.id, facts(name="Weekly"), 1)
    assert (changed.owner_id, changed.revision, changed.schedule) == ("erin", 2, None)
    with pytest.raises(ConflictError):
        await plant.reports.change(mia, made.id, facts(), 1)
    await plant.reports.remove(mia, made.id)
    assert await plant.reports.all(mia, "pune") == ()
    async with plant.work(EVERY_SITE) as work:
        trail = await work.audit.page(AuditQuery(subject="report"))
    assert [entry.action for entry in trail] == ["reports.removed", "reports.changed", "reports.added"]
    assert trail[-1].reason == "management review"


async def test_a_report_tells_of_the_last_whole_week_by_the_clock_of_its_site(plant: ReportPlant) -> None:
    mia = plant.people["mia"]
    kept = await plant.reports.add(mia, facts())
    told = await plant.reports.contents(mia, kept.id)
    assert told.about[1][1] == "Mon 2026-11-09 00:00 – Mon 2026-11-16 00:00 Asia/Kolkata"
    [figures] = [block for block in told.blocks if isinstance(block, FigureRow)]
    assert figures.figures[0].value == 5
    load, pareto = [block for block in told.blocks if isinstance(block, Bars)]
    assert {bar.label: bar.value for bar in load.bars if bar.value} == {"Tue 10 Nov": 5}
    assert [(bar.label, bar.value) for bar in pareto.bars] == [("P-501 Suction low", 5)]
    actors = next(b for b in told.blocks if isinstance(b, Table) and b.title == "What makes the load")
    assert actors.rows[0][1:3] == (5, 100)


async def test_a_time_before_all_that_is_known_has_no_figures_rather_than_zeros(plant: ReportPlant) -> None:
    ada = plant.people["ada"]
    kept = await plant.reports.add(ada, facts(site_id="graz"))
    told = await plant.reports.contents(ada, kept.id)
    assert isinstance(told.blocks[0], Paragraph)
    assert "is not known" in told.blocks[0].text
    assert not [block for block in told.blocks if isinstance(block, FigureRow | Bars)]


async def test_every_part_says_something_that_can_be_written(plant: ReportPlant) -> None:
    ada = plant.people["ada"]
    kept = await plant.reports.add(ada, facts(template="custom", parts=list(ReportPart), format="xlsx", period="day"))
    copy = await plant.reports.make(ada, kept.id)
    assert copy.state is CopyState.DONE
    _, content, media_type = await plant.reports.file(ada, copy.id)
    assert content.startswith(b"PK")
    assert media_type.endswith("sheet")


async def test_what_is_made_is_kept_with_its_checksum_and_goes_to_each_reader(plant: ReportPlant) -> None:
    mia = plant.people["mia"]
    kept = await plant.reports.add(mia, facts(recipient_ids=["vera", "mia", "erin"]))
    copy = await plant.reports.make(mia, kept.id)
    assert copy.problem == "Not sent to erin (no e-mail address)."
    _, content, _ = await plant.reports.file(mia, copy.id)
    assert sha256(content).hexdigest() == copy.sha256
    assert Report.model_validate(json.loads(content)).title == "Alarms of the week"
    messages = await plant.messages()
    assert sorted(each.address for each in messages) == ["mia@plant.example", "vera@plant.example"]
    assert {each.copy_id for each in messages} == {copy.id}
    assert copy.sha256 in messages[0].body
    view = await plant.reports.copy(mia, copy.id)
    assert {each.name for each in view.deliveries} == {"Mia", "Vera"}
    assert copy.file_name == "Alarms-of-the-week-2026-11-09.json"
    assert await copies(plant) == [copy]


async def test_a_test_goes_to_who_asks_alone(plant: ReportPlant) -> None:
    kept = await plant.reports.add(plant.people["mia"], facts(recipient_ids=["mia"]))
    await plant.reports.make(plant.people["vera"], kept.id, is_test=True)
    assert [each.address for each in await plant.messages()] == ["vera@plant.example"]
    with pytest.raises(InvalidInputError, match="No e-mail address of yours"):
        await plant.reports.make(plant.people["erin"], kept.id, is_test=True)


async def test_who_lacks_the_right_to_a_part_neither_keeps_nor_reads_nor_gets_it(plant: ReportPlant) -> None:
    mia, erin, vera = (plant.people[name] for name in ("mia", "erin", "vera"))
    trail = {"template": "audit_extract", "period": "day"}
    with pytest.raises(PermissionDeniedError, match=r"audit\.read"):
        await plant.reports.add(erin, facts(**trail))
    with pytest.raises(InvalidInputError) as caught:
        await plant.reports.add(mia, facts(**trail, recipient_ids=["mia", "vera"]))
    assert [issue.field for issue in caught.value.issues] == ["recipient_ids.1"]
    kept = await plant.reports.add(mia, facts(**trail))
    copy = await plant.reports.make(mia, kept.id)
    for asked in (
        plant.reports.file(vera, copy.id), plant.reports.contents(vera, kept.id),
        plant.reports.make(vera, kept.id, is_test=True), plant.reports.preview(vera, facts(**trail)),
        plant.reports.make(vera, kept.id), plant.reports.make(erin, kept.id),
    ):  # fmt: skip
        with pytest.raises(PermissionDeniedError):
            await asked


async def test_reports_of_other_sites_do_not_exist(plant: ReportPlant) -> None:
    greta, mia = plant.people["greta"], plant.people["mia"]
    kept = await plant.reports.add(mia, facts())
    copy = await plant.reports.make(mia, kept.id)
    asked: tuple[Any, ...] = (
        plant.reports.all(greta, "pune"), plant.reports.recipients(greta, "pune"), plant.reports.add(greta, facts()),
        plant.reports.change(greta, kept.id, facts(), 1), plant.reports.remove(greta, kept.id),
        plant.reports.preview(greta, facts()), plant.reports.contents(greta, kept.id),
        plant.reports.make(greta, kept.id), plant.reports.copies(greta, CopyQuery(site_id="pune")),
        plant.reports.copy(greta, copy.id), plant.reports.file(greta, copy.id),
    )  # fmt: skip
    for each in asked:
        with pytest.raises(NotFoundError):
            await each
    with pytest.raises(InvalidInputError, match="stays with its site"):
        await plant.reports.change(plant.people["ada"], kept.id, facts(site_id="graz"), 1)


async def test_recipients_are_those_who_see_the_site(plant: ReportPlant) -> None:
    found = await plant.reports.recipients(plant.people["mia"], "pune")
    assert [(each.id, each.has_address) for each in found] == [
        ("ada", True), ("erin", False), ("mia", True), ("vera", True),
    ]  # fmt: skip
    with pytest.raises(InvalidInputError):
        await plant.reports.add(plant.people["mia"], facts(recipient_ids=["greta"]))


async def test_a_report_of_a_shift_needs_shifts(plant: ReportPlant) -> None:
    with pytest.raises(InvalidInputError, match="No shift has ended at Pune"):
        await plant.reports.preview(plant.people["mia"], facts(template="shift_handover", period="shift"))


async def test_a_preview_keeps_nothing(plant: ReportPlant) -> None:
    seen = await plant.reports.preview(plant.people["vera"], facts(schedule=MONDAYS, format="pdf"))
    assert seen.pages[0].startswith("iVBOR")  # PNG in base64
    assert seen.next_at[0] == wall("2026-11-16T06:30:00")
    assert await copies(plant) == []


async def test_a_copy_that_was_altered_is_not_given_out(plant: ReportPlant) -> None:
    mia = plant.people["mia"]
    kept = await plant.reports.add(mia, facts(format=ReportFormat.CSV))
    copy = await plant.reports.make(mia, kept.id)
    altered = copy.model_copy(update={"id": "altered", "sha256": "0" * 64})
    async with plant.work(Scope(sites=frozenset({"pune"}))) as work:
        await work.reports.add_copy(altered, b"something else")
        await work.commit()
    with pytest.raises(ConflictError, match="checksum differs"):
        await plant.reports.file(mia, "altered")


async def test_a_site_has_so_many_reports_and_no_more(plant: ReportPlant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_service, "PER_SITE_MAX", 1)
    await plant.reports.add(plant.people["mia"], facts())
    with pytest.raises(ConflictError, match="up to 1 reports"):
        await plant.reports.add(plant.people["mia"], facts())


async def test_a_report_of_production_says_when_no_line_is_rated(plant: ReportPlant) -> None:
    mia = plant.people["mia"]
    kept = await plant.reports.add(mia, facts(template="oee"))
    told = await plant.reports.contents(mia, kept.id)
    words = [block.text for block in told.blocks if isinstance(block, Paragraph)]
    assert words == ["No line of this site is rated yet."]
