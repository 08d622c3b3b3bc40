"""Sun, Earth and Moon: rises, elevations, eclipses, what stations see."""

from functools import cache
from math import nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.constants import DAY_S
from sim.environment import LunarDay
from sim.errors import SimError
from sim.intervals import Intervals
from sim.scenario.parts import group_data
from sim.sky.directions import elevation_deg
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.geometry import PlaceParameters, Site, Station
from sim.sky.terrain import ConstantHorizon
from sim.sky.windows import even_grid, intervals_where, site_eclipses
from sim.validation.cases import Cases

Floats = NDArray[np.float64]
_AROUND_S = 20 * DAY_S


def sun_event(cases: Cases, scenario: str, event: str, lunar_day: str) -> float:
    """Time of `sunrise`, `sunset`, `first_light` or `last_light` of a lunar day, first place."""
    environment = cases.environment(scenario)
    t_s = getattr(_lunar_day(cases, scenario, int(lunar_day)), f"{event}_s")
    return nan if t_s is None else environment.clock.start_tai_s + float(t_s)


def noon_elevation_deg(cases: Cases, scenario: str, which: str) -> float:
    """`lowest` or `highest` elevation of the Sun at local noon over the lunar days of the run."""
    environment = cases.environment(scenario)
    place = environment.places[next(iter(environment.scenario.places))]
    days = environment.lunar_days(next(iter(environment.scenario.vehicles)))
    heights = place.sun_elevation_deg(np.array([day.noon_s for day in days]))
    return float(heights.min() if which == "lowest" else heights.max())


def sun_elevation_deg(cases: Cases, latitude_deg: str, longitude_deg: str, utc: str) -> float:
    """Elevation of the Sun's centre over the smooth horizon of a place at a time."""
    site = _site(float(latitude_deg), float(longitude_deg), utc)
    return float(elevation_deg(site.sun_local_km(np.zeros(1)))[0])


def hours_between_elevations_h(
    cases: Cases,
    latitude_deg: str,
    longitude_deg: str,
    around_utc: str,
    low_deg: str,
    high_deg: str,
) -> float:
    """Hours that the rising Sun takes from one elevation to another, in the lunar day of a time."""
    site = _site(float(latitude_deg), float(longitude_deg), around_utc)
    times = []
    for level in (float(low_deg), float(high_deg)):
        grid = even_grid(-6.0 * DAY_S, 6.0 * DAY_S, 3600.0)
        over = intervals_where(lambda t: elevation_deg(site.sun_local_km(t)) - level, grid)  # noqa: B023
        times.append(float(over.starts_s[0]) if len(over) else nan)
    return (times[1] - times[0]) / 3600.0


def total_eclipse_edge(cases: Cases, scenario: str, edge: str) -> float:
    """Time at which the Earth has covered the Sun wholly (`start`), or uncovers it (`stop`)."""
    eclipses = _eclipses(cases, scenario, total=True)
    if not len(eclipses):
        return nan
    t_s = eclipses.starts_s[0] if edge == "start" else eclipses.stops_s[0]
    return cases.environment(scenario).clock.start_tai_s + float(t_s)


def earth_up_share(cases: Cases, scenario: str) -> float:
    """Share of a year in which the Earth's centre is over the smooth horizon of the first place."""
    parameters = next(iter(cases.scenario(scenario).places.values()))
    start_utc = cases.scenario(scenario).start_utc
    site = _site(parameters.latitude_deg, parameters.longitude_deg, start_utc, 366 * DAY_S)
    heights = elevation_deg(site.earth_local_km(np.arange(0.0, 365 * DAY_S, 3600.0)))
    return float(np.mean(heights > 0.0))


def moon_up_share(cases: Cases, stations: str, mask_deg: str, year: str) -> float:
    """Share of a year in which the Moon's centre is over a mask at one of several stations."""
    ephemeris = _ephemeris(f"{year}-01-01T00:00:00Z", 366 * DAY_S)
    span_s = float(ephemeris.clock.seconds(f"{int(year) + 1}-01-01T00:00:00Z"))
    times = np.arange(0.0, span_s, 600.0)
    seen = np.zeros(len(times), dtype=bool)
    for name in stations.split("+"):
        station = Station.of(_station_place(name), ephemeris, Path())
        local = station.local_km(times, lambda t: np.zeros((3, len(t))))
        seen |= elevation_deg(local) > float(mask_deg)
    return float(seen.mean())


def _station_place(name: str) -> PlaceParameters:
    place = group_data("stations")[name]["place"]
    horizon = ConstantHorizon(kind="constant", elevation_deg=0.0)
    return PlaceParameters(
        body="earth",
        latitude_deg=place["latitude_deg"],
        longitude_deg=place["longitude_deg"],
        height_m=place["height_m"],
        horizon=horizon,
    )


def _lunar_day(cases: Cases, scenario: str, number: int) -> LunarDay:
    environment = cases.environment(scenario)
    sky = next(iter(environment.places.values()))
    for day in sky.lunar_days:
        if day.number == number:
            return day
    raise SimError(f"the sky of {scenario} holds no lunar day {number}")


def _eclipses(cases: Cases, scenario: str, total: bool) -> Intervals:
    environment = cases.environment(scenario)
    parameters = next(iter(environment.scenario.places.values()))
    site = _site(
        parameters.latitude_deg,
        parameters.longitude_deg,
        environment.scenario.start_utc,
        environment.duration_s,
    )
    return site_eclipses(site, 0.0, float(environment.duration_s), total)


def _site(latitude_deg: float, longitude_deg: float, utc: str, span_s: float = 0.0) -> Site:
    """A place on the smooth Moon around a time, which is its t = 0."""
    parameters = PlaceParameters(
        body="moon", latitude_deg=latitude_deg, longitude_deg=longitude_deg
    )
    return Site.of(parameters, _ephemeris(utc, span_s), Path())


@cache
def _ephemeris(utc: str, span_s: float) -> Ephemeris:
    return compute_ephemeris(Clock.starting(utc), -_AROUND_S, span_s + _AROUND_S)


MEASURES = (
    sun_event,
    noon_elevation_deg,
    sun_elevation_deg,
    hours_between_elevations_h,
    total_eclipse_edge,
    earth_up_share,
    moon_up_share,
)
