"""What each child is told at its start, derived from the plant's own records, so that no address has a second home."""

from collections.abc import Mapping
from typing import Any

from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines import air, compressor, gateways, packing, rigs, station_pump
from pdm_app.simulation.plant import PlantDefinition

GATEWAY_STORED_MAX = 3600  # An hour at one message a second.
PUMP_STORED_MAX = 2  # The two messages of one moment.

OPCUA, MODBUS, PUBLISHERS = "opcua", "modbus", "publishers"
_LISTENER_OF_DRIVER = {"opcua": OPCUA, "modbus": MODBUS, "mqtt": PUBLISHERS}


def _listeners(plant: PlantDefinition) -> dict[str, str]:
    """Return which child listens to each machine, by machine code: the one that speaks its connection's protocol."""
    driver_of = {connection.id: connection.driver for connection in plant.connections}
    return {
        asset.code: _LISTENER_OF_DRIVER[driver_of[plant.signals_of(asset.id)[0].connection_id or ""]]
        for asset in plant.assets
    }


def feeds(plant: PlantDefinition, feed_of: Mapping[str, int]) -> dict[str, list[int]]:
    """Return to which ports each machine's frames go, from the port of each listening child."""
    return {code: [feed_of[child]] for code, child in _listeners(plant).items() if child in feed_of}


def opcua(plant: PlantDefinition, port: int, word: str) -> dict[str, Any]:
    """Return the configuration of the OPC UA server."""
    codes = [code for code, child in _listeners(plant).items() if child == OPCUA]
    return {
        "port": port,
        "word": word,
        "machines": {
            asset.code: [
                {
                    "name": signal.name,
                    "node": signal.address["node"],
                    "label": signal.label,
                    "unit": signal.unit,
                    "data_type": str(signal.data_type),
                    "range": _range(signal),
                }
                for signal in plant.signals_of(asset.id)
            ]
            for asset in plant.assets
            if asset.code in codes
        },
    }


def modbus(plant: PlantDefinition, port: int, word: str) -> dict[str, Any]:
    """Return the configuration of the Modbus server: one unit per machine."""
    units = {compressor.CODE: compressor.UNIT, **air.UNITS, **packing.UNITS, **rigs.UNITS}
    return {
        "port": port,
        "word": word,
        "units": [
            {
                "code": asset.code,
                "unit": units[asset.code],
                "heartbeat": _heartbeat(plant, asset.code, asset.id),
                "signals": [
                    {"name": signal.name, "register": signal.address["register"], "type": signal.address["type"]}
                    for signal in plant.signals_of(asset.id)
                ],
            }
            for asset in plant.assets
            if asset.code in units
        ],
    }


def _heartbeat(plant: PlantDefinition, code: str, asset_id: str) -> int:
    if code == compressor.CODE:
        return compressor.HEARTBEAT_REGISTER
    return max(int(signal.address["register"]) for signal in plant.signals_of(asset_id)) + 2


def publishers(plant: PlantDefinition, port: int, word: str) -> dict[str, Any]:
    """Return the configuration of the MQTT clients: topics with the names their objects carry."""
    pumps = [
        {
            "code": code,
            "topics": {
                station_pump.topic_of(code): {name: name for name in station_pump.MEASUREMENTS},
                station_pump.state_topic_of(code): {"state": "State"},
            },
            "status_topic": station_pump.status_topic_of(code),
            "stored_max": PUMP_STORED_MAX,
        }
        for code in station_pump.CODES
        if plant.asset(code) is not None
    ]
    edge = [
        {
            "code": machine.asset.code,
            "topics": {
                gateways.topic_of(machine.asset.code): {
                    str(signal.address["path"]): signal.name for signal in machine.signals
                }
            },
            "status_topic": gateways.status_topic_of(machine.asset.code),
            "stored_max": GATEWAY_STORED_MAX,
        }
        for machine in gateways.MACHINES
        if plant.asset(machine.asset.code) is not None
    ]
    return {"port": port, "word": word, "stations": [*pumps, *edge]}


def _range(signal: Signal) -> list[float] | None:
    if signal.range_low is None or signal.range_high is None:
        return None
    return [signal.range_low, signal.range_high]
