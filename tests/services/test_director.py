"""Tickets of the director: one device, one action, one release, for a while."""

import base64
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pdm_app.domain.access import EVERY_SITE, SYSTEM, Actor, Role
from pdm_app.domain.errors import PermissionDeniedError
from pdm_app.domain.firmware_tickets import VALID_S, Ticket, read_ticket, refusal
from pdm_app.services.director import DirectorService
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.secrets import key_ring
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock

HASH = "ab" * 32
DAY_S = 24 * 3600


def director(work: SqlUnitOfWork, clock: HandClock, folder: Path) -> DirectorService:
    return DirectorService(work, clock, SecretStore(work, clock, key_ring(folder)))


async def checked(director: DirectorService, text: str) -> Ticket:
    """Read a ticket as a device does."""
    ticket, signature = read_ticket(text)
    public = base64.b64decode((await director.show(SYSTEM)).public_key)
    Ed25519PublicKey.from_public_bytes(public).verify(signature, ticket.body)
    return ticket


async def test_a_ticket_holds_for_its_device_action_and_release(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    made = director(sqlite_work, clock, tmp_path)
    ticket = await checked(made, await made.ticket("gw-7", "41", HASH))
    assert refusal(ticket, device_id="gw-7", action_id="41", manifest_sha256=HASH, now=clock.now()) == ""
    assert VALID_S * 10**6 <= ticket.expires_at - clock.now() <= (VALID_S + DAY_S) * 10**6


async def test_asked_again_it_is_the_same_and_for_another_thing_another_one(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    made = director(sqlite_work, clock, tmp_path)
    first = await made.ticket("gw-7", "41", HASH)
    assert await made.ticket("gw-7", "41", HASH) == first
    others = [("gw-8", "41", HASH, 0), ("gw-7", "42", HASH, 0), ("gw-7", "41", "cd" * 32, 0), ("gw-7", "41", HASH, 1)]
    nonces = {read_ticket(await made.ticket(*other))[0].nonce for other in others}
    assert len(nonces | {read_ticket(first)[0].nonce}) == 5
    await clock.advance(DAY_S)
    assert await made.ticket("gw-7", "41", HASH) != first


async def test_the_key_is_made_once_and_lies_sealed(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    made, again = director(sqlite_work, clock, tmp_path), director(sqlite_work, clock, tmp_path)
    assert await made.show(SYSTEM) == await again.show(SYSTEM)
    await checked(again, await made.ticket("gw-7", "41", HASH))
    async with sqlite_work(EVERY_SITE) as work:
        entries = [entry for entry in await work.audit.after(None, 100) if entry.action == "director.made"]
        assert len(entries) == 1
        sealed = await work.secrets.sealed("firmware.director", "director")
    private = base64.b64encode(made._private.private_bytes_raw()).decode() if made._private else ""
    assert private
    assert private not in f"{entries}{sealed}"


async def test_another_key_does_not_pass(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> None:
    made = director(sqlite_work, clock, tmp_path)
    text = await made.ticket("gw-7", "41", HASH)
    body, _, signature = text.partition(".")
    forged = f"{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    with pytest.raises(InvalidSignature):
        await checked(made, forged)


async def test_its_public_half_is_for_those_who_see_firmware(
    sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path
) -> None:
    nobody = Actor(id="x", name="x", role=Role.SERVICE, scope=EVERY_SITE, permissions=frozenset())
    with pytest.raises(PermissionDeniedError):
        await director(sqlite_work, clock, tmp_path).show(nobody)
