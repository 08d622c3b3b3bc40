import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from radios import CONCATENATED, channel, codes, hearer, link, sender, terminal

from sim.physics.coding import required_eb_n0_db, symbol_rate_sps
from sim.physics.links import (
    Channel,
    LinkGeometry,
    carrier_to_noise_dbhz,
    closing_modes,
    closing_rate_bps,
    expected_frame_loss,
    gain_over_noise_db_k,
    held_modes,
    link_warnings,
    margin_db,
    noise_k,
    terms_db,
    user_rate_bps,
)
from sim.physics.modulation import bandwidth_hz
from sim.physics.propagation import (
    bent_pipe_dbhz,
    break_point_km,
    doppler_hz,
    doppler_rate_hz_s,
    free_space_loss_db,
    horizon_km,
    light_time_s,
    surface_reach_km,
)
from sim.physics.tolerances import Tolerance, mean_shift_db, sigma_db

LADDER = [1400, 50_000, 280_000, 555_000]


def at(range_km, **values):
    return LinkGeometry(range_km=range_km, **values)


@given(st.floats(0.1, 1e6), st.floats(1e8, 4e10))
def test_doubling_the_range_costs_six_decibels(range_km, frequency_hz):
    radio = channel(frequency_hz=frequency_hz)
    near, far = carrier_to_noise_dbhz(radio, at(np.array([range_km, 2 * range_km])))
    assert near - far == pytest.approx(20 * np.log10(2))


@given(st.floats(1e3, 1e6))
def test_margin_falls_with_rate(range_km):
    radio = channel(rates_bps=LADDER)
    margins = [float(margin_db(radio, at(range_km), rate)) for rate in LADDER]
    assert margins == sorted(margins, reverse=True)
    assert margins[1] - margins[2] == pytest.approx(10 * np.log10(280 / 50))


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=6, unique=True), st.floats(-10, 90))
def test_closing_rate_is_the_highest_with_its_margin(rates, power_dbw):
    radio = channel(sender(power_w=10 ** (power_dbw / 10)), rates_bps=sorted(rates), margin_db=2.5)
    geometry = at(np.geomspace(1.0, 1e6, 40))
    closed = [margin_db(radio, geometry, rate) >= 2.5 for rate in sorted(rates)]
    expected = np.max(np.where(closed, np.array(sorted(rates))[:, None], 0), axis=0)
    assert np.array_equal(closing_rate_bps(radio, geometry), expected)


def test_terms_add_up_and_one_instant_is_as_good_as_many():
    radio = channel(
        sender(antenna={"kind": "patch", "pointing": {"kind": "fixed", "error_deg": 2.0}}),
        hearer(antenna={"kind": "parabola", "diameter_m": 4.2}),
        rates_bps=LADDER,
    )
    ranges, angles = np.linspace(4e4, 8e4, 7), np.linspace(0, 60, 7)
    together = carrier_to_noise_dbhz(radio, at(ranges, source_off_axis_deg=angles))
    alone = [
        float(carrier_to_noise_dbhz(radio, at(r, source_off_axis_deg=a)))
        for r, a in zip(ranges, angles, strict=True)
    ]
    assert together == pytest.approx(alone)
    terms = terms_db(radio, at(ranges[0], source_off_axis_deg=angles[0]))
    assert float(sum(terms.values())) == pytest.approx(alone[0])


def test_a_budget_by_hand():
    # 10 W - 1 dB + 20 dBi; 32.45 + 20 log 8400 + 20 log 50000 = 204.92 dB; 40 dBi over 200 K
    source = terminal(
        antenna={"kind": "gain", "peak_gain_dbi": 20}, transmitter={"power_w": 10, "loss_db": 1}
    )
    radio = channel(source, hearer(40, 200), rates_bps=[50_000], polarisation_loss_db=0.5)
    expected = 10 - 1 + 20 - 204.92 - 0.5 + 40 - 23.01 + 228.60
    assert float(carrier_to_noise_dbhz(radio, at(5e4))) == pytest.approx(expected, abs=0.02)
    needed = required_eb_n0_db(codes()[CONCATENATED]) + 1.0 + 0.014
    margin = float(margin_db(radio, at(5e4), 50_000))
    assert margin == pytest.approx(expected - 46.99 - needed, abs=0.03)


