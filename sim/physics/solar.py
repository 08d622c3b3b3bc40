"""Solar arrays: how they stand, what the Sun gives them and what they give the bus.

Directions are in the local frame of the place: east, north, up. A level vehicle with heading 0 has
its nose to the north; the body frame is forward, right, up.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from sim.constants import ASTRONOMICAL_UNIT_KM, SOLAR_IRRADIANCE_W_M2, STEFAN_BOLTZMANN_W_M2_K4
from sim.parameters import Efficiency, Fraction, NonNegative, Parameters, Positive
from sim.physics.battery import check_increasing
from sim.searching import roots
from sim.track import Track

Floats = NDArray[np.float64]
_SPACE_TEMPERATURE_K = 2.725
_NEWTON_STEPS = 8
_TRACK_DEGREE = 8
_TRACK_ROUNDS = 20
_HOUR_S = 3600.0

AngleDeg = Annotated[float, Field(ge=-360.0, le=360.0)]
Row = tuple[float, float]


class AttitudeParameters(Parameters):
    """How a vehicle stands: turned by heading, then pitch, then roll."""

    heading_deg: AngleDeg = 0.0
    """Azimuth of the nose, from north through east."""
    pitch_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = 0.0
    """Nose up is positive."""
    roll_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = 0.0
    """Right side down is positive."""


class FixedMount(Parameters):
    """A panel that keeps its direction on the body."""

    kind: Literal["fixed"]
    azimuth_deg: AngleDeg = 0.0
    """Direction to which the panel leans, from the nose clockwise seen from above."""
    tilt_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 0.0
    """Between the panel's normal and the body's up: 0 lies flat, 90 stands upright."""


class SingleAxisMount(Parameters):
    """A panel that turns about one axis towards the Sun, between limits."""

    kind: Literal["single_axis"]
    axis_azimuth_deg: AngleDeg = 0.0
    axis_elevation_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = 0.0
    """0 is an axis that lies in the deck, 90 one that stands on it."""
    normal_to_axis_deg: Annotated[float, Field(gt=0.0, le=90.0)] = 90.0
    """Between the panel's normal and the axis."""
    minimum_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = -180.0
    """Rotation about the axis, right-handed; at 0 the normal is as near to the body's up as it gets,
    or leans away from `axis_azimuth_deg` if the axis stands upright."""
    maximum_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = 180.0

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> "SingleAxisMount":
        _check_order("minimum_deg", self.minimum_deg, "maximum_deg", self.maximum_deg)
        return self


class TwoAxisMount(Parameters):
    """A panel that follows the Sun in azimuth and elevation of the body, between limits."""

    kind: Literal["two_axis"]
    azimuth_minimum_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = -180.0
    azimuth_maximum_deg: Annotated[float, Field(ge=-180.0, le=180.0)] = 180.0
    elevation_minimum_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = -90.0
    elevation_maximum_deg: Annotated[float, Field(ge=-90.0, le=90.0)] = 90.0

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> "TwoAxisMount":
        _check_order(
            "azimuth_minimum_deg",
            self.azimuth_minimum_deg,
            "azimuth_maximum_deg",
            self.azimuth_maximum_deg,
        )
        _check_order(
            "elevation_minimum_deg",
            self.elevation_minimum_deg,
            "elevation_maximum_deg",
            self.elevation_maximum_deg,
        )
        return self


class FoldedMount(Parameters):
    """A panel that is folded away and gives nothing."""

    kind: Literal["folded"]


MountParameters = Annotated[
    FixedMount | SingleAxisMount | TwoAxisMount | FoldedMount, Field(discriminator="kind")
]


class CellParameters(Parameters):
    """What decides the temperature of the cells: a thin plate in balance, radiating on both sides."""

    absorptance: Fraction = 0.9
    emittance_front: Fraction = 0.85
    emittance_back: Fraction = 0.85
    temperature_coefficient_per_k: Annotated[float, Field(gt=-0.05, lt=0.05)] = 0.0
    """Relative change of efficiency per kelvin above `reference_temperature_k`; negative loses."""
    reference_temperature_k: Positive = 301.15
    efficiency_rows: tuple[tuple[Positive, Efficiency], ...] = ()
    """Temperature in kelvin and efficiency there, instead of the coefficient and `efficiency`;
    linear between the rows, the nearest one beyond them."""

    @model_validator(mode="after")
    def _emits_somewhere(self) -> "CellParameters":
        if self.emittance_front + self.emittance_back <= 0.0:
            raise ValueError("emittance_front and emittance_back are both 0; cells must radiate")
        check_increasing("efficiency_rows: temperature", [row[0] for row in self.efficiency_rows])
        return self


