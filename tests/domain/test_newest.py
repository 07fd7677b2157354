"""The newest samples are columns that look like samples to who looks at a few of them."""

import numpy as np
import pytest

from pdm_app.domain.newest import Newest
from pdm_app.domain.samples import Quality, Sample

NEWEST = Newest(
    np.array([3, 7, 9]), np.array([10, 20, 30]), np.array([1.5, np.nan, np.nan]), np.array([0, 100, 200]), {1: "läuft"}
)


def test_a_row_is_a_sample_with_its_number_its_text_or_nothing() -> None:
    assert list(NEWEST) == [
        Sample(3, 1.5, Quality.GOOD, 10),  # type: ignore[arg-type]
        Sample(7, "läuft", Quality.UNCERTAIN, 20),  # type: ignore[arg-type]
        Sample(9, None, Quality.BAD, 30),  # type: ignore[arg-type]
    ]


def test_it_is_looked_at_from_both_ends_and_in_parts() -> None:
    assert NEWEST[-1] == NEWEST[2]
    assert [sample.signal for sample in NEWEST[1:]] == [7, 9]
    for row in (3, -4):
        with pytest.raises(IndexError, match="of 3 newest samples"):
            NEWEST[row]


def test_times_are_found_by_signal() -> None:
    assert NEWEST.times() == {3: 10, 7: 20, 9: 30}
