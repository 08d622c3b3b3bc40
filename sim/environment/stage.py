"""Where everything is during a run: places, relays and stations under one ephemeris."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from sim.clock import Clock
from sim.constants import DAY_S
from sim.environment.ends import At, End
from sim.environment.itineraries import Itinerary, Stay, vehicle_itineraries
from sim.environment.keeping import SKY, Keeper, place_inputs
from sim.environment.places import place_sky
from sim.environment.records import PlaceSky
from sim.environment.service import service
from sim.errors import SimError
from sim.intervals import Intervals
from sim.scenario.messages import suggestion
from sim.scenario.schema import Scenario
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.geometry import PlaceParameters, Site, place_of
from sim.sky.orbits import (
    OemParameters,
    Orbit,
    OrbitParameters,
    SpkParameters,
    compute_orbit,
)

Progress = Callable[[str, float], None]
MARGIN_S = 30 * DAY_S
"""The sky is computed this far beyond both ends of the run."""
_LONGEST_LUNAR_DAY_S = 29.85 * DAY_S


@dataclass(frozen=True, eq=False)
class Stage:
    """The assets of a scenario in space and time, before any link is looked at."""

    scenario: Scenario
    ephemeris: Ephemeris
    sites: Mapping[str, Site]
    """Places of vehicles by name."""
    skies: Mapping[str, PlaceSky]
    """The Sun at each of them."""
    itineraries: Mapping[str, Itinerary]
    """Where every asset is, by name."""
    service: Mapping[str, Intervals]
    """When each asset works for the mission."""
    duration_s: int
    """The run covers `[0, duration_s)`."""
    keeper: Keeper
    """What is kept between runs."""


def set_stage(scenario: Scenario, *, cache: bool = True, progress: Progress | None = None) -> Stage:
    """Compute ephemeris, lunar days, orbits and service of a scenario."""
    tell = progress or (lambda step, fraction: None)
    tell("orbits", 0.0)
    clock = scenario.clock
    bare = _ephemeris(scenario)
    keeper = Keeper(bare, cache)
    ephemeris = replace(bare, keep=keeper.track)
    sites = {
        name: Site.of(scenario.places[name], ephemeris, scenario.folder)
        for name in _visited(scenario)
    }
    homes = dict.fromkeys(vehicle.place for vehicle in scenario.vehicles.values())
    skies = {name: _sky(keeper, sites[name], scenario.first_lunar_day) for name in homes}
    duration_s = _duration_s(scenario, skies)

    def orbit_of(parameters: OrbitParameters) -> Orbit:
        return _orbit(scenario, parameters, ephemeris, duration_s, cache, tell)

    at: dict[str, At] = dict(sites)
    at |= {name: orbit_of(path) for name, path in scenario.trajectories.items()}
    itineraries = vehicle_itineraries(scenario, at, float(duration_s))
    for name, station in scenario.stations.items():
        if station.place is None:
            continue
        place = place_of(station.place, ephemeris, scenario.folder)
        itineraries[name] = (Stay(0.0, float(duration_s), End(name, place), name),)
    for name, relay in scenario.relays.items():
        if relay.orbit is None:
            continue
        end = End(name, orbit_of(relay.orbit))
        itineraries[name] = (Stay(0.0, float(duration_s), end, name),)
    tell("windows", 0.0)
    works = {
        name: service(asset, itineraries[name][0].end, ephemeris, clock, float(duration_s))
        for name, asset in scenario.assets.items()
        if name in itineraries
    }
    return Stage(scenario, ephemeris, sites, skies, itineraries, works, duration_s, keeper)


def require_files(scenario: Scenario) -> None:
    """Read every orbit file and mask that a scenario names, as its run will; `SimError` if it cannot."""
    grounds: list[PlaceParameters] = [*scenario.places.values()]
    grounds += [station.place for station in scenario.stations.values() if station.place]
    masked = [ground for ground in grounds if ground.horizon.kind != "constant"]
    paths = [*scenario.trajectories.values()]
    paths += [relay.orbit for relay in scenario.relays.values() if relay.orbit is not None]
    written = [path for path in paths if isinstance(path, SpkParameters | OemParameters)]
    if not masked and not written:
        return
    ephemeris = _ephemeris(scenario)
    for ground in masked:
        place_of(ground, ephemeris, scenario.folder)
    if written:
        duration_s = _known_duration_s(scenario, ephemeris, cache=True)
        for path in written:
            _orbit(scenario, path, ephemeris, duration_s, False, lambda step, fraction: None)


def named_orbit(
    scenario: Scenario, name: str, *, cache: bool = True, progress: Progress | None = None
) -> tuple[Orbit, Ephemeris]:
    """The path of a relay, or one of the trajectories, through the run, and the sky around it.

    Raises `SimError` for a name that is neither.
    """
    paths = dict(scenario.trajectories)
    paths |= {key: relay.orbit for key, relay in scenario.relays.items() if relay.orbit is not None}
    if name not in paths:
        raise SimError(
            f"{scenario.path} has neither a relay with an orbit nor a trajectory '{name}'; "
            f"{suggestion(name, list(paths))}"
        )
    tell = progress or (lambda step, fraction: None)
    tell("orbits", 0.0)
    ephemeris = _ephemeris(scenario)
    duration_s = _known_duration_s(scenario, ephemeris, cache)
    return _orbit(scenario, paths[name], ephemeris, duration_s, cache, tell), ephemeris


def instant_s(clock: Clock, at_utc: str, duration_s: float) -> float:
    """Seconds since the start of a time within the run; `SimError` for another."""
    at_s = clock.seconds(at_utc)
    if not 0 <= at_s <= duration_s:
        raise SimError(
            f"{at_utc} is outside the run, which goes from {clock.utc(0)} to "
            f"{clock.utc(duration_s)}; choose a time within it"
        )
    return float(at_s)


def _sky(keeper: Keeper, site: Site, first_number: int) -> PlaceSky:
    inputs = {**place_inputs(site), "first_lunar_day": first_number}
    return keeper.value("sky", inputs, SKY, lambda: place_sky(site, first_number))


def _ephemeris(scenario: Scenario) -> Ephemeris:
    return compute_ephemeris(scenario.clock, -MARGIN_S, _longest_s(scenario) + MARGIN_S)


def _orbit(
    scenario: Scenario,
    parameters: OrbitParameters,
    ephemeris: Ephemeris,
    duration_s: int,
    cache: bool,
    tell: Progress,
) -> Orbit:
    span = 0.0, float(duration_s)
    folder = scenario.folder
    return compute_orbit(parameters, ephemeris, *span, folder=folder, cache=cache, progress=tell)


def _visited(scenario: Scenario) -> list[str]:
    """Names of the places where a vehicle is at some time."""
    names = [vehicle.place for vehicle in scenario.vehicles.values()]
    names += [point.place for rover in scenario.vehicles.values() for point in rover.waypoints]
    for phase in scenario.phases.values():
        names += [where.place for where in phase.vehicles.values() if where.place is not None]
    return list(dict.fromkeys(names))


def _longest_s(scenario: Scenario) -> float:
    """An upper bound of the run's length, before the sky is known."""
    span = scenario.span
    if span.lunar_days is not None:
        return span.lunar_days * _LONGEST_LUNAR_DAY_S
    if span.duration_h is not None:
        return span.duration_h * 3600.0
    return float(scenario.clock.seconds(span.end_utc or scenario.start_utc))


def _known_duration_s(scenario: Scenario, ephemeris: Ephemeris, cache: bool) -> int:
    """Whole seconds of the run, from no more of the sky than they need."""
    home = next(iter(scenario.vehicles.values())).place
    site = Site.of(scenario.places[home], ephemeris, scenario.folder)
    return _duration_s(
        scenario, {home: _sky(Keeper(ephemeris, cache), site, scenario.first_lunar_day)}
    )


def _duration_s(scenario: Scenario, skies: Mapping[str, PlaceSky]) -> int:
    """Whole seconds of the run; lunar days are those of the first vehicle's place."""
    span = scenario.span
    if span.lunar_days is None:
        return ceil(_longest_s(scenario))
    first = next(iter(scenario.vehicles.values()))
    last_number = scenario.first_lunar_day + span.lunar_days - 1
    days = skies[first.place].lunar_days
    return ceil(next(day.stop_s for day in days if day.number == last_number))
