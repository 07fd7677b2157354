"""Key figures of effectiveness: worked examples as fractions, identities, and sums instead of means."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.oee import AVOIDABLE, CostRates, Loss, Totals, added, figures, period, waterfall
from pdm_app.domain.oee_explained import Caution, Kpi, explained
from pdm_app.domain.samples import MICROS_PER_S

MIN = 60 * MICROS_PER_S
EXACT = 1e-9

SHIFT = Totals(
    planned_us=60 * MIN, breakdown_us=47 * MIN, running_us=373 * MIN, made=19_271, good=18_848, scrap=423,
    ideal_made_s=19_271.0, ideal_good_s=18_848.0,
)  # fmt: skip
"""Eight hours, breaks of one, 47 min down, one piece a second at best."""


def near(fraction: Fraction) -> object:
    return pytest.approx(float(fraction), abs=EXACT, rel=0)


def test_a_shift_is_rated_as_worked_out_by_hand() -> None:
    rated = figures(SHIFT)
    assert rated.availability == near(Fraction(373, 420))
    assert rated.performance == near(Fraction(19_271, 22_380))
    assert rated.quality == near(Fraction(18_848, 19_271))
    assert rated.oee == near(Fraction(18_848, 420 * 60))
    assert rated.scrap_ratio == near(Fraction(423, 19_271))
    assert rated.is_fast is False


def test_without_planned_time_nothing_is_rated() -> None:
    rated = figures(Totals(unscheduled_us=480 * MIN))
    assert (rated.availability, rated.performance, rated.quality, rated.oee, rated.teep) == (None,) * 5


def test_performance_above_one_is_kept_and_flagged() -> None:
    rated = figures(Totals(running_us=60 * MIN, made=400, good=400, ideal_made_s=4_000, ideal_good_s=4_000))
    assert (rated.availability, rated.quality) == (1, 1)
    assert rated.performance == near(Fraction(10, 9))
    assert rated.oee == near(Fraction(10, 9))
    assert rated.is_fast is True


def test_two_machines_are_rated_by_their_sums_and_not_by_the_mean_of_their_figures() -> None:
    one = Totals(running_us=60 * MIN, made=1_800, good=1_800, ideal_made_s=1_800, ideal_good_s=1_800)
    other = Totals(running_us=30 * MIN, made=1_620, good=1_620, ideal_made_s=1_620, ideal_good_s=1_620)
    assert figures(added([one, other])).oee == near(Fraction(1_800 + 1_620, 5_400))


def test_minor_stops_move_a_loss_from_availability_to_performance_and_leave_oee() -> None:
    moved = SHIFT.model_copy(update={"breakdown_us": 37 * MIN, "minor_us": 10 * MIN})
    rated = figures(moved)
    assert rated.availability == near(Fraction(383, 420))
    assert rated.performance == near(Fraction(19_271, 22_980))
    assert rated.oee == figures(SHIFT).oee


def test_teep_is_over_all_of_the_calendar() -> None:
    day = added([SHIFT, Totals(unscheduled_us=960 * MIN)])
    assert figures(day).teep == near(Fraction(18_848, 1_440 * 60))


def test_the_cents_of_a_loss_are_those_of_its_hours_and_pieces() -> None:
    costs = {bar.loss: bar.cost for bar in waterfall(SHIFT, CostRates(machine_hour=60, scrap_piece=0.5))}
    assert costs[Loss.BREAKDOWN] == pytest.approx(47.0)
    assert costs[Loss.DEFECTS] == pytest.approx(423 / 60 + 211.5)
    assert costs[Loss.PLANNED] is None


def test_the_biggest_loss_is_named() -> None:
    # Of 22,380 s of running, 19,271 were needed: 3,109 s of speed against 2,820 s of breakdown.
    biggest = period(0, 480 * MIN, SHIFT).biggest
    assert biggest is not None
    assert (biggest.loss, biggest.seconds) == (Loss.SPEED, 3_109)


def test_times_between_failures_need_two_of_them() -> None:
    one = SHIFT.model_copy(update={"failures": 1})
    assert (figures(one).mtbf_s, figures(one).mttr_s) == (None, None)
    two = SHIFT.model_copy(update={"failures": 2})
    assert figures(two).mtbf_s == near(Fraction(373 * 60, 2))
    assert figures(two).mttr_s == near(Fraction(47 * 60, 2))
    assert explained(Kpi.MTBF, two).cautions == (Caution.FEW_FAILURES,)
    assert explained(Kpi.MTBF, one).cautions == (Caution.NO_BASE, Caution.ONE_FAILURE)


def test_every_figure_explains_itself() -> None:
    for kpi in Kpi:
        told = explained(kpi, SHIFT)
        assert told.value == getattr(figures(SHIFT), kpi)
        assert all(term.symbol in told.formula or kpi is Kpi.QUALITY for term in told.terms)
    told = explained(Kpi.OEE, SHIFT)
    assert {term.symbol: term.value for term in told.terms}["PBT"] == 25_200
    assert told.excluded_s == {Loss.PLANNED: 3_600}


spans = st.integers(min_value=0, max_value=400 * 24 * 60 * MIN)
ideals = st.floats(min_value=0, max_value=1e6)


@st.composite
def any_totals(draw: st.DrawFn) -> Totals:
    names = [name for name in Totals.model_fields if name.endswith("_us") and name not in ("slow_us", "order_us")]
    made = draw(st.integers(0, 10**7))
    good = draw(st.integers(0, made))
    cycle_s = draw(ideals)
    return Totals(
        **{name: draw(spans) for name in names}, made=made, good=good, scrap=made - good,
        ideal_made_s=made * cycle_s, ideal_good_s=good * cycle_s,
    )  # fmt: skip


@given(any_totals())
def test_the_waterfall_sums_to_calendar_time(totals: Totals) -> None:
    told = period(0, 1, totals)
    gone = sum(bar.seconds for bar in told.waterfall)
    assert gone + told.productive_s == pytest.approx(totals.calendar_us / MICROS_PER_S, abs=0.5, rel=1e-9)
    assert {bar.loss for bar in told.waterfall} == set(Loss) >= set(AVOIDABLE)


@given(any_totals())
def test_oee_is_the_product_of_its_factors(totals: Totals) -> None:
    rated = figures(totals)
    if rated.availability and rated.performance and rated.quality:
        assert rated.oee == pytest.approx(rated.availability * rated.performance * rated.quality, rel=1e-9)


@given(st.lists(any_totals(), max_size=5))
def test_sums_of_sums_are_sums(several: list[Totals]) -> None:
    whole = added(several)
    assert whole.calendar_us == sum(one.calendar_us for one in several)
    assert whole.made == sum(one.made for one in several)
