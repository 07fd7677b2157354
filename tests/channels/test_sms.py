"""Text messages against an HTTP gateway on loopback, each of the shapes that providers ask for."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from pdm_app.channels.sms import PROFILES, TEXT_MAX, SmsChannel, SmsTemplate, fill, short, template_of
from pdm_app.domain.notice_channels import SmsGateway
from pdm_app.domain.notices import REPEAT_WORDS, DeliveryError, OutgoingMessage
from tests.counterparts.clocks import NOON
from tests.counterparts.gateway import HANG, HANG_UP, Gateway, answer, http_gateway

DAY = "Sat, 21 Nov 2026"
SECRET = "k3y-of-the-gateway"
LOGIN = SmsGateway(sender="Plant", user="AC1", timeout_s=20)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with http_gateway() as gateway:
        yield gateway


def message(**more: Any) -> OutgoingMessage:
    given = {"id": "m-1", "to": "+436601234567", "body": 'Flow "low" {secret} & 41 m³/h', "at": NOON}
    return OutgoingMessage.model_validate({**given, **more})


def profile(name: Any, gateway: Gateway) -> SmsTemplate:
    path = PROFILES[name].url.partition("://")[2].partition("/")[2]
    return template_of(SmsGateway(profile=name, url=f"{gateway.url}/{path}"))


async def sent(template: SmsTemplate, login: SmsGateway = LOGIN, **more: Any) -> str:
    channel = SmsChannel(template, login, SecretStr(SECRET))
    try:
        return await channel.send(message(**more))
    finally:
        await channel.close()


async def fails(template: SmsTemplate, login: SmsGateway = LOGIN) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await sent(template, login)
    return caught.value


@pytest.mark.parametrize("name", sorted(PROFILES))
async def test_each_profile_sends_number_text_and_login_where_its_provider_wants_them(
    name: str, gateway: Gateway
) -> None:
    accepted = {"vonage": '{"messages": [{"status": "0"}]}', "seven": '{"success": "100"}'}
    gateway.answers.append(answer("200 OK", accepted.get(name, "{}")))
    await sent(profile(name, gateway))
    [request] = gateway.requests
    assert request.method == "POST"
    if PROFILES[name].encoding == "form":
        body: Any = {field: values[0] for field, values in parse_qs(request.body.decode()).items()}
    else:
        body = json.loads(request.body)
    said = [value[0] if isinstance(value, list) else value for value in body.values()]
    assert 'Flow "low" {secret} & 41 m³/h' in said, "braces in a text are text"
    assert ("436601234567" if PROFILES[name].number_form == "digits" else "+436601234567") in said
    assert "Plant" in said
    basic = base64.b64encode(f"AC1:{SECRET}".encode()).decode()
    assert any(SECRET in part or basic in part for part in [request.body.decode(), *request.headers.values()])
    assert "{" not in request.target


async def test_a_text_cannot_leave_its_place_in_the_request(gateway: Gateway) -> None:
    template = SmsTemplate(url=f"{gateway.url}/send/{{to}}?text={{text}}", method="GET", headers={"x-from": "{sender}"})
    login = LOGIN.model_copy(update={"sender": "a\r\nx-evil: 1"})
    await sent(template, login, to="+43/../admin", body="a&to=+1\r\nx-evil: 2")
    [request] = gateway.requests
    assert request.target.startswith("/send/%2B43%2F..%2Fadmin?text=a%26to%3D%2B1%20x-evil%3A%202")
    assert "x-evil" not in request.headers


async def test_a_text_is_cut_where_three_parts_end_and_a_repeat_says_so(gateway: Gateway) -> None:
    assert len(short("x" * 2_000)) == TEXT_MAX
    assert short("a\n  b") == "a b"
    await sent(profile("generic", gateway), is_repeat=True)
    assert REPEAT_WORDS in json.loads(gateway.requests[0].body)["text"]


@pytest.mark.parametrize(
    ("said", "is_final", "retry_after_s"),
    [
        (answer("429 Too Many", retry_after="7"), False, 7.0),
        (answer("503 Busy", retry_after="999999"), False, 3600.0),
        (answer("503 Busy", date=f"{DAY} 12:00:00 GMT", retry_after=f"{DAY} 12:01:30 GMT"), False, 90.0),
        (answer("500 Oops", retry_after="soon"), False, None),
        (answer("401 Who are you"), False, None),
        (answer("302 Found", location="http://elsewhere.example/"), False, None),
        (answer("400 Bad", '{"error": "not a number"}'), True, None),
    ],
)  # fmt: skip
async def test_answers_say_whether_to_come_back_and_when(
    gateway: Gateway, said: bytes, is_final: bool, retry_after_s: float | None
) -> None:
    gateway.answers.append(said)
    error = await fails(profile("generic", gateway))
    assert (error.is_final, error.retry_after_s, error.is_unknown) == (is_final, retry_after_s, False)
    assert error.reply.startswith(said[9:12].decode())
    assert len(gateway.requests) == 1, "a redirect is not followed"


@pytest.mark.parametrize("said", [HANG, HANG_UP, b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}"])
async def test_an_answer_that_never_ends_or_is_none_leaves_it_open_whether_it_was_sent(
    gateway: Gateway, said: bytes
) -> None:
    gateway.answers.append(said)
    error = await fails(profile("generic", gateway), LOGIN.model_copy(update={"timeout_s": 0.5}))
    assert (error.is_final, error.is_unknown) == (False, True)


@pytest.mark.parametrize(
    ("said", "is_unknown"),
    [("<html>", True), ("{}", True), ("[" * 100_000, True), ('{"messages": [{"status": "4"}]}', False)],
)
async def test_a_gateway_that_answers_200_and_sends_nothing_is_found_out(
    gateway: Gateway, said: str, is_unknown: bool
) -> None:
    gateway.answers.append(answer("200 OK", said))
    error = await fails(profile("vonage", gateway))
    assert (error.is_final, error.is_unknown) == (False, is_unknown)


async def test_a_gateway_that_repeats_the_secret_does_not_bring_it_into_the_log(gateway: Gateway) -> None:
    gateway.answers.append(answer("200 OK", json.dumps({"you said": SECRET})))
    assert SECRET not in await sent(profile("generic", gateway))
    gateway.answers.append(answer("400 Bad", f"key {SECRET} is wrong"))
    error = await fails(profile("generic", gateway))
    assert SECRET not in error.reply + str(error)


def test_names_that_stand_for_nothing_stay_as_they_are() -> None:
    words = {"to": "1", "text": "{to}"}
    assert fill("{to}{what}{text}{", words) == "1{what}{to}{"
