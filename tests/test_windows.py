"""Grids bounded by the motion, conditions as intervals, and rows."""

from pathlib import Path

import numpy as np
import pytest
from sky_case import DAY_S, ELLIPSE, HALO, far_side, orbit, place, sky, stations

from sim.constants import MOON_GM_KM3_S2
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Site, elevation_deg
from sim.sky.orbits import Orbit
from sim.sky.windows import (
    above_mask,
    conjunctions,
    even_grid,
    intervals_where,
    midnights_s,
    past_earth,
    relay_grid,
    relays_see_each_other,
    site_sees_relay,
    site_sees_station,
    station_sees_relay,
    sun_angle_deg,
    sun_hour_angle_deg,
    sun_is_lit,
    sun_is_up,
    window_rows,
)

STOP_S = 60.0 * DAY_S


@pytest.fixture(scope="module")
def ephemeris() -> Ephemeris:
    return sky(60.0)


@pytest.fixture(scope="module")
def site(ephemeris: Ephemeris) -> Site:
    return far_side(ephemeris)


@pytest.fixture(scope="module")
def ellipse(ephemeris: Ephemeris) -> Orbit:
    return orbit(ELLIPSE, ephemeris, 0.0, STOP_S)


@pytest.fixture(scope="module")
def halo(ephemeris: Ephemeris) -> Orbit:
    return orbit(HALO, ephemeris, 0.0, STOP_S)


def test_a_grid_is_fine_where_the_relay_is_fast(ellipse: Orbit) -> None:
    grid = relay_grid(ellipse.track, 0.0, STOP_S, 3600.0)
    distance = np.linalg.norm(ellipse.track(grid[:-1]), axis=0)
    steps = np.diff(grid)
    assert (grid[0], grid[-1]) == (0.0, STOP_S)
    assert steps[distance < 2200.0].max() < 0.12 * np.sqrt(2400.0**3 / MOON_GM_KM3_S2)
    assert steps[distance > 15_000.0].min() > 1000.0
    # No step is longer than the motion at its slower end allows: 0.12 rad of a circle there.
    outer = np.linalg.norm(ellipse.track(grid), axis=0)
    outer = np.maximum(outer[:-1], outer[1:])
    assert (steps <= 1.02 * (0.12 * np.sqrt(outer**3 / MOON_GM_KM3_S2) + 1.0)).all()
    assert steps.max() <= 3650.0


@pytest.mark.parametrize("latitude_deg", [-88.8, -45.0, -20.0, 0.0, 30.0, 65.0])
def test_nothing_is_missed_against_a_fine_grid(
    ephemeris: Ephemeris, ellipse: Orbit, latitude_deg: float
) -> None:
    horizon = {"kind": "constant", "elevation_deg": 3.0}
    parameters = place(body="moon", latitude_deg=latitude_deg, longitude_deg=40.0, horizon=horizon)
    here = Site.of(parameters, ephemeris, Path())
    stop_s = 20.0 * DAY_S
    found = site_sees_relay(here, ellipse.track, 0.0, stop_s)
    fine = intervals_where(above_mask(here, ellipse.track), even_grid(0.0, stop_s, 20.0))
    assert len(found) == len(fine)
    assert found.starts_s == pytest.approx(fine.starts_s, abs=1e-3)
    assert found.stops_s == pytest.approx(fine.stops_s, abs=1e-3)


def test_a_halo_never_leaves_the_far_side_and_the_moon_hides_no_station(
    site: Site, ephemeris: Ephemeris, halo: Orbit
) -> None:
    assert site_sees_relay(site, halo.track, 0.0, STOP_S).total_s == STOP_S
    seen = [
        station_sees_relay(station, halo.track, 0.0, STOP_S)
        for station in stations(ephemeris, 5.0).values()
    ]
    assert (seen[0] | seen[1] | seen[2]).total_s > 0.99 * STOP_S


def test_the_far_side_never_sees_the_earth(site: Site, ephemeris: Ephemeris) -> None:
    for station in stations(ephemeris).values():
        assert len(site_sees_station(site, station, 0.0, STOP_S)) == 0


def test_the_near_side_sees_a_station_while_the_moon_is_up(ephemeris: Ephemeris) -> None:

    near = Site.of(place(body="moon", latitude_deg=10.0, longitude_deg=5.0), ephemeris, Path())
    station = stations(ephemeris)["ksh"]
    direct = site_sees_station(near, station, 0.0, STOP_S)
    moon_up = intervals_where(
        above_mask(station, lambda t: np.zeros((3, len(t)))), even_grid(0.0, STOP_S, 1800.0)
    )
    assert len(direct) == len(moon_up)
    assert direct.total_s == pytest.approx(moon_up.total_s, rel=0.01)


def test_two_relays_lose_each_other_behind_the_moon(
    ephemeris: Ephemeris, ellipse: Orbit, halo: Orbit
) -> None:
    seen = relays_see_each_other(ellipse.track, halo.track, ephemeris, 0.0, STOP_S)
    assert 0.7 < seen.total_s / STOP_S < 1.0
    hidden = seen.complement(0.0, STOP_S)
    for start, stop in list(hidden)[:5]:
        middle = 0.5 * (start + stop)
        a, b = ellipse.track(middle), halo.track(middle)
        share = np.linspace(0.0, 1.0, 2001)
        nearest = np.linalg.norm(a[:, None] + share * (b - a)[:, None], axis=0).min()
        assert nearest < 1737.4
    clearance = past_earth(ellipse.track, halo.track, ephemeris)
    assert clearance(np.array([0.0]))[0] > 1e5


