"""Figures that need no run: the windows of an environment, and one link over time."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from sim.environment import Environment, PlaceSky, link_series
from sim.environment.stage import set_stage
from sim.report.schedule import windows_figure
from sim.report.style import (
    BLUE,
    CYCLE,
    VERMILION,
    Span,
    legend,
    new_figure,
    save_figure,
    time_axis,
)
from sim.results import windows_table
from sim.scenario.schema import Scenario

_SAMPLES = 4000
_MOVING_DB = 0.05  # a term that changes less moves no margin that a figure can show


def write_windows_figure(environment: Environment, path: Path) -> None:
    """Every window as a bar over the run, into a PNG, SVG or PDF."""
    days = _days(environment.scenario, environment.places, environment.duration_s)
    span = Span(environment.clock, environment.duration_s, days)
    save_figure(windows_figure(windows_table(environment), span), path)


def write_link_figure(scenario: Scenario, source: str, destination: str, path: Path) -> None:
    """Rate and margin of a link over the run, and the terms that move them; gaps out of view."""
    stage = set_stage(scenario)
    t_s = np.linspace(0.0, float(stage.duration_s) - 1.0, _SAMPLES)
    series = link_series(scenario, source, destination, t_s, stage=stage)
    days = _days(scenario, stage.skies, stage.duration_s)
    span = Span(scenario.clock, stage.duration_s, days)
    figure, axes = new_figure(3, f"{source} to {destination}")
    x, seen = span.in_days(t_s), series.visible
    axes[0].plot(x, np.where(seen, series.rate_bps / 1e3, np.nan), color=BLUE, linewidth=1.0)
    axes[0].set_ylabel("rate that closes, kbit/s")
    axes[0].set_ylim(bottom=0.0)
    axes[1].plot(x, np.where(seen, series.margin_db, np.nan), color=VERMILION, linewidth=1.0)
    axes[1].set_ylabel("margin, dB")
    moving = {
        name: values[seen] - values[seen].mean()
        for name, values in series.terms_db.items()
        if seen.any() and np.ptp(values[seen]) > _MOVING_DB
    }
    for (name, change), colour in zip(moving.items(), CYCLE, strict=False):
        whole = np.full(t_s.shape, np.nan)
        whole[seen] = change
        axes[2].plot(x, whole, color=colour, linewidth=1.0, label=name.replace("_", " "))
    axes[2].set_ylabel("terms against\ntheir mean, dB")
    legend(axes[2])
    time_axis(axes, span)
    save_figure(figure, path)


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
