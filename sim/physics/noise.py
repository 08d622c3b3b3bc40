"""System noise temperature: receiver, feed, sky, atmosphere, ground, and the discs of Moon and Sun.

All temperatures are referred to the antenna's terminals, before the feed loss, so that gains need no
correction for it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from sim.parameters import NonNegative, Parameters, Positive
from sim.physics.antennas import AntennaParameters, gain_dbi, half_power_beamwidth_deg
from sim.physics.atmosphere import AtmosphereParameters, atmosphere_noise_k, transmission

Floats = NDArray[np.float64]

COSMIC_BACKGROUND_K = 2.725
"""Fixsen (2009)."""

_MEAN_SIDE_LOBE = 0.5
"""Mean of the side lobes over their envelope; assumed, as peaks stand about 3 dB over the mean."""

_MOON_BRIGHTNESS = ((0.4e9, 8.4e9, 26e9), (235.0, 240.0, 240.0))
"""Frequency (Hz) and temperature (K): 240 K at K band in DSN 810-005 module 105E; lower bands assumed alike."""

_SUN_BRIGHTNESS = ((0.2e9, 10e9, 30e9, 100e9), (1e6, 1e4, 9e3, 7e3))
"""Frequency (Hz) and temperature (K) of the quiet Sun: ITU-R P.372 up to 10 GHz, assumed beyond."""

Source = Literal["sky", "galaxy", "atmosphere", "moon", "sun"]


class ReceiverParameters(Parameters):
    """A receiver and what its antenna hears.

    With nothing but `noise_temperature_k` that is the whole system's noise, whatever the antenna
    looks at. What `adds` names comes on top, computed at each instant.
    """

    noise_temperature_k: Positive
    """Of the system, or of the receiver where `adds` names the rest."""
    loss_db: NonNegative = 0.0
    """Feed loss between antenna and receiver."""
    feed_temperature_k: Positive = 290.0
    """Physical temperature of that loss."""
    spillover_k: NonNegative = 0.0
    """Warm ground and body seen beside the reflector."""
    horizon_noise_k: NonNegative = 0.0
    """Noise that falls with elevation: T2 of T1 + T2 exp(-a el); DSN 810-005 module 101."""
    horizon_decay: NonNegative = 0.0
    """Its fall per degree: a of the same formula."""
    adds: tuple[Source, ...] = ()
    moon_brightness_k: Positive | None = None
    """Mean temperature of the Moon's disc; by band if left out."""
    sun_brightness_k: Positive | None = None
    """Mean temperature of the Sun's disc; of the quiet Sun by band if left out."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies around a receiving antenna: arrays (N,) or numbers; none where it does not matter.

    Angles are from the antenna's axis to a disc's centre, radii as seen.
    """

    elevation_deg: ArrayLike | None = None
    moon_angle_deg: ArrayLike | None = None
    moon_radius_deg: ArrayLike | None = None
    sun_angle_deg: ArrayLike | None = None
    sun_radius_deg: ArrayLike | None = None


def moon_brightness_k(frequency_hz: float) -> float:
    """Mean brightness temperature of the Moon's disc, over all phases."""
    return float(np.interp(np.log(frequency_hz), np.log(_MOON_BRIGHTNESS[0]), _MOON_BRIGHTNESS[1]))


def sun_brightness_k(frequency_hz: float) -> float:
    """Brightness temperature of the quiet Sun's disc, a power of the frequency between the rows."""
    rows = np.log(_SUN_BRIGHTNESS[0]), np.log(_SUN_BRIGHTNESS[1])
    return float(np.exp(np.interp(np.log(frequency_hz), *rows)))


def galactic_noise_k(frequency_hz: float) -> float:
    """Mean noise of the galaxy: 290 K x 10^((52 - 23 log f_MHz) / 10); ITU-R P.372."""
    return float(290.0 * 10.0 ** (5.2 - 2.3 * np.log10(frequency_hz / 1e6)))


def beam_fraction(beamwidth_deg: float, angle_deg: ArrayLike, radius_deg: ArrayLike) -> Floats:
    """Share of a Gaussian beam's power that falls on a disc; any shape, off by at most 0.01.

    `angle_deg` from the axis to the disc's centre. The share is a non-central chi-square
    distribution of two degrees of freedom: discs under 0.7 of the beam's deviation by the mean
    over the disc, those over 1.0 by the normal approximation of Sankaran (1963), between them both.
    """
    sigma = beamwidth_deg / np.sqrt(8.0 * np.log(2.0))
    far = (np.asarray(angle_deg, dtype=float) / sigma) ** 2
    size = (np.asarray(radius_deg, dtype=float) / sigma) ** 2
    large = np.clip((np.sqrt(size) - 0.7) / 0.3, 0.0, 1.0)
    if np.all(large >= 1.0):
        return _large_disc_share(far, size)
    small_share = -np.expm1(-0.5 * size) * np.exp(-0.5 * far * np.exp(-0.25 * size))
    return np.asarray(large * _large_disc_share(far, size) + (1.0 - large) * small_share)


