"""The OPC UA server of the plant in Graz: one variable per signal below ``Objects/<machine>``, read-only, unsecured.

Values carry the source time of their measurement. When the physics falls silent the values stay, as *uncertain, no
communication, last usable value* with the time at which that was noticed (OPC 10000-4, 7.11.2), until frames return.
"""

import asyncio
import gc
import logging
from datetime import UTC, datetime, timedelta
from typing import cast

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.simulation.children.frames import SILENT_AFTER_S, Frame, Freshness, open_feed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNECE_NAMESPACE = "http://www.opcfoundation.org/UA/units/un/cefact"
TYPES = {"number": ua.VariantType.Double, "integer": ua.VariantType.Int32}

_LAST_USABLE = ua.StatusCode(ua.UInt32(StatusCodes.UncertainNoCommunicationLastUsableValue))
_SENSOR_FAILED = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
_WAITING = ua.StatusCode(ua.UInt32(StatusCodes.BadWaitingForInitialData))


def moment(at: int) -> ua.DateTime:
    """Return microseconds UTC as the time type of the protocol library."""
    return cast(ua.DateTime, EPOCH + timedelta(microseconds=at))


def _now() -> ua.DateTime:
    return cast(ua.DateTime, datetime.now(UTC))


async def start_server(port: int, uri: str, name: str) -> Server:
    """Return a server on loopback that is ready to get its nodes; it does not listen yet."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    server = Server()
    gc.disable()  # The standard address space makes a million objects that all stay.
    await server.init()
    gc.freeze()
    gc.enable()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_server_name(name)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace(uri)
    return server


class Tags:
    """The variables of one machine and what they hold."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._node: dict[str, Node] = {}
        self._type: dict[str, ua.VariantType] = {}
        self._last: Frame | None = None
        self.freshness = Freshness()
        self._is_silent = False

    async def add(self, machine: str, rows: list[Message]) -> None:
        """Create the machine's folder and variables, without values yet."""
        folder = await self._server.nodes.objects.add_object(
            ua.NodeId(ua.String(machine), ua.Int16(2)), ua.QualifiedName(machine, 2)
        )
        for row in rows:
            kind = TYPES[row["data_type"]]
            empty = ua.DataValue(ua.Variant(None, ua.VariantType.Null), _WAITING)
            node = await folder.add_variable(
                ua.NodeId.from_string(row["node"]), ua.QualifiedName(row["name"], 2), 0, varianttype=kind
            )
            await self._server.write_attribute_value(node.nodeid, empty)
            await node.write_attribute(
                AttributeIds.Description, ua.DataValue(ua.Variant(ua.LocalizedText(row["label"])))
            )
            if row["range"]:
                bounds = ua.Range(Low=row["range"][0], High=row["range"][1])
                await node.add_property(0, "EURange", bounds)
                unit = ua.EUInformation(
                    NamespaceUri=UNECE_NAMESPACE, UnitId=-1, DisplayName=ua.LocalizedText(row["unit"])
                )
                await node.add_property(0, "EngineeringUnits", unit)
            self._node[row["name"]] = node
            self._type[row["name"]] = kind

    def take(self, frame: Frame) -> None:
        """Note the newest frame; `write_forever` puts it into the variables."""
        self._last = frame
        self.freshness.seen()

    async def write_forever(self, wake: asyncio.Event) -> None:
        """Write every frame when ``wake`` is set, and the loss of the physics when nobody sets it for too long."""
        while True:
            try:
                await asyncio.wait_for(wake.wait(), SILENT_AFTER_S)
            except TimeoutError:
                if not self._is_silent and self.freshness.is_silent and self._last is not None:
                    self._is_silent = True
                    await self._write(self._last, _LAST_USABLE, _now())
                continue
            wake.clear()
            if self._last is not None:
                self._is_silent = False
                await self._write(self._last, ua.StatusCode(), moment(self._last.at))

    async def _write(self, frame: Frame, status: ua.StatusCode, source_at: ua.DateTime) -> None:
        server_at = _now()
        for name, node in self._node.items():
            if name in frame.values:
                said = frame.values[name]
                failed = said is None
                value = ua.DataValue(
                    ua.Variant(None, ua.VariantType.Null) if failed else ua.Variant(said, self._type[name]),
                    _SENSOR_FAILED if failed else status,
                    SourceTimestamp=source_at,
                    ServerTimestamp=server_at,
                )
                await self._server.write_attribute_value(node.nodeid, value)


async def serve(link: ChildLink, configuration: Message) -> None:
    """Serve until cancelled."""
    server = await start_server(configuration["port"], "urn:northfield:graz", "Controllers in Graz")
    machines, wakes = {code: Tags(server) for code in configuration["machines"]}, dict[str, asyncio.Event]()
    for code, rows in configuration["machines"].items():
        await machines[code].add(code, rows)
        wakes[code] = asyncio.Event()

    def take(frame: Frame) -> None:
        if frame.code in machines:
            machines[frame.code].take(frame)
            wakes[frame.code].set()

    feed = await open_feed(configuration["word"], take)
    async with server, asyncio.TaskGroup() as group:
        link.tell(ready=True, feed=feed)
        for code, tags in machines.items():
            group.create_task(tags.write_forever(wakes[code]))


if __name__ == "__main__":
    run_child(serve)
