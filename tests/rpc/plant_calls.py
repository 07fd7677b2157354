"""The procedures that change the plant: what each needs, a call that makes sense, and calls that reach across sites."""

from collections.abc import Mapping
from typing import Any

from pdm_app.domain.access import Permission
from pdm_app.simulation.plant import PlantPorts, northfield
from tests.counterparts.whole_product import OURS, Belongings

PLANT_NEEDS: dict[str, Permission | None] = {
    f"{noun}.{verb}": permission
    for noun, reads, configures, more in (
        ("sites", Permission.ASSETS_READ, Permission.SITES_CONFIGURE, ()),
        ("areas", Permission.ASSETS_READ, Permission.ASSETS_CONFIGURE, ()),
        ("lines", Permission.ASSETS_READ, Permission.ASSETS_CONFIGURE, ()),
        ("assets", Permission.ASSETS_READ, Permission.ASSETS_CONFIGURE, ()),
        ("signals", Permission.SIGNALS_READ, Permission.SIGNALS_CONFIGURE, ()),
        (
            "alarm_rules",
            Permission.ALARMS_READ,
            Permission.ALARMS_CONFIGURE,
            ("enable", "disable", "approve", "history", "backtest", "proposed", "take_sheet"),
        ),
        (
            "devices",
            Permission.DEVICES_READ,
            Permission.DEVICES_CONFIGURE,
            ("keys", "create_key", "rotate_key", "revoke_key", "take_sheet"),
        ),
        ("connections", Permission.CONNECTIONS_READ, Permission.CONNECTIONS_CONFIGURE, ()),
    )
    for verb, permission in (
        ("page", reads),
        ("by_id", reads),
        *((verb, configures) for verb in (*more, "create", "change", "delete", "restore")),
    )
}
PLANT_NEEDS |= {
    "devices.firmware": Permission.DEVICES_READ,
    "alarm_rules.sheet": Permission.ALARMS_READ,
    "alarm_rules.proposed_priority": Permission.ALARMS_READ,
}
LIMIT = {"kind": "high", "limit": 90.0}


def plant_inputs(own: Belongings) -> dict[str, Any]:
    """By procedure: an input with which somebody who may gets an answer; what is deleted is restored by the next."""
    site, area, line = {"site_id": OURS}, {"area_id": own.area_id}, {"line_id": own.line_id}
    asset, signal, rule = {"asset_id": own.asset_id}, {"signal_id": own.signal_id}, {"rule_id": own.spare_rule_id}
    device, connection = {"device_id": own.device_id}, {"connection_id": own.connection_id}
    modbus = {"driver": "modbus", "endpoint": "127.0.0.1:1502"}
    creating: dict[str, dict[str, Any]] = {
        "sites": {"code": "LNZ", "name": "Linz", "time_zone": "Europe/Vienna", "currency": "EUR"},
        "areas": {**site, "name": "Loading bay"},
        "lines": {**area, "name": "Spare line"},
        "assets": {**line, "code": "X-1", "name": "Mixer"},
        "signals": {**asset, "name": "Spare", "label": "Spare"},
        "alarm_rules": {**signal, "name": "Much too high", "condition": LIMIT, "priority": 3},
        "devices": {**site, "code": "GW-77", "name": "Gateway"},
        "connections": {**site, "name": "Another PLC", **modbus},
    }
    named: dict[str, dict[str, Any]] = {
        "sites": site, "areas": area, "lines": line, "assets": asset, "signals": signal, "alarm_rules": rule,
        "devices": device, "connections": connection,
    }  # fmt: skip
    inputs: dict[str, Any] = {f"{noun}.create": facts for noun, facts in creating.items()}
    for noun, id in named.items():
        change = {"label": "Vibration"} if noun == "signals" else {"name": f"Renamed {noun}"}
        inputs |= {f"{noun}.{verb}": id for verb in ("by_id", "delete", "restore")}
        inputs |= {f"{noun}.page": {"limit": 2}, f"{noun}.change": {**id, **change}}
    return {
        **inputs,
        "alarm_rules.enable": rule,
        "alarm_rules.disable": rule,
        "alarm_rules.approve": rule,
        "alarm_rules.history": rule,
        "alarm_rules.take_sheet": {"sheet": f"id,name\n{own.rule_id},Renamed by a sheet\n", "reason": "round trip"},
        "alarm_rules.backtest": {"rule": creating["alarm_rules"], "days": 0.1},
        "alarm_rules.proposed": {**signal, "value": 3.2},
        "alarm_rules.proposed_priority": {"consequence_level": "major", "respond_within": "3_to_10_min"},
        "devices.firmware": device,
        "devices.keys": device,
        "devices.create_key": device,
        "devices.take_sheet": {**site, "sheet": "code,name\nGW-78,Gateway by a sheet\n"},
        "devices.rotate_key": {"key_id": own.key_id},
        "devices.revoke_key": {"key_id": own.key_id},
    }


