"""Figures that need no run: the windows of an environment, and one link over time."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from sim.environment import Environment, LinkSeries, PlaceSky
from sim.report.link_figure import link_figure
from sim.report.schedule import windows_figure
from sim.report.style import Span, save_figure
from sim.results import windows_table
from sim.scenario.schema import Scenario


def write_windows_figure(environment: Environment, path: Path) -> None:
    """Every window as a bar over the run, into a PNG, SVG or PDF."""
    days = _days(environment.scenario, environment.places, environment.duration_s)
    span = Span(environment.clock, environment.duration_s, days)
    save_figure(windows_figure(windows_table(environment), span), path)


def write_link_figure(scenario: Scenario, series: LinkSeries, title: str, path: Path) -> None:
    """Margin, rate and moving terms of a link over a series, into a PNG, SVG or PDF."""
    save_figure(link_figure(series, scenario.clock, title), path)


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
