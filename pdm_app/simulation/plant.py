"""Northfield Pumps & Plastics: the demo plant as domain records.

Ids are fixed, so that a restart, a restored backup and a test all speak of the same machine. Signal ids by machine:
P-101A 1 to 15, C-201 21 to 33, P-501 41 to 51, G-1 61 to 66, G-2 71 to 76 and so on to G-6 111 to 116.
"""

from dataclasses import dataclass, field

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.record import Record
from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines import compressor, cooling_pump, gateways, station_pump
from pdm_app.simulation.machines.parts import Machine

HOST = "127.0.0.1"
OPCUA_PORT = 4840
MODBUS_PORT = 5020
MQTT_PORT = 1883
PUBLISHING_MS = 10  # The server's publishing interval is the largest part of the way from a machine to the screen.

MACHINES: tuple[Machine, ...] = (cooling_pump.MACHINE, compressor.MACHINE, station_pump.MACHINE, *gateways.MACHINES)


@dataclass(frozen=True, slots=True)
class PlantPorts:
    """The loopback ports on which the plant's servers listen."""

    opcua: int = OPCUA_PORT
    modbus: int = MODBUS_PORT
    mqtt: int = MQTT_PORT
    host: str = field(default=HOST)


class PlantDefinition(Record):
    """Everything that must be stored before the plant can be read and shown."""

    sites: tuple[Site, ...]
    areas: tuple[Area, ...]
    lines: tuple[Line, ...]
    assets: tuple[Asset, ...]
    devices: tuple[Device, ...]
    connections: tuple[Connection, ...]
    signals: tuple[Signal, ...]
    rules: tuple[AlarmRule, ...]

    def asset(self, code: str) -> Asset | None:
        """Return the machine with this code."""
        return next((asset for asset in self.assets if asset.code == code), None)

    def signals_of(self, asset_id: str) -> tuple[Signal, ...]:
        """Return the signals of one machine in order of importance."""
        return tuple(signal for signal in self.signals if signal.asset_id == asset_id)

    def signal(self, asset_code: str, name: str) -> Signal:
        """Return one signal.

        Raises:
            KeyError: The plant has no such signal.
        """
        asset = self.asset(asset_code)
        for signal in self.signals_of(asset.id) if asset else ():
            if signal.name == name:
                return signal
        raise KeyError(f"{asset_code}.{name}")


_SITES = (
    Site(id="graz", code="GRZ", name="Graz", time_zone="Europe/Vienna", currency="EUR"),
    Site(id="pune", code="PNQ", name="Pune", time_zone="Asia/Kolkata", currency="INR"),
)
_AREAS = (
    Area(id="graz-utilities", site_id="graz", name="Utilities", position=0),
    Area(id="pune-pump-station", site_id="pune", name="Pump station", position=0),
)


def _signal_id(machine: Machine, name: str) -> int:
    return next(signal.id for signal in machine.signals if signal.name == name)


_LINES = (
    Line(
        id="graz-cooling-water",
        site_id="graz",
        area_id="graz-utilities",
        name="Cooling water",
        position=0,
        lead_signal_id=_signal_id(cooling_pump.MACHINE, "Flow_Rate_m3_h"),
    ),
    Line(
        id="graz-compressed-air",
        site_id="graz",
        area_id="graz-utilities",
        name="Compressed air",
        position=1,
        lead_signal_id=_signal_id(compressor.MACHINE, "Header_Pressure_bar"),
    ),
    Line(
        id="pune-pumps",
        site_id="pune",
        area_id="pune-pump-station",
        name="Pumps",
        position=0,
        lead_signal_id=_signal_id(station_pump.MACHINE, "Flow_Rate_L_min"),
    ),
    Line(id="pune-gateways", site_id="pune", area_id="pune-pump-station", name="Gateways", position=1),
)


def _connections(ports: PlantPorts) -> tuple[Connection, ...]:
    return (
        Connection(
            id=cooling_pump.CONNECTION_ID,
            site_id="graz",
            name="Cooling water",
            driver="opcua",
            endpoint=f"opc.tcp://{ports.host}:{ports.opcua}",
            options={"publishing_ms": PUBLISHING_MS, "security": "none"},
            simulated=True,
        ),
        Connection(
            id=compressor.CONNECTION_ID,
            site_id="graz",
            name="Compressed air",
            driver="modbus",
            endpoint=f"{ports.host}:{ports.modbus}",
            simulated=True,
        ),
        Connection(
            id=station_pump.CONNECTION_ID,
            site_id="pune",
            name="Pump station",
            driver="mqtt",
            endpoint=f"mqtt://{ports.host}:{ports.mqtt}",
            simulated=True,
        ),
    )


def northfield(ports: PlantPorts | None = None) -> PlantDefinition:
    """Return the plant with the endpoints its servers really listen on; the usual ports for None."""
    return PlantDefinition(
        sites=_SITES,
        areas=_AREAS,
        lines=_LINES,
        assets=tuple(machine.asset for machine in MACHINES),
        devices=tuple(machine.device for machine in MACHINES),
        connections=_connections(ports or PlantPorts()),
        signals=tuple(signal for machine in MACHINES for signal in machine.signals),
        rules=tuple(rule for machine in MACHINES for rule in machine.rules),
    )
