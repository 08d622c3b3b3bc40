"""Channel codes as curves of error rate against Eb/N0, and what framing leaves of a rate.

The information rate is the rate at the input of the channel code, that is of whole transfer frames;
Eb is the energy of one of its bits.
"""

from functools import cache
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from sim.parameters import Efficiency, Name, Parameters

Floats = NDArray[np.float64]

Bits = Annotated[int, Field(gt=0)]

TM_HEADER_BITS = 48
"""Primary header of a telemetry transfer frame; CCSDS 132.0-B-3, section 4.1.2."""
AOS_HEADER_BITS = 48
"""Primary header of an AOS transfer frame without its optional error control; CCSDS 732.0-B-4, section 4.1.2."""
AOS_PACKET_POINTER_BITS = 16
"""Header of the multiplexing protocol data unit of packets; CCSDS 732.0-B-4, section 4.1.4.2."""
CONTROL_FIELD_BITS = 32
"""Operational control field; CCSDS 132.0-B-3, section 4.1.5."""
ERROR_CONTROL_BITS = 16
"""Frame error control field; CCSDS 132.0-B-3, section 4.1.6."""


class CurvePoint(Parameters):
    """One row of a curve."""

    eb_n0_db: Annotated[float, Field(ge=-10.0, le=40.0)]
    error_rate: Annotated[float, Field(gt=0.0, le=1.0)]


