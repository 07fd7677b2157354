"""An OPC UA server for benchmarks: many signals, each published once a second with its own time of birth as value.

The value is the source time in microseconds UTC, which a double holds exactly; whoever shows it knows its age without
having kept anything. The signals are spread evenly over ``PUBLISHES_PER_S`` moments of the second.
"""

import asyncio
import time
from datetime import timedelta
from typing import cast

from asyncua import ua
from asyncua.server.server import Server

from pdm_app.simulation.children.child import ChildLink, Message, run_child
from pdm_app.simulation.children.opcua_server import EPOCH, start_server

PUBLISHES_PER_S = 5
URI = "urn:load"
NODES_PER_STAMP = 20  # Writing one takes about 50 µs; a stamp for all 200 would count that as the product's latency.


async def _add_nodes(server: Server, nodes: list[str]) -> list[ua.NodeId]:
    added = []
    for text in nodes:
        node_id = ua.NodeId.from_string(text)
        await server.nodes.objects.add_variable(
            node_id, ua.QualifiedName(text.partition("s=")[2], 2), 0.0, varianttype=ua.VariantType.Double
        )
        added.append(node_id)
    return added


def _born_now() -> ua.DataValue:
    at = time.time_ns() // 1000
    stamp = cast(ua.DateTime, EPOCH + timedelta(microseconds=at))
    return ua.DataValue(
        ua.Variant(float(at), ua.VariantType.Double), ua.StatusCode(), SourceTimestamp=stamp, ServerTimestamp=stamp
    )


async def serve(link: ChildLink, configuration: Message) -> None:
    """Serve until cancelled."""
    server = await start_server(configuration["port"], URI, "Load")
    nodes = await _add_nodes(server, configuration["nodes"])
    groups = [nodes[start::PUBLISHES_PER_S] for start in range(PUBLISHES_PER_S)]
    async with server:
        link.tell(ready=True)
        due_s, turn = time.monotonic(), 0
        while True:
            group = groups[turn % PUBLISHES_PER_S]
            for start in range(0, len(group), NODES_PER_STAMP):
                value = _born_now()
                for node_id in group[start : start + NODES_PER_STAMP]:
                    await server.write_attribute_value(node_id, value)
            turn += 1
            due_s = max(due_s + 1 / PUBLISHES_PER_S, time.monotonic() - 1)
            await asyncio.sleep(max(due_s - time.monotonic(), 0))


if __name__ == "__main__":
    run_child(serve)
