"""An OPC UA server to test against: ``python opcua_device.py PORT``.

Namespace 2 holds ``Counter`` (a new value every 100 ms), ``Level`` (2.5, a new source time every 100 ms), ``Setpoint``
(writable Int16), ``Label`` (text), ``Sick`` (status Bad Sensor Failure) and ``Row`` (an array).
"""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes


async def serve(port: int) -> None:
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    space = await server.register_namespace("urn:test")

    def node(name: str) -> ua.NodeId:
        return ua.NodeId.from_string(f"ns={space};s={name}")

    pump = await server.nodes.objects.add_object(node("Pump"), "Pump")
    counter = await pump.add_variable(node("Counter"), "Counter", 0.0)
    level = await pump.add_variable(node("Level"), "Level", 2.5)
    setpoint = await pump.add_variable(node("Setpoint"), "Setpoint", ua.Variant(7, ua.VariantType.Int16))
    await setpoint.set_writable()
    await pump.add_variable(node("Label"), "Label", "pump one")
    sick = await pump.add_variable(node("Sick"), "Sick", 1.0)
    await pump.add_variable(node("Row"), "Row", [1.0, 2.0])
    bad = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
    await sick.write_value(_now(ua.Variant(None), bad))
    async with server:
        count = 0
        while True:
            await counter.write_value(_now(ua.Variant(float(count))))
            await level.write_value(_now(ua.Variant(2.5)))
            count += 1
            await asyncio.sleep(0.1)


def _now(value: ua.Variant, status: ua.StatusCode | None = None) -> ua.DataValue:
    now: Any = datetime.now(UTC)  # The library's DateTime is a datetime in all but name.
    return ua.DataValue(value, StatusCode=status or ua.StatusCode(), SourceTimestamp=now)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
