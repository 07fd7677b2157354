"""What can go wrong with a call, as exceptions: one class for each thing that a program does differently."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

BROKEN_SERVER: Final = "INTERNAL_SERVER_ERROR"


class Issue(TypedDict):
    """One thing wrong with an input: where (names and positions), what, and the kind of mistake."""

    loc: list[str | int]
    msg: str
    type: str


class RpcError(Exception):
    """Any failure of a call or a subscription."""


class RpcConnectionError(RpcError, ConnectionError):
    """The server was not reached, or did not answer in tRPC.

    Attributes:
        url: What was called.
        may_be_done: The request may have reached the server, so a mutation may have had its effect.
    """

    def __init__(self, url: str, attempt: str, cause: object, advice: str, *, may_be_done: bool = False) -> None:
        super().__init__(f"{url} {attempt}: {cause}. {advice}")
        self.url = url
        self.may_be_done = may_be_done


class RpcTimeoutError(RpcError, TimeoutError):
    """The answer did not come in time.

    Attributes:
        path: The procedure.
        timeout_s: The time it had.
    """

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__(
            f"{path} was not answered within {timeout_s:g} s. It may still have its effect; ask for the state before "
            "repeating a mutation, or allow more time with options(timeout_s=...)."
        )
        self.path = path
        self.timeout_s = timeout_s


class ClosedError(RpcError):
    """The client is closed."""

    def __init__(self) -> None:
        super().__init__("This client is closed. Make a new one.")


class CallError(RpcError):
    """The server's answer is an error.

    Attributes:
        code: tRPC's key, such as ``NOT_FOUND``.
        message: The server's text, meant for people.
        path: The procedure.
        http_status: The HTTP status of the code.
        data: All facts that came along, those above included.
        retry_after_s: When to try again, where the server said so.
    """

    def __init__(
        self, code: str, message: str, data: Mapping[str, Any] | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{code}: {message}" if message != code else code)
        self.code = code
        self.message = message
        self.data = dict(data or {})
        self.path = str(self.data.get("path") or "")
        status = self.data.get("httpStatus")
        self.http_status = status if isinstance(status, int) else 500
        self.retry_after_s = retry_after_s if retry_after_s is not None else _retry_after_s(self.data)

    @property
    def issues(self) -> list[Issue]:
        """What is wrong with the input; empty where that is not what failed."""
        found: list[Issue] = self.data.get("issues") or []
        return found

    @property
    def correlation_id(self) -> str | None:
        """Quote it when reporting a failure of the server."""
        found = self.data.get("correlationId")
        return found if isinstance(found, str) else None

    @property
    def is_temporary(self) -> bool:
        """The same call may succeed later."""
        return self.code in _TEMPORARY


class InvalidInputError(CallError):
    """The input is wrong; ``issues`` says where."""


class UnauthorizedError(CallError):
    """There are no credentials, or they are no longer good: sign in again."""


class ForbiddenError(CallError):
    """The caller is known and may not do this."""


class NotFoundError(CallError):
    """There is no such thing, or no such procedure."""


class ConflictError(CallError):
    """It contradicts what is stored: read it again, then decide."""


class TooManyRequestsError(CallError):
    """A limit is reached: wait for ``retry_after_s``."""


class UnavailableError(CallError):
    """The server, or something behind it, is away for now."""


_KINDS: Final[Mapping[str, type[CallError]]] = {
    "PARSE_ERROR": InvalidInputError,
    "BAD_REQUEST": InvalidInputError,
    "UNPROCESSABLE_CONTENT": InvalidInputError,
    "PAYLOAD_TOO_LARGE": InvalidInputError,
    "UNAUTHORIZED": UnauthorizedError,
    "FORBIDDEN": ForbiddenError,
    "NOT_FOUND": NotFoundError,
    "CONFLICT": ConflictError,
    "PRECONDITION_FAILED": ConflictError,
    "TOO_MANY_REQUESTS": TooManyRequestsError,
    "BAD_GATEWAY": UnavailableError,
    "SERVICE_UNAVAILABLE": UnavailableError,
    "GATEWAY_TIMEOUT": UnavailableError,
}
_TEMPORARY: Final = frozenset(
    code for code, kind in _KINDS.items() if issubclass(kind, UnavailableError | TooManyRequestsError)
)


def call_error(shape: Any, retry_after_s: float | None = None) -> CallError:
    """Turn the error object of the wire into the exception of its code.

    Raises:
        TypeError, AttributeError: It is no such object.
    """
    data = shape.get("data") or {}
    code = str(data.get("code") or BROKEN_SERVER)
    return _KINDS.get(code, CallError)(code, str(shape.get("message") or code), data, retry_after_s)


def _retry_after_s(data: Mapping[str, Any]) -> float | None:
    """Find the wait among the facts, under the names that servers give it."""
    facts = data.get("facts")
    for place in (data, facts if isinstance(facts, Mapping) else {}):
        for name in ("retry_after_s", "retryAfterS", "retryAfter"):
            wait_s = place.get(name)
            if isinstance(wait_s, int | float) and not isinstance(wait_s, bool):
                return float(wait_s)
    return None
