"""How the product's errors read on the wire."""

from math import ceil
from typing import Annotated

from pydantic import Field

from pdm_app.domain.errors import (
    ConflictError,
    ConnectionFailedError,
    FencedError,
    InvalidInputError,
    NotFoundError,
    NotSupportedError,
    PdmError,
    PermissionDeniedError,
    TooManyAttemptsError,
    UnauthenticatedError,
    UnavailableError,
)
from pdm_app.trpc import ErrorCode, ErrorData, Issue, TrpcError

_CODES: tuple[tuple[type[PdmError], ErrorCode], ...] = (
    (InvalidInputError, "BAD_REQUEST"),
    (UnauthenticatedError, "UNAUTHORIZED"),
    (PermissionDeniedError, "FORBIDDEN"),
    (NotFoundError, "NOT_FOUND"),
    (ConflictError, "CONFLICT"),
    (TooManyAttemptsError, "TOO_MANY_REQUESTS"),
    (NotSupportedError, "NOT_IMPLEMENTED"),
    (ConnectionFailedError, "BAD_GATEWAY"),
    (FencedError, "SERVICE_UNAVAILABLE"),
    (UnavailableError, "SERVICE_UNAVAILABLE"),
)


# Errors about what the caller asked for. The facts of all others are about the machinery: they are for the log.
_TELLING: tuple[type[PdmError], ...] = (
    InvalidInputError,
    PermissionDeniedError,
    NotFoundError,
    ConflictError,
    TooManyAttemptsError,
)
_INSIDE = frozenset({"place", "path"})  # Of the database and of files on the server.


class ProductErrorData(ErrorData, total=False):
    """Facts about an error, beside ``code``, ``httpStatus`` and ``path``."""

    facts: Annotated[dict[str, object], Field(description="What the text is made of, such as the missing permission.")]


def translate(error: Exception) -> TrpcError | None:
    """Turn an error made on purpose into its code and facts; None for a fault of the program."""
    return wire_error(error) if isinstance(error, PdmError) else None


def wire_error(error: PdmError) -> TrpcError:
    """Turn the product's error into the one of its code; its text is meant for people."""
    code: ErrorCode = next((code for kind, code in _CODES if isinstance(error, kind)), "PRECONDITION_FAILED")
    facts: dict[str, object] = {}
    told = {name: fact for name, fact in error.facts.items() if name not in _INSIDE}
    if told and isinstance(error, _TELLING):
        facts["facts"] = told
    if isinstance(wait_s := error.facts.get("retry_after_s"), int | float):
        facts["retryAfterS"] = ceil(wait_s)
    if isinstance(error, InvalidInputError) and error.issues:
        facts["issues"] = [
            Issue(
                loc=[*issue.field.split(".")],
                msg=f"{issue.problem}; {issue.fix}" if issue.fix else issue.problem,
                type="value_error",
            )
            for issue in error.issues
        ]
    return TrpcError(code, error.message, data=facts)
