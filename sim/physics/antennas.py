"""Antennas: gain against frequency and angle off the axis, and how they are pointed.

A gain is what the antenna adds along one direction over an isotropic one; feed losses belong to the
transmitter and the receiver.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from sim.constants import SPEED_OF_LIGHT_KM_S
from sim.parameters import Efficiency, NonNegative, Parameters, Positive

Floats = NDArray[np.float64]

_GAIN_BEAMWIDTH_PRODUCT = 27_000.0
"""Gain times the square of the half-power beamwidth in degrees; Stutzman and Thiele, practical aperture."""

_HELIX_CIRCUMFERENCE = (0.75, 1.33)
"""Circumference in wavelengths between which a helix radiates along its axis; Kraus, Antennas (1988)."""

_BACK_LOBE_DBI = -10.0
"""Gain far off the axis where nothing better is known; ITU-R S.465-6 beyond 48 deg."""


class TrackingPointing(Parameters):
    """An antenna that follows the other end."""

    kind: Literal["tracking"] = "tracking"
    error_deg: NonNegative = 0.0
    """Angle between the axis and the other end that is always left."""


class FixedPointing(Parameters):
    """An antenna whose axis stands still in the frame of the attitude (local level if none)."""

    kind: Literal["fixed"]
    azimuth_deg: Annotated[float, Field(ge=-360.0, le=360.0)] = 0.0
    elevation_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = 90.0
    error_deg: NonNegative = 0.0


class GimbalPointing(Parameters):
    """An antenna that follows the other end within limits of azimuth and elevation."""

    kind: Literal["gimbal"]
    azimuth_min_deg: Annotated[float, Field(ge=-360.0, le=360.0)] = -180.0
    azimuth_max_deg: Annotated[float, Field(ge=-360.0, le=360.0)] = 180.0
    elevation_min_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = 0.0
    elevation_max_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = 90.0
    slew_deg_s: Positive = 1.0
    error_deg: NonNegative = 0.0

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for axis in ("azimuth", "elevation"):
            low, high = getattr(self, f"{axis}_min_deg"), getattr(self, f"{axis}_max_deg")
            if not low < high:
                raise ValueError(
                    f"{axis}_min_deg {low:g} is not below {axis}_max_deg {high:g}; swap the limits"
                )
        if self.azimuth_max_deg - self.azimuth_min_deg > 360.0:
            raise ValueError("the azimuth limits span more than 360 deg; narrow them")
        return self


Pointing = Annotated[TrackingPointing | FixedPointing | GimbalPointing, Field(discriminator="kind")]


class _Antenna(Parameters):
    """What every kind of antenna has: a range of frequencies and a way of pointing."""

    frequency_min_hz: Positive | None = None
    """Lowest frequency at which the antenna may be used; none: not limited."""
    frequency_max_hz: Positive | None = None
    """Highest frequency at which the antenna may be used; none: not limited."""
    beam_efficiency: Efficiency = 0.63
    """Share of the noise of a body filling the main lobe that is received; 0.9 x 0.7 as in DSN 810-005 module 105E section 2.4.2."""
    pointing: Pointing = TrackingPointing()

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        low, high = self.frequency_min_hz, self.frequency_max_hz
        if low is not None and high is not None and low >= high:
            raise ValueError(
                f"frequency_min_hz {low:g} is not below frequency_max_hz {high:g}; swap them"
            )
        return self


class GainAntenna(_Antenna):
    """A gain as it is published: the same in all directions, or falling off by its beamwidth."""

    kind: Literal["gain"]
    peak_gain_dbi: Annotated[float, Field(ge=-30.0, le=100.0)]
    beamwidth_deg: Annotated[float, Field(gt=0.0, le=360.0)] | None = None
    """Full width at half power; none: the gain holds in all directions that are used."""


class ParabolaAntenna(_Antenna):
    """A parabolic reflector, from its diameter or from its measured gain.

    `peak_gain_dbi` is for the dishes whose gain is measured; it replaces efficiency and surface
    error. `gain_slope_db_deg2` is the fall of gain with the square of the distance in elevation from
    `gain_reference_deg` by gravity (G1 and gamma of DSN 810-005 module 104).
    """

    kind: Literal["parabola"]
    diameter_m: Positive
    efficiency: Efficiency = 0.55
    surface_error_mm: NonNegative = 0.0
    peak_gain_dbi: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    gain_slope_db_deg2: NonNegative = 0.0
    gain_reference_deg: Annotated[float, Field(ge=0.0, le=90.0)] = 45.0
    side_lobes: Literal["itu_s_465", "itu_s_580"] = "itu_s_465"


class PatchAntenna(_Antenna):
    """A patch or a medium-gain horn: a power of the cosine in front, a floor behind."""

    kind: Literal["patch"]
    peak_gain_dbi: Annotated[float, Field(ge=-10.0, le=30.0)] = 6.0
    beamwidth_deg: Annotated[float, Field(gt=0.0, lt=180.0)] = 80.0
    back_lobe_dbi: Annotated[float, Field(ge=-60.0, le=30.0)] = -15.0


class HelixAntenna(_Antenna):
    """A helix in axial mode, from its turns."""

    kind: Literal["helix"]
    turns: Annotated[float, Field(ge=3.0, le=100.0)]
    circumference_m: Positive
    spacing_m: Positive


class TableAntenna(_Antenna):
    """A measured pattern: gains at angles off the axis, linear in dB between them."""

    kind: Literal["table"]
    angles_deg: Annotated[tuple[float, ...], Field(min_length=2)]
    gains_dbi: Annotated[tuple[float, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        angles, gains = self.angles_deg, self.gains_dbi
        if len(angles) != len(gains):
            raise ValueError(
                f"the pattern has {len(angles)} angles_deg and {len(gains)} gains_dbi; give one gain per angle"
            )
        for before, after in pairwise(angles):
            if not before < after:
                raise ValueError(
                    f"the pattern's angles_deg are not sorted: {after:g} follows {before:g}; sort its rows"
                )
        if angles[0] != 0.0 or angles[-1] > 180.0:
            raise ValueError(
                f"the pattern's angles_deg run from {angles[0]:g} to {angles[-1]:g}; begin at 0 and end at most at 180"
            )
        return self


AntennaParameters = Annotated[
    GainAntenna | ParabolaAntenna | PatchAntenna | HelixAntenna | TableAntenna,
    Field(discriminator="kind"),
]


def wavelength_m(frequency_hz: float) -> float:
    """Wavelength in vacuum."""
    return SPEED_OF_LIGHT_KM_S * 1e3 / frequency_hz


def aperture_limit_dbi(diameter_m: float, frequency_hz: float) -> float:
    """Gain of a uniformly lit circular aperture, (pi D / lambda)^2: no dish of this size has more."""
    return float(20.0 * np.log10(np.pi * diameter_m / wavelength_m(frequency_hz)))


def surface_loss_db(surface_error_mm: float, frequency_hz: float) -> float:
    """Loss by the root-mean-square error of a reflector's surface; Ruze (1966)."""
    phase = 4.0 * np.pi * surface_error_mm * 1e-3 / wavelength_m(frequency_hz)
    return float(10.0 / np.log(10.0) * phase**2)


