import numpy as np
import pytest
from radios import channel, hearer, sender

from sim.physics.budgets import link_budget
from sim.physics.links import LinkGeometry, carrier_to_noise_dbhz, margin_db

LADDER = [1400, 50_000, 280_000, 555_000]
GEOMETRY = LinkGeometry(
    range_km=79_000.0,
    source_elevation_deg=35.0,
    range_rate_km_s=-0.5,
    range_acceleration_km_s2=1e-6,
)


def budget(rate=None, **values):
    radio = channel(sender(15, 20), hearer(44, 400), rates_bps=LADDER, **values)
    return radio, link_budget(radio, GEOMETRY, rate)


def test_the_lines_add_up_to_what_the_rates_are_chosen_by():
    radio, table = budget(280_000)
    ratio = float(carrier_to_noise_dbhz(radio, GEOMETRY))
    assert table.row("pt_n0").design == pytest.approx(ratio)
    assert table.margin_db == pytest.approx(float(margin_db(radio, GEOMETRY, 280_000)))
    terms = [row for row in table.rows if not row.is_result]
    assert sum(row.design for row in terms) == pytest.approx(table.margin_db)
    assert sum(row.mean for row in terms) == pytest.approx(table.mean_margin_db)
    assert sum(row.variance for row in terms) == pytest.approx(table.sigma_db**2)


def test_every_line_lies_between_its_favourable_and_adverse_values():
    for row in budget()[1].rows:
        assert row.adverse <= row.design <= row.favourable
        assert row.adverse <= row.mean <= row.favourable
        assert row.variance >= 0.0


def test_without_a_rate_the_highest_that_closes_is_shown():
    radio, table = budget()
    assert table.closes
    assert table.rate_bps == table.closing_rate_bps == 555_000
    _, poor = budget(other_loss_db=60)
    assert not poor.closes
    assert (poor.rate_bps, poor.closing_rate_bps) == (1400, 0)
    assert table.needed_margin_db == pytest.approx(3.0)
    assert radio.link.closing_margin_db == 3.0


def test_margin_comes_with_its_sigmas():
    _, table = budget()
    by_hand = {
        # (f2 + a2 - f a)/18 of 0.5/-0.5 twice, 0.1/-0.2, 0.2/-0.2 twice, 0.1/-0.1 twice
        "triangular": 2 * 0.75 / 18 + 0.07 / 18 + 2 * 0.12 / 18 + 2 * 0.03 / 18,
        "uniform": 2 * 0.04 / 12,
        "gaussian": 0.01,
    }
    assert table.sigma_db == pytest.approx(np.sqrt(sum(by_hand.values())))
    spread = table.mean_margin_db - table.margin_less_sigmas_db(3)
    assert spread == pytest.approx(3 * table.sigma_db)


def test_the_rule_of_sigmas_is_the_tables_own_figure():
    radio, table = budget(closing={"rule": "sigmas", "sigmas": 2})
    assert table.closes == (table.margin_less_sigmas_db(2) >= 0)
    needed = table.margin_db - table.margin_less_sigmas_db(2)
    assert table.needed_margin_db == pytest.approx(needed)
    assert radio.link.closing.sigmas == 2


def test_a_residual_carrier_has_its_own_lines():
    modulation = {"carrier": "residual", "index_deg": 60}
    _, table = budget(555_000, modulation=modulation)
    total = table.row("pt_n0").design
    assert table.row("pc_n0").design == pytest.approx(total - 10 * np.log10(4))
    assert table.row("pd_n0").design == pytest.approx(total - 10 * np.log10(4 / 3))
    radio, slow = budget(1400, modulation={**modulation, "loop_bandwidth_hz": 1e6})
    assert slow.margin_db == slow.row("carrier_margin").design
    assert slow.margin_db == pytest.approx(float(margin_db(radio, GEOMETRY, 1400)))


def test_what_else_is_worth_reading():
    facts = {name: value for name, value, _ in budget()[1].facts}
    assert facts["light_time"] == pytest.approx(0.26352, abs=1e-4)
    assert facts["doppler"] == pytest.approx(8.4e9 * 0.5 / 299_792.458)
    assert facts["doppler_rate"] == pytest.approx(-8.4e9 * 1e-6 / 299_792.458)
    assert facts["source_elevation"] == 35.0
    assert facts["noise_system"] == pytest.approx(400.0)
    assert facts["g_over_t"] == pytest.approx(44 - 26.0206, abs=1e-3)
    assert "destination_elevation" not in facts


def test_an_unknown_line_is_refused():
    with pytest.raises(ValueError, match="no line 'gain'; there are transmit_power"):
        budget()[1].row("gain")
