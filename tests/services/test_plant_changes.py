"""Every noun of the plant: created, changed, deleted and restored, on real databases."""

import asyncio

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.assets import AreaFacts, AssetFacts, DeviceFacts, LineFacts, SiteFacts
from pdm_app.domain.audit import AuditQuery
from pdm_app.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from pdm_app.domain.plant import Listing
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA
from tests.counterparts.clocks import HandClock
from tests.services.plant_desk import BOTH, ERIN, MAX, PLC, PlantDesk, machine, refusal, rule, signal


@pytest.fixture
def desk(work: SqlUnitOfWork, clock: HandClock) -> PlantDesk:
    return PlantDesk(work, clock)


@pytest.fixture
def sqlite_desk(sqlite_work: SqlUnitOfWork, clock: HandClock) -> PlantDesk:
    return PlantDesk(sqlite_work, clock)


# --- from nothing to a machine and back ----------------------------------------------------------------------------


async def test_a_plant_is_built_from_nothing_and_taken_down_again(desk: PlantDesk) -> None:
    site = await desk.sites.create(ADA, SiteFacts(code="LNZ", name=" Linz ", time_zone="Europe/Vienna", currency="EUR"))
    assert (site.name, site.revision) == ("Linz", 1)
    area = await desk.areas.create(ADA, AreaFacts(site_id=site.id, name="Utilities"))
    line = await desk.lines.create(ADA, LineFacts(area_id=area.id, name="Water"))
    asset = await desk.assets.create(ADA, AssetFacts(line_id=line.id, code="P-1", name="Pump"))
    connection = await desk.connections.create(ADA, PLC.model_copy(update={"site_id": site.id}))
    pressure = await desk.signals.create(
        ADA, signal(asset.id, "Pressure_bar", connection_id=connection.id, address={"register": 7, "type": "float32"})
    )
    high = await desk.rules.create(ADA, rule(pressure.id))
    device = await desk.devices.create(ADA, DeviceFacts(site_id=site.id, code="G-1", name="Gateway", asset_id=asset.id))
    assert {line.site_id, asset.site_id, pressure.site_id, high.site_id} == {site.id}
    assert high.asset_id == asset.id
    detail = await desk.assets.by_id(ADA, asset.id)
    assert (detail.signals, detail.rules, detail.devices) == ((pressure,), (high,), (device,))

    blocked = [
        (desk.sites, site.id, "1 area (Utilities) and 1 connection (Line PLC) and 1 device (G-1)"),
        (desk.areas, area.id, "1 line (Water)"),
        (desk.lines, line.id, "1 asset (P-1)"),
        (desk.assets, asset.id, "1 signal (Pressure_bar) and 1 device (G-1)"),
        (desk.connections, connection.id, "1 signal (Pressure_bar)"),
        (desk.signals, pressure.id, "1 alarm rule (Too hot)"),
    ]
    for service, id, held_by in blocked:
        refused = await refusal(service.delete(ADA, id))  # type: ignore[attr-defined]
        assert isinstance(refused, ConflictError)
        assert held_by in refused.message
    taken_down = [
        *((desk.rules, high.id), (desk.devices, device.id), (desk.signals, pressure.id)),
        *((desk.connections, connection.id), (desk.assets, asset.id), (desk.lines, line.id)),
        *((desk.areas, area.id), (desk.sites, site.id)),
    ]
    for service, id in taken_down:
        desk.clock.at += 1
        await service.delete(ADA, id)  # type: ignore[attr-defined]
        assert isinstance(await refusal(service.get(ADA, id)), NotFoundError)  # type: ignore[attr-defined]
    assert site.id not in {known.id for known in await desk.assets.sites(ADA)}
    for service, id in reversed(taken_down):
        restored = await service.restore(ADA, id)  # type: ignore[attr-defined]
        assert restored == await service.get(ADA, id)  # type: ignore[attr-defined]
    assert (await desk.assets.by_id(ADA, asset.id)).signals[0].id == pressure.id


