"""Messages in the language of their reader: every word is there in each, and none is left in English by mistake."""

from dataclasses import fields
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pdm_app.domain.notice_languages import LANGUAGES
from pdm_app.domain.notice_words import NoticeTemplateFacts, composed, usual
from pdm_app.domain.notices import ChannelKind, NoticeLanguage
from pdm_app.domain.outbox import Moment
from tests.domain.test_notice_words import telling
from tests.storage.data import NOON

ENGLISH = LANGUAGES[NoticeLanguage.ENGLISH]
OTHERS = [language for language in NoticeLanguage if language is not NoticeLanguage.ENGLISH]
SAME_EVERYWHERE = {"time", "decimal"}


def names_in(words: str) -> list[str]:
    return sorted(part.partition("}")[0] for part in words.split("{")[1:])


def test_every_language_has_its_words() -> None:
    assert set(LANGUAGES) == set(NoticeLanguage)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("field", [each.name for each in fields(ENGLISH)])
def test_each_word_is_translated_and_names_the_same_facts(language: NoticeLanguage, field: str) -> None:
    english, own = getattr(ENGLISH, field), getattr(LANGUAGES[language], field)
    for one, other in zip(english if isinstance(english, tuple) else [english],
                          own if isinstance(own, tuple) else [own], strict=True):  # fmt: skip
        assert other.strip() or field == "decimal"
        assert names_in(one) == names_in(other)
        assert field in SAME_EVERYWHERE or one != other


@pytest.mark.parametrize("language", NoticeLanguage)
@pytest.mark.parametrize("channel", ChannelKind)
def test_the_usual_template_of_each_channel_and_language_is_one_that_could_be_kept(
    channel: ChannelKind, language: NoticeLanguage
) -> None:
    found = usual(channel, language)
    NoticeTemplateFacts(subject=found.subject, body=found.body)
    assert found.id == f"{channel}.{language}"


def test_a_german_mail_has_german_words_numbers_and_times() -> None:
    told = telling(moment=Moment.ESCALATED, cause="Lager verschlissen", simulated=True)
    message = composed([told], usual(ChannelKind.EMAIL, NoticeLanguage.GERMAN), "o@plant.example", NOON,
                       NoticeLanguage.GERMAN)  # fmt: skip
    assert message.subject == "SIMULIERT · P2 Bearing hot · P-101A · 86,1 (Grenze 85,5) · NICHT QUITTIERT"
    assert message.body.split("\n")[1:4] == [
        "Ausgelöst: 20.11.2025 12:59:59 CET", "Priorität: hoch", "Ursache: Lager verschlissen",
    ]  # fmt: skip


def test_times_are_those_of_the_reader_where_they_want_it() -> None:
    told = telling()
    there = type(told)(told.notice, told.alarm, told.place, zone=ZoneInfo("Asia/Kolkata"))
    message = composed([there], usual(ChannelKind.SMS, NoticeLanguage.HINDI).model_copy(update={"body": "{time}"}),
                       "+91", NOON, NoticeLanguage.HINDI)  # fmt: skip
    assert message.body == "20/11/2025 17:29:59 IST"
    assert (
        LANGUAGES[NoticeLanguage.HINDI].moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "02/01/2026 03:04:05 UTC"
    )
