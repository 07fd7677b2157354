"""Intervals of a machine: every moment exactly once, pieces where they were made, incremental as recomputed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_app.domain.counters import increments
from pdm_app.domain.machine_states import MachineState
from pdm_app.domain.oee import figures
from pdm_app.domain.production import IdealCycle, ProductionUnitFacts
from pdm_app.domain.production_intervals import Interval, by_reason, covers_once, totals_of
from pdm_app.domain.production_plan import OrderRun, Plan
from pdm_app.domain.production_shifts import columns_of
from pdm_app.domain.samples import Stretch
from pdm_app.domain.shift_derivation import ShiftDerivation, intervals_of
from pdm_app.domain.stop_edits import EditKind, StopEdit, edited
from tests.domain.production import (
    BREAK,
    BROKEN,
    GOOD,
    JAM,
    MADE,
    P28,
    P38,
    PRODUCT,
    RUNS,
    SET_UP,
    STARVED,
    STATE,
    UNIT,
    S,
    columns,
    stretch,
)

MINOR = 120 * S
REASONS = {"jam": MachineState.DOWN, "no-crew": MachineState.IDLE, "mould": MachineState.SETUP}


def told(intervals: Sequence[Interval]) -> list[tuple[float, str]]:
    return [(interval.begin_at / S, str(interval.state)) for interval in intervals]


def edit(number: int, kind: EditKind, at_s: float, **more: object) -> StopEdit:
    return StopEdit.model_validate(
        {
            "id": f"e{number}", "site_id": "graz", "asset_id": "c", "shift_id": "s", "said_at": number,
            "said_by": "olga", "kind": kind, "at": round(at_s * S), **more,
        }
    )  # fmt: skip


def test_a_value_stands_until_the_next_one_and_no_longer_than_the_gap() -> None:
    unit = UNIT.model_copy(update={"gap_s": 100.0})
    found = intervals_of(unit, [], {STATE: stretch((-5, RUNS), (40, JAM), (50, RUNS))}, 0, 300 * S)
    assert told(found) == [(0, "running"), (40, "idle"), (50, "running"), (150, "no_data")]


def test_a_bad_value_ends_what_is_known() -> None:
    found = intervals_of(UNIT, [], {STATE: stretch((0, RUNS), (40, None), (60, BROKEN))}, 0, 90 * S)
    assert told(found) == [(0, "running"), (40, "no_data"), (60, "down")]


def test_the_first_rule_that_holds_decides_and_an_unknown_one_before_it_hides_it() -> None:
    found = intervals_of(UNIT, [], {}, 0, 10 * S)
    assert told(found) == [(0, "no_data")]
    found = intervals_of(UNIT, [], {STATE: stretch((0, 99))}, 0, 10 * S)
    assert told(found) == [(0, "idle")]  # It could run and does not; nobody says why.


def test_pieces_belong_to_the_interval_in_which_they_were_read() -> None:
    made = stretch((-1, 65_530), (10, 65_535), (20, 4), (60, 4), (70, 24))
    good = stretch((-1, 100), (10, 104), (70, 124))
    found = intervals_of(
        UNIT, [], {STATE: stretch((0, RUNS), (30, JAM), (50, RUNS)), MADE: made, GOOD: good}, 0, 80 * S
    )
    assert [(one.made, one.good, one.scrap) for one in found] == [(10, 4, 6), (0, 0, 0), (20, 20, 0)]
    assert sum(one.ideal_made_s for one in found) == 15


def test_pieces_counted_across_time_without_data_are_left_out() -> None:
    state = stretch((0, RUNS), (30, None), (60, RUNS))
    made = stretch((0, 0), (20, 40), (30, None), (65, 120), (75, 140))
    found = intervals_of(UNIT, [], {STATE: state, MADE: made, GOOD: made}, 0, 80 * S)
    totals = totals_of(edited(found, [], {}, MINOR))
    assert (totals.made, totals.no_data_us) == (60, 30 * S)


def test_what_was_made_while_nobody_looked_before_a_shift_is_not_made_in_it() -> None:
    made = stretch((-20_000, 0), (10, 30_000), (20, 30_020))
    looked_away = {STATE: stretch((-20_000, RUNS), (5, RUNS)), MADE: made}
    assert totals_of(intervals_of(UNIT, [], looked_away, 0, 80 * S)).made == 20
    looked = {STATE: stretch((-300, RUNS), (5, RUNS)), MADE: made}  # A counter that is seldom read counts all the same.
    assert totals_of(intervals_of(UNIT, [], looked, 0, 80 * S)).made == 30_020


def test_each_product_has_its_own_ideal_cycle_and_a_new_version_counts_from_its_time_on() -> None:
    unit = ProductionUnitFacts(
        rules=UNIT.rules,
        made_signal_id=MADE,
        product_signal_id=PRODUCT,
        cycles=(
            IdealCycle(product_id="p28", seconds=0.5),
            IdealCycle(product_id="p28", from_at=40 * S, seconds=1.0),
            IdealCycle(product_id="p38", seconds=0.6),
        ),
    )
    samples = {
        STATE: stretch((0, RUNS)),
        MADE: stretch((0, 0), (10, 10), (30, 30), (50, 50), (60, 60)),
        PRODUCT: stretch((0, 28), (20, 38), (35, 28), (55, 99)),
    }
    totals = totals_of(intervals_of(unit, [P28, P38], samples, 0, 100 * S))
    assert totals.ideal_made_s == pytest.approx(10 * 0.5 + 20 * 0.6 + 20 * 1.0)
    assert (totals.without_cycle, totals.order_us) == (10, 55 * S)
    assert figures(totals).lacks_cycle


def test_a_short_stop_is_minor_and_a_breakdown_never() -> None:
    state = stretch((0, RUNS), (10, JAM), (129, RUNS), (200, JAM), (320, RUNS), (330, BROKEN), (340, RUNS))
    found = edited(intervals_of(UNIT, [], {STATE: state}, 0, 400 * S), [], {}, MINOR)
    assert [str(one.state) for one in found if not one.state.runs] == ["minor_stop", "idle", "down"]
    totals = totals_of(found)
    assert (totals.minor_us, totals.idle_us, totals.breakdown_us) == (119 * S, 120 * S, 10 * S)
    assert (totals.minor_stops, totals.stops, totals.failures) == (1, 2, 1)
    assert totals.uncategorised_us == 120 * S  # The machine itself has said why it broke down.


def test_a_reason_follows_its_stop_when_late_samples_move_its_edges() -> None:
    said = [edit(1, EditKind.REASON, 250, reason_id="no-crew")]
    for ends in (300, 420):
        state = stretch((0, RUNS), (100, STARVED), (ends, RUNS))
        found = edited(intervals_of(UNIT, [], {STATE: state}, 0, 500 * S), said, REASONS, MINOR)
        assert [(one.state, one.reason_id, one.length_us) for one in found][1] == ("idle", "no-crew", (ends - 100) * S)


def test_a_stop_is_cut_and_each_part_has_its_reason() -> None:
    state = stretch((0, RUNS), (100, JAM), (700, RUNS))
    said = [
        edit(1, EditKind.CUT, 400),
        edit(2, EditKind.REASON, 399, reason_id="jam"),
        edit(3, EditKind.REASON, 400, reason_id="mould"),
    ]
    found = edited(intervals_of(UNIT, [], {STATE: state}, 0, 900 * S), said, REASONS, MINOR)
    assert told(found) == [(0, "running"), (100, "down"), (400, "setup"), (700, "running")]
    totals = totals_of(found)
    assert (totals.breakdown_us, totals.setup_us) == (300 * S, 300 * S)
    undone = [one.model_copy(update={"is_undone": True}) for one in said]
    assert told(edited(intervals_of(UNIT, [], {STATE: state}, 0, 900 * S), undone, REASONS, MINOR)) == [
        (0, "running"), (100, "idle"), (700, "running"),
    ]  # fmt: skip


def test_two_stops_are_merged_with_the_short_run_between_them_and_its_pieces() -> None:
    state = stretch((0, RUNS), (100, JAM), (200, RUNS), (210, JAM), (300, RUNS))
    made = stretch((0, 0), (205, 7), (310, 8))
    found = intervals_of(UNIT, [], {STATE: state, MADE: made, GOOD: made}, 0, 400 * S)
    merged = edited(found, [edit(1, EditKind.MERGE, 100, until=300 * S)], REASONS, MINOR)
    assert told(merged) == [(0, "running"), (100, "idle"), (300, "running")]
    assert [one.made for one in merged] == [0, 7, 1]


def test_reasons_are_summed_longest_first() -> None:
    state = stretch((0, RUNS), (100, JAM), (300, RUNS), (400, BROKEN), (500, RUNS), (600, JAM), (800, BREAK))
    found = edited(intervals_of(UNIT, [], {STATE: state}, 0, 900 * S), [], REASONS, MINOR)
    assert [(str(one.state), one.reason_id, one.us // S, one.count) for one in by_reason(found)] == [
        ("idle", None, 400, 2), ("down", "jam", 100, 1), ("planned", None, 100, 1),
    ]  # fmt: skip


def test_a_counter_that_falls_has_rolled_over_or_was_set_back_or_is_not_believed() -> None:
    def grew(modulus: float | None, *values: float | None) -> list[float]:
        return [float(one) for one in increments(columns(range(len(values)), values), modulus).count]

    assert grew(65_536, 65_000, 100) == [636]
    assert grew(65_536, 30_000, 100) == [100]
    assert grew(65_536, 30_000, None, 30_005) == [5]
    assert grew(None, 5_000, 20) == [20]
    assert np.isnan(grew(65_536, 30_000, 20_000)[0])
    assert increments(columns([0, 1], [30_000, 20_000]), 65_536).unexplained == 1


def run(number: int, begin_s: int, end_s: int | None, product_id: str | None = None) -> OrderRun:
    return OrderRun(
        id=f"r{number}", site_id="graz", line_id="packing", order_id=f"o{number}", product_id=product_id,
        begin_at=begin_s * S, end_at=None if end_s is None else end_s * S, begun_by="olga",
    )  # fmt: skip


def test_what_stands_in_planned_time_is_planned_and_what_runs_in_it_or_stands_longer_is_not() -> None:
    state = stretch((0, RUNS), (80, BROKEN), (250, RUNS), (300, None), (350, RUNS), (390, JAM))
    found = intervals_of(UNIT, [], {STATE: state}, 0, 400 * S, Plan(stops=((100 * S, 200 * S), (240 * S, 400 * S))))
    assert told(found) == [
        (0, "running"), (80, "down"), (100, "planned"), (200, "down"), (240, "planned"), (250, "running"),
        (300, "no_data"), (350, "running"), (390, "planned"),
    ]  # fmt: skip
    totals = totals_of(found)
    assert (totals.failures, totals.breakdown_us, totals.planned_us) == (1, 60 * S, 120 * S)


def test_golden_vector_one_holds_with_breaks_of_the_calendar() -> None:
    minute = 60 * S
    state = stretch((0, RUNS), (60 * 60, JAM), (107 * 60, RUNS), (200 * 60, JAM), (260 * 60, RUNS))
    unit = UNIT.model_copy(update={"minor_stop_s": 0, "gap_s": 86_400.0})
    found = intervals_of(unit, [], {STATE: state}, 0, 480 * minute, Plan(stops=((200 * minute, 260 * minute),)))
    rated = figures(totals_of(found))
    assert rated.availability == pytest.approx(373 / 420, abs=1e-9)


def test_each_order_has_its_own_time_and_pieces_and_one_breakdown_stays_one() -> None:
    state = stretch((0, RUNS), (100, BROKEN), (160, RUNS))
    made = columns(range(0, 400, 10), range(0, 400, 10))
    unit = UNIT.model_copy(
        update={
            "product_signal_id": None, "good_signal_id": None,
            "cycles": (IdealCycle(product_id="cap-28", seconds=0.5), IdealCycle(product_id="cap-38", seconds=0.6)),
        }
    )  # fmt: skip
    plan = Plan(runs=(run(1, 50, 130, "cap-28"), run(2, 130, None, "cap-38")))
    found = intervals_of(unit, [P28, P38], {STATE: state, MADE: made}, 0, 300 * S, plan)
    assert covers_once(found, 0, 300 * S)
    assert [(one.begin_at // S, one.order_id) for one in found] == [
        (0, None), (50, "o1"), (100, "o1"), (130, "o2"), (160, "o2"),
    ]  # fmt: skip
    second = totals_of(one for one in found if one.order_id == "o2")
    assert second.made == sum(one.made for one in found[3:]) == 170
    assert second.ideal_made_s == pytest.approx(170 * 0.6)
    assert totals_of(found).failures == 1


# --- properties -----------------------------------------------------------------------------------------------------

values = st.sampled_from([RUNS, STARVED, JAM, BROKEN, SET_UP, BREAK, 99, None])
END_S = 4_000


@st.composite
def shifts(draw: st.DrawFn) -> dict[int, Stretch]:
    seconds = sorted(draw(st.sets(st.integers(-50, END_S), max_size=40)))
    states = columns(seconds, [draw(values) for _ in seconds])
    counted = sorted(draw(st.sets(st.integers(-50, END_S), max_size=40)))
    grown, count = [], float(draw(st.integers(0, 65_535)))
    for _ in counted:
        count = (count + draw(st.integers(0, 500))) % 65_536
        grown.append(None if draw(st.integers(0, 9)) == 0 else count)
    return {STATE: states, MADE: columns(counted, grown)}


@given(shifts(), st.lists(st.tuples(st.sampled_from(EditKind), st.integers(0, END_S), st.integers(1, 900)), max_size=8))
@settings(deadline=None, max_examples=60)
def test_every_moment_is_in_one_interval_whatever_is_said_of_stops(
    samples: dict[int, Stretch], said: list[tuple[EditKind, int, int]]
) -> None:
    unit = UNIT.model_copy(update={"good_signal_id": None})
    found = intervals_of(unit, [], samples, 0, END_S * S)
    assert covers_once(found, 0, END_S * S)
    edits = [
        edit(
            number, kind, at, **({"until": (at + more) * S} if kind is EditKind.MERGE else {}),
            **({"reason_id": "jam"} if kind is EditKind.REASON else {}),
            **({"counted": "scrap", "pieces": more} if kind is EditKind.COUNT else {}),
        )
        for number, (kind, at, more) in enumerate(said)
    ]  # fmt: skip
    after = edited(found, edits, REASONS, MINOR)
    assert covers_once(after, 0, END_S * S)
    by_hand = sum(more for kind, at, more in said if kind is EditKind.COUNT and at < END_S)
    assert sum(one.made for one in after) == sum(one.made for one in found) + by_hand
    totals = totals_of(after)
    assert totals.calendar_us == END_S * S
    rated = figures(totals)
    if totals.busy_us and rated.availability and rated.performance and rated.quality:
        assert rated.oee == pytest.approx(rated.availability * rated.performance * rated.quality, rel=1e-9)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    edges = sorted(draw(st.sets(st.integers(0, END_S), max_size=6)))
    stops = tuple((begin * S, end * S) for begin, end in zip(edges[::2], edges[1::2], strict=False))
    changes = sorted(draw(st.sets(st.integers(-10, END_S), max_size=4)))
    ends = [*changes[1:], None]
    return Plan(stops, tuple(run(number, at, end) for number, (at, end) in enumerate(zip(changes, ends, strict=False))))


@given(shifts(), st.integers(90, 900), st.integers(0, 60), plans())
@settings(deadline=None, max_examples=60)
def test_what_is_found_as_samples_come_is_what_is_found_from_all_of_them(
    samples: dict[int, Stretch], step_s: int, late_s: int, plan: Plan
) -> None:
    unit = UNIT.model_copy(update={"good_signal_id": None, "scrap_signal_id": 5, "startup_pieces": 600})
    made = samples[MADE]
    samples = {**samples, 5: Stretch(made.source_at, np.floor(made.value / 10), made.quality)}
    live = ShiftDerivation(unit, [], 0, END_S * S, plan)
    taken_to = -60
    for now_s in [*range(step_s, END_S, step_s), END_S, END_S + late_s]:
        # Samples come up to a minute late, in the order of their times.
        upto = now_s - late_s
        new = {number: _between(each, taken_to, upto) for number, each in samples.items()}
        assert live.take(new)
        taken_to = max(taken_to, upto)
        found = live.until(min(now_s, END_S) * S)
    whole = intervals_of(
        unit, [], {number: _between(each, -60, END_S) for number, each in samples.items()}, 0, END_S * S, plan
    )
    assert found == whole
    assert covers_once(found, 0, END_S * S)
    assert columns_of(found).intervals() == [replace(one, in_startup=False) for one in found]
    for one in found:
        ran = one.state in (MachineState.RUNNING, MachineState.PLANNED, MachineState.NO_DATA)
        assert ran or not any(begin < one.end_at and one.begin_at < end for begin, end in plan.stops)


def test_a_sample_that_comes_after_its_time_was_settled_is_not_taken() -> None:
    live = ShiftDerivation(UNIT, [], 0, END_S * S)
    assert live.take({STATE: columns(range(0, 2_000, 10), [RUNS, JAM] * 100)})
    live.until(2_000 * S)
    assert live.settled_to > 1_500 * S
    assert live.take({STATE: stretch((1_990.5, RUNS))})
    assert not live.take({STATE: stretch((600, BROKEN))})


def _between(one: Stretch, begin_s: int, end_s: int) -> Stretch:
    inside = (one.source_at >= begin_s * S) & (one.source_at < end_s * S)
    return Stretch(one.source_at[inside], one.value[inside], one.quality[inside])