def peak_gain_dbi(antenna: AntennaParameters, frequency_hz: float) -> float:
    """Gain on the axis."""
    match antenna:
        case ParabolaAntenna():
            return _parabola_peak_dbi(antenna, frequency_hz)
        case HelixAntenna():
            return _helix_peak_dbi(antenna, frequency_hz)
        case TableAntenna():
            return antenna.gains_dbi[0]
        case GainAntenna() | PatchAntenna():
            return antenna.peak_gain_dbi


def _parabola_peak_dbi(antenna: ParabolaAntenna, frequency_hz: float) -> float:
    if antenna.peak_gain_dbi is not None:
        return antenna.peak_gain_dbi
    limit = aperture_limit_dbi(antenna.diameter_m, frequency_hz)
    surface = surface_loss_db(antenna.surface_error_mm, frequency_hz)
    return float(limit + 10.0 * np.log10(antenna.efficiency) - surface)


def _helix_peak_dbi(antenna: HelixAntenna, frequency_hz: float) -> float:
    """Kraus, Antennas (1988), chapter 7: 15 C^2 n S, circumference and spacing in wavelengths."""
    wave = wavelength_m(frequency_hz)
    length = antenna.turns * antenna.spacing_m / wave
    return float(11.8 + 10.0 * np.log10((antenna.circumference_m / wave) ** 2 * length))


