"""Directions, limbs, discs and shadows, against hand calculation."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sky_case import DAY_S, HALO, far_side, orbit, place, sky, stations

from sim.constants import EARTH_RADIUS_KM, MOON_RADIUS_KM, SUN_RADIUS_KM
from sim.errors import SimError
from sim.sky.directions import longitude_latitude_deg, surface_distance_km
from sim.sky.geometry import (
    Site,
    Station,
    angle_deg,
    azimuth_deg,
    elevation_deg,
    place_of,
    range_km,
    range_rate_km_s,
)
from sim.sky.shadows import (
    limb_clearance_km,
    penumbra_deg,
    sun_earth_probe_deg,
    sun_fraction,
    sun_fraction_above,
    sun_probe_earth_deg,
    umbra_deg,
)

AU_KM = 149_597_870.7


def test_directions_by_hand() -> None:
    local = np.array([[0.0, 1.0, 0.0, -1.0], [1.0, 0.0, -1.0, 0.0], [1.0, 0.0, -1.0, 0.0]])
    assert azimuth_deg(local) == pytest.approx([0.0, 90.0, 180.0, 270.0])
    assert elevation_deg(local) == pytest.approx([45.0, 0.0, -45.0, 0.0])
    assert range_km(np.array([3.0, 4.0, 12.0])) == 13.0
    assert range_rate_km_s(np.array([3.0, 4.0, 0.0]), np.array([3.0, 4.0, 9.0])) == 5.0
    assert angle_deg(np.array([1.0, 0.0, 0.0]), np.array([-1.0, 1e-9, 0.0])) == pytest.approx(180.0)
    assert longitude_latitude_deg(np.array([-1.0, 0.0, 1.0])) == pytest.approx((180.0, 45.0))
    assert surface_distance_km((0.0, 0.0), (0.0, 90.0), 1.0) == pytest.approx(np.pi / 2.0)


def test_an_angle_keeps_its_digits_when_small() -> None:
    tiny = 1e-9
    vector = np.array([np.cos(tiny), np.sin(tiny), 0.0])
    assert angle_deg(np.array([1.0, 0.0, 0.0]), vector) == pytest.approx(np.degrees(tiny), rel=1e-9)


def test_a_limb_blocks_only_what_lies_behind_it() -> None:
    site = np.array([-10.0, 0.0, 0.0])
    assert limb_clearance_km(site, np.array([10.0, 0.0, 0.0]), 2.0) == pytest.approx(-2.0)
    assert limb_clearance_km(site, np.array([10.0, 6.0, 0.0]), 2.0) > 0.0
    assert limb_clearance_km(site, np.array([-20.0, 0.0, 0.0]), 2.0) == pytest.approx(8.0)
    grazing = np.array([10.0, 2.0 * 20.0 / np.sqrt(96.0), 0.0])
    assert limb_clearance_km(site, grazing, 2.0) == pytest.approx(0.0, abs=1e-12)


@given(st.floats(0.0, 0.02), st.floats(1.5e5, 5e5))
@settings(max_examples=60, deadline=None)
def test_a_covered_sun_by_counting_points(apart_rad: float, distance_km: float) -> None:
    sun = np.array([AU_KM, 0.0, 0.0])
    body = distance_km * np.array([np.cos(apart_rad), np.sin(apart_rad), 0.0])
    found = float(sun_fraction(sun, body, MOON_RADIUS_KM))
    radius = np.arcsin(SUN_RADIUS_KM / AU_KM)
    grid = np.linspace(-1.0, 1.0, 401) * radius
    x, y = np.meshgrid(grid, grid)
    disc = x**2 + y**2 <= radius**2
    free = (x - apart_rad) ** 2 + y**2 > np.arcsin(MOON_RADIUS_KM / distance_km) ** 2
    assert found == pytest.approx((disc & free).sum() / disc.sum(), abs=4e-3)


def test_shadow_depths_cross_zero_at_the_contacts() -> None:
    sun = np.array([AU_KM, 0.0, 0.0])
    sun_deg = np.degrees(np.arcsin(SUN_RADIUS_KM / AU_KM))
    earth_deg = np.degrees(np.arcsin(EARTH_RADIUS_KM / 384_400.0))
    for apart, depth in ((earth_deg + sun_deg, penumbra_deg), (earth_deg - sun_deg, umbra_deg)):
        angle = np.radians(apart)
        earth = 384_400.0 * np.array([np.cos(angle), np.sin(angle), 0.0])
        assert depth(sun, earth, EARTH_RADIUS_KM) == pytest.approx(0.0, abs=1e-9)
    ahead = np.array([384_400.0, 0.0, 0.0])
    assert sun_fraction(sun, ahead, EARTH_RADIUS_KM) == pytest.approx(0.0, abs=1e-12)
    assert sun_fraction(sun, -ahead, EARTH_RADIUS_KM) == 1.0


def test_the_sun_behind_a_level_mask() -> None:
    radius = np.degrees(np.arcsin(SUN_RADIUS_KM / AU_KM))
    heights = np.radians(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) * radius + 5.0)
    sun = AU_KM * np.array([0.0 * heights, np.cos(heights), np.sin(heights)])
    share = sun_fraction_above(sun, np.full(5, 5.0))
    assert share == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0], abs=1e-9)


def test_angles_of_sun_earth_and_probe_make_a_triangle() -> None:
    sun, earth, probe = (
        np.array([AU_KM, 0, 0]),
        np.array([0.0, 4e5, 0.0]),
        np.array([7e4, 1e3, 9.0]),
    )
    at_earth = sun_earth_probe_deg(sun, earth, probe)
    at_probe = sun_probe_earth_deg(sun, earth, probe)
    at_sun = angle_deg(earth - sun, probe - sun)
    assert at_earth + at_probe + at_sun == pytest.approx(180.0, abs=1e-9)


def test_one_instant_and_many_give_the_same() -> None:
    ephemeris = sky(3.0)
    relay = orbit(HALO, ephemeris, 0.0, 3.0 * DAY_S)
    for here in (far_side(ephemeris), stations(ephemeris)["jms"]):
        times = np.array([0.0, 5e4, 2e5])
        many = here.local_km(times, relay.track)
        for index, t_s in enumerate(times):
            assert here.local_km(t_s, relay.track) == pytest.approx(many[:, index], abs=1e-8)
            assert here.position_km(t_s) == pytest.approx(
                here.position_km(times)[:, index], abs=1e-8
            )
            one = here.rotation(t_s) @ (relay.track(t_s) - here.position_km(t_s))
            assert one == pytest.approx(many[:, index], abs=1e-6)


def test_a_place_says_which_body_it_is_on() -> None:
    ephemeris = sky(1.0)
    on_moon = place(body="moon", latitude_deg=1.0, longitude_deg=2.0, above_ground_m=3.0)
    on_earth = place(body="earth", latitude_deg=1.0, longitude_deg=2.0)
    assert isinstance(place_of(on_moon, ephemeris, Path()), Site)
    assert isinstance(place_of(on_earth, ephemeris, Path()), Station)
    assert Site.of(on_moon, ephemeris, Path()).radius_km == pytest.approx(1737.403)
    with pytest.raises(SimError, match="on the earth was given where one on the moon is due"):
        Site.of(on_earth, ephemeris, Path())
    with pytest.raises(SimError, match="on the moon was given"):
        Station.of(on_moon, ephemeris, Path())
