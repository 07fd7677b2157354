"""The order of versions."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pdm_app.domain.firmware_versions import FirmwareVersion, is_newer, is_same, rank

VERSIONS: TypeAdapter[str] = TypeAdapter(FirmwareVersion)
ASCENDING = (
    "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.0.10", "1.2", "1.10", "2026.4",
)  # fmt: skip
PARTS = st.from_regex(re.compile(r"[0-9A-Za-z-]{1,4}", re.ASCII), fullmatch=True)
MADE = st.builds(
    lambda numbers, early: ".".join(map(str, numbers)) + (f"-{'.'.join(early)}" if early else ""),
    st.lists(st.integers(0, 20), min_size=1, max_size=4), st.lists(PARTS, max_size=3),
)  # fmt: skip


def test_versions_come_in_the_order_of_semantic_versioning() -> None:
    # The row from alpha to 1.0.0 is the example of its section 11.
    assert sorted(set(ASCENDING), key=rank) == list(ASCENDING)
    assert all(is_newer(later, earlier) for earlier, later in pairwise(ASCENDING))


def test_missing_numbers_count_as_zero_and_builds_count_for_nothing() -> None:
    assert is_same("2.0", "2.0.0+g1a2b")
    assert not is_newer("2.0.0+b", "2")
    assert not is_same("2.0.0-rc.1", "2.0.0")


@given(MADE, MADE)
def test_of_two_versions_one_is_newer_or_they_are_the_same(one: str, other: str) -> None:
    VERSIONS.validate_python(one)
    assert is_newer(one, other) + is_newer(other, one) + is_same(one, other) == 1


@pytest.mark.parametrize(
    "text", ["", "v1", "1.", "1..2", "1.2.3.4.5", "1.0-", "1.0-a..b", "1 0", "1.0\n", "9" * 10, "١"]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        VERSIONS.validate_python(text)
