"""The Earth, the Sun and the axes of both bodies as tracks, sampled once from Skyfield.

Nutation alone costs Skyfield 55 us an instant, so that everything is sampled at Chebyshev nodes and
evaluated from there. Pieces are four days long and lie on the pieces of DE421 and of the
orientation kernel, whose polynomials are thereby reproduced and not merely approached.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.clock import Clock
from sim.constants import DAY_S, SPEED_OF_LIGHT_KM_S
from sim.sky.directions import aberrated_km, longitude_latitude_deg, range_km
from sim.sky.frames import ARCSECOND_RAD, applied, euler, principal_to_mean_earth
from sim.sky.kernels import J2000_JD, load_kernels, require_covered, skyfield_time
from sim.track import Memory, Track

Floats = NDArray[np.float64]

PIECE_S = 4.0 * DAY_S
DEGREE = 13
_SLOW_PIECES = 3  # of the kernels' to one of nutation, whose fastest terms take five days
_KERNEL_START_S = -36_528.5 * DAY_S  # TDB; where a piece of the orientation kernel begins
_TURN_RAD = 2.0 * np.pi
# Earth rotation angle at J2000 and its rate over one turn a day; IAU 2000 resolution B1.8.
_EARTH_ANGLE_TURNS, _EARTH_EXCESS_TURNS_D = 0.7790572732640, 0.00273781191135448
_LOCATOR_ARCSEC_CY = -47.0e-6  # drift of the terrestrial origin s'; IERS Conventions 2010, 5.5.2


Keep = Callable[[str, Callable[[], Track]], Track]
"""Hands out a track by its name, from where it was kept or else as it is made."""


def _unkept(_: str, make: Callable[[], Track]) -> Track:
    return make()


@dataclass(frozen=True, eq=False)
class Ephemeris:
    """Where the Earth and the Sun are, and how the Moon and the Earth are turned, in a span.

    All vectors are kilometres along ICRF axes from the Moon's centre. Errors against Skyfield:
    below 1 m for the Sun, 1 mm for the Earth, 1e-12 rad for the Moon's axes and 1 cm on the
    Earth's surface.
    """

    clock: Clock
    start_s: float
    """First instant."""
    stop_s: float
    """Last instant."""
    keep: Keep = _unkept
    """Where the track that is slow to make is kept between runs."""

    @cached_property
    def edges_s(self) -> Floats:
        """Edges of the pieces of all slow quantities: those of the kernels."""
        return _piece_edges(self.clock, self.start_s, self.stop_s)

    @cached_property
    def earth_km(self) -> Track:
        """The Earth, geometric."""
        return self._through(self._samples.planet_km("earth"))

    @cached_property
    def sun_km(self) -> Track:
        """The Sun, geometric."""
        return self._through(self._samples.planet_km("sun"))

    def planet_km(self, name: str) -> Track:
        """A planet of DE421 by its name there, geometric."""
        return self._through(self._samples.planet_km(name))

    @cached_property
    def sun_apparent_km(self) -> Track:
        """The Sun as it appears from the Moon's centre: light time and aberration, no deflection."""
        return self._through(self._samples.apparent_km("sun"))

    @cached_property
    def sun_light_km(self) -> Track:
        """The Sun where its light left it, seen from the Moon's centre: for shadows."""
        return self._through(self._samples.light_km("sun"))

    @cached_property
    def moon_velocity_km_s(self) -> Track:
        """Velocity of the Moon from the solar system's barycentre."""
        return self._through(self._samples.velocity_km_s("moon"))

    @cached_property
    def earth_velocity_km_s(self) -> Track:
        """Velocity of the Earth from the solar system's barycentre."""
        return self._through(self._samples.velocity_km_s("earth"))

    @cached_property
    def moon_angles_rad(self) -> Track:
        """Node, tilt and spin of the Moon's principal axes."""
        return self._through(self._samples.moon_angles_rad)

    @cached_property
    def nutation(self) -> Track:
        """Ten rows: those of the rotation from ICRF to the Earth's true equator and equinox of date,
        and Greenwich apparent sidereal time less the Earth rotation angle."""

        def make() -> Track:
            samples = self._slow_samples
            rows = np.concatenate([samples.nutation.reshape(9, -1), samples.equinox_rad[None]])
            return Track.through(rows, self._slow_edges_s, DEGREE)

        return self.keep("nutation", make)

    @cached_property
    def turning(self) -> Track:
        """UT1 less TT in seconds, the drift of the terrestrial origin s' and the pole's x and y.

        In pieces of a day like their table.
        """
        return Track.fit(lambda t: _turning(self.clock, t), self._daily_edges_s, 3)

    def rotation(self, t_s: ArrayLike) -> Floats:
        """ICRF to the Moon's mean-Earth axes; (3, 3) or (3, 3, N)."""
        principal = self.principal_rotation(t_s)
        return np.asarray(np.einsum("ij,jk...->ik...", self._mean_earth, principal))

    def principal_rotation(self, t_s: ArrayLike) -> Floats:
        """ICRF to the Moon's principal axes; (3, 3) or (3, 3, N)."""
        return euler(self.moon_angles_rad(t_s))

    def shadow_vectors_km(
        self, t_s: ArrayLike, from_km: Floats, body: str
    ) -> tuple[Floats, Floats]:
        """The Sun and the Moon or the Earth from a point near the Moon, by light time.

        Where light that arrives now left the Sun and passed the body, which decides on a shadow;
        aberration turns both alike. The Sun's light time is that to the Moon's centre.
        """
        at = -from_km if body == "moon" else self.earth_km(t_s) - from_km
        velocity = self.moon_velocity_km_s if body == "moon" else self.earth_velocity_km_s
        delay = range_km(at) / SPEED_OF_LIGHT_KM_S
        return self.sun_light_km(t_s) - from_km, at - delay * velocity(t_s)

    def sun_seen_km(self, t_s: ArrayLike, from_km: Floats, velocity_km_s: Floats) -> Floats:
        """The Sun as it appears from a point near the Moon or on the Earth; light time, aberration.

        `velocity_km_s` is the point's, from the solar system's barycentre. The Sun's light time is
        that to the Moon's centre, in the difference of which the Sun moves by some metres.
        """
        return aberrated_km(self.sun_light_km(t_s) - from_km, velocity_km_s)

    def sub_solar_point_deg(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        """East longitude and latitude on the Moon over which the Sun stands."""
        return longitude_latitude_deg(applied(self.rotation(t_s), self.sun_apparent_km(t_s)))

    def sub_earth_point_deg(self, t_s: ArrayLike) -> tuple[Floats, Floats]:
        """East longitude and latitude over which the Earth stands: the libration."""
        return longitude_latitude_deg(applied(self.rotation(t_s), self.earth_km(t_s)))

    def earth_rotation(self, t_s: ArrayLike) -> Floats:
        """ITRS to ICRF: polar motion, UT1, nutation, precession; (3, 3) or (3, 3, N)."""
        x, y, z = self.earth_axes(t_s)
        return np.stack([x, y, z], axis=1)

    def earth_axes(self, t_s: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """The Earth's terrestrial x, y and z axes in ICRF; each (3,) or (3, N).

        Polar motion is applied to first order in its angles, which are below 3e-6 rad.
        """
        x, y, z = self._memory(np.asarray(t_s, dtype=float), self._earth_axes)
        return x, y, z

    def _earth_axes(self, t_s: Floats) -> Floats:
        rows = self.nutation(t_s)
        first, second, pole = rows[:9].reshape(3, 3, *t_s.shape)
        ut1_minus_tt_s, drift, x_p, y_p = self.turning(t_s)
        angle = self._earth_angle_rad(t_s, ut1_minus_tt_s) + rows[9] + drift
        cos, sin = np.cos(angle), np.sin(angle)
        # In place: these are the largest arrays of a search.
        axes = np.empty((3, *first.shape))
        np.multiply(cos, first, out=axes[0])
        axes[0] += sin * second
        np.multiply(cos, second, out=axes[1])
        axes[1] -= sin * first
        axes[2] = pole
        axes[2] -= x_p * axes[0]
        axes[2] += y_p * axes[1]
        axes[0] += x_p * pole
        axes[1] -= y_p * pole
        return axes

    def ground_velocity_km_s(self, t_s: ArrayLike, from_earth_km: Floats) -> Floats:
        """Velocity of a point fixed to the Earth from the solar system's barycentre.

        `from_earth_km` is where it is from the Earth's centre, along ICRF axes. Precession and
        nutation, below 1e-7 km/s, are left out.
        """
        pole = self.earth_axes(t_s)[2]
        rate_rad_s = _TURN_RAD * (1.0 + _EARTH_EXCESS_TURNS_D) / DAY_S
        turning = rate_rad_s * np.cross(pole, from_earth_km, axis=0)
        return np.asarray(self.earth_velocity_km_s(t_s) + turning)

    @cached_property
    def _memory(self) -> Memory:
        return Memory()

    def _earth_angle_rad(self, t_s: Floats, ut1_minus_tt_s: Floats) -> Floats:
        """Earth rotation angle, not reduced; shape of `t_s`."""
        since_start_s = t_s + ut1_minus_tt_s
        day, rest_s = divmod(self.clock.start_tt_s, DAY_S)
        days = (since_start_s + rest_s) / DAY_S
        whole = _EARTH_ANGLE_TURNS + (day * _EARTH_EXCESS_TURNS_D) % 1.0
        return np.asarray(_TURN_RAD * (whole + days * (1.0 + _EARTH_EXCESS_TURNS_D)))

    @cached_property
    def _mean_earth(self) -> Floats:
        return principal_to_mean_earth()

    @cached_property
    def _daily_edges_s(self) -> Floats:
        return _daily_edges(self.clock, self.start_s, self.stop_s)

    @cached_property
    def _samples(self) -> "_Samples":
        return _Samples(self.clock, self.edges_s)

    @cached_property
    def _slow_edges_s(self) -> Floats:
        return np.append(self.edges_s[:-1:_SLOW_PIECES], self.edges_s[-1])

    @cached_property
    def _slow_samples(self) -> "_Samples":
        return _Samples(self.clock, self._slow_edges_s)

    def _through(self, values: Any) -> Track:
        return Track.through(values, self.edges_s, DEGREE)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the open kernels, so that it can be sent to another process."""
        left_out = ("_samples", "_slow_samples", "_memory")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}


def compute_ephemeris(clock: Clock, start_s: float, stop_s: float) -> Ephemeris:
    """The ephemeris for `[start_s, stop_s]`; each quantity is sampled when it is first asked for.

    All of fourteen months take 0.2 s, of which nutation is 0.15. Raises `KernelError` for dates
    that the kernels do not cover.
    """
    require_covered(clock, start_s, stop_s)
    return Ephemeris(clock, float(start_s), float(stop_s))


class _Samples:
    """Everything that is sampled at the same nodes, so that Skyfield is asked once."""

    def __init__(self, clock: Clock, edges_s: Floats) -> None:
        kernels = load_kernels()
        self._time = _times(clock, Track.nodes(edges_s, DEGREE))
        self._moon = kernels.planets["moon"]
        self._planets = kernels.planets
        self._orientation = kernels.moon_pa._segment

    @cached_property
    def _observer(self) -> Any:
        return self._moon.at(self._time)

    def planet_km(self, name: str) -> Any:
        return (self._planets[name] - self._moon).at(self._time).position.km

    def light_km(self, body: str) -> Any:
        return self._observer.observe(self._planets[body]).position.km

    def apparent_km(self, body: str) -> Any:
        return self._observer.observe(self._planets[body]).apparent(deflectors=()).position.km

    def velocity_km_s(self, body: str) -> Any:
        return self._planets[body].at(self._time).velocity.km_per_s

    @cached_property
    def moon_angles_rad(self) -> Any:
        return self._orientation.compute(self._time.whole, self._time.tdb_fraction, False)

    @cached_property
    def nutation(self) -> Any:
        return self._time.M

    @cached_property
    def equinox_rad(self) -> Any:
        t = self._time
        days = (t.whole - J2000_JD) + t.ut1_fraction
        angle = _EARTH_ANGLE_TURNS + days * _EARTH_EXCESS_TURNS_D + (t.whole % 1.0) + t.ut1_fraction
        turns = t.gast / 24.0 - angle
        return _TURN_RAD * ((turns + 0.5) % 1.0 - 0.5)


def _times(clock: Clock, t_s: Floats) -> Any:
    return skyfield_time(load_kernels(), clock, t_s)


def _turning(clock: Clock, t_s: Floats) -> Floats:
    times = _times(clock, t_s)
    drift, x, y = (angle * ARCSECOND_RAD for angle in times.polar_motion_angles())
    return np.array([-times.delta_t, np.broadcast_to(drift, t_s.shape), x, y])


def _piece_edges(clock: Clock, start_s: float, stop_s: float) -> Floats:
    """Edges on the kernels' own pieces; the scenario's span may end inside one."""
    origin_s = _KERNEL_START_S - clock.start_tt_s
    first = np.floor((start_s - origin_s) / PIECE_S)
    last = np.ceil((stop_s - origin_s) / PIECE_S)
    return _clipped(origin_s + PIECE_S * np.arange(first, last + 1.0), start_s, stop_s)


def _daily_edges(clock: Clock, start_s: float, stop_s: float) -> Floats:
    """Edges at the rows of the table of UT1, one a day beyond it."""
    rows_s = (load_kernels().timescale.polar_motion_table[0] - J2000_JD) * DAY_S
    rows_s = rows_s - clock.start_tt_s
    before = np.arange(rows_s[0] - DAY_S, start_s - DAY_S, -DAY_S)[::-1]
    after = np.arange(rows_s[-1] + DAY_S, stop_s + DAY_S, DAY_S)
    return _clipped(np.concatenate([before, rows_s, after]), start_s, stop_s)


def _clipped(edges_s: Floats, start_s: float, stop_s: float) -> Floats:
    inner = edges_s[(edges_s > start_s + 1.0) & (edges_s < stop_s - 1.0)]
    return np.concatenate([[start_s], inner, [stop_s]])
