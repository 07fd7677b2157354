"""What every procedure needs, a call of it that makes sense, and how such a call is answered."""

import asyncio
from contextlib import aclosing
from typing import Any, cast

from pdm_app.domain.access import Permission
from pdm_app.rpc.root import root
from pdm_app.trpc import MISSING, Procedure, TrpcError
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.whole_product import Belongings
from tests.rpc.certificate_calls import CERTIFICATE_NEEDS, certificate_inputs
from tests.rpc.directory_calls import DIRECTORY_NEEDS, directory_inputs
from tests.rpc.export_calls import EXPORT_NEEDS, export_inputs
from tests.rpc.firmware_calls import FIRMWARE_NEEDS, firmware_inputs
from tests.rpc.import_calls import IMPORT_NEEDS, import_inputs
from tests.rpc.link_calls import LINK_NEEDS, link_inputs
from tests.rpc.maintenance_calls import MAINTENANCE_NEEDS, maintenance_inputs
from tests.rpc.model_calls import MODEL_NEEDS, model_inputs
from tests.rpc.notice_calls import NOTICE_NEEDS, notice_inputs
from tests.rpc.people_calls import PEOPLE_NEEDS, people_inputs
from tests.rpc.plant_calls import PLANT_NEEDS, plant_inputs
from tests.rpc.production_calls import PRODUCTION_NEEDS, production_inputs
from tests.rpc.recording_calls import RECORDING_NEEDS, recording_inputs
from tests.rpc.report_calls import REPORT_NEEDS, report_inputs
from tests.rpc.rollout_calls import ROLLOUT_NEEDS, rollout_inputs
from tests.rpc.shift_calls import SHIFT_NEEDS, shift_inputs
from tests.rpc.storage_calls import STORAGE_NEEDS, storage_inputs
from tests.rpc.training_calls import TRAINING_NEEDS, training_inputs
from tests.rpc.workspace_calls import WORKSPACE_NEEDS, workspace_inputs

