"""A plant of which only the story's machines run: they say what they say in the whole one, and it stays what it is."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.errors import ConflictError, NotFoundError
from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import configurations
from pdm_app.simulation.faults import SERVER_OF
from pdm_app.simulation.fleet import Fleet, labels_at_start, running_fleet
from pdm_app.simulation.labels import Labels, read_labels, write_labels
from pdm_app.simulation.past import DemoPast
from pdm_app.simulation.plant import PlantPorts, machines_of, northfield
from pdm_app.simulation.readings import PlantReader
from pdm_app.simulation.told import told
from tests.simulation.conftest import WallClock

SINCE = Micros(1_795_267_200 * MICROS_PER_S)
SMALL = northfield(size=PlantSize.SMALL)
CODES = [asset.code for asset in SMALL.assets]


def test_the_small_plant_has_the_machines_of_the_story_and_a_connection_of_each_protocol() -> None:
    assert CODES == ["P-101A", "C-201", "P-501", "G-1", "G-2", "G-3", "G-4", "G-5", "G-6"]
    assert Counter(connection.driver for connection in SMALL.connections) == {"opcua": 1, "modbus": 1, "mqtt": 1}
    assert set(SERVER_OF) <= set(CODES), "faults of the wire need their machines"
    assert [line.id for line in SMALL.lines] == [
        "graz-cooling-water", "graz-compressed-air", "pune-pumps", "pune-gateways",
    ]  # fmt: skip
    assert {line.area_id for line in SMALL.lines} == {area.id for area in SMALL.areas}


def test_its_records_are_those_of_the_whole_plant() -> None:
    whole = northfield()
    for records in ("sites", "areas", "lines", "assets", "devices", "connections", "signals", "rules"):
        of_whole = getattr(whole, records)
        assert [record for record in getattr(SMALL, records) if record not in of_whole] == [], records
    assert whole == northfield(size=PlantSize.WHOLE)


def test_its_machines_say_what_they_say_in_the_whole_plant() -> None:
    faults = labels_at_start(None, SINCE).faults
    at = SINCE + np.arange(30, dtype=np.int64) * MICROS_PER_S
    small = PlantReader(SINCE, codes=CODES).read(at, faults).columns
    whole = PlantReader(SINCE).read(at, faults).columns
    assert list(small) == [code for code in small if code in CODES]
    for code in CODES:
        for name, values in whole[code].items():
            assert np.array_equal(small[code][name], values, equal_nan=True), f"{code}.{name}"


def test_only_its_machines_are_served() -> None:
    served = {
        *configurations.opcua(SMALL, 1, "")["machines"],
        *(unit["code"] for unit in configurations.modbus(SMALL, 1, "")["units"]),
        *(station["code"] for station in configurations.publishers(SMALL, 1, "")["stations"]),
    }
    assert served == set(CODES)


def test_its_past_is_that_of_its_machines(tmp_path: Path) -> None:
    past = DemoPast(tmp_path, labels_at_start(None, SINCE, PlantSize.SMALL), 3)
    own = {signal.id for signal in SMALL.signals}
    for piece in (next(piece for piece in past.pieces if not piece.is_sketch), past.pieces[-1]):
        assert {int(number) for batch in past.batches(piece) for number in np.unique(batch.signal)} == own


def test_its_truth_is_that_of_its_machines() -> None:
    small = labels_at_start(None, SINCE, PlantSize.SMALL)
    truth = told(small, SINCE)
    assert truth.machines == ()
    assert [fault.asset_code for fault in truth.faults] == ["P-101A"]
    assert "C-42" in {machine.asset_code for machine in told(labels_at_start(None, SINCE), SINCE).machines}


async def test_only_its_machines_can_be_broken(tmp_path: Path, clock: WallClock, ports: PlantPorts) -> None:
    fleet = Fleet(tmp_path, clock, ports, labels_at_start(None, clock.now(), PlantSize.SMALL))
    kinds = await fleet.kinds()
    assert {code for kind in kinds for code in kind.asset_codes} == set(CODES)
    assert "capper_jam" not in {kind.key for kind in kinds}
    with pytest.raises(NotFoundError, match="small plant has no machine C-42"):
        await fleet.inject("capper_jam", "C-42", "", 1.0)
    assert (await fleet.inject("filter_clog", "C-201", "", 0.5)).asset_code == "C-201"


def test_the_size_is_kept_and_files_of_before_are_of_the_whole_plant(tmp_path: Path) -> None:
    write_labels(tmp_path, Labels(since=SINCE, plant=PlantSize.SMALL))
    kept = read_labels(tmp_path)
    assert kept is not None
    assert kept.plant is PlantSize.SMALL
    (tmp_path / "labels.json").write_text('{"version": 1, "since": 1, "faults": [], "held": {}}', encoding="utf-8")
    kept = read_labels(tmp_path)
    assert kept is not None
    assert kept.plant is PlantSize.WHOLE


async def test_a_plant_stays_as_large_as_it_began_and_what_to_do_is_said(
    tmp_path: Path, clock: WallClock, ports: PlantPorts
) -> None:
    write_labels(tmp_path, labels_at_start(None, clock.now(), PlantSize.SMALL))
    before = (tmp_path / "labels.json").read_bytes()
    with pytest.raises(ConflictError, match=r"runs the small plant.*--data"):
        async with running_fleet(tmp_path, clock, ports, size=PlantSize.WHOLE):
            pass
    assert (tmp_path / "labels.json").read_bytes() == before
    async with running_fleet(tmp_path, clock, ports, begin=asyncio.Event()) as fleet:
        assert [asset.code for asset in fleet.definition.assets] == CODES
    assert len(machines_of(PlantSize.WHOLE)) == 57
