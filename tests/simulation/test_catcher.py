"""The demo's inbox takes what the real channels hand over, keeps the newest, and is not upset by anything."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from pdm_app.channels.doors import ChannelDoors
from pdm_app.domain.notice_channels import ChannelsSetUp, MailServer
from pdm_app.domain.notices import Channel, ChannelKind, DeliveryError, OutgoingMessage
from pdm_app.simulation.catcher import MAIL_BYTES_MAX, Catcher, open_catcher
from tests.counterparts.clocks import HandClock

EMAIL, SMS, WEBHOOK = ChannelKind.EMAIL, ChannelKind.SMS, ChannelKind.WEBHOOK
CAUGHT = (EMAIL, SMS, WEBHOOK)
TO = {EMAIL: "olga@plant.example", SMS: "+436601234567"}


@pytest.fixture
async def inbox() -> AsyncIterator[Catcher]:
    async with open_catcher(HandClock(7_000_000), kept_max=3) as catcher:
        yield catcher


@pytest.fixture
async def doors(inbox: Catcher) -> AsyncIterator[ChannelDoors]:
    async def no_secret(channel: str) -> str | None:
        return None

    doors = ChannelDoors(ChannelsSetUp().or_else(inbox.set_up), no_secret, HandClock(7_000_000))
    yield doors
    await doors.close()


async def door(doors: ChannelDoors, kind: ChannelKind) -> Channel:
    channel = await doors.channel(kind)
    assert channel is not None
    return channel


def message(kind: ChannelKind, to: str, words: str = "Bearing 86 °C") -> OutgoingMessage:
    return OutgoingMessage(id=f"message-{kind}", to=to, subject="P2 Bearing hot ☂", body=words, at=7_000_000)


@pytest.mark.parametrize("kind", CAUGHT)
async def test_what_a_channel_hands_over_is_in_the_inbox_with_its_id_of_the_log(
    inbox: Catcher, doors: ChannelDoors, kind: ChannelKind
) -> None:
    to = TO.get(kind, doors.receiver())
    reply = await (await door(doors, kind)).send(message(kind, to))
    [caught] = inbox.newest()
    assert caught.id in reply
    assert "sent to nobody" in reply
    assert (caught.channel, caught.at, caught.message_id) == (kind, 7_000_000, f"message-{kind}")
    assert "Bearing 86 °C" in caught.body
    assert caught.to == TO.get(kind, "webhook")
    if kind is not SMS:  # Which has no subject.
        assert caught.subject == "P2 Bearing hot ☂"


async def test_the_newest_messages_stay_and_all_can_be_cleared(inbox: Catcher, doors: ChannelDoors) -> None:
    sms = await door(doors, SMS)
    for number in range(5):
        await sms.send(message(SMS, TO[SMS], f"words {number}"))
    assert [caught.body for caught in inbox.newest()] == ["words 4", "words 3", "words 2"]
    assert inbox.clear() == 3
    assert inbox.newest() == ()


async def test_a_channel_that_was_set_up_keeps_its_own_server(inbox: Catcher) -> None:
    own = MailServer(host="mail.plant.example", sender="alarms@plant.example")
    set_up = ChannelsSetUp(email=own).or_else(inbox.set_up)
    assert set_up.email == own
    assert set_up.sms == inbox.set_up.sms
    assert set(set_up.places()) == {*CAUGHT, ChannelKind.PAGE}


async def test_a_mail_that_is_too_long_is_refused_and_costs_nothing(inbox: Catcher) -> None:
    server = inbox.set_up.email
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        await reader.readline()
        for line in ("EHLO tests", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA"):
            writer.write(f"{line}\r\n".encode())
            answer = await reader.readline()
            while answer[3:4] == b"-":
                answer = await reader.readline()
            assert answer[:1] in (b"2", b"3"), answer
        writer.write(b"Subject: \xff\xfe\r\n\r\n" + (b"x" * 70 + b"\r\n") * (MAIL_BYTES_MAX // 70) + b".\r\n")
        assert (await reader.readline()).startswith(b"552")
    finally:
        writer.close()
    assert inbox.newest() == ()


async def test_a_mail_of_broken_parts_is_kept_with_what_can_be_read(inbox: Catcher) -> None:
    server = inbox.set_up.email
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        await reader.readline()
        broken = b'Subject: =?utf-9?q?\xff?=\r\nContent-Type: text/plain; charset="klingon"\r\n\r\nwords\r\n.\r\n'
        for line in (b"HELO t", b"MAIL FROM:<a@b.example>", b"RCPT TO:<c@d.example>", b"DATA"):
            writer.write(line + b"\r\n")
            await reader.readline()
        writer.write(broken)
        assert (await reader.readline()).startswith(b"250")
    finally:
        writer.close()
    [caught] = inbox.newest()
    assert caught.to == "c@d.example"
    assert caught.message_id == ""


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/sms", b"not json", 400),
        ("/sms", b"[]", 400),
        ("/sms", b'{"to": "", "text": "x"}', 422),
        ("/sms", b'{"to": 7, "text": "x"}', 422),
        ("/elsewhere", b"{}", 404),
        ("/webhook", b"[" * 60_000, 400),
        ("/sms", b"x" * 70_000, 413),
    ],
)
async def test_what_is_no_message_is_refused_with_a_reason(inbox: Catcher, path: str, body: bytes, status: int) -> None:
    base = inbox.set_up.webhook.url.removesuffix("/webhook")
    async with httpx.AsyncClient() as client:
        answer = await client.post(base + path, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert inbox.newest() == ()


async def test_a_shape_that_nobody_knows_is_shown_as_it_came(inbox: Catcher) -> None:
    given = {"type": "AdaptiveCard", "body": [{"text": "Bearing hot"}]}
    async with httpx.AsyncClient() as client:
        answer = await client.post(inbox.set_up.webhook.url, json=given)
    assert answer.status_code == 202
    assert json.loads(inbox.newest()[0].body) == given


async def test_an_inbox_that_was_closed_is_a_server_that_cannot_be_reached(doors: ChannelDoors) -> None:
    async with open_catcher(HandClock(0)) as gone:
        doors.set_up = gone.set_up
    with pytest.raises(DeliveryError, match="cannot be reached"):
        await (await door(doors, EMAIL)).send(message(EMAIL, TO[EMAIL]))
