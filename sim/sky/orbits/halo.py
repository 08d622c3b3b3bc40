"""Relays on halo orbits about L1 and L2, near-rectilinear ones included, under the true forces.

A periodic orbit of the restricted problem is carried to the true Earth and Moon, cut into arcs, and
the arcs are made to meet under the Moon, the Earth and the Sun of the ephemeris.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sim.constants import DAY_S, EARTH_GM_KM3_S2, MOON_GM_KM3_S2, MOON_RADIUS_KM
from sim.errors import OrbitError
from sim.parameters import Parameters, Positive, Utc
from sim.sky.ephemeris import Ephemeris
from sim.sky.orbits.gravity import BUILT_IN_DEGREE, GravityField, load_field
from sim.sky.orbits.propagation import Forces
from sim.sky.orbits.pulsating import PulsatingAxes
from sim.sky.orbits.restricted import (
    MEAN_DISTANCE_KM,
    SIDEREAL_MONTH_D,
    Family,
    PeriodicOrbit,
    Point,
    halo_orbit,
    near_rectilinear_orbit,
)
from sim.sky.orbits.shooting import chained, shoot
from sim.track import Track

Floats = NDArray[np.float64]
Progress = Callable[[float], None]
PhaseDeg = Annotated[float, Field(ge=-360.0, le=360.0)]

_SYNODIC_MONTH_D = 29.530589
_HALO_PATCHES = (0.0, 0.25, 0.5, 0.75)
_NEAR_RECTILINEAR_PATCHES = (0.0, 0.2, 0.36, 0.64, 0.8)  # never near the perilune
_HEIGHT_SHARE = 0.02  # of the amplitude; within a turn the true one varies as much
_PACES, _LARGEST_PACE = 8, 2e-3
_KM_PER_PACE = 3.8e6  # a halo of L2 shortens by 0.039 d of 14.8 while it grows by 10,000 km
_EXTRA_HALO_TURNS, _EXTRA_NEAR_RECTILINEAR_TURNS = 1.0, 2.0
_TOUCHING_TURNS = 1e-9
_LONGEST_HALO_S = 15.0 * DAY_S
_COARSE_KM, _COARSE_KM_S = 1.0, 1e-3  # jumps on the way from the circular to the true problem
_FIRST_SHARE, _SMALLEST_SHARE = 0.25, 1e-3


class HaloParameters(Parameters):
    """A halo orbit by the largest distance from the Earth-Moon plane."""

    kind: Literal["halo"]
    center: Literal["moon"] = "moon"
    point: Point = "l2"
    family: Family = "southern"
    """The side of the Earth-Moon plane on which the relay spends most of its time."""
    amplitude_z_km: Positive
    """Largest distance from the Earth-Moon plane, of the periodic orbit at the Moon's mean distance
    of 384,400 km; the true one varies by some percent about it."""
    phase_deg: PhaseDeg = 0.0
    """At the epoch; 0 where the relay is farthest from the Earth-Moon plane, 360 one turn later."""
    epoch_utc: Utc | None = None
    """The start of the scenario if left out."""


class NrhoParameters(Parameters):
    """A near-rectilinear halo orbit in resonance with the synodic month."""

    kind: Literal["nrho"]
    center: Literal["moon"] = "moon"
    point: Point = "l2"
    family: Family = "southern"
    """The side of the apolune."""
    resonance: Annotated[str, Field(pattern=r"^[1-9][0-9]?:[1-9]$")] = "9:2"
    """Turns and synodic months that they take together."""
    phase_deg: PhaseDeg = 0.0
    """At the epoch; 0 at the apolune, 360 one turn later."""
    epoch_utc: Utc | None = None
    """The start of the scenario if left out."""

    @property
    def period_d(self) -> float:
        """Time of one turn."""
        turns, months = (int(part) for part in self.resonance.split(":"))
        return _SYNODIC_MONTH_D * months / turns


def compute_halo(
    parameters: HaloParameters, ephemeris: Ephemeris, epoch_s: float, span_s: Floats
) -> tuple[Track, dict[str, float]]:
    """The halo in the span (start, stop) and facts about it."""
    orbit = halo_orbit(parameters.amplitude_z_km, parameters.point, parameters.family)
    axes = PulsatingAxes(ephemeris)
    forces = Forces(ephemeris, GravityField.point_mass(), has_planets=False)
    aim_km, pace, paces, heights = parameters.amplitude_z_km, 1.0, [], []
    for _ in range(_PACES):
        try:
            states, times, jump_km = _halo_arcs(
                orbit, axes, forces, epoch_s, span_s, parameters.phase_deg, pace
            )
        except OrbitError as error:
            raise OrbitError(
                f"no halo of amplitude_z_km {aim_km:g} was found under the true forces ({error}); "
                "choose another amplitude, or kind: nrho"
            ) from None
        track = chained(states, times, forces, span_s[0], span_s[1])
        facts = _facts(track, orbit, axes)
        paces.append(pace)
        heights.append(facts["largest_z_km"])
        if abs(heights[-1] - aim_km) < _HEIGHT_SHARE * aim_km:
            break
        pace = _next_pace(paces, heights, aim_km)
    facts["period_d"] /= paces[-1]
    return track, facts | {"largest_jump_km": jump_km}


def _halo_arcs(
    orbit: PeriodicOrbit,
    axes: PulsatingAxes,
    forces: Forces,
    epoch_s: float,
    span_s: Floats,
    phase_deg: float,
    pace: float,
) -> tuple[Floats, Floats, float]:
    """Patch states and times about the span, and the largest jump; `pace` quickens the orbit."""
    epoch_rad = float(axes.swept_rad(epoch_s))
    begin = orbit.period * phase_deg / 360.0
    first, last = begin + pace * (axes.swept_rad(span_s) - epoch_rad)
    angles = _patches(_HALO_PATCHES, _EXTRA_HALO_TURNS, orbit.period, first, last)
    times = axes.time_of((angles - begin) / pace + epoch_rad)
    states, jump_km = shoot(axes.states_km(times, orbit.at(angles)).T, times, forces)
    return states, times, jump_km


def _next_pace(paces: list[float], heights_km: list[float], aim_km: float) -> float:
    """The pace at which the height should be right: by the family's slope first, then by secant.

    The Sun shifts a halo's natural period a little. Over years the relay keeps to the period that
    it is given, and changes its height until that is natural.
    """
    if len(paces) == 1:
        slope = _KM_PER_PACE
    else:
        slope = (heights_km[-1] - heights_km[-2]) / (paces[-1] - paces[-2])
    change = (aim_km - heights_km[-1]) / slope if slope else 0.0
    return paces[-1] + float(np.clip(change, -_LARGEST_PACE, _LARGEST_PACE))


def compute_nrho(
    parameters: NrhoParameters,
    ephemeris: Ephemeris,
    epoch_s: float,
    span_s: Floats,
    progress: Progress | None = None,
) -> tuple[Track, dict[str, float]]:
    """The near-rectilinear orbit in the span (start, stop) and facts about it.

    The true problem is approached from the circular one, the Earth's eccentricity and the Sun
    switched on together; the Moon's field comes last.
    """
    turn = 2.0 * np.pi * parameters.period_d / SIDEREAL_MONTH_D
    orbit = near_rectilinear_orbit(turn, parameters.point, parameters.family)
    circle = CircularMoon(ephemeris, span_s)
    begin = orbit.period * parameters.phase_deg / 360.0 - circle.rate_rad_s * epoch_s
    first, last = begin + circle.rate_rad_s * span_s
    angles = _patches(
        _NEAR_RECTILINEAR_PATCHES, _EXTRA_NEAR_RECTILINEAR_TURNS, orbit.period, first, last
    )
    times = (angles - begin) / circle.rate_rad_s
    states = circle.states_km(times, orbit.at(angles)).T
    point = Forces(ephemeris, GravityField.point_mass(), has_planets=False)
    share, ahead = 0.0, _FIRST_SHARE
    while share < 1.0:
        wanted = min(1.0, share + ahead)
        try:
            states, _ = shoot(
                states,
                times,
                circle.blended(point, wanted),
                largest_km=_COARSE_KM,
                largest_km_s=_COARSE_KM_S,
                rounds=12,
            )
        except OrbitError:
            ahead *= 0.5
            if ahead < _SMALLEST_SHARE:
                raise OrbitError(
                    f"no {parameters.resonance} near-rectilinear orbit was found under the true "
                    f"forces over {(span_s[1] - span_s[0]) / DAY_S:.0f} d; choose a shorter run or "
                    "another resonance"
                ) from None
            continue
        share, ahead = wanted, 1.5 * ahead
        if progress is not None:
            progress(0.9 * share)
    forces = point.with_field(load_field(BUILT_IN_DEGREE))
    states, jump_km = shoot(states, times, forces)
    track = chained(states, times, forces, span_s[0], span_s[1])
    return track, _facts(track, orbit, PulsatingAxes(ephemeris)) | {"largest_jump_km": jump_km}


class CircularMoon:
    """The best circular orbit of the Moon over a span, from which the true problem is reached."""

    def __init__(self, ephemeris: Ephemeris, span_s: Floats) -> None:
        times = np.linspace(ephemeris.start_s, ephemeris.stop_s, 4001)
        moon = -ephemeris.earth_km(times)
        pole = np.cross(moon, -ephemeris.earth_km.derivative(times), axis=0).mean(axis=1)
        z = pole / np.linalg.norm(pole)
        x = moon[:, 0] - (moon[:, 0] @ z) * z
        x /= np.linalg.norm(x)
        self._basis = np.column_stack([x, np.cross(z, x), z])
        turned = np.unwrap(np.arctan2(self._basis[:, 1] @ moon, self._basis[:, 0] @ moon))
        self.rate_rad_s, self._first_rad = (float(c) for c in np.polyfit(times, turned, 1))
        gm = EARTH_GM_KM3_S2 + MOON_GM_KM3_S2
        self.distance_km = float((gm / self.rate_rad_s**2) ** (1.0 / 3.0))
        edges, degree = ephemeris.earth_km.edges_s, ephemeris.earth_km.coefficients.shape[1] - 1
        self._earth_km = Track.fit(self._earth, edges, degree)
        self._ephemeris = ephemeris

    def states_km(self, t_s: Floats, states: Floats) -> Floats:
        """States (6, N) relative to the Moon in the turning axes, to ICRF axes and kilometres."""
        axes = self._axes(t_s)
        position = np.einsum("ijn,jn->in", axes, states[:3])
        velocity = np.einsum("ijn,jn->in", axes, states[3:])
        turning = np.cross(axes[:, 2], position, axis=0)
        speed = self.distance_km * self.rate_rad_s
        return np.concatenate([self.distance_km * position, speed * (turning + velocity)])

    def blended(self, forces: Forces, share: float) -> Forces:
        """Forces with the Earth between its circular and its true place, the Sun moved in."""
        if share >= 1.0:
            return forces
        true, circular = self._ephemeris.earth_km, self._earth_km
        earth = (1.0 - share) * circular.coefficients + share * true.coefficients
        sun = self._ephemeris.sun_km.coefficients * share ** (-1.0 / 3.0)
        return Forces(
            forces.ephemeris,
            forces.field,
            has_planets=False,
            earth_table=Track.made(true.edges_s, earth, true.error),
            sun_table=Track.made(true.edges_s, sun, true.error),
        )

    def _axes(self, t_s: Floats) -> Floats:
        angle = self._first_rad + self.rate_rad_s * t_s
        cos, sin, zero, one = np.cos(angle), np.sin(angle), 0.0 * angle, 1.0 + 0.0 * angle
        turn = np.array([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])
        return np.asarray(np.einsum("ij,jkn->ikn", self._basis, turn))

    def _earth(self, t_s: Floats) -> Floats:
        return np.asarray(-self.distance_km * self._axes(t_s)[:, 0])


def reach_s(parameters: HaloParameters | NrhoParameters) -> float:
    """How far the ephemeris must reach beyond both ends of the span."""
    if isinstance(parameters, HaloParameters):
        return (_EXTRA_HALO_TURNS + 0.5) * _LONGEST_HALO_S
    return (_EXTRA_NEAR_RECTILINEAR_TURNS + 0.5) * parameters.period_d * DAY_S


def _patches(
    shares: tuple[float, ...], extra: float, period: float, first: float, last: float
) -> Floats:
    """Angles of the patch points, from a turn or two before the span to as many after it.

    The ends of a chain of arcs are held from one side only and stray; they lie outside the span.
    A patch point that the reach just touches, as where the span begins at phase 0, is the last one:
    rounding does not decide on another arc, which would move the whole by kilometres.
    """
    reach = (extra - _TOUCHING_TURNS) * period
    first, last = first - reach, last + reach
    turns = np.arange(np.floor(first / period) - 1.0, np.ceil(last / period) + 2.0)
    angles = (turns[:, None] + np.array(shares)).ravel() * period
    begin = int(np.searchsorted(angles, first, side="right")) - 1
    end = int(np.searchsorted(angles, last, side="left"))
    return np.asarray(angles[begin : end + 1])


def _facts(track: Track, orbit: PeriodicOrbit, axes: PulsatingAxes) -> dict[str, float]:
    times = np.linspace(
        track.start_s, track.stop_s, int((track.stop_s - track.start_s) / 600.0) + 2
    )
    position = track(times)
    distance = np.linalg.norm(position, axis=0)
    plane_km = np.abs(axes.from_km(times, position)[2]) * MEAN_DISTANCE_KM
    return {
        "period_d": float(orbit.period) * SIDEREAL_MONTH_D / (2.0 * np.pi),
        "lowest_height_km": float(distance.min()) - MOON_RADIUS_KM,
        "highest_height_km": float(distance.max()) - MOON_RADIUS_KM,
        "largest_z_km": float(plane_km.max()),
    }
