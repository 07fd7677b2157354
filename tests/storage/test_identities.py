"""Accounts of directories and the sessions they vouched for, on both databases."""

import pytest

from pdm_app.domain.access import EVERY_SITE, Scope
from pdm_app.domain.directories import DirectorySessionRow, IdentityRow, LogoutNotice
from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.repositories import SessionRow
from pdm_app.domain.samples import Micros
from tests.counterparts.clocks import NOON
from tests.counterparts.installation import stored_plant

NOW = Micros(NOON)
ADA = IdentityRow("corp", "s-ada", "user-1", True, NOW, NOW)


def session(session_id: str, subject: str = "s-ada", sid: str = "") -> DirectorySessionRow:
    return DirectorySessionRow(session_id, "corp", subject, sid, NOW)


async def test_an_identity_is_kept_by_directory_and_subject_and_each_letter_counts(database_url: str) -> None:
    async with stored_plant(database_url) as work:
        async with work(EVERY_SITE) as storing:
            await storing.identities.put(ADA)
            await storing.identities.put(IdentityRow("corp", "S-ADA", "user-2", False, NOW, NOW))
            await storing.commit()
        async with work(EVERY_SITE) as reading:
            assert await reading.identities.find("corp", "s-ada") == ADA
            assert await reading.identities.find("other", "s-ada") is None
            assert [row.user_id for row in await reading.identities.all()] == ["user-2", "user-1"]
            assert await reading.identities.of_user("user-1") == [ADA]
            assert await reading.identities.remove("corp", "s-ada")
            assert not await reading.identities.remove("corp", "s-ada")


async def test_an_address_belongs_to_one_person(database_url: str) -> None:
    async with stored_plant(database_url) as work:
        async with work(EVERY_SITE) as storing:
            await storing.identities.put_email("user-1", "ada@plant.example")
            await storing.identities.put_email("user-1", "ada@plant.example")
            await storing.commit()
        async with work(EVERY_SITE) as reading:
            assert await reading.identities.user_of_email("ada@plant.example") == "user-1"
            assert await reading.identities.email("user-1") == "ada@plant.example"
            with pytest.raises(ConflictError):
                await reading.identities.put_email("user-2", "ada@plant.example")
        async with work(EVERY_SITE) as storing:
            await storing.identities.put_email("user-1", "")
            assert await storing.identities.email("user-1") == ""


async def test_a_notice_means_its_session_or_all_of_its_person(database_url: str) -> None:
    async with stored_plant(database_url) as work:
        async with work(EVERY_SITE) as storing:
            for row in (session("a", sid="1"), session("b", sid="2"), session("c", "s-bob", "3")):
                await storing.identities.put_session(row)
            await storing.commit()
        async with work(EVERY_SITE) as reading:
            meant = reading.identities.sessions
            assert [row.session_id for row in await meant("corp", LogoutNotice("s-ada", ""))] == ["a", "b"]
            assert [row.session_id for row in await meant("corp", LogoutNotice("", "2"))] == ["b"]
            assert await meant("corp", LogoutNotice("s-bob", "2")) == []
            assert await meant("other", LogoutNotice("s-ada", "")) == []
            assert await meant("corp", LogoutNotice("", "")) == []


async def test_rows_of_sessions_that_ended_are_forgotten(database_url: str) -> None:
    async with stored_plant(database_url) as work, work(EVERY_SITE) as storing:
        for name, revoked_at in (("good", None), ("ended", NOW)):
            row = SessionRow(name, "user-1", NOW, NOW, Micros(NOW + 1), "hash", "", "", revoked_at)
            await storing.users.put_session(row)
        for name in ("good", "ended", "gone"):
            await storing.identities.put_session(session(name))
        assert sorted(await storing.identities.forget_sessions()) == ["ended", "gone"]
        assert await storing.identities.forget_sessions() == []
        assert await storing.identities.session("good")


async def test_somebody_of_one_site_sees_and_changes_nothing_of_it(sqlite_url: str) -> None:
    async with stored_plant(sqlite_url) as work:
        async with work(EVERY_SITE) as storing:
            await storing.identities.put(ADA)
            await storing.identities.put_session(session("a"))
            await storing.commit()
        async with work(Scope(sites=frozenset({"pune"}))) as of_one_site:
            identities = of_one_site.identities
            assert await identities.all() == []
            assert await identities.session("a") is None
            for change in (identities.put(ADA), identities.put_email("u", "x"), identities.forget_sessions()):
                with pytest.raises(NotFoundError):
                    await change