class ArrayParameters(Parameters):
    """One solar panel."""

    area_m2: Positive
    """Area of cells."""
    efficiency: Efficiency
    """Of new cells, at the reference temperature and normal incidence."""
    mount: MountParameters
    conversion_efficiency: Efficiency = 1.0
    """Of strings, diodes and the converter between panel and bus; array power is counted behind it."""
    cosine_rows: tuple[tuple[NonNegative, NonNegative], ...] = ()
    """Incidence in degrees and the factor by which the current differs from its cosine."""
    cells: CellParameters | None = None
    """Without it the efficiency does not depend on temperature."""
    dust_transmittance: Efficiency = 1.0
    """Share of the light that passes the dust at the start."""
    dust_loss_per_landing: Fraction = 0.0
    dust_loss_per_drive: Fraction = 0.0
    dust_loss_per_lunar_day: Fraction = 0.0
    ageing_per_lunar_day: Fraction = 0.0
    """Share of the power that is lost to radiation damage with each lunar day."""

    @model_validator(mode="after")
    def _rows_rise(self) -> "ArrayParameters":
        check_increasing("cosine_rows: incidence", [row[0] for row in self.cosine_rows])
        return self


def body_axes(attitude: AttitudeParameters) -> Floats:
    """Rows forward, right, up of the body in east, north, up of the place; shape (3, 3)."""
    h, p, r = np.radians([attitude.heading_deg, attitude.pitch_deg, attitude.roll_deg])
    ahead = np.array([np.sin(h), np.cos(h), 0.0])
    right = np.array([np.cos(h), -np.sin(h), 0.0])
    up = np.array([0.0, 0.0, 1.0])
    forward, lifted = np.cos(p) * ahead + np.sin(p) * up, np.cos(p) * up - np.sin(p) * ahead
    return np.array(
        [forward, np.cos(r) * right - np.sin(r) * lifted, np.cos(r) * lifted + np.sin(r) * right]
    )


def panel_normal(
    mount: FixedMount | SingleAxisMount | TwoAxisMount, attitude: AttitudeParameters, sun: Floats
) -> Floats:
    """Unit normal of a panel in east, north, up when the Sun stands at unit vectors `sun` (3, N)."""
    axes = body_axes(attitude)
    seen = axes @ sun
    if isinstance(mount, FixedMount):
        normal = _leaning(mount.azimuth_deg, 90.0 - mount.tilt_deg)[:, None] + 0.0 * seen
    elif isinstance(mount, SingleAxisMount):
        normal = _turned_about_axis(mount, seen)
    else:
        normal = _pointed(mount, seen)
    return np.asarray(axes.T @ normal)


def incidence_cosine(
    array: ArrayParameters, attitude: AttitudeParameters, sun: Floats
) -> tuple[Floats, Floats]:
    """Corrected cosine of the incidence, negative behind the panel, and the share of sky it sees.

    `sun` are unit vectors (3, N); both results (N,).
    """
    if isinstance(array.mount, FoldedMount):
        zeros = np.zeros(sun.shape[1])
        return zeros, zeros
    normal = panel_normal(array.mount, attitude, sun)
    cosine = np.sum(normal * sun, axis=0)
    if array.cosine_rows:
        angles, factors = np.array(array.cosine_rows).T
        incidence = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        cosine = cosine * np.interp(incidence, angles, factors)
    return cosine, 0.5 * (1.0 + normal[2])


def irradiance_w_m2(sun_local_km: Floats) -> Floats:
    """Irradiance normal to the Sun at its distance; `sun_local_km` (3, N), result (N,)."""
    squared = np.sum(sun_local_km**2, axis=0)
    return np.asarray(SOLAR_IRRADIANCE_W_M2 * ASTRONOMICAL_UNIT_KM**2 / squared)


def array_power_w(
    array: ArrayParameters,
    attitude: AttitudeParameters,
    sun_local_km: Floats,
    visible_fraction: Floats,
    *,
    ground_temperature_k: Floats | None = None,
    ground_albedo: float = 0.0,
) -> Floats:
    """Power of one panel at the bus, in watts; never negative, zero where the Sun is hidden.

    `sun_local_km` (3, N) east, north, up; `visible_fraction` (N,) the share of the Sun's disc above
    the horizon and not eclipsed; `ground_temperature_k` (N,) warms the cells. The ground reflects
    as an endless level plain, lit where the Sun is up: tilted panels see (1 - cos tilt) / 2 of it.
    """
    if isinstance(array.mount, FoldedMount):
        return np.zeros(len(visible_fraction))
    sun = sun_local_km / np.linalg.norm(sun_local_km, axis=0)
    cosine, sky_share = incidence_cosine(array, attitude, sun)
    normal_w_m2 = irradiance_w_m2(sun_local_km) * visible_fraction
    reflected = ground_albedo * np.maximum(sun[2], 0.0) * (1.0 - sky_share)
    light_w_m2 = normal_w_m2 * (np.maximum(cosine, 0.0) + reflected) * array.dust_transmittance
    efficiency: Floats | float = array.efficiency
    if array.cells is not None:
        temperature = cell_temperature_k(array, light_w_m2, sky_share, ground_temperature_k)
        efficiency = cell_efficiency(array, temperature)
    return np.asarray(light_w_m2 * array.area_m2 * efficiency * array.conversion_efficiency)


