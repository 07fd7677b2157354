"""Fault scripts and their labels: severity over time, refusals, and a file that survives."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pdm_app.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from pdm_app.domain.ports import InjectedFault
from pdm_app.domain.samples import MICROS_PER_S, Micros
from pdm_app.simulation import faults, labels
from pdm_app.simulation.labels import Labels, read_labels, write_labels
from pdm_app.simulation.sensors import MEASURED

NOON = Micros(1_763_640_000 * MICROS_PER_S)


def after(seconds: float) -> Micros:
    return Micros(NOON + round(seconds * MICROS_PER_S))


def fault(key: str, asset: str, start: float, signal: str = "", fault_id: str = "f-1") -> InjectedFault:
    return InjectedFault(fault_id, key, asset, signal, NOON, start)


def test_severity_begins_at_its_start_point_and_grows_to_one() -> None:
    slow = fault("cavitation", "P-501", 0.4)
    assert faults.severity(slow, NOON - 1) == 0
    assert faults.severity(slow, NOON) == 0.4
    assert faults.severity(slow, after(3600)) == pytest.approx(0.9)
    assert faults.severity(slow, after(100_000)) == 1
    assert faults.severity(replace(slow, cleared_at=after(60)), after(60)) == 0


def test_bearing_of_the_demo_is_on_day_19_and_one_day_older_tomorrow() -> None:
    wearing = fault("bearing_wear", "P-101A", faults.START_OF_DEMO_SEVERITY)
    assert faults.severity(wearing, NOON) * 27 == pytest.approx(19)
    assert faults.severity(wearing, after(86_400)) * 27 == pytest.approx(20)


def test_a_fault_that_began_long_ago_is_the_one_that_is_told_to_have_grown() -> None:
    """The month behind a new plant is told with the onset itself; its label begins nineteen days later."""
    standing = fault("bearing_wear", "P-101A", faults.START_OF_DEMO_SEVERITY)
    onset = replace(standing, injected_at=NOON - 19 * 86_400 * MICROS_PER_S, start_severity=0.0)
    assert faults.severity(onset, after(3600)) == pytest.approx(faults.severity(standing, after(3600)))


def test_link_breaks_at_once_from_a_full_start_and_heals_three_minutes_later() -> None:
    lost = fault("comm_loss", "G-3", 1.0)
    assert faults.link_lost("G-3", [lost], NOON)
    assert not faults.link_lost("G-2", [lost], NOON)
    assert faults.heals_at(lost) == after(180)


def test_link_sinks_before_it_breaks_from_an_early_start() -> None:
    sinking = fault("comm_loss", "G-3", 0.0)
    assert not faults.link_lost("G-3", [sinking], after(47))
    assert faults.link_lost("G-3", [sinking], after(48.1))
    assert faults.heals_at(sinking) == after(228)


@pytest.mark.parametrize(
    ("key", "asset", "signal", "field"),
    [
        ("meteor", "P-501", "", "key"),
        ("cavitation", "P-101A", "", "asset_code"),
        ("cavitation", "P-501", "Motor_RPM", "signal"),
        ("sensor_stuck", "P-501", "Flow_Rate_m3_h", "signal"),
        ("sensor_stuck", "G-1", "firmware_version", "signal"),
        ("sensor_stuck", "P-101A", "", "signal"),
    ],
)
def test_a_fault_the_plant_cannot_have_is_refused_by_field(key: str, asset: str, signal: str, field: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        faults.check(key, asset, signal, [])
    assert [issue.field for issue in refusal.value.issues] == [field]
    assert refusal.value.issues[0].fix


def test_the_same_fault_twice_is_a_conflict_and_another_sensor_is_not() -> None:
    stuck = fault("sensor_stuck", "P-501", 1.0, signal="Flow_Rate_L_min")
    with pytest.raises(ConflictError):
        faults.check("sensor_stuck", "P-501", "Flow_Rate_L_min", [stuck])
    faults.check("sensor_stuck", "P-501", "Motor_RPM", [stuck])


def test_every_measured_signal_can_be_stuck() -> None:
    assert len(MEASURED["P-501"]) == 10
    assert set(faults.SCRIPTS["sensor_stuck"].kind.signals) == {name for names in MEASURED.values() for name in names}


def test_labels_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    kept = Labels(since=NOON, held={"f-1": 1.5}).with_fault(fault("cavitation", "P-501", 0.3))
    assert read_labels(tmp_path) is None
    write_labels(tmp_path, kept)
    assert read_labels(tmp_path) == kept
    assert [path.name for path in tmp_path.iterdir()] == [labels.FILE_NAME]


def test_labels_answer_which_faults_acted_in_a_span() -> None:
    kept = Labels(since=NOON).with_fault(fault("cavitation", "P-501", 0.3)).cleared("f-1", after(60))
    assert kept.between(after(-10), after(0)) == ()
    assert len(kept.between(after(-10), after(1))) == 1
    assert len(kept.between(after(59), after(100))) == 1
    assert kept.between(after(60), after(100)) == ()


def test_clearing_twice_keeps_the_first_end_and_an_unknown_label_is_not_found() -> None:
    kept = Labels(since=NOON).with_fault(fault("cavitation", "P-501", 0.3)).cleared("f-1", after(60))
    assert kept.cleared("f-1", after(90)).get("f-1").cleared_at == after(60)
    with pytest.raises(NotFoundError):
        kept.cleared("f-2", after(90))


def test_a_fault_that_heals_by_itself_gets_its_true_end_in_the_label() -> None:
    kept = Labels(since=NOON).with_fault(fault("comm_loss", "G-3", 1.0))
    assert kept.healed(after(179)) == kept
    assert kept.healed(after(200)).get("f-1").cleared_at == after(180)


def test_a_file_that_is_no_labels_file_is_refused_with_its_path(tmp_path: Path) -> None:
    for content in ("", "[]", '{"since": 1, "faults": [{"key": "cavitation"}], "held": {}}', json.dumps({"a": 1})):
        (tmp_path / labels.FILE_NAME).write_text(content)
        with pytest.raises(UnavailableError, match=r"labels\.json"):
            read_labels(tmp_path)


def test_labels_forget_the_oldest_cleared_ones_beyond_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "FAULTS_MAX", 3)
    kept = Labels(since=NOON).with_fault(fault("bearing_wear", "P-101A", 0.7, fault_id="stands"))
    for number in range(5):
        kept = kept.with_fault(fault("cavitation", "P-501", 0.1, fault_id=f"f-{number}")).cleared(f"f-{number}", NOON)
    assert [each.id for each in kept.faults] == ["stands", "f-3", "f-4"]
