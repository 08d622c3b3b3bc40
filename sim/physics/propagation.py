"""Between two antennas: free space, the ground of the Moon, fading near the horizon, Doppler."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from sim.constants import MOON_RADIUS_KM, SPEED_OF_LIGHT_KM_S
from sim.parameters import NonNegative, Parameters, Positive

Floats = NDArray[np.float64]


class FreeSpacePath(Parameters):
    """Nothing between the antennas."""

    kind: Literal["free_space"] = "free_space"


class TwoRayPath(Parameters):
    """Over flat ground, whose reflection cancels the direct ray at long range.

    Heights are the antennas' above the ground between them.
    """

    kind: Literal["two_ray"]
    source_height_m: Positive
    destination_height_m: Positive


Path = Annotated[FreeSpacePath | TwoRayPath, Field(discriminator="kind")]


class FadeParameters(Parameters):
    """Allowance for multipath where the other end stands low over the terrain.

    The whole allowance at the horizon, falling linearly to nothing at `below_elevation_deg`; an
    assumption by its nature, because it depends on terrain that no scenario knows.
    """

    allowance_db: NonNegative
    below_elevation_deg: Annotated[float, Field(gt=0.0, le=90.0)] = 10.0


def free_space_loss_db(range_km: ArrayLike, frequency_hz: float) -> Floats:
    """Free-space loss 20 log(4 pi d / lambda); ITU-R P.525."""
    wavelength_km = SPEED_OF_LIGHT_KM_S / frequency_hz
    return np.asarray(20.0 * np.log10(4.0 * np.pi / wavelength_km * np.asarray(range_km)))


def break_point_km(path: TwoRayPath, frequency_hz: float) -> float:
    """Range beyond which the reflected ray costs more than free space: 4 pi h1 h2 / lambda."""
    wavelength_km = SPEED_OF_LIGHT_KM_S / frequency_hz
    heights_km2 = path.source_height_m * path.destination_height_m * 1e-6
    return float(4.0 * np.pi * heights_km2 / wavelength_km)


def path_loss_db(path: Path, range_km: ArrayLike, frequency_hz: float) -> Floats:
    """Loss between isotropic antennas.

    Two rays: free space up to the break point, from there 40 log d, the asymptote of the flat-ground
    formula d^4 / (h1 h2)^2 (Rappaport, Wireless Communications, equation 4.52); the ripple before
    the break point, +6 dB and nulls, is left out.
    """
    loss = free_space_loss_db(range_km, frequency_hz)
    if isinstance(path, FreeSpacePath):
        return loss
    beyond = np.asarray(range_km, dtype=float) / break_point_km(path, frequency_hz)
    return loss + 20.0 * np.log10(np.maximum(beyond, 1.0))


def horizon_km(height_m: ArrayLike, radius_km: float = MOON_RADIUS_KM) -> Floats:
    """Distance to the smooth horizon from an antenna's height: sqrt(2 R h + h^2)."""
    height_km = np.asarray(height_m, dtype=float) * 1e-3
    return np.asarray(np.sqrt(2.0 * radius_km * height_km + height_km**2))


def surface_reach_km(path: TwoRayPath, radius_km: float = MOON_RADIUS_KM) -> float:
    """Range at which two antennas over a smooth body lose sight of each other."""
    reach = horizon_km([path.source_height_m, path.destination_height_m], radius_km)
    return float(np.sum(reach))


def fade_db(fade: FadeParameters | None, elevation_deg: ArrayLike) -> Floats:
    """Multipath allowance at an elevation; any shape."""
    elevation = np.asarray(elevation_deg, dtype=float)
    if fade is None:
        return np.zeros(elevation.shape)
    share = 1.0 - np.clip(elevation / fade.below_elevation_deg, 0.0, 1.0)
    return np.asarray(fade.allowance_db * share)


def light_time_s(range_km: ArrayLike) -> Floats:
    """Time that the signal is under way."""
    return np.asarray(range_km, dtype=float) / SPEED_OF_LIGHT_KM_S


def doppler_hz(frequency_hz: float, range_rate_km_s: ArrayLike) -> Floats:
    """Shift of the received carrier, first order: positive when the ends approach each other.

    What is left out is the square of v/c: under 0.2 Hz at 8.4 GHz and 1.5 km/s.
    """
    return -frequency_hz / SPEED_OF_LIGHT_KM_S * np.asarray(range_rate_km_s, dtype=float)


def doppler_rate_hz_s(frequency_hz: float, range_acceleration_km_s2: ArrayLike) -> Floats:
    """Change of the Doppler shift per second."""
    acceleration = np.asarray(range_acceleration_km_s2, dtype=float)
    return -frequency_hz / SPEED_OF_LIGHT_KM_S * acceleration


def bent_pipe_dbhz(first_dbhz: ArrayLike, second_dbhz: ArrayLike) -> Floats:
    """C/N0 through a repeater that amplifies what it hears, noise and all: 1/(1/a + 1/b).

    The repeater's output is taken as all signal, so it holds while the first hop's signal is over
    its noise in the repeater's band.
    """
    first, second = np.asarray(first_dbhz, dtype=float), np.asarray(second_dbhz, dtype=float)
    return np.asarray(-10.0 * np.log10(10.0 ** (-0.1 * first) + 10.0 ** (-0.1 * second)))