# Written down a second time on purpose: a procedure that loses its permission, or gets a weaker one, is noticed here.
NEEDS: dict[str, Permission | None] = {
    "alarms.active": Permission.ALARMS_READ,
    "alarms.watch": Permission.ALARMS_READ,
    "alarms.acknowledge": Permission.ALARMS_ACKNOWLEDGE,
    "alarms.comment": Permission.ALARMS_ACKNOWLEDGE,
    "alarms.acknowledge_all": Permission.ALARMS_ACKNOWLEDGE,
    "alarms.reset": Permission.ALARMS_ACKNOWLEDGE,
    "alarms.scorecard": Permission.ALARMS_READ,
    "alarms.shelf": Permission.ALARMS_READ,
    "alarms.shelve": Permission.ALARMS_SHELVE,
    "alarms.unshelve": Permission.ALARMS_SHELVE,
    "alarms.take_out": Permission.ALARMS_SERVICE,
    "alarms.put_back": Permission.ALARMS_SERVICE,
    "alarms.journal": Permission.ALARMS_READ,
    "alarms.rules": Permission.ALARMS_READ,
    "api.openapi": None,
    "api.procedures": None,
    "api.types": None,
    "assets.overview": Permission.ASSETS_READ,
    "assets.list": Permission.ASSETS_READ,
    "audit.page": Permission.AUDIT_READ,
    "audit.verify": Permission.AUDIT_READ,
    "audit.begin_check": Permission.AUDIT_READ,
    "audit.checking": Permission.AUDIT_READ,
    "audit.cancel_check": Permission.AUDIT_READ,
    "auth.me": None,
    "connections.list": Permission.CONNECTIONS_READ,
    "connections.watch": Permission.CONNECTIONS_READ,
    "connections.pause": Permission.CONNECTIONS_CONFIGURE,
    "connections.resume": Permission.CONNECTIONS_CONFIGURE,
    "connections.login": Permission.CONNECTIONS_CONFIGURE,
    "connections.put_login": Permission.CONNECTIONS_CONFIGURE,
    "connections.remove_login": Permission.CONNECTIONS_CONFIGURE,
    "copilot.ask": Permission.HISTORY_READ,
    "demo.deeds": Permission.ASSETS_READ,
    "demo.kinds": Permission.DEMO_CONTROL,
    "demo.progress": Permission.ASSETS_READ,
    "demo.reset": Permission.DEMO_CONTROL,
    "demo.truth": Permission.DEMO_CONTROL,
    "demo.faults": Permission.DEMO_CONTROL,
    "demo.inject": Permission.DEMO_CONTROL,
    "demo.clear": Permission.DEMO_CONTROL,
    "formulas.evaluate": Permission.HISTORY_READ,
    "formulas.cancel_recalculation": Permission.SIGNALS_CONFIGURE,
    "formulas.functions": Permission.HISTORY_READ,
    "formulas.recalculate": Permission.SIGNALS_CONFIGURE,
    "formulas.recalculations": Permission.SIGNALS_READ,
    "formulas.signals": Permission.SIGNALS_READ,
    "history.aggregate": Permission.HISTORY_READ,
    "history.at": Permission.HISTORY_READ,
    "history.envelope": Permission.HISTORY_READ,
    "history.progressive": Permission.HISTORY_READ,
    "live.values": Permission.SIGNALS_READ,
    "live.latest": Permission.SIGNALS_READ,
    "settings.tree": Permission.SETTINGS_READ,
    "settings.status": Permission.SETTINGS_READ,
    "settings.history": Permission.SETTINGS_READ,
    "settings.difference": Permission.SETTINGS_READ,
    "settings.review": Permission.SETTINGS_READ,
    "settings.review_back": Permission.SETTINGS_READ,
    "settings.review_text": Permission.SETTINGS_READ,
    "settings.export": Permission.SETTINGS_READ,
    "settings.change": Permission.SETTINGS_WRITE,
    "settings.go_back": Permission.SETTINGS_WRITE,
    "settings.bring_in": Permission.SETTINGS_WRITE,
    "replays.recordings": Permission.CONNECTIONS_CONFIGURE,
    "replays.start": Permission.CONNECTIONS_CONFIGURE,
    "signals.list": Permission.SIGNALS_READ,
    "system.health": Permission.SYSTEM_READ,
    "system.info": Permission.SYSTEM_READ,
    "system.now": None,
    **CERTIFICATE_NEEDS,
    **EXPORT_NEEDS,
    **FIRMWARE_NEEDS,
    **IMPORT_NEEDS,
    **LINK_NEEDS,
    **DIRECTORY_NEEDS,
    **MAINTENANCE_NEEDS,
    **MODEL_NEEDS,
    **NOTICE_NEEDS,
    **PEOPLE_NEEDS,
    **PRODUCTION_NEEDS,
    **PLANT_NEEDS,
    **RECORDING_NEEDS,
    **REPORT_NEEDS,
    **ROLLOUT_NEEDS,
    **SHIFT_NEEDS,
    **WORKSPACE_NEEDS,
    **STORAGE_NEEDS,
    **TRAINING_NEEDS,
}
ANOTHER_SENSOR = "Motor_Current_A"
ANSWERED_S_MAX = 120.0


def procedures() -> dict[str, Procedure]:
    """Every procedure of the product by its path."""
    return {procedure.path: procedure for procedure in root.procedures()}


