"""What messages say: templates that are filled in, and cannot do anything else."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pdm_app.domain.notice_words import (
    ALARMS_PER_MESSAGE,
    NAMES_MAX,
    PLACEHOLDERS,
    NoticeTemplateFacts,
    Place,
    Telling,
    composed,
    filled,
    usual,
    words_of,
)
from pdm_app.domain.notices import BODY_MAX, ChannelKind
from pdm_app.domain.outbox import Moment, Notice
from tests.storage import data
from tests.storage.data import MINE, NOON, S

EMAIL, SMS = ChannelKind.EMAIL, ChannelKind.SMS
PLACE = Place(machine="P-101A", machine_name="Pump", area="Utilities", site="Graz", zone=ZoneInfo("Europe/Vienna"))


def telling(number: int = 1, moment: Moment = Moment.RAISED, link: str = "", **alarm: Any) -> Telling:
    given = data.alarm(MINE, number).model_copy(update={"raised_at": NOON, **alarm})
    notice = Notice(
        id=f"notice-{number:02d}", site_id=given.site_id, alarm_id=given.id, route_id="route", user_id="olga",
        channel=EMAIL, moment=moment, priority=given.priority, raised_at=NOON - number * S, due_at=NOON,
    )  # fmt: skip
    return Telling(notice, given, PLACE, link)


def said(template: str, **alarm: Any) -> str:
    return filled(template, words_of(telling(**alarm)))


def test_the_usual_mail_says_what_happened_where_and_what_to_do() -> None:
    told = telling(cause="Worn bearing", action="Check oil.", simulated=True, link="https://plant.example/notice/x")
    message = composed([told], usual(EMAIL), "olga@plant.example", NOON)
    assert message.subject == "SIMULATED · P2 Bearing hot · P-101A · 86.1 (limit 85.5)"
    assert message.body.split("\n") == [
        "SIMULATED · P2 Bearing hot · P-101A · 86.1 (limit 85.5)",
        "Raised: 2025-11-20 12:59:59 CET",
        "Priority: high",
        "Cause: Worn bearing",
        "What to do: Check oil.",
        "Open and acknowledge: https://plant.example/notice/x",
    ]


def test_a_text_message_is_one_line_for_each_alarm() -> None:
    message = composed([telling(1), telling(2, Moment.ESCALATED)], usual(SMS), "+43660", NOON)
    assert message.body.split("\n") == [
        "P2 Bearing hot · P-101A · 86.1 (limit 85.5)",
        "P2 Bearing hot · P-101A · 86.1 (limit 85.5) · NOT ACKNOWLEDGED",
    ]
    assert message.subject == "2 alarms, most urgent: P2 Bearing hot · P-101A · 86.1 (limit 85.5)"
    assert message.alarms == 2


@pytest.mark.parametrize(
    ("template", "alarm", "words"),
    [
        ("Cause: {cause}", {"cause": ""}, ""),
        ("{machine}\nCause: {cause}\nend", {"cause": ""}, "P-101A\nend"),
        ("{simulated} · {alarm} · {told}", {}, "Bearing hot"),
        ("{reading}", {"limit": None}, "86.1"),
        ("{reading}", {"value": None}, "(limit 85.5)"),
        ("a · b", {}, "a · b"),
        ("{{{machine}}} {{x}}", {}, "{P-101A} {x}"),
        ("{alarm}", {"name": "{link} {0} %s"}, "{link} {0} %s"),
        ("{site}/{area}/{machine_name}", {}, "Graz/Utilities/Pump"),
    ],
)
def test_what_has_nothing_to_say_is_left_out_and_words_are_never_a_template(
    template: str, alarm: dict[str, Any], words: str
) -> None:
    assert said(template, **alarm) == words


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{alram}", r"has \{alram\}, which is no name; there are alarm, priority"),
        ("{alarm.__class__}", "which is no name"),
        ("{alarm[0]}", "which is no name"),
        ("{alarm!r}", "which is no name"),
        ("{alarm:>99999999}", "which is no name"),
        ("{}", "which is no name"),
        ("{0}", "which is no name"),
        ("{alarm", "a brace without its other half"),
        ("alarm}", "a brace without its other half"),
        ("{alarm}" * (NAMES_MAX + 1), "names in braces"),
    ],
)
def test_a_template_that_asks_for_anything_else_is_refused(template: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        NoticeTemplateFacts(body=template)


def test_each_name_that_is_offered_stands_for_something() -> None:
    told = telling(cause="c", consequence="d", action="e", simulated=True, moment=Moment.ESCALATED, link="https://l")
    words = words_of(told)
    assert words.keys() == PLACEHOLDERS.keys()
    assert all(words.values())


def test_an_alarm_that_is_no_longer_kept_is_told_all_the_same() -> None:
    whole = telling()
    gone = Telling(whole.notice, None, Place(site="Graz"))
    message = composed([gone], usual(EMAIL), "olga@plant.example", NOON)
    assert message.subject == "P2 alarm, which is no longer kept"


def test_a_flood_is_cut_short_and_says_so() -> None:
    message = composed([telling(number) for number in range(ALARMS_PER_MESSAGE + 7)], usual(SMS), "+43660", NOON)
    assert message.body.endswith("… and 7 more in the list of alarms.")
    assert message.alarms == ALARMS_PER_MESSAGE + 7
    long = NoticeTemplateFacts(body="{action}" * NAMES_MAX)
    many = [telling(number, action="x" * 2_000) for number in range(ALARMS_PER_MESSAGE)]
    assert len(composed(many, long, "to", NOON).body) == BODY_MAX


@given(st.text(max_size=200))
def test_no_template_breaks_more_than_itself(template: str) -> None:
    try:
        kept = NoticeTemplateFacts(body=template)
    except ValidationError:
        return
    assert isinstance(composed([telling()], kept, "to", NOON).body, str)
