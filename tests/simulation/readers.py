"""Real clients that read one value of the running demo plant."""

from asyncua.client.client import Client as OpcuaClient
from asyncua.ua import DataValue
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from pdm_app.simulation.fleet import Fleet
from tests.simulation.conftest import until


async def opcua_value(fleet: Fleet, name: str) -> DataValue:
    endpoint = fleet.definition.connections[0].endpoint
    async with OpcuaClient(endpoint, timeout=3) as client:
        return await client.get_node(f"ns=2;s=P-101A.{name}").read_data_value(raise_on_bad_status=False)


async def modbus_words(fleet: Fleet, register: int, count: int, unit: int = 1) -> list[int] | int:
    """Return the words read, or the exception code that came instead; -1 where nobody answers."""
    client = AsyncModbusTcpClient("127.0.0.1", port=fleet.ports.modbus, timeout=1, retries=0, reconnect_delay=0)
    try:
        if not await client.connect():
            return -1
        try:
            answer = await client.read_holding_registers(register, count=count, device_id=unit)
        except ModbusException:
            return -1
        return int(answer.exception_code) if answer.isError() else list(answer.registers)
    finally:
        client.close()


async def first_values(fleet: Fleet) -> None:
    """Wait until the plant delivers on all three protocols."""
    await fleet.ready()

    async def delivers() -> bool:
        good = (await opcua_value(fleet, "Vibration_mm_s")).StatusCode
        return good is not None and good.is_good() and isinstance(await modbus_words(fleet, 0, 2), list)

    await until(delivers, within_s=120, what="values on OPC UA and Modbus")