def sensible_input(path: str, own: Belongings) -> Any:
    """An input with which somebody who may call the procedure gets an answer about what is ``own``."""
    span = {"start_at": 1_800_000_000_000_000, "end_at": 1_800_000_060_000_000}
    inputs: dict[str, Any] = {
        "alarms.acknowledge": {"alarm_id": own.alarm_id, "comment": "seen"},
        "alarms.acknowledge_all": {"alarm_ids": [own.past_alarm_id], "comment": "seen"},
        "alarms.reset": {"alarm_id": own.alarm_id},
        "alarms.shelve": {"rule_id": own.rule_id, "for_s": 600, "reason": "strainer is being changed"},
        "alarms.unshelve": {"rule_id": own.rule_id},
        "alarms.take_out": {"rule_id": own.rule_id, "reason": "pump is out", "permit": "WO-17"},
        "alarms.put_back": {"rule_id": own.rule_id},
        "alarms.comment": {"alarm_id": own.past_alarm_id, "comment": "strainer cleaned"},
        "alarms.journal": {"asset_id": own.asset_id},
        "alarms.rules": {"asset_id": own.asset_id},
        "connections.pause": {"connection_id": own.connection_id},
        "connections.resume": {"connection_id": own.connection_id},
        "connections.login": {"connection_id": own.connection_id},
        "connections.put_login": {"connection_id": own.connection_id, "username": "collector", "password": "kelp"},
        "connections.remove_login": {"connection_id": own.connection_id},
        "copilot.ask": {"text": "Why is it red?", "asset_id": own.asset_id},
        "demo.inject": {
            "key": "sensor_stuck",
            "asset_code": own.asset_code,
            "signal": ANOTHER_SENSOR,
            "start_severity": 0.5,
        },
        "demo.clear": {"fault_id": own.fault_id},
        "formulas.cancel_recalculation": {"recalculation_id": "long-over"},
        "formulas.recalculate": {"signal_id": own.signal_id, **span},
        "formulas.evaluate": {"formula": ANOTHER_SENSOR, "asset_id": own.asset_id, **span},
        "history.aggregate": {"signals": [own.signal_id], **span},
        "history.at": {"signals": [own.signal_id], "at": span["start_at"]},
        "history.envelope": {"signals": [own.signal_id], **span},
        "history.progressive": {"signals": [own.signal_id], **span},
        "live.values": {"signals": [own.signal_id]},
        "replays.start": {"asset_id": own.asset_id},
        "live.latest": {"signals": [own.signal_id]},
        "settings.difference": {"older": 0, "newer": 0},
        "settings.review": {"changes": {"auth.idle_minutes": 30}},
        "settings.review_back": {"number": 0},
        "settings.review_text": {"text": "[log]\nrequests = true"},
        "settings.change": {"changes": {"auth.idle_minutes": 30}, "resets": [], "reason": "shared screens"},
        "settings.go_back": {"number": 0},
        "settings.bring_in": {"text": "[ingest]\nsamples_max = 100"},
        "signals.list": {"asset_id": own.asset_id},
        **link_inputs(own),
    }
    return (
        inputs
        | certificate_inputs()
        | people_inputs(own)
        | directory_inputs(own)
        | export_inputs(own)
        | firmware_inputs()
        | import_inputs(own)
        | link_inputs(own)
        | maintenance_inputs(own)
        | model_inputs(own)
        | notice_inputs(own)
        | report_inputs()
        | production_inputs(own)
        | rollout_inputs(own)
        | shift_inputs(own)
        | plant_inputs(own)
        | recording_inputs(own)
        | workspace_inputs(own)
        | storage_inputs()
        | training_inputs(own)
    ).get(path, MISSING)


async def answer(client: TrpcClient, path: str, input: Any = MISSING) -> Any:
    """Call a procedure as its kind demands; of a subscription return the first event.

    Raises:
        TrpcError: The server's answer.
        TimeoutError: There was none, which names the procedure that hangs.
    """
    async with asyncio.timeout(ANSWERED_S_MAX):
        return await _answer(client, path, input)


async def _answer(client: TrpcClient, path: str, input: Any) -> Any:
    kind = procedures()[path].type
    if kind == "query":
        return await client.query(path, input)
    if kind == "mutation":
        return await client.mutate(path, input)
    async with aclosing(cast(Any, client.subscribe(path, input))) as events:
        return await anext(events)


async def code(client: TrpcClient, path: str, input: Any = MISSING) -> str:
    """Return ``OK`` or the error's code."""
    try:
        await answer(client, path, input)
    except TrpcError as error:
        return error.code
    return "OK"
