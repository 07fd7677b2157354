"""Every driver by the name that a connection calls it; a new protocol is one file and one line here."""

from collections.abc import Mapping

from pdm_app.domain.ports import DriverFactory
from pdm_app.drivers.modbus import ModbusDriver
from pdm_app.drivers.mqtt import MqttDriver
from pdm_app.drivers.opcua import OpcuaDriver

DRIVERS: Mapping[str, DriverFactory] = {
    "opcua": OpcuaDriver,
    "modbus": ModbusDriver,
    "mqtt": MqttDriver,
}
