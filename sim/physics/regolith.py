"""Temperature of the lunar ground through the day: heat conducted in one dimension, periodic.

The model and its parameters are those of Hayne et al. 2017 (J. Geophys. Res. Planets 122,
doi:10.1002/2017JE005387, appendix A): density and conductivity rise with depth over a scale
height, conductivity with the cube of temperature, heat capacity is a polynomial of temperature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import solve_banded

from sim.constants import SOLAR_IRRADIANCE_W_M2, STEFAN_BOLTZMANN_W_M2_K4, SYNODIC_MONTH_S
from sim.parameters import Efficiency, Fraction, LatitudeDeg, NonNegative, Parameters, Positive
from sim.track import Track

Floats = NDArray[np.float64]

_CAPACITY_J_KG_K = (-3.6125, 2.7431, 2.3616e-3, -1.2340e-5, 8.9093e-9)
"""Heat capacity by powers of temperature; Hayne et al. 2017 eq. A6, from Ledlow et al. 1992 and
Hemingway et al. 1981. Valid above 10 K."""

_REFERENCE_K = 350.0
_STEPS_PER_DAY = 720
_MAX_DAYS = 60
_PERIODIC_K = 0.005
_NEWTON_ROUNDS = 20
_NEWTON_K = 1e-4
_GROWTH = 1.15


class RegolithParameters(Parameters):
    """The ground around a vehicle; the values of Hayne et al. 2017 unless given."""

    albedo: Fraction = 0.12
    """At normal incidence: 0.12 highlands, 0.07 maria (table A1)."""
    albedo_rise_45: NonNegative = 0.06
    """Added to the albedo times (incidence / 45 deg)^3; Keihm 1984."""
    albedo_rise_90: NonNegative = 0.25
    """Added to the albedo times (incidence / 90 deg)^8."""
    emissivity: Efficiency = 0.95
    density_surface_kg_m3: Positive = 1100.0
    density_depth_kg_m3: Positive = 1800.0
    conductivity_surface_w_m_k: Positive = 7.4e-4
    """Of the solid contact at the surface, without radiation."""
    conductivity_depth_w_m_k: Positive = 3.4e-3
    scale_height_m: Positive = 0.06
    radiative: NonNegative = 2.7
    """Ratio of radiative to solid conductivity at 350 K."""
    heat_flow_w_m2: NonNegative = 0.018
    slope_deg: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """Of the ground, which then sees the sky only (no opposite slope warms it)."""
    slope_azimuth_deg: Annotated[float, Field(ge=-360.0, le=360.0)] = 0.0
    """To which the slope falls, from north through east."""


@dataclass(frozen=True, eq=False)
class GroundDay:
    """One lunar day of the ground in periodic steady state.

    `phase` (T,) share of the lunar day since local midnight, `depth_m` (Z,), `temperature_k` (T, Z);
    the surface is column 0. `drift_k` is the largest change from the day before.
    """

    phase: Floats
    depth_m: Floats
    temperature_k: Floats
    drift_k: float

    def at_phase(self, phase: Floats) -> Floats:
        """Surface temperature at shares of the lunar day since local midnight; linear between rows."""
        return np.interp(np.asarray(phase) % 1.0, self.phase, self.temperature_k[:, 0], period=1.0)


def ground_day(
    parameters: RegolithParameters,
    latitude_deg: LatitudeDeg,
    declination_deg: float = 0.0,
    sun_distance_au: float = 1.0,
    steps_per_day: int = _STEPS_PER_DAY,
) -> GroundDay:
    """Periodic steady state of the ground at a latitude, the Sun's declination being constant.

    Seasons of +-1.54 deg and the distance of the Sun are left out (under 2 K at the equator, more
    near the poles), as is what the horizon hides. Crank-Nicolson in depth, implicit at the surface.
    """
    phase = np.arange(steps_per_day) / steps_per_day
    flux = absorbed_w_m2(parameters, latitude_deg, declination_deg, phase) / sun_distance_au**2
    depth = _grid(parameters)
    temperature = _first_guess(parameters, depth, flux)
    step_s = SYNODIC_MONTH_S / steps_per_day
    rows = np.empty((steps_per_day, len(depth)))
    before, drift = np.full(steps_per_day, np.inf), np.inf
    for _ in range(_MAX_DAYS):
        for index in range(steps_per_day):
            rows[index] = temperature
            following = flux[(index + 1) % steps_per_day]
            temperature = _conducted(parameters, depth, temperature, following, step_s)
        drift = float(np.abs(rows[:, 0] - before).max())
        settled = _settle_deep(parameters, depth, rows, temperature)
        if drift < _PERIODIC_K:
            break
        before, temperature = rows[:, 0].copy(), settled
    return GroundDay(phase, depth, rows, drift)


def absorbed_w_m2(
    parameters: RegolithParameters, latitude_deg: float, declination_deg: float, phase: Floats
) -> Floats:
    """Sunlight that the ground takes at shares of the lunar day since local midnight; (T,).

    Albedo by incidence: A + a (i/45)^3 + b (i/90)^8; Hayne et al. 2017 eq. A5 after Keihm 1984.
    """
    latitude, declination = np.radians([latitude_deg, declination_deg])
    hour = 2.0 * np.pi * phase - np.pi
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(
        hour
    )
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(
        declination
    ) * np.cos(hour)
    slope, azimuth = np.radians([parameters.slope_deg, parameters.slope_azimuth_deg])
    level = east * np.sin(azimuth) + north * np.cos(azimuth)
    cosine = np.where(up > 0.0, np.cos(slope) * up + np.sin(slope) * level, 0.0)
    cosine = np.clip(cosine, 0.0, 1.0)
    incidence = np.degrees(np.arccos(cosine))
    albedo = (
        parameters.albedo
        + parameters.albedo_rise_45 * (incidence / 45.0) ** 3
        + parameters.albedo_rise_90 * (incidence / 90.0) ** 8
    )
    return np.asarray(SOLAR_IRRADIANCE_W_M2 * cosine * (1.0 - np.minimum(albedo, 1.0)))


def density_kg_m3(parameters: RegolithParameters, depth_m: Floats) -> Floats:
    """Density at a depth; Hayne et al. 2017 eq. A2."""
    surface, deep = parameters.density_surface_kg_m3, parameters.density_depth_kg_m3
    return np.asarray(deep - (deep - surface) * np.exp(-depth_m / parameters.scale_height_m))


def conductivity_w_m_k(
    parameters: RegolithParameters, depth_m: Floats, temperature_k: Floats
) -> Floats:
    """Conductivity at a depth and temperature; Hayne et al. 2017 eq. A4.

    The contact part goes with density, except where surface and depth have the same density.
    """
    surface, deep = parameters.conductivity_surface_w_m_k, parameters.conductivity_depth_w_m_k
    contact = deep - (deep - surface) * np.exp(-depth_m / parameters.scale_height_m)
    return np.asarray(contact * (1.0 + parameters.radiative * (temperature_k / _REFERENCE_K) ** 3))


def heat_capacity_j_kg_k(temperature_k: Floats) -> Floats:
    """Heat capacity of the soil; Hayne et al. 2017 eq. A6."""
    return np.asarray(np.polynomial.polynomial.polyval(temperature_k, _CAPACITY_J_KG_K))


def ground_temperature_track(
    day: GroundDay, phase: Callable[[Floats], Floats], edges_s: Floats, tolerance_k: float = 0.1
) -> Track:
    """Surface temperature as a track of time.

    `phase` gives the share of the lunar day since local midnight at (N,) times; `edges_s` begins
    and ends the track and should hold sunrises and sunsets, where the temperature bends.
    """
    edges = np.unique(np.asarray(edges_s, dtype=float))
    for _ in range(16):
        track = Track.fit(lambda t_s: day.at_phase(phase(t_s)), edges, 5)
        bad = np.abs(track.coefficients[:, -2:]).sum(axis=1) > tolerance_k
        bad &= np.diff(edges) > 600.0
        if not bad.any():
            break
        edges = np.sort(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])[bad]]))
    return track


def _grid(parameters: RegolithParameters) -> Floats:
    """Depths from the surface to twenty skin depths, each layer a little thicker than the last.

    The skin is taken at 250 K and the surface's density: sqrt(k P / (pi rho c)).
    """
    warm = np.array(250.0)
    conductivity = conductivity_w_m_k(parameters, np.array(10.0), warm)
    density = parameters.density_surface_kg_m3
    skin = np.sqrt(conductivity * SYNODIC_MONTH_S / (np.pi * density * heat_capacity_j_kg_k(warm)))
    first = float(
        0.1
        * skin
        * np.sqrt(parameters.conductivity_surface_w_m_k / parameters.conductivity_depth_w_m_k)
    )
    thickness = [first]
    while sum(thickness) < 12.0 * skin:
        thickness.append(thickness[-1] * _GROWTH)
    return np.concatenate([[0.0], np.cumsum(thickness)])


def _first_guess(parameters: RegolithParameters, depth: Floats, flux: Floats) -> Floats:
    mean = (flux / (parameters.emissivity * STEFAN_BOLTZMANN_W_M2_K4)) ** 0.25
    return np.full_like(depth, max(0.5 * (mean.mean() + mean.max() * 0.6), 40.0))


def _conducted(
    parameters: RegolithParameters, depth: Floats, temperature: Floats, flux: float, step_s: float
) -> Floats:
    """One implicit step of heat conduction; the surface balances sunlight, radiation and conduction.

    Conductivity and capacity are those of the step's start; the surface's fourth power is solved by
    Newton within the tridiagonal system.
    """
    between = np.diff(depth)
    conductivity = conductivity_w_m_k(parameters, depth, temperature)
    conductance = 0.5 * (conductivity[1:] + conductivity[:-1]) / between
    thickness = np.empty_like(depth)
    thickness[1:-1] = 0.5 * (between[1:] + between[:-1])
    thickness[0], thickness[-1] = 0.5 * between[0], 0.5 * between[-1]
    heat = density_kg_m3(parameters, depth) * heat_capacity_j_kg_k(temperature) * thickness / step_s
    diagonal = heat.copy()
    diagonal[:-1] += conductance
    diagonal[1:] += conductance
    bands = np.zeros((3, len(depth)))
    bands[0, 1:], bands[2, :-1] = -conductance, -conductance
    right = heat * temperature
    right[-1] += parameters.heat_flow_w_m2
    radiating = parameters.emissivity * STEFAN_BOLTZMANN_W_M2_K4
    surface = temperature[0]
    following = temperature
    for _ in range(_NEWTON_ROUNDS):
        bands[1] = diagonal
        bands[1, 0] += 4.0 * radiating * surface**3
        first = right[0] + flux + 3.0 * radiating * surface**4
        following = solve_banded((1, 1), bands, np.concatenate([[first], right[1:]]))
        if abs(following[0] - surface) < _NEWTON_K:
            break
        surface = following[0]
    return np.asarray(following)


def _settle_deep(
    parameters: RegolithParameters, depth: Floats, rows: Floats, temperature: Floats
) -> Floats:
    """Move the deep ground to where the mean flow of the day is the planet's heat flow.

    Conduction alone would need hundreds of days: below the skin the day's mean temperature must
    rise by (heat flow less what the temperature dependence rectifies) / conductivity.
    """
    mean = rows.mean(axis=0)
    conductivity = conductivity_w_m_k(parameters, depth, rows)
    middle = 0.5 * (conductivity[:, 1:] + conductivity[:, :-1])
    gradient = np.diff(rows, axis=1) / np.diff(depth)
    missing = parameters.heat_flow_w_m2 - (middle * gradient).mean(axis=0)
    change = np.concatenate([[0.0], np.cumsum(missing / middle.mean(axis=0) * np.diff(depth))])
    ease = np.clip(np.arange(len(mean)) / 6.0, 0.0, 1.0)
    return np.asarray(temperature + ease * change)
