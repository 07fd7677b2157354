"""The rules of changing the plant: bad input, rights, who hears of a change, and what stays of what was deleted."""

from typing import Any

import pytest

from pdm_app.domain.access import EVERY_SITE, SYSTEM
from pdm_app.domain.alarms import JournalQuery
from pdm_app.domain.assets import AreaFacts, SiteFacts
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.conditions.limits import HighLimit, LowLimit
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
)
from pdm_app.domain.plant import Listing
from pdm_app.domain.signals import DataType
from pdm_app.services import plant_rules
from pdm_app.services.assets import AssetService
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import Desk
from pdm_app.services.plant_noun import Bound
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA
from tests.counterparts.clocks import NOON, HandClock
from tests.services.plant_desk import ERIN, GUSTAV, MAX, PLC, VERA, PlantDesk, machine, refusal, rule, signal


@pytest.fixture
def desk(work: SqlUnitOfWork, clock: HandClock) -> PlantDesk:
    return PlantDesk(work, clock)


@pytest.fixture
def sqlite_desk(sqlite_work: SqlUnitOfWork, clock: HandClock) -> PlantDesk:
    return PlantDesk(sqlite_work, clock)


# --- bad input ------------------------------------------------------------------------------------------------------


async def test_names_are_unique_among_neighbours_and_free_again_after_deleting(desk: PlantDesk) -> None:
    first = await desk.assets.create(ERIN, machine())
    refused = await refusal(desk.assets.create(ERIN, machine()))
    assert isinstance(refused, ConflictError)
    assert (refused.facts["field"], refused.facts["asset_id"]) == ("code", first.id)
    assert isinstance(await refusal(desk.assets.change(ERIN, "g-1", {"code": "M-1"})), ConflictError)
    await desk.assets.delete(ERIN, first.id)
    second = await desk.assets.create(ERIN, machine())
    refused = await refusal(desk.assets.restore(ERIN, first.id))
    assert isinstance(refused, ConflictError), "its code was given to another one meanwhile"
    assert refused.facts["asset_id"] == second.id
    await desk.assets.change(ERIN, second.id, {"code": "M-2"})
    assert (await desk.assets.restore(ERIN, first.id)).code == "M-1"


