"""Relays that are integrated: forces, tolerances, and the trajectory as a track.

Forces: the Moon's field in its principal axes, Earth, Sun, Venus and Jupiter as point masses from
the ephemeris, and sunlight on a sphere with the shadows of Moon and Earth. In a year Venus moves a
24-hour ellipse by 19 m and Jupiter by 15 m, other planets by less. Neglected: the Moon's tides and
relativity.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.constants import (
    ASTRONOMICAL_UNIT_KM,
    EARTH_GM_KM3_S2,
    EARTH_RADIUS_KM,
    MOON_RADIUS_KM,
    SOLAR_IRRADIANCE_W_M2,
    SPEED_OF_LIGHT_KM_S,
    SUN_GM_KM3_S2,
    SUN_RADIUS_KM,
)
from sim.errors import OrbitError
from sim.sky.ephemeris import PIECE_S, Ephemeris
from sim.sky.orbits.gravity import GravityField
from sim.track import Track

Floats = NDArray[np.float64]

TOLERANCE = (1e-14, 1e-12, 1e-15)
"""Relative, and absolute in km and km/s, of each step of the integration."""
PLANET_GM_KM3_S2 = {"venus": 324_858.592_079, "jupiter barycenter": 126_712_764.858}
"""DE421 (Folkner, Williams, Boggs 2009)."""

_STEPS_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Forces:
    """Everything that pulls or pushes a relay."""

    ephemeris: Ephemeris
    field: GravityField
    push_m2_kg: float = 0.0
    """Area over mass times the coefficient of radiation pressure, 1 for a black sphere."""
    has_planets: bool = True
    """Whether Venus and Jupiter pull as well; they do not matter where arcs are fitted anyway."""
    earth_table: Track | None = None
    """The Earth where it is not the ephemeris's own."""
    sun_table: Track | None = None

    @cached_property
    def arguments(self) -> tuple[Any, ...]:
        """What the compiled functions take for the forces; `dynamics.rates` says which is which."""
        e = self.ephemeris
        earth, sun = self.earth_table or e.earth_km, self.sun_table or e.sun_km
        planets = [e.planet_km(name) for name in PLANET_GM_KM3_S2] if self.has_planets else []
        tracks = [earth, sun, *planets, e.moon_angles_rad]
        table = np.concatenate([track.coefficients for track in tracks], axis=2)
        gms = [EARTH_GM_KM3_S2, SUN_GM_KM3_S2, *PLANET_GM_KM3_S2.values()][: len(tracks) - 1]
        edges = earth.edges_s
        # Pieces inside are all of one length; the first may begin late.
        origin = edges[1] - PIECE_S if len(edges) > 2 else edges[0]
        pressure_pa = SOLAR_IRRADIANCE_W_M2 / (1e3 * SPEED_OF_LIGHT_KM_S)
        light_km = 1e-3 * pressure_pa * ASTRONOMICAL_UNIT_KM**2 * self.push_m2_kg
        return (
            np.ascontiguousarray(table),
            np.ascontiguousarray(edges),
            np.array([origin, PIECE_S]),
            np.array(gms),
            np.array([self.field.gm_km3_s2, self.field.radius_km]),
            np.ascontiguousarray(self.field.cosines),
            np.ascontiguousarray(self.field.sines),
            self.field.factors,
            np.array([light_km, SUN_RADIUS_KM, MOON_RADIUS_KM, EARTH_RADIUS_KM]),
        )

    def with_field(self, field: GravityField) -> "Forces":
        """The same forces about another field."""
        return replace(self, field=field)


def integrate(
    state: Floats,
    begin_s: float,
    end_s: float,
    forces: Forces,
    tolerance: tuple[float, float, float] = TOLERANCE,
) -> tuple[Track, Floats]:
    """The trajectory of a state (6,) from `begin_s` to `end_s`, forward or back, and its end.

    The track is the integrator's own dense output: a polynomial of degree seven a step. Raises
    `OrbitError` where the relay hits the Moon.
    """
    from sim.sky.orbits import dynamics  # noqa: PLC0415 - numba takes 0.5 s to load

    here_s, end, status = float(begin_s), np.array(state, dtype=float), dynamics.FULL
    times, series = [np.array([begin_s])], []
    while status == dynamics.FULL:
        more_times, more = np.zeros(_STEPS_AT_ONCE), np.zeros((_STEPS_AT_ONCE, 8, 3))
        here_s, count, status = dynamics.integrated(  # type: ignore[no-untyped-call]
            end,
            here_s,
            float(end_s),
            np.array(tolerance),
            MOON_RADIUS_KM,
            more_times,
            more,
            forces.arguments,
        )
        times.append(more_times[:count])
        series.append(more[:count])
    track = _dense_track(np.concatenate(times), np.concatenate(series))
    low_km, low_s = _lowest(track)
    if status == dynamics.HIT or low_km < MOON_RADIUS_KM:
        when = forces.ephemeris.clock.utc(_impact_s(track, end_s > begin_s, low_s))
        raise OrbitError(
            f"the orbit hits the Moon at {when}; raise its lowest point, turn its node or argument "
            "of perilune, or correct it by a maneuver before"
        )
    return track, end


def _dense_track(times_s: Floats, series: Floats) -> Track:
    """The steps' polynomials as Chebyshev series; exact, since both are of degree seven."""
    is_backward = times_s[-1] < times_s[0]
    if is_backward:
        times_s, series = times_s[::-1], series[::-1]
    nodes = np.cos(np.pi * (np.arange(8) + 0.5) / 8)
    x = 0.5 * (1.0 - nodes if is_backward else 1.0 + nodes)
    # The nested polynomial is linear in its terms: one matrix takes them to values at the nodes.
    terms = np.ones((8, 8))
    for index in range(1, 8):
        terms[:, index] = terms[:, index - 1] * (x if index % 2 == 1 else 1.0 - x)
    order = np.arange(8)
    transform = (
        np.cos(np.outer(order, np.arccos(nodes))) * np.where(order == 0, 0.125, 0.25)[:, None]
    )
    table = np.einsum("dk,nkc->ndc", transform @ terms, series, optimize=True)
    tail = np.abs(table[:, -2:]).sum(axis=1)
    return Track.made(times_s, table, float(tail.max(initial=0.0)))


def _lowest(track: Track) -> tuple[float, float]:
    """Least distance from the Moon's centre at the ends and middles of the pieces, and when."""
    order = np.arange(track.coefficients.shape[1])
    ends = np.array([(-1.0) ** order, np.cos(0.5 * np.pi * order), np.ones(len(order))])
    points = np.einsum("xk,nkc->nxc", ends, track.coefficients, optimize=True)
    distance = np.sqrt(np.einsum("nxc,nxc->nx", points, points))
    piece, end = np.unravel_index(int(np.argmin(distance)), distance.shape)
    share = 0.5 * float(end)
    edges = track.edges_s[piece : piece + 2]
    return float(distance.min()), float(edges[0] + share * (edges[1] - edges[0]))


def _impact_s(track: Track, is_forward: bool, low_s: float) -> float:
    """When a track first passes the Moon's surface on its way, to a second."""
    start, stop = track.start_s, track.stop_s
    times = np.linspace(start, stop, int(min(2e6, max(10.0, stop - start))) + 1)
    below = np.flatnonzero(np.linalg.norm(track(times), axis=0) < MOON_RADIUS_KM)
    if not len(below):
        return low_s
    return float(times[below[0] if is_forward else below[-1]])
