"""Figures that need no run: the windows of an environment, and one link over time."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.constants import DAY_S
from sim.environment import Environment, LinkSeries, PlaceSky
from sim.report.link_figure import link_figure
from sim.report.schedule import Sky, SkyPath, windows_figure
from sim.report.style import Span, save_figure
from sim.scenario.schema import Scenario
from sim.sky.ephemeris import compute_ephemeris
from sim.sky.geometry import Site

Floats = NDArray[np.float64]
_SKY_STEP_S = 600.0
_LUNAR_DAY_S = 29.53 * DAY_S


def write_windows_figure(environment: Environment, windows: pl.DataFrame, path: Path) -> None:
    """Every window of a table as a bar over the run, and the skies of the vehicles, into a PNG, SVG or PDF."""
    days = _days(environment.scenario, environment.places, environment.duration_s)
    span = Span(environment.clock, environment.duration_s, days)
    save_figure(windows_figure(windows, span, _skies(environment)), path)


def write_link_figure(scenario: Scenario, series: LinkSeries, title: str, path: Path) -> None:
    """Margin, rate and moving terms of a link over a series, into a PNG, SVG or PDF."""
    save_figure(link_figure(series, scenario.clock, title), path)


def _skies(environment: Environment) -> dict[str, Sky]:
    """The sky over each place that a vehicle lives at, for the length of a lunar day from the start."""
    scenario = environment.scenario
    skies: dict[str, Sky] = {}
    for name, vehicle in scenario.vehicles.items():
        stop_s = min(float(environment.duration_s), _LUNAR_DAY_S)
        times = np.linspace(0.0, stop_s, int(stop_s / _SKY_STEP_S) + 2)
        if vehicle.place not in skies:
            skies[vehicle.place] = _sky(environment, vehicle.place, times)
        for hop in environment.hops:
            if hop.source == name and hop.from_source_km is not None:
                skies[vehicle.place].paths[hop.destination] = _path(hop.from_source_km(times))
    return skies


def _sky(environment: Environment, place: str, times: Floats) -> Sky:
    """The horizon, the Sun and the Earth of a place."""
    scenario = environment.scenario
    ephemeris = compute_ephemeris(environment.clock, 0.0, float(times[-1]))
    site = Site.of(scenario.places[place], ephemeris, scenario.folder)
    azimuths = np.linspace(0.0, 360.0, 721)
    return Sky(
        (azimuths.tolist(), site.horizon.elevation_deg(azimuths).tolist()),
        {
            "sun": _sun_path(environment.places[place], times),
            "earth": _path(site.local_km(times, ephemeris.earth_km)),
        },
    )


def _sun_path(sky: PlaceSky, times: Floats) -> SkyPath:
    return sky.sun_azimuth_deg(times).tolist(), sky.sun_elevation_deg(times).tolist()


def _path(local_km: Floats) -> SkyPath:
    east, north, up = local_km
    elevation = np.degrees(np.arctan2(up, np.hypot(east, north)))
    return np.degrees(np.arctan2(east, north)).tolist(), elevation.tolist()


def _days(scenario: Scenario, skies: Mapping[str, PlaceSky], duration_s: int) -> pl.DataFrame:
    """Lunar days of the first vehicle in the run, as figures take them."""
    name, vehicle = next(iter(scenario.vehicles.items()))
    days = [
        day
        for day in skies[vehicle.place].lunar_days
        if day.stop_s > 0.0 and day.start_s < duration_s
    ]
    return pl.DataFrame(
        {
            "lunar_day": [day.number for day in days],
            "asset": [name for _ in days],
            "start_s": [max(day.start_s, 0.0) for day in days],
            "stop_s": [min(day.stop_s, float(duration_s)) for day in days],
            "sunrise_s": [day.sunrise_s for day in days],
            "sunset_s": [day.sunset_s for day in days],
        },
        schema_overrides={"sunrise_s": pl.Float64, "sunset_s": pl.Float64},
    )
