"""What is said of trajectories: elements against SPICE, turns and ends against Kepler and flown halos."""

import numpy as np
import pytest
import spiceypy
from hypothesis import given
from hypothesis import strategies as st
from sky_case import DAY_S, HALO, orbit, sky

from sim.constants import MOON_GM_KM3_S2, MOON_RADIUS_KM
from sim.sky.orbits.elements import ElementsParameters, kepler_states
from sim.sky.orbits.facts import Fact, orbit_facts, osculating_elements

ANGLE_DEG = 1e-6
LENGTH_KM = 1e-6

KEPLERIAN = {
    "kind": "keplerian",
    "elements": {
        "lowest_height_km": 300,
        "highest_height_km": 8600,
        "inclination_deg": 54.8,
        "ascending_node_deg": 30,
        "argument_of_perilune_deg": 86.3,
        "mean_anomaly_deg": 200,
    },
}


def _by_name(facts: list[Fact]) -> dict[str, float | str]:
    return {fact.fact: fact.value for fact in facts}


def _apart_deg(first: float, second: float) -> float:
    return abs((first - second + 180.0) % 360.0 - 180.0)


@given(
    st.floats(2000.0, 20000.0),
    st.floats(0.01, 0.9),
    st.floats(1.0, 179.0),
    st.floats(0.0, 359.0),
    st.floats(0.0, 359.0),
    st.floats(0.0, 359.0),
)
def test_elements_are_those_of_spice(
    axis: float, e: float, tilt: float, node: float, argument: float, anomaly: float
) -> None:
    parameters = ElementsParameters(
        semi_major_axis_km=axis,
        eccentricity=e,
        inclination_deg=tilt,
        ascending_node_deg=node,
        argument_of_perilune_deg=argument,
        mean_anomaly_deg=anomaly,
    )
    position, velocity = kepler_states(parameters, "moon", 0.0)
    found = osculating_elements(position, velocity, "moon")
    assert found is not None
    low, eccentricity, *angles = spiceypy.oscelt([*position, *velocity], 0.0, MOON_GM_KM3_S2)[:6]
    assert found.semi_major_axis_km * (1.0 - found.eccentricity) == pytest.approx(
        low, abs=LENGTH_KM
    )
    assert found.eccentricity == pytest.approx(eccentricity, abs=1e-11)
    for own, peer in zip(found[2:], np.degrees(angles), strict=True):
        assert _apart_deg(own, peer) < ANGLE_DEG


def test_an_open_path_has_no_elements() -> None:
    assert osculating_elements(np.array([2000.0, 0, 0]), np.array([0, 3.0, 0]), "moon") is None


def test_a_two_body_orbit_turns_as_kepler_says() -> None:
    facts = _by_name(orbit_facts(orbit(KEPLERIAN, sky(10.0), 0.0, 10.0 * DAY_S), sky(10.0)))
    axis = MOON_RADIUS_KM + 0.5 * (300 + 8600)
    period_h = 2.0 * np.pi * np.sqrt(axis**3 / MOON_GM_KM3_S2) / 3600.0
    assert facts["undisturbed period"] == pytest.approx(period_h, rel=1e-9)
    assert facts["mean time between them"] == pytest.approx(period_h, rel=1e-6)
    assert facts["lowest height"] == pytest.approx(300.0, abs=1e-3)
    assert facts["highest height"] == pytest.approx(8600.0, abs=1e-3)
    assert facts["inclination"] == pytest.approx(54.8, abs=1e-5)
    assert facts["argument of perilune"] == pytest.approx(86.3, abs=1e-5)
    assert facts["mean anomaly"] == pytest.approx(200.0, abs=1e-5)


def test_a_halo_has_turns_and_residuals_but_no_elements() -> None:
    around = sky(80.0, margin=30.0)
    facts = _by_name(orbit_facts(orbit(HALO, around, 0.0, 80.0 * DAY_S), around))
    turns_d = facts["mean time between climbs through the Moon's orbital plane"] / 24.0  # type: ignore[operator]
    assert turns_d == pytest.approx(14.8, abs=0.3)
    assert facts["largest jump between integrated arcs"] < 1e-3  # type: ignore[operator]
    assert "eccentricity" not in facts
