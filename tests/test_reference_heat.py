"""The ground's temperature against published measurements."""

import pytest

from sim.physics.regolith import RegolithParameters, ground_day

TOLERANCE_K = 5.0
SITE_TOLERANCE_K = 8.0

HIGHLAND = RegolithParameters()
MARE = RegolithParameters(albedo=0.06)
"""Albedo of the floors at the Apollo 15 and 17 sites, as the heat1d validation takes it."""

FAR_SIDE_SOIL = RegolithParameters(
    density_surface_kg_m3=471.0,
    conductivity_surface_w_m_k=1.53e-3,
    conductivity_depth_w_m_k=9.37e-3,
    scale_height_m=0.46,
)
"""Xiao et al. 2022 (Natl. Sci. Rev. 9, nwac175): the conductive part 1.53e-3 W/m/K at the surface
and 8.48e-3 at 1 m, density 471 kg/m3 at the surface and 824 on average over 30 cm, which with
1800 kg/m3 at depth is a scale height of 0.46 m."""


@pytest.fixture(scope="module")
def days():
    return {
        "equator": ground_day(HIGHLAND, 0.0),
        "apollo_15": ground_day(MARE, 26.0),
        "apollo_17": ground_day(MARE, 20.0),
        "change4": ground_day(FAR_SIDE_SOIL, -45.4446),
    }


def mean_k(day, depth_m):
    below = day.temperature_k[:, day.depth_m >= depth_m]
    above = day.temperature_k[:, day.depth_m <= depth_m]
    low, high = above[:, -1].mean(), below[:, 0].mean()
    depths = (day.depth_m[day.depth_m <= depth_m][-1], day.depth_m[day.depth_m >= depth_m][0])
    if depths[0] == depths[1]:
        return low
    return low + (high - low) * (depth_m - depths[0]) / (depths[1] - depths[0])


def test_equator_of_diviner(days):
    """Hayne et al. 2017, table A2: 385 K at noon, 101 K at midnight, 95 K at least."""
    day = days["equator"]
    assert float(day.at_phase(0.5)) == pytest.approx(385.0, abs=TOLERANCE_K)
    assert float(day.at_phase(0.0)) == pytest.approx(101.0, abs=TOLERANCE_K)
    assert day.temperature_k[:, 0].min() == pytest.approx(95.0, abs=TOLERANCE_K)


def test_apollo_15_means(days):
    """Keihm and Langseth 1973, as in Hayne et al. 2017, table A2."""
    day = days["apollo_15"]
    assert day.temperature_k[:, 0].mean() == pytest.approx(211.0, abs=TOLERANCE_K)
    assert mean_k(day, 0.83) == pytest.approx(252.0, abs=TOLERANCE_K)


def test_apollo_17_mean_below_the_surface(days):
    assert mean_k(days["apollo_17"], 0.13) == pytest.approx(256.0, abs=TOLERANCE_K)


@pytest.mark.xfail(strict=True, reason="210.9 K at one astronomical unit, 5.1 K below 216 K")
def test_apollo_17_mean_of_the_surface(days):
    day = days["apollo_17"]
    assert day.temperature_k[:, 0].mean() == pytest.approx(216.0, abs=TOLERANCE_K)


def test_another_code_at_perihelion():
    """heat1d's own validation gives 388.5 K at noon and 211.7 K at Apollo 17: the Sun at 0.983 au."""
    equator = ground_day(HIGHLAND, 0.0, sun_distance_au=0.9833)
    assert float(equator.at_phase(0.5)) == pytest.approx(388.5, abs=1.0)
    apollo_17 = ground_day(MARE, 20.0, sun_distance_au=0.9833)
    assert apollo_17.temperature_k[:, 0].mean() == pytest.approx(211.7, abs=1.0)


def test_coldest_ground_at_the_change4_site(days):
    """83 K (-190 C) measured in the first night; Xinhua, 31 January 2019."""
    coldest = days["change4"].temperature_k[:, 0].min()
    assert coldest == pytest.approx(83.0, abs=SITE_TOLERANCE_K)
