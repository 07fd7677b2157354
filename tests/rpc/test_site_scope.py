"""Somebody of one site, with every right there is, asks for what belongs to another: it is as if it did not exist."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from pdm_app.domain.access import ROLE_PERMISSIONS, SYSTEM, Permission, Role
from pdm_app.services.people import OF_ADMINS
from pdm_app.trpc import TrpcError
from pdm_app.trpc.client import TrpcClient
from tests.counterparts.whole_product import OURS, THEIRS, Belongings, WholeProduct
from tests.rpc.calls import ANOTHER_SENSOR, NEEDS, answer, procedures, sensible_input
from tests.rpc.export_calls import export_crossings
from tests.rpc.firmware_calls import firmware_crossings
from tests.rpc.import_calls import import_crossings
from tests.rpc.link_calls import link_crossings
from tests.rpc.maintenance_calls import maintenance_crossings
from tests.rpc.model_calls import model_crossings
from tests.rpc.names import Names
from tests.rpc.notice_calls import notice_crossings
from tests.rpc.people_calls import people_crossings
from tests.rpc.plant_calls import plant_crossings
from tests.rpc.production_calls import production_crossings
from tests.rpc.recording_calls import recording_crossings
from tests.rpc.report_calls import report_crossings
from tests.rpc.rollout_calls import rollout_crossings
from tests.rpc.shift_calls import shift_crossings
from tests.rpc.training_calls import training_crossings
from tests.rpc.workspace_calls import workspace_crossings

SPAN = {"start_at": 1_800_000_000_000_000, "end_at": 1_800_000_060_000_000}
NOTHING = Belongings(
    asset_id="no-asset",
    asset_code="X-999",
    signal_id=99_999,
    device_id="no-device",
    connection_id="no-connection",
    rule_id="no-rule",
    alarm_id="no-alarm",
    past_alarm_id="no-alarm",
    fault_id="no-fault",
    user_id="no-user",
    session_id="no-session",
    area_id="no-area",
    line_id="no-line",
    key_id="no-key",
    spare_rule_id="no-rule",
    share_id="no-share",
    view_id="no-view",
    annotation_id="no-note",
    group_id="no-group",
    peer="no-peer",
    notice_token="no-token",
    campaign_id="pause-campaign-nowhere",
    model_id="model-nowhere",
)
NOWHERE = "nowhere"
OF_ALL_SITES = {
    Permission.SITES_CONFIGURE,
    Permission.STORAGE_CONFIGURE,
    Permission.TRUST_CONFIGURE,
    Permission.USERS_CONFIGURE,
}  # Of admins alone, who see them all.


def crossings(target: Belongings, site_id: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By procedure and field: what is asked for when somebody means what is ``target``."""
    sensor = {"key": "sensor_stuck", "signal": ANOTHER_SENSOR, "start_severity": 1.0}
    alarms = (target.alarm_id, target.past_alarm_id)
    return {
        ("alarms.active", "site_id"): [{"site_id": site_id}],
        ("alarms.watch", "site_id"): [{"site_id": site_id}],
        ("alarms.acknowledge", "alarm_id"): [{"alarm_id": alarm_id, "comment": "mine now"} for alarm_id in alarms],
        ("alarms.comment", "alarm_id"): [{"alarm_id": alarm_id, "comment": "mine now"} for alarm_id in alarms],
        ("alarms.reset", "alarm_id"): [{"alarm_id": alarm_id} for alarm_id in alarms],
        ("alarms.shelf", "site_id"): [{"site_id": site_id}],
        ("alarms.scorecard", "site_id"): [{"site_id": site_id}],
        ("alarms.shelve", "rule_id"): [{"rule_id": target.rule_id, "for_s": 600, "reason": "mine now"}],
        ("alarms.unshelve", "rule_id"): [{"rule_id": target.rule_id}],
        ("alarms.take_out", "rule_id"): [{"rule_id": target.rule_id, "reason": "mine now"}],
        ("alarms.put_back", "rule_id"): [{"rule_id": target.rule_id}],
        ("alarms.journal", "alarm_id"): [{"alarm_id": alarm_id} for alarm_id in alarms],
        ("alarms.journal", "asset_id"): [{"asset_id": target.asset_id}],
        ("alarms.journal", "site_id"): [{"site_id": site_id}],
        ("alarms.rules", "asset_id"): [{"asset_id": target.asset_id}],
        ("audit.page", "site_id"): [{"site_id": site_id}],
        ("audit.page", "subject_id"): [{"subject_id": target.connection_id}, {"subject_id": target.alarm_id}],
        ("assets.overview", "site_id"): [{"site_id": site_id}],
        ("assets.list", "site_id"): [{"site_id": site_id}],
        ("connections.pause", "connection_id"): [{"connection_id": target.connection_id}],
        ("connections.resume", "connection_id"): [{"connection_id": target.connection_id}],
        ("connections.login", "connection_id"): [{"connection_id": target.connection_id}],
        ("connections.put_login", "connection_id"): [
            {"connection_id": target.connection_id, "username": "mine", "password": "mine"}
        ],
        ("connections.remove_login", "connection_id"): [{"connection_id": target.connection_id}],
        ("replays.start", "asset_id"): [{"asset_id": target.asset_id}, {"asset_id": target.asset_code}],
        ("copilot.ask", "asset_id"): [{"text": "Why is it red?", "asset_id": target.asset_id}],
        ("demo.truth", "asset_code"): [{"asset_code": target.asset_code}],
        ("demo.inject", "asset_code"): [{"asset_code": target.asset_code, **sensor}],
        ("demo.clear", "fault_id"): [{"fault_id": target.fault_id}],
        ("formulas.evaluate", "asset_id"): [{"formula": ANOTHER_SENSOR, "asset_id": target.asset_id, **SPAN}],
        ("formulas.cancel_recalculation", "recalculation_id"): [{"recalculation_id": "somebodys"}],
        ("formulas.recalculate", "signal_id"): [{"signal_id": target.signal_id, **SPAN}],
        ("formulas.signals", "site_id"): [{"site_id": site_id}],
        ("history.aggregate", "signals"): [{"signals": [target.signal_id], **SPAN}],
        ("history.at", "signals"): [{"signals": [target.signal_id], "at": SPAN["start_at"]}],
        ("history.envelope", "signals"): [{"signals": [target.signal_id], **SPAN}],
        ("history.progressive", "signals"): [{"signals": [target.signal_id], **SPAN}],
        ("live.values", "signals"): [{"signals": [target.signal_id]}],
        ("live.latest", "signals"): [{"signals": [target.signal_id]}],
        ("signals.list", "asset_id"): [{"asset_id": target.asset_id}],
        **export_crossings(target, site_id),
        **firmware_crossings(),
        **import_crossings(target),
        **link_crossings(target, site_id),
        **maintenance_crossings(target, site_id),
        **model_crossings(target, site_id),
        **notice_crossings(target, site_id),
        **report_crossings(site_id),
        **production_crossings(target, site_id),
        **rollout_crossings(site_id),
        **shift_crossings(target, site_id),
        **training_crossings(target, site_id),
        **people_crossings(target),
        **plant_crossings(target, site_id),
        **recording_crossings(target, site_id),
        **workspace_crossings(target, site_id),
    }


