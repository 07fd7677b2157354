"""Reading a request's body: only of the announced kind, only up to its limit, only for so long."""

import asyncio
import json
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from pdm_app.domain.errors import FieldIssue, InvalidInputError
from pdm_app.endpoints.answers import HttpError

FORM = "application/x-www-form-urlencoded"
FORM_FIELDS_MAX = 20
READ_S_MAX = 30.0


def media_type(request: Request, allowed: Collection[str]) -> str:
    """Return the announced kind of the body.

    Raises:
        HttpError: 415: another kind, or compressed.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if given not in allowed or encoding != "identity":
        what = given or "no content type"
        raise HttpError(
            415,
            "unsupported_media_type",
            f"This takes {' or '.join(allowed)}, uncompressed, not {what[:80]}. Set the Content-Type header.",
        )
    return given


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Read the whole body.

    Raises:
        HttpError: 413 when it is larger than ``bytes_max``, announced or not; 408 when it does not come.
        ClientDisconnect: The caller went away before its end.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > bytes_max:
        raise _too_large(bytes_max)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_S_MAX):
            async for part in request.stream():
                size += len(part)
                if size > bytes_max:
                    raise _too_large(bytes_max)
                parts.append(part)
    except TimeoutError:
        raise HttpError(408, "timeout", f"The body did not arrive within {READ_S_MAX:g} s. Send it again.") from None
    return b"".join(parts)


def _too_large(bytes_max: int) -> HttpError:
    return HttpError(
        413, "too_large", f"The body is larger than {bytes_max} bytes. Send it in several calls.", Connection="close"
    )


def decode_json(body: bytes) -> Any:
    """Decode JSON.

    NaN, Infinity and numbers too large for a double are decoded, too, though JSON knows none of them: then only the
    sample that has one is refused, and not the call.

    Raises:
        InvalidInputError: It is no JSON, such as a body cut short; says where it stops being JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = f"is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        fix = "send one complete JSON object in UTF-8"
        raise InvalidInputError(f"The body {problem}; {fix}.", [FieldIssue("body", problem, fix)]) from None


def decode_form(body: bytes) -> dict[str, str]:
    """Decode the fields of an HTML form.

    Raises:
        InvalidInputError: Not a form, or with too many fields.
    """
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX))
    except ValueError:
        problem = f"is no form of up to {FORM_FIELDS_MAX} fields in UTF-8"
        raise InvalidInputError(f"The body {problem}.", [FieldIssue("body", problem, "send the page's form")]) from None
