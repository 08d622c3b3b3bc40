"""What is to be seen beside the views of links: eclipses, conjunctions, and views in space."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.environment.contacts import horizon_view, visible
from sim.environment.ends import End
from sim.environment.itineraries import Function, meetings, piecewise
from sim.environment.records import Hop
from sim.environment.stage import Stage
from sim.intervals import Intervals
from sim.sky.directions import range_km
from sim.sky.geometry import Site, Station, Target
from sim.sky.orbits import Orbit
from sim.sky.windows import conjunctions, relay_eclipses, site_eclipses, sun_angle_deg
from sim.track import Track

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """When something is seen from somewhere, and the functions of times (N,) that say how."""

    kind: Literal["eclipse", "conjunction", "view"]
    observer: str
    target: str
    """What is seen; in an eclipse the body before the Sun."""
    times: Intervals
    range_km: Function | None = None
    local_km: Function | None = None
    """The target in the observer's east, north and up, (3, N); None where that has no horizon."""
    sun_angle_deg: Function | None = None
    """Of the Sun's centre from the target, in a conjunction."""


def sightings(stage: Stage, hops: Iterable[Hop], conjunction_deg: float) -> list[Sighting]:
    """Eclipses, conjunctions within an angle, and views between what flies and no hop joins."""
    return [
        *_eclipses(stage),
        *_conjunctions(stage, conjunction_deg),
        *_views(stage, {frozenset((hop.source, hop.destination)) for hop in hops if not hop.via}),
    ]


# --- eclipses and conjunctions -------------------------------------------------------------------


class _Lookout(NamedTuple):
    """A place or trajectory, and while it is looked from there."""

    name: str
    at: Site | Station | Track
    start_s: float
    stop_s: float


def _near_the_moon(stage: Stage) -> Iterator[_Lookout]:
    """Relays, vehicles while they fly, and the places where vehicles live."""
    for name in (*stage.scenario.relays, *stage.scenario.vehicles):
        for stay in stage.itineraries.get(name, ()):
            if isinstance(stay.end.at, Orbit):
                yield _Lookout(name, stay.end.at.track, stay.start_s, stay.stop_s)
    for name in stage.skies:
        yield _Lookout(name, stage.sites[name], 0.0, float(stage.duration_s))


def _eclipses(stage: Stage) -> Iterator[Sighting]:
    """When the Moon or the Earth covers a part of the Sun."""
    for name, at, start_s, stop_s in _near_the_moon(stage):
        if isinstance(at, Site):
            yield Sighting("eclipse", name, "earth", site_eclipses(at, start_s, stop_s))
        elif isinstance(at, Track):
            for body in ("moon", "earth"):
                times = relay_eclipses(at, stage.ephemeris, start_s, stop_s, body)
                yield Sighting("eclipse", name, body, times)


def _conjunctions(stage: Stage, limit_deg: float) -> Iterator[Sighting]:
    """When the Sun stands near what an antenna looks at: from the Earth, and towards it."""
    ends = {name: stays[0].end.at for name, stays in stage.itineraries.items()}
    relays = {name: ends.get(name) for name in stage.scenario.relays}
    far: dict[str, Target] = {"moon": _moon_km}
    far |= {name: at.track for name, at in relays.items() if isinstance(at, Orbit)}
    for name in stage.scenario.stations:
        station = ends.get(name)
        if isinstance(station, Station):
            lookout = _Lookout(name, station, 0.0, float(stage.duration_s))
            for target, target_km in far.items():
                yield _conjunction(stage, lookout, target, target_km, limit_deg)
    for lookout in _near_the_moon(stage):
        yield _conjunction(stage, lookout, "earth", stage.ephemeris.earth_km, limit_deg)


def _conjunction(
    stage: Stage, lookout: _Lookout, target: str, target_km: Target, limit_deg: float
) -> Sighting:
    name, at, start_s, stop_s = lookout

    def distance_km(t_s: Floats) -> Floats:
        here = at(t_s) if isinstance(at, Track) else at.position_km(t_s)
        return range_km(target_km(t_s) - here)

    return Sighting(
        "conjunction",
        name,
        target,
        conjunctions(at, target_km, stage.ephemeris, limit_deg, start_s, stop_s),
        distance_km,
        None if isinstance(at, Track) else lambda t_s: at.local_km(t_s, target_km),
        sun_angle_deg(at, target_km, stage.ephemeris),
    )


def _moon_km(t_s: Floats) -> Floats:
    return np.zeros((3, *np.shape(t_s)))


# --- views ---------------------------------------------------------------------------------------


def _views(stage: Stage, joined: set[frozenset[str]]) -> Iterator[Sighting]:
    """Views between relays, and between vehicles of which one flies."""
    names = [
        n for n in (*stage.scenario.relays, *stage.scenario.vehicles) if n in stage.itineraries
    ]
    for first, second in combinations(names, 2):
        if frozenset((first, second)) in joined:
            continue
        pair = stage.itineraries[first], stage.itineraries[second]
        are_vehicles = first in stage.scenario.vehicles
        spans = [span for span in meetings(*pair) if _is_to_see(*span[2:], are_vehicles)]
        if spans:
            yield _view(stage, first, second, spans)


def _is_to_see(first: End, second: End, are_vehicles: bool) -> bool:
    """Whether two ends have a view of their own: both in space, or a vehicle below another.

    Vehicles on the ground see each other by the horizon of their link, and one aboard another, or
    two on one trajectory, are at one place.
    """
    flying = isinstance(first.at, Orbit) + isinstance(second.at, Orbit)
    return first.at is not second.at and (flying == 2 or (flying == 1 and are_vehicles))


def _view(
    stage: Stage, first: str, second: str, spans: list[tuple[float, float, End, End]]
) -> Sighting:
    """The view of one asset from the other, from the one with a horizon if there is one."""
    local_km = horizon_view(stage, first, second)
    if local_km is None:
        local_km = horizon_view(stage, second, first)
        if local_km is not None:
            first, second = second, first
    seen = (
        visible(here.at, there.at, stage.ephemeris, start_s, stop_s)
        for start_s, stop_s, here, there in spans
    )
    distances = [(start, stop, _distance(here, there)) for start, stop, here, there in spans]
    times = Intervals.of(pair for part in seen for pair in part)
    return Sighting("view", first, second, times, piecewise(distances), local_km)


def _distance(here: End, there: End) -> Function:
    return lambda t_s: range_km(here.position_km(t_s) - there.position_km(t_s))
