"""Intervals stay sorted, disjoint and half-open whatever is done with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.intervals import Intervals

PAIRS = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda p: (min(p), max(p))), max_size=8
)


def members(intervals: Intervals) -> set[int]:
    return {second for start, stop in intervals for second in range(int(start), int(stop))}


def valid(intervals: Intervals) -> bool:
    edges = np.ravel(np.column_stack([intervals.starts_s, intervals.stops_s]))
    return bool((np.diff(edges) > 0.0).all())


@given(PAIRS, PAIRS)
def test_set_operations_are_those_of_sets(first: list, second: list) -> None:
    a, b = Intervals.of(first), Intervals.of(second)
    for found, expected in (
        (a | b, members(a) | members(b)),
        (a & b, members(a) & members(b)),
        (a - b, members(a) - members(b)),
        (a.complement(0, 100), set(range(100)) - members(a)),
        (a.clip(20, 60), members(a) & set(range(20, 60))),
    ):
        assert valid(found)
        assert members(found) == expected


def test_touching_intervals_are_one_and_empty_ones_vanish() -> None:
    assert Intervals.of([(0, 10), (10, 20), (30, 30)]) == Intervals.of([(0, 20)])
    assert len(Intervals.none()) == 0
    assert len(Intervals.between(5.0, 5.0)) == 0


def test_a_condition_flips_at_each_crossing() -> None:
    assert Intervals.where([3.0, 7.0], True, 0.0, 10.0) == Intervals.of([(0, 3), (7, 10)])
    assert Intervals.where([3.0, 7.0], False, 0.0, 10.0) == Intervals.of([(3, 7)])


def test_held_and_whole_seconds() -> None:
    some = Intervals.of([(0.4, 5.6), (9.2, 9.9)])
    assert some.held(2.0) == Intervals.of([(2.4, 5.6)])
    assert some.whole_seconds() == Intervals.of([(1.0, 5.0)])


def test_an_interval_holds_its_start_and_not_its_stop() -> None:
    some = Intervals.of([(1.0, 2.0), (4.0, 6.0)])
    assert some.contains([0.9, 1.0, 1.9, 2.0, 4.0, 6.0]).tolist() == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]
    assert not Intervals.none().contains(1.0)
    assert some.total_s == 3.0
    assert some.durations_s == pytest.approx([1.0, 2.0])
