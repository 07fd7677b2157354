"""One spelling, as RFC 8785 gives it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.canonical_json import NotCanonicalError, canonical

WHOLE = st.integers(-(2**53 - 1), 2**53 - 1)
LEAVES = st.none() | st.booleans() | WHOLE | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner))


def test_keys_are_ordered_as_in_the_example_of_the_standard() -> None:
    # Section 3.2.3: by UTF-16 code units, so the emoji (d83d de00) comes before the Hebrew letter of plane 0 (fb33).
    given_ = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7}
    assert list(json.loads(canonical(given_))) == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]


def test_texts_are_escaped_as_in_the_example_of_the_standard() -> None:
    # Section 3.2.2: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/".
    spelled = r"""{"string":"€$\u000f\nA'B\"\\\\\"/"}"""
    assert canonical({"string": '€$\x0f\nA\'B"\\\\"/'}) == spelled.encode()


def test_literals_and_whole_numbers_are_spelled_in_one_way() -> None:
    assert canonical({"b": [None, True, False, -7, 0], "a": {}}) == b'{"a":{},"b":[null,true,false,-7,0]}'


@pytest.mark.parametrize("value", [0.5, {"a": 2**53}, {1: "a"}, b"bytes", "\ud800", {"\ud800": 1}])
def test_what_has_no_spelling_is_refused(value: object) -> None:
    with pytest.raises(NotCanonicalError):
        canonical(value)


def test_what_is_nested_too_deeply_is_refused_before_it_fills_the_stack() -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(NotCanonicalError, match="deeper"):
        canonical(deep)


@given(VALUES)
def test_reading_and_writing_again_changes_nothing(value: object) -> None:
    try:
        once = canonical(value)
    except NotCanonicalError:
        return
    assert json.loads(once) == value
    assert canonical(json.loads(once)) == once