async def test_a_machine_goes_and_comes_back_with_its_signals_and_rules(desk: PlantDesk) -> None:
    asset = await desk.assets.create(ERIN, machine())
    plc = await desk.connections.create(ERIN, PLC)
    read = signal(asset.id, "State", connection_id=plc.id, address={"register": 1})
    state, noise, early = [
        await desk.signals.create(ERIN, facts) for facts in (read, signal(asset.id), signal(asset.id, "Old"))
    ]
    asset = await desk.assets.change(ERIN, asset.id, {"state_signal_id": state.id})
    loud = await desk.rules.create(ERIN, rule(noise.id))
    await desk.signals.delete(ERIN, early.id)
    desk.clock.at += 1_000_000
    await desk.lines.change(ERIN, "pune-line", {"lead_signal_id": noise.id})
    assert "1 line that it leads" in (await refusal(desk.assets.delete(ERIN, asset.id, with_parts=True))).message
    await desk.lines.change(ERIN, "pune-line", {"lead_signal_id": None})
    await desk.devices.change(ERIN, "dev-loose", {"asset_id": asset.id})
    assert "1 device (L-1)" in (await refusal(desk.assets.delete(ERIN, asset.id, with_parts=True))).message
    await desk.devices.change(ERIN, "dev-loose", {"asset_id": None})
    assert (await desk.assets.by_id(ERIN, asset.id)).rules == (loud,), "what was refused has changed nothing"
    desk.heard.taken()

    await desk.assets.delete(ERIN, asset.id, asset.revision, with_parts=True)
    assert desk.heard.taken() == ["sources", "sources", f"connection {plc.id}", "rules"]
    for gone in (desk.signals.get(ERIN, noise.id), desk.rules.get(ERIN, loud.id), desk.assets.get(ERIN, asset.id)):
        assert isinstance(await refusal(gone), NotFoundError)
    await desk.connections.delete(ERIN, plc.id)
    refused = await refusal(desk.assets.restore(ERIN, asset.id))
    assert f"There is no connection {plc.id!r}" in refused.message
    await desk.connections.restore(ERIN, plc.id)
    await desk.assets.restore(MAX, asset.id)
    detail = await desk.assets.by_id(ERIN, asset.id)
    assert {one.id for one in detail.signals} == {state.id, noise.id}, "what was deleted before stays so"
    assert [one.id for one in detail.rules] == [loud.id]
    assert detail.asset.state_signal_id == state.id
    async with desk.work(EVERY_SITE) as work:
        trail = await work.audit.page(AuditQuery(actor="max"))
    assert {entry.action for entry in trail} == {"assets.restored", "signals.restored", "alarm_rules.restored"}