def test_the_sun_rises_later_behind_a_mask(site: Site) -> None:
    up, lit = sun_is_up(site, 0.0, STOP_S), sun_is_lit(site, 0.0, STOP_S)
    assert 1 <= len(up) <= 3
    assert (lit - up).total_s == 0.0
    # The mask of 5 deg takes 5.4 deg at each end (the path is inclined), less the disc's radius.
    whole = [pair for pair in up if pair[0] > 0.0 and pair[1] < STOP_S]
    first = next(pair for pair in lit if pair[0] > whole[0][0])
    assert 9.0 < (first[0] - whole[0][0]) / 3600.0 < 15.0


def test_lunar_days_begin_at_midnight_everywhere(ephemeris: Ephemeris) -> None:

    for latitude in (-90.0, -88.8, 0.0, 60.0):
        here = Site.of(
            place(body="moon", latitude_deg=latitude, longitude_deg=123.4), ephemeris, Path()
        )
        found = midnights_s(here, 0.0, STOP_S)
        assert len(found) == 2
        assert 29.2 < np.diff(found)[0] / DAY_S < 29.9
        assert np.abs(np.abs(sun_hour_angle_deg(here, found)) - 180.0).max() < 1e-5
        noon = sun_hour_angle_deg(here, found[:1] + 0.25 * np.diff(found))
        assert noon[0] < 0.0


def test_conjunctions_come_once_a_month(
    ephemeris: Ephemeris, halo: Orbit, ellipse: Orbit, site: Site
) -> None:
    """At new Moon from a station, at full Moon from near the Moon; longer for a wider angle."""
    station = stations(ephemeris)["ksh"]
    new_moons = [16.5 * DAY_S, 46.1 * DAY_S]  # 2026-02-17 12:01 and 2026-03-19 01:23 UTC
    for target in (halo.track, ellipse.track):
        near = conjunctions(station, target, ephemeris, 10.0, 0.0, STOP_S)
        middles = 0.5 * (near.starts_s + near.stops_s)
        assert middles == pytest.approx(new_moons, abs=DAY_S)
        assert near.durations_s.max() < 4.0 * DAY_S
        nearer = conjunctions(station, target, ephemeris, 5.0, 0.0, STOP_S)
        assert 0.0 < nearer.total_s < near.total_s
        assert (nearer - near).total_s == 0.0
    full_moons = [0.92 * DAY_S, 30.48 * DAY_S]  # 2026-02-01 22:09 and 2026-03-03 11:38 UTC
    for observer in (halo.track, ellipse.track, site):
        near = conjunctions(observer, ephemeris.earth_km, ephemeris, 10.0, 0.0, STOP_S)
        middles = 0.5 * (near.starts_s[1:2] + near.stops_s[1:2])
        assert middles == pytest.approx(full_moons[1:], abs=DAY_S)
        assert near.contains(full_moons).all()


def test_a_conjunction_shorter_than_the_step_is_found(ephemeris: Ephemeris, halo: Orbit) -> None:
    """The limit is set just over the least angle of a month, so that the Sun is there for minutes."""
    station = stations(ephemeris)["ksh"]
    angle = sun_angle_deg(station, halo.track, ephemeris)
    times = np.arange(10.0 * DAY_S, 25.0 * DAY_S, 20.0)
    nearest = int(np.argmin(angle(times)))
    limit_deg = float(angle(times)[nearest]) + 1e-4
    near = conjunctions(station, halo.track, ephemeris, limit_deg, 0.0, 30.0 * DAY_S)
    assert len(near) == 1
    assert near.starts_s[0] < times[nearest] < near.stops_s[0]
    assert 20.0 < near.total_s < 1800.0
    edges = np.array([near.starts_s[0], near.stops_s[0]])
    assert angle(edges) == pytest.approx(limit_deg, abs=1e-8)


def test_rows_say_where_the_target_stands(site: Site, ellipse: Orbit) -> None:
    seen = site_sees_relay(site, ellipse.track, 0.0, STOP_S)
    rows = window_rows("relay", "site", "ellipse", seen, lambda t: site.local_km(t, ellipse.track))
    assert [(row.start_s, row.stop_s) for row in rows] == list(seen)
    for row in rows[1:-1]:
        assert row.start_elevation_deg == pytest.approx(5.0, abs=1e-4)
        assert row.stop_elevation_deg == pytest.approx(5.0, abs=1e-4)
        times = np.linspace(row.start_s, row.stop_s, 3001)
        highest = elevation_deg(site.local_km(times, ellipse.track)).max()
        assert row.culmination_elevation_deg >= highest - 1e-3
        assert row.start_s <= row.culmination_s <= row.stop_s
        assert 200.0 < row.culmination_range_km < 19_000.0
    assert window_rows("relay", "a", "b", seen.clip(0.0, 0.0), site.sun_local_km) == []


def test_an_edge_does_not_depend_on_where_the_span_begins(site: Site, ellipse: Orbit) -> None:
    whole = site_sees_relay(site, ellipse.track, 0.0, STOP_S)
    part = site_sees_relay(site, ellipse.track, 3.3 * DAY_S, 20.1 * DAY_S)
    expected = whole.clip(3.3 * DAY_S, 20.1 * DAY_S)
    assert part.starts_s == pytest.approx(expected.starts_s, abs=1e-3)
    assert part.stops_s == pytest.approx(expected.stops_s, abs=1e-3)