def test_pointing_error_of_the_antenna_is_added_to_the_angle():
    def ratio(error_deg, off_axis_deg):
        pointing = {"kind": "tracking", "error_deg": error_deg}
        dish = {"kind": "parabola", "diameter_m": 4.2, "pointing": pointing}
        radio = channel(destination=hearer(antenna=dish))
        return float(carrier_to_noise_dbhz(radio, at(1e5, destination_off_axis_deg=off_axis_deg)))

    assert ratio(0.1, 0.05) == pytest.approx(ratio(0.0, 0.15))
    assert ratio(0.1, 0.0) < ratio(0.0, 0.0)


def test_g_over_t_is_gain_less_noise():
    radio = channel(destination=hearer(44, 400))
    assert float(gain_over_noise_db_k(radio, at(1e5))) == pytest.approx(44 - 26.0206, abs=1e-3)
    assert float(noise_k(radio, at(1e5))) == 400.0


def test_weather_and_fading_need_an_elevation():
    air = {"distribution": [0, 0.9], "zenith_attenuation_db": [0.1, 0.5]}
    radio = channel(destination=hearer(atmosphere=air))
    with pytest.raises(ValueError, match="needs an elevation for the air's attenuation"):
        carrier_to_noise_dbhz(radio, at(4e5))
    high, low = carrier_to_noise_dbhz(
        radio, at(4e5, destination_elevation_deg=np.array([90.0, 30.0]))
    )
    assert high - low == pytest.approx(0.5)
    fading = channel(fade={"allowance_db": 6, "below_elevation_deg": 10})
    with pytest.raises(ValueError, match="needs an elevation for the multipath allowance"):
        carrier_to_noise_dbhz(fading, at(4e5))
    ratios = carrier_to_noise_dbhz(
        fading, at(4e5, source_elevation_deg=np.array([-1.0, 0.0, 5.0, 10.0, 50.0]))
    )
    assert ratios[-1] - ratios == pytest.approx([6, 6, 3, 0, 0])


def test_two_rays_cost_twelve_decibels_a_doubling_beyond_the_break_point():
    path = {"kind": "two_ray", "source_height_m": 1.5, "destination_height_m": 1.5}
    radio = channel(frequency_hz=430e6, path=path)
    # 4 pi 1.5 m 1.5 m / 0.697 m
    assert break_point_km(radio.link.path, 430e6) == pytest.approx(0.04056, abs=1e-5)
    near, nearer, far, farther = carrier_to_noise_dbhz(radio, at(np.array([0.01, 0.02, 1.0, 2.0])))
    assert near - nearer == pytest.approx(6.02, abs=0.01)
    assert far - farther == pytest.approx(12.04, abs=0.01)
    # 40 log 2000 - 20 log (1.5 x 1.5) = 124.99 dB whatever the frequency
    loss = -float(terms_db(radio, at(2.0))["path_loss"])
    assert loss == pytest.approx(124.99, abs=0.02)


def test_two_masts_of_a_metre_and_a_half_see_each_other_over_four_and_a_half_kilometres():
    path = link(path={"kind": "two_ray", "source_height_m": 1.5, "destination_height_m": 1.5}).path
    assert float(horizon_km(1.5)) == pytest.approx(2.283, abs=0.001)
    assert surface_reach_km(path) == pytest.approx(4.57, abs=0.01)


@given(st.floats(20, 120), st.floats(20, 120))
def test_a_bent_pipe_is_never_better_than_its_worse_hop(first, second):
    through = float(bent_pipe_dbhz(first, second))
    assert through < min(first, second) + 1e-9
    assert through >= min(first, second) - 3.0104


def test_doppler_has_the_sign_of_approach():
    # 8.4 GHz x 1 km/s / 299792.458 km/s
    assert float(doppler_hz(8.4e9, -1.0)) == pytest.approx(28_019.4, abs=0.1)
    assert float(doppler_rate_hz_s(8.4e9, 1e-3)) == pytest.approx(-28.0194, abs=1e-4)
    assert float(light_time_s(299_792.458)) == 1.0
    assert float(free_space_loss_db(1.0, 299_792_458.0 / 1.0)) == pytest.approx(
        20 * np.log10(4 * np.pi * 1000)
    )


