"""People of a real OpenLDAP server, under StartTLS and LDAPS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pdm_app.directories.ldap import LdapServer
from pdm_app.domain.directories import DirectoryAwayError, LdapDirectory
from pdm_app.domain.errors import InvalidInputError
from pdm_app.domain.samples import Micros
from pdm_app.services.certificate_files import make_authority
from tests.counterparts.clocks import HandClock
from tests.counterparts.ports import free_port
from tests.counterparts.slapd import ADA_PASSWORD, GROUPS, PEOPLE, READER, READER_PASSWORD, Slapd

ENGINEERS, STAFF, CIRCLE = (f"cn={name},{GROUPS}" for name in ("Engineers", "Staff", "Circle"))


def settings_of(slapd: Slapd, **more: Any) -> LdapDirectory:
    given = {
        "id": "plant",
        "name": "Plant directory",
        "url": slapd.url,
        "ca_file": slapd.ca_file,
        "bind_dn": READER,
        "base_dn": PEOPLE,
        "group_base_dn": GROUPS,
        "timeout_s": 20,
    }
    return LdapDirectory.model_validate({**given, **more})


def server_of(slapd: Slapd, password: str | None = READER_PASSWORD, **more: Any) -> LdapServer:
    async def read() -> str | None:
        return password

    return LdapServer(settings_of(slapd, **more), HandClock(), read)


@pytest.fixture
async def server(slapd: Slapd) -> AsyncIterator[LdapServer]:
    server = server_of(slapd)
    yield server
    await server.close()


async def test_somebody_is_found_with_what_never_changes_their_name_address_and_groups(server: LdapServer) -> None:
    ada = await server.find("ADA")
    assert ada is not None
    assert (ada.username, ada.display_name, ada.email, ada.dn) == (
        "ada",
        "Ada Łovelace",
        "Ada@plant.example",
        f"uid=ada,{PEOPLE}",
    )
    assert ada.groups == (ENGINEERS,)
    assert len(ada.subject) == 36
    assert await server.by_subject(ada.subject) == ada


async def test_a_password_is_accepted_when_it_is_the_persons_and_an_empty_one_never(server: LdapServer) -> None:
    ada = await server.find("ada")
    assert ada is not None
    assert await server.accepts(ada, ADA_PASSWORD)
    assert not await server.accepts(ada, ADA_PASSWORD + "x")
    assert not await server.accepts(ada, "")


@pytest.mark.parametrize("typed", ["*", "a*", "ada)(uid=*", "*)(|(uid=*", "ada\\", "\x00", "", "ada\\2a", "nobody"])
async def test_what_somebody_types_is_compared_and_never_read_as_a_filter(server: LdapServer, typed: str) -> None:
    assert await server.find(typed) is None


async def test_a_name_made_of_signs_of_filters_finds_its_owner(server: LdapServer) -> None:
    odd = await server.find("star*()\\")
    assert odd is not None
    assert await server.accepts(odd, "odd names happen")


async def test_ldaps_serves_like_start_tls(slapd: Slapd) -> None:
    server = server_of(slapd, url=slapd.tls_url)
    assert await server.find("ada")
    await server.close()


async def test_groups_inside_groups_are_found_level_by_level_and_circles_end(slapd: Slapd) -> None:
    server = server_of(slapd, nested_groups="each")
    ada = await server.find("ada")
    assert ada is not None
    assert ada.groups == (ENGINEERS, STAFF, CIRCLE)
    await server.close()


async def test_the_rule_of_active_directory_is_understood_as_a_filter(slapd: Slapd) -> None:
    server = server_of(slapd, nested_groups="chain")
    ada = await server.find("ada")
    assert ada is not None
    assert "(?=undefined)" in slapd.log
    assert ada.groups == ()  # OpenLDAP does not know the rule, which matches nothing then. Source: RFC 4511, 4.5.1.7.7.
    await server.close()


async def test_groups_are_read_from_the_person_where_no_place_of_groups_is_named(slapd: Slapd) -> None:
    slapd.modify(f"dn: {ENGINEERS}\nchangetype: modify\nadd: member\nmember: uid=bob,{PEOPLE}\n")
    server = server_of(slapd, group_base_dn="")
    bob = await server.find("bob")
    assert bob is not None
    assert bob.groups == (ENGINEERS,)
    slapd.modify(f"dn: {ENGINEERS}\nchangetype: modify\ndelete: member\nmember: uid=bob,{PEOPLE}\n")
    again = await server.find("bob")
    assert again is not None
    assert again.groups == ()
    await server.close()


async def test_somebody_whom_an_admin_has_locked_is_not_there(slapd: Slapd, server: LdapServer) -> None:
    eve = await server.find("eve")
    assert eve is not None
    slapd.modify(f"dn: {eve.dn}\nchangetype: modify\nadd: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n")
    assert await server.find("eve") is None
    assert await server.by_subject(eve.subject) is None
    slapd.modify(f"dn: {eve.dn}\nchangetype: modify\ndelete: pwdAccountLockedTime\n")
    assert await server.accepts(eve, "eve likes edges")


async def test_people_filter_decides_who_may_sign_in_at_all(slapd: Slapd) -> None:
    server = server_of(
        slapd, people_filter="(&(objectClass=inetOrgPerson)(!(uid=a*))(|(sn=*)(cn:caseIgnoreMatch:=Bob)))"
    )
    assert await server.find("ada") is None
    assert await server.find("bob")
    await server.close()


async def test_many_at_once_share_a_few_connections(slapd: Slapd) -> None:
    server = server_of(slapd, connections_max=2)
    before = slapd.log.count("ACCEPT from")
    found = await asyncio.gather(*(server.find("ada") for _ in range(20)))
    assert all(found)
    assert slapd.log.count("ACCEPT from") - before <= 2
    await server.close()


# --- servers that are not well ---------------------------------------------------------------------------------------


async def why(server: LdapServer) -> str:
    with pytest.raises(DirectoryAwayError) as caught:
        await server.find("ada")
    await server.close()
    assert "Accounts made here sign in as before" in caught.value.message
    assert "127.0.0.1" not in caught.value.message
    return str(caught.value.facts["why"])


async def test_a_certificate_of_another_authority_is_refused(slapd: Slapd, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_text(make_authority(Micros(1_790_000_000_000_000), "Somebody else")[0])
    for url in (slapd.url, slapd.tls_url):
        assert "certificate" in await why(server_of(slapd, url=url, ca_file=tmp_path / "other.pem"))


async def test_a_certificate_of_another_name_is_refused(slapd: Slapd) -> None:
    assert "certificate" in await why(server_of(slapd, url=slapd.tls_url.replace("127.0.0.1", "localhost")))


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[str]:
    """The address of somebody who answers in ways of their own."""
    talks: list[asyncio.Task[Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.append(task)
        with suppress(OSError):
            await handler(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"ldap://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await asyncio.gather(*talks)


async def test_a_server_that_is_down_hangs_or_talks_nonsense_is_away(slapd: Slapd) -> None:
    assert "cannot be reached" in await why(server_of(slapd, url=f"ldap://127.0.0.1:{free_port()}"))

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # Until the caller gives up.

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with listening(silent) as url:
        assert "answer within" in await why(server_of(slapd, url=url, timeout_s=0.3))
    async with listening(nonsense) as url:
        assert "something else" in await why(server_of(slapd, url=url))


async def test_words_slipped_in_before_the_encryption_end_the_connection(slapd: Slapd) -> None:
    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        agreed = bytes.fromhex("300c02010178070a010004000400")
        writer.write(agreed + bytes.fromhex("300c02010261070a010004000400"))
        await writer.drain()
        await reader.read(100)

    async with listening(between) as url:
        assert "in the clear after StartTLS" in await why(server_of(slapd, url=url))


async def test_our_own_bind_refused_or_without_a_password_is_said_to_admins(slapd: Slapd) -> None:
    assert "invalid credentials" in await why(server_of(slapd, password="wrong"))
    assert "no password is stored" in await why(server_of(slapd, password=None))
    assert "no such object" in await why(server_of(slapd, base_dn="ou=nowhere,dc=plant,dc=example"))


async def test_a_server_that_was_restarted_is_used_again_at_once(slapd: Slapd, server: LdapServer) -> None:
    assert await server.find("ada")
    slapd.stop()
    with pytest.raises(DirectoryAwayError):
        await server.find("ada")
    slapd.start()
    assert await server.find("ada")


async def test_an_id_that_cannot_be_read_is_a_fault_of_the_settings(slapd: Slapd) -> None:
    assert "has no employeeNumber" in await why(server_of(slapd, id_attribute="employeeNumber"))


def test_passwords_never_travel_in_the_clear(slapd: Slapd) -> None:
    with pytest.raises(ValueError, match="in the clear"):
        settings_of(slapd, url="ldap://ldap.plant.example", start_tls=False)


def test_a_filter_or_authority_that_cannot_be_read_is_refused_at_the_start(slapd: Slapd, tmp_path: Path) -> None:
    for text in ("(uid=a", "uid=a", "((uid=a))", "(uid=a))", "(uid=\\zz)", "(&(uid=a)x)", "(uid=**)", "(" * 40):
        with pytest.raises(InvalidInputError, match="people_filter"):
            server_of(slapd, people_filter=text)
    with pytest.raises(InvalidInputError, match="authority"):
        server_of(slapd, ca_file=tmp_path / "missing.pem")
