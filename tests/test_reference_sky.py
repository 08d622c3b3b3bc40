"""Positions, axes and times against plain Skyfield calls and SPICE."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sky_case import CLOCK, DAY_S, far_side, sky, stations
from skyfield.framelib import itrs

from sim.clock import Clock
from sim.errors import KernelError
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.geometry import azimuth_deg, elevation_deg, local_rate_km_s, range_km
from sim.sky.kernels import from_tdb_s, load_kernels, skyfield_time, tdb_s

DIRECTION_DEG = 1e-7
POSITION_KM = 1e-3
FRAME_RAD = 1e-9
EARTH_AXES_KM = 1e-4  # 0.1 m on the Earth's surface
DAYS = 400.0

KERNELS = load_kernels()
PLANETS = KERNELS.planets


@pytest.fixture(scope="module")
def ephemeris() -> Ephemeris:
    return sky(DAYS)


@pytest.fixture(scope="module")
def times() -> np.ndarray:
    return np.sort(np.random.default_rng(7).uniform(-9.0 * DAY_S, (DAYS + 9.0) * DAY_S, 400))


def test_bodies_are_where_skyfield_has_them(ephemeris: Ephemeris, times: np.ndarray) -> None:
    t = skyfield_time(KERNELS, CLOCK, times)
    moon = PLANETS["moon"]
    earth = (PLANETS["earth"] - moon).at(t).position.km
    sun = (PLANETS["sun"] - moon).at(t).position.km
    seen = moon.at(t).observe(PLANETS["sun"]).apparent(deflectors=()).position.km
    assert np.abs(ephemeris.earth_km(times) - earth).max() < POSITION_KM
    assert np.abs(ephemeris.sun_km(times) - sun).max() < POSITION_KM
    assert np.abs(ephemeris.sun_apparent_km(times) - seen).max() < POSITION_KM


def test_axes_are_those_of_skyfield(ephemeris: Ephemeris, times: np.ndarray) -> None:
    t = skyfield_time(KERNELS, CLOCK, times)
    moon = KERNELS.moon_me.rotation_at(t)
    assert np.abs(ephemeris.rotation(times) - moon).max() < FRAME_RAD
    earth = np.swapaxes(itrs.rotation_at(t), 0, 1)
    assert np.abs(ephemeris.earth_rotation(times) - earth).max() * 6378.0 < EARTH_AXES_KM


def test_polar_motion_is_in_the_earths_axes(ephemeris: Ephemeris) -> None:
    bare = np.swapaxes(_without_polar_motion(skyfield_time(KERNELS, CLOCK, 0.0)), 0, 1)
    moved_km = np.abs(ephemeris.earth_rotation(0.0) - bare).max() * 6378.0
    assert 0.003 < moved_km < 0.03


def test_the_lunar_frame_is_that_of_spice_at_eleven_epochs() -> None:
    with (Path(__file__).parent / "data" / "lunar_frame.csv").open() as stream:
        rows = list(csv.reader(stream))[1:]
    assert len(rows) == 11
    for row in rows:
        epoch, *matrix = (float(cell) for cell in row)
        start = Clock(round(epoch) - 32)
        t_s = float(from_tdb_s(start, np.array([epoch]))[0])
        found = compute_ephemeris(start, t_s - DAY_S, t_s + DAY_S).rotation(t_s)
        assert np.abs(found - np.reshape(matrix, (3, 3))).max() < FRAME_RAD


def test_a_site_sees_the_sun_as_skyfield_does(ephemeris: Ephemeris, times: np.ndarray) -> None:
    site = far_side(ephemeris)
    t = skyfield_time(KERNELS, CLOCK, times)
    observer = PLANETS["moon"] + site.vector_function
    altitude, azimuth, distance = observer.at(t).observe(PLANETS["sun"]).apparent().altaz()
    local = site.sun_local_km(times)
    assert np.abs(elevation_deg(local) - altitude.degrees).max() < DIRECTION_DEG
    assert _apart(azimuth_deg(local), azimuth.degrees) < DIRECTION_DEG
    assert np.abs(range_km(local) - distance.km).max() < POSITION_KM
    position = site.vector_function.at(t).position.km
    assert np.abs(site.position_km(times) - position).max() < POSITION_KM


def test_a_station_sees_the_moon_as_skyfield_does(ephemeris: Ephemeris, times: np.ndarray) -> None:
    t = skyfield_time(KERNELS, CLOCK, times)
    for station in stations(ephemeris).values():
        observer = PLANETS["earth"] + station.vector_function
        altitude, azimuth, distance = (PLANETS["moon"] - observer).at(t).altaz()
        local = station.local_km(times, lambda t_s: np.zeros((3, len(t_s))))
        assert np.abs(elevation_deg(local) - altitude.degrees).max() < DIRECTION_DEG
        assert _apart(azimuth_deg(local), azimuth.degrees) < DIRECTION_DEG
        assert np.abs(range_km(local) - distance.km).max() < POSITION_KM
        position = (observer - PLANETS["moon"]).at(t).position.km
        assert np.abs(station.position_km(times) - position).max() < POSITION_KM


def test_local_rates_are_differences_of_positions(ephemeris: Ephemeris) -> None:
    site = far_side(ephemeris)
    rate = local_rate_km_s(site, 5000.0, ephemeris.earth_km)
    ahead, behind = (site.local_km(5000.0 + h, ephemeris.earth_km) for h in (30.0, -30.0))
    assert rate == pytest.approx((ahead - behind) / 60.0, abs=1e-6)


def test_libration_and_sub_solar_point_stay_in_their_bounds(ephemeris: Ephemeris) -> None:
    times = np.arange(0.0, DAYS * DAY_S, 6.0 * 3600.0)
    longitude, latitude = ephemeris.sub_earth_point_deg(times)
    assert 6.0 < np.abs(longitude).max() < 8.2  # optical libration, Meeus 1998, chapter 53
    assert 6.0 < np.abs(latitude).max() < 6.95
    _, sun = ephemeris.sub_solar_point_deg(times)
    assert 1.4 < np.abs(sun).max() < 1.6


def test_dynamical_time_runs_with_terrestrial_time() -> None:
    times = np.linspace(0.0, 365.0 * DAY_S, 50)
    offset = tdb_s(CLOCK, times) - times - CLOCK.start_tt_s
    assert 1e-3 < np.ptp(offset) / 2.0 < 1.8e-3
    assert np.abs(from_tdb_s(CLOCK, tdb_s(CLOCK, times)) - times).max() < 1e-6


@pytest.mark.parametrize(("start", "days"), [("2050-12-20T00:00Z", 30), ("2060-01-01T00:00Z", 1)])
def test_dates_outside_the_kernels_are_refused(start: str, days: float) -> None:
    with pytest.raises(KernelError, match=r"1900-01-01 to 2050-12-31") as caught:
        compute_ephemeris(Clock.starting(start), 0.0, days * DAY_S)
    assert "\n" not in str(caught.value)


def test_the_kernels_say_what_they_are() -> None:
    assert KERNELS.digests["moon_pa_de421_1900-2050.bpc"] == (
        "656f90616403d75a75f0cd6c8830fc5b44f8cb4facb5ccb8915e752b397520cf"
    )
    readme = Path(__file__).parents[1] / "sim" / "sky" / "data" / "README.md"
    for name in ("moon_pa_de421_1900-2050.bpc", "moon_gravity_grgm900c_8x8.csv"):
        assert name in readme.read_text()
    assert KERNELS.last_measured_utc < KERNELS.last_predicted_utc


def _without_polar_motion(t: object) -> np.ndarray:
    from skyfield.framelib import tirs

    return np.asarray(tirs.rotation_at(t))


def _apart(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs((first - second + 180.0) % 360.0 - 180.0).max())
