"""Text messages through a provider's HTTP gateway, described by a template rather than by code.

A template says where each part of a message goes. Its texts are filled in after the body's form is known (JSON values,
form fields, parts of an address), never by gluing strings, so that no text of an alarm can change the request. Ready
profiles hold what the usual providers document; their addresses and fields can be overridden where one moves.
"""

import base64
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote, urlencode

import httpx
from pydantic import Field, SecretStr

from pdm_app.channels.http_hand_over import BLOT, Answer, hand_over
from pdm_app.domain.notice_channels import SmsGateway
from pdm_app.domain.notices import REPEAT_WORDS, ChannelKind, DeliveryError, OutgoingMessage
from pdm_app.domain.record import Record

TEXT_MAX = 459  # Three joined parts of GSM 03.38 with their headers.
DEPTH_MAX = 5


class SmsTemplate(Record):
    """How a gateway is asked.

    ``{to}``, ``{text}``, ``{id}``, ``{sender}``, ``{user}`` and ``{secret}`` stand for what they say wherever they
    occur in ``url``, ``headers`` and the values of ``body``.

    Attributes:
        encoding: Form of the body.
        basic_login: Send user and secret as HTTP basic authentication.
        accepted_path: Dotted path into a JSON answer whose value must be ``accepted_value``; empty where the HTTP
            status alone tells. Some gateways answer 200 and say inside that nothing was sent.
    """

    url: str = Field(min_length=8, max_length=500, pattern=r"^https?://")
    method: Literal["POST", "PUT", "GET"] = "POST"
    encoding: Literal["json", "form"] = "json"
    headers: Mapping[str, str] = Field(default_factory=dict, max_length=20)
    body: Mapping[str, Any] = Field(default_factory=dict, max_length=30)
    basic_login: bool = False
    number_form: Literal["e164", "digits"] = "e164"
    accepted_path: str = Field(default="", max_length=200)
    accepted_value: str = Field(default="", max_length=100)


PROFILES: Mapping[str, SmsTemplate] = MappingProxyType(
    {
        "generic": SmsTemplate(
            url="https://sms.example/send",
            headers={"authorization": "Bearer {secret}"},
            body={"to": "{to}", "from": "{sender}", "text": "{text}", "id": "{id}"},
        ),
        "twilio": SmsTemplate(
            url="https://api.twilio.com/2010-04-01/Accounts/{user}/Messages.json",
            encoding="form",
            body={"To": "{to}", "From": "{sender}", "Body": "{text}"},
            basic_login=True,
        ),
        "vonage": SmsTemplate(
            url="https://rest.nexmo.com/sms/json",
            body={
                "api_key": "{user}",
                "api_secret": "{secret}",
                "to": "{to}",
                "from": "{sender}",
                "text": "{text}",
                "client-ref": "{id}",
            },
            number_form="digits",
            accepted_path="messages.0.status",
            accepted_value="0",
        ),
        "bird": SmsTemplate(
            url="https://rest.messagebird.com/messages",
            headers={"authorization": "AccessKey {secret}"},
            body={"recipients": ["{to}"], "originator": "{sender}", "body": "{text}", "reference": "{id}"},
        ),
        "sinch": SmsTemplate(
            url="https://eu.sms.api.sinch.com/xms/v1/{user}/batches",
            headers={"authorization": "Bearer {secret}"},
            body={"to": ["{to}"], "from": "{sender}", "body": "{text}", "client_reference": "{id}"},
        ),
        "seven": SmsTemplate(
            url="https://gateway.seven.io/api/sms",
            headers={"x-api-key": "{secret}"},
            body={"to": "{to}", "from": "{sender}", "text": "{text}", "foreign_id": "{id}"},
            accepted_path="success",
            accepted_value="100",
        ),
    }
)
"""What the providers' public documentation says; none of them was called from here."""


def template_of(gateway: SmsGateway) -> SmsTemplate:
    """Return the template of a gateway's profile, at its own address where it has one."""
    template = PROFILES[gateway.profile]
    return template.model_copy(update={"url": gateway.url}) if gateway.url else template


