import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from radios import antenna
from scipy.stats import ncx2

from sim.physics.atmosphere import (
    AtmosphereParameters,
    atmosphere_noise_k,
    attenuation_db,
    zenith_attenuation_db,
)
from sim.physics.noise import (
    ReceiverParameters,
    Surroundings,
    beam_fraction,
    disc_noise_k,
    galactic_noise_k,
    sun_brightness_k,
    system_noise_k,
    system_noise_terms_k,
)

DISH = antenna("parabola", diameter_m=34)
X_BAND_HZ = 8.4e9
NOWHERE = Surroundings()


def receiver(**values):
    return ReceiverParameters.model_validate_json(json.dumps(values))


def air(**values):
    rows = {"distribution": [0, 0.5, 0.9], "zenith_attenuation_db": [0.1, 0.2, 0.6]}
    return AtmosphereParameters.model_validate_json(json.dumps({**rows, **values}))


@given(st.floats(0.02, 20.0), st.floats(0.0, 40.0), st.floats(0.05, 20.0))
def test_beam_fraction_agrees_with_the_exact_distribution(width, angle, radius):
    sigma = width / np.sqrt(8 * np.log(2))
    exact = ncx2.cdf((radius / sigma) ** 2, 2, (angle / sigma) ** 2)
    if np.isfinite(exact):
        assert float(beam_fraction(width, angle, radius)) == pytest.approx(exact, abs=0.01)


def test_a_disc_fills_the_beam_wholly_half_or_not_at_all():
    on_axis, on_limb, away = beam_fraction(0.07, [0.0, 0.26, 3.0], 0.26)
    assert on_axis == pytest.approx(1.0, abs=1e-3)
    assert on_limb == pytest.approx(0.5, abs=0.05)
    assert away == pytest.approx(0.0, abs=1e-6)


def test_a_disc_beside_the_beam_is_heard_in_the_side_lobes_only():
    # 3 deg away the mask gives 32 - 25 log 3 = 20.07 dBi, half of it over pi (0.26 deg)^2
    gain, solid_angle = 10**2.007, np.pi * np.radians(0.26) ** 2
    expected = 240.0 * 0.5 * gain * solid_angle / (4 * np.pi)
    assert disc_noise_k(DISH, X_BAND_HZ, 240.0, 3.0, 0.26) == pytest.approx(expected, rel=0.01)


def test_a_disc_adds_less_the_farther_it_is_and_never_more_than_it_is_warm():
    angles = np.linspace(0.0, 40.0, 4001)
    noise = disc_noise_k(DISH, X_BAND_HZ, 240.0, angles, 0.26)
    assert np.all(noise <= 240.0)
    # the step at the limb is where the main lobe leaves and the side lobes take over
    assert np.all(np.diff(noise[angles > 0.5]) <= 1e-9)
    assert noise[0] == pytest.approx(0.63 * 240.0, rel=1e-3)


def test_a_receiver_alone_is_the_whole_system():
    assert system_noise_k(DISH, receiver(noise_temperature_k=70), None, 2e9, NOWHERE) == 70.0


def test_feed_loss_warms_and_weakens():
    # at the antenna: 3.01 dB doubles the receiver's 50 K and adds 290 K of the feed
    lossy = receiver(noise_temperature_k=50, loss_db=10 * np.log10(2))
    assert system_noise_k(DISH, lossy, None, 2e9, NOWHERE) == pytest.approx(390.0)


def test_what_the_antenna_hears_is_added_by_name():
    everything = receiver(
        noise_temperature_k=30, spillover_k=5, adds=["sky", "galaxy", "atmosphere", "moon", "sun"]
    )
    around = Surroundings(
        elevation_deg=30.0,
        moon_angle_deg=0.0,
        moon_radius_deg=0.26,
        sun_angle_deg=40.0,
        sun_radius_deg=0.26,
    )
    terms = system_noise_terms_k(DISH, everything, air(), X_BAND_HZ, around)
    assert set(terms) == {"receiver", "spillover", "sky", "galaxy", "atmosphere", "moon", "sun"}
    through = 10 ** (-0.12)  # 0.6 dB at the zenith, 1.2 dB at 30 deg
    assert float(terms["sky"]) == pytest.approx(2.725 * through)
    assert float(terms["atmosphere"]) == pytest.approx(277.5 * (1 - through))
    assert float(terms["moon"]) == pytest.approx(0.63 * 240 * through, rel=2e-3)
    total = system_noise_k(DISH, everything, air(), X_BAND_HZ, around)
    assert float(total) == pytest.approx(sum(float(noise) for noise in terms.values()))


@pytest.mark.parametrize("source", ["moon", "sun", "atmosphere"])
def test_a_source_without_its_geometry_is_refused(source):
    listening = receiver(noise_temperature_k=30, adds=[source])
    with pytest.raises(ValueError, match="the geometry does not give it"):
        system_noise_k(DISH, listening, air() if source == "atmosphere" else None, 8e9, NOWHERE)


def test_the_galaxy_is_loud_at_uhf_and_silent_at_x_band():
    # 52 - 23 log 408 = -8.05 dB over 290 K
    assert galactic_noise_k(408e6) == pytest.approx(45.5, abs=0.2)
    assert galactic_noise_k(8.4e9) < 0.1


def test_the_quiet_sun_gives_its_flux_at_10_7_cm():
    # 70 solar flux units of 1e-22 W/m2/Hz over the disc's 6.8e-5 sr: 2 k T omega / lambda^2
    kelvin = sun_brightness_k(2.8e9)
    flux = 2 * 1.380649e-23 * kelvin * 6.8e-5 / 0.107**2
    assert flux * 1e22 == pytest.approx(70.0, rel=0.15)


def test_the_atmosphere_grows_with_the_cosecant_and_the_weather():
    assert zenith_attenuation_db(air(weather=0.7)) == pytest.approx(0.4)
    assert attenuation_db(air(), [90.0, 30.0]) == pytest.approx([0.6, 1.2])
    assert attenuation_db(air(), 0.0) == attenuation_db(air(), 2.0)
    assert attenuation_db(None, [10.0, 20.0]) == pytest.approx([0.0, 0.0])
    assert np.all(np.diff(atmosphere_noise_k(air(), np.linspace(5, 90, 50))) < 0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"distribution": [0, 0.5]}, "2 values of distribution and 3"),
        ({"distribution": [0, 0.9, 0.5]}, "not sorted"),
        ({"weather": 0.95}, "outside the atmosphere's rows from 0 to 0.9"),
    ],
)
def test_wrong_atmospheres_are_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        air(**values)
