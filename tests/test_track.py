"""Tracks: fitted, integrated, differentiated, crossed and joined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import SimError
from sim.track import Track

DAY_S = 86400.0


def wave(t_s: np.ndarray) -> np.ndarray:
    return np.sin(2.0 * np.pi * t_s / DAY_S)


@pytest.fixture(scope="module")
def daily() -> Track:
    return Track.fit(wave, np.arange(0.0, 3.0 * DAY_S + 1.0, 21_600.0), 12)


def test_a_track_is_its_function_within_its_error(daily: Track) -> None:
    times = np.random.default_rng(1).uniform(0.0, 3.0 * DAY_S, 500)
    assert np.abs(daily(times) - wave(times)).max() <= daily.error + 1e-14
    assert daily.error < 1e-11


def test_one_instant_and_many_give_the_same(daily: Track) -> None:
    times = np.array([0.0, 123.4, 21_600.0, 3.0 * DAY_S])
    assert [daily.at(float(t)) for t in times] == pytest.approx(daily(times).tolist(), abs=1e-14)
    assert daily(5.0).shape == ()
    assert daily(times.reshape(2, 2)).shape == (2, 2)


def test_integral_and_rate_are_those_of_the_function(daily: Track) -> None:
    expected = DAY_S / (2.0 * np.pi) * (1.0 - np.cos(2.0 * np.pi * 0.4))
    assert float(daily.integral(0.0, 0.4 * DAY_S)) == pytest.approx(expected, rel=1e-11)
    assert daily.integral_between(0.0, 0.4 * DAY_S) == pytest.approx(expected, rel=1e-11)
    rate = 2.0 * np.pi / DAY_S
    assert float(daily.derivative(0.0)) == pytest.approx(rate, rel=1e-8)


@given(st.lists(st.floats(0.0, 3.0 * DAY_S), min_size=3, max_size=3))
@settings(max_examples=30, deadline=None)
def test_an_integral_may_be_split_anywhere(cuts: list[float]) -> None:
    track = Track.fit(wave, np.arange(0.0, 3.0 * DAY_S + 1.0, 21_600.0), 12)
    a, b, c = sorted(cuts)
    whole = track.integral_between(a, c)
    assert track.integral_between(a, b) + track.integral_between(b, c) == pytest.approx(
        whole, abs=1e-7
    )


def test_crossings_are_the_roots(daily: Track) -> None:
    found = daily.crossings(0.5)
    expected = [day * DAY_S + share * DAY_S for day in range(3) for share in (1 / 12, 5 / 12)]
    assert found == pytest.approx(expected, abs=1e-6)
    assert len(daily.crossings(1.5)) == 0
    assert daily.crossings(0.5, 0.0, 0.2 * DAY_S) == pytest.approx([DAY_S / 12], abs=1e-6)


def test_a_step_between_pieces_is_a_crossing() -> None:
    stairs = Track.made([0.0, 10.0, 20.0], [[1.0], [3.0]], 0.0)
    assert stairs.crossings(2.0).tolist() == [10.0]


def test_pieces_are_halved_until_the_error_is_allowed() -> None:
    def bump(t_s: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + ((t_s - 500.0) / 5.0) ** 2)

    track = Track.within(bump, 0.0, 1000.0, 500.0, 10, 1e-9)
    times = np.linspace(0.0, 1000.0, 4001)
    assert np.abs(track(times) - bump(times)).max() < 1e-8
    widths = np.diff(track.edges_s)
    assert widths.min() < 10.0
    assert widths.max() > 100.0


def test_what_is_not_smooth_has_no_track() -> None:
    with pytest.raises(SimError, match="not smooth"):
        Track.within(lambda t: np.where(t < 333.3, 0.0, 1.0), 0.0, 1000.0, 100.0, 8, 1e-6)


def test_joined_tracks_keep_their_pieces() -> None:
    first = Track.fit(wave, [0.0, 20_000.0], 9)
    second = Track.fit(wave, [20_000.0, 50_000.0], 13)
    both = Track.joined([first, second])
    times = np.linspace(0.0, 49_999.0, 77)
    expected = np.where(
        times < 20_000.0, first(np.minimum(times, 2e4)), second(np.maximum(times, 2e4))
    )
    assert both(times) == pytest.approx(expected, abs=1e-13)
    assert (both.start_s, both.stop_s) == (0.0, 50_000.0)


def test_a_vector_track_has_its_axis_first() -> None:
    track = Track.fit(lambda t: np.array([t, 2.0 * t, t**2]), [0.0, 4.0, 9.0], 4)
    assert track(np.array([1.0, 5.0])) == pytest.approx(np.array([[1, 5], [2, 10], [1, 25]]))
    assert track.derivative(3.0) == pytest.approx([1.0, 2.0, 6.0])


def test_outside_its_span_a_track_refuses(daily: Track) -> None:
    with pytest.raises(SimError, match="known from"):
        daily(3.0 * DAY_S + 1.0)


def test_no_instants_give_no_values() -> None:
    edges = np.linspace(0.0, 10.0, 6)
    scalar = Track.fit(np.sin, edges, 6)
    vector = Track.fit(lambda t: np.array([np.sin(t), np.cos(t)]), edges, 6)
    assert scalar(np.empty(0)).shape == (0,)
    assert vector(np.empty(0)).shape == (2, 0)


def test_a_hair_before_a_piece_that_is_shorter_still_is_its_first_value() -> None:
    table = np.array([[1.0, 1.0], [2.0, 0.0]])  # from 0 to 2 in 1e-11 s, then 2
    track = Track.made([0.0, 1e-11, 100.0], table, 0.0)
    assert track(np.array([-2e-8, 50.0, 100.0 + 2e-8])).tolist() == [0.0, 2.0, 2.0]
