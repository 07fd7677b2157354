"""Serve the root router: who may connect, and which limits hold."""

from collections.abc import Callable

from pdm_app.rpc.context import Visitor, authorize, create_context
from pdm_app.rpc.errors import translate
from pdm_app.rpc.root import root
from pdm_app.services.catalogue import Services
from pdm_app.trpc import CallRecord, ConnectionInfo, Limits, TrpcApp, TrpcError

PATH = "/trpc"
REST_PREFIX = "/api/v1"


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
