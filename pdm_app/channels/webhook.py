"""Messages to another program: a signed JSON body, or the shapes that Teams and Slack take.

The signature follows Standard Webhooks: HMAC-SHA256 over id, time and body, so that the receiver can tell that nothing
was changed and refuse what is old; ``webhook-id`` stays the same in every attempt, by which a repeat is recognised.

Source: https://github.com/standard-webhooks/standard-webhooks (specification 1.0).
"""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from pdm_app.channels.http_hand_over import hand_over
from pdm_app.domain.notice_channels import SECRET_PART, URL_MAX, Shape, WebhookReceiver
from pdm_app.domain.notices import ChannelKind, DeliveryError, OutgoingMessage
from pdm_app.domain.ports import Clock
from pdm_app.domain.samples import MICROS_PER_S

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark that the specification puts before a secret


class WebhookChannel:
    """Posts messages."""

    kind = ChannelKind.WEBHOOK

    def __init__(self, receiver: WebhookReceiver, clock: Clock, secret: SecretStr | None = None) -> None:
        self._receiver = receiver
        self._secret = secret
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=receiver.timeout_s, follow_redirects=False)

    async def send(self, message: OutgoingMessage) -> str:
        """See `Channel.send`; ``to`` is a URL, or a host alone, which stands for the receiver as it is set up now.

        So what waits goes where an admin has moved the receiver to. A secret goes to the receiver only.
        """
        url = self._url(message.to)
        content = json.dumps(shaped(message, self._receiver.shape), ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        if self._receiver.shape == "json":
            sent_at = str(self._clock.now() // MICROS_PER_S)
            headers |= {"webhook-id": message.id, "webhook-timestamp": sent_at}
            if self._secret is not None:
                secret = self._secret.get_secret_value()
                headers["webhook-signature"] = signature(secret, message.id, sent_at, content)
        place = f"The receiver {host_of(url)}"
        answer = await hand_over(self._client, "POST", url, place=place, content=content, headers=headers)
        return answer.reply

    def _url(self, to: str) -> str:
        is_ours = bool(self._receiver.url) and WebhookReceiver(url=to[:URL_MAX]).place == to
        url = self._receiver.url if is_ours else to
        if SECRET_PART not in url:
            return url
        if not is_ours:
            raise DeliveryError("The secret goes to the receiver that is set up, and nowhere else.", is_final=True)
        if self._secret is None:
            raise DeliveryError(
                f"The URL of the receiver {self._receiver.place} needs a secret, and none is kept. "
                "Put it in on the page Notices; the message waits."
            )
        return url.replace(SECRET_PART, quote(self._secret.get_secret_value(), safe="/"))

    async def close(self) -> None:
        await self._client.aclose()


def host_of(url: str) -> str:
    """Return the host, or the whole where there is none; a path may hold what is nobody's business."""
    try:
        return httpx.URL(url).host or repr(url)
    except httpx.InvalidURL:
        return repr(url)


def signature(secret: str, message_id: str, sent_at: str, body: bytes) -> str:
    """Return the value of ``webhook-signature``.

    A secret that begins with ``whsec_`` is base64 of its bytes, as receivers' libraries hand it out; another one is
    taken as it stands.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX)) if secret.startswith(SECRET_PREFIX) else secret.encode()
    digest = hmac.new(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def shaped(message: OutgoingMessage, shape: Shape) -> dict[str, Any]:
    """Return the JSON body that a kind of receiver takes."""
    if shape == "slack":
        return {"text": f"*{message.subject}*\n{message.body}" if message.subject else message.body}
    if shape == "teams":
        title = {"type": "TextBlock", "text": message.subject, "weight": "bolder", "wrap": True}
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [*([title] if message.subject else []), {"type": "TextBlock", "text": message.body, "wrap": True}],
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return {"type": "message", "attachments": [attachment]}
    return {
        "type": "alarm.notice",
        "id": message.id,
        "at": message.at,
        "subject": message.subject,
        "text": message.body,
        "priority": message.priority,
        "is_repeat": message.is_repeat,
    }