async def test_one_fault_is_named_by_its_field_and_nothing_is_stored(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    plc = await desk.connections.create(ERIN, PLC)
    hot = await desk.rules.create(ERIN, rule())
    before = await desk.signals.page(ERIN, Listing())
    cases: list[tuple[Any, str]] = [
        (desk.signals.create(ERIN, signal(scale=0.0)), "scale"),
        (desk.signals.create(ERIN, signal(address={"deep": "x" * 3_000})), "address"),
        (desk.signals.create(ERIN, signal(connection_id=plc.id, address={"register": -1})), "address.register"),
        (desk.signals.create(ERIN, signal(connection_id=plc.id, address={})), "address.register"),
        (desk.signals.change(ERIN, 41, {"range_low": 5.0, "range_high": 1.0}), "name"),
        (desk.signals.change(ERIN, 41, {"label": None}), "label"),
        (desk.signals.change(ERIN, 41, {"decimals": 99}), "decimals"),
        (desk.rules.create(ERIN, rule(64)), "signal_id"),
        (desk.rules.change(ERIN, hot.id, {"condition": {"kind": "no"}}), "condition"),
        (desk.connections.create(ERIN, PLC.model_copy(update={"driver": "s7", "name": "A"})), "driver"),
        (desk.connections.create(ERIN, PLC.model_copy(update={"endpoint": "ftp://x", "name": "A"})), "endpoint"),
        (
            desk.connections.create(ERIN, PLC.model_copy(update={"endpoint": "modbus://me:secret@plc", "name": "A"})),
            "endpoint",
        ),
        (desk.connections.create(ERIN, PLC.model_copy(update={"options": {"qos": 1}, "name": "A"})), "options.qos"),
        (desk.connections.change(ERIN, plc.id, {"options": {"timeout_s": -1}}), "options.timeout_s"),
        (desk.connections.change(ERIN, plc.id, {"options": {"x": "y" * 5_000}}), "options"),
        (desk.sites.change(ADA, "pune", {"time_zone": "Mars/Olympus"}), "time_zone"),
        (desk.sites.change(ADA, "pune", {"currency": "eur"}), "currency"),
    ]
    for asked, field in cases:
        refused = await refusal(asked)
        assert isinstance(refused, InvalidInputError), refused
        assert refused.issues[0].field == field, refused.issues
    assert await desk.signals.page(ERIN, Listing()) == before
    assert (await desk.connections.get(ERIN, plc.id)) == plc


async def test_a_connection_that_is_read_keeps_its_driver(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    plc = await desk.connections.create(ERIN, PLC)
    await desk.connections.change(ERIN, plc.id, {"driver": "mqtt", "endpoint": "mqtt://127.0.0.1"})
    await desk.connections.change(ERIN, plc.id, {"driver": "modbus", "endpoint": PLC.endpoint})
    await desk.signals.create(ERIN, signal(connection_id=plc.id, address={"register": 1}))
    refused = await refusal(desk.connections.change(ERIN, plc.id, {"driver": "mqtt", "endpoint": "mqtt://127.0.0.1"}))
    assert isinstance(refused, ConflictError)
    assert refused.facts["held_by"] == {"signals": 1}


async def test_there_is_an_end_to_how_many_there_may_be(
    sqlite_desk: PlantDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    noun = sqlite_desk.signals.noun
    few = type(noun)(
        **{name: getattr(noun, name) for name in noun.__slots__} | {"bounds": (Bound("asset_id", 11, "here"),)}
    )
    monkeypatch.setattr(type(sqlite_desk.signals), "noun", few)
    await sqlite_desk.signals.create(ERIN, signal(name="Eleventh"))
    refused = await refusal(sqlite_desk.signals.create(ERIN, signal(name="Twelfth")))
    assert isinstance(refused, ConflictError)
    assert "11" in refused.message
    assert (await sqlite_desk.signals.create(ERIN, signal("g-1", "Fifth"))).asset_id == "g-1"


# --- who ------------------------------------------------------------------------------------------------------------


async def test_a_foreign_parent_is_answered_as_one_that_does_not_exist(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    asked: list[tuple[Any, Any]] = [
        (desk.areas.create(GUSTAV, AreaFacts(site_id=site, name="Mine")), site) for site in ("pune", "nowhere")
    ]
    asked += [(desk.signals.create(GUSTAV, signal(asset)), asset) for asset in ("p-501", "nowhere")]
    asked += [(desk.assets.change(GUSTAV, id, {"name": "Mine"}), id) for id in ("p-501", "nowhere")]
    asked += [(desk.assets.delete(GUSTAV, id), id) for id in ("p-501", "nowhere")]
    asked += [(desk.assets.restore(GUSTAV, id), id) for id in ("p-501", "nowhere")]
    asked += [(desk.signals.page(GUSTAV, Listing(), asset_id=id), id) for id in ("p-501", "nowhere")]
    for foreign, absent in zip(asked[::2], asked[1::2], strict=True):
        answers = [await refusal(foreign[0]), await refusal(absent[0])]
        assert {type(answer) for answer in answers} == {NotFoundError}
        assert answers[0].message.replace("'pune'", "'p-501'") == answers[1].message.replace("'nowhere'", "'p-501'")


async def test_without_the_right_nothing_changes_and_deleted_things_are_not_listed(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    for asked in (
        desk.assets.create(VERA, machine()),
        desk.assets.change(VERA, "p-501", {"name": "Mine"}),
        desk.assets.delete(VERA, "g-1"),
        desk.assets.restore(VERA, "g-1"),
        desk.assets.page(VERA, Listing(deleted=True)),
        desk.sites.create(ERIN, SiteFacts(code="LNZ", name="Linz", time_zone="Europe/Vienna", currency="EUR")),
    ):
        assert isinstance(await refusal(asked), PermissionDeniedError)
    assert len((await desk.assets.page(VERA, Listing())).items) == 2


async def test_a_command_line_without_a_desk_reads_and_does_not_write(sqlite_work: SqlUnitOfWork) -> None:
    service = AssetService(sqlite_work)
    assert (await service.get(ERIN, "p-501")).code == "P-501"
    assert isinstance(await refusal(service.create(ERIN, machine())), NotSupportedError)


# --- who hears of it, and what stays ----------------------------------------------------------------------------------


async def test_the_running_parts_hear_what_concerns_them_after_the_commit(sqlite_desk: PlantDesk) -> None:
    desk, heard = sqlite_desk, sqlite_desk.heard
    plc = await desk.connections.create(ERIN, PLC)
    assert heard.taken() == [f"connection {plc.id}"]
    read = await desk.signals.create(ERIN, signal(connection_id=plc.id, address={"register": 1}))
    assert heard.taken() == ["sources", f"connection {plc.id}"]
    await desk.signals.change(ERIN, read.id, {"scale": 0.1})
    assert heard.taken() == ["sources", "signals"], "the link stays up"
    await desk.signals.change(ERIN, read.id, {"connection_id": None, "address": {}})
    assert heard.taken() == ["sources", f"connection {plc.id}"]
    await desk.connections.change(ERIN, plc.id, {"name": "Renamed"})
    assert heard.taken() == [], "the link stays up"
    await desk.connections.pause(ERIN, plc.id)
    await desk.connections.change(ERIN, plc.id, {"endpoint": "127.0.0.1:1503"})
    await desk.connections.delete(ERIN, plc.id)
    assert heard.taken() == [f"connection {plc.id}"] * 3
    hot = await desk.rules.create(ERIN, rule())
    await desk.rules.disable(ERIN, hot.id)
    await desk.rules.delete(ERIN, hot.id)
    assert heard.taken() == ["rules"] * 3
    asset = await desk.assets.create(ERIN, machine())
    await desk.devices.change(ERIN, "dev-loose", {"asset_id": asset.id})
    assert heard.taken() == ["sources", "sources"]
    await refusal(desk.rules.create(ERIN, rule(64)))
    assert heard.taken() == []


async def test_a_change_that_cannot_be_put_in_force_says_that_it_is_stored(sqlite_work: SqlUnitOfWork) -> None:
    async def away() -> None:
        raise UnavailableError("The database does not answer.")

    desk = PlantDesk(sqlite_work, HandClock())
    rules = type(desk.rules)(sqlite_work, Desk(desk.clock, desk.rules._desk.drivers, InForce(reload_rules=away)))
    refused = await refusal(rules.create(ERIN, rule()))
    assert isinstance(refused, UnavailableError)
    assert "is stored, but not in force yet" in refused.message
    assert [one.name for one in (await desk.rules.page(ERIN, Listing())).items] == ["Too hot"]


async def test_history_and_journal_of_what_was_deleted_can_still_be_asked_for(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    await desk.signals.delete(ERIN, 41)
    assert [one.id for one in await desk.signals.ever(ERIN, [41, 42])] == [41, 42]
    assert isinstance(await refusal(desk.signals.ever(GUSTAV, [41])), NotFoundError)
    assert isinstance(await refusal(desk.signals.some(ERIN, [41])), NotFoundError)
    async with desk.work(ERIN.scope) as work:
        assert await work.alarms.journal(JournalQuery(asset_id="p-501")) == []


async def test_a_deleted_device_is_nobody_and_its_keys_come_back_with_it(desk: PlantDesk) -> None:
    secret = (await desk.devices.create_key(ERIN, "dev-p-501")).secret
    assert (await desk.devices.actor_of_key(secret)).device_id == "dev-p-501"
    await desk.devices.delete(ERIN, "dev-p-501")
    assert isinstance(await refusal(desk.devices.actor_of_key(secret)), UnauthenticatedError)
    await desk.devices.restore(ERIN, "dev-p-501")
    assert (await desk.devices.actor_of_key(secret)).device_id == "dev-p-501"


async def test_every_change_is_audited_with_what_differs(desk: PlantDesk) -> None:
    asset = await desk.assets.create(ERIN, machine())
    await desk.assets.change(MAX, asset.id, {"name": "Grinder"})
    await desk.assets.change(MAX, asset.id, {"name": "Grinder"})
    await desk.assets.delete(MAX, asset.id)
    await desk.assets.restore(ERIN, asset.id)
    await refusal(desk.assets.create(ERIN, machine()))
    async with desk.work(EVERY_SITE) as work:
        entries = await work.audit.page(AuditQuery(subject="asset", subject_id=asset.id))
    assert [(entry.action, entry.actor, entry.site_id) for entry in reversed(entries)] == [
        ("assets.created", "erin", "pune"),
        ("assets.changed", "max", "pune"),
        ("assets.deleted", "max", "pune"),
        ("assets.restored", "erin", "pune"),
    ]
    changed = entries[2]
    assert (changed.before, changed.after, changed.at) == ('{"name":"Mill M-1"}', '{"name":"Grinder"}', NOON)


async def test_rules_take_any_condition_and_a_low_one(sqlite_desk: PlantDesk) -> None:
    low = await sqlite_desk.rules.create(
        ERIN, rule().model_copy(update={"condition": LowLimit(limit=1.0, deadband=0.1)})
    )
    after = await sqlite_desk.rules.change(ERIN, low.id, {"condition": {"kind": "high", "limit": 5}, "enabled": False})
    assert (after.condition, after.enabled) == (HighLimit(limit=5.0), False)
    assert (await sqlite_desk.rules.enable(ERIN, low.id)).enabled


async def test_a_signal_is_simulated_where_its_source_is(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    async with desk.work(EVERY_SITE) as work:
        plc = (await desk.connections.create(SYSTEM, PLC)).model_copy(update={"simulated": True})
        await work.connections.put(plc)
        await work.commit()
    assert (await desk.signals.create(ERIN, signal(connection_id=plc.id, address={"register": 1}))).simulated
    assert not (await desk.signals.create(ERIN, signal(name="Real", data_type=DataType.TEXT))).simulated


def test_every_fact_of_a_noun_can_be_changed_or_is_fixed_on_purpose(sqlite_desk: PlantDesk) -> None:
    for service in vars(sqlite_desk).values():
        noun = getattr(service, "noun", None)
        if noun is not None:
            assert noun.fixed <= set(noun.facts.model_fields)
            assert set(noun.facts.model_fields) <= set(noun.kind.model_fields)
            assert plant_rules.NAMED_BY.get(noun.parent[1]) is noun.parent[0] if noun.parent else True