class SmsChannel:
    """Hands messages to one gateway."""

    kind = ChannelKind.SMS

    def __init__(self, template: SmsTemplate, gateway: SmsGateway, secret: SecretStr | None = None) -> None:
        self._template = template
        self._gateway = gateway
        self._key = secret
        self._client = httpx.AsyncClient(timeout=gateway.timeout_s, follow_redirects=False)

    async def send(self, message: OutgoingMessage) -> str:
        """See `Channel.send`; the answer is the gateway's, which names its own id."""
        template, secret = self._template, self._secret
        number = message.to if template.number_form == "e164" else message.to.lstrip("+")
        text = f"{message.body} ({REPEAT_WORDS})" if message.is_repeat else message.body
        words = {
            "to": number, "text": short(text), "id": message.id, "sender": self._gateway.sender,
            "user": self._gateway.user, "secret": secret,
        }  # fmt: skip
        headers = {name: _one_line(fill(value, words)) for name, value in template.headers.items()}
        if template.basic_login:
            both = base64.b64encode(f"{self._gateway.user}:{secret}".encode()).decode()
            headers["authorization"] = f"Basic {both}"
        url = fill(template.url, {name: quote(value, safe="") for name, value in words.items()})
        body = filled(template.body, words)
        if template.method == "GET":
            url, content = f"{url}{'&' if '?' in url else '?'}{urlencode(body)}", b""
        elif template.encoding == "form":
            headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
            content = urlencode(body).encode()
        else:
            headers["content-type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False).encode()
        answer = await hand_over(
            self._client, template.method, url, place=self._place, content=content, headers=headers, secret=secret
        )
        self._require_accepted(answer)
        return answer.reply

    async def close(self) -> None:
        await self._client.aclose()

    @property
    def _secret(self) -> str:
        return self._key.get_secret_value() if self._key is not None else ""

    @property
    def _place(self) -> str:
        return f"The SMS gateway {httpx.URL(self._template.url.replace('{', '').replace('}', '')).host}"

    def _require_accepted(self, answer: Answer) -> None:
        template = self._template
        if not template.accepted_path:
            return
        found = at_path(answer.body, template.accepted_path)
        if found is None:
            raise DeliveryError(
                f"{self._place} answers what is not understood: {answer.reply}. Nobody knows whether it sends.",
                reply=answer.reply, is_unknown=True,
            )  # fmt: skip
        if found != template.accepted_value:
            raise DeliveryError(f"{self._place} does not send the message: {answer.reply}.", reply=answer.reply)


def short(text: str) -> str:
    """Cut a text to what three joined messages hold."""
    words = " ".join(text.split())
    return words if len(words) <= TEXT_MAX else words[: TEXT_MAX - 1] + BLOT


def fill(text: str, words: Mapping[str, str]) -> str:
    """Put words where their names stand in braces, in one pass: a brace within a word stands for itself."""
    parts, rest = [], text
    while rest:
        before, opened, after = rest.partition("{")
        name, closed, following = after.partition("}")
        parts.append(before)
        if not opened:
            break
        if closed and name in words:
            parts.append(words[name])
            rest = following
        else:
            parts.append(opened)
            rest = after
    return "".join(parts)


def filled(value: Any, words: Mapping[str, str], depth: int = DEPTH_MAX) -> Any:
    """Fill every text within a JSON value."""
    if isinstance(value, str):
        return fill(value, words)
    if depth and isinstance(value, Mapping):
        return {name: filled(inner, words, depth - 1) for name, inner in value.items()}
    if depth and isinstance(value, list | tuple):
        return [filled(inner, words, depth - 1) for inner in value]
    return value


def at_path(answer: bytes, path: str) -> str | None:
    """Return the value at a dotted path of a JSON text as a word; None where there is none."""
    try:
        found: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else None


def _one_line(value: str) -> str:
    return " ".join(value.split())
