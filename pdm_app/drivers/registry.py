"""Every driver by the name that a connection calls it; a new protocol is one file, one function and one line here.

A protocol library is loaded when it is first needed: asyncua takes a quarter of a second, which a start without
OPC UA does not spend, and with it pages are served first.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

from pdm_app.domain.connections import Connection
from pdm_app.domain.ports import Clock, Driver, DriverFactory


def opcua(connection: Connection, clock: Clock) -> Driver:
    from pdm_app.drivers.opcua import OpcuaDriver

    return OpcuaDriver(connection, clock)


def modbus(connection: Connection, clock: Clock) -> Driver:
    from pdm_app.drivers.modbus import ModbusDriver

    return ModbusDriver(connection, clock)


def mqtt(connection: Connection, clock: Clock) -> Driver:
    from pdm_app.drivers.mqtt import MqttDriver

    return MqttDriver(connection, clock)


def egd(connection: Connection, clock: Clock) -> Driver:
    from pdm_app.drivers.egd import EgdDriver

    return EgdDriver(connection, clock)


def csv_replay(connection: Connection, clock: Clock, recordings: Path | None = None) -> Driver:
    from pdm_app.drivers.csv_replay import CsvReplayDriver

    return CsvReplayDriver(connection, clock, recordings)


DRIVERS: Mapping[str, DriverFactory] = {
    "opcua": opcua,
    "modbus": modbus,
    "mqtt": mqtt,
    "egd": egd,
    "csv_replay": csv_replay,
}


def drivers_with(recordings: Path) -> Mapping[str, DriverFactory]:
    """Return every driver; those that play files find them in this folder, and nowhere else."""
    return {**DRIVERS, "csv_replay": partial(csv_replay, recordings=recordings)}


async def load(name: str) -> None:
    """Load a driver's protocol library beside the event loop, so that making the driver takes no time.

    Nothing happens for a name that is not in `DRIVERS`; who then asks for the driver says so.
    """
    if name in DRIVERS:
        await asyncio.to_thread(import_module, f"pdm_app.drivers.{name}")
