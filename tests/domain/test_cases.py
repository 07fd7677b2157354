"""Cases: which decision may follow which, what each needs, and that no other is possible."""

import pytest

from pdm_app.domain.cases import (
    LINKS_MAX,
    SNOOZE_S_MAX,
    Case,
    CaseAct,
    CaseState,
    Decision,
    decided,
    linked,
    noted,
)
from pdm_app.domain.errors import ConflictError, InvalidInputError
from pdm_app.domain.samples import MICROS_PER_S, Micros
from tests.storage.data import NOON

OPEN = Case(
    id="c", site_id="s", asset_id="a", title="Bearing", opened_at=NOON, opened_by="ann", changed_at=NOON,
    changed_by="ann", revision=1,
)  # fmt: skip
LATER = Micros(NOON + 60 * MICROS_PER_S)
ALLOWED = {
    (CaseState.OPEN, Decision.CONFIRM), (CaseState.OPEN, Decision.REJECT), (CaseState.OPEN, Decision.SNOOZE),
    (CaseState.SNOOZED, Decision.CONFIRM), (CaseState.SNOOZED, Decision.REJECT), (CaseState.SNOOZED, Decision.SNOOZE),
    (CaseState.SNOOZED, Decision.WAKE),
    (CaseState.CONFIRMED, Decision.REJECT), (CaseState.CONFIRMED, Decision.CLOSE),
    (CaseState.CONFIRMED, Decision.REOPEN),
    (CaseState.REJECTED, Decision.CONFIRM), (CaseState.REJECTED, Decision.CLOSE), (CaseState.REJECTED, Decision.REOPEN),
    (CaseState.CLOSED, Decision.REOPEN),
}  # fmt: skip


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("decision", Decision)
def test_every_pair_of_state_and_decision_is_allowed_or_refused_with_what_comes_first(
    state: CaseState, decision: Decision
) -> None:
    case = OPEN.model_copy(update={"state": state, "snoozed_until": int(LATER)})

    def decide() -> Case:
        return decided(case, decision, LATER, "bob", label="wear", text="next stop", until=LATER + 1)[0]

    if (state, decision) in ALLOWED:
        assert decide().revision == 2
    else:
        with pytest.raises(ConflictError, match=str(state)):
            decide()


def test_what_was_confirmed_keeps_its_label_when_it_is_closed_and_loses_it_when_it_is_opened_again() -> None:
    case, entry = decided(OPEN, Decision.CONFIRM, LATER, "bob", label=" bearing wear ", text="seen")
    assert (case.state, case.verdict, case.label) == (CaseState.CONFIRMED, CaseState.CONFIRMED, "bearing wear")
    assert (entry.act, entry.actor, entry.label, entry.text) == (CaseAct.CONFIRM, "bob", "bearing wear", "seen")
    closed, _ = decided(case, Decision.CLOSE, LATER, "bob")
    assert (closed.state, closed.verdict, closed.label) == (CaseState.CLOSED, CaseState.CONFIRMED, "bearing wear")
    again, _ = decided(closed, Decision.REOPEN, LATER, "bob")
    assert (again.state, again.verdict, again.label) == (CaseState.OPEN, None, "")


def test_a_snooze_is_over_when_its_time_has_come() -> None:
    snoozed, entry = decided(OPEN, Decision.SNOOZE, NOON, "bob", text="next stop", until=LATER)
    assert entry.until == snoozed.snoozed_until == LATER
    assert snoozed.as_of(LATER - 1).state is CaseState.SNOOZED
    assert snoozed.as_of(LATER).state is CaseState.OPEN


@pytest.mark.parametrize(
    ("decision", "said", "words"),
    [
        (Decision.CONFIRM, {"label": " "}, "what it was"),
        (Decision.REJECT, {}, "what it was"),
        (Decision.SNOOZE, {"until": LATER + 1}, "why it can wait"),
        (Decision.SNOOZE, {"text": "x"}, "has not passed"),
        (Decision.SNOOZE, {"text": "x", "until": NOON}, "has not passed"),
        (Decision.SNOOZE, {"text": "x", "until": LATER + SNOOZE_S_MAX * MICROS_PER_S + 1}, "90 days"),
    ],
)
def test_what_a_decision_needs_is_asked_for(decision: Decision, said: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        decided(OPEN, decision, LATER, "bob", **said)  # type: ignore[arg-type]


def test_links_are_added_once_up_to_a_bound_and_not_to_a_closed_case() -> None:
    found = linked(OPEN, LATER, "bob", ["a1", "a1"], ["e1"])
    assert found is not None
    case, entry = found
    assert (case.alarm_ids, case.event_ids, entry.text) == (("a1",), ("e1",), "2")
    assert linked(case, LATER, "bob", ["a1"], []) is None
    with pytest.raises(InvalidInputError, match="Open another"):
        linked(case, LATER, "bob", [f"a{number}" for number in range(LINKS_MAX + 1)], [])
    with pytest.raises(ConflictError, match="closed"):
        linked(case.model_copy(update={"state": CaseState.CLOSED}), LATER, "bob", ["a2"], [])


def test_a_note_says_something() -> None:
    with pytest.raises(InvalidInputError, match="empty"):
        noted(OPEN, LATER, "bob", "  ")
    case, entry = noted(OPEN, LATER, "bob", " heard it ")
    assert (case.revision, entry.text) == (2, "heard it")