class Code(Parameters):
    """A channel code: its sizes, and its errors against Eb/N0.

    The error unit is the codeword; a transfer frame is `codewords_per_frame` of them, and fails
    when any of them does. Where the source counts bit errors, `error_bits` (the mean number of wrong
    bits in a wrong codeword) turns them into codewords.
    """

    name: Name
    information_bits: Bits
    """Information bits of a codeword."""
    coded_bits: Bits
    """Channel symbols of a codeword, as bits after all coding."""
    codewords_per_frame: Bits = 1
    sync_marker_bits: Annotated[int, Field(ge=0)] = 32
    """Attached sync marker, as channel bits before each frame; CCSDS 131.0-B-5."""
    error_kind: Literal["codeword", "bit"] = "codeword"
    """What the curve's error rate counts."""
    error_bits: Annotated[float, Field(ge=1.0)] = 1.0
    curve: Annotated[tuple[CurvePoint, ...], Field(min_length=2)]
    frame_error_rate: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Frame error rate at which a link calls the code closed, unless the link says another."""
    max_symbol_rate_sps: Annotated[int, Field(gt=0)] | None = None
    recalled: bool = False
    """Whether the curve is recalled and not read in a source: usable, never a target of a test."""
    source: str = ""

    @model_validator(mode="after")
    def _check_curve(self) -> Self:
        for before, after in pairwise(self.curve):
            if not (before.eb_n0_db < after.eb_n0_db and before.error_rate > after.error_rate):
                raise ValueError(
                    f"the curve of code '{self.name}' does not fall at {after.eb_n0_db:g} dB; "
                    "sort its rows by eb_n0_db, with falling error_rate"
                )
        if self.coded_bits < self.information_bits:
            raise ValueError(
                f"code '{self.name}' has {self.coded_bits} coded_bits for {self.information_bits} "
                "information_bits; a code cannot have a rate above 1"
            )
        return self

    @property
    def rate(self) -> float:
        """Information bits per channel bit, without the sync marker."""
        return self.information_bits / self.coded_bits

    @property
    def frame_bits(self) -> int:
        """Information bits of a transfer frame."""
        return self.information_bits * self.codewords_per_frame

    @property
    def frame_channel_bits(self) -> int:
        """Channel bits of a transfer frame with its sync marker."""
        return self.coded_bits * self.codewords_per_frame + self.sync_marker_bits


class FramingParameters(Parameters):
    """The transfer frame around user data: telemetry (TM) or AOS."""

    kind: Literal["tm", "aos"] = "tm"
    control_field: bool = True
    """Whether each frame ends with the operational control field."""
    error_control: bool = False
    """Whether each frame ends with a checksum; optional under Reed-Solomon, needed with turbo."""

    @property
    def overhead_bits(self) -> int:
        """Bits of a frame that are not user data."""
        header = TM_HEADER_BITS if self.kind == "tm" else AOS_HEADER_BITS + AOS_PACKET_POINTER_BITS
        control = CONTROL_FIELD_BITS if self.control_field else 0
        return header + control + (ERROR_CONTROL_BITS if self.error_control else 0)


@cache
def _curve(code: Code) -> tuple[Floats, Floats]:
    """Eb/N0 and the natural logarithm of the error rate that the curve counts, both (N,)."""
    eb_n0 = np.array([row.eb_n0_db for row in code.curve])
    return eb_n0, np.log([row.error_rate for row in code.curve])


def _counted_error_rate(code: Code, eb_n0_db: ArrayLike) -> Floats:
    """Error rate that the curve counts, log-linear between its rows; any shape.

    Below the first row the first slope is kept up to 1; beyond the last row the last value stays,
    because nothing is known of the error floor.
    """
    eb_n0, log_errors = _curve(code)
    wanted = np.asarray(eb_n0_db, dtype=float)
    inside = np.interp(wanted, eb_n0, log_errors)
    slope = (log_errors[1] - log_errors[0]) / (eb_n0[1] - eb_n0[0])
    before = np.minimum(log_errors[0] + slope * (wanted - eb_n0[0]), 0.0)
    return np.asarray(np.exp(np.where(wanted < eb_n0[0], before, inside)))


def _any_of(error_rate: ArrayLike, count: float) -> Floats:
    """Probability that any of `count` independent parts fails."""
    return np.asarray(-np.expm1(count * np.log1p(-np.minimum(error_rate, 1.0 - 1e-15))))


def _counts_per_frame(code: Code) -> float:
    """Independent chances of an error, as the curve counts them, in a frame."""
    if code.error_kind == "codeword":
        return code.codewords_per_frame
    return code.frame_bits / code.error_bits


def codeword_error_rate(code: Code, eb_n0_db: ArrayLike) -> Floats:
    """Codeword error rate; any shape."""
    return _any_of(
        _counted_error_rate(code, eb_n0_db), _counts_per_frame(code) / code.codewords_per_frame
    )


def frame_error_rate(code: Code, eb_n0_db: ArrayLike) -> Floats:
    """Frame error rate: any codeword wrong, taken as independent (an upper bound); any shape."""
    return _any_of(_counted_error_rate(code, eb_n0_db), _counts_per_frame(code))


def bit_error_rate(code: Code, eb_n0_db: ArrayLike) -> Floats:
    """Bit error rate; from codewords by the mean wrong bits of a wrong one; any shape."""
    errors = _counted_error_rate(code, eb_n0_db)
    return (
        errors * code.error_bits / code.information_bits
        if code.error_kind == "codeword"
        else errors
    )


def required_eb_n0_db(code: Code, frame_error_rate: float | None = None) -> float:
    """Eb/N0 at which the frame error rate falls to the one wanted (the code's own if none).

    Errors: a rate below the end of the curve, where the code is not known.
    """
    wanted = code.frame_error_rate if frame_error_rate is None else frame_error_rate
    eb_n0, log_errors = _curve(code)
    log_wanted = float(np.log(-np.expm1(np.log1p(-wanted) / _counts_per_frame(code))))
    if log_wanted < log_errors[-1]:
        last = float(_any_of(np.exp(log_errors[-1]), _counts_per_frame(code)))
        raise ValueError(
            f"the frame error rate {wanted:.3g} lies below the curve of code '{code.name}', "
            f"which ends at {last:.3g}; ask for at least that"
        )
    if log_wanted > log_errors[0]:
        slope = (log_errors[1] - log_errors[0]) / (eb_n0[1] - eb_n0[0])
        return float(eb_n0[0] + (log_wanted - log_errors[0]) / slope)
    return float(np.interp(-log_wanted, -log_errors, eb_n0))


def sync_loss_db(code: Code) -> float:
    """Share of the power that the sync markers take."""
    channel_bits = code.frame_channel_bits
    return float(10.0 * np.log10(channel_bits / (channel_bits - code.sync_marker_bits)))


def symbol_rate_sps(code: Code, rate_bps: ArrayLike) -> Floats:
    """Channel bits per second at an information rate, sync markers included."""
    return np.asarray(rate_bps, dtype=float) * (code.frame_channel_bits / code.frame_bits)


def information_rate_bps(code: Code, symbol_rate_sps: float) -> int:
    """Whole information bits per second at a rate of channel bits, sync markers included."""
    return int(symbol_rate_sps * code.frame_bits / code.frame_channel_bits)


def user_data_share(code: Code, framing: FramingParameters) -> Efficiency:
    """Share of an information rate that is user data: frames less headers and trailers."""
    return 1.0 - framing.overhead_bits / code.frame_bits


def user_data_rate_bps(code: Code, framing: FramingParameters, rate_bps: ArrayLike) -> Floats:
    """User data per second at an information rate."""
    return np.asarray(rate_bps, dtype=float) * user_data_share(code, framing)