def half_power_beamwidth_deg(antenna: AntennaParameters, frequency_hz: float) -> float:
    """Full width of the main lobe at half power.

    Parabola: 70 lambda/D. Helix: Kraus (1988), chapter 7. Where only the gain is known:
    gain times width squared is 27,000 deg2, at most 180 deg.
    """
    match antenna:
        case ParabolaAntenna():
            return min(180.0, 70.0 * wavelength_m(frequency_hz) / antenna.diameter_m)
        case HelixAntenna():
            wave = wavelength_m(frequency_hz)
            length = antenna.turns * antenna.spacing_m / wave
            return float(min(180.0, 52.0 / (antenna.circumference_m / wave * np.sqrt(length))))
        case PatchAntenna():
            return antenna.beamwidth_deg
        case TableAntenna():
            return _table_beamwidth_deg(antenna)
        case GainAntenna():
            if antenna.beamwidth_deg is not None:
                return antenna.beamwidth_deg
            return _beamwidth_of_gain_deg(antenna.peak_gain_dbi)


def _beamwidth_of_gain_deg(gain_dbi: float) -> float:
    return float(min(180.0, np.sqrt(_GAIN_BEAMWIDTH_PRODUCT / 10.0 ** (gain_dbi / 10.0))))


def _table_beamwidth_deg(antenna: TableAntenna) -> float:
    """Twice the angle at which the table has first fallen by 3 dB; from the gain if it never does."""
    fallen = antenna.gains_dbi[0] - 10.0 * np.log10(2.0)
    gains = np.asarray(antenna.gains_dbi)
    below = np.flatnonzero(gains <= fallen)
    if not len(below):
        return _beamwidth_of_gain_deg(antenna.gains_dbi[0])
    i = int(below[0])
    share = (gains[i - 1] - fallen) / (gains[i - 1] - gains[i])
    angles = antenna.angles_deg
    return float(2.0 * (angles[i - 1] + share * (angles[i] - angles[i - 1])))


def gain_dbi(antenna: AntennaParameters, frequency_hz: float, off_axis_deg: ArrayLike) -> Floats:
    """Gain towards a direction `off_axis_deg` from the axis, 0-180 deg; any shape.

    Parabola: Gaussian main lobe, then the side-lobe envelope (`side_lobe_envelope_dbi`), which is
    an upper bound: real side lobes have nulls. Gain and helix: Gaussian main lobe down to -10 dBi,
    or to the peak if that is lower. Patch: power of the cosine down to the back lobe.
    """
    angle = np.abs(np.asarray(off_axis_deg, dtype=float))
    peak = peak_gain_dbi(antenna, frequency_hz)
    width = half_power_beamwidth_deg(antenna, frequency_hz)
    match antenna:
        case ParabolaAntenna():
            main = peak - main_lobe_loss_db(angle, width)
            envelope = side_lobe_envelope_dbi(antenna, frequency_hz, angle)
            return np.asarray(np.maximum(main, np.minimum(envelope, peak)))
        case HelixAntenna():
            return np.asarray(np.maximum(peak - main_lobe_loss_db(angle, width), _BACK_LOBE_DBI))
        case PatchAntenna():
            return np.asarray(
                np.maximum(peak - _cosine_loss_db(angle, width), antenna.back_lobe_dbi)
            )
        case TableAntenna():
            return np.asarray(np.interp(angle, antenna.angles_deg, antenna.gains_dbi))
        case GainAntenna():
            if antenna.beamwidth_deg is None:
                return np.full(angle.shape, peak)
            floor = min(_BACK_LOBE_DBI, peak)
            return np.asarray(np.maximum(peak - main_lobe_loss_db(angle, width), floor))


