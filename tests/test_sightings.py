"""What is to be seen beside the views of links: from where, of what, and for how long."""

import numpy as np
import polars as pl
import pytest

from sim.environment import Environment
from sim.environment.compute import staged_environment
from sim.environment.sightings import Sighting, sightings
from sim.environment.stage import Stage, set_stage
from sim.results import windows_table
from sim.scenario.loading import load_scenario
from tests.small_runs import SCENARIO

SPAN = "span={duration_h: 40}"
LOW = "{kind: keplerian, elements: {lowest_height_km: 100, highest_height_km: 100, inclination_deg: 90}}"


def _stage(*overrides: str) -> Stage:
    return set_stage(load_scenario(SCENARIO, [SPAN, *overrides]))


def _found(stage: Stage, limit_deg: float = 5.0) -> dict[tuple[str, str, str], Sighting]:
    hops = staged_environment(stage).hops
    found = sightings(stage, hops, limit_deg)
    named = {(of.kind, of.observer, of.target): of for of in found}
    assert len(named) == len(found)
    return named


def test_what_is_looked_at_from_where() -> None:
    found = _found(_stage())
    conjunctions = {key[1:] for key in found if key[0] == "conjunction"}
    assert conjunctions == {
        ("kashi", "moon"),
        ("kashi", "queqiao"),
        ("queqiao", "earth"),
        ("crater", "earth"),
    }
    eclipses = {key[1:] for key in found if key[0] == "eclipse"}
    assert eclipses == {("queqiao", "moon"), ("queqiao", "earth"), ("crater", "earth")}
    assert not [key for key in found if key[0] == "view"]


def test_a_wider_angle_holds_a_narrower_one() -> None:
    stage = _stage("span={lunar_days: 2}")
    parts = [_found(stage, limit_deg) for limit_deg in (0.0, 5.0, 12.0, 180.0)]
    for key, of in parts[1].items():
        if key[0] != "conjunction":
            continue
        none, narrow, wide, all_of_it = (part[key].times for part in parts)
        assert len(none) == 0
        assert (narrow - wide).total_s == 0.0
        assert narrow.total_s < wide.total_s
        assert all_of_it.total_s == stage.duration_s
        assert of.sun_angle_deg is not None
        assert of.sun_angle_deg(narrow.starts_s[1:]) == pytest.approx(5.0, abs=1e-6)


ROVER = (
    "vehicles.rover={place: crater, battery: {capacity_wh: 10}, modes: {working: {load_w: 1}}, "
    "initial_mode: working}"
)


@pytest.fixture(scope="module")
def flight() -> tuple[Stage, Environment]:
    """A lander that stands beside a rover for ten hours and then flies over it."""
    phases = "phases={surface: {duration_h: 10}, ascent: {vehicles: {lander: {trajectory: low}}}}"
    stage = _stage(f"trajectories.low={LOW}", phases, ROVER)
    return stage, staged_environment(stage)


def test_a_vehicle_aboard_another_has_no_view_of_it() -> None:
    phases = "phases={a: {vehicles: {lander: {trajectory: low}, rover: {aboard: lander}}}}"
    found = _found(_stage(f"trajectories.low={LOW}", phases, ROVER))
    views = {key[1:] for key in found if key[0] == "view"}
    assert views == {("queqiao", "rover")}  # a link joins the lander and the relay


def test_vehicles_see_each_other_when_one_flies(flight: tuple[Stage, Environment]) -> None:
    stage, environment = flight
    found = {(of.observer, of.target): of for of in sightings(stage, environment.hops, 2.0)}
    view = found["rover", "lander"]  # seen from the ground, over whose horizon it stands
    assert view.kind == "view"
    assert view.local_km is not None
    assert view.range_km is not None
    assert view.times.starts_s.min() >= 36_000.0
    # a polar orbit of two hours passes over a place for some minutes, twice in half a month
    assert len(view.times) >= 1
    assert view.times.durations_s.max() < 1_200.0
    inner = view.times.starts_s[1:]
    east, north, up = view.local_km(inner)
    mask_deg = 5.0
    assert np.degrees(np.arctan2(up, np.hypot(east, north))) == pytest.approx(mask_deg, abs=1e-3)
    assert ("eclipse", "moon") in {(of.kind, of.target) for of in found.values()}


def test_a_vehicle_in_flight_is_eclipsed(flight: tuple[Stage, Environment]) -> None:
    stage, environment = flight
    found = sightings(stage, environment.hops, 2.0)
    (dark,) = (
        of for of in found if (of.kind, of.observer, of.target) == ("eclipse", "lander", "moon")
    )
    assert dark.times.starts_s.min() >= 36_000.0
    assert len(dark.times) >= 10  # in most revolutions of two hours


def test_the_table_says_where_they_stand(flight: tuple[Stage, Environment]) -> None:
    stage, environment = flight
    rows = windows_table(environment, sightings(stage, environment.hops, 180.0))
    assert rows["start_s"].is_sorted()
    views = rows.filter(observer="rover", target="lander")
    assert (views["culmination_elevation_deg"] >= views["start_elevation_deg"] - 1e-6).all()
    near = rows.filter(kind="conjunction")
    assert near["sun_angle_deg"].is_between(0.0, 180.0).all()
    ground = near.filter(pl.col("observer").is_in(["kashi", "crater"]))
    assert ground["culmination_elevation_deg"].null_count() == 0
    assert near.filter(observer="queqiao")["culmination_azimuth_deg"].to_list() == [None]
    plain = windows_table(environment)
    assert set(plain["kind"]) <= {"light", "view", "contact"}
    assert plain["sun_angle_deg"].null_count() == len(plain)
