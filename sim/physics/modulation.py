"""Modulation: how the transmitted power is shared by carrier and data, and the band it takes."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from sim.parameters import NonNegative, Parameters, Positive

Floats = NDArray[np.float64]

_BITS_PER_SYMBOL = {"bpsk": 1, "qpsk": 2, "oqpsk": 2}

ALLOCATIONS_HZ = (
    (2025e6, 2110e6),
    (2200e6, 2290e6),
    (7190e6, 7235e6),
    (8450e6, 8500e6),
    (25.5e9, 27.0e9),
)
"""Bands of space research near the Earth, both directions; ITU Radio Regulations, article 5."""


class ModulationParameters(Parameters):
    """Phase modulation of a carrier that is left over (residual) or fully used up (suppressed)."""

    kind: Literal["bpsk", "qpsk", "oqpsk"] = "bpsk"
    carrier: Literal["suppressed", "residual"] = "suppressed"
    index_deg: Annotated[float, Field(gt=0.0, lt=90.0)] | None = None
    """Peak phase of the data on a residual carrier: square wave, so Pd = Pt sin^2, Pc = Pt cos^2."""
    implementation_loss_db: NonNegative = 1.0
    """Loss of the real receiver against the code's curve; assumed."""
    loop_bandwidth_hz: Positive = 50.0
    """Bandwidth of the loop that tracks a residual carrier; assumed."""
    loop_snr_db: NonNegative = 10.0
    """Carrier power over noise in that loop needed for lock; assumed."""

    @model_validator(mode="after")
    def _check_carrier(self) -> Self:
        if self.carrier == "residual" and self.kind != "bpsk":
            raise ValueError(
                f"a residual carrier is modulated with bpsk, not {self.kind}; suppress the carrier"
            )
        if (self.carrier == "residual") != (self.index_deg is not None):
            raise ValueError(
                "index_deg belongs to a residual carrier and is needed there; give both or neither"
            )
        return self


def data_suppression_db(modulation: ModulationParameters) -> float:
    """Loss of the data against the total power, Pt/Pd; zero for a suppressed carrier."""
    if modulation.index_deg is None:
        return 0.0
    return float(-20.0 * np.log10(np.sin(np.radians(modulation.index_deg))))


def carrier_suppression_db(modulation: ModulationParameters) -> float | None:
    """Loss of the carrier against the total power, Pt/Pc; none for a suppressed carrier."""
    if modulation.index_deg is None:
        return None
    return float(-20.0 * np.log10(np.cos(np.radians(modulation.index_deg))))


def required_loop_dbhz(modulation: ModulationParameters) -> float | None:
    """Pt/N0 at which the loop on a residual carrier locks; none for a suppressed carrier."""
    suppression = carrier_suppression_db(modulation)
    if suppression is None:
        return None
    bandwidth_dbhz = float(10.0 * np.log10(modulation.loop_bandwidth_hz))
    return suppression + modulation.loop_snr_db + bandwidth_dbhz


def bandwidth_hz(modulation: ModulationParameters, symbol_rate_sps: ArrayLike) -> Floats:
    """Band of the main lobe, null to null: twice the rate of phase symbols; `symbol_rate_sps` in channel bits."""
    bits = _BITS_PER_SYMBOL[modulation.kind]
    return 2.0 * np.asarray(symbol_rate_sps, dtype=float) / bits


def band_problem(frequency_hz: float, bandwidth_hz: float) -> str | None:
    """How a signal leaves the allocation that its carrier lies in; none if it does not."""
    for low, high in ALLOCATIONS_HZ:
        inside = frequency_hz - 0.5 * bandwidth_hz >= low
        inside = inside and frequency_hz + 0.5 * bandwidth_hz <= high
        if low <= frequency_hz <= high and not inside:
            return (
                f"a band of {bandwidth_hz / 1e6:.3g} MHz about {frequency_hz / 1e6:g} MHz leaves "
                f"the allocation of {low / 1e6:g}-{high / 1e6:g} MHz"
            )
    return None