def main_lobe_loss_db(off_axis_deg: ArrayLike, beamwidth_deg: float) -> Floats:
    """Fall of a Gaussian main lobe: 12 (angle / half-power beamwidth)^2 dB."""
    return np.asarray(12.0 * (np.asarray(off_axis_deg, dtype=float) / beamwidth_deg) ** 2)


def _cosine_loss_db(off_axis_deg: Floats, beamwidth_deg: float) -> Floats:
    """Fall of cos^n that has lost half its power at half the beamwidth; infinite from 90 deg on."""
    half = np.cos(np.radians(0.5 * beamwidth_deg))
    power = np.log(0.5) / np.log(half)
    cosine = np.cos(np.radians(np.minimum(off_axis_deg, 90.0)))
    return np.asarray(-10.0 * power * np.log10(np.maximum(cosine, 1e-30)))


def side_lobe_envelope_dbi(
    antenna: ParabolaAntenna, frequency_hz: float, off_axis_deg: ArrayLike
) -> Floats:
    """Envelope of a dish's side lobes: the first ones level, then falling by 25 log(angle).

    Beyond 1 deg ITU-R S.465-6 (32 - 25 log) or, for `itu_s_580`, S.580-6 (29 - 25 log up to
    20 deg); dishes under 100 wavelengths and the level of the first side lobes after Radio
    Regulations appendices 8 and 7, which join them without a step.
    """
    angle = np.maximum(np.asarray(off_axis_deg, dtype=float), 1e-6)
    ratio = antenna.diameter_m / wavelength_m(frequency_hz)
    quiet = 3.0 if antenna.side_lobes == "itu_s_580" else 0.0
    first = 2.0 - quiet + 15.0 * np.log10(ratio)
    if ratio >= 100.0:
        falling = 32.0 - 25.0 * np.log10(angle)
        if quiet:
            falling = np.where(angle <= 20.0, falling - quiet, np.minimum(falling, -3.5))
        return np.asarray(np.where(angle > 48.0, -10.0, np.minimum(first, falling)))
    spread = 10.0 * np.log10(max(ratio, 1.0))
    falling, far = 52.0 - quiet - spread - 25.0 * np.log10(angle), 10.0 - quiet - spread
    return np.asarray(np.where(angle > 48.0, far, np.minimum(first, falling)))


def elevation_loss_db(antenna: AntennaParameters, elevation_deg: ArrayLike) -> Floats:
    """Gain that a dish loses because gravity bends it: G1 (el - gamma)^2; DSN 810-005 module 104."""
    elevation = np.asarray(elevation_deg, dtype=float)
    if not isinstance(antenna, ParabolaAntenna) or not antenna.gain_slope_db_deg2:
        return np.zeros(elevation.shape)
    return np.asarray(antenna.gain_slope_db_deg2 * (elevation - antenna.gain_reference_deg) ** 2)


def pointing_loss_db(
    antenna: AntennaParameters, frequency_hz: float, off_axis_deg: ArrayLike
) -> Floats:
    """Peak gain less the gain towards the other end."""
    return np.asarray(
        peak_gain_dbi(antenna, frequency_hz) - gain_dbi(antenna, frequency_hz, off_axis_deg)
    )


def off_axis_deg(pointing: Pointing, azimuth_deg: ArrayLike, elevation_deg: ArrayLike) -> Floats:
    """Angle between the antenna's axis and the other end, without the pointing error.

    Azimuth and elevation of the other end in the frame of the attitude, any shape. A tracking
    antenna has none; a gimbal stands at its nearest allowed azimuth and elevation.
    """
    azimuth, elevation = np.broadcast_arrays(
        np.asarray(azimuth_deg, dtype=float), np.asarray(elevation_deg, dtype=float)
    )
    match pointing:
        case TrackingPointing():
            return np.zeros(azimuth.shape)
        case FixedPointing():
            axis_azimuth: ArrayLike = pointing.azimuth_deg
            axis_elevation: ArrayLike = pointing.elevation_deg
        case GimbalPointing():
            axis_azimuth = _nearest_azimuth_deg(pointing, azimuth)
            axis_elevation = np.clip(
                elevation, pointing.elevation_min_deg, pointing.elevation_max_deg
            )
    return separation_deg(axis_azimuth, axis_elevation, azimuth, elevation)