async def test_what_hangs_on_a_thing_by_reference_keeps_it_too(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    await desk.lines.change(ERIN, "pune-line", {"lead_signal_id": 62})
    await desk.assets.change(ERIN, "g-1", {"state_signal_id": 62})
    refused = await refusal(desk.signals.delete(ERIN, 62))
    assert "1 line that it leads (Line) and 1 asset whose state it says (G-1)" in refused.message
    assert "Choose another lead signal" in refused.message
    await desk.lines.change(ERIN, "pune-line", {"lead_signal_id": None})
    await desk.assets.change(ERIN, "g-1", {"state_signal_id": None})
    assert (await desk.signals.delete(ERIN, 62)).id == 62


# --- changing -------------------------------------------------------------------------------------------------------


async def test_only_the_fields_given_change_and_null_is_a_value(desk: PlantDesk) -> None:
    before = await desk.signals.create(ERIN, signal(range_low=0.0, range_high=10.0, unit="bar"))
    after = await desk.signals.change(ERIN, before.id, {"range_low": None, "label": "Noise"})
    assert after == before.model_copy(update={"range_low": None, "label": "Noise", "revision": 2})
    assert await desk.signals.get(ERIN, before.id) == after
    assert await desk.signals.change(ERIN, before.id, {"label": "Noise"}) == after, "no change, no new revision"


async def test_a_stale_change_is_refused_with_who_was_first_and_when(desk: PlantDesk) -> None:
    asset = await desk.assets.create(ERIN, machine())
    desk.clock.at += 20_000_000
    await desk.assets.change(MAX, asset.id, {"name": "Mill of Max"}, asset.revision)
    for late in (
        desk.assets.change(ERIN, asset.id, {"name": "Mill of Erin"}, asset.revision),
        desk.assets.delete(ERIN, asset.id, asset.revision),
    ):
        refused = await refusal(late)
        assert isinstance(refused, ConflictError)
        assert refused.message.startswith("max changed the asset 'M-1' on 2027-01-15 at 08:00:20 UTC")
        assert refused.facts["changed_by"] == "max"
        assert refused.facts["revision"] == 2
    assert (await desk.assets.get(ERIN, asset.id)).name == "Mill of Max"
    assert (await desk.assets.change(ERIN, asset.id, {"name": "Whatever"})).revision == 3, "nobody asked"


async def test_of_two_changes_of_one_revision_at_once_exactly_one_holds(desk: PlantDesk) -> None:
    asset = await desk.assets.create(ERIN, machine())
    answers = await asyncio.gather(
        *(desk.assets.change(who, asset.id, {"name": f"Mill of {who.name}"}, 1) for who in (ERIN, MAX) * 3),
        return_exceptions=True,
    )
    kept = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(kept) == 1
    assert all(isinstance(answer, ConflictError) for answer in answers if answer is not kept[0])
    assert await desk.assets.get(ERIN, asset.id) == kept[0]


async def test_of_two_creations_of_one_name_at_once_exactly_one_holds(desk: PlantDesk) -> None:
    answers = await asyncio.gather(*(desk.assets.create(ERIN, machine()) for _ in range(5)), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert all(isinstance(a, ConflictError) for a in answers if isinstance(a, BaseException))


async def test_nothing_is_put_under_a_parent_that_is_deleted_at_the_same_time(desk: PlantDesk) -> None:
    for number in range(6):
        asset = await desk.assets.create(ERIN, machine(f"R-{number}"))
        put, _ = await asyncio.gather(
            desk.signals.create(ERIN, signal(asset.id)), desk.assets.delete(ERIN, asset.id), return_exceptions=True
        )
        listed = await desk.signals.page(ERIN, Listing(text="Noise_dB"))
        parents = {known.id for known in await desk.assets.all(ERIN)}
        assert {found.asset_id for found in listed.items} <= parents
        assert isinstance(put, NotFoundError) or asset.id in parents


async def test_many_at_once_in_two_sites_get_numbers_of_their_own(desk: PlantDesk) -> None:
    made = await asyncio.gather(
        *(desk.signals.create(BOTH, signal("p-501" if n % 2 else "c-201", f"S_{n}")) for n in range(12))
    )
    numbers = [one.id for one in made]
    assert len(set(numbers)) == 12
    assert min(numbers) == 65, "64 is the highest that was stored"


async def test_the_number_of_a_deleted_signal_is_never_given_again(sqlite_desk: PlantDesk) -> None:
    first = await sqlite_desk.signals.create(ERIN, signal())
    await sqlite_desk.signals.delete(ERIN, first.id)
    second = await sqlite_desk.signals.create(ERIN, signal())
    assert second.id == first.id + 1


async def test_a_machine_moves_within_its_site_and_never_out_of_it(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    other = await desk.lines.create(ERIN, LineFacts(area_id="pune-area", name="Second"))
    assert (await desk.assets.change(ERIN, "p-501", {"line_id": other.id})).line_id == other.id
    refused = await refusal(desk.assets.change(BOTH, "p-501", {"line_id": "graz-line"}))
    assert isinstance(refused, InvalidInputError)
    assert refused.issues[0].field == "line_id"
    assert isinstance(await refusal(desk.assets.change(ERIN, "p-501", {"line_id": "graz-line"})), NotFoundError)


async def test_what_cannot_be_changed_says_so(sqlite_desk: PlantDesk) -> None:
    for changes, field, word in (
        ({"asset_id": "g-1"}, "asset_id", "stays as it was"),
        ({"data_type": "text"}, "data_type", "stays as it was"),
        ({"id": 7}, "id", "cannot be changed"),
        ({"site_id": "graz"}, "site_id", "cannot be changed"),
        ({"revision": 9}, "revision", "cannot be changed"),
    ):
        refused = await refusal(sqlite_desk.signals.change(ERIN, 41, changes))
        assert isinstance(refused, InvalidInputError)
        assert [issue.field for issue in refused.issues] == [field]
        assert word in refused.issues[0].problem


# --- lists ----------------------------------------------------------------------------------------------------------


async def test_pages_end_where_the_next_one_begins(desk: PlantDesk) -> None:
    for number in range(7):
        await desk.assets.create(ERIN, machine(f"X-{number}"))
    seen, cursor = [], None
    for _ in range(9):
        page = await desk.assets.page(ERIN, Listing(text="x-", cursor=cursor, limit=3))
        seen.append([asset.code for asset in page.items])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [["X-0", "X-1", "X-2"], ["X-3", "X-4", "X-5"], ["X-6"]]
    for cursor in ("nothing", "c-201"):
        assert isinstance(await refusal(desk.assets.page(ERIN, Listing(cursor=cursor))), InvalidInputError)
    assert isinstance(await refusal(desk.signals.page(ERIN, Listing(cursor="x"))), InvalidInputError)
    assert (await desk.signals.page(ERIN, Listing(cursor="41", limit=1))).items[0].name > "Motor_RPM"


async def test_a_list_is_narrowed_by_words_and_by_place(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    await desk.assets.create(ERIN, machine("A_100").model_copy(update={"name": "Mill 100 %"}))
    for text, codes in (("MILL", ["A_100"]), ("a_1", ["A_100"]), ("%", ["A_100"]), ("_", ["A_100"]), ("nothing", [])):
        found = await desk.assets.page(ERIN, Listing(text=text))
        assert [asset.code for asset in found.items] == codes, text
    assert len((await desk.signals.page(BOTH, Listing(), asset_id="g-1")).items) == 4
    assert {one.site_id for one in (await desk.signals.page(BOTH, Listing(site_id="graz"))).items} == {"graz"}


async def test_what_was_deleted_is_listed_to_be_restored(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    asset = await desk.assets.create(ERIN, machine())
    await desk.assets.delete(MAX, asset.id)
    assert [one.id for one in (await desk.assets.page(ERIN, Listing(deleted=True))).items] == [asset.id]
    for again in (desk.assets.delete(ERIN, asset.id), desk.assets.change(ERIN, asset.id, {"name": "B"})):
        refused = await refusal(again)
        assert isinstance(refused, ConflictError)
        assert refused.message.startswith("max deleted this asset")
    restored = await desk.assets.restore(ERIN, asset.id)
    assert restored == asset.model_copy(update={"revision": 3}) == await desk.assets.get(ERIN, asset.id)
    assert isinstance(await refusal(desk.assets.restore(ERIN, asset.id)), ConflictError)


async def test_what_lay_in_something_deleted_is_restored_after_it(sqlite_desk: PlantDesk) -> None:
    desk = sqlite_desk
    asset = await desk.assets.create(ERIN, machine())
    noise = await desk.signals.create(ERIN, signal(asset.id))
    await desk.signals.delete(ERIN, noise.id)
    desk.clock.at += 1
    await desk.assets.delete(ERIN, asset.id)
    refused = await refusal(desk.signals.restore(ERIN, noise.id))
    assert isinstance(refused, ConflictError)
    assert f"There is no asset {asset.id!r}" in refused.message
    await desk.assets.restore(ERIN, asset.id)
    assert (await desk.signals.restore(ERIN, noise.id)).id == noise.id
