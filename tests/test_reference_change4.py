"""Fourteen lunar days of Chang'e-4 against bulletins, published orbits and plain Skyfield calls."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from skyfield.planetarylib import PlanetaryConstants
from skyfield.searchlib import find_discrete

from sim.environment.stage import Stage, set_stage
from sim.results import Results
from sim.running import run_and_write
from sim.scenario.loading import load_scenario
from sim.sky.directions import azimuth_deg, elevation_deg
from sim.sky.kernels import ORIENTATION_PATH, load_kernels, skyfield_time

PUBLISHED_SUN_S = 240.0  # that computation is good to 0.02 deg, 3.5 min here
SKYFIELD_EDGE_S = 1.0
BULLETIN_S = 0.5 * 86400.0
RANGE_KM = 1000.0
PERIOD_D = 0.3
DIRECTION_DEG = 1e-6

SITE_DEG_M = -45.4446, 177.5991, -5935.0
SUNRISES_AND_SUNSETS = {
    1: ("2018-12-30T03:19Z", "2019-01-13T20:51Z"),
    2: ("2019-01-28T16:15Z", "2019-02-12T12:57Z"),
    3: ("2019-02-27T04:59Z", "2019-03-14T04:00Z"),
    4: ("2019-03-28T17:34Z", "2019-04-12T17:24Z"),
    5: ("2019-04-27T06:05Z", "2019-05-12T05:02Z"),
    6: ("2019-05-26T18:32Z", "2019-06-10T15:13Z"),
    7: ("2019-06-25T06:58Z", "2019-07-10T00:37Z"),
    8: ("2019-07-24T19:26Z", "2019-08-08T10:05Z"),
    9: ("2019-08-23T07:58Z", "2019-09-06T20:24Z"),
    10: ("2019-09-21T20:37Z", "2019-10-06T08:15Z"),
}
"""The Sun's centre at elevation 0, by ERFA's epv00 and moon98 and the IAU lunar rotation."""
RELAY_RANGE_KM = 47_000.0, 79_000.0  # ElectronicsWeekly, by nveda.org/index-2647.html
RELAY_PERIOD_D = 14.8  # of the southern halo about L2 that reaches 13,000 km; published: 14 days

MOON_FRAMES = """KPL/FK
\\begindata
FRAME_MOON_ME_DE421 = 31007
FRAME_31007_CENTER = 301
TKFRAME_31007_SPEC = 'ANGLES'
TKFRAME_31007_RELATIVE = 'MOON_PA_DE421'
TKFRAME_31007_ANGLES = ( 67.92 78.56 0.30 )
TKFRAME_31007_AXES = ( 3 2 1 )
TKFRAME_31007_UNITS = 'ARCSECONDS'
FRAME_MOON_PA_DE421 = 31006
FRAME_31006_CENTER = 301
BODY301_RADII = ( 1737.4 1737.4 1737.4 )
\\begintext
"""
"""NAIF's moon_080317.tf: the frame's constants."""

KERNELS = load_kernels()


@pytest.fixture(scope="module")
def site() -> Any:
    """The landing site by Skyfield's own reading of the lunar frame."""
    constants = PlanetaryConstants()
    constants.read_text(io.BytesIO(MOON_FRAMES.encode()))
    constants.read_binary(ORIENTATION_PATH.open("rb"))
    frame = constants.build_frame_named("MOON_ME_DE421")
    latitude, longitude, height_m = SITE_DEG_M
    place = constants.build_latlon_degrees(frame, latitude, longitude, elevation_m=height_m)
    return KERNELS.planets["moon"] + place


@pytest.fixture(scope="module")
def stage(change4: Results) -> Stage:
    return set_stage(change4.scenario)


@pytest.fixture(scope="module")
def instants(change4: Results) -> np.ndarray:
    return np.sort(np.random.default_rng(4).uniform(0.0, change4.duration_s, 300))


def _rows(results: Results, vehicle: str) -> dict[int, dict[str, Any]]:
    mine = results.lunar_days.filter(pl.col("asset") == vehicle)
    return {row["lunar_day"]: row for row in mine.rows(named=True)}


def _bulletins() -> list[dict[str, str]]:
    path = Path(__file__).parent / "data" / "change4_events_2019.csv"
    return list(csv.DictReader(line for line in path.open() if line[0] != "#"))


@pytest.mark.parametrize("vehicle", ["lander", "rover"])
def test_both_vehicles_have_fourteen_lunar_days_and_wake_in_all_but_the_first(
    vehicle: str, change4: Results
) -> None:
    rows = _rows(change4, vehicle)
    assert list(rows) == list(range(1, 15))
    assert rows[1]["wake_utc"] is None
    for number in range(2, 15):
        assert rows[number]["wake_utc"] is not None
        assert "array_power_w" in rows[number]["wake_cause"]
    assert change4.summary["books"] == "closed"


def test_sunrises_and_sunsets_are_the_published_ones(change4: Results) -> None:
    rows, clock = _rows(change4, "lander"), change4.clock
    for number, (rise, fall) in SUNRISES_AND_SUNSETS.items():
        assert rows[number]["sunrise_s"] == pytest.approx(clock.seconds(rise), abs=PUBLISHED_SUN_S)
        assert rows[number]["sunset_s"] == pytest.approx(clock.seconds(fall), abs=PUBLISHED_SUN_S)


