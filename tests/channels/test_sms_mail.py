"""Text messages by mail: to an address made of the number, through the mail server that is set up for mail."""

from collections.abc import AsyncIterator

import pytest

from pdm_app.channels.doors import ChannelDoors
from pdm_app.channels.sms import TEXT_MAX
from pdm_app.domain.notice_channels import ChannelsSetUp, MailServer, SmsGateway
from pdm_app.domain.notices import ChannelKind, DeliveryError, OutgoingMessage
from tests.counterparts.clocks import HandClock
from tests.counterparts.mail_server import MailServer as RealServer
from tests.counterparts.mail_server import mail_server

SMS = ChannelKind.SMS


@pytest.fixture
async def server() -> AsyncIterator[RealServer]:
    async with mail_server() as server:
        yield server


def doors(server: RealServer | None, address: str) -> ChannelDoors:
    async def no_secret(channel: str) -> str | None:
        return None

    mail = MailServer()
    if server is not None:
        mail = MailServer(host="127.0.0.1", port=server.port, security="none", sender="pdm@plant.example")
    return ChannelDoors(
        ChannelsSetUp(email=mail, sms=SmsGateway(profile="email", url=address)), no_secret, HandClock(0)
    )


def message(**more: object) -> OutgoingMessage:
    given = {"id": "m-1", "to": "+436601234567", "subject": "P2 Bearing", "body": "P2 Bearing hot\n86 °C", "at": 0}
    return OutgoingMessage.model_validate({**given, **more})


@pytest.mark.parametrize(
    ("address", "to"),
    [("{digits}@sms.example", "436601234567@sms.example"), ("{to}@sms.example", "+436601234567@sms.example")],
)
async def test_a_text_message_is_a_short_mail_to_the_number(server: RealServer, address: str, to: str) -> None:
    found = doors(server, address)
    channel = await found.channel(SMS)
    assert channel is not None
    assert channel.kind is SMS
    assert "queued as 1" in await channel.send(message(body="P2 Bearing hot\n86 °C " + "x" * 900))
    await found.close()
    [mail] = server.mails
    assert mail["To"] == to
    assert mail["Subject"] == ""
    words = str(mail.get_content()).strip()
    assert words.startswith("P2 Bearing hot 86 °C xxx")
    assert len(words) <= TEXT_MAX


async def test_a_repeat_says_so_once(server: RealServer) -> None:
    found = doors(server, "{digits}@sms.example")
    channel = await found.channel(SMS)
    assert channel is not None
    await channel.send(message(is_repeat=True))
    await found.close()
    assert str(server.mails[0].get_content()).count("may repeat") == 1


@pytest.mark.parametrize("address", ["no address", "{digits}", "{digits}@"])
async def test_an_address_that_is_none_is_refused_for_good(server: RealServer, address: str) -> None:
    found = doors(server, address)
    channel = await found.channel(SMS)
    assert channel is not None
    with pytest.raises(DeliveryError, match="is no address that mail can be sent to") as refused:
        await channel.send(message())
    await found.close()
    assert refused.value.is_final
    assert server.mails == []


async def test_without_an_address_or_a_mail_server_it_is_not_set_up(server: RealServer) -> None:
    assert await doors(server, "").channel(SMS) is None
    assert SMS not in doors(server, "").set_up.places()
    assert await doors(None, "{digits}@sms.example").channel(SMS) is None
