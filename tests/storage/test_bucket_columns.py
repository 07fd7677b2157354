"""Buckets that are added up as columns say what those of all their samples say, however the samples were parted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.history import Tier
from pdm_app.storage.bucket_columns import added_up, counted, no_buckets
from pdm_app.storage.raw_rows import RawRows
from pdm_app.storage.series import points_of

WIDTH = 10
keys = st.tuples(st.sampled_from([1, 2, 5]), st.integers(0, 60))
values = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")))
samples = st.dictionaries(keys, st.tuples(values, st.sampled_from([0, 100, 200])), max_size=60)


def rows_of(some: dict[tuple[int, int], tuple[float, int]]) -> RawRows:
    order = sorted(some)
    signal, at = (np.array([key[place] for key in order], np.int64) for place in (0, 1))
    value = np.array([some[key][0] for key in order], np.float64)
    quality = np.array([some[key][1] for key in order], np.int64)
    return RawRows(signal, at, value, quality, at, at)


@given(samples, st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_any_parting_of_the_samples_gives_the_same_buckets(
    some: dict[tuple[int, int], tuple[float, int]], parts: list[int]
) -> None:
    whole = counted(rows_of(some), WIDTH)
    parted = [
        counted(rows_of({key: some[key] for place, key in enumerate(some) if parts[place] == part}), WIDTH)
        for part in range(4)
    ]
    found = added_up(parted)
    for name in ("signal", "at", "samples", "good", "usable", "low", "high", "last_at", "last"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    np.testing.assert_allclose(found.total, whole.total, rtol=1e-9, atol=1e-6)


@given(samples)
def test_a_series_has_its_own_rows_and_none_stands_where_nothing_is_usable(
    some: dict[tuple[int, int], tuple[float, int]],
) -> None:
    found = counted(rows_of(some), WIDTH).series([1, 2, 7], Tier.RAW, WIDTH)
    assert not len(found[7])
    for signal in (1, 2):
        envelope = found[signal].envelope()
        assert envelope == type(envelope).model_validate(envelope.model_dump()), "what was not checked is right"
        mine = {at: value for (owner, at), value in some.items() if owner == signal}
        assert sum(envelope.count) == found[signal].samples == len(mine)
        for row, begin in enumerate(envelope.at):
            usable = [
                value for at, (value, quality) in mine.items() if at // WIDTH * WIDTH == begin and quality < 200
                and np.isfinite(value)
            ]  # fmt: skip
            assert (envelope.low[row], envelope.high[row]) == ((min(usable), max(usable)) if usable else (None, None))
            assert (envelope.mean[row] is None) == (envelope.last[row] is None) == (not usable)


def test_points_are_the_samples_of_their_signal() -> None:
    rows = rows_of({(1, 5): (2.0, 0), (1, 6): (3.0, 250), (2, 5): (float("nan"), 0)})
    points = points_of(rows, [1, 3])
    envelope = points[1].envelope()
    assert (envelope.at, envelope.low, envelope.good) == ([5, 6], [2.0, None], [1, 0])
    assert envelope.count == [1, 1]
    assert not len(points[3])
    assert len(points[1].between(6, 99)) == 1


def test_nothing_is_nothing() -> None:
    assert not len(added_up([no_buckets(), no_buckets()]))
