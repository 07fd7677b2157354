"""The stress plant: Northfield as ever, and beside it test rigs that make it ten thousand samples a second."""

from pathlib import Path

import numpy as np

from pdm_app.domain.plant_size import PlantSize
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import configurations
from pdm_app.simulation.children.modbus_server import Registers, blocks
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.machines import rigs
from pdm_app.simulation.past import DemoPast
from pdm_app.simulation.plant import MACHINES, northfield
from pdm_app.simulation.readings import PlantReader

SINCE = Micros(1_795_267_249_940_791)
STRESS = northfield(size=PlantSize.STRESS)
AT = SINCE + np.arange(5, dtype=np.int64) * MICROS_PER_S
TWO = ("TR-01", "TR-98")


def test_it_is_the_whole_plant_and_some_ten_thousand_signals_that_are_told_once_a_second() -> None:
    whole = northfield()
    for records in ("sites", "areas", "lines", "assets", "devices", "connections", "signals", "rules"):
        own = {record.id: record for record in getattr(STRESS, records)}
        assert all(own[record.id] == record for record in getattr(whole, records)), records
    assert 10_000 <= len(STRESS.signals) <= 10_500
    for numbers in ([signal.id for signal in STRESS.signals], [asset.id for asset in STRESS.assets]):
        assert len(set(numbers)) == len(numbers)


def test_a_rig_says_what_sensors_of_the_plant_say_with_their_faults_and_the_plant_says_what_it_says_alone() -> None:
    stuck = InjectedFault("f-1", "sensor_stuck", "P-101A", "Flow_Rate_m3_h", Micros(SINCE - MICROS_PER_S), 1.0)
    alone = PlantReader(SINCE).read(AT, [stuck]).columns
    told = PlantReader(SINCE, codes=TWO).read(AT, [stuck]).columns
    for code, values in alone.items():
        for name, column in values.items():
            assert np.array_equal(told[code][name], column, equal_nan=True), f"{code}.{name}"
    every, repeats_the_stuck = rigs.sources(MACHINES), False
    for code in TWO:
        for name, (source, signal) in rigs.repeated(rigs.CODES.index(code), every).items():
            assert np.array_equal(told[code][name], alone[source][signal], equal_nan=True)
            repeats_the_stuck |= (source, signal) == ("P-101A", "Flow_Rate_m3_h")
    assert repeats_the_stuck
    assert "TR-02" not in told


def test_two_runs_say_the_same() -> None:
    once, again = (PlantReader(SINCE, codes=TWO).read(AT).columns["TR-98"] for _ in range(2))
    assert all(np.array_equal(once[name], again[name], equal_nan=True) for name in once)


def test_every_rig_is_a_unit_whose_registers_hold_all_its_sensors() -> None:
    served = {unit["code"]: unit for unit in configurations.modbus(STRESS, 1, "")["units"]}
    numbers = [unit["unit"] for unit in served.values()]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) <= 247, "the highest that Modbus knows"
    for code in rigs.CODES:
        registers = Registers(served[code]["signals"], served[code]["heartbeat"])
        assert len(registers.used) == 2 * rigs.SENSORS + 2
        assert sum(block.count for block in blocks(registers.used)) == len(registers.used)


def test_what_goes_over_the_wire_is_a_number_for_each_sensor() -> None:
    told = PlantReader(SINCE, codes=TWO).read(AT)
    said = told.readings(0, TWO)["TR-01"]
    assert len(said) == rigs.SENSORS + 1
    assert said["State"] == 2
    assert all(value is None or isinstance(value, int | float) for value in said.values())


def test_rigs_have_no_past(tmp_path: Path) -> None:
    past = DemoPast(tmp_path, labels_at_start(None, SINCE, PlantSize.STRESS), 1)
    running = next(piece for piece in past.pieces if not piece.is_sketch)
    signals = {int(number) for batch in past.batches(running) for number in np.unique(batch.signal)}
    assert signals == {signal.id for machine in MACHINES for signal in machine.signals}