def plant_crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for, or put where it does not belong, when somebody means the target."""
    plant = northfield(PlantPorts())
    ours = {
        "line_id": next(line.id for line in plant.lines if line.site_id == OURS),
        "area_id": next(area.id for area in plant.areas if area.site_id == OURS),
        "asset_id": next(asset.id for asset in plant.assets if asset.site_id == OURS),
        "device_id": next(device.id for device in plant.devices if device.site_id == OURS),
        "signal_id": next(signal.id for signal in plant.signals if signal.site_id == OURS),
    }
    them: Mapping[str, Any] = {
        "site_id": site_id,
        "area_id": target.area_id,
        "line_id": target.line_id,
        "asset_id": target.asset_id,
        "signal_id": target.signal_id,
        "rule_id": target.rule_id,
        "device_id": target.device_id,
        "connection_id": target.connection_id,
        "key_id": target.key_id,
        "lead_signal_id": target.signal_id,
        "state_signal_id": target.signal_id,
    }

    def meaning(field: str, **beside: Any) -> list[dict[str, Any]]:
        return [{**beside, field: them[field]}]

    crossings: dict[tuple[str, str], list[dict[str, Any]]] = {}
    ids = {"sites": "site_id", "areas": "area_id", "lines": "line_id", "assets": "asset_id", "signals": "signal_id",
           "alarm_rules": "rule_id", "devices": "device_id", "connections": "connection_id"}  # fmt: skip
    for noun, id in ids.items():
        more = {"alarm_rules": ("enable", "disable", "history"), "devices": ("keys", "create_key")}.get(noun, ())
        for verb in ("by_id", "change", "delete", "restore", *more):
            if noun != "sites" or verb == "by_id":  # Nobody of one site changes any.
                change = {"label": "Mine"} if noun == "signals" else {"name": "Mine"}
                crossings[f"{noun}.{verb}", id] = meaning(id, **(change if verb == "change" else {}))
    pages = {
        "areas": ("site_id",),
        "lines": ("site_id", "area_id"),
        "assets": ("site_id", "line_id"),
        "signals": ("site_id", "asset_id", "connection_id"),
        "connections": ("site_id",),
        "alarm_rules": ("site_id", "asset_id", "signal_id"),
        "devices": ("site_id", "asset_id", "connection_id"),
    }
    for noun, fields in pages.items():
        crossings |= {(f"{noun}.page", field): meaning(field) for field in fields}
    named = {"name": "Mine"}
    rule = {**named, "condition": LIMIT, "priority": 3}
    site = {"site_id": OURS}
    return {
        **crossings,
        ("devices.firmware", "device_id"): meaning("device_id"),
        ("devices.rotate_key", "key_id"): meaning("key_id"),
        ("devices.revoke_key", "key_id"): meaning("key_id"),
        ("areas.create", "site_id"): meaning("site_id", **named),
        ("lines.create", "area_id"): meaning("area_id", **named),
        ("lines.create", "lead_signal_id"): meaning("lead_signal_id", **named, area_id=ours["area_id"]),
        ("lines.change", "area_id"): meaning("area_id", line_id=ours["line_id"]),
        ("lines.change", "lead_signal_id"): meaning("lead_signal_id", line_id=ours["line_id"]),
        ("assets.create", "line_id"): meaning("line_id", **named, code="X-9"),
        ("assets.create", "state_signal_id"): meaning("state_signal_id", **named, code="X-9", line_id=ours["line_id"]),
        ("assets.change", "line_id"): meaning("line_id", asset_id=ours["asset_id"]),
        ("assets.change", "state_signal_id"): meaning("state_signal_id", asset_id=ours["asset_id"]),
        ("signals.create", "asset_id"): meaning("asset_id", **named, label="Mine"),
        ("signals.create", "connection_id"): meaning("connection_id", **named, label="Mine", asset_id=ours["asset_id"]),
        ("signals.change", "connection_id"): meaning("connection_id", signal_id=ours["signal_id"]),
        ("alarm_rules.create", "signal_id"): meaning("signal_id", **rule),
        ("alarm_rules.sheet", "site_id"): meaning("site_id"),
        ("alarm_rules.backtest", "signal_id"): [{"rule": {**rule, "signal_id": them["signal_id"]}}],
        ("alarm_rules.proposed", "signal_id"): meaning("signal_id"),
        ("alarm_rules.approve", "rule_id"): meaning("rule_id"),
        ("alarm_rules.change", "signal_id"): [
            {
                "rule_id": next(rule.id for rule in plant.rules if rule.site_id == OURS),
                "suppressions": [{"signal_id": them["signal_id"], "condition": LIMIT}],
            }
        ],
        ("devices.take_sheet", "site_id"): meaning("site_id", sheet="code\nX-9\n"),
        ("devices.create", "site_id"): meaning("site_id", **named, code="X-9"),
        ("devices.create", "asset_id"): meaning("asset_id", **named, code="X-9", **site),
        ("devices.create", "connection_id"): meaning("connection_id", **named, code="X-9", **site),
        ("devices.change", "asset_id"): meaning("asset_id", device_id=ours["device_id"]),
        ("devices.change", "connection_id"): meaning("connection_id", device_id=ours["device_id"]),
        ("connections.create", "site_id"): meaning("site_id", **named, driver="modbus", endpoint="127.0.0.1:1502"),
    }
