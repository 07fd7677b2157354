"""Replays: a recording on a machine, with its connection and signals, in one step that can be repeated."""

from pathlib import Path

import pytest

from pdm_app.domain.access import EVERY_SITE
from pdm_app.domain.connections import ConnectionFacts
from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signals import DataType
from pdm_app.drivers.connection_rules import Rules
from pdm_app.drivers.csv_recordings import CsvRecordings
from pdm_app.services.in_force import InForce
from pdm_app.services.plant_changes import Desk
from pdm_app.services.replays import ReplayService, signal_name
from pdm_app.storage.unit_of_work import SqlUnitOfWork
from tests.counterparts.clocks import HandClock
from tests.services.plant_desk import ERIN, GUSTAV, VERA, Heard, PlantDesk

FIRST = 1_772_344_800 * MICROS_PER_S  # 2026-03-01 06:00 UTC.
TEXT = """time;Öl Druck;Flow (m³/h);state
2026-03-01T06:00:00Z;4,1;120;running
2026-03-01T06:01:00Z;4.2;121;running
yesterday;4.3;122;running
2026-03-01T06:02:00Z;4.4;123;stopped
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "pump.csv").write_text(TEXT, encoding="utf-8")
    return folder


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def replays(work: SqlUnitOfWork, clock: HandClock, folder: Path, heard: Heard) -> ReplayService:
    in_force = InForce(heard.forget_sources, heard.reload_rules, heard.reload_signals, heard.reload)
    return ReplayService(work, CsvRecordings(folder), Desk(clock, Rules(), in_force))


async def test_a_recording_says_what_it_holds_and_what_of_it_cannot_be_used(
    replays: ReplayService, folder: Path
) -> None:
    (folder / "empty.csv").write_text("", encoding="utf-8")
    empty, pump = await replays.recordings(ERIN)
    assert empty.problem == "The file has no heading; its first line must name the columns."
    assert [(column.name, column.is_number, column.example) for column in pump.columns] == [
        ("Öl Druck", True, "4,1"),
        ("Flow (m³/h)", True, "120"),
        ("state", False, "running"),
    ]
    assert (pump.first_at, pump.last_at, pump.step_s) == (FIRST, FIRST + 120 * MICROS_PER_S, 60.0)
    assert (pump.rows_seen, pump.refused) == (4, 1)
    assert pump.refused_first == "line 4: its time 'yesterday' is not like 2026-03-01T06:00:00+01:00"


async def test_starting_makes_a_connection_and_a_signal_for_each_column_and_starts_it(
    replays: ReplayService, work: SqlUnitOfWork, heard: Heard
) -> None:
    replay = await replays.start(ERIN, "P-501", None, {"speed": 60, "loop": True})
    async with work(EVERY_SITE) as transaction:
        connection = next(row for row in await transaction.connections.all() if row.id == replay.connection_id)
        signals = [row for row in await transaction.signals.of_asset("p-501") if row.id in replay.signals]
    assert (connection.driver, connection.endpoint, connection.simulated) == ("csv_replay", "replay://pump.csv", True)
    assert connection.options == {"speed": 60, "loop": True}
    assert [(signal.name, signal.address, signal.data_type) for signal in signals] == [
        ("Ol_Druck", {"column": "Öl Druck"}, DataType.NUMBER),
        ("Flow_m3_h", {"column": "Flow (m³/h)"}, DataType.NUMBER),
        ("state", {"column": "state"}, DataType.TEXT),
    ]
    assert all(signal.simulated and signal.stale_after_s == 180.0 for signal in signals)
    assert heard.taken() == ["sources", f"connection {replay.connection_id}"]


async def test_starting_it_again_makes_nothing_twice_and_takes_over_the_new_pace(
    replays: ReplayService, work: SqlUnitOfWork
) -> None:
    first = await replays.start(ERIN, "p-501", "pump.csv", {"speed": 1})
    again = await replays.start(ERIN, "p-501", "pump.csv", {"speed": 600})
    assert again == first
    async with work(EVERY_SITE) as transaction:
        [connection] = [row for row in await transaction.connections.all() if row.driver == "csv_replay"]
        entries = [entry for entry in await transaction.audit.after(None, 100) if entry.action == "replays.started"]
    assert connection.options == {"speed": 600}
    assert len(entries) == 2, "one entry each, with what was started"


async def test_a_signal_that_is_read_from_elsewhere_is_not_taken_over(
    replays: ReplayService, folder: Path, work: SqlUnitOfWork
) -> None:
    (folder / "theirs.csv").write_text("time,Motor_RPM\n2026-03-01T06:00:00Z,1\n", encoding="utf-8")
    with pytest.raises(ConflictError, match="P-501 has a signal Motor_RPM already"):
        await replays.start(ERIN, "P-501", "theirs.csv", {})
    async with work(EVERY_SITE) as transaction:
        assert not [row for row in await transaction.connections.all() if row.driver == "csv_replay"]


async def test_who_may_not_or_asks_for_what_is_not_there_gets_a_reason(replays: ReplayService, folder: Path) -> None:
    with pytest.raises(PermissionDeniedError):
        await replays.start(VERA, "P-501", None, {})
    with pytest.raises(PermissionDeniedError):
        await replays.recordings(VERA)
    with pytest.raises(NotFoundError, match="no asset 'P-501'"):
        await replays.start(GUSTAV, "P-501", None, {})
    for name in ("missing.csv", "../pump.csv", "*.csv"):
        with pytest.raises(NotFoundError, match="There is no recording"):
            await replays.start(ERIN, "P-501", name, {})
    with pytest.raises(InvalidInputError, match="cannot be replayed so"):
        await replays.start(ERIN, "P-501", None, {"speed": 601})
    (folder / "second.csv").write_text("time,a\n2026-03-01T06:00:00Z,1\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"there are: pump.csv, second.csv"):
        await replays.start(ERIN, "P-501", None, {})


async def test_a_connection_to_a_recording_is_simulated_also_when_it_is_made_by_hand(
    work: SqlUnitOfWork, clock: HandClock
) -> None:
    desk = PlantDesk(work, clock)
    facts = ConnectionFacts(site_id="pune", name="Last year", driver="csv_replay", endpoint="replay://pump.csv")
    assert (await desk.connections.create(ERIN, facts)).simulated
    with pytest.raises(InvalidInputError, match="is no name of a recording"):
        await desk.connections.create(ERIN, facts.model_copy(update={"name": "X", "endpoint": "/etc/passwd"}))


@pytest.mark.parametrize(
    ("column", "name"), [("Motor_RPM", "Motor_RPM"), ("2 bar", "S_2_bar"), ("(°C)", "C"), ("***", "Column")]
)
def test_a_column_gives_its_signal_a_name_that_formulas_can_use(column: str, name: str) -> None:
    assert signal_name(column) == name
