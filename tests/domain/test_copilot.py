"""The copilot: questions are recognised, answers hold to what is on record, each sentence says where it is from."""

import pytest

from pdm_app.domain.advice import advice
from pdm_app.domain.alarms import Alarm, AlarmState
from pdm_app.domain.asset_health import AssetHealth, Outlook, OutlookState
from pdm_app.domain.copilot import Answer, Known, Question, SourceKind, answered, machine_of, question_of
from pdm_app.domain.diagnosis import diagnose
from pdm_app.domain.movements import Movement
from pdm_app.domain.samples import MICROS_PER_S
from pdm_app.domain.signal_roles import Role, role_of

NOW = 1_763_640_000 * MICROS_PER_S
DAY = 86_400 * MICROS_PER_S
ALARM = Alarm(
    id="a-1", rule_id="r", site_id="graz", asset_id="p-101a", signal_id=1, name="Vibration in zone C", priority=2,
    state=AlarmState.UNACKNOWLEDGED, limit=5.1, raised_at=NOW - 3 * 3600 * MICROS_PER_S, value=5.34,
    action="Plan the repair for the next stop.",
)  # fmt: skip
HEALTH = AssetHealth(
    id="v", site_id="graz", asset_id="p-101a", model_id="m", score=1.7, health=52, is_unusual=True,
    outlook=Outlook(
        state=OutlookState.KNOWN, signal_id=1, limit=7.1, source="ISO", at=NOW, low_10_s=5 * 86_400.0,
        middle_s=8 * 86_400.0, high_90_s=12 * 86_400.0,
    ),
)  # fmt: skip


def moved(name: str, unit: str, spreads: float) -> Movement:
    return Movement(name, unit, role_of(name, unit), 2.0, 2.0 + spreads / 10, spreads, 2, 2, 0, 0)


WORN = (moved("Envelope_BPFO_g", "[g]", 9), moved("Kurtosis", "1", 5), moved("Motor_Current_A", "A", 0.4))


def known(**more: object) -> Known:
    told = diagnose(WORN)
    given: dict[str, object] = {
        "asset_id": "p-101a", "code": "P-101A", "now": NOW, "alarms": (ALARM,), "healths": (HEALTH,),
        "diagnosis": told, "advice": advice(told, NOW, 5 * 86_400.0), "signal_ids": {"Envelope_BPFO_g": 2},
        "labels": {"Vibration_mm_s": "Vibration"}, **more,
    }  # fmt: skip
    return Known(**given)  # type: ignore[arg-type]


def words(answer: Answer) -> str:
    return " ".join(sentence.text for sentence in answer.sentences)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Why is P-101A red?", Question.WHY), ("what should I do next?", Question.NEXT),
        ("Compare with last week", Question.COMPARE), ("What happened to P-101A", Question.WHY),
        ("what to do about the alarm", Question.NEXT), ("Sing me a song", None),
    ],
)  # fmt: skip
def test_a_question_is_recognised_by_its_words_or_not_at_all(text: str, question: Question | None) -> None:
    assert question_of(text) is question


def test_the_longest_code_that_is_named_is_meant() -> None:
    assert machine_of("why is p101a red?", ["P-101", "P-101A", "C-201"]) == "P-101A"
    assert machine_of("why is it red?", ["P-101A"]) is None


def test_why_cites_the_alarm_the_model_and_the_signals() -> None:
    told = answered(Question.WHY, known())
    said = words(told)
    assert "“Vibration in zone C”, for 3 h at 5.34 (limit 5.1), not acknowledged" in said
    assert "score 1.70 of 1, health 52 of 100" in said
    assert "reached in about 8 d (5 d to 12 d)" in said
    assert "bearing damage develops" in said
    assert {source.kind for sentence in told.sentences for source in sentence.sources} == {
        SourceKind.ALARM, SourceKind.MODEL, SourceKind.SIGNAL,
    }  # fmt: skip
    assert "/trends?s=2" in {source.href for sentence in told.sentences for source in sentence.sources}


def test_next_says_what_to_do_until_when_and_only_proposes() -> None:
    told = answered(Question.NEXT, known())
    assert told.sentences[0].text == "First of all: Plan the repair for the next stop."
    assert "Do it within 4 d, judged by the remaining life of this machine." in words(told)
    assert told.proposal is not None
    assert (told.proposal.title, told.proposal.alarm_ids) == ("Bearing damage develops", ("a-1",))


def test_compare_names_what_moved_most_first() -> None:
    week = (moved("Flow", "m3/h", 1), moved("Bearing_Temperature_C", "Cel", 4), moved("Vibration_mm_s", "mm/s", -7))
    told = answered(Question.COMPARE, known(week=week))
    assert [sentence.text for sentence in told.sentences] == [
        "Vibration fell from 2 to 1.3 mm/s, 7 times its usual wander.",
        "Bearing Temperature C rose from 2 to 2.4 °C, 4 times its usual wander.",
    ]
    assert told.proposal is None
    assert "not in the history" in words(answered(Question.COMPARE, known()))
    calm = answered(Question.COMPARE, known(week=week[:1]))
    assert "none of 1 signals has left its usual range" in words(calm)


def test_of_a_machine_of_which_nothing_is_on_record_that_is_said_with_its_page() -> None:
    told = answered(Question.WHY, Known(asset_id="c-201", code="C-201", now=NOW))
    [sentence] = told.sentences
    assert "Nothing on record speaks of C-201 being unwell." in sentence.text
    assert sentence.sources[0].href == "/asset/c-201"
    assert told.proposal is None
    assert WORN[0].role is Role.ENVELOPE
