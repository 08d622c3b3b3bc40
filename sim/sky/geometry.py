"""Places on the Moon and on the Earth, and what is seen from them in their local axes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from skyfield.planetarylib import PlanetTopos
from skyfield.toposlib import wgs84
from skyfield.units import Angle, Distance

from sim.constants import MOON_RADIUS_KM
from sim.errors import SimError
from sim.parameters import LatitudeDeg, LongitudeDeg, NonNegative, Parameters
from sim.sky.directions import (
    angle_deg,
    azimuth_deg,
    elevation_deg,
    longitude_latitude_deg,
    range_km,
    range_rate_km_s,
)
from sim.sky.ephemeris import DEGREE, Ephemeris
from sim.sky.frames import applied, east_north_up
from sim.sky.kernels import load_kernels, skyfield_time
from sim.sky.terrain import ConstantHorizon, Horizon, HorizonParameters, compute_horizon
from sim.track import Track

Floats = NDArray[np.float64]
Target = Callable[[Floats], Floats]
"""Position (3, N) in km from the Moon's centre along ICRF axes of times (N,); a `Track` is one."""

HeightM = Annotated[float, Field(ge=-20_000.0, le=100_000.0)]
_RATE_STEP_S = 1.0


class PlaceParameters(Parameters):
    """A place on a body's surface and the horizon around it."""

    body: Literal["moon", "earth"]
    latitude_deg: LatitudeDeg
    """Planetocentric on the Moon, mean-Earth axes of DE421; geodetic on the Earth, WGS84."""
    longitude_deg: LongitudeDeg
    """East positive."""
    height_m: HeightM = 0.0
    """Of the ground, above the sphere of 1737.4 km (Moon) or the ellipsoid WGS84 (Earth)."""
    above_ground_m: NonNegative = 0.0
    """Height of the antenna or panel above the ground."""
    horizon: HorizonParameters = ConstantHorizon(kind="constant", elevation_deg=0.0)


class Place(Protocol):
    """What a site on the Moon and a station on the Earth have in common."""

    @property
    def parameters(self) -> PlaceParameters:
        """As it stands in the scenario."""

    @property
    def horizon(self) -> Horizon:
        """Its mask."""

    def position_km(self, t_s: ArrayLike) -> Floats:
        """From the Moon's centre along ICRF axes; (3,) or (3, N)."""

    def rotation(self, t_s: ArrayLike) -> Floats:
        """ICRF to local east, north, up; (3, 3) or (3, 3, N)."""

    def local_km(self, t_s: ArrayLike, target: Target) -> Floats:
        """The target in local east, north, up; (3,) or (3, N)."""


@dataclass(frozen=True, eq=False)
class Site:
    """A place on the Moon."""

    parameters: PlaceParameters
    ephemeris: Ephemeris
    horizon: Horizon

    @classmethod
    def of(cls, parameters: PlaceParameters, ephemeris: Ephemeris, folder: Path) -> "Site":
        """The site; files of its horizon are relative to `folder`."""
        return cls(parameters, ephemeris, _horizon_of(_on("moon", parameters), folder))

    @property
    def radius_km(self) -> float:
        """Distance from the Moon's centre."""
        height_m = self.parameters.height_m + self.parameters.above_ground_m
        return MOON_RADIUS_KM + 1e-3 * height_m

    @cached_property
    def _local_axes(self) -> Floats:
        return east_north_up(self.parameters.latitude_deg, self.parameters.longitude_deg)

    def rotation(self, t_s: ArrayLike) -> Floats:
        """ICRF to local east, north, up; (3, 3) or (3, 3, N)."""
        return np.asarray(
            np.einsum("ij,jk...->ik...", self._local_axes, self.ephemeris.rotation(t_s))
        )

    def position_km(self, t_s: ArrayLike) -> Floats:
        """From the Moon's centre along ICRF axes; (3,) or (3, N)."""
        return np.asarray(self.radius_km * self.rotation(t_s)[2])

    def local_km(self, t_s: ArrayLike, target: Target) -> Floats:
        """The target in local east, north, up; (3,) or (3, N). Geometric: no light time."""
        local = applied(self.rotation(t_s), target(np.asarray(t_s, dtype=float)))
        local[2] -= self.radius_km
        return local

    @property
    def vector_function(self) -> Any:
        """The site from the Moon's centre, for Skyfield: `(planets["moon"] + it).at(t)`."""
        return PlanetTopos.from_latlon_distance(
            load_kernels().moon_me,
            Angle(degrees=self.parameters.latitude_deg),
            Angle(degrees=self.parameters.longitude_deg),
            Distance(km=self.radius_km),
        )

    @cached_property
    def sun_local_km(self) -> Track:
        """The Sun as it appears from the site, in local east, north, up.

        Sampled from Skyfield's own light time and aberration at this site; no deflection.
        """
        return self._seen_local_km("sun")

    @cached_property
    def earth_local_km(self) -> Track:
        """The Earth's centre as it appears from the site, to stand beside the apparent Sun."""
        return self._seen_local_km("earth")

    @cached_property
    def light_local_km(self) -> tuple[Track, Track]:
        """The Sun and the Earth where light that arrives now left the one and passed the other.

        Without aberration, which turns both alike: for shadows.
        """
        return self._seen_local_km("sun", False), self._seen_local_km("earth", False)

    def _seen_local_km(self, body: str, is_apparent: bool = True) -> Track:
        kernels = load_kernels()
        edges = self.ephemeris.edges_s
        nodes = Track.nodes(edges, DEGREE)
        observer = kernels.planets["moon"] + self.vector_function
        at = observer.at(skyfield_time(kernels, self.ephemeris.clock, nodes))
        seen = at.observe(kernels.planets[body])
        seen = seen.apparent(deflectors=()) if is_apparent else seen
        return Track.through(applied(self.rotation(nodes), seen.position.km), edges, DEGREE)


