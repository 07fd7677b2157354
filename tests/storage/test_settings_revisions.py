"""Revisions of the settings: kept exactly, only ever added, and one writer at a time."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.errors import ConflictError
from pdm_app.domain.settings_revisions import NOTHING_SET, SettingsHead, SettingsRevision, changed_between
from pdm_app.storage.database import Database
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.storage.data import settings_revision


@pytest.fixture
async def work(database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(database_url)
    await database.migrate()
    yield SqlUnitOfWork(database)
    await database.close()


async def added(work: SqlUnitOfWork, *revisions: SettingsRevision) -> None:
    async with work(EVERY_SITE) as w:
        for revision in revisions:
            await w.settings.add(revision)
        await w.commit()


async def test_before_anything_is_set_there_is_revision_zero(work: SqlUnitOfWork) -> None:
    async with work(EVERY_SITE) as w:
        assert await w.settings.newest_number() == 0
        assert await w.settings.newest() == NOTHING_SET
        assert (await w.settings.get(1), await w.settings.page(None, 9)) == (None, [])


async def test_a_revision_comes_back_as_it_was_given_with_the_kinds_of_its_values(work: SqlUnitOfWork) -> None:
    stored = {
        "auth.idle_minutes": 60.0,
        "auth.sessions_max": 3,
        "log.requests": True,
        "log.level": "warnung, „ernst“",
        "auth.allowed_origins": ("https://a.example", "https://b.example"),
        "auth.idle_exempt_roles": (),
        "http.trusted_proxies": ("10.0.0.0/8",),
        "buffer.bytes_max": 2**53,
    }
    revision = settings_revision(1).model_copy(update={"stored": stored})
    await added(work, revision)
    async with work(EVERY_SITE) as w:
        found = await w.settings.newest()
    assert found == revision
    assert [type(found.stored[key]) for key in stored] == [type(value) for value in stored.values()]


async def test_pages_go_from_the_newest_down_without_what_is_held(work: SqlUnitOfWork) -> None:
    await added(work, *(settings_revision(number) for number in range(1, 6)))
    async with work(EVERY_SITE) as w:
        assert [head.number for head in await w.settings.page(None, 2)] == [5, 4]
        older = await w.settings.page(4, 10)
        assert [head.number for head in older] == [3, 2, 1]
        assert all(type(head) is SettingsHead for head in older)
        assert await w.settings.get(3) == settings_revision(3)


async def test_of_two_who_write_the_same_revision_the_second_is_refused(work: SqlUnitOfWork) -> None:
    async with work(EVERY_SITE) as slow:
        assert await slow.settings.newest_number() == 0
        await added(work, settings_revision(1))
        with pytest.raises(ConflictError):
            await slow.settings.add(settings_revision(1))
    for wrong in (1, 3, 7):
        with pytest.raises(ConflictError):
            await added(work, settings_revision(wrong))
    async with work(EVERY_SITE) as w:
        assert await w.settings.newest_number() == 1


def test_a_flag_that_becomes_a_number_is_a_change_and_a_number_of_another_type_is_none() -> None:
    assert changed_between({"a": True, "b": 1, "c": 2}, {"a": 1, "b": 1.0, "d": 2}) == ("a", "c", "d")