def test_the_rule_of_sigmas_closes_where_the_mean_less_two_sigma_is_positive():
    tolerances = {"transmit_power": {"favourable_db": 1.0, "adverse_db": -2.0}}
    radio = channel(
        rates_bps=[1000], tolerances=tolerances, closing={"rule": "sigmas", "sigmas": 2}
    )
    parameters = radio.link.tolerances
    code = codes()[CONCATENATED]
    threshold = radio.thresholds_dbhz[0]
    design = threshold - float(
        carrier_to_noise_dbhz(radio, at(1.0)) - margin_db(radio, at(1.0), 1000)
    )
    assert design + mean_shift_db(parameters) - 2 * sigma_db(parameters) == pytest.approx(0.0)
    assert code.name == radio.modes[0].code.name


def test_reserve_is_three_decibels_unless_said():
    assert link().closing_margin_db == 3.0
    assert link(margin_db=1).closing_margin_db == 1.0
    assert link(closing={"rule": "sigmas"}).closing_margin_db == 0.0


@pytest.mark.parametrize(
    ("distribution", "mean", "variance"),
    # favourable 1, adverse -2: -1/3 and (1 + 4 + 2)/18; -1/2 and 9/12; (3/6)^2
    [("triangular", -1 / 3, 7 / 18), ("uniform", -0.5, 0.75), ("gaussian", -0.5, 0.25)],
)
def test_tolerances_have_the_moments_of_their_distribution(distribution, mean, variance):
    tolerance = Tolerance(favourable_db=1.0, adverse_db=-2.0, distribution=distribution)
    assert tolerance.mean_db == pytest.approx(mean)
    assert tolerance.variance_db2 == pytest.approx(variance)


def test_moments_agree_with_drawn_samples():
    draws = np.random.default_rng(7).triangular(-2.0, 0.0, 1.0, 400_000)
    tolerance = Tolerance(favourable_db=1.0, adverse_db=-2.0, distribution="triangular")
    assert tolerance.mean_db == pytest.approx(np.mean(draws), abs=0.005)
    assert tolerance.variance_db2 == pytest.approx(np.var(draws), abs=0.005)


def test_hysteresis_delays_the_way_up_and_never_the_way_down():
    radio = channel(rates_bps=LADDER, hysteresis_db=1.0)
    up, down = np.linspace(20, 80, 601), np.linspace(80, 20, 601)
    closed_up, held_up = closing_modes(radio, up), held_modes(radio, up)
    assert np.all(held_up <= closed_up)
    delay = [np.argmax(held_up == k) - np.argmax(closed_up == k) for k in range(1, 5)]
    assert delay == pytest.approx([10, 10, 10, 10], abs=1)
    assert np.array_equal(held_modes(radio, down), closing_modes(radio, down))
    assert held_modes(radio, np.array([80.0]))[0] == 4


def test_hysteresis_of_nothing_changes_nothing():
    radio = channel(rates_bps=LADDER)
    ratio = 50 + 25 * np.sin(np.linspace(0, 30, 2000))
    assert np.array_equal(held_modes(radio, ratio), closing_modes(radio, ratio))


def test_variable_coding_takes_the_highest_rate_that_closes():
    names = ["turbo_1784_1_6", "turbo_1784_1_2", "conv_7_7_8_rs_255_223_i5"]
    radio = channel(coding=names, symbol_rates_sps=[1_000_000])
    assert [mode.code.name for mode in radio.modes] == names
    for mode in radio.modes:
        assert float(symbol_rate_sps(mode.code, mode.rate_bps)) == pytest.approx(1e6, rel=1e-4)
    strong, weak = radio.thresholds_dbhz[0] - 0.1, radio.thresholds_dbhz[2] + 20
    assert closing_modes(radio, [strong, weak]).tolist() == [0, 3]
    assert np.all(np.diff(radio.thresholds_dbhz) > 0)
    assert np.all(np.diff(radio.rates_bps) > 0)


def test_a_mode_that_nobody_would_choose_is_left_out():
    both = channel(coding=["turbo_1784_1_2", "turbo_1784_1_6"], rates_bps=[1000, 2000])
    assert {mode.code.name for mode in both.modes} == {"turbo_1784_1_6"}


