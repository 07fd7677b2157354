"""Breaking the demo plant: only what is there, only in own sites, and the ground truth remembers it."""

from pathlib import Path

import pytest

from pdm_app.domain.access import Role
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.services.demo import DemoService
from pdm_app.simulation.fleet import Fleet
from pdm_app.simulation.labels import Labels, read_labels
from pdm_app.simulation.plant import PlantPorts
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.alarms import ADA, ANNA, GRETA, VERA
from tests.counterparts.clocks import HandClock

GRETA_CODES, ANNA_CODES = {"C-201"}, {"P-501", "G-1"}


@pytest.fixture
def demo(sqlite_work: SqlUnitOfWork, clock: HandClock, tmp_path: Path) -> DemoService:
    """The demo's faults over a stored plant; the processes of its machines do not run."""
    ports = PlantPorts(opcua=1, modbus=2, mqtt=3)
    return DemoService(Fleet(tmp_path, clock, ports, Labels(since=clock.now())), sqlite_work, clock)


async def test_only_faults_of_own_machines_are_offered(demo: DemoService) -> None:
    for actor, codes in ((GRETA, GRETA_CODES), (ANNA, ANNA_CODES)):
        kinds = await demo.kinds(actor)
        assert {code for kind in kinds for code in kind.asset_codes} <= codes
        assert all(kind.asset_codes for kind in kinds)
    assert "cavitation" in {kind.key for kind in await demo.kinds(ANNA)}
    assert "cavitation" not in {kind.key for kind in await demo.kinds(GRETA)}


async def test_a_fault_is_on_disk_and_in_the_list_of_those_who_see_its_machine(
    demo: DemoService, clock: HandClock, tmp_path: Path
) -> None:
    fault = await demo.inject(ANNA, "cavitation", "P-501", start_severity=0.5)
    clock.at += 1_000_000
    stuck = await demo.inject(ANNA, "sensor_stuck", "P-501", "Suction_Pressure_bar")
    assert await demo.faults(ADA) == [stuck, fault], "newest first"
    assert await demo.faults(GRETA) == []
    kept = read_labels(tmp_path)
    assert kept is not None
    assert [label.id for label in kept.faults] == [fault.id, stuck.id]

    cleared = await demo.clear(ANNA, fault.id)
    assert cleared.cleared_at == clock.now()
    assert [label.cleared_at for label in await demo.faults(ANNA)] == [None, clock.now()]


@pytest.mark.parametrize("severity", [-0.1, 1.1, 1e308, float("nan")])
async def test_a_severity_is_a_share(demo: DemoService, severity: float) -> None:
    with pytest.raises(InvalidInputError, match="outside 0 to 1"):
        await demo.inject(ANNA, "cavitation", "P-501", start_severity=severity)
    assert await demo.faults(ADA) == []


async def test_what_cannot_be_broken_is_said_before_anything_is_written(demo: DemoService, tmp_path: Path) -> None:
    for key, code, signal, error in (
        ("meteorite", "P-501", "", InvalidInputError),
        ("cavitation", "G-1", "", InvalidInputError),
        ("sensor_stuck", "P-501", "No_Such_Sensor", InvalidInputError),
        ("cavitation", "P-999", "", NotFoundError),
    ):
        with pytest.raises(error):
            await demo.inject(ADA, key, code, signal)
    await demo.inject(ADA, "cavitation", "P-501")
    with pytest.raises(ConflictError, match="already has cavitation"):
        await demo.inject(ADA, "cavitation", "P-501")
    kept = read_labels(tmp_path)
    assert kept is not None
    assert len(kept.faults) == 1


async def test_a_machine_of_another_site_is_neither_broken_nor_mended(demo: DemoService) -> None:
    fault = await demo.inject(ANNA, "cavitation", "P-501")
    with pytest.raises(NotFoundError, match="There is no machine 'P-501' to break"):
        await demo.inject(GRETA, "cavitation", "P-501")
    for fault_id in (fault.id, "nothing"):
        with pytest.raises(NotFoundError, match=f"There is no injected fault '{fault_id}'"):
            await demo.clear(GRETA, fault_id)


async def test_who_may_only_look_breaks_nothing(demo: DemoService) -> None:
    for question in (demo.kinds(VERA), demo.faults(VERA), demo.inject(VERA, "cavitation", "P-501")):
        with pytest.raises(PermissionDeniedError, match=r"demo\.control"):
            await question
    assert VERA.role is Role.VIEWER


async def test_a_reset_repairs_everything_and_begins_the_story_anew(demo: DemoService, clock: HandClock) -> None:
    await demo.inject(ADA, "cavitation", "P-501", start_severity=0.5)
    await demo.inject(ADA, "sensor_stuck", "C-201", "Oil_Temperature_C")
    clock.at += 60_000_000
    standing, *scenes = await demo.reset(ADA)
    assert (standing.key, standing.asset_code, standing.injected_at) == ("bearing_wear", "P-101A", clock.now())
    faults = await demo.faults(ADA)
    broken = [fault for fault in faults if fault.key in {"cavitation", "sensor_stuck"}]
    assert [fault.cleared_at for fault in broken] == [clock.now(), clock.now()]
    assert {fault.key for fault in scenes} == {"filter_clog", "link_weak", "comm_loss", "chattering", "capper_jam"}
    again, *others = await demo.reset(ADA)
    assert [fault.key for fault in others] == [fault.key for fault in scenes]
    assert again.id != standing.id
    assert again.start_severity == standing.start_severity


async def test_who_sees_one_site_resets_nothing_of_another(demo: DemoService) -> None:
    fault = await demo.inject(ANNA, "cavitation", "P-501", start_severity=0.5)
    with pytest.raises(ConflictError, match="you do not see them all"):
        await demo.reset(GRETA)
    with pytest.raises(PermissionDeniedError):
        await demo.reset(VERA)
    assert [label.id for label in await demo.faults(ANNA)] == [fault.id]


async def test_only_what_somebody_did_is_ticked_on_the_own_list(demo: DemoService) -> None:
    fault = await demo.inject(ANNA, "cavitation", "P-501", start_severity=0.5)
    assert await demo.deeds(ANNA) == ("break",)
    assert await demo.deeds(ADA) == ()
    await demo.clear(ANNA, fault.id)
    assert await demo.deeds(ANNA) == ("break", "repair")


async def test_a_plant_without_a_past_is_done_with_it(demo: DemoService) -> None:
    assert demo.progress(VERA).is_done
