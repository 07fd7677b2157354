"""Query strings are decoded as the standard library does, only sooner."""

from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pdm_app.trpc.connection import Query, unquoted

PARTS = st.lists(
    st.sampled_from([b"%", b"%2", b"%7B", b"%0a", b"%3D", b"=", b"=3D", b"=\n", b"+", b" ", b"_", b"\r", b"\n", b"a"])
)


@given(st.one_of(st.binary(), PARTS.map(b"".join)))
@example(b"=\n%20")
@example(b" %20 \n")
def test_any_value_is_decoded_as_the_library_decodes_it(value: bytes) -> None:
    assert unquoted(value) == unquote_to_bytes(value.replace(b"+", b" "))


@given(st.binary())
def test_what_was_encoded_comes_back(value: bytes) -> None:
    assert Query(b"input=" + quote_from_bytes(value).encode()).get(b"input") == value


@pytest.mark.parametrize(
    ("query", "value"), [(b"a=1&a=2", b"1"), (b"%61=x", b"x"), (b"b=1", None), (b"a", b""), (b"", None)]
)
def test_the_first_of_a_name_counts(query: bytes, value: bytes | None) -> None:
    assert Query(query).get(b"a") == value
