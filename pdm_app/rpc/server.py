"""Serve the root router: who may connect, which limits hold, and what is counted."""

from collections.abc import Callable
from dataclasses import replace

from pdm_app.rpc.context import Visitor, authorize, create_context
from pdm_app.rpc.errors import translate
from pdm_app.rpc.root import root
from pdm_app.services.catalogue import Services
from pdm_app.services.latency_series import LatencySeries
from pdm_app.services.metrics import Metrics
from pdm_app.settings import RpcSettings
from pdm_app.trpc import CallRecord, ConnectionInfo, Limits, TrpcApp, TrpcError

PATH = "/trpc"
REST_PREFIX = "/api/v1"
NO_PROCEDURE = "none"  # What anybody may invent must not become a time series.


def make_rpc(
    find: Callable[[], Services | None],
    *,
    settings: RpcSettings | None = None,
    metrics: Metrics | None = None,
    limits: Limits | None = None,
) -> TrpcApp[Visitor]:
    """Build the RPC application.

    Args:
        find: Returns the product's services, or None while it starts or stops: every call is then told to come back.
        settings: Bounds on what one caller may ask for.
        metrics: Where calls are counted.
        limits: Replaces the bounds that the settings give.
    """
    settings = settings or RpcSettings()

    async def context(connection: ConnectionInfo) -> Visitor:
        services = find()
        if services is None:
            raise TrpcError(
                "SERVICE_UNAVAILABLE", "The product starts or stops. Try again in a moment.", data={"retryAfterS": 1}
            )
        return await create_context(services, connection)

    rpc = TrpcApp(
        root,
        create_context=context,
        authorize=authorize,
        translate=translate,
        on_call=_counting(metrics.rpc_latency_seconds) if metrics is not None else None,
        limits=limits or _limits(settings),
        rate=_rate(settings),
        rate_key=_caller,
    )
    if metrics is not None:
        _show(rpc, metrics)
    return rpc


def apply(rpc: TrpcApp[Visitor], settings: RpcSettings) -> None:
    """Have a server go by these settings from now on."""
    rpc.apply(_limits(settings, rpc.limits), _rate(settings))


def _rate(settings: RpcSettings) -> str:
    return f"{settings.calls_per_minute}/minute" if settings.calls_per_minute else ""


def _limits(settings: RpcSettings, others: Limits | None = None) -> Limits:
    return replace(
        others or Limits(),
        call_timeout_s=settings.call_s,
        body_bytes_max=settings.body_bytes_max,
        message_bytes_max=settings.body_bytes_max,
        upload_bytes_max=settings.upload_bytes_max,
        batch_max=settings.batch_max,
        subscriptions_max=settings.subscriptions_max,
        connections_max=settings.connections_max,
    )


def _caller(visitor: Visitor, connection: ConnectionInfo) -> str:
    """Tell callers apart by who they are; those who are nobody yet by where they call from."""
    return visitor.actor.id if visitor.actor is not None else f"address {connection.client_host}"


def _counting(latency: LatencySeries) -> Callable[[CallRecord], None]:
    """Return what observes each call; the series of a procedure and code is looked up once."""
    observers: dict[tuple[str, str], Callable[[float], None]] = {}

    def count(call: CallRecord) -> None:
        path = call.procedure.path if call.procedure is not None else NO_PROCEDURE
        observe = observers.get((path, call.code))
        if observe is None:
            observe = observers[path, call.code] = latency.labels(path, call.code).observe
        observe(call.duration_s)

    return count


def _show(rpc: TrpcApp[Visitor], metrics: Metrics) -> None:
    stats = rpc.stats
    metrics.lasting_gauge("rpc_websockets", "WebSockets open.", lambda: stats.websockets_open)
    metrics.lasting_gauge("rpc_event_streams", "Event streams of subscriptions open.", lambda: stats.streams_open)
    metrics.lasting_gauge("rpc_subscriptions", "Subscriptions live.", lambda: stats.subscriptions_open)
    metrics.lasting_counter("rpc_events_sent_total", "Events of subscriptions sent.", lambda: stats.events_sent)
    metrics.lasting_counter(
        "rpc_events_coalesced_total",
        "Events replaced by newer ones for clients that could not keep up.",
        lambda: stats.events_coalesced,
    )
    metrics.lasting_counter(
        "rpc_clients_stalled_total", "Clients dropped because they took nothing.", lambda: stats.clients_stalled
    )
    metrics.lasting_counter(
        "rpc_connections_refused_total", "WebSockets and event streams refused.", lambda: stats.connections_refused
    )
