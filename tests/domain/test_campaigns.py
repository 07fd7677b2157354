"""Campaigns: the decisions, worked out by hand, the sharing out of devices, and the windows."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.campaigns import CampaignFacts, Phase, Tally, Verdict, Window, decide, is_open, opens_at, share_out
from pdm_app.domain.firmware_actions import ActionState
from pdm_app.domain.samples import micros
from tests.domain.test_firmware_actions import action

VIENNA = ZoneInfo("Europe/Vienna")
CANARY = Phase(name="Canary", devices=1)
PHASE_1 = Phase(name="Phase 1", percent=25)
REST = Phase(name="The rest")


def campaign(*phases: Phase, **more: object) -> CampaignFacts:
    given = {"site_id": "graz", "name": "2.4.1", "release_id": "r-1", "group_id": "g-1", "phases": phases}
    return CampaignFacts.model_validate({**given, **more})


def vienna(text: str) -> int:
    return micros(datetime.fromisoformat(text).replace(tzinfo=VIENNA).astimezone(UTC))


THREE = campaign(CANARY, PHASE_1, REST)


@pytest.mark.parametrize(
    ("opened", "phase", "whole", "verdict"),
    [
        # A canary of one: its whole phase is smaller than the sample of five.
        (0, Tally(1, 0, 0), Tally(24, 0, 0), Verdict.WAIT),
        (0, Tally(1, 1, 0), Tally(24, 1, 0), Verdict.NEXT),
        # It failed: 1 of 24 is 4.2 %, below the 5 % of all, but the phase cannot succeed any more.
        (0, Tally(1, 0, 1), Tally(24, 0, 1), Verdict.PAUSE),
        # Five of six succeeded, one is tried again: enough, and it is no failure yet.
        (1, Tally(6, 5, 0), Tally(24, 6, 0), Verdict.NEXT),
        (1, Tally(6, 4, 0), Tally(24, 5, 0), Verdict.WAIT),
        # One failed for good: at best 5 of 6 = 83 %, below 95 %.
        (1, Tally(6, 4, 1), Tally(24, 5, 1), Verdict.PAUSE),
        # 1 of 24 in a phase of 23 still leaves 95.65 %.
        (2, Tally(23, 10, 1), Tally(24, 11, 1), Verdict.WAIT),
        # 2 of 24 are 8.3 %.
        (2, Tally(17, 10, 2), Tally(24, 17, 2), Verdict.PAUSE),
        (2, Tally(17, 17, 0), Tally(24, 24, 0), Verdict.FINISH),
        # The last phase has its success, another one is still under way.
        (2, Tally(17, 17, 0), Tally(24, 23, 0), Verdict.WAIT),
    ],
)
def test_the_decision_follows_from_the_counts(opened: int, phase: Tally, whole: Tally, verdict: Verdict) -> None:
    assert decide(THREE, opened, phase, whole).verdict is verdict


def test_exactly_the_error_threshold_is_not_above_it() -> None:
    twenty = campaign(Phase(name="All", success_percent=50))
    assert decide(twenty, 0, Tally(20, 0, 1), Tally(20, 0, 1)).verdict is Verdict.WAIT
    assert decide(twenty, 0, Tally(20, 0, 2), Tally(20, 0, 2)).verdict is Verdict.PAUSE


@pytest.mark.parametrize(("wanted", "verdict"), [("abort", Verdict.ABORT), ("roll_back", Verdict.ROLL_BACK)])
def test_what_follows_an_error_is_what_the_phase_says(wanted: str, verdict: Verdict) -> None:
    one = campaign(Phase.model_validate({"name": "All", "on_error": wanted}))
    decision = decide(one, 0, Tally(10, 3, 1), Tally(10, 3, 1))
    assert decision.verdict is verdict
    assert "1 of 10" in decision.why


def test_a_phase_may_wait_for_somebody_after_its_success() -> None:
    careful = campaign(Phase(name="Canary", devices=1, on_success="pause"), REST)
    assert decide(careful, 0, Tally(1, 1, 0), Tally(9, 1, 0)).verdict is Verdict.PAUSE


def test_a_phase_without_devices_does_not_hold_up_the_next() -> None:
    assert decide(THREE, 1, Tally(0, 0, 0), Tally(1, 1, 0)).verdict is Verdict.NEXT


def test_a_campaign_that_takes_new_members_does_not_finish_by_itself() -> None:
    assert decide(campaign(REST, takes_new_members=True), 0, Tally(3, 3, 0), Tally(3, 3, 0)).verdict is Verdict.WAIT


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.floats(0, 100), st.integers(1, 60))
def test_no_phase_is_followed_by_the_next_below_its_threshold(
    succeeded: int, failed: int, outstanding: int, percent: float, sample_min: int
) -> None:
    phase = Phase(name="First", devices=1, success_percent=percent, error_percent=100, sample_min=sample_min)
    tally = Tally(succeeded + failed + outstanding, succeeded, failed)
    if decide(campaign(phase, REST), 0, tally, tally).verdict is Verdict.NEXT:
        judged = succeeded + failed
        assert judged >= min(sample_min, tally.devices)
        assert succeeded * 100 >= percent * judged


def test_only_what_was_meant_for_a_device_counts() -> None:
    states = [ActionState.SUCCEEDED, ActionState.LOST, ActionState.ROLLED_BACK, ActionState.RETRY_WAIT,
              ActionState.SKIPPED, ActionState.CANCELED, ActionState.SUPERSEDED, ActionState.VERIFYING]  # fmt: skip
    assert Tally.of(action(state) for state in states) == Tally(5, 1, 2)


def test_devices_are_shared_out_in_order_and_the_last_phase_has_the_rest() -> None:
    ids = [f"g-{number}" for number in range(1, 25)]
    shares = share_out(ids, THREE.phases)
    assert [len(share) for share in shares] == [1, 6, 17]
    assert [each for share in shares for each in share] == ids
    assert [len(share) for share in share_out(["a"], THREE.phases)] == [1, 0, 0]


@given(st.integers(0, 300), st.lists(st.floats(0, 100), max_size=5))
def test_every_device_is_in_exactly_one_phase(devices: int, percents: list[float]) -> None:
    ids = [str(number) for number in range(devices)]
    phases = [*(Phase(name="P", percent=percent) for percent in percents), REST]
    shares = share_out(ids, phases)
    assert [each for share in shares for each in share] == ids
    assert len(shares) == len(phases)


def test_a_window_may_cross_midnight_and_says_when_it_opens() -> None:
    night = (Window(weekdays=(4,), begin="22:00", minutes=240),)  # Friday to Saturday 02:00.
    assert is_open(night, vienna("2026-11-20T22:00"), VIENNA)
    assert is_open(night, vienna("2026-11-21T01:59"), VIENNA)
    assert not is_open(night, vienna("2026-11-21T02:00"), VIENNA)
    assert opens_at(night, vienna("2026-11-21T02:00"), VIENNA) == vienna("2026-11-27T22:00")
    assert opens_at(night, vienna("2026-11-20T23:00"), VIENNA) == vienna("2026-11-20T23:00")


def test_without_windows_it_is_always_open() -> None:
    assert is_open((), 0, VIENNA)
    assert opens_at((), 5, VIENNA) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"release_id": None},
        {"mode": "time_forced"},
        {"forced_at": 5},
        {"phases": ()},
        {"phases": (REST, REST)},
        {"phases": ({"name": "Both", "percent": 10, "devices": 3},)},
    ],
)
def test_what_contradicts_itself_is_no_campaign(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        campaign(**{"phases": (REST,), **wrong})
