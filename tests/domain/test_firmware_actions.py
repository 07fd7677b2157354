"""The way of one device to a release: no pair is undefined, what has ended stays, and success needs its proof."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.firmware_actions import (
    ENDED,
    MOVES,
    OF_NOBODY,
    Action,
    ActionState,
    Effect,
    FailureClass,
    Happening,
    RetryPolicy,
    after,
    broken,
)

S, H = ActionState, Happening
SECOND = 1_000_000
HAPPENINGS = st.lists(st.sampled_from(Happening), max_size=40)


def action(state: ActionState = S.SCHEDULED, **more: object) -> Action:
    facts = {
        "id": "a-1", "number": 7, "site_id": "graz", "campaign_id": "c-1", "device_id": "d-1", "release_id": "r-1",
        "phase": 0, "state_at": 0, "created_at": 0,
    }  # fmt: skip
    return Action.model_validate({**facts, **more}).at(state, 0)


def walk(happenings: list[Happening], state: ActionState = S.SCHEDULED) -> list[ActionState]:
    states = [state]
    for happening in happenings:
        states.append(after(states[-1], happening).state)
    return states


def test_a_device_that_does_everything_right_is_proven_at_the_end() -> None:
    whole = [H.OFFERED, H.FETCHED, H.DOWNLOAD_BEGAN, H.DOWNLOAD_ENDED, H.WINDOW_CLOSED, H.WINDOW_OPENED,
             H.INSTALL_BEGAN, H.CLOSED_WELL, H.BOOTED_NEW, H.PROVEN]  # fmt: skip
    assert walk(whole)[1:] == [
        S.PENDING, S.RETRIEVED, S.DOWNLOADING, S.DOWNLOADED, S.WAITING_WINDOW, S.DOWNLOADED, S.INSTALLING,
        S.INSTALLED, S.VERIFYING, S.SUCCEEDED,
    ]  # fmt: skip


@pytest.mark.parametrize(("state", "happening"), list(product(ActionState, Happening)))
def test_every_pair_of_state_and_happening_is_defined(state: ActionState, happening: Happening) -> None:
    step = after(state, happening)
    assert (step.effect is Effect.MOVED) == (step.state is not state)
    assert (step.effect is Effect.CLOSED) == (state in ENDED)


def test_each_state_is_an_end_or_can_come_to_one() -> None:
    assert set(MOVES) | ENDED == set(ActionState)
    assert not set(MOVES) & ENDED
    for state in MOVES:
        seen, edge = {state}, {state}
        while edge:
            edge = {to for each in edge for to in MOVES.get(each, {}).values()} - seen
            seen |= edge
        assert seen & ENDED, f"{state} leads nowhere"


@given(HAPPENINGS)
def test_what_has_ended_stays_as_it_is(happenings: list[Happening]) -> None:
    states = walk(happenings)
    first_end = next((number for number, state in enumerate(states) if state in ENDED), len(states))
    assert len(set(states[first_end:])) <= 1


@given(HAPPENINGS)
def test_success_needs_a_download_a_writing_a_boot_and_the_proof_in_this_order(happenings: list[Happening]) -> None:
    states = walk([each for each in happenings if each not in (H.STORED, H.FOUND_RUNNING)])
    if S.SUCCEEDED in states:
        way = [states.index(state) for state in (S.DOWNLOADED, S.INSTALLED, S.VERIFYING, S.SUCCEEDED)
               if state in states]  # fmt: skip
        assert len(way) == 4 or S.CANCELING in states
        assert way == sorted(way)


@given(st.sampled_from(sorted(set(ActionState) - {S.VERIFYING})))
def test_nothing_but_a_verified_device_can_be_proven(state: ActionState) -> None:
    assert after(state, H.PROVEN).state is state


@given(HAPPENINGS)
def test_a_device_that_runs_what_nobody_sent_it_has_to_prove_it_like_any_other(happenings: list[Happening]) -> None:
    states = walk([each for each in happenings if each is not H.STORED])
    assert S.SUCCEEDED not in states or states[states.index(S.SUCCEEDED) - 1] is S.VERIFYING
    found = {state for state in ActionState if after(state, H.FOUND_RUNNING).effect is Effect.MOVED}
    assert found == {S.PENDING, S.RETRIEVED, S.DOWNLOADING, S.RETRY_WAIT}


def test_an_image_that_is_only_to_be_kept_is_done_when_all_of_it_was_sent() -> None:
    assert [state for state in ActionState if after(state, H.STORED).effect is Effect.MOVED] == [S.DOWNLOADED]


@pytest.mark.parametrize("state", [S.PENDING, S.RETRIEVED, S.DOWNLOADING])
def test_a_device_that_says_success_before_its_download_is_whole_is_not_believed(state: ActionState) -> None:
    assert after(state, H.CLOSED_WELL).effect is Effect.KEPT


@pytest.mark.parametrize("state", [S.INSTALLING, S.INSTALLED, S.VERIFYING])
def test_a_device_that_installs_finishes_first(state: ActionState) -> None:
    assert after(state, H.CANCEL_WANTED).effect is Effect.KEPT


def test_a_device_that_refuses_to_cancel_goes_on_and_one_that_was_quicker_has_installed() -> None:
    assert after(S.CANCELING, H.CANCEL_REFUSED).state is S.RETRIEVED
    assert after(S.CANCELING, H.CLOSED_WELL).state is S.INSTALLED


def test_silence_after_the_writing_is_a_loss_and_before_it_an_expiry() -> None:
    assert {after(state, H.SILENT).state for state in (S.INSTALLING, S.INSTALLED, S.VERIFYING)} == {S.LOST}
    assert {after(state, H.SILENT).state for state in (S.SCHEDULED, S.PENDING, S.RETRIEVED, S.DOWNLOADED)} == {
        S.EXPIRED
    }


@pytest.mark.parametrize("state", list(ActionState))
def test_an_action_has_the_place_of_its_device_exactly_while_it_is_under_way(state: ActionState) -> None:
    assert (action(state).active_device_id is None) == (state in OF_NOBODY)


def test_waits_double_up_to_their_limit_and_end_with_the_tries() -> None:
    policy = RetryPolicy(attempts_max=4, wait_s=100, wait_s_max=300)
    waits = [policy.next_at(FailureClass.DOWNLOAD, attempts, 0) for attempts in (1, 2, 3, 4)]
    assert waits == [100 * SECOND, 200 * SECOND, 300 * SECOND, None]


@pytest.mark.parametrize("failure", [FailureClass.SIGNATURE, FailureClass.HEALTH, FailureClass.OLD_VERSION])
def test_what_would_only_fail_again_is_not_tried_again(failure: FailureClass) -> None:
    assert RetryPolicy().next_at(failure, 1, 0) is None


def test_the_last_try_that_breaks_is_the_failure() -> None:
    policy = RetryPolicy(attempts_max=2, wait_s=10)
    first, happening = broken(action(S.DOWNLOADING), FailureClass.CHECKSUM, "sha1 differs", policy, 5 * SECOND)
    assert (first.state, happening, first.retry_at) == (S.RETRY_WAIT, H.BROKE, 15 * SECOND)
    again = first.at(S.DOWNLOADING, 20 * SECOND)
    last, happening = broken(again, FailureClass.CHECKSUM, "sha1 differs", policy, 30 * SECOND)
    assert (last.state, happening, last.attempts, last.retry_at) == (S.FAILED, H.FAILED, 2, None)


def test_a_wrong_checksum_starts_the_download_over_and_a_cut_one_goes_on() -> None:
    policy = RetryPolicy()
    cut = action(S.DOWNLOADING, served_to=500)
    assert broken(cut, FailureClass.DOWNLOAD, "", policy, 0)[0].served_to == 500
    assert broken(cut, FailureClass.CHECKSUM, "", policy, 0)[0].served_to == 0


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_failure_after_the_end_changes_nothing(state: ActionState) -> None:
    ended = action(state)
    assert broken(ended, FailureClass.OTHER, "late", RetryPolicy(), 9)[0] == ended
