"""The ground: its parameters, its periodic day and its track."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.constants import STEFAN_BOLTZMANN_W_M2_K4, SYNODIC_MONTH_S
from sim.physics.regolith import (
    RegolithParameters,
    absorbed_w_m2,
    conductivity_w_m_k,
    density_kg_m3,
    ground_day,
    ground_temperature_track,
    heat_capacity_j_kg_k,
)

SOIL = RegolithParameters()


@pytest.fixture(scope="module")
def equator():
    return ground_day(SOIL, 0.0)


def test_properties_at_the_ends_of_the_profile():
    depth = np.array([0.0, 10.0])
    assert density_kg_m3(SOIL, depth) == pytest.approx([1100.0, 1800.0])
    cold = conductivity_w_m_k(SOIL, depth, np.zeros(2))
    assert cold == pytest.approx([7.4e-4, 3.4e-3])
    assert conductivity_w_m_k(SOIL, depth, np.full(2, 350.0)) == pytest.approx(3.7 * cold)
    # polynomial of Hayne et al. 2017 at 300 K, by hand: 760.0 J/kg/K
    by_hand = -3.6125 + 822.93 + 212.544 - 333.18 + 72.16533
    assert heat_capacity_j_kg_k(np.array(300.0)) == pytest.approx(by_hand, abs=0.01)


@given(st.floats(-90, 90), st.floats(-1.54, 1.54), st.floats(0, 40), st.floats(0, 360))
def test_absorbed_light_is_never_negative_nor_more_than_arrives(
    latitude, declination, slope, azimuth
):
    soil = RegolithParameters(slope_deg=slope, slope_azimuth_deg=azimuth)
    flux = absorbed_w_m2(soil, latitude, declination, np.linspace(0, 1, 200))
    assert flux.min() >= 0.0
    assert flux.max() <= 0.88 * 1361.0 + 1e-9


def test_a_slope_to_the_east_is_warm_in_the_morning():
    soil = RegolithParameters(slope_deg=20.0, slope_azimuth_deg=90.0)
    flux = absorbed_w_m2(soil, 0.0, 0.0, np.array([0.3, 0.7]))
    assert flux[0] > 1.5 * flux[1]


def test_the_day_is_periodic_and_gives_back_what_it_takes(equator):
    assert equator.drift_k < 0.005
    absorbed = absorbed_w_m2(SOIL, 0.0, 0.0, equator.phase).mean()
    radiated = 0.95 * STEFAN_BOLTZMANN_W_M2_K4 * (equator.temperature_k[:, 0] ** 4).mean()
    assert radiated == pytest.approx(absorbed + SOIL.heat_flow_w_m2, rel=2e-3)


def test_the_swing_dies_out_with_depth(equator):
    swing = np.ptp(equator.temperature_k, axis=0)
    assert swing[0] > 280.0
    assert swing[np.searchsorted(equator.depth_m, 0.5)] < 1.0


def test_finer_steps_change_under_half_a_kelvin(equator):
    fine = ground_day(SOIL, 0.0, steps_per_day=2160)
    phase = np.linspace(0.0, 1.0, 200)
    away = np.abs((phase % 0.5) - 0.25) > 0.01  # the edge of the day is as sharp as the step
    assert np.abs(fine.at_phase(phase) - equator.at_phase(phase))[away].max() < 0.5


def test_the_track_follows_the_day(equator):
    stop = 2 * SYNODIC_MONTH_S
    edges = np.linspace(0.0, 2.0, 17) * SYNODIC_MONTH_S
    track = ground_temperature_track(equator, lambda t: np.asarray(t) / SYNODIC_MONTH_S, edges)
    times = np.random.default_rng(3).uniform(0.0, stop, 2000)
    assert np.abs(track(times) - equator.at_phase(times / SYNODIC_MONTH_S)).max() < 1.5
