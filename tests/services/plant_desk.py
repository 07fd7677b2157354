"""The services of every noun of the plant, over a stored plant; who must hear of a change is noted down."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from pdm_app.domain.access import Role
from pdm_app.domain.alarms import AlarmRuleFacts
from pdm_app.domain.assets import AssetFacts
from pdm_app.domain.conditions.limits import HighLimit
from pdm_app.domain.connections import ConnectionFacts, ConnectionStatus
from pdm_app.domain.errors import PdmError
from pdm_app.domain.signals import SignalFacts
from pdm_app.drivers.connection_rules import Rules
from pdm_app.services.alarm_rules import AlarmRuleService
from pdm_app.services.areas import AreaService
from pdm_app.services.assets import AssetService
from pdm_app.services.connections import ConnectionService
from pdm_app.services.devices import DeviceService
from pdm_app.services.in_force import InForce
from pdm_app.services.lines import LineService
from pdm_app.services.plant_changes import Desk
from pdm_app.services.signals import SignalService
from pdm_app.services.sites import SiteService
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from pdm_app.stream.bus import Bus
from tests.counterparts.alarms import person
from tests.counterparts.clocks import HandClock


@dataclass
class Heard:
    """What the running parts were told, in order; also a collector that collects nothing."""

    calls: list[str] = field(default_factory=list)
    status_changes: Bus[ConnectionStatus] = field(default_factory=Bus)
    statuses: tuple[ConnectionStatus, ...] = ()

    def forget_sources(self) -> None:
        self.calls.append("sources")

    async def reload_rules(self) -> None:
        self.calls.append("rules")

    async def reload_signals(self) -> None:
        self.calls.append("signals")

    async def reload(self, connection_id: str) -> None:
        self.calls.append(f"connection {connection_id}")

    def taken(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls


class PlantDesk:
    """One of each service."""

    def __init__(self, work: SqlUnitOfWork, clock: HandClock) -> None:
        self.work = work
        self.clock = clock
        self.heard = heard = Heard()
        in_force = InForce(heard.forget_sources, heard.reload_rules, heard.reload_signals, heard.reload)
        desk = Desk(clock, Rules(), in_force)
        self.sites = SiteService(work, desk)
        self.areas = AreaService(work, desk)
        self.lines = LineService(work, desk)
        self.assets = AssetService(work, desk)
        self.signals = SignalService(work, desk)
        self.rules = AlarmRuleService(work, desk)
        self.devices = DeviceService(work, clock, desk)
        self.connections = ConnectionService(work, heard, clock, desk)


ERIN = person("erin", Role.ENGINEER)
MAX = person("max", Role.ENGINEER)
GUSTAV = person("gustav", Role.ENGINEER, "graz")
BOTH = person("bella", Role.ENGINEER, "graz", "pune")
VERA = person("vera", Role.VIEWER)
HOT = HighLimit(limit=90.0)
PLC = ConnectionFacts(site_id="pune", name="Line PLC", driver="modbus", endpoint="127.0.0.1:1502")


def machine(code: str = "M-1", **more: Any) -> AssetFacts:
    return AssetFacts(line_id="pune-line", code=code, name=f"Mill {code}", **more)


def signal(asset_id: str = "p-501", name: str = "Noise_dB", **more: Any) -> SignalFacts:
    return SignalFacts(asset_id=asset_id, name=name, label=name, **more)


def rule(signal_id: int = 41, name: str = "Too hot", **more: Any) -> AlarmRuleFacts:
    return AlarmRuleFacts(signal_id=signal_id, name=name, condition=HOT, priority=2, **more)


async def refusal(asked: Any) -> PdmError:
    with pytest.raises(PdmError) as refused:
        await asked
    return refused.value