def test_a_residual_carrier_takes_power_from_the_data_and_must_lock():
    modulation = {"carrier": "residual", "index_deg": 60, "implementation_loss_db": 0}
    rates = [8, 4000]
    plain = channel(rates_bps=rates, modulation={"implementation_loss_db": 0})
    residual = channel(rates_bps=rates, modulation=modulation)
    # sin^2 60 deg = 3/4
    shift = float(margin_db(plain, at(1e4), 4000) - margin_db(residual, at(1e4), 4000))
    assert shift == pytest.approx(10 * np.log10(4 / 3))
    # slow data wait for the loop: 10 dB in 50 Hz, a quarter of the power in the carrier
    locked = float(carrier_to_noise_dbhz(residual, at(1e4)) - margin_db(residual, at(1e4), 8))
    assert locked == pytest.approx(10 + 10 * np.log10(50) + 10 * np.log10(4))


def test_frames_are_lost_by_the_curve():
    radio = channel(rates_bps=[1000])
    tight = at(1.0)
    spare = float(margin_db(radio, tight, 1000))
    edge = at(10 ** (spare / 20))
    assert float(expected_frame_loss(radio, edge, 1000)) == pytest.approx(1e-5, rel=1e-3)
    assert float(expected_frame_loss(radio, at(10 ** (spare / 20 + 1)), 1000)) == 1.0


def test_user_data_are_less_than_the_rate():
    radio = channel(rates_bps=[555_000])
    assert user_rate_bps(radio, 555_000) == 555_000 * (8920 - 80) // 8920


def test_a_band_beyond_the_allocation_and_a_recalled_code_are_warnings():
    wide = channel(frequency_hz=8.475e9, rates_bps=[50_000_000])
    assert "leaves the allocation of 8450-8500 MHz" in link_warnings(wide)[0]
    assert float(bandwidth_hz(wide.link.modulation, 1e6)) == 2e6
    assert link_warnings(channel(frequency_hz=8.475e9, rates_bps=[1000])) == []
    recalled = channel(coding="ldpc_c2_8160_7136")
    assert link_warnings(recalled) == [
        "link from 'lander.radio': the curve of 'ldpc_c2_8160_7136' is recalled"
    ]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rates_bps": [2000, 1000]}, "do not rise"),
        ({"rates_bps": []}, "at least 1 item"),
        ({"rates_bps": [1000], "symbol_rates_sps": [1000]}, "exactly one of rates_bps"),
        ({"modulation": {"carrier": "residual"}}, "index_deg belongs to a residual carrier"),
        (
            {"modulation": {"kind": "qpsk", "carrier": "residual", "index_deg": 60}},
            "a residual carrier is modulated with bpsk",
        ),
        ({"frequency_hz": -1}, "greater than or equal"),
    ],
)
def test_wrong_links_are_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        link(**values)


def test_a_terminal_is_good_for_something():
    with pytest.raises(ValidationError, match="needs a transmitter, a receiver or both"):
        terminal(antenna={"kind": "gain", "peak_gain_dbi": 3})


def test_a_channel_that_cannot_be_names_both_ends():
    ends = r"the link from 'lander.radio' to 'relay.dish' "
    dish = {"kind": "gain", "peak_gain_dbi": 40, "frequency_min_hz": 2e9, "frequency_max_hz": 2.4e9}
    with pytest.raises(ValueError, match=ends + "does not fit 'relay.dish': 8400 MHz is outside"):
        channel(destination=hearer(antenna=dish))
    with pytest.raises(ValueError, match=ends + "does not fit 'lander.radio'"):
        channel(sender(antenna=dish))
    with pytest.raises(ValueError, match=ends + "has no transmitter at 'lander.radio'"):
        channel(hearer())
    with pytest.raises(ValueError, match=ends + "has no receiver at 'relay.dish'"):
        channel(destination=sender())
    with pytest.raises(ValueError, match=ends + "uses the unknown code 'conv_8'; there are conv_7"):
        channel(coding="conv_8")
    limited = codes()[CONCATENATED].model_copy(update={"max_symbol_rate_sps": 1000})
    with pytest.raises(ValueError, match=ends + "has no rate within the symbol rates"):
        Channel.of(link(rates_bps=[5000]), sender(), hearer(), {CONCATENATED: limited})
    with pytest.raises(ValueError, match="has no rate of 7 b/s; it has 1000"):
        margin_db(channel(), at(1.0), 7)
