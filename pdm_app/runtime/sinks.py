"""Puts sinks together: adapters, the engine's part and the service."""

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from pdm_app.domain.committed import Committed
from pdm_app.domain.ports import Buffer, Clock, Fence
from pdm_app.domain.repositories import UnitOfWork
from pdm_app.engine.recorder import Recorder
from pdm_app.engine.sink_feed import SinkFeed
from pdm_app.engine.supervisor import Stage, Supervisor
from pdm_app.services.secret_store import SecretStore
from pdm_app.services.sinks import SinkService, sink_secret
from pdm_app.sinks.doors import FOLDER, SinkDoors


def begin_sinks(
    data_dir: Path,
    buffer: Buffer,
    recorder: Recorder,
    committed: Committed,
    work: UnitOfWork,
    store: SecretStore,
    clock: Clock,
    fence: Callable[[], Awaitable[Fence]],
    supervisor: Supervisor,
) -> tuple[SinkFeed, SinkService]:
    """Start what sends samples; return it and what can be asked of it."""
    doors = SinkDoors(data_dir / FOLDER, clock)
    feed = SinkFeed(
        buffer, lambda: recorder.position, committed, work, clock, fence, doors,
        sink_secret(work, store), supervisor, f"{socket.gethostname()}:{data_dir}:{buffer.identity}",
    )  # fmt: skip
    supervisor.start("sinks", feed.run, stage=Stage.CONSUMER, backoff=feed.backoff, on_retry=feed.retrying,
                     drain=feed.drain)  # fmt: skip
    return feed, SinkService(work, store, clock, doors, feed)
