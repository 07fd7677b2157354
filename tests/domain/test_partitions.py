"""Where partitions are cut and joined: each hot day alone, nothing twice, nothing left out."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pdm_app.domain.partitions import DAY_US, Partition, cuts_of, joinable, pieces

TODAY = 20_000 * DAY_US


def partition(start_at: int | None, end_at: int | None, name: str = "some") -> Partition:
    return Partition(name=name, start_at=start_at, end_at=end_at, rows=0, bytes=0)


def row_of(*edges: int) -> list[Partition]:
    """Partitions from the past to the rest, with these days as edges."""
    whole = [None, *(day * DAY_US for day in edges), None]
    return [partition(whole[at], whole[at + 1], f"p{at}") for at in range(len(whole) - 1)]


def test_hot_days_and_those_to_come_are_cut_at_their_midnights() -> None:
    assert cuts_of(TODAY, hot_days=2, days_ahead=1) == [TODAY + day * DAY_US for day in (-1, 0, 1, 2)]
    assert cuts_of(TODAY, hot_days=1, days_ahead=0) == [TODAY, TODAY + DAY_US]


def test_a_table_of_one_partition_becomes_past_days_and_rest() -> None:
    assert pieces(partition(None, None), [DAY_US, 0]) == [(None, 0), (0, DAY_US), (DAY_US, None)]


def test_a_partition_that_no_cut_meets_stays_whole() -> None:
    day = partition(TODAY, TODAY + DAY_US)
    assert pieces(day, cuts_of(TODAY, 2, 3)) == [(TODAY, TODAY + DAY_US)]
    assert day.holds_just(TODAY)
    assert not partition(TODAY, TODAY + 2 * DAY_US).holds_just(TODAY)
    assert not partition(None, TODAY + DAY_US).holds_just(TODAY)


@given(edges=st.lists(st.integers(0, 30), min_size=1, unique=True).map(sorted), today=st.integers(5, 25))
def test_after_cutting_each_hot_day_is_alone_and_no_time_is_without_a_place(edges: list[int], today: int) -> None:
    cuts = cuts_of(today * DAY_US, hot_days=3, days_ahead=2)
    spans = [span for one in row_of(*edges) for span in pieces(one, cuts)]
    assert spans[0][0] is None
    assert spans[-1][1] is None
    assert all(first[1] == second[0] for first, second in pairwise(spans))
    for day in range(today - 2, today + 3):
        assert (day * DAY_US, (day + 1) * DAY_US) in spans


def test_empty_old_neighbours_are_joined_and_what_holds_rows_stays_between_them() -> None:
    past, one, two, three, four, rest = row_of(1, 2, 3, 4, 5)
    names = [each.name for each in (past, one, three, four, rest)]
    assert joinable([past, one, two, three, four, rest], names, before=5 * DAY_US) == [[past, one], [three, four]]


def test_hot_days_and_the_rest_are_never_joined() -> None:
    parts = row_of(1, 2, 3)
    assert joinable(parts, [one.name for one in parts], before=2 * DAY_US) == [parts[:2]]
    assert joinable(parts, [one.name for one in parts], before=0) == []


def test_one_empty_partition_alone_is_left_as_it_is() -> None:
    past, one, rest = row_of(1, 2)
    assert joinable([past, one, rest], [one.name], before=2 * DAY_US) == []
