"""What a search of the journal finds: words and parts of words of any script, in any order, in any case."""

from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.journal_words import TERM_MAX, WORD_MAX, are_in, folded, number_of, terms_of, words_of

ENTRY = ("Bearing hot (drive end)", "Lagerschalenverschleiß, siehe P-101A.", "Ada Ölmüller")


def found(text: str, *entry: str) -> bool:
    terms = terms_of(text)
    return bool(terms) and are_in(terms, words_of(*(entry or ENTRY)))


def test_words_are_found_whole_in_part_in_any_order_and_case() -> None:
    assert found("hot bearing")
    assert found("BEAR")
    assert found("verschleiss")
    assert found("SCHALENVERSCHLEISS")
    assert found("ölm")
    assert found("ÖLMÜLLER drive")


def test_all_words_have_to_stand_in_the_entry() -> None:
    assert not found("bearing cold")
    assert not found("hot pump")


def test_codes_are_taken_as_they_are_written() -> None:
    assert found("P-101")
    assert found("101a")
    assert not found("P101")


def test_hindi_words_keep_their_marks() -> None:
    assert words_of("तेल का दबाव कम है।") == {"तेल", "का", "दबाव", "कम", "है"}
    assert found("दबाव", "तेल का दबाव कम है।", "", "")
    assert found("दबा", "तेल का दबाव कम है।", "", "")
    assert not found("दबव", "तेल का दबाव कम है।", "", "")


def test_a_sentence_without_spaces_is_found_by_any_part_of_it() -> None:
    sentence = "軸受の温度が高いため運転員が確認し潤滑油を補給した。" * 4
    assert all(len(word) <= WORD_MAX for word in words_of(sentence))
    assert found("潤滑油", sentence, "", "")
    assert found("した。軸受", sentence, "", "")


def test_punctuation_alone_finds_nothing_and_around_words_is_of_no_account() -> None:
    assert terms_of(" - … (!) ") == ()
    assert found("(hot)")
    assert found('"bearing",')
    assert words_of("---", "", "") == frozenset()


def test_numbers_of_words_and_texts_are_the_same_in_every_process() -> None:
    assert number_of("bearing") == 8578942654094219549
    assert number_of(words_of("hot bearing")) == number_of(words_of("Bearing", "HOT")) != number_of("bearing")
    assert 0 <= number_of(frozenset()) < 2**63


@given(st.text(max_size=200), st.integers(0, 199), st.integers(1, TERM_MAX))
def test_any_part_of_any_word_that_is_asked_for_is_found(text: str, begin: int, length: int) -> None:
    part = folded(text)[begin : begin + length]
    terms = terms_of(part)
    assert are_in(terms, words_of(text)), (part, terms)
