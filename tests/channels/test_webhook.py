"""Webhooks against a server on loopback that checks what it was sent."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from pydantic import SecretStr

from pdm_app.channels.webhook import WebhookChannel, signature
from pdm_app.domain.notice_channels import WebhookReceiver
from pdm_app.domain.notices import DeliveryError, OutgoingMessage
from tests.counterparts.clocks import NOON, HandClock
from tests.counterparts.gateway import answer, http_gateway


def message(to: str, **more: Any) -> OutgoingMessage:
    given = {"id": "m-1", "to": to, "subject": "P2 Flow low", "body": "Flow is 41 m³/h", "at": NOON, "priority": 2}
    return OutgoingMessage.model_validate({**given, **more})


def test_the_signature_is_that_of_the_specification() -> None:
    # The known answer in the libraries that receivers use.
    secret, message_id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    body = b'{"test": 2432232314}'
    assert signature(secret, message_id, "1614265330", body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_receiver_can_tell_who_sent_what_and_that_it_is_a_repeat() -> None:
    async with http_gateway() as gateway:
        channel = WebhookChannel(WebhookReceiver(), HandClock(), SecretStr("shared"))
        await channel.send(message(f"{gateway.url}/hook"))
        await channel.send(message(f"{gateway.url}/hook", is_repeat=True))
        await channel.close()
    first, second = gateway.requests
    sent_at = first.headers["webhook-timestamp"]
    assert int(sent_at) == NOON // 1_000_000
    expected = hmac.new(b"shared", f"m-1.{sent_at}.".encode() + first.body, hashlib.sha256).digest()
    assert first.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert {first.headers["webhook-id"], second.headers["webhook-id"]} == {"m-1"}
    assert [json.loads(each.body)["is_repeat"] for each in (first, second)] == [False, True]


@pytest.mark.parametrize("shape", ["teams", "slack"])
async def test_chat_programs_get_their_own_shape(shape: str) -> None:
    async with http_gateway() as gateway:
        channel = WebhookChannel(WebhookReceiver.model_validate({"shape": shape}), HandClock())
        await channel.send(message(gateway.url))
        await channel.close()
    body = json.loads(gateway.requests[0].body)
    if shape == "slack":
        assert body == {"text": "*P2 Flow low*\nFlow is 41 m³/h"}
    else:
        card = body["attachments"][0]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert [block["text"] for block in card["content"]["body"]] == ["P2 Flow low", "Flow is 41 m³/h"]


async def test_a_receiver_that_is_gone_or_no_address_at_all_is_said() -> None:
    channel = WebhookChannel(WebhookReceiver(), HandClock())
    async with http_gateway() as gateway:
        gateway.answers.append(answer("410 Gone", "no such hook"))
        with pytest.raises(DeliveryError, match="410 no such hook") as gone:
            await channel.send(message(gateway.url))
    assert gone.value.is_final
    for address in ("ftp://plant.example/", "not an address", "http://[broken"):
        with pytest.raises(DeliveryError):
            await channel.send(message(address))
    await channel.close()


async def test_a_secret_in_the_url_is_filled_in_on_the_way_and_shown_nowhere() -> None:
    async with http_gateway() as gateway:
        receiver = WebhookReceiver(url=f"{gateway.url}/services/{{secret}}?thread=7", shape="slack")
        channel = WebhookChannel(receiver, HandClock(), SecretStr("T0/B1/x y"))
        assert receiver.place == gateway.url, "a page and the log of messages show no path"
        gateway.answers += [answer("200 OK", "ok"), answer("410 Gone", "no such hook")]
        await channel.send(message(receiver.place))
        with pytest.raises(DeliveryError) as gone:
            await channel.send(message(receiver.place))
        await channel.close()
    assert gateway.requests[0].target == "/services/T0/B1/x%20y?thread=7"
    assert "T0" not in f"{gone.value.message} {gone.value.reply}"


async def test_the_secret_of_a_url_goes_nowhere_else_and_is_asked_for_where_there_is_none() -> None:
    async with http_gateway() as gateway:
        receiver = WebhookReceiver(url=f"{gateway.url}/{{secret}}")
        with_one = WebhookChannel(receiver, HandClock(), SecretStr("shared"))
        with pytest.raises(DeliveryError, match="nowhere else") as refused:
            await with_one.send(message("http://other.example/{secret}"))
        assert refused.value.is_final
        without = WebhookChannel(receiver, HandClock())
        with pytest.raises(DeliveryError, match="Put it in") as waiting:
            await without.send(message(receiver.place))
        assert not waiting.value.is_final
        await with_one.close()
        await without.close()
    assert gateway.requests == []


async def test_what_waited_goes_where_the_receiver_has_moved_to() -> None:
    before = WebhookReceiver(url="http://old.example/hook")
    async with http_gateway() as gateway:
        channel = WebhookChannel(WebhookReceiver(url=f"{gateway.url}/new"), HandClock())
        await channel.send(message(before.place))
        await channel.close()
    assert [each.target for each in gateway.requests] == ["/new"]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://chat.example/hooks/T0?key=1", "https://chat.example"),
        ("https://ada:kelp@chat.example:8443/x", "https://chat.example:8443"),
        ("http://[::1]:9/x", "http://[::1]:9"),
        ("not a url", "not a url"),
        ("", ""),
    ],
)
def test_a_receiver_is_shown_by_its_host(url: str, place: str) -> None:
    assert WebhookReceiver(url=url).place == place
