"""Links against published figures and hand calculation."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from radios import CONCATENATED, antenna, channel, codes, hearer, link, sender, station

from sim.physics.antennas import half_power_beamwidth_deg, peak_gain_dbi, pointing_loss_db
from sim.physics.budgets import link_needs
from sim.physics.coding import Code, bit_error_rate, codeword_error_rate, required_eb_n0_db
from sim.physics.links import (
    Channel,
    LinkGeometry,
    carrier_to_noise_dbhz,
    closing_rate_bps,
    gain_over_noise_db_k,
    noise_k,
)
from sim.physics.propagation import free_space_loss_db
from sim.physics.terminals import TerminalParameters
from sim.scenario.parts import group_data

LOSS_TOLERANCE_DB = 0.005
GAIN_TOLERANCE_DB = 0.1
NOISE_TOLERANCE_K = 0.3
THRESHOLD_TOLERANCE_DB = 0.1
OTHER_SIMULATOR_TOLERANCE_DB = 0.1

MOON_RADIUS_SEEN_DEG = 0.26


def test_free_space_loss_of_the_moon_at_x_band():
    assert float(free_space_loss_db(384_400.0, 8.4e9)) == pytest.approx(
        222.63, abs=LOSS_TOLERANCE_DB
    )


def test_large_dishes_by_hand():
    """NTRS 19890018533 and DSN 810-005: gains imply 74 % (34 m) and 66 % (70 m) at X band."""
    dish = antenna("parabola", diameter_m=34, efficiency=0.66)
    assert peak_gain_dbi(dish, 8.4e9) == pytest.approx(67.7, abs=GAIN_TOLERANCE_DB)
    width = half_power_beamwidth_deg(dish, 8.4e9)
    assert width == pytest.approx(0.0735, abs=1e-4)
    assert float(pointing_loss_db(dish, 8.4e9, 0.01)) == pytest.approx(0.22, abs=0.005)
    measured = antenna("parabola", diameter_m=34, efficiency=0.74)
    assert peak_gain_dbi(measured, 8.42e9) == pytest.approx(68.24, abs=GAIN_TOLERANCE_DB)
    seventy = antenna("parabola", diameter_m=70, efficiency=0.68)
    assert peak_gain_dbi(seventy, 8.42e9) == pytest.approx(74.18, abs=GAIN_TOLERANCE_DB)


def listening(name, band, **changes):
    """A station of the catalogue with other weather or other sources of noise."""
    written = station(name, band).model_dump(mode="json")
    for key, value in changes.items():
        part, _, inner = key.partition("__")
        written[part][inner] = value
    terminal = TerminalParameters.model_validate_json(json.dumps(written))
    frequency_hz = {"s_band": 2.24e9, "x_band": 8.42e9, "k_band": 26.25e9}[band]
    return channel(destination=terminal, frequency_hz=frequency_hz)


def seen_from_earth(elevation_deg=45.0, moon_angle_deg=60.0):
    return LinkGeometry(
        range_km=384_400.0,
        destination_elevation_deg=elevation_deg,
        moon_angle_deg=moon_angle_deg,
        moon_radius_deg=MOON_RADIUS_SEEN_DEG,
        sun_angle_deg=120.0,
        sun_radius_deg=0.267,
    )


@pytest.mark.parametrize(
    ("name", "kelvin", "db_k"), [("dss_24_34m", 36.4, 52.6), ("dss_14_70m", 18.0, 62.0)]
)
def test_dsn_stations_at_x_band(name, kelvin, db_k):
    """DSN 810-005 modules 101, 104, 105: at 45 deg, weather of 25 %."""
    radio = listening(name, "x_band", atmosphere__weather=0.25)
    assert float(noise_k(radio, seen_from_earth())) == pytest.approx(kelvin, abs=NOISE_TOLERANCE_K)
    found = float(gain_over_noise_db_k(radio, seen_from_earth()))
    assert found == pytest.approx(db_k, abs=GAIN_TOLERANCE_DB)


@pytest.mark.parametrize(
    ("band", "frequency_hz", "quiet_k", "loss_db"),
    [
        ("k", 26e9, 75.0, 4.8),
        ("k", 26e9, 60.0, 5.4),
        ("x", 8.4e9, 36.4, 7.1),
        ("x", 8.4e9, 18.0, 9.7),
    ],
)
def test_the_moon_in_the_beam(band, frequency_hz, quiet_k, loss_db):
    """DSN 810-005 module 105E section 2.4.2: 150 K; loss 10 log((T + 150)/T)."""
    diameter = 70 if quiet_k == 18.0 else 34
    dish = {"kind": "parabola", "diameter_m": diameter}
    receiver = {"noise_temperature_k": quiet_k, "adds": ["moon"]}
    noisy = TerminalParameters.model_validate_json(
        json.dumps({"antenna": dish, "receiver": receiver})
    )
    radio = channel(destination=noisy, frequency_hz=frequency_hz)
    away, centred = (
        float(gain_over_noise_db_k(radio, seen_from_earth(moon_angle_deg=angle)))
        for angle in (60.0, 0.0)
    )
    assert away - centred == pytest.approx(loss_db, abs=0.1), band


def test_a_halo_relay_beside_the_disc_is_at_side_lobe_level():
    radio = listening("jiamusi_66m", "s_band")
    quiet = float(noise_k(radio, seen_from_earth(moon_angle_deg=60.0)))
    beside = float(noise_k(radio, seen_from_earth(moon_angle_deg=2.0)))
    assert 0.0 < beside - quiet < 1.0


@pytest.mark.parametrize(
    ("name", "db"),
    [
        (CONCATENATED, 2.33),
        ("conv_7_2_3_rs_255_223_i5", 3.05),
        ("conv_7_3_4_rs_255_223_i5", 3.6),
        ("conv_7_5_6_rs_255_223_i5", 4.3),
        ("conv_7_7_8_rs_255_223_i5", 4.9),
        ("uncoded", 9.6),
    ],
)
def test_bit_error_rate_of_1e_5(name, db):
    """CCSDS 130.1-G-3, figure 6-7; uncoded: the tail of the normal distribution."""
    code = codes()[name]
    assert not code.recalled
    eb_n0 = np.linspace(0.0, 12.0, 12_001)
    found = eb_n0[np.argmax(bit_error_rate(code, eb_n0) <= 1e-5)]
    assert found == pytest.approx(db, abs=THRESHOLD_TOLERANCE_DB)


def test_concatenated_codewords():
    """CCSDS 130.1-G-3, figure 6-8."""
    rates = codeword_error_rate(codes()[CONCATENATED], [2.3, 2.4, 2.6])
    assert rates == pytest.approx([8.2e-4, 7.0e-5, 8e-7], rel=0.02)


@pytest.mark.parametrize(
    ("name", "db"),
    [
        ("turbo_1784_1_2", 1.47),
        ("turbo_1784_1_3", 0.80),
        ("turbo_1784_1_4", 0.59),
        ("turbo_1784_1_6", 0.29),
    ],
)
def test_turbo_codes_at_a_frame_error_rate_of_1e_4(name, db):
    """CCSDS 130.1-G-3, figure 7-6; the curve of rate 1/3 ends at 1.09e-4."""
    wanted = 1.1e-4 if name == "turbo_1784_1_3" else 1e-4
    found = required_eb_n0_db(codes()[name], wanted)
    assert found == pytest.approx(db, abs=THRESHOLD_TOLERANCE_DB)


def queqiao_to(name):
    helix = {"antenna": group_data("antennas")["queqiao_s_helix"]}
    return channel(
        sender(power_w=43, **helix),
        station(name, "s_band"),
        frequency_hz=2.24e9,
        rates_bps=[1_000_000, 2_000_000, 4_000_000, 10_000_000],
        margin_db=3,
    )


def test_ten_megabits_close_at_66_m_and_drop_to_four_at_35_m_at_maximum_range():
    far = LinkGeometry(
        range_km=450_000.0,
        destination_elevation_deg=45.0,
        moon_angle_deg=3.0,
        moon_radius_deg=MOON_RADIUS_SEEN_DEG,
        sun_angle_deg=90.0,
        sun_radius_deg=0.267,
    )
    assert int(closing_rate_bps(queqiao_to("jiamusi_66m"), far)) == 10_000_000
    assert int(closing_rate_bps(queqiao_to("kashi_35m"), far)) == 4_000_000
    for name, db_k in (("kashi_35m", 37.6), ("jiamusi_66m", 43.1)):
        found = float(gain_over_noise_db_k(queqiao_to(name), far))
        assert found == pytest.approx(db_k, abs=0.05)


def test_range_of_the_halo_swings_x_band_by_four_and_a_half_decibels():
    near, far = free_space_loss_db([47_000.0, 79_000.0], 8.4e9)
    assert (near, far) == pytest.approx((204.4, 208.9), abs=0.05)


LUSEE_ERROR_DEG = {2000.0: 6.0, 9000.0: 2.5}
"""Pointing error of the relay's antenna by range (km); LuSEE-Night opsim, hardware/comm.py."""


