"""The error vocabulary of tRPC: code keys, their JSON-RPC numbers and HTTP statuses, and the error a procedure raises.

Source: tRPC v11, ``rpc/codes.ts`` and ``http/getHTTPStatusCode.ts``.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from pydantic import ValidationError
from typing_extensions import TypedDict

ErrorCode = Literal[
    "PARSE_ERROR",
    "BAD_REQUEST",
    "UNAUTHORIZED",
    "PAYMENT_REQUIRED",
    "FORBIDDEN",
    "NOT_FOUND",
    "METHOD_NOT_SUPPORTED",
    "TIMEOUT",
    "CONFLICT",
    "PRECONDITION_FAILED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "UNPROCESSABLE_CONTENT",
    "PRECONDITION_REQUIRED",
    "TOO_MANY_REQUESTS",
    "CLIENT_CLOSED_REQUEST",
    "INTERNAL_SERVER_ERROR",
    "NOT_IMPLEMENTED",
    "BAD_GATEWAY",
    "SERVICE_UNAVAILABLE",
    "GATEWAY_TIMEOUT",
]

RETRY_AFTER: Final = "retryAfterS"
"""Key of ``TrpcError.data`` for the whole seconds to wait; over HTTP they are the ``Retry-After`` header as well."""

_NUMBER_AND_STATUS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "PARSE_ERROR": (-32700, 400),
        "BAD_REQUEST": (-32600, 400),
        "UNAUTHORIZED": (-32001, 401),
        "PAYMENT_REQUIRED": (-32002, 402),
        "FORBIDDEN": (-32003, 403),
        "NOT_FOUND": (-32004, 404),
        "METHOD_NOT_SUPPORTED": (-32005, 405),
        "TIMEOUT": (-32008, 408),
        "CONFLICT": (-32009, 409),
        "PRECONDITION_FAILED": (-32012, 412),
        "PAYLOAD_TOO_LARGE": (-32013, 413),
        "UNSUPPORTED_MEDIA_TYPE": (-32015, 415),
        "UNPROCESSABLE_CONTENT": (-32022, 422),
        "PRECONDITION_REQUIRED": (-32028, 428),
        "TOO_MANY_REQUESTS": (-32029, 429),
        "CLIENT_CLOSED_REQUEST": (-32099, 499),
        "INTERNAL_SERVER_ERROR": (-32603, 500),
        "NOT_IMPLEMENTED": (-32603, 501),
        "BAD_GATEWAY": (-32603, 502),
        "SERVICE_UNAVAILABLE": (-32603, 503),
        "GATEWAY_TIMEOUT": (-32603, 504),
    }
)
CODES: Final[tuple[ErrorCode, ...]] = get_args(ErrorCode)

ISSUES_MAX = 20  # A batch of 5,000 rows with one wrong column must not answer with megabytes of issues.
ISSUES_IN_MESSAGE = 3  # What a person reads; programs read ``error.data.issues``.


class Issue(TypedDict):
    """One thing wrong with an input: where (field names and indices), what, and pydantic's error type.

    The offending value is never part of it, so a mistyped password is not sent back or logged.
    """

    loc: list[str | int]
    msg: str
    type: str


class TrpcError(Exception):
    """An error whose code, message and data are meant for the client.

    Args:
        code: One of the keys of tRPC; it decides the JSON-RPC number and the HTTP status.
        message: Text for a person; the code key when empty, as in tRPC.
        data: Facts for programs, merged into ``error.data`` next to ``code``, ``httpStatus`` and ``path``. Must be
            JSON-serialisable.
    """

    def __init__(self, code: ErrorCode, message: str = "", *, data: Mapping[str, Any] | None = None) -> None:
        if code not in _NUMBER_AND_STATUS:
            raise ValueError(f"{code!r} is no tRPC error code; use one of {', '.join(CODES)}.")
        self.code: ErrorCode = code
        self.message = message or code
        self.data: dict[str, Any] = dict(data or {})
        super().__init__(f"{code}: {self.message}")

    @property
    def number(self) -> int:
        """The JSON-RPC number of the code."""
        return _NUMBER_AND_STATUS[self.code][0]

    @property
    def http_status(self) -> int:
        """The HTTP status of the code."""
        return _NUMBER_AND_STATUS[self.code][1]

    def shape(self, path: str | None = None) -> dict[str, Any]:
        """Return the error object of the wire. Keys of the protocol win over equally named keys of ``data``."""
        data: dict[str, Any] = {**self.data, "code": self.code, "httpStatus": self.http_status}
        if path is not None:
            data["path"] = path
        return {"message": self.message, "code": self.number, "data": data}


def invalid_input(error: ValidationError) -> TrpcError:
    """Turn pydantic's findings about an input into BAD_REQUEST with structured ``issues``."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    if details and details[0]["type"] == "json_invalid":
        return TrpcError("BAD_REQUEST", details[0]["msg"])
    return issues_error(issues_of(error))


def issues_of(error: ValidationError) -> list[Issue]:
    """Return pydantic's findings without the values they are about."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [Issue(loc=list(detail["loc"]), msg=detail["msg"], type=detail["type"]) for detail in details]


def issues_error(issues: Iterable[Issue]) -> TrpcError:
    """Return BAD_REQUEST for these issues: the first few in words, up to ``ISSUES_MAX`` of them in ``data``."""
    found = list(issues)
    words = [f"{_dotted(issue['loc'])}{issue['msg']}" for issue in found[:ISSUES_IN_MESSAGE]]
    if len(found) > ISSUES_IN_MESSAGE:
        words.append(f"and {len(found) - ISSUES_IN_MESSAGE} more")
    data: dict[str, Any] = {"issues": found[:ISSUES_MAX]}
    if len(found) > ISSUES_MAX:
        data["issuesTotal"] = len(found)
    return TrpcError("BAD_REQUEST", f"Invalid input: {'; '.join(words)}", data=data)


def _dotted(loc: list[str | int]) -> str:
    """Write a location as a person would: ``samples[3].value: ``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return f"{text}: " if text else ""
