"""What is proposed to somebody who wants an alarm on a value."""

import pytest

from pdm_app.domain.rule_proposals import Basis, class_of, proposed_rule
from pdm_app.domain.signals import DataType, Shape, Signal


def signal(**facts: object) -> Signal:
    settled: dict[str, object] = {"id": 7, "site_id": "graz", "asset_id": "p-101", "name": "bearing", "label": "Heat"}
    return Signal.model_validate({**settled, "unit": "Cel", **facts})


def test_the_end_of_the_normal_band_is_proposed_on_the_side_that_was_pointed_at() -> None:
    bearing = signal(normal_low=20.0, normal_high=80.0, range_low=0.0, range_high=150.0)
    high, low = proposed_rule(bearing, 71.0, 30.0, 75.0), proposed_rule(bearing, 24.0, 22.0, 75.0)
    assert (high.kind, high.limit, high.basis) == ("high", 80.0, Basis.NORMAL_BAND)
    assert (low.kind, low.limit, low.basis) == ("low", 20.0, Basis.NORMAL_BAND)
    # A temperature: 1 % of its range of 150, and a minute.
    assert (high.deadband, high.on_delay_s, high.off_delay_s) == (1.5, 60.0, 60.0)


def test_a_value_beyond_the_band_is_not_proposed_an_alarm_that_calls_at_once() -> None:
    bearing = signal(normal_low=20.0, normal_high=80.0)
    proposal = proposed_rule(bearing, 84.0, 30.0, 90.0)
    assert (proposal.kind, proposal.limit, proposal.basis) == ("high", 96.0, Basis.HISTORY)  # 90 and a tenth of 60.


def test_without_a_band_the_limit_lies_beyond_what_the_signal_has_been() -> None:
    low, high = proposed_rule(signal(), 12.0, 10.0, 30.0), proposed_rule(signal(), None, 10.0, 30.0)
    assert (low.kind, low.limit, low.basis) == ("low", 8.0, Basis.HISTORY)
    assert (high.kind, high.limit, high.basis) == ("high", 32.0, Basis.HISTORY)


def test_without_history_it_lies_a_little_beyond_the_value_and_without_that_nothing_is_invented() -> None:
    assert proposed_rule(signal(), 40.0).limit == 44.0
    assert proposed_rule(signal(), -40.0).limit == -36.0
    nothing = proposed_rule(signal())
    assert (nothing.limit, nothing.basis) == (None, Basis.NOTHING)


def test_a_signal_that_never_moved_gets_a_limit_beside_it() -> None:
    assert proposed_rule(signal(), 5.0, 5.0, 5.0).limit == 5.5
    assert proposed_rule(signal(), 0.0, 0.0, 0.0).limit == 0.1


def test_a_limit_has_the_decimals_of_its_signal() -> None:
    assert proposed_rule(signal(decimals=0), 3.0, 1.0, 3.14159).limit == 3.0
    assert proposed_rule(signal(decimals=2), 3.0, 1.0, 3.14159).limit == 3.36


def test_a_switch_is_asked_for_the_state_it_shows() -> None:
    door = signal(data_type=DataType.BOOLEAN, unit="1")
    assert (proposed_rule(door, 1.0).kind, proposed_rule(door, 1.0).abnormal) == ("discrete", (1.0,))
    assert proposed_rule(door, 0.0).abnormal == (0.0,)


def test_a_state_is_asked_for_by_its_number_and_a_counter_by_a_limit() -> None:
    mode = signal(unit="1", shape=Shape.STEP, decimals=0)
    assert (proposed_rule(mode, 2.0, 0.0, 3.0).kind, proposed_rule(mode, 2.0).abnormal) == ("discrete", (2.0,))
    assert proposed_rule(mode, 2.0).basis is Basis.STATE
    assert (proposed_rule(mode, 48_211.0, 0.0, 48_211.0).kind, proposed_rule(mode).kind) == ("high", "high")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"unit": "mm/s"}, "vibration"),
        ({"unit": "bar"}, "pressure"),
        ({"unit": "m3/h"}, "flow"),
        ({"unit": "kW"}, "electrical"),
        ({"unit": "%", "label": "Tank level"}, "level"),
        ({"unit": "%", "label": "Valve position"}, None),
        ({"unit": "1"}, None),
    ],
)
def test_the_class_of_a_signal_follows_from_its_unit(facts: dict[str, object], expected: str | None) -> None:
    assert class_of(signal(**facts)) == expected
