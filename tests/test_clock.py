"""The clock's own leap seconds against Skyfield's, and its labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.clock import Clock, tai_seconds, utc_label, utc_labels
from sim.errors import SimError
from sim.sky.kernels import load_kernels, skyfield_time


def test_leap_seconds_are_skyfields() -> None:
    timescale = load_kernels().timescale
    for year in range(1973, 2026):
        for month in (1, 7):
            label = f"{year}-{month:02d}-01T00:00:00Z"
            t = timescale.utc(year, month, 1)
            tt_s = (t.whole - 2451545.0) * 86400.0 + t.tt_fraction * 86400.0
            assert Clock.starting(label).start_tt_s == pytest.approx(float(tt_s), abs=1e-5)


def test_a_run_across_a_leap_second() -> None:
    clock = Clock.starting("2016-12-31T23:59:00Z")
    assert clock.utc(59) == "2016-12-31T23:59:59Z"
    assert clock.utc(60) == "2016-12-31T23:59:60Z"
    assert clock.utc(61) == "2017-01-01T00:00:00Z"
    assert clock.seconds("2016-12-31T23:59:60Z") == 60
    assert clock.seconds("2017-01-01T00:00Z") == 61
    sky = skyfield_time(load_kernels(), clock, np.array([59.0, 60.0, 61.0]))
    assert sky.utc_iso() == ["2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"]


@given(st.integers(-800_000_000, 1_600_000_000))
def test_a_label_reads_back(tai_s: int) -> None:
    assert tai_seconds(utc_label(tai_s)) == tai_s


@given(st.lists(st.one_of(st.integers(-(10**9), 2 * 10**9), st.floats(-1e9, 2e9)), min_size=1))
def test_many_labels_are_those_of_each(tai_s: list[float]) -> None:
    assert utc_labels(tai_s) == [utc_label(t_s) for t_s in tai_s]


def test_many_labels_across_a_leap_second() -> None:
    clock = Clock.starting("2016-12-31T23:59:00Z")
    times_s = np.arange(57.0, 63.0, 0.25)
    assert clock.labels(times_s) == [clock.utc(t_s) for t_s in times_s.tolist()]
    assert clock.labels(times_s)[12] == "2016-12-31T23:59:60Z"
    assert clock.labels([]) == []


def test_decimals_round_and_carry() -> None:
    clock = Clock.starting("2030-01-05T00:00:00Z")
    assert clock.utc(0.4996, 3) == "2030-01-05T00:00:00.500Z"
    assert clock.utc(59.9996, 3) == "2030-01-05T00:01:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-05",
        "2030-01-05T00:00:00",
        "2030-01-05 00:00Z",
        "2030-02-30T00:00Z",
        "2030-01-05T24:00Z",
        "2030-01-05T00:00:60Z",
        "1971-12-31T00:00Z",
    ],
)
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(SimError, match=text[:10]):
        tai_seconds(text)