def test_sunrises_and_sunsets_are_those_of_a_plain_skyfield_search(
    change4: Results, site: Any
) -> None:
    def is_up(t: Any) -> Any:
        return site.at(t).observe(KERNELS.planets["sun"]).apparent().altaz()[0].degrees > 0.0

    is_up.step_days = 3.0  # type: ignore[attr-defined]
    rows, clock = _rows(change4, "lander"), change4.clock
    first_s, last_s = rows[1]["sunrise_s"] - 86400.0, rows[10]["sunset_s"] + 86400.0
    first, last = (skyfield_time(KERNELS, clock, t) for t in (first_s, last_s))
    found, rises = find_discrete(first, last, is_up)
    peer = (found.whole - first.whole + found.tt_fraction - first.tt_fraction) * 86400.0 + first_s
    days = [rows[number] for number in range(1, 11)]
    for name, times in (("sunrise_s", peer[rises == 1]), ("sunset_s", peer[rises == 0])):
        assert np.abs(np.array([day[name] for day in days]) - times).max() < SKYFIELD_EDGE_S


@pytest.mark.parametrize(
    "row", _bulletins(), ids=lambda r: f"{r['event']}-{r['lunar_day']}-{r['vehicle']}"
)
def test_wakes_and_sleeps_are_within_half_a_day_of_the_bulletins(
    row: dict[str, str], change4: Results
) -> None:
    told_s = change4.clock.seconds(row["utc"].replace(" ", "T") + "Z")
    found = _rows(change4, row["vehicle"])[int(row["lunar_day"])]
    assert found[f"{row['event']}_s"] == pytest.approx(told_s, abs=BULLETIN_S)


def test_the_relay_stays_in_its_published_range_and_in_view(change4: Results, stage: Stage) -> None:
    orbit = stage.itineraries["queqiao"][0].end.at
    times = np.arange(0.0, change4.duration_s, 600.0)
    distance = np.linalg.norm(orbit.track(times), axis=0)  # type: ignore[union-attr]
    assert distance.min() == pytest.approx(RELAY_RANGE_KM[0], abs=RANGE_KM)
    assert distance.max() == pytest.approx(RELAY_RANGE_KM[1], abs=RANGE_KM)
    hops = [hop for hop in change4.environment.hops if hop.source in change4.scenario.vehicles]
    assert [hop.destination for hop in hops] == ["queqiao", "queqiao"]
    for hop in hops:
        assert hop.geometric.total_s == pytest.approx(change4.duration_s, abs=1e-3)


def test_the_relay_turns_in_its_published_period(change4: Results, stage: Stage) -> None:
    """From climb to climb through the plane of the Moon's orbit, by Skyfield's Moon."""
    orbit = stage.itineraries["queqiao"][0].end.at
    times = np.arange(0.0, change4.duration_s, 600.0)
    moon = (KERNELS.planets["moon"] - KERNELS.planets["earth"]).at(
        skyfield_time(KERNELS, change4.clock, times)
    )
    pole = np.cross(moon.position.km, moon.velocity.km_per_s, axis=0)
    above = np.einsum("in,in->n", pole, orbit.track(times)) > 0.0  # type: ignore[union-attr]
    climbs = times[1:][above[1:] & ~above[:-1]]
    assert len(climbs) == 27
    assert np.diff(climbs).mean() / 86400.0 == pytest.approx(RELAY_PERIOD_D, abs=PERIOD_D)


def test_the_site_sees_sun_earth_and_relay_where_skyfield_has_them(
    change4: Results, stage: Stage, site: Any, instants: np.ndarray
) -> None:
    t = skyfield_time(KERNELS, change4.clock, instants)
    orbit = stage.itineraries["queqiao"][0].end.at
    relay = KERNELS.planets["moon"] + orbit.vector_function  # type: ignore[union-attr]
    ours = stage.sites["von_karman"]
    peers = {
        "sun": (
            ours.sun_local_km(instants),
            site.at(t).observe(KERNELS.planets["sun"]).apparent(deflectors=()),
        ),
        "earth": (
            ours.local_km(instants, stage.ephemeris.earth_km),
            (KERNELS.planets["earth"] - site).at(t),
        ),
        "relay": (ours.local_km(instants, orbit.track), (relay - site).at(t)),  # type: ignore[union-attr]
    }
    for name, (local, peer) in peers.items():
        altitude, azimuth, _ = peer.altaz()
        turned = (azimuth_deg(local) - azimuth.degrees + 180.0) % 360.0 - 180.0
        across = np.abs(turned) * np.cos(np.radians(altitude.degrees))
        assert np.abs(elevation_deg(local) - altitude.degrees).max() < DIRECTION_DEG, name
        assert across.max() < DIRECTION_DEG, name


def test_cold_and_warm_runs_write_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    """With an empty cache, with the cache that this filled, and without any."""
    from sim.sky import orbits

    path = repository / "scenarios" / "change4.yaml"
    scenario = load_scenario(path, ["span={duration_h: 200}"])
    kept: dict[tuple[str, str], Any] = {}
    monkeypatch.setattr(orbits.store, "load", lambda layer, key: kept.get((layer, key)))
    monkeypatch.setattr(
        orbits.store, "store", lambda layer, key, arrays: kept.setdefault((layer, key), arrays)
    )
    for name, cache in (("cold", True), ("warm", True), ("without", False)):
        run_and_write(scenario, tmp_path / name, cache=cache, figures=False)
    assert sum(layer == "orbits" for layer, _ in kept) == 1
    names = {file.name for file in (tmp_path / "cold").iterdir()}
    assert {"lunar_days.csv", "series.parquet", "manifest.json"} <= names
    for other in ("warm", "without"):
        for name in names:
            found = (tmp_path / other / name).read_bytes()
            assert found == (tmp_path / "cold" / name).read_bytes(), (other, name)
