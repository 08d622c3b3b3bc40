"""The light that falls on a vehicle wherever it is: the Sun's direction, its share, and its edges."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.constants import EARTH_RADIUS_KM, MOON_RADIUS_KM
from sim.environment.itineraries import Stay, piecewise
from sim.environment.places import light_edges_s, sunlight
from sim.environment.stage import Stage
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Site, range_km
from sim.sky.orbits import Orbit
from sim.sky.shadows import sun_fraction
from sim.sky.windows import relay_eclipses

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Daylight:
    """What arrays need to know of the Sun, all functions of times (N,)."""

    sun_local_km: Function
    """East, north, up at a place; in flight the vehicle holds its deck to the Sun, which is `up`."""
    share: Function
    """Share of the Sun's disc that shines on the vehicle."""
    edges_s: Floats
    """Both ends of the run, and every instant at which light begins, is whole, fades or ends."""


def daylight(stage: Stage, vehicle: str) -> Daylight:
    """The light on a vehicle through the whole run."""
    stays = stage.itineraries[vehicle]
    ephemeris = stage.ephemeris
    edges = [_edges_s(stay, ephemeris) for stay in stays]
    return Daylight(
        piecewise([(s.start_s, s.stop_s, _sun_local_km(s, ephemeris)) for s in stays]),
        piecewise([(s.start_s, s.stop_s, _share(s, ephemeris)) for s in stays]),
        np.unique(np.concatenate(edges)),
    )


def _sun_local_km(stay: Stay, ephemeris: Ephemeris) -> Function:
    at = stay.end.at
    if isinstance(at, Site):
        return at.sun_local_km

    def overhead(t_s: Floats) -> Floats:
        distance = range_km(ephemeris.sun_apparent_km(t_s))
        return np.array([np.zeros_like(distance), np.zeros_like(distance), distance])

    return overhead


def _share(stay: Stay, ephemeris: Ephemeris) -> Function:
    at = stay.end.at
    if isinstance(at, Site):
        return sunlight(at)

    def unshaded(t_s: Floats) -> Floats:
        here = stay.end.position_km(t_s)
        sun = ephemeris.sun_apparent_km(t_s) - here
        moon = sun_fraction(sun, -here, MOON_RADIUS_KM)
        return moon * sun_fraction(sun, ephemeris.earth_km(t_s) - here, EARTH_RADIUS_KM)

    return unshaded


def _edges_s(stay: Stay, ephemeris: Ephemeris) -> Floats:
    at, span = stay.end.at, (stay.start_s, stay.stop_s)
    if isinstance(at, Site):
        return light_edges_s(at, *span)
    if not isinstance(at, Orbit):
        return np.array(span)
    shadows = [
        relay_eclipses(at.track, ephemeris, *span, body, total)
        for body in ("moon", "earth")
        for total in (False, True)
    ]
    return np.concatenate(
        [[*span], *(part.starts_s for part in shadows), *(part.stops_s for part in shadows)]
    )