def _large_disc_share(far: Floats, size: Floats) -> Floats:
    """Sankaran's approximation; squares of angle and radius in units of the beam's deviation."""
    total, spread = 2.0 + far, 2.0 + 2.0 * far
    h = 1.0 - 2.0 * total * (2.0 + 3.0 * far) / (3.0 * spread**2)
    p = spread / total**2
    m = (h - 1.0) * (1.0 - 3.0 * h)
    mean = 1.0 + h * p * (h - 1.0 - 0.5 * (2.0 - h) * m * p)
    deviation = h * np.sqrt(2.0 * p) * (1.0 + 0.5 * m * p)
    return np.asarray(ndtr(((size / total) ** h - mean) / deviation))


def disc_noise_k(
    antenna: AntennaParameters,
    frequency_hz: float,
    brightness_k: float,
    angle_deg: ArrayLike,
    radius_deg: ArrayLike,
) -> Floats:
    """Noise that a disc adds: the part of the beam that it fills, and side lobes when it is beside.

    In the main lobe: brightness x beam efficiency x filled share. Beside it: brightness x mean
    gain x solid angle / 4 pi, at most what the main lobe leaves over.
    """
    angle = np.asarray(angle_deg, dtype=float)
    width = half_power_beamwidth_deg(antenna, frequency_hz)
    filled = beam_fraction(width, angle, radius_deg)
    lobes = 10.0 ** (0.1 * gain_dbi(antenna, frequency_hz, angle)) * _MEAN_SIDE_LOBE
    lobes = lobes * np.sin(0.5 * np.radians(radius_deg)) ** 2
    lobes = np.minimum(lobes, 1.0 - antenna.beam_efficiency) * -np.expm1(-((angle / width) ** 4))
    return np.asarray(brightness_k * (antenna.beam_efficiency * filled + (1.0 - filled) * lobes))


def antenna_noise_terms_k(
    antenna: AntennaParameters,
    receiver: ReceiverParameters,
    atmosphere: AtmosphereParameters | None,
    frequency_hz: float,
    around: Surroundings,
) -> dict[str, Floats]:
    """What the antenna hears, source by source; what lies beyond the atmosphere is dimmed by it."""
    terms: dict[str, Floats] = {}
    through = np.asarray(1.0)
    if atmosphere is not None:
        elevation = _given(around.elevation_deg, "the elevation of the path through the atmosphere")
        through = transmission(atmosphere, elevation)
        if "atmosphere" in receiver.adds:
            terms["atmosphere"] = atmosphere_noise_k(atmosphere, elevation)
    if "sky" in receiver.adds:
        terms["sky"] = COSMIC_BACKGROUND_K * through
    if "galaxy" in receiver.adds:
        terms["galaxy"] = galactic_noise_k(frequency_hz) * through
    if "moon" in receiver.adds:
        warm = receiver.moon_brightness_k or moon_brightness_k(frequency_hz)
        angle = _given(around.moon_angle_deg, "the Moon's angle from the axis")
        radius = _given(around.moon_radius_deg, "the Moon's angular radius")
        terms["moon"] = disc_noise_k(antenna, frequency_hz, warm, angle, radius) * through
    if "sun" in receiver.adds:
        hot = receiver.sun_brightness_k or sun_brightness_k(frequency_hz)
        angle = _given(around.sun_angle_deg, "the Sun's angle from the axis")
        radius = _given(around.sun_radius_deg, "the Sun's angular radius")
        terms["sun"] = disc_noise_k(antenna, frequency_hz, hot, angle, radius) * through
    if receiver.horizon_noise_k:
        elevation = _given(around.elevation_deg, "the elevation for the horizon's noise")
        fall = np.exp(-receiver.horizon_decay * np.asarray(elevation, dtype=float))
        terms["horizon"] = np.asarray(receiver.horizon_noise_k * fall)
    if receiver.spillover_k:
        terms["spillover"] = np.asarray(receiver.spillover_k)
    return terms


def _given(value: ArrayLike | None, what: str) -> ArrayLike:
    if value is None:
        raise ValueError(f"the receiver's noise needs {what}, and the geometry does not give it")
    return value


def system_noise_terms_k(
    antenna: AntennaParameters,
    receiver: ReceiverParameters,
    atmosphere: AtmosphereParameters | None,
    frequency_hz: float,
    around: Surroundings,
) -> dict[str, Floats]:
    """All terms of the system noise temperature by name, their sum being `system_noise_k`.

    Receiver x L and feed (L - 1) x its physical temperature, L being the feed loss as a factor.
    """
    terms = antenna_noise_terms_k(antenna, receiver, atmosphere, frequency_hz, around)
    loss = 10.0 ** (0.1 * receiver.loss_db)
    terms["receiver"] = np.asarray(receiver.noise_temperature_k * loss)
    if loss > 1.0:
        terms["feed"] = np.asarray(receiver.feed_temperature_k * (loss - 1.0))
    return terms


def system_noise_k(
    antenna: AntennaParameters,
    receiver: ReceiverParameters,
    atmosphere: AtmosphereParameters | None,
    frequency_hz: float,
    around: Surroundings,
) -> Floats:
    """System noise temperature at the antenna's terminals."""
    terms = system_noise_terms_k(antenna, receiver, atmosphere, frequency_hz, around)
    return np.asarray(sum(terms.values()))