def cell_efficiency(array: ArrayParameters, temperature_k: Floats) -> Floats:
    """Efficiency of the cells at a temperature; same shape."""
    cells = array.cells
    if cells is None:
        return np.full_like(temperature_k, array.efficiency)
    if cells.efficiency_rows:
        temperatures, efficiencies = np.array(cells.efficiency_rows).T
        return np.asarray(np.interp(temperature_k, temperatures, efficiencies))
    change = cells.temperature_coefficient_per_k * (temperature_k - cells.reference_temperature_k)
    return np.asarray(np.clip(array.efficiency * (1.0 + change), 0.0, 1.0))


def cell_temperature_k(
    array: ArrayParameters,
    light_w_m2: Floats,
    sky_share: Floats,
    ground_temperature_k: Floats | None = None,
) -> Floats:
    """Temperature of cells in balance: light less electricity, and the ground's heat, are radiated.

    A plate without heat capacity (a real one lags by minutes) and without conduction to the body;
    its back sees what its front does not. All arrays (N,).
    """
    cells = array.cells or CellParameters()
    ground = np.zeros_like(light_w_m2) if ground_temperature_k is None else ground_temperature_k
    both = cells.emittance_front + cells.emittance_back
    seen = cells.emittance_front * (1.0 - sky_share) + cells.emittance_back * sky_share
    surroundings = seen * ground**4 + (both - seen) * _SPACE_TEMPERATURE_K**4
    heat = cells.absorptance * light_w_m2 + STEFAN_BOLTZMANN_W_M2_K4 * surroundings
    # no electricity drawn is the upper bound, from which Newton falls without overshoot
    temperature = (heat / (STEFAN_BOLTZMANN_W_M2_K4 * both)) ** 0.25
    for _ in range(_NEWTON_STEPS):
        drawn = cell_efficiency(array, temperature) * light_w_m2
        cubed = STEFAN_BOLTZMANN_W_M2_K4 * both * temperature**3
        excess = cubed * temperature + drawn - heat
        temperature = temperature - excess / (4.0 * cubed)
    return np.asarray(temperature)


def power_share(array: ArrayParameters, landings: int, drives: int, lunar_days: int) -> float:
    """Share of a panel's first power that dust and ageing have left.

    The light lost is exponential in the mass of dust, so that shares multiply; landings and drives
    of the vehicle, and lunar days, since the start.
    """
    dust = (
        (1.0 - array.dust_loss_per_landing) ** landings
        * (1.0 - array.dust_loss_per_drive) ** drives
        * (1.0 - array.dust_loss_per_lunar_day) ** lunar_days
    )
    return float(dust * (1.0 - array.ageing_per_lunar_day) ** lunar_days)


def array_power_track(
    arrays: Mapping[str, ArrayParameters],
    attitude: AttitudeParameters,
    sun_local_km: Callable[[Floats], Floats],
    visible_fraction: Callable[[Floats], Floats],
    kinks_s: ArrayLike,
    *,
    ground_temperature_k: Callable[[Floats], Floats] | None = None,
    ground_albedo: float = 0.0,
    tolerance_w: float | None = None,
) -> Track:
    """Power of all panels of a vehicle in one attitude, as a track in watts.

    The functions take (N,) times and give (3, N), (N,) and (N,); tracks will do. `kinks_s` begins
    and ends the track and holds every instant at which they bend: first and last touch of the
    Sun's disc with the horizon, corners of the mask, eclipses. Where the Sun passes the plane of
    a panel a kink is added here. Pieces are halved until each is within `tolerance_w`, by default
    1e-6 of what the cells would give at normal incidence. Never negative; exactly zero at night.
    """

    def power_w(t_s: Floats) -> Floats:
        sun, seen = sun_local_km(t_s), visible_fraction(t_s)
        ground = None if ground_temperature_k is None else ground_temperature_k(t_s)
        total = np.zeros(len(t_s))
        for array in arrays.values():
            total += array_power_w(
                array,
                attitude,
                sun,
                seen,
                ground_temperature_k=ground,
                ground_albedo=ground_albedo,
            )
        return total

    edges = np.unique(np.asarray(kinks_s, dtype=float))
    bends = [panel_horizon_crossings_s(a, attitude, sun_local_km, edges) for a in arrays.values()]
    edges = np.unique(np.concatenate([edges, *bends]))
    if tolerance_w is None:
        peak = sum(array.area_m2 * array.efficiency for array in arrays.values())
        tolerance_w = 1e-6 * SOLAR_IRRADIANCE_W_M2 * max(peak, 1e-3)
    return fitted_track(power_w, edges, tolerance_w)


