"""What the product finds of production from the plant's signals alone is what the plant says really happened."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pdm_app.domain.oee import figures
from pdm_app.domain.production import ProductionUnit
from pdm_app.domain.production_intervals import covers_once, totals_of
from pdm_app.domain.samples import MICROS_PER_S, Stretch, micros
from pdm_app.domain.shift_derivation import intervals_of
from pdm_app.domain.stop_edits import edited
from pdm_app.simulation.history import plant_columns
from pdm_app.simulation.physics import packing
from pdm_app.simulation.plant import MACHINES
from pdm_app.simulation.production import CONSTRAINT, PRODUCTS, units
from pdm_app.simulation.truth import Truth

SINCE = micros(datetime(2026, 3, 2, tzinfo=UTC))
AT = micros(datetime(2026, 3, 4, 7, tzinfo=UTC))
CODES = {machine.asset.id: machine.asset.code for machine in MACHINES}
UNITS = {CODES[unit.asset_id]: unit for unit in units()}
COLUMNS = ("source_at", "value", "quality")
REASON_S = 2.0  # A second each at both ends of a stop: the signals are read once a second.


def read(unit: ProductionUnit, code: str, begin_at: int, end_at: int) -> dict[int, Stretch]:
    """The machine's signals as the product reads them, once a second."""
    owners = {code, "L-43"} if code == CONSTRAINT else {code}  # Whose camera counts the scrap of the line.
    columns: dict[int, list[Stretch]] = {}
    for part in plant_columns(begin_at - MICROS_PER_S, end_at, 1, since=SINCE, codes=owners):
        for row, signal in enumerate(part.signal_ids.tolist()):
            columns.setdefault(signal, []).append(Stretch(part.at, part.values[row], part.quality[row]))
    return {
        signal: Stretch(*(np.concatenate([getattr(part, name) for part in columns[signal]]) for name in COLUMNS))
        for signal in unit.signals
    }


def test_every_machine_that_makes_parts_is_rated_and_the_capper_rates_its_line() -> None:
    assert set(UNITS) > set(packing.CODES)
    line = [unit for unit in UNITS.values() if unit.line_id == UNITS[CONSTRAINT].line_id]
    assert [CODES[unit.asset_id] for unit in line if unit.is_constraint] == ["C-42"]


@pytest.mark.parametrize("code", packing.CODES)
def test_a_shift_of_the_packing_line_is_found_as_it_was(code: str) -> None:
    unit, truth = UNITS[code], Truth().shift(code, AT)
    found = edited(
        intervals_of(unit, PRODUCTS, read(unit, code, truth.begin, truth.end), truth.begin, truth.end),
        [],
        {},
        unit.minor_us,
    )
    assert covers_once(found, truth.begin, truth.end)
    totals = totals_of(found)
    rated = figures(totals)
    assert rated.oee is not None
    assert truth.oee is not None
    assert abs(totals.made - truth.made) <= 3  # Between the last reading and the end of the shift.
    assert abs(totals.good - truth.good) <= 3
    assert totals.busy_us / MICROS_PER_S == pytest.approx(truth.planned_s, abs=REASON_S * 4)
    assert rated.oee == pytest.approx(truth.oee, rel=1e-3)
    assert rated.quality == pytest.approx(truth.quality, rel=1e-3)
    stops = totals.stops + totals.minor_stops
    lost_s = (totals.busy_us - totals.production_us) / MICROS_PER_S
    # A stop that lasts a second less or more than the threshold of a minor one may be found on its other side.
    assert lost_s == pytest.approx(sum(truth.lost_s.values()), abs=REASON_S * stops + unit.minor_stop_s)


@pytest.mark.parametrize("code", ["IM-11", "CNC-31"])
def test_a_shift_of_other_machines_has_the_effectiveness_it_had(code: str) -> None:
    # These finish their shot or part before they stand, so that stops are shorter in signals than in the plan of them.
    unit, truth = UNITS[code], Truth().shift(code, AT)
    found = intervals_of(unit, PRODUCTS, read(unit, code, truth.begin, truth.end), truth.begin, truth.end)
    totals = totals_of(edited(found, [], {}, unit.minor_us))
    assert totals.made == pytest.approx(truth.made, abs=8)
    assert figures(totals).oee == pytest.approx(truth.oee, rel=2e-2)
