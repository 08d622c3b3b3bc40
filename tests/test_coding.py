import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from radios import CONCATENATED, codes
from scipy.stats import norm

from sim.physics.coding import (
    Code,
    FramingParameters,
    bit_error_rate,
    codeword_error_rate,
    frame_error_rate,
    information_rate_bps,
    required_eb_n0_db,
    symbol_rate_sps,
    sync_loss_db,
    user_data_rate_bps,
)

NAMES = sorted(codes())


@pytest.mark.parametrize("name", NAMES)
def test_errors_fall_with_eb_n0_and_the_threshold_inverts_them(name):
    code = codes()[name]
    eb_n0 = np.linspace(-5.0, 20.0, 2501)
    errors = frame_error_rate(code, eb_n0)
    assert np.all(np.diff(errors) <= 0.0)
    assert errors[0] > 0.99
    threshold = required_eb_n0_db(code)
    assert float(frame_error_rate(code, threshold)) == pytest.approx(
        code.frame_error_rate, rel=1e-6
    )


@given(st.sampled_from(NAMES), st.floats(1e-3, 0.9))
def test_a_smaller_frame_error_rate_needs_more(name, wanted):
    code = codes()[name]
    more = required_eb_n0_db(code, wanted)
    assert more < required_eb_n0_db(code)
    assert float(frame_error_rate(code, more)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_code_names_its_source_and_says_if_it_is_recalled(name):
    code = codes()[name]
    assert code.source
    assert code.recalled == ("recalled" in code.source)


def test_nothing_better_than_the_last_row_is_promised():
    code = codes()["turbo_1784_1_2"]
    assert float(codeword_error_rate(code, 30.0)) == pytest.approx(code.curve[-1].error_rate)
    with pytest.raises(ValueError, match="lies below the curve of code 'turbo_1784_1_2'"):
        required_eb_n0_db(code, 1e-9)


def test_uncoded_curve_is_the_tail_of_the_normal_distribution():
    code = codes()["uncoded"]
    eb_n0 = np.array([2.0, 6.0, 9.5, 12.0])
    exact = norm.sf(np.sqrt(2.0 * 10.0 ** (eb_n0 / 10.0)))
    assert bit_error_rate(code, eb_n0) == pytest.approx(exact, rel=0.02)


def test_rates_count_parity_and_sync_marker():
    code = codes()[CONCATENATED]
    # five codewords of 255 bytes, all coded twice, after a marker of 32 bits coded twice
    assert code.frame_bits == 8920
    assert code.frame_channel_bits == 20_464
    assert code.rate == pytest.approx(223 / 510)
    assert symbol_rate_sps(code, 8920) == pytest.approx(20_464)
    assert sync_loss_db(code) == pytest.approx(10 * np.log10(20_464 / 20_400))
    assert information_rate_bps(code, 20_464.0) == 8920


def test_user_data_is_what_headers_leave():
    code = codes()[CONCATENATED]
    telemetry = FramingParameters(kind="tm", control_field=True, error_control=False)
    assert user_data_rate_bps(code, telemetry, 8920) == pytest.approx(8920 - 48 - 32)
    aos = FramingParameters(kind="aos", control_field=False, error_control=True)
    assert user_data_rate_bps(code, aos, 8920) == pytest.approx(8920 - 48 - 16 - 16)


def test_stronger_codes_need_less():
    thresholds = {name: required_eb_n0_db(code, 3e-4) for name, code in codes().items()}
    order = ["turbo_1784_1_6", "turbo_1784_1_4", "turbo_1784_1_3", "turbo_1784_1_2"]
    order += [CONCATENATED, "conv_7_2_3_rs_255_223_i5", "conv_7_7_8_rs_255_223_i5", "uncoded"]
    needed = [thresholds[name] for name in order]
    assert needed == sorted(needed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"coded_bits": 5}, "cannot have a rate above 1"),
        (
            {
                "curve": [
                    {"eb_n0_db": 2, "error_rate": 1e-2},
                    {"eb_n0_db": 1, "error_rate": 1e-3},
                ]
            },
            "does not fall at 1 dB",
        ),
        (
            {
                "curve": [
                    {"eb_n0_db": 1, "error_rate": 1e-3},
                    {"eb_n0_db": 2, "error_rate": 1e-2},
                ]
            },
            "does not fall at 2 dB",
        ),
    ],
)
def test_wrong_codes_are_refused(change, words):
    with pytest.raises(ValidationError, match=words):
        Code.model_validate_json(
            json.dumps({**codes()["uncoded"].model_dump(mode="json"), **change})
        )