def panel_horizon_crossings_s(
    array: ArrayParameters,
    attitude: AttitudeParameters,
    sun_local_km: Callable[[Floats], Floats],
    edges_s: Floats,
) -> Floats:
    """Times at which the Sun passes the plane of a panel, between the first and last edge."""
    if isinstance(array.mount, FoldedMount):
        return np.empty(0)

    def cosine(t_s: Floats) -> Floats:
        sun = sun_local_km(t_s)
        return incidence_cosine(array, attitude, sun / np.linalg.norm(sun, axis=0))[0]

    count = max(2, int(np.ceil((edges_s[-1] - edges_s[0]) / (6.0 * _HOUR_S))) + 1)
    return roots(cosine, np.linspace(edges_s[0], edges_s[-1], count), 1e-3)


def fitted_track(function: Callable[[Floats], Floats], edges_s: Floats, tolerance: float) -> Track:
    """A track of a quantity that is never negative, its pieces halved until within `tolerance`.

    A piece in which the function is zero stays exactly zero; one whose series dips below zero is
    lifted by what it dips, which the stated error includes.
    """
    edges = edges_s
    for _ in range(_TRACK_ROUNDS):
        track = Track.fit(function, edges, _TRACK_DEGREE)
        bad = np.abs(track.coefficients[:, -2:]).sum(axis=1) > tolerance
        bad &= np.diff(edges) > 1.0
        if not bad.any():
            break
        edges = np.sort(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])[bad]]))
    nodes = np.cos(np.linspace(0.0, np.pi, 8 * _TRACK_DEGREE + 1))
    lowest = (track.coefficients @ chebyshev.chebvander(nodes, _TRACK_DEGREE).T).min(axis=1)
    lift = np.where(lowest < 0.0, -2.0 * lowest, 0.0)
    table = track.coefficients.copy()
    table[:, 0] += lift
    return Track.made(edges, table, track.error + float(lift.max(initial=0.0)))


def _check_order(low_name: str, low: float, high_name: str, high: float) -> None:
    if low >= high:
        raise ValueError(f"{low_name} is {low:g}; it must be less than {high_name}, {high:g}")


def _leaning(azimuth_deg: float, elevation_deg: float) -> Floats:
    """Unit vector forward, right, up of a direction on the body."""
    a, e = np.radians([azimuth_deg, elevation_deg])
    return np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


def _turned_about_axis(mount: SingleAxisMount, seen: Floats) -> Floats:
    axis = _leaning(mount.axis_azimuth_deg, mount.axis_elevation_deg)
    upward = _leaning(mount.axis_azimuth_deg, mount.axis_elevation_deg + 90.0)
    # forward, right, up is left-handed, so a right-handed turn about the axis is -(axis x upward)
    sideward = -np.cross(axis, upward)
    wanted = np.degrees(np.arctan2(sideward @ seen, upward @ seen))
    turn = np.radians(_nearest_allowed(wanted, mount.minimum_deg, mount.maximum_deg))
    c = np.radians(mount.normal_to_axis_deg)
    across = upward[:, None] * np.cos(turn) + sideward[:, None] * np.sin(turn)
    return np.asarray(np.cos(c) * axis[:, None] + np.sin(c) * across)


def _pointed(mount: TwoAxisMount, seen: Floats) -> Floats:
    wanted = np.degrees(np.arctan2(seen[1], seen[0]))
    azimuth = np.radians(
        _nearest_allowed(wanted, mount.azimuth_minimum_deg, mount.azimuth_maximum_deg)
    )
    along = seen[0] * np.cos(azimuth) + seen[1] * np.sin(azimuth)
    best = np.degrees(np.arctan2(seen[2], along))
    elevation = np.radians(
        _nearest_allowed(best, mount.elevation_minimum_deg, mount.elevation_maximum_deg)
    )
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def _nearest_allowed(angle_deg: Floats, minimum_deg: float, maximum_deg: float) -> Floats:
    """The angle if it lies between the limits, else the limit that is nearer on the circle."""
    below = (minimum_deg - angle_deg) % 360.0
    above = (angle_deg - maximum_deg) % 360.0
    clipped = np.where(below < above, minimum_deg, maximum_deg)
    inside = (angle_deg >= minimum_deg) & (angle_deg <= maximum_deg)
    return np.asarray(np.where(inside, angle_deg, clipped))
