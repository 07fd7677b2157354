"""G-1 to G-24: the edge gateways of the station in Pune, each an MQTT client of its own with a last will.

Topic ``northfield/pune/gateways/G-3`` carries one JSON object each second; the retained topic ``…/status`` says
``{"status": "online"}``, and the broker says ``{"status": "offline"}`` there when the socket is gone.
"""

from pdm_app.domain.alarms import AlarmRule
from pdm_app.domain.assets import Asset, Device
from pdm_app.domain.signals import DataType, Shape, Signal
from pdm_app.simulation.machines.parts import LINK, Delay, Machine, limit_rule, state_signal
from pdm_app.simulation.physics.gateways import CODES

CONNECTION_ID = "pune-mqtt"
TOPIC_ROOT = "northfield/pune/gateways"
FIRST_SIGNAL_ID = 61
SIGNAL_IDS_APART = 10
FIRMWARE = "2.4.0"
BATTERY = Delay(delay_s=60, range_share=0.05)

# name, label, UCUM unit, decimals, type, range, normal band.
_TABLE: tuple[tuple[str, str, str, int, DataType, tuple[float, float] | None, tuple[float, float] | None], ...] = (
    ("rssi_dbm", "Signal strength", "dB[mW]", 0, DataType.NUMBER, (-110, 0), (-76, -50)),
    ("battery_pct", "Battery", "%", 0, DataType.NUMBER, (0, 100), (40, 100)),
    ("heap_free_kb", "Free memory", "kBy", 0, DataType.NUMBER, (0, 320), (60, 300)),
    ("uptime_s", "Up time", "s", 0, DataType.NUMBER, None, None),
    ("firmware_version", "Firmware", "1", 0, DataType.TEXT, None, None),
)


_NOISE = {"rssi_dbm": (1.6, 30.0), "battery_pct": (0.4, 900.0), "heap_free_kb": (1.5, 5.0)}


def topic_of(code: str) -> str:
    """Return the topic on which a gateway publishes its object."""
    return f"{TOPIC_ROOT}/{code}"


def status_topic_of(code: str) -> str:
    """Return the retained topic that says whether a gateway is online."""
    return f"{topic_of(code)}/status"


def _signals(asset: Asset, first_id: int) -> tuple[Signal, ...]:
    def address(path: str) -> dict[str, object]:
        return {"topic": topic_of(asset.code), "path": path, "time": "timestamp"}

    measured = tuple(
        Signal(
            id=first_id + position,
            site_id=asset.site_id,
            asset_id=asset.id,
            name=name,
            label=label,
            unit=unit,
            data_type=data_type,
            shape=Shape.STEP if data_type is DataType.TEXT else Shape.CONTINUOUS,
            decimals=decimals,
            range_low=bounds[0] if bounds else None,
            range_high=bounds[1] if bounds else None,
            normal_low=normal[0] if normal else None,
            normal_high=normal[1] if normal else None,
            position=position,
            connection_id=CONNECTION_ID,
            address=address(name),
            simulated=True,
        )
        for position, (name, label, unit, decimals, data_type, bounds, normal) in enumerate(_TABLE)
    )
    state_id = first_id + len(_TABLE)
    return (*measured, state_signal(asset, state_id, CONNECTION_ID, address("state"), position=len(_TABLE)))


def _rules(signal: dict[str, Signal]) -> tuple[AlarmRule, ...]:
    return (
        limit_rule(
            signal["rssi_dbm"], "link-quality-low", "Link quality low", "low", -82, 4, LINK,
            cause="Moved antenna, a new obstacle or interference.",
            consequence="Values arrive late; below about -90 dBm the link breaks.",
            action=("Check antenna and cable.", "Look for a container parked before the mast."),
        ),
        limit_rule(
            signal["battery_pct"], "battery-low", "Battery low", "low", 20, 4, BATTERY,
            cause="Power supply of the gateway is off.",
            consequence="The gateway goes silent within two hours.",
            action=("Check the fuse of the gateway's supply.",),
        ),
    )  # fmt: skip


def _gateway(number: int) -> Machine:
    code = f"G-{number}"
    first_id = FIRST_SIGNAL_ID + SIGNAL_IDS_APART * (number - 1)
    asset = Asset(
        id=code.lower(),
        site_id="pune",
        line_id="pune-gateways",
        code=code,
        name=f"Edge gateway {number}",
        asset_class="Edge gateway",
        position=number,
        state_signal_id=first_id + len(_TABLE),
        simulated=True,
    )
    device = Device(
        id=f"gateway-{number}",
        site_id=asset.site_id,
        code=code,
        name=asset.name,
        model="EG-24",
        asset_id=asset.id,
        connection_id=CONNECTION_ID,
        simulated=True,
    )
    signals = _signals(asset, first_id)
    return Machine(asset, device, signals, _rules({signal.name: signal for signal in signals}), _NOISE)


MACHINES = tuple(_gateway(number) for number in range(1, len(CODES) + 1))
