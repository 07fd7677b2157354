"""Serve the root router: who may connect, how the product's errors read on the wire, and which limits hold."""

from collections.abc import Callable

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
from pdm_app.rpc.context import Visitor, authorize, create_context
from pdm_app.rpc.root import root
from pdm_app.services.catalogue import Services
from pdm_app.trpc import CallRecord, ConnectionInfo, ErrorCode, Limits, TrpcApp, TrpcError

PATH = "/trpc"

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


def translate(error: Exception) -> TrpcError | None:
    """Turn an error made on purpose into its code and facts; None for a fault of the program."""
    if not isinstance(error, PdmError):
        return None
    code: ErrorCode = next((code for kind, code in _CODES if isinstance(error, kind)), "PRECONDITION_FAILED")
    facts: dict[str, object] = {"facts": dict(error.facts)} if error.facts else {}
    if isinstance(error, InvalidInputError) and error.issues:
        facts["issues"] = [
            {"loc": issue.field.split("."), "msg": f"{issue.problem}; {issue.fix}" if issue.fix else issue.problem}
            for issue in error.issues
        ]
    return TrpcError(code, error.message, data=facts)


def make_rpc(
    find: Callable[[], Services | None],
    on_call: Callable[[CallRecord], None] | None = None,
    limits: Limits | None = None,
) -> TrpcApp[Visitor]:
    """Build the RPC application.

    Args:
        find: Returns the product's services, or None while it starts or stops: every call is then told to come back.
        on_call: Told about each finished call.
        limits: Bounds on what clients may hold; the engine's own for None.
    """

    async def context(connection: ConnectionInfo) -> Visitor:
        services = find()
        if services is None:
            raise TrpcError("SERVICE_UNAVAILABLE", "The product starts or stops. Try again in a moment.")
        return await create_context(services, connection)

    return TrpcApp(
        root, create_context=context, authorize=authorize, translate=translate, on_call=on_call, limits=limits
    )