def _nearest_azimuth_deg(pointing: GimbalPointing, azimuth_deg: Floats) -> Floats:
    middle = 0.5 * (pointing.azimuth_min_deg + pointing.azimuth_max_deg)
    half = 0.5 * (pointing.azimuth_max_deg - pointing.azimuth_min_deg)
    turned = np.mod(azimuth_deg - middle + 180.0, 360.0) - 180.0
    return np.asarray(middle + np.clip(turned, -half, half))


def separation_deg(
    azimuth_deg: ArrayLike,
    elevation_deg: ArrayLike,
    to_azimuth_deg: ArrayLike,
    to_elevation_deg: ArrayLike,
) -> Floats:
    """Angle between two directions, by the haversine: good at small angles; any shape."""
    lower, upper = np.radians(elevation_deg), np.radians(to_elevation_deg)
    turn = np.radians(np.asarray(to_azimuth_deg, dtype=float) - np.asarray(azimuth_deg))
    half = (
        np.sin(0.5 * (upper - lower)) ** 2 + np.cos(lower) * np.cos(upper) * np.sin(0.5 * turn) ** 2
    )
    return np.asarray(np.degrees(2.0 * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))))


def slew_s(
    pointing: Pointing,
    azimuth_deg: float,
    elevation_deg: float,
    to_azimuth_deg: float,
    to_elevation_deg: float,
) -> float:
    """Time that a gimbal needs from one direction to another, both axes at once; others need none."""
    if not isinstance(pointing, GimbalPointing):
        return 0.0
    start = _nearest_azimuth_deg(pointing, np.asarray(azimuth_deg, dtype=float))
    stop = _nearest_azimuth_deg(pointing, np.asarray(to_azimuth_deg, dtype=float))
    turn = abs(float(stop - start))
    if pointing.azimuth_max_deg - pointing.azimuth_min_deg == 360.0:
        turn = min(turn, 360.0 - turn)
    return max(turn, abs(to_elevation_deg - elevation_deg)) / pointing.slew_deg_s


def band_hz(antenna: AntennaParameters) -> tuple[float, float]:
    """Lowest and highest frequency of an antenna; 0 and infinity where nothing is said."""
    low, high = antenna.frequency_min_hz or 0.0, antenna.frequency_max_hz or np.inf
    if isinstance(antenna, HelixAntenna):
        per_hz = antenna.circumference_m / (SPEED_OF_LIGHT_KM_S * 1e3)
        low = max(low, _HELIX_CIRCUMFERENCE[0] / per_hz)
        high = min(high, _HELIX_CIRCUMFERENCE[1] / per_hz)
    return low, high


def band_text(antenna: AntennaParameters) -> str:
    """The band of an antenna in words."""
    low, high = band_hz(antenna)
    if high == np.inf:
        return f"{low / 1e6:g} MHz and above" if low else "any frequency"
    return f"{low / 1e6:g}-{high / 1e6:g} MHz"


def frequency_problem(antenna: AntennaParameters, frequency_hz: float) -> str | None:
    """Why the antenna cannot be used at this frequency, as the end of a sentence; none if it can."""
    low, high = band_hz(antenna)
    if not low <= frequency_hz <= high:
        band = band_text(antenna)
        return f"{frequency_hz / 1e6:g} MHz is outside the antenna's {band}"
    if isinstance(antenna, ParabolaAntenna):
        limit = aperture_limit_dbi(antenna.diameter_m, frequency_hz)
        if peak_gain_dbi(antenna, frequency_hz) > limit + 1e-9:
            size = f"{antenna.diameter_m:g} m at {frequency_hz / 1e6:g} MHz"
            return (
                f"its peak_gain_dbi {antenna.peak_gain_dbi:g} is over the {limit:.1f} dBi of {size}"
            )
    return None
