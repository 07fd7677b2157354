"""Notes on the time axis: found where they touch, kept inside one's sites, changed by author or engineer."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Role
from pdm_app.domain.annotations import AnnotationQuery
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.services.annotations import AnnotationService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, ANNA, BORIS, GRETA, HEADER, SUCTION, VERA, person
from tests.counterparts.clocks import NOON, HandClock

ASSET = "p-501"
ERIN = person("erin", Role.ENGINEER)


def at(minute: int) -> int:
    return int(NOON) + minute * 60 * MICROS_PER_S


@pytest.fixture
def notes(work: SqlUnitOfWork, clock: HandClock) -> AnnotationService:
    return AnnotationService(work, clock)


def span(start: int, end: int, limit: int = 100, *assets: str) -> AnnotationQuery:
    return AnnotationQuery(asset_ids=assets or (ASSET,), start_at=at(start), end_at=at(end), limit=limit)


async def test_a_note_is_found_wherever_its_moment_or_its_span_touches(notes: AnnotationService) -> None:
    await notes.create(ANNA, ASSET, at(10), "oiled")
    await notes.create(ANNA, ASSET, at(0), "strainer clogged", end_at=at(30), signal_id=SUCTION)

    async def words(start: int, end: int) -> list[str]:
        return [note.words for note in (await notes.page(ANNA, span(start, end))).annotations]

    assert await words(0, 60) == ["oiled", "strainer clogged"]
    assert await words(15, 20) == ["strainer clogged"]
    assert await words(30, 40) == ["strainer clogged"]
    assert await words(31, 40) == []
    assert await words(10, 11) == ["oiled", "strainer clogged"]
    assert await words(-5, 0) == []


async def test_the_newest_come_first_and_it_is_said_that_there_are_more(notes: AnnotationService) -> None:
    for minute in range(5):
        await notes.create(ANNA, ASSET, at(minute), f"note {minute}")
    answer = await notes.page(ANNA, span(0, 60, 2))
    assert ([note.words for note in answer.annotations], answer.more) == (["note 4", "note 3"], True)
    assert (await notes.page(ANNA, span(0, 60, 5))).more is False


async def test_another_site_neither_sees_nor_writes_nor_changes_it(notes: AnnotationService) -> None:
    note = await notes.create(ANNA, ASSET, at(0), "oiled")
    assert (await notes.page(GRETA, span(-5, 60))).annotations == ()
    for refused in (notes.create(GRETA, ASSET, at(0), "mine"), notes.delete(GRETA, note.id)):
        with pytest.raises(NotFoundError):
            await refused
    assert len((await notes.page(ADA, span(-5, 60))).annotations) == 1


async def test_its_author_and_an_engineer_change_it_and_nobody_else(notes: AnnotationService) -> None:
    note = await notes.create(ANNA, ASSET, at(0), "oild")
    with pytest.raises(NotFoundError, match=r"assets\.configure"):
        await notes.change(BORIS, note.id, {"words": "mine"})
    mended = await notes.change(ANNA, note.id, {"words": "oiled"}, note.revision)
    with pytest.raises(ConflictError, match="changed since"):
        await notes.change(ERIN, note.id, {"words": "greased"}, note.revision)
    await notes.change(ERIN, note.id, {"words": "greased"}, mended.revision)
    assert [each.words for each in (await notes.page(ANNA, span(-5, 60))).annotations] == ["greased"]
    with pytest.raises(PermissionDeniedError, match=r"annotations\.write"):
        await notes.create(VERA, ASSET, at(0), "seen")


async def test_a_deleted_note_is_gone_and_comes_back(notes: AnnotationService) -> None:
    note = await notes.create(ANNA, ASSET, at(0), "oiled")
    await notes.delete(ANNA, note.id)
    assert (await notes.page(ANNA, span(-5, 60))).annotations == ()
    with pytest.raises(NotFoundError, match="Restore it first"):
        await notes.change(ANNA, note.id, {"words": "else"})
    await notes.restore(ANNA, note.id)
    assert len((await notes.page(ANNA, span(-5, 60))).annotations) == 1


async def test_what_makes_no_sense_is_refused_with_the_field(notes: AnnotationService) -> None:
    with pytest.raises(InvalidInputError, match="end_at must be after start_at"):
        await notes.create(ANNA, ASSET, at(5), "oiled", end_at=at(5))
    with pytest.raises(InvalidInputError) as refused:
        await notes.create(ADA, ASSET, at(5), "oiled", signal_id=HEADER)
    assert refused.value.issues[0].field == "signal_id"
    note = await notes.create(ANNA, ASSET, at(5), "oiled", end_at=at(6))
    with pytest.raises(InvalidInputError):
        await notes.change(ANNA, note.id, {"start_at": at(9)})


async def test_each_change_is_on_record_with_what_it_changed(notes: AnnotationService, work: SqlUnitOfWork) -> None:
    note = await notes.create(ANNA, ASSET, at(0), "oild")
    await notes.change(ANNA, note.id, {"words": "oiled"})
    await notes.delete(ERIN, note.id)
    async with work(EVERY_SITE) as w:
        entries = await w.audit.page(AuditQuery(subject_id=note.id))
    found = [(entry.action, entry.actor) for entry in entries]
    assert sorted(found) == [
        ("annotations.changed", "anna"), ("annotations.created", "anna"), ("annotations.deleted", "erin"),
    ]  # fmt: skip
    changed = next(entry for entry in entries if entry.action == "annotations.changed")
    assert "oild" in (changed.before or "")
    assert "oiled" in (changed.after or "")
