"""Where everything is during a run: places, relays and stations under one ephemeris."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from sim.constants import DAY_S
from sim.environment.ends import End
from sim.environment.places import place_sky
from sim.environment.records import PlaceSky
from sim.environment.service import service
from sim.intervals import Intervals
from sim.scenario.schema import Scenario
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.geometry import Site, place_of
from sim.sky.orbits import compute_orbit

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
    ends: Mapping[str, End]
    """Every asset by name."""
    service: Mapping[str, Intervals]
    """When each asset works for the mission."""
    duration_s: int
    """The run covers `[0, duration_s)`."""


def set_stage(scenario: Scenario, *, cache: bool = True, progress: Progress | None = None) -> Stage:
    """Compute ephemeris, lunar days, orbits and service of a scenario."""
    tell = progress or (lambda step, fraction: None)
    tell("orbits", 0.0)
    clock = scenario.clock
    ephemeris = compute_ephemeris(clock, -MARGIN_S, _longest_s(scenario) + MARGIN_S)
    sites = {
        name: Site.of(scenario.places[name], ephemeris, scenario.folder)
        for name in dict.fromkeys(vehicle.place for vehicle in scenario.vehicles.values())
    }
    skies = {name: place_sky(site, scenario.first_lunar_day) for name, site in sites.items()}
    duration_s = _duration_s(scenario, skies)
    ends = {name: End(name, sites[asset.place]) for name, asset in scenario.vehicles.items()}
    for name, station in scenario.stations.items():
        ends[name] = End(name, place_of(station.place, ephemeris, scenario.folder))
    for name, relay in scenario.relays.items():
        orbit = compute_orbit(
            relay.orbit,
            ephemeris,
            0.0,
            float(duration_s),
            folder=scenario.folder,
            cache=cache,
            progress=tell,
        )
        ends[name] = End(name, orbit)
    works = {
        name: service(asset, ends[name], ephemeris, clock, float(duration_s))
        for name, asset in scenario.assets.items()
    }
    return Stage(scenario, ephemeris, sites, skies, ends, works, duration_s)


def _longest_s(scenario: Scenario) -> float:
    """An upper bound of the run's length, before the sky is known."""
    span = scenario.span
    if span.lunar_days is not None:
        return span.lunar_days * _LONGEST_LUNAR_DAY_S
    if span.duration_h is not None:
        return span.duration_h * 3600.0
    return float(scenario.clock.seconds(span.end_utc or scenario.start_utc))


def _duration_s(scenario: Scenario, skies: Mapping[str, PlaceSky]) -> int:
    """Whole seconds of the run; lunar days are those of the first vehicle's place."""
    span = scenario.span
    if span.lunar_days is None:
        return ceil(_longest_s(scenario))
    first = next(iter(scenario.vehicles.values()))
    last_number = scenario.first_lunar_day + span.lunar_days - 1
    days = skies[first.place].lunar_days
    return ceil(next(day.stop_s for day in days if day.number == last_number))
