import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from radios import antenna

from sim.physics.antennas import (
    aperture_limit_dbi,
    frequency_problem,
    gain_dbi,
    half_power_beamwidth_deg,
    off_axis_deg,
    peak_gain_dbi,
    pointing_loss_db,
    separation_deg,
    side_lobe_envelope_dbi,
    slew_s,
    surface_loss_db,
)

X_BAND_HZ = 8.4e9


@given(st.floats(0.2, 100.0), st.floats(0.05, 1.0), st.floats(0.0, 5.0), st.floats(3e8, 4e10))
def test_no_dish_gains_more_than_its_aperture(diameter, efficiency, error, frequency):
    dish = antenna("parabola", diameter_m=diameter, efficiency=efficiency, surface_error_mm=error)
    peak = peak_gain_dbi(dish, frequency)
    assert peak <= aperture_limit_dbi(diameter, frequency) + 1e-9
    angles = np.linspace(0.0, 180.0, 721)
    assert np.all(gain_dbi(dish, frequency, angles) <= peak + 1e-9)


@given(st.floats(1.0, 100.0), st.floats(2e9, 3e10))
def test_dish_gain_never_rises_away_from_the_axis(diameter, frequency):
    dish = antenna("parabola", diameter_m=diameter)
    angles = np.geomspace(1e-4, 47.9, 500)
    assert np.all(np.diff(gain_dbi(dish, frequency, angles)) <= 1e-9)


@pytest.mark.parametrize("kind", ["itu_s_465", "itu_s_580"])
def test_side_lobes_follow_the_itu_masks(kind):
    dish = antenna("parabola", diameter_m=34, side_lobes=kind)
    offset = {"itu_s_465": 32.0, "itu_s_580": 29.0}[kind]
    for angle in (1.0, 5.0, 19.0):
        expected = offset - 25.0 * np.log10(angle)
        assert gain_dbi(dish, X_BAND_HZ, angle) == pytest.approx(expected, abs=1e-9)
    assert gain_dbi(dish, X_BAND_HZ, 100.0) == pytest.approx(-10.0)
    middle = {"itu_s_465": 32.0 - 25.0 * np.log10(23.0), "itu_s_580": -3.5}[kind]
    assert gain_dbi(dish, X_BAND_HZ, 23.0) == pytest.approx(middle)


@pytest.mark.parametrize("diameter", [0.5, 2.0, 34.0])
def test_side_lobe_envelope_has_no_step_at_its_first_level(diameter):
    dish = antenna("parabola", diameter_m=diameter)
    angles = np.linspace(0.05, 40.0, 40_000)
    assert np.max(np.abs(np.diff(side_lobe_envelope_dbi(dish, X_BAND_HZ, angles)))) < 0.1


def test_surface_error_costs_what_ruze_says():
    # (4 pi x 1 mm / 35.69 mm)^2 = 0.12398 neper of power, 0.538 dB
    assert surface_loss_db(1.0, X_BAND_HZ) == pytest.approx(0.5384, abs=2e-4)
    smooth, rough = (
        antenna("parabola", diameter_m=10, surface_error_mm=error) for error in (0.0, 1.0)
    )
    fall = peak_gain_dbi(smooth, X_BAND_HZ) - peak_gain_dbi(rough, X_BAND_HZ)
    assert fall == pytest.approx(0.5384, abs=2e-4)


def test_published_gain_replaces_the_computed_one():
    dish = antenna("parabola", diameter_m=4.2, peak_gain_dbi=44)
    assert peak_gain_dbi(dish, 7e9) == 44.0
    assert frequency_problem(dish, 7e9) is None


def test_a_published_gain_over_the_apertures_limit_is_refused():
    # (pi 1 m / 35.7 mm)^2 = 38.9 dBi
    dish = antenna("parabola", diameter_m=1, peak_gain_dbi=60)
    problem = "its peak_gain_dbi 60 is over the 38.9 dBi of 1 m at 8400 MHz"
    assert frequency_problem(dish, X_BAND_HZ) == problem


def test_patch_has_lost_half_at_half_its_beamwidth_and_keeps_a_floor():
    patch = antenna("patch", peak_gain_dbi=6, beamwidth_deg=80, back_lobe_dbi=-12)
    assert gain_dbi(patch, 2.2e9, 40.0) == pytest.approx(6.0 - 10.0 * np.log10(2.0))
    assert gain_dbi(patch, 2.2e9, [90.0, 180.0]) == pytest.approx([-12.0, -12.0])


def test_constant_gain_holds_everywhere_and_a_beamwidth_narrows_it():
    everywhere = antenna("gain", peak_gain_dbi=6)
    assert gain_dbi(everywhere, 2.2e9, [0.0, 32.0, 170.0]) == pytest.approx([6.0, 6.0, 6.0])
    narrow = antenna("gain", peak_gain_dbi=6, beamwidth_deg=64)
    assert gain_dbi(narrow, 2.2e9, [0.0, 32.0]) == pytest.approx([6.0, 3.0])
    assert gain_dbi(narrow, 2.2e9, 180.0) == pytest.approx(-10.0)


