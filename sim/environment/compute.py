"""From a scenario to its environment: sky, orbits, windows, rates, array power."""

from collections.abc import Callable, Mapping
from math import ceil

from sim.constants import DAY_S
from sim.environment.contacts import Stage, link_hops
from sim.environment.ends import End
from sim.environment.places import light_edges_s, place_sky, sunlight
from sim.environment.records import ANY_ATTITUDE, Environment, PlaceSky
from sim.environment.service import service
from sim.physics.solar import array_power_track
from sim.scenario.assets import VehicleAttitude
from sim.scenario.schema import Scenario
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.geometry import Site, place_of
from sim.sky.kernels import load_kernels
from sim.sky.orbits import compute_orbit
from sim.track import Track

Progress = Callable[[str, float], None]
_MARGIN_S = 30 * DAY_S  # the sky is computed this far beyond both ends of the run
_LONGEST_LUNAR_DAY_S = 29.85 * DAY_S


def compute_environment(
    scenario: Scenario, *, cache: bool = True, progress: Progress | None = None
) -> Environment:
    """All that the run needs to know of the sky; nothing in it depends on what vehicles do.

    `progress(step, fraction)` is told of the steps orbits, windows and rates. Raises `SimError`
    for dates outside the kernels and orbits that cannot be made.
    """
    tell = progress or (lambda step, fraction: None)
    tell("orbits", 0.0)
    clock = scenario.clock
    longest_s = _longest_s(scenario)
    ephemeris = compute_ephemeris(clock, -_MARGIN_S, longest_s + _MARGIN_S)
    sites = _sites(scenario, ephemeris)
    tell("windows", 0.0)
    skies = {name: place_sky(site, scenario.first_lunar_day) for name, site in sites.items()}
    duration_s = _duration_s(scenario, skies)
    ends = _ends(scenario, ephemeris, sites, duration_s, cache, tell)
    stage = Stage(
        scenario=scenario,
        ephemeris=ephemeris,
        ends=ends,
        service={
            name: service(asset, clock, 0.0, float(duration_s))
            for name, asset in scenario.assets.items()
        },
        duration_s=duration_s,
    )
    hops = []
    for index, (name, link) in enumerate(scenario.links.items()):
        tell("rates", index / len(scenario.links))
        hops += link_hops(stage, name, link)
    return Environment(
        scenario=scenario,
        clock=clock,
        duration_s=duration_s,
        places=skies,
        hops=tuple(hops),
        array_power_w=_array_power(scenario, sites, duration_s),
        manifest=dict(load_kernels().digests) | dict(scenario.file_digests),
    )


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


def _sites(scenario: Scenario, ephemeris: Ephemeris) -> dict[str, Site]:
    """The places of vehicles."""
    used = dict.fromkeys(vehicle.place for vehicle in scenario.vehicles.values())
    return {name: Site.of(scenario.places[name], ephemeris, scenario.folder) for name in used}


def _ends(
    scenario: Scenario,
    ephemeris: Ephemeris,
    sites: Mapping[str, Site],
    duration_s: int,
    cache: bool,
    tell: Progress,
) -> dict[str, End]:
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
    return ends


def _array_power(
    scenario: Scenario, sites: Mapping[str, Site], duration_s: int
) -> dict[tuple[str, str], Track]:
    """Array power of each vehicle in each attitude that one of its modes has."""
    kinks = {name: light_edges_s(site, 0.0, float(duration_s)) for name, site in sites.items()}
    tracks = {}
    for name, vehicle in scenario.vehicles.items():
        site = sites[vehicle.place]
        for attitude in sorted({mode.attitude or ANY_ATTITUDE for mode in vehicle.modes.values()}):
            stance = vehicle.attitudes.get(attitude, VehicleAttitude())
            unfolded = {
                key: array for key, array in vehicle.arrays.items() if key not in stance.folded
            }
            tracks[name, attitude] = array_power_track(
                unfolded, stance, site.sun_local_km, sunlight(site), kinks[vehicle.place]
            )
    return tracks
