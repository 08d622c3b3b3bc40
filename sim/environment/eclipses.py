"""When the Moon or the Earth stands before the Sun, at the relays and the places of a scenario."""

from typing import NamedTuple

from sim.environment.stage import named_orbit
from sim.intervals import Intervals
from sim.scenario.schema import Scenario
from sim.sky.ephemeris import compute_ephemeris
from sim.sky.geometry import Site
from sim.sky.windows import relay_eclipses, site_eclipses


class Eclipses(NamedTuple):
    """The times at which a body covers a part of the Sun at an observer."""

    observer: str
    body: str
    times: Intervals


def eclipses(scenario: Scenario, duration_s: float, *, cache: bool = True) -> list[Eclipses]:
    """Of the relays by the Moon and by the Earth, and by the Earth at the vehicles' places."""
    found = []
    for name, relay in scenario.relays.items():
        if relay.orbit is None:
            continue
        orbit, around = named_orbit(scenario, name, cache=cache)
        for body in ("moon", "earth"):
            times = relay_eclipses(orbit.track, around, 0.0, duration_s, body)
            found.append(Eclipses(name, body, times))
    around = compute_ephemeris(scenario.clock, 0.0, duration_s)
    for name in dict.fromkeys(vehicle.place for vehicle in scenario.vehicles.values()):
        site = Site.of(scenario.places[name], around, scenario.folder)
        found.append(Eclipses(name, "earth", site_eclipses(site, 0.0, duration_s)))
    return found