def test_helix_gains_by_its_turns_and_is_refused_off_its_frequency():
    wave = 299.792458 / 2250.0
    helix = antenna("helix", turns=10, circumference_m=wave, spacing_m=wave / 4)
    assert peak_gain_dbi(helix, 2.25e9) == pytest.approx(11.8 + 10 * np.log10(2.5), abs=1e-6)
    assert half_power_beamwidth_deg(helix, 2.25e9) == pytest.approx(52 / np.sqrt(2.5), abs=1e-6)
    assert frequency_problem(helix, 2.25e9) is None
    assert "8400 MHz is outside" in (frequency_problem(helix, 8.4e9) or "")


def test_table_is_linear_between_rows_and_held_beyond():
    table = antenna("table", angles_deg=[0, 10, 20], gains_dbi=[20, 14, 2])
    assert gain_dbi(table, 1e9, [0, 5, 15, 90]) == pytest.approx([20, 17, 8, 2])
    assert half_power_beamwidth_deg(table, 1e9) == pytest.approx(2 * 3.0103 / 0.6, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": "parabola", "diameter_m": -3.0}, "greater than 0"),
        ({"kind": "parabola", "diameter_m": 3.0, "efficiency": 1.2}, "less than or equal to 1"),
        (
            {"kind": "table", "angles_deg": [0, 5, 3], "gains_dbi": [1, 2, 3]},
            "not sorted: 3 follows 5",
        ),
        (
            {"kind": "table", "angles_deg": [0, 5], "gains_dbi": [1, 2, 3]},
            "2 angles_deg and 3 gains",
        ),
        ({"kind": "table", "angles_deg": [1, 5], "gains_dbi": [1, 2]}, "begin at 0"),
        (
            {"kind": "gain", "peak_gain_dbi": 3, "frequency_min_hz": 9e9, "frequency_max_hz": 8e9},
            "is not below frequency_max_hz",
        ),
        (
            {
                "kind": "gain",
                "peak_gain_dbi": 3,
                "pointing": {"kind": "gimbal", "azimuth_min_deg": 50, "azimuth_max_deg": 20},
            },
            "swap the limits",
        ),
        ({"kind": "yagi"}, "tag 'yagi'"),
    ],
)
def test_wrong_antennas_are_refused_in_one_line(values, words):
    kind = values.pop("kind")
    with pytest.raises(ValidationError, match=words):
        antenna(kind, **values)


def pointing(**values):
    return antenna("gain", peak_gain_dbi=0, pointing=values).pointing


def test_fixed_axis_is_as_far_off_as_the_sphere_says():
    up = pointing(kind="fixed")
    assert off_axis_deg(up, [0, 77, 200], [90, 60, 0]) == pytest.approx([0, 30, 90])
    east = pointing(kind="fixed", azimuth_deg=90, elevation_deg=0)
    assert off_axis_deg(east, [90, 0, 270], [0, 0, 0]) == pytest.approx([0, 90, 180])


def test_gimbal_follows_inside_its_limits_and_stays_at_them_outside():
    gimbal = pointing(
        kind="gimbal",
        azimuth_min_deg=-60,
        azimuth_max_deg=60,
        elevation_min_deg=10,
        elevation_max_deg=80,
    )
    found = off_axis_deg(gimbal, [300, 359, 30, 90], [20, 45, 5, 10])
    assert found[:3] == pytest.approx([0, 0, 5])
    assert found[3] == pytest.approx(float(separation_deg(60, 10, 90, 10)))


def test_gimbal_slews_at_its_rate_the_short_way_round_if_free():
    free = pointing(kind="gimbal", slew_deg_s=2.0)
    assert slew_s(free, 170, 20, -170, 20) == pytest.approx(10.0)
    stopped = pointing(kind="gimbal", azimuth_min_deg=-175, azimuth_max_deg=175, slew_deg_s=2.0)
    assert slew_s(stopped, 170, 20, -170, 20) == pytest.approx(170.0)
    assert slew_s(stopped, 0, 20, 10, 80) == pytest.approx(30.0)
    assert slew_s(pointing(kind="tracking"), 0, 0, 180, 0) == 0.0


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90))
def test_separation_agrees_with_the_dot_product(a1, e1, a2, e2):
    def unit(azimuth, elevation):
        a, e = np.radians([azimuth, elevation])
        return np.array([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)])

    first, second = unit(a1, e1), unit(a2, e2)
    exact = np.degrees(np.arctan2(np.linalg.norm(np.cross(first, second)), first @ second))
    assert float(separation_deg(a1, e1, a2, e2)) == pytest.approx(exact, abs=1e-5)


def test_pointing_loss_is_twelve_times_the_square_of_the_beamwidths():
    dish = antenna("parabola", diameter_m=34)
    width = half_power_beamwidth_deg(dish, X_BAND_HZ)
    assert pointing_loss_db(dish, X_BAND_HZ, 0.3 * width) == pytest.approx(1.08)