def names_of(schema: Any) -> Iterator[str]:
    """Every property name in a JSON schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from names_of(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from names_of(part)


def test_only_those_who_see_every_site_administer_people() -> None:
    assert [role for role in Role if Permission.USERS_CONFIGURE in ROLE_PERMISSIONS[role]] == [Role.ADMIN]
    assert Permission.USERS_CONFIGURE in OF_ADMINS, "nobody else can be granted it"


def test_every_field_that_names_a_thing_is_among_those_that_are_tried() -> None:
    naming = {
        (path, name)
        for path, procedure in procedures().items()
        for name in names_of(procedure.describe()["input"])
        if (name.endswith("_id") or name in {"signals", "asset_code"}) and NEEDS[path] not in OF_ALL_SITES
    }
    assert crossings(NOTHING, NOWHERE).keys() == naming


async def told(client: TrpcClient, path: str, asked: dict[str, Any], target: Belongings, site_id: str) -> str:
    """What comes back, with every name of the target replaced, so that two targets can be compared."""
    try:
        said: Any = await answer(client, path, asked)
    except TrpcError as error:
        said = {"code": error.code, "message": error.message, "data": error.data}
    names = {site_id, *(str(getattr(target, field)) for field in target.__slots__)}
    return re.sub(
        "|".join(rf"\b{re.escape(name)}\b" for name in sorted(names, key=len, reverse=True)), "0", json.dumps(said)
    )


async def everything_of(product: WholeProduct) -> Any:
    """What an admin sees of all sites; nobody else may have changed it."""
    admin = await product.sign_in(Role.ADMIN)
    async with product.client(admin.access_token) as client:
        connections = [view["connection"] for view in await client.query("connections.list")]
        seen = [
            await client.query(path) for path in ("alarms.active", "demo.faults", "assets.overview", "signals.list")
        ]
        return [connections, await client.query("alarms.journal", {}), *seen]


# What is answered where a search for something foreign, as for something absent, simply finds nothing.
FINDS_NOTHING: dict[tuple[str, str], Any] = {
    ("alarms.journal", "alarm_id"): {"entries": [], "before": None},
    ("audit.page", "subject_id"): {"entries": [], "before": None},
    ("formulas.signals", "site_id"): [],
    ("health.anomalies", "asset_id"): [],
    ("health.anomalies", "site_id"): [],
    ("health.fleet", "site_id"): [],
    ("models.list", "asset_id"): [],
    ("models.list", "site_id"): [],
    ("notices.messages", "user_id"): [],
    ("reports.copies", "report_id"): [],
}


async def test_what_is_elsewhere_and_what_does_not_exist_are_answered_alike_to_every_role(
    walked_product: WholeProduct,
) -> None:
    product = walked_product
    before = await everything_of(product)
    there, nowhere = crossings(product.theirs, THEIRS), crossings(NOTHING, NOWHERE)
    found, expected = {}, {}
    for role in set(Role) - {Role.ADMIN}:  # Admins see every site.
        signed_in = await product.sign_in(role)
        async with product.client(signed_in.access_token) as client:
            for path, field in there:
                needed = NEEDS[path]
                is_allowed = needed is None or needed in ROLE_PERMISSIONS[role]
                for asked_there, asked_nowhere in zip(there[path, field], nowhere[path, field], strict=True):
                    foreign = await told(client, path, asked_there, product.theirs, THEIRS)
                    absent = await told(client, path, asked_nowhere, NOTHING, NOWHERE)
                    assert foreign == absent, (role, path, field)
                    said = json.loads(foreign)
                    found[role, path, field] = said.get("code", said) if isinstance(said, dict) else said
                    expected[role, path, field] = (
                        FINDS_NOTHING.get((path, field), "NOT_FOUND") if is_allowed else "FORBIDDEN"
                    )
    assert found == expected
    assert await everything_of(product) == before


async def test_one_foreign_signal_among_own_ones_gives_none_of_them(sqlite_product: WholeProduct) -> None:
    engineer = await sqlite_product.sign_in(Role.ENGINEER)
    mixed = [sqlite_product.ours.signal_id, sqlite_product.theirs.signal_id]
    async with sqlite_product.client(engineer.access_token) as client:
        for path, more in (("history.envelope", SPAN), ("live.latest", {}), ("live.values", {})):
            with pytest.raises(TrpcError) as refused:
                await answer(client, path, {"signals": mixed, **more})
            assert refused.value.code == "NOT_FOUND"


def names_elsewhere(product: WholeProduct) -> Names:
    """Every id, code, name and address of the other site."""
    plant, theirs = product.plant, product.theirs
    names = {THEIRS, theirs.alarm_id, theirs.past_alarm_id, theirs.fault_id}
    for things in (plant.lines, plant.areas, plant.assets, plant.devices, plant.connections, plant.rules):
        names |= {thing.id for thing in things if thing.site_id == THEIRS}
    names |= {asset.code for asset in plant.assets if asset.site_id == THEIRS}
    connections = [connection for connection in plant.connections if connection.site_id == THEIRS]
    names |= {connection.name for connection in connections} | {connection.endpoint for connection in connections}
    return Names(names)


async def test_no_answer_speaks_of_another_site(product: WholeProduct) -> None:
    names = names_elsewhere(product)
    engineer, admin = await product.sign_in(Role.ENGINEER), await product.sign_in(Role.ADMIN)
    async with product.client(admin.access_token) as client:
        assert names.search(json.dumps(await answer(client, "assets.overview"))), "the search finds what is there"
    leaks = {}
    async with product.client(engineer.access_token) as client:
        for path in NEEDS:
            sensible = sensible_input(path, product.ours)
            for asked in [{}, sensible] if sensible else [{}]:
                try:
                    said = json.dumps(await answer(client, path, asked))
                except TrpcError as error:
                    said = json.dumps([error.message, error.data])
                if found := names.search(said):
                    leaks[path] = found.group()
    assert leaks == {}


async def test_the_system_does_not_say_whose_connection_is_down(sqlite_product: WholeProduct) -> None:
    product = sqlite_product
    for connection in product.plant.connections:
        if connection.site_id == OURS:
            await product.services.connections.pause(SYSTEM, connection.id)
    theirs = product.theirs.connection_id
    async with asyncio.timeout(90), aclosing(product.services.connections.watch(SYSTEM)) as pictures:
        async for picture in pictures:
            if any(view.connection.id == theirs and view.status.last_error for view in picture):
                break
    engineer = await product.sign_in(Role.ENGINEER)
    said = ""
    async with asyncio.timeout(90), product.client(engineer.access_token) as client:
        while '"connections", "ok": false' not in said:  # While it is tried anew it is not down.
            said = json.dumps(await client.query("system.health"))
    assert names_elsewhere(product).search(said) is None


async def test_an_admin_sees_every_site_and_others_the_sites_they_belong_to(product: WholeProduct) -> None:
    seen = {}
    for role in (Role.VIEWER, Role.ADMIN):
        signed_in = await product.sign_in(role)
        async with product.client(signed_in.access_token) as client:
            seen[role] = {alarm["site_id"] for alarm in await answer(client, "alarms.active")}
    assert seen == {Role.VIEWER: {OURS}, Role.ADMIN: {OURS, THEIRS}}
