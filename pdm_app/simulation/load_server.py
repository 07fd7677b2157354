"""A plant of many plain signals for benchmarks: ``async with running_load_server(data_dir, clock) as server``.

It is an OPC UA server in a process of its own. Each signal changes once a second, and its value is the source time in
microseconds UTC; `LoadServer.definition` holds the records that a collector needs to read it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.errors import UnavailableError
from pdm_app.domain.ports import Clock
from pdm_app.domain.signals import Signal
from pdm_app.simulation.plant import HOST, PlantDefinition
from pdm_app.simulation.ports import free_port
from pdm_app.simulation.process import ChildProcess, ChildStatus, Message

SIGNALS = 1000
FIRST_SIGNAL_ID = 1001
USUAL_PORT = 4860
READY_WITHIN_S = 60.0
PUBLISHING_MS = 10  # The server's publishing interval is the largest part of the way from a machine to the screen.


@dataclass(frozen=True, slots=True)
class LoadServer:
    """The running server and the records that describe it."""

    definition: PlantDefinition
    child: ChildProcess

    @property
    def status(self) -> ChildStatus:
        return self.child.status


def load_definition(signals: int, port: int) -> PlantDefinition:
    """Return a site with one machine of ``signals`` signals behind one OPC UA connection."""
    site = Site(id="load", code="LOAD", name="Load", time_zone="UTC", currency="EUR")
    area = Area(id="load", site_id=site.id, name="Load")
    line = Line(id="load", site_id=site.id, area_id=area.id, name="Load")
    asset = Asset(
        id="load",
        site_id=site.id,
        line_id=line.id,
        code="LOAD-1",
        name="Load generator",
        asset_class="Load generator",
        simulated=True,
    )
    connection = Connection(
        id="load",
        site_id=site.id,
        name="Load",
        driver="opcua",
        endpoint=f"opc.tcp://{HOST}:{port}",
        options={"publishing_ms": PUBLISHING_MS, "security": "none"},
        simulated=True,
    )
    return PlantDefinition(
        sites=(site,),
        areas=(area,),
        lines=(line,),
        assets=(asset,),
        devices=(
            Device(
                id="load",
                site_id=site.id,
                code="LOAD-1-CTL",
                name="Load controller",
                asset_id=asset.id,
                connection_id=connection.id,
                simulated=True,
            ),
        ),
        connections=(connection,),
        signals=tuple(
            Signal(
                id=FIRST_SIGNAL_ID + row,
                site_id=site.id,
                asset_id=asset.id,
                name=f"Stamp_{row}",
                label=f"Stamp {row}",
                unit="us",
                decimals=0,
                position=row,
                connection_id=connection.id,
                address={"node": f"ns=2;s=Load.{row}"},
                simulated=True,
            )
            for row in range(signals)
        ),
        rules=(),
    )


async def _ignore(name: str, message: Message) -> None:
    """Hear nothing: the server says only that it is ready, which its process notes by itself."""
    del name, message


@contextlib.asynccontextmanager
async def running_load_server(data_dir: Path, clock: Clock, signals: int = SIGNALS) -> AsyncIterator[LoadServer]:
    """Run the server for as long as the block lasts; it serves when the block begins.

    Raises:
        UnavailableError: It does not serve in time; says what it said last.
    """
    port = free_port(USUAL_PORT)
    definition = load_definition(signals, port)
    nodes = [str(signal.address["node"]) for signal in definition.signals]
    await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
    child = ChildProcess(
        "load",
        "pdm_app.simulation.children.load_server",
        lambda: {"port": port, "nodes": nodes},
        _ignore,
        data_dir,
        clock,
        port,
    )
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as group:
        running = group.create_task(child.keep())
        try:
            try:
                await asyncio.wait_for(child.ready(), READY_WITHIN_S)
            except TimeoutError:
                raise UnavailableError(
                    f"The load server did not serve on port {port} within {READY_WITHIN_S:g} s."
                    f" It said last: {child.said_last() or 'nothing'}."
                ) from None
            yield LoadServer(definition, child)
        except BaseException as error:
            failure = error  # Raised below as it came, not wrapped into a group.
        running.cancel()
    if failure is not None:
        raise failure
