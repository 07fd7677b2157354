"""`bench oee`: what is derived is a whole shift each, and every number of the report follows from it."""

from pdm_app.cli.bench.oee import LINE_MACHINES, SHIFT_S, SHIFTS_PER_YEAR, OeeLoad, bench_oee, derived_sums, shifts_of
from pdm_app.domain.oee import figures
from pdm_app.domain.samples import MICROS_PER_S

LOAD = OeeLoad(machines=200, shifts=3)


def test_every_shift_is_covered_and_has_an_effectiveness() -> None:
    for begin_at, stretches in shifts_of(LOAD):
        totals = derived_sums(stretches, begin_at)
        assert totals.calendar_us == SHIFT_S * MICROS_PER_S
        oee = figures(totals).oee
        assert oee is not None
        assert 0.5 < oee < 1.0


def test_the_years_are_reckoned_from_what_was_derived() -> None:
    shift, line, all_of_them, quarter = bench_oee(LOAD).figures
    assert shift.value is not None
    assert line.value == shift.value / 1_000 * SHIFTS_PER_YEAR * LINE_MACHINES
    assert all_of_them.value == shift.value / 1_000 * SHIFTS_PER_YEAR * LOAD.machines
    assert quarter.value is not None
