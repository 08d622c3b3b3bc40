"""Arrays: attitudes, mounts, incidence, cells, dust and the track of a vehicle's array power."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.constants import ASTRONOMICAL_UNIT_KM, SOLAR_IRRADIANCE_W_M2, SYNODIC_MONTH_S
from sim.physics.solar import (
    ArrayParameters,
    AttitudeParameters,
    FixedMount,
    MountParameters,
    SingleAxisMount,
    TwoAxisMount,
    array_power_track,
    array_power_w,
    body_axes,
    cell_efficiency,
    cell_temperature_k,
    incidence_cosine,
    panel_normal,
    power_share,
)

LEVEL = AttitudeParameters()
LATITUDE = np.radians(-45.0)
SUN_RADIUS_DEG = 0.2666


def sun_km(t_s):
    """A Sun over the equator seen from 45 S, at one astronomical unit; midnight at t = 0."""
    hour = 2.0 * np.pi * np.asarray(t_s) / SYNODIC_MONTH_S - np.pi
    east, north = -np.sin(hour), -np.sin(LATITUDE) * np.cos(hour)
    return np.array([east, north, np.cos(LATITUDE) * np.cos(hour)]) * ASTRONOMICAL_UNIT_KM


def visible(t_s):
    elevation = np.degrees(np.arcsin(sun_km(t_s)[2] / ASTRONOMICAL_UNIT_KM))
    x = np.clip(elevation / SUN_RADIUS_DEG, -1.0, 1.0)
    return 1.0 - (np.arccos(x) - x * np.sqrt(1.0 - x * x)) / np.pi


def disc_touches(days):
    """Times at which the upper or lower limb touches the horizon, from geometry."""
    half = np.arccos(np.sin(np.radians([SUN_RADIUS_DEG, -SUN_RADIUS_DEG])) / np.cos(LATITUDE))
    share = np.concatenate([0.5 - half / (2 * np.pi), 0.5 + half / (2 * np.pi)])
    return np.concatenate([(day + share) * SYNODIC_MONTH_S for day in range(days)])


def unit(azimuth_deg, elevation_deg):
    a, e = np.radians([azimuth_deg, elevation_deg])
    return np.array([[np.cos(e) * np.sin(a)], [np.cos(e) * np.cos(a)], [np.sin(e)]])


def array(**changes):
    values = {"area_m2": 2.0, "efficiency": 0.28, "mount": {"kind": "fixed"}}
    return ArrayParameters.model_validate_json(json.dumps(values | changes))


def test_level_body_points_north_and_heading_turns_it_clockwise():
    assert body_axes(LEVEL) == pytest.approx(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]))
    east = body_axes(AttitudeParameters(heading_deg=90.0))
    assert east[0] == pytest.approx([1, 0, 0])
    assert east[1] == pytest.approx([0, -1, 0])


def test_pitch_lifts_the_nose_and_roll_lowers_the_right_side():
    assert body_axes(AttitudeParameters(pitch_deg=10.0))[0, 2] == pytest.approx(
        np.sin(np.radians(10.0))
    )
    assert body_axes(AttitudeParameters(roll_deg=10.0))[1, 2] == pytest.approx(
        -np.sin(np.radians(10.0))
    )


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(-180, 180), st.floats(-360, 360))
def test_body_axes_are_orthonormal(heading, pitch, roll, azimuth):
    axes = body_axes(AttitudeParameters(heading_deg=heading, pitch_deg=pitch, roll_deg=roll))
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    mount = FixedMount(kind="fixed", azimuth_deg=azimuth, tilt_deg=30.0)
    normal = panel_normal(mount, AttitudeParameters(heading_deg=heading), unit(0, 90))
    expected = unit((heading + azimuth) % 360, 60.0)
    assert normal == pytest.approx(expected, abs=1e-12)


@given(st.floats(0, 359.9), st.floats(-89, 89))
def test_free_two_axes_face_the_sun(azimuth, elevation):
    sun = unit(azimuth, elevation)
    attitude = AttitudeParameters(heading_deg=20.0, pitch_deg=5.0, roll_deg=-7.0)
    assert panel_normal(TwoAxisMount(kind="two_axis"), attitude, sun) == pytest.approx(
        sun, abs=1e-9
    )


@given(st.floats(0, 359.9), st.floats(-89, 89), st.floats(-180, 180), st.floats(-90, 90))
def test_one_free_axis_leaves_only_the_angle_along_it(azimuth, elevation, axis, tilt):
    sun = unit(azimuth, elevation)
    mount = SingleAxisMount(kind="single_axis", axis_azimuth_deg=axis, axis_elevation_deg=tilt)
    normal = panel_normal(mount, LEVEL, sun)
    along = float(np.sum(unit(axis, tilt) * sun))
    assert float(np.sum(normal * sun)) == pytest.approx(np.sqrt(max(0.0, 1 - along**2)), abs=1e-7)


@given(st.floats(0, 359.9), st.floats(-60, 89), st.floats(-170, 0), st.floats(1, 170))
def test_no_allowed_rotation_beats_the_one_that_is_taken(azimuth, elevation, low, high):
    sun = unit(azimuth, elevation)
    mount = SingleAxisMount(
        kind="single_axis",
        axis_azimuth_deg=30.0,
        axis_elevation_deg=20.0,
        minimum_deg=low,
        maximum_deg=high,
    )
    taken = float(np.sum(panel_normal(mount, LEVEL, sun) * sun))
    for angle in np.linspace(low, high, 41)[1:]:
        other = mount.model_copy(update={"minimum_deg": angle - 1e-9, "maximum_deg": angle})
        assert float(np.sum(panel_normal(other, LEVEL, sun) * sun)) <= taken + 1e-6


def test_right_handed_turn_about_a_northward_axis_leans_east():
    mount = SingleAxisMount(kind="single_axis", minimum_deg=29.999, maximum_deg=30.0)
    normal = panel_normal(mount, LEVEL, unit(90, 10))
    assert normal[0, 0] == pytest.approx(np.sin(np.radians(30.0)), abs=1e-4)


def test_power_at_normal_incidence_and_distance():
    sun = unit(0, 45) * ASTRONOMICAL_UNIT_KM
    panel = array(mount={"kind": "fixed", "tilt_deg": 45})
    power = array_power_w(panel, LEVEL, sun, np.ones(1))
    assert power == pytest.approx(2.0 * 0.28 * SOLAR_IRRADIANCE_W_M2)
    farther = array_power_w(panel, LEVEL, 1.1 * sun, np.ones(1))
    assert farther == pytest.approx(power / 1.21)


def test_a_panel_with_its_back_to_the_sun_sees_only_lit_ground():
    sun = unit(180, 30) * ASTRONOMICAL_UNIT_KM
    panel = array(mount={"kind": "fixed", "tilt_deg": 90})
    assert array_power_w(panel, LEVEL, sun, np.ones(1)) == pytest.approx(0.0)
    reflected = array_power_w(panel, LEVEL, sun, np.ones(1), ground_albedo=0.12)
    assert reflected == pytest.approx(2.0 * 0.28 * SOLAR_IRRADIANCE_W_M2 * 0.12 * 0.5 * 0.5)


def test_folded_and_hidden_panels_give_nothing():
    sun = unit(0, 45) * ASTRONOMICAL_UNIT_KM
    assert array_power_w(array(mount={"kind": "folded"}), LEVEL, sun, np.ones(1)) == 0.0
    assert array_power_w(array(), LEVEL, sun, np.zeros(1)) == 0.0


def test_cosine_rows_scale_the_cosine():
    panel = array(cosine_rows=[[0, 1.0], [60, 0.9], [90, 0.5]])
    cosine, _ = incidence_cosine(panel, LEVEL, unit(0, 30))
    assert cosine == pytest.approx(0.5 * 0.9)


def test_cell_temperature_balances_by_hand():
    # both sides radiate: 0.9 x 1361 = (0.85 + 0.85) sigma T^4 without electricity: 335.8 K
    panel = array(efficiency=1e-9, cells={})
    temperature = cell_temperature_k(panel, np.array([1361.0]), np.ones(1))
    assert temperature == pytest.approx((0.9 * 1361.0 / (1.7 * 5.670374419e-8)) ** 0.25, abs=0.01)
    drawn = cell_temperature_k(array(cells={}), np.array([1361.0]), np.ones(1))
    assert drawn == pytest.approx((0.62 * 1361.0 / (1.7 * 5.670374419e-8)) ** 0.25, abs=0.01)


def test_warm_ground_warms_the_back_of_a_flat_panel():
    panel = array(cells={"temperature_coefficient_per_k": -0.002})
    light, sky = np.array([1000.0]), np.ones(1)
    cold = cell_temperature_k(panel, light, sky, np.array([100.0]))
    warm = cell_temperature_k(panel, light, sky, np.array([380.0]))
    assert warm > cold + 20.0
    assert cell_efficiency(panel, warm) < cell_efficiency(panel, cold)


def test_efficiency_rows_are_read_linearly():
    rows = [[100.0, 0.356414], [293.15, 0.304828], [400.0, 0.257931]]
    panel = array(cells={"efficiency_rows": rows})
    assert cell_efficiency(panel, np.array([100.0, 400.0, 450.0])) == pytest.approx(
        [0.356414, 0.257931, 0.257931]
    )


def test_dust_and_ageing_multiply():
    panel = array(
        dust_loss_per_landing=0.05,
        dust_loss_per_drive=0.001,
        dust_loss_per_lunar_day=0.01,
        ageing_per_lunar_day=0.002,
    )
    assert power_share(panel, 0, 0, 0) == 1.0
    expected = 0.95 * 0.999**10 * (0.99 * 0.998) ** 14
    assert power_share(panel, 1, 10, 14) == pytest.approx(expected)


def test_track_agrees_with_the_function_within_its_stated_error():
    arrays = {
        "east": array(mount={"kind": "fixed", "azimuth_deg": 90, "tilt_deg": 40}),
        "west": array(
            mount={"kind": "fixed", "azimuth_deg": -90, "tilt_deg": 90},
            cells={"temperature_coefficient_per_k": -0.002},
        ),
        "mast": array(mount={"kind": "single_axis", "minimum_deg": -50, "maximum_deg": 50}),
    }
    stop = 3 * SYNODIC_MONTH_S
    kinks = np.concatenate([[0.0, stop], disc_touches(3)])
    track = array_power_track(arrays, LEVEL, sun_km, visible, kinks)
    times = np.random.default_rng(7).uniform(0.0, stop, 20_000)
    exact = sum(array_power_w(a, LEVEL, sun_km(times), visible(times)) for a in arrays.values())
    values = track(times)
    assert track.error < 0.01
    assert np.abs(values - exact).max() < track.error
    assert values.min() >= 0.0
    assert not values[visible(times) == 0.0].any()
    grid = np.linspace(0.0, stop, 400_001)
    dense = sum(array_power_w(a, LEVEL, sun_km(grid), visible(grid)) for a in arrays.values())
    assert float(track.integral(0.0, stop)) == pytest.approx(np.trapezoid(dense, grid), rel=1e-6)


def test_shorter_light_of_a_tighter_tolerance_changes_energy_by_under_a_part_in_a_million():
    arrays = {"deck": array()}
    kinks = np.concatenate([[0.0, SYNODIC_MONTH_S], disc_touches(1)])
    coarse = array_power_track(arrays, LEVEL, sun_km, visible, kinks)
    fine = array_power_track(arrays, LEVEL, sun_km, visible, kinks, tolerance_w=1e-6)
    whole = (0.0, SYNODIC_MONTH_S)
    assert float(coarse.integral(*whole)) == pytest.approx(float(fine.integral(*whole)), rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"efficiency": 1.2}, "less than or equal to 1"),
        ({"area_m2": 0}, "greater than 0"),
        ({"cosine_rows": [[10, 1], [5, 1]]}, "must rise"),
        ({"cells": {"efficiency_rows": [[300, 0.3], [300, 0.2]]}}, "must rise"),
        ({"cells": {"emittance_front": 0, "emittance_back": 0}}, "must radiate"),
        ({"mount": {"kind": "single_axis", "minimum_deg": 5, "maximum_deg": 5}}, "less than"),
        (
            {
                "mount": {
                    "kind": "two_axis",
                    "elevation_minimum_deg": 60,
                    "elevation_maximum_deg": 0,
                }
            },
            "less than",
        ),
        ({"mount": {"kind": "glued"}}, "glued"),
    ],
)
def test_bad_arrays_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        array(**changes)


def test_mount_of_the_smallest_scenario_is_read():
    mount = TypeAdapter(MountParameters).validate_json(
        '{"kind":"fixed","azimuth_deg":0,"tilt_deg":45}'
    )
    assert mount == FixedMount(kind="fixed", tilt_deg=45)
