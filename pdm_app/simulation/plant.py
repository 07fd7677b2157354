"""Northfield Pumps & Plastics: the demo plant as domain records.

Ids are fixed, so that a restart, a restored backup and a test all speak of the same machine. Signal ids begin by
machine: P-101A 1, C-201 21, P-501 41, G-1 61, G-2 71 and so on to G-24 291, P-101B 301, HX-101 321, TK-101 331,
CT-101 341, C-202 351, D-201 361, AH-201 371, IM-11 to IM-13 401, 421, 441, R-1 461, moulds 471 to 521, CNC-31 541,
CNC-32 561, W-33 581, packing line 601 to 681, P-502 701 and so on to P-506 781; test rigs of the stress plant 10,001 to
19,800.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Area, Asset, Device, Line, Site
from pdm_app.domain.connections import Connection
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.record import Record
from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines import (
    air,
    compressor,
    cooling_pump,
    cooling_water,
    gateways,
    machining,
    moulding,
    packing,
    rigs,
    station_pump,
)
from pdm_app.simulation.machines.parts import Machine

HOST = "127.0.0.1"
OPCUA_PORT = 4840
MODBUS_PORT = 5020
MQTT_PORT = 1883
PUBLISHING_MS = 50  # The server looks so often whether there is something to tell; each look costs processor time.

MACHINES: tuple[Machine, ...] = (
    cooling_pump.MACHINE,
    cooling_pump.STANDBY,
    *cooling_water.MACHINES,
    compressor.MACHINE,
    *air.MACHINES,
    *moulding.MACHINES,
    *machining.MACHINES,
    *packing.MACHINES,
    *station_pump.MACHINES,
    *gateways.MACHINES,
)


SMALL_CODES = frozenset({"P-101A", "C-201", "P-501", *(f"G-{number}" for number in range(1, 7))})


@cache
def _rigs() -> tuple[Machine, ...]:
    """Return the test rigs: 9,800 records of signals, which nobody else needs to wait for."""
    return rigs.rigs(MACHINES)


def machines_of(size: PlantSize) -> tuple[Machine, ...]:
    """Return the machines of a plant of this size."""
    if size is PlantSize.STRESS:
        return (*MACHINES, *_rigs())
    return tuple(machine for machine in MACHINES if size is not PlantSize.SMALL or machine.asset.code in SMALL_CODES)


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
    Area(id="graz-moulding", site_id="graz", name="Moulding", position=1),
    Area(id="graz-machining", site_id="graz", name="Machining", position=2),
    Area(id="graz-packing", site_id="graz", name="Packing", position=3),
    Area(id=rigs.AREA_ID, site_id="graz", name="Test field", position=4),
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
        id=moulding.LINE_ID,
        site_id="graz",
        area_id="graz-moulding",
        name="IM line 1",
        position=0,
        lead_signal_id=_signal_id(moulding.MACHINES[0], "Cycle_Time_s"),
    ),
    Line(
        id=machining.LINE_ID,
        site_id="graz",
        area_id="graz-machining",
        name="Cell A",
        position=0,
        lead_signal_id=_signal_id(machining.MACHINES[0], "Spindle_Load_pct"),
    ),
    Line(
        id=packing.LINE_ID,
        site_id="graz",
        area_id="graz-packing",
        name="Packing line 1",
        position=0,
        lead_signal_id=_signal_id(packing.MACHINES[1], "Speed_per_min"),
    ),
    Line(
        id="pune-pumps",
        site_id="pune",
        area_id="pune-pump-station",
        name="Pumps",
        position=0,
        lead_signal_id=_signal_id(station_pump.MACHINE, "Flow_Rate_L_min"),
    ),
    Line(id=rigs.LINE_ID, site_id="graz", area_id=rigs.AREA_ID, name="Test rigs", position=0),
    Line(id="pune-gateways", site_id="pune", area_id="pune-pump-station", name="Gateways", position=1),
)


def _connections(ports: PlantPorts) -> tuple[Connection, ...]:
    opcua = {
        "driver": "opcua",
        "endpoint": f"opc.tcp://{ports.host}:{ports.opcua}",
        "options": {"publishing_ms": PUBLISHING_MS, "security": "none"},
    }
    modbus = {"driver": "modbus", "endpoint": f"{ports.host}:{ports.modbus}"}
    mqtt = {"driver": "mqtt", "endpoint": f"mqtt://{ports.host}:{ports.mqtt}"}
    reached: list[tuple[str, str, str, dict[str, Any]]] = [
        (cooling_pump.CONNECTION_ID, "graz", "Cooling water", opcua),
        (compressor.CONNECTION_ID, "graz", "Compressed air", modbus),
        (station_pump.CONNECTION_ID, "pune", "Pump station", mqtt),
        (moulding.CONNECTION_ID, "graz", "Moulding", opcua),
        (machining.CONNECTION_ID, "graz", "Machining", opcua),
        (packing.CONNECTION_ID, "graz", "Packing", modbus),
        *((id, "graz", f"Test rigs {number}", modbus) for number, id in enumerate(rigs.CONNECTION_IDS, 1)),
    ]
    return tuple(
        Connection(id=connection_id, site_id=site_id, name=name, simulated=True, **how)
        for connection_id, site_id, name, how in reached
    )


def northfield(ports: PlantPorts | None = None, size: PlantSize = PlantSize.WHOLE) -> PlantDefinition:
    """Return the plant with the endpoints its servers really listen on; the usual ports for None.

    Of areas, lines and connections there are those that have a machine.
    """
    machines = machines_of(size)
    signals = tuple(signal for machine in machines for signal in machine.signals)
    line_ids = {machine.asset.line_id for machine in machines}
    lines = tuple(line for line in _LINES if line.id in line_ids)
    area_ids, connection_ids = {line.area_id for line in lines}, {signal.connection_id for signal in signals}
    return PlantDefinition(
        sites=_SITES,
        areas=tuple(area for area in _AREAS if area.id in area_ids),
        lines=lines,
        assets=tuple(machine.asset for machine in machines),
        devices=tuple(machine.device for machine in machines if machine.device is not None),
        connections=tuple(row for row in _connections(ports or PlantPorts()) if row.id in connection_ids),
        signals=signals,
        rules=tuple(rule for machine in machines for rule in machine.rules),
    )