def lusee(range_km):
    """LuSEE-Night's transmitter at 30 deg elevation: 13 dBW EIRP and 0 dBi."""
    table = group_data("antennas")["pathfinder_s_dish"]
    error = {"kind": "tracking", "error_deg": LUSEE_ERROR_DEG[range_km]}
    noise_k = 10**2.68
    receiver = hearer(noise_k=noise_k, antenna={**table, "pointing": error})
    code = Code.model_validate_json(
        json.dumps(
            {
                "name": "lusee",
                "information_bits": 6624,
                "coded_bits": 10_000,
                "sync_marker_bits": 0,
                "frame_error_rate": 1e-5,
                "curve": [
                    {"eb_n0_db": 1.9, "error_rate": 1e-3},
                    {"eb_n0_db": 2.1, "error_rate": 1e-5},
                ],
            }
        )
    )
    parameters = link(
        frequency_hz=2.25e9,
        coding="lusee",
        symbol_rates_sps=[1000 * 2**n for n in range(5, 9)],
        margin_db=3,
        # a return loss of 15 dB reflects 3.16 % of the power
        other_loss_db=float(-10 * np.log10(1 - 10**-1.5)),
    )
    return Channel.of(parameters, sender(power_w=10**1.3), receiver, {"lusee": code})


@pytest.mark.parametrize(
    ("range_km", "dbhz", "rate_bps"), [(2000.0, 68.06, 169_574), (9000.0, 57.49, 84_787)]
)
def test_lusee_night_agrees_with_its_own_simulator(range_km, dbhz, rate_bps):
    """LuSEE-Night opsim: another code, not a measurement."""
    geometry = LinkGeometry(range_km=range_km)
    found = float(carrier_to_noise_dbhz(lusee(range_km), geometry))
    assert found == pytest.approx(dbhz, abs=OTHER_SIMULATOR_TOLERANCE_DB)
    assert int(closing_rate_bps(lusee(range_km), geometry)) == rate_bps


