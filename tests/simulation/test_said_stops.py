"""What crews said of stops before the plant first started: of stops that were, of all but the youngest."""

from collections import Counter

import pytest

from pdm_app.domain.production_shifts import shift_id
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.domain.stop_edits import StopEdit
from pdm_app.simulation.fleet import labels_at_start
from pdm_app.simulation.past import acted
from pdm_app.simulation.physics.reasons import Reason
from pdm_app.simulation.production import REASONS
from pdm_app.simulation.said_stops import WAITING, said_stops
from pdm_app.simulation.truth import MINOR_STOP_S, Truth

SINCE = Micros(1_795_267_249_940_791)
DAYS = 3
LABELS = labels_at_start(None, SINCE)
ASKED = (Reason.BREAKDOWN, Reason.MINOR_STOP)


@pytest.fixture(scope="module")
def said() -> list[StopEdit]:
    return said_stops(LABELS, DAYS)


def test_all_stops_but_the_youngest_of_each_machine_have_a_reason(said: list[StopEdit]) -> None:
    truth = Truth(acted(LABELS))
    for code, waiting in WAITING.items():
        spans = truth.spans(code, SINCE - DAYS * 86_400 * MICROS_PER_S, SINCE)
        asked = [
            span
            for span in spans
            if span.reason in ASKED and (span.reason is Reason.BREAKDOWN or span.length_s >= MINOR_STOP_S)
        ]
        own = sorted(edit.at for edit in said if edit.asset_id == code.lower())
        assert len(own) == len(asked) - waiting > 0
        assert all(span.begin <= at < span.end for span, at in zip(asked, own, strict=False))


def test_it_is_said_of_the_shift_in_which_the_stop_lies_and_once(said: list[StopEdit]) -> None:
    truth = Truth(acted(LABELS))
    for edit in said[::20]:
        assert edit.shift_id == shift_id(edit.asset_id, truth.shift(edit.asset_id.upper(), edit.at).begin)
    assert len({edit.id for edit in said}) == len(said)
    assert said == said_stops(LABELS, DAYS)


def test_reasons_are_leaves_of_the_tree_and_none_is_said_always(said: list[StopEdit]) -> None:
    branches = {reason.parent_id for reason in REASONS}
    leaves = {reason.id for reason in REASONS} - branches
    counted = Counter(edit.reason_id for edit in said)
    assert set(counted) <= leaves
    assert len(counted) >= 4
    assert max(counted.values()) < 0.7 * len(said)
