"""Maintenance events: what they are estimated at, and when a rule is for a machine and holds."""

import pytest
from pydantic import ValidationError

from pdm_app.domain.alarms import Alarm, AlarmState, JournalKind
from pdm_app.domain.maintenance_events import (
    NO_PRIORITY,
    ClassCost,
    CostFacts,
    EventKind,
    MaintenanceEvent,
    event_entry,
)
from pdm_app.domain.maintenance_rules import (
    AlarmStands,
    MaintenanceRule,
    MaintenanceRuleFacts,
    ScoreAbove,
    Severity,
    Side,
    SignalBeyond,
    number_of,
)
from pdm_app.domain.samples import Quality, Sample, SignalId
from tests.storage.data import NOON, alarm, asset

PUNE = CostFacts(base=45_000, classes=(ClassCost(asset_class="Compressor", base=120_000),), medium=0.5)
SCORE = ScoreAbove(signal="anomaly", threshold=0.8)


def standing(priority: int, state: AlarmState, alarm_id: str = "a") -> Alarm:
    return alarm("graz", 1).model_copy(update={"id": alarm_id, "priority": priority, "state": state})


def test_a_critical_event_is_estimated_at_one_and_a_half_times_the_base() -> None:
    assert PUNE.estimate("Centrifugal pump, 22 kW", Severity.CRITICAL) == 67_500
    assert PUNE.estimate("", Severity.HIGH) == 45_000
    assert PUNE.estimate("Centrifugal pump, 22 kW", Severity.MEDIUM) == 22_500


def test_a_class_of_machines_has_its_own_base_however_it_is_written() -> None:
    assert PUNE.estimate("COMPRESSOR", Severity.CRITICAL) == 180_000


@pytest.mark.parametrize(("value", "above", "below"), [(84.9, False, True), (85.0, True, True), (85.1, True, False)])
def test_a_limit_itself_is_beyond(value: float, above: bool, below: bool) -> None:
    assert SignalBeyond(signal="bearing", limit=85).holds(value) is above
    assert SignalBeyond(signal="bearing", side=Side.BELOW, limit=85).holds(value) is below


def test_the_most_urgent_active_alarm_is_found_and_silent_ones_are_not() -> None:
    silent = [
        standing(1, state)
        for state in (AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE, AlarmState.RETURNED_UNACKNOWLEDGED)
    ]
    assert AlarmStands(priority=2).found([*silent, standing(3, AlarmState.UNACKNOWLEDGED)]) is None
    second, first = standing(2, AlarmState.ACKNOWLEDGED, "b"), standing(1, AlarmState.ACKNOWLEDGED, "c")
    assert AlarmStands(priority=2).found([*silent, second, first]) == first


@pytest.mark.parametrize("target", [{}, {"asset_id": "p-501", "asset_class": "Pump"}])
def test_a_rule_is_for_one_machine_or_for_a_class(target: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give either of them"):
        MaintenanceRuleFacts(site_id="pune", name="Bearing", sensor=AlarmStands(), score=SCORE, **target)  # type: ignore[arg-type]


def test_a_rule_of_a_class_is_for_its_machines_at_its_site_only() -> None:
    here, there = asset("graz"), asset("linz")
    rule = MaintenanceRule(
        id="r", site_id=here.site_id, name="Bearing", asset_class="centrifugal PUMP, 22 kW", sensor=AlarmStands(),
        score=SCORE,
    )  # fmt: skip
    assert rule.is_for(here)
    assert not rule.is_for(there)
    assert not rule.is_for(here.model_copy(update={"asset_class": "Press"}))


@pytest.mark.parametrize(
    ("value", "quality", "number"),
    [(3, Quality.GOOD, 3.0), (3.5, Quality.BAD_STALE, None), ("open", Quality.GOOD, None), (None, Quality.GOOD, None)],
)
def test_only_a_number_of_usable_quality_counts(value: float | str | None, quality: Quality, number: float) -> None:
    assert number_of(Sample(SignalId(1), value, quality, NOON)) == number
    assert number_of(None) is None


def test_the_journal_tells_of_an_event_without_any_priority_of_alarms() -> None:
    event = MaintenanceEvent(
        id="e", site_id="s", asset_id="a", kind=EventKind.REPORTED, name="Rattles", severity=Severity.HIGH,
        opened_at=NOON, recorded_at=NOON, opened_by="tom", currency="INR",
    )  # fmt: skip
    opened = event_entry(event, NOON, NOON, "tom")
    resolved = event_entry(event.model_copy(update={"resolved_at": NOON + 5}), NOON, NOON, "tom", "Belt changed")
    assert (opened.kind, opened.priority, opened.alarm_id) == (JournalKind.EVENT_OPENED, NO_PRIORITY, "e")
    assert (resolved.kind, resolved.comment) == (JournalKind.EVENT_RESOLVED, "Belt changed")
    assert not opened.is_annunciation
    assert opened.id != resolved.id
