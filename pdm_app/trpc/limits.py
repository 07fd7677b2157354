"""Limits of the RPC server, each with what happens when it is reached, and the counters that show it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on everything a client can make the server hold or wait for.

    Attributes:
        body_bytes_max: HTTP body. More: PAYLOAD_TOO_LARGE.
        upload_bytes_max: Body of a procedure that takes a ``ByteStream`` or a form with files. More: PAYLOAD_TOO_LARGE
            while reading it.
        upload_memory_bytes: Of one file of a form; more of it waits in a temporary file on disk.
        form_parts_max: Fields and files of a form together. More: PAYLOAD_TOO_LARGE.
        url_bytes_max: Path and query string. More: PAYLOAD_TOO_LARGE.
        message_bytes_max: WebSocket message. More: PAYLOAD_TOO_LARGE, then close 1009.
        batch_max: Calls in one request or frame. More: BAD_REQUEST.
        call_timeout_s: A query or mutation, its input's arrival included. Longer: cancelled, TIMEOUT.
        connections_max: Open WebSockets and event streams together. More: refused (1013, SERVICE_UNAVAILABLE).
        calls_in_flight_max: Unanswered calls per WebSocket. More: TOO_MANY_REQUESTS.
        subscriptions_max: Live subscriptions per WebSocket. More: TOO_MANY_REQUESTS.
        outbox_frames_max: Unsent frames per connection. More: generators wait, coalescing ones replace their event.
        outbox_bytes_max: Unsent bytes per connection, likewise.
        stalled_s: A client that takes no frame for this long is disconnected (4008) and may resume.
        params_wait_s: Wait for the connectionParams frame. Longer: PARSE_ERROR and close.
        ping_s: A silent WebSocket is pinged after this long.
        pong_wait_s: A ping unanswered for this long closes the connection (4009).
        authorize_every_s: Live subscriptions are authorised again this often.
        cleanup_s: Time for generators' ``finally`` blocks once their client is gone. Longer: reported as a fault.
        sse_ping_s: Silence after which an event stream sends a ping.
        sse_reconnect_after_s: Told to clients: reconnect after this much silence. Must exceed ``sse_ping_s``.
        sse_max_s: Longest life of one event stream; the client comes back with its last id.
        jsonl_ping_s: Silence after which a streamed batch sends a space.
    """

    body_bytes_max: int = 1024 * 1024
    upload_bytes_max: int = 512 * 1024 * 1024
    upload_memory_bytes: int = 256 * 1024
    form_parts_max: int = 100
    url_bytes_max: int = 32 * 1024
    message_bytes_max: int = 1024 * 1024
    batch_max: int = 100
    call_timeout_s: float = 30.0
    connections_max: int = 2_000
    calls_in_flight_max: int = 64
    subscriptions_max: int = 256
    outbox_frames_max: int = 512
    outbox_bytes_max: int = 4 * 1024 * 1024
    stalled_s: float = 15.0
    params_wait_s: float = 10.0
    ping_s: float = 30.0
    pong_wait_s: float = 5.0
    authorize_every_s: float = 15.0
    cleanup_s: float = 5.0
    sse_ping_s: float = 10.0
    sse_reconnect_after_s: float = 30.0
    sse_max_s: float = 3600.0
    jsonl_ping_s: float = 15.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ValueError(f"Limits.{name} must be above 0, not {getattr(self, name)}.")
        if self.sse_ping_s >= self.sse_reconnect_after_s:
            raise ValueError(
                f"Limits.sse_ping_s ({self.sse_ping_s}) must be below sse_reconnect_after_s "
                f"({self.sse_reconnect_after_s}), or idle clients reconnect for no reason."
            )


@dataclass(slots=True)
class Stats:
    """Counters of one ``TrpcApp``, for metrics. ``*_open`` go up and down, the others only up."""

    websockets_open: int = 0
    streams_open: int = 0
    subscriptions_open: int = 0
    events_sent: int = 0
    events_coalesced: int = 0
    clients_stalled: int = 0
    clients_silent: int = 0
    connections_refused: int = 0
