"""The month behind the demo plant: cut into pieces, the same every time, and joined to the live plant."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pdm_app.domain.past import PastPiece
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Batch, Micros
from pdm_app.simulation import faults
from pdm_app.simulation.fleet import Fleet, labels_at_start
from pdm_app.simulation.history import plant_columns
from pdm_app.simulation.labels import Labels
from pdm_app.simulation.past import (
    DAY_US,
    FINE_HOURS,
    FIRST_CODES,
    HOUR_US,
    DemoPast,
    acted,
    backdated,
    batch_of,
    pieces,
)
from pdm_app.simulation.physics import acting
from pdm_app.simulation.physics.noise import SEED
from pdm_app.simulation.physics.world import CODES
from pdm_app.simulation.plant import MACHINES, PlantPorts
from pdm_app.simulation.readings import PlantReader
from tests.counterparts.clocks import HandClock

SINCE = Micros(1_795_267_249_940_791)  # 2026-11-21 13:20:49.940791 UTC.
VIBRATION = 1  # The first signal of P-101A.


@pytest.fixture
def past(tmp_path: Path) -> DemoPast:
    return DemoPast(tmp_path, labels_at_start(None, SINCE), 30)


@pytest.mark.parametrize("since", [SINCE, SINCE - SINCE % DAY_US, SINCE - SINCE % DAY_US + HOUR_US // 2])
def test_the_pieces_cover_thirty_days_once_and_none_is_longer_than_a_day(since: int) -> None:
    fine = [piece for piece in pieces(since, 30) if not piece.is_sketch]
    assert fine[0].end_at == since
    assert all(later.start_at == earlier.end_at for later, earlier in pairwise(fine))
    assert since - 31 * DAY_US < fine[-1].start_at <= since - 30 * DAY_US
    assert all(piece.start_at // DAY_US == (piece.end_at - 1) // DAY_US for piece in fine), "a day's file at a time"
    assert [piece.number for piece in pieces(since, 30)] == list(range(len(pieces(since, 30))))
    assert pieces(since, 0) == ()


@pytest.mark.parametrize("since", [SINCE, SINCE - SINCE % DAY_US, SINCE - SINCE % DAY_US + HOUR_US // 2])
def test_the_whole_month_is_sketched_before_any_of_it_but_the_running_hour_is_told_in_full(since: int) -> None:
    running, rest = [piece for piece in pieces(since, 30) if piece.end_at > since - since % HOUR_US], pieces(since, 30)
    first, *sketches = [piece for piece in rest if piece.is_sketch]
    assert len(running) == (since % HOUR_US > 0)
    assert list(rest[: 1 + len(running) + len(sketches)]) == [first, *running, *sketches]
    assert (first.start_at, first.end_at) == (rest[-1].start_at, since - since % HOUR_US)
    assert first.codes == FIRST_CODES, "those that somebody new looks at, before all else"
    assert {piece.codes for piece in sketches} == {CODES - FIRST_CODES}
    assert sketches[0].end_at == since - since % HOUR_US
    assert all(later.start_at == earlier.end_at for later, earlier in pairwise(sketches))
    assert sketches[-1].start_at == rest[-1].start_at
    assert len(pieces(since, 3)) > 3, "also where it is less than a sketch long"


def test_the_sketches_tell_every_machine_once(past: DemoPast) -> None:
    first, newest, *_ = [piece for piece in past.pieces if piece.is_sketch]
    led, others = (
        {int(number) for batch in past.batches(piece) for number in np.unique(batch.signal)}
        for piece in (first, newest)
    )
    everything = {signal.id for machine in MACHINES for signal in machine.signals if machine.asset.code in CODES}
    assert not led & others
    assert led | others == everything


def test_a_sketch_is_an_hourly_part_of_what_is_told_later(past: DemoPast) -> None:
    sketch = next(piece for piece in past.pieces if piece.is_sketch and piece.codes != FIRST_CODES)
    sketched = {(int(s), int(at)): value for batch in past.batches(sketch) for s, at, value in rows(batch)}
    assert {at % HOUR_US for _, at in sketched} == {0}
    assert {at for _, at in sketched} == set(range(sketch.start_at, sketch.end_at, HOUR_US))
    for piece in (past.pieces[9], [piece for piece in past.pieces if piece.start_at >= sketch.start_at][-1]):
        assert not piece.is_sketch
        told_later = {(int(s), int(at)): value for batch in past.batches(piece) for s, at, value in rows(batch)}
        both = sketched.keys() & told_later.keys()
        assert len(both) > 300
        assert [key for key in both if not same(sketched[key], told_later[key])] == []
        assert {batch.received_at for batch in past.batches(piece)} == {SINCE}, "which is after that of the sketch"
    assert {batch.received_at for batch in past.batches(sketch)} == {SINCE - 1}


def rows(batch: Batch) -> Iterator[tuple[int, int, float]]:
    return zip(batch.signal.tolist(), batch.source_at.tolist(), batch.value.tolist(), strict=True)


def same(one: float, other: float) -> bool:
    """Whether two values are alike; what lags differs a little between steps of ten seconds and of a minute."""
    return one == pytest.approx(other, rel=0.02, nan_ok=True)


def test_the_running_hour_comes_first_and_a_coarse_series_is_part_of_a_finer_one(past: DemoPast) -> None:
    newest, hour, *_ = [piece for piece in past.pieces if not piece.is_sketch]
    assert (newest.start_at, newest.end_at) == (SINCE - SINCE % HOUR_US, SINCE)
    coarse = told("P-101A", hour, 10)
    fine = told("P-101A", hour, 1)
    assert len(fine) == 10 * len(coarse)
    mine, all_of_it = coarse.signal == VIBRATION, fine.signal == VIBRATION
    among = np.isin(fine.source_at[all_of_it], coarse.source_at[mine])
    assert np.array_equal(fine.value[all_of_it][among], coarse.value[mine])


def test_two_makings_of_a_piece_are_equal_to_the_last_bit(past: DemoPast, tmp_path: Path) -> None:
    again = DemoPast(tmp_path / "other", labels_at_start(None, SINCE), 30)
    for before, after in zip(past.batches(past.pieces[0]), again.batches(again.pieces[0]), strict=True):
        for name in ("signal", "source_at", "value", "quality"):
            assert np.array_equal(getattr(before, name), getattr(after, name), equal_nan=name == "value")
        assert (before.text, before.received_at, before.device) == (after.text, after.received_at, after.device)


def test_the_last_hours_have_a_sample_a_second_and_none_lies_in_the_future(past: DemoPast) -> None:
    told_in_full = [piece for piece in past.pieces if not piece.is_sketch]
    assert {part.step_s for piece in told_in_full[1 : FINE_HOURS + 1] for part in past._parts(piece)} == {1, 10}
    assert {part.step_s for piece in told_in_full[FINE_HOURS + 1 :] for part in past._parts(piece)} == {10, 60}
    assert [(part.step_s, part.every_s) for part in past._parts(past.pieces[-1])] == [(60, None), (60, 300)]
    batch = told("P-101A", told_in_full[FINE_HOURS], 1)
    seconds = np.unique(np.diff(batch.source_at[batch.signal == VIBRATION]))
    assert seconds.tolist() == [MICROS_PER_S]
    newest = list(past.batches(told_in_full[0]))
    assert max(int(part.source_at.max()) for part in newest) < SINCE


def test_a_worn_bearing_began_to_wear_before_the_plant_started_and_is_as_worn_at_its_start() -> None:
    label = labels_at_start(None, SINCE).faults[0]
    before = backdated(label, SINCE)
    assert faults.severity(before, SINCE) == pytest.approx(faults.severity(label, SINCE), abs=1e-9)
    assert faults.severity(before, SINCE - 19 * DAY_US) == pytest.approx(0.0, abs=1e-9)
    later = InjectedFault("x", label.key, label.asset_code, "", SINCE + HOUR_US, 0.5)
    assert backdated(later, SINCE) == later, "what somebody breaks later has no past"


def test_what_is_stored_is_known_after_a_restart_and_not_that_of_another_plant(past: DemoPast, tmp_path: Path) -> None:
    assert past.done() == frozenset()
    past.keep(past.pieces[0])
    past.keep(past.pieces[2])
    assert DemoPast(tmp_path, labels_at_start(None, SINCE), 30).done() == {0, past.pieces[2].number}
    assert DemoPast(tmp_path, Labels(since=Micros(SINCE + 1)), 30).done() == frozenset()
    (tmp_path / "past.json").write_text("{", encoding="utf-8")
    assert past.done() == frozenset(), "it is then stored again, which changes nothing"


def told(code: str, piece: PastPiece, step_s: int) -> Batch:
    """The numbers of one machine in a piece."""
    faulty = [backdated(fault, SINCE) for fault in labels_at_start(None, SINCE).faults]
    parts = plant_columns(piece.start_at, piece.end_at, step_s, since=SINCE, faults=faulty, codes=[code])
    batches = [batch_of(columns, SINCE) for columns in parts]
    return Batch(
        device="simulation",
        signal=np.concatenate([batch.signal for batch in batches]),
        source_at=np.concatenate([batch.source_at for batch in batches]),
        value=np.concatenate([batch.value for batch in batches]),
        quality=np.concatenate([batch.quality for batch in batches]),
        received_at=SINCE,
    )


def test_counters_go_on_live_where_the_past_ended_also_after_a_fault_is_over(tmp_path: Path) -> None:
    over = Micros(SINCE - HOUR_US // 2)
    jam = InjectedFault("jam", acting.CAPPER_JAM, "C-42", "", Micros(SINCE - HOUR_US), 0.0, over)
    begun = labels_at_start(None, SINCE)
    fleet = Fleet(tmp_path, HandClock(SINCE), PlantPorts(1, 2, 3), replace(begun, faults=(*begun.faults, jam)))
    sent = tuple(InjectedFault(**told) for told in fleet._order()["faults"])
    codes = ["C-42", "L-43", "F-41"]
    live = PlantReader(SINCE, SEED, codes).read(np.array([SINCE]), sent, None, {}).readings(0, codes)
    names = {signal.id: signal.name for signal in fleet.definition.signals}
    step = 10 * MICROS_PER_S
    begin, end = SINCE - SINCE % step - 60 * step, SINCE
    past = list(plant_columns(begin, end, 10, since=SINCE, faults=acted(fleet.labels), codes=codes))
    counters = [
        (columns.code, names[int(number)], columns.values[row][-1])
        for columns in past
        for row, number in enumerate(columns.signal_ids)
        if names[int(number)].endswith("_Count")
    ]
    assert len(counters) > 5
    for code, name, last in counters:
        assert 0 <= live[code][name] - last < 30, (code, name)
