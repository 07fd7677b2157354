"""Channels follow their set-up and their secrets: the next message already goes by what was changed."""

from typing import Any

from pdm_app.channels.doors import ChannelDoors
from pdm_app.domain.notice_channels import ChannelsSetUp, MailServer
from pdm_app.domain.notices import ChannelKind, OutgoingMessage
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.gateway import http_gateway
from tests.counterparts.mail_server import mail_server

MESSAGE = OutgoingMessage(id="m-1", to="tom@plant.example", body="Flow is low.", at=NOON)


def doors(secrets: dict[str, str], **given: Any) -> ChannelDoors:
    async def secret_of(kind: str) -> str | None:
        return secrets.get(kind)

    return ChannelDoors(ChannelsSetUp.model_validate(given), secret_of, HandClock())


def mail(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "security": "none", "sender": "pdm@plant.example"}


async def test_what_is_not_set_up_is_none() -> None:
    opened = doors({})
    assert [kind for kind in ChannelKind if await opened.channel(kind) is not None] == [ChannelKind.PAGE]
    assert set(opened.set_up.places()) == {ChannelKind.PAGE}, "which needs no set-up"


async def test_a_channel_stays_open_until_its_set_up_changes() -> None:
    async with mail_server() as first, mail_server() as second:
        opened = doors({}, email=mail(first.port))
        channel = await opened.channel(ChannelKind.EMAIL)
        assert channel is not None
        await channel.send(MESSAGE)
        assert await opened.channel(ChannelKind.EMAIL) is channel
        opened.set_up = ChannelsSetUp(email=MailServer.model_validate(mail(second.port)))
        moved = await opened.channel(ChannelKind.EMAIL)
        assert moved is not None
        await moved.send(MESSAGE)
        await opened.close()
    assert (len(first.mails), len(second.mails)) == (1, 1)


async def test_a_new_secret_holds_from_the_next_message_on() -> None:
    async with http_gateway() as gateway:
        secrets = {"sms": "old-key"}
        opened = doors(secrets, sms={"profile": "generic", "url": f"{gateway.url}/send"})
        for key in ("old-key", "new-key"):
            secrets["sms"] = key
            channel = await opened.channel(ChannelKind.SMS)
            assert channel is not None
            await channel.send(MESSAGE.model_copy(update={"to": "+436601234567"}))
        await opened.close()
    assert [each.headers["authorization"] for each in gateway.requests] == ["Bearer old-key", "Bearer new-key"]


async def test_a_webhook_goes_where_the_set_up_says() -> None:
    async with http_gateway() as gateway:
        opened = doors({"webhook": "shared"}, webhook={"url": f"{gateway.url}/hook"})
        channel = await opened.channel(ChannelKind.WEBHOOK)
        assert channel is not None
        await channel.send(MESSAGE.model_copy(update={"to": opened.receiver()}))
        await opened.close()
    assert "webhook-signature" in gateway.requests[0].headers