@pytest.mark.parametrize(
    ("kelvin", "rate_bps", "eirp_dbw"),
    [(350, 555_000, 25.8), (400, 555_000, 26.4), (500, 285_000, 24.5), (400, 285_000, 23.5)],
)
def test_what_the_halo_asks_of_lander_and_rover(kelvin, rate_bps, eirp_dbw):
    """By hand: rate + 2.56 + 0.01 + 1 + 3 dB against 208.95 dB, 44 dBi and 228.60 dB."""
    halo = LinkGeometry(range_km=np.array([47_000.0, 79_000.0]))
    radio = channel(sender(15, 20), hearer(44, kelvin), frequency_hz=8.47e9, rates_bps=[rate_bps])
    needs = link_needs(radio, halo, rate_bps)
    by_hand = 10 * np.log10(rate_bps) + 6.57 + 208.95 - 44 + 10 * np.log10(kelvin) - 228.60
    assert needs.needed_eirp_dbw == pytest.approx(by_hand, abs=0.02)
    assert needs.needed_eirp_dbw == pytest.approx(eirp_dbw, abs=0.06)
    has_g_over_t = 44 - 10 * np.log10(kelvin)
    assert needs.needed_g_over_t_db_k == pytest.approx(
        has_g_over_t + by_hand - needs.eirp_dbw, abs=0.02
    )


def test_the_page_on_links_runs_and_lists_the_codes(monkeypatch, capsys):
    root = Path(__file__).parents[1]
    page = (root / "docs" / "links.md").read_text()
    monkeypatch.chdir(root)
    for block in re.findall(r"```python\n(.*?)```", page, re.S):
        exec(compile(block, "docs/links.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "[555000 555000]"
    for name, code in codes().items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"{required_eb_n0_db(code):.2f}" in row
