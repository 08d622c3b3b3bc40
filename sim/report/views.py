"""Figures that need no run: the windows of an environment, and one link over time."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.environment import Environment, LinkSeries, PlaceSky
from sim.report.link_figure import link_figure
from sim.report.schedule import SkyPath, windows_figure
from sim.report.style import Span, save_figure
from sim.results import windows_table
from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]
_SKY_STEP_S = 1800
_MOST_SAMPLES = 4000


def write_windows_figure(environment: Environment, path: Path) -> None:
    """Every window as a bar over the run, and the skies of the vehicles, into a PNG, SVG or PDF."""
    days = _days(environment.scenario, environment.places, environment.duration_s)
    span = Span(environment.clock, environment.duration_s, days)
    save_figure(windows_figure(windows_table(environment), span, _skies(environment)), path)


def write_link_figure(scenario: Scenario, series: LinkSeries, title: str, path: Path) -> None:
    """Margin, rate and moving terms of a link over a series, into a PNG, SVG or PDF."""
    save_figure(link_figure(series, scenario.clock, title), path)


def _skies(environment: Environment) -> dict[str, dict[str, SkyPath]]:
    """The paths of the Sun and of what vehicles talk to over each place that a vehicle lives at."""
    step_s = max(_SKY_STEP_S, environment.duration_s // _MOST_SAMPLES)
    times = np.arange(0.0, environment.duration_s, step_s)
    skies: dict[str, dict[str, SkyPath]] = {}
    for name, vehicle in environment.scenario.vehicles.items():
        sky = environment.places[vehicle.place]
        paths = skies.setdefault(vehicle.place, {"sun": _sun_path(sky, times)})
        for hop in environment.hops:
            if hop.source == name and hop.from_source_km is not None:
                paths[hop.destination] = _path(hop.from_source_km(times))
    return skies


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