@dataclass(frozen=True, eq=False)
class Station:
    """A place on the Earth."""

    parameters: PlaceParameters
    ephemeris: Ephemeris
    horizon: Horizon

    @classmethod
    def of(cls, parameters: PlaceParameters, ephemeris: Ephemeris, folder: Path) -> "Station":
        """The station; files of its horizon are relative to `folder`."""
        return cls(parameters, ephemeris, _horizon_of(_on("earth", parameters), folder))

    @cached_property
    def _local_axes(self) -> Floats:
        return east_north_up(self.parameters.latitude_deg, self.parameters.longitude_deg)

    @cached_property
    def _fixed_km(self) -> Floats:
        return np.asarray(self.vector_function.itrs_xyz.km)

    def rotation(self, t_s: ArrayLike) -> Floats:
        """ICRF to local east, north, up; (3, 3) or (3, 3, N)."""
        return np.asarray(
            np.einsum("ij,kj...->ik...", self._local_axes, self.ephemeris.earth_rotation(t_s))
        )

    def position_km(self, t_s: ArrayLike) -> Floats:
        """From the Moon's centre along ICRF axes; (3,) or (3, N)."""
        position = np.array(self.ephemeris.earth_km(t_s))
        for length, axis in zip(self._fixed_km, self.ephemeris.earth_axes(t_s), strict=True):
            position += length * axis
        return position

    def local_km(self, t_s: ArrayLike, target: Target) -> Floats:
        """The target in local east, north, up; (3,) or (3, N). Geometric: no light time."""
        times = np.asarray(t_s, dtype=float)
        seen = target(times) - self.ephemeris.earth_km(times)
        axes = self.ephemeris.earth_axes(times)
        fixed = np.array([np.einsum("i...,i...->...", axis, seen) for axis in axes])
        offset = self._fixed_km.reshape(3, *(1,) * times.ndim)
        return np.asarray(np.tensordot(self._local_axes, fixed - offset, axes=1))

    @property
    def vector_function(self) -> Any:
        """The station from the Earth's centre, for Skyfield: `(planets["earth"] + it).at(t)`."""
        p = self.parameters
        return wgs84.latlon(p.latitude_deg, p.longitude_deg, p.height_m + p.above_ground_m)


def place_of(parameters: PlaceParameters, ephemeris: Ephemeris, folder: Path) -> Site | Station:
    """The place on the body that its parameters name."""
    kind: type[Site] | type[Station] = Site if parameters.body == "moon" else Station
    return kind.of(parameters, ephemeris, folder)


def local_rate_km_s(place: Place, t_s: ArrayLike, target: Target) -> Floats:
    """Velocity of the target in the place's turning local axes; (3,) or (3, N).

    Central difference over two seconds, good to 1e-9 km/s for relays and to 1e-6 relative.
    """
    times = np.asarray(t_s, dtype=float)
    ahead, behind = (place.local_km(times + step, target) for step in (_RATE_STEP_S, -_RATE_STEP_S))
    return np.asarray((ahead - behind) / (2.0 * _RATE_STEP_S))


def _on(body: str, parameters: PlaceParameters) -> PlaceParameters:
    if parameters.body != body:
        raise SimError(f"a place on the {parameters.body} was given where one on the {body} is due")
    return parameters


def _horizon_of(parameters: PlaceParameters, folder: Path) -> Horizon:
    return compute_horizon(
        parameters.horizon,
        folder,
        latitude_deg=parameters.latitude_deg,
        longitude_deg=parameters.longitude_deg,
        height_m=parameters.height_m,
        above_ground_m=parameters.above_ground_m,
    )


__all__ = [
    "Place",
    "PlaceParameters",
    "Site",
    "Station",
    "Target",
    "angle_deg",
    "azimuth_deg",
    "elevation_deg",
    "local_rate_km_s",
    "longitude_latitude_deg",
    "place_of",
    "range_km",
    "range_rate_km_s",
]
