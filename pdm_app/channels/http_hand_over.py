"""One HTTP request as an attempt to hand something over: which answers are final, and which ask to come back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from pdm_app.domain.notices import REPLY_MAX, DeliveryError

BLOT = "…"
RETRY_AFTER_S_MAX = 3600.0
ANSWER_BYTES_MAX = 64 * 1024
LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
SIGN_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body, and the whole in one line for the log of a delivery, without our secret."""

    body: bytes
    reply: str


async def hand_over(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    place: str,
    content: bytes,
    headers: Mapping[str, str],
    secret: str = "",
) -> Answer:
    """Send one request; return an answer below 300.

    Redirects are not followed: a message with its secrets goes where an admin has said, and nowhere else.

    Args:
        client: Its time-outs hold.
        method: Of the request.
        url: Where to.
        place: How the other side is called in messages.
        content: The body.
        headers: Of the request.
        secret: Blotted out where the other side repeats it.

    Raises:
        DeliveryError: Not taken; says whether trying again can help, and when.
    """
    try:
        async with (
            asyncio.timeout(client.timeout.read),  # Of the whole: an answer may drip for ever.
            client.stream(method, url, content=content, headers=headers) as answer,
        ):
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > ANSWER_BYTES_MAX:
                    break
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise DeliveryError(
            f"{place} cannot be reached: {_words(error)}. The message waits and is tried again.", reply=_words(error)
        ) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise DeliveryError(
            f"{place} has no address that can be called: {error}. Correct it.", reply=str(error)
        ) from error
    except (httpx.HTTPError, TimeoutError) as error:
        raise DeliveryError(
            f"{place} has hung up or did not answer in time: {_words(error)}. The message is tried again.",
            reply=_words(error), is_unknown=True,
        ) from error  # fmt: skip
    whole = bytes(body[:ANSWER_BYTES_MAX])
    reply = _said(answer.status_code, whole, secret)
    if answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(whole, reply)
    raise _refusal(answer, reply, place)


def _refusal(answer: httpx.Response, reply: str, place: str) -> DeliveryError:
    status = answer.status_code
    if status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return DeliveryError(
            f"{place} asks to come back later: {reply}.", reply=reply, retry_after_s=_retry_after_s(answer)
        )
    if status in SIGN_IN:
        return DeliveryError(
            f"{place} does not let us in: {reply}. Correct the credentials; the message waits.", reply=reply
        )
    if status < HTTPStatus.BAD_REQUEST:
        return DeliveryError(
            f"{place} has moved to {answer.headers.get('location', 'somewhere else')!r}: {reply}. Correct its address.",
            reply=reply,
        )
    return DeliveryError(f"{place} refuses the message for good: {reply}.", reply=reply, is_final=True)


def _said(status: int, body: bytes, secret: str) -> str:
    words = " ".join(body.decode("utf-8", "replace").split())
    words = words.replace(secret, BLOT) if secret else words
    return f"{status} {words}".strip()[:REPLY_MAX]


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Seconds or a date. Source: RFC 9110, section 10.2.3."""
    given = answer.headers.get("retry-after", "").strip()
    if not given:
        return None
    try:
        if given.isdigit():
            seconds = float(given)
        else:
            sent = parsedate_to_datetime(answer.headers["date"])  # By the other side's own clock.
            seconds = (parsedate_to_datetime(given) - sent).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_S_MAX)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
