"""What is seen in windows: looked at once for both ways of a pair of ends, and the same in both tables."""

from dataclasses import replace

import numpy as np
import pytest
from small_runs import Floats, small_environment, small_log

from sim.environment import Environment, Hop
from sim.results import Results
from sim.results.sights import sights

TOP_S, HEIGHT_KM = 1200.0, 60_000.0


def _passing(t_s: Floats) -> Floats:
    """A far end that comes from the west, stands 60 degrees high in the north at the top, and sinks."""
    east = (t_s - TOP_S) * 100.0
    north, up = HEIGHT_KM * np.cos(np.radians(60.0)), HEIGHT_KM * np.sin(np.radians(60.0))
    return np.array([east, np.full_like(east, north), np.full_like(east, up)])


def _range_km(t_s: Floats) -> Floats:
    return np.asarray(np.linalg.norm(_passing(t_s), axis=0))


def _reversed(hop: Hop) -> Hop:
    """The same two ends the other way: the place now sees the far end as a destination does."""
    return replace(
        hop,
        link="lander_command",
        source=hop.destination,
        destination=hop.source,
        from_source_km=None,
        from_destination_km=hop.from_source_km,
    )


@pytest.fixture(scope="module")
def environment() -> Environment:
    small = small_environment()
    forth = replace(small.hops[0], from_source_km=_passing, range_km=_range_km)
    return replace(small, hops=(forth, _reversed(forth), small.hops[1]))


def test_both_ways_share_what_is_seen(environment: Environment) -> None:
    seen = sights(environment)
    forth, back, down = (seen[hop.name] for hop in environment.hops)
    assert forth.sights is back.sights
    assert (forth.observer, forth.target) == (back.observer, back.target) == ("lander", "queqiao")
    assert down.sights is not forth.sights
    # two views, the second of them one contact too, and the first contact with its own end
    assert forth.sights.times_s[[0, 2]].T.tolist() == [[0.0, 300.5], [650.5, 2000.0]]
    assert forth.views.tolist() == forth.passes.tolist() == [0, 1]


def test_the_culmination_is_where_the_far_end_stands_highest(environment: Environment) -> None:
    seen = sights(environment)[environment.hops[0].name].sights
    assert seen.azimuth_deg is not None
    assert seen.elevation_deg is not None
    # it rises through the first window, and has its top in the second
    assert seen.times_s[1] == pytest.approx([300.5, TOP_S], abs=1.0)
    assert seen.elevation_deg[1, 1] == pytest.approx(60.0, abs=1e-6)
    assert seen.azimuth_deg[1, 1] % 360.0 == pytest.approx(0.0, abs=0.2)
    assert seen.range_km[1, 1] == pytest.approx(HEIGHT_KM)


def test_a_pass_culminates_when_its_window_does(environment: Environment) -> None:
    results = Results(environment.scenario, environment, small_log())
    windows = results.windows.filter(kind="contact", link="lander_return")
    passes = results.passes.filter(link="lander_return")
    assert passes["culmination_s"].to_list() == [
        300.0,  # the last whole second of a window that ends rising
        windows["culmination_s"][1],
    ]
    assert passes["culmination_deg"][1] == windows["culmination_elevation_deg"][1]


def test_without_a_horizon_the_nearest_counts() -> None:
    small = small_environment()
    hop = replace(small.hops[0], range_km=_range_km)
    seen = sights(replace(small, hops=(hop,)))[hop.name].sights
    assert seen.elevation_deg is None
    assert seen.times_s[1] == pytest.approx([300.5, TOP_S], abs=1.0)
