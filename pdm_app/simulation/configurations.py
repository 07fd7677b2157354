"""What each child is told at its start, derived from the plant's own records, so that no address has a second home."""

from collections.abc import Mapping
from typing import Any

from pdm_app.domain.signals import Signal
from pdm_app.simulation.machines import compressor, cooling_pump, gateways, station_pump
from pdm_app.simulation.plant import PlantDefinition

GATEWAY_STORED_MAX = 3600  # An hour at one message a second.
PUMP_STORED_MAX = 2  # The two messages of one moment.

# Who listens to which machine.
_LISTENERS: dict[str, tuple[str, ...]] = {
    "opcua": (cooling_pump.CODE,),
    "modbus": (compressor.CODE,),
    "publishers": (station_pump.CODE, *gateways.CODES),
}


def feeds(feed_of: Mapping[str, int]) -> dict[str, list[int]]:
    """Return to which ports each machine's frames go, from the port of each listening child."""
    ports: dict[str, list[int]] = {}
    for child, codes in _LISTENERS.items():
        for code in codes if child in feed_of else ():
            ports.setdefault(code, []).append(feed_of[child])
    return ports


def opcua(plant: PlantDefinition, port: int, word: str) -> dict[str, Any]:
    """Return the configuration of the OPC UA server."""
    return {
        "port": port,
        "word": word,
        "machine": cooling_pump.CODE,
        "signals": [
            {
                "name": signal.name,
                "node": signal.address["node"],
                "label": signal.label,
                "unit": signal.unit,
                "data_type": str(signal.data_type),
                "range": _range(signal),
            }
            for signal in plant.signals_of(cooling_pump.ASSET.id)
        ],
    }


def modbus(plant: PlantDefinition, port: int, word: str) -> dict[str, Any]:
    """Return the configuration of the Modbus server."""
    return {
        "port": port,
        "word": word,
        "unit": compressor.UNIT,
        "heartbeat": compressor.HEARTBEAT_REGISTER,
        "signals": [
            {"name": signal.name, "register": signal.address["register"], "type": signal.address["type"]}
            for signal in plant.signals_of(compressor.ASSET.id)
        ],
    }


def publishers(port: int, word: str) -> dict[str, Any]:
    """Return the configuration of the MQTT clients: topics with the names their objects carry."""
    pump = {
        "code": station_pump.CODE,
        "topics": {
            station_pump.TOPIC: {name: name for name in station_pump.MEASUREMENTS},
            station_pump.STATE_TOPIC: {"state": "State"},
        },
        "status_topic": station_pump.STATUS_TOPIC,
        "stored_max": PUMP_STORED_MAX,
    }
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
    ]
    return {"port": port, "word": word, "stations": [pump, *edge]}


def _range(signal: Signal) -> list[float] | None:
    if signal.range_low is None or signal.range_high is None:
        return None
    return [signal.range_low, signal.range_high]
