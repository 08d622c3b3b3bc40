"""The power of the vehicles of a run on one figure: loads under the arrays, charge, temperatures."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.errors import ResultsError
from sim.report.figures import (
    Lines,
    charge_panel,
    lines_of,
    loads_panel,
    node_limits,
    temperature_panel,
)
from sim.report.style import Span, new_figure, one_lunar_day, save_figure, time_axis
from sim.results import Results
from sim.results.schemas import TABLES, rounded

Panel = Callable[[Axes, Lines, Span, str], None]


def write_power_figure(
    results: Results, days: pl.DataFrame, path: Path, lunar_day: int | None = None
) -> None:
    """Draw one lunar day, the first whole one if none is named, into a PNG, SVG or PDF.

    `days` are rows of lunar days with their spans, sunrises and sunsets.
    """
    span = Span(results.clock, results.duration_s, days)
    save_figure(power_figure(results, _chosen(span, lunar_day)), path)


def power_figure(results: Results, span: Span) -> Figure:
    """For each vehicle its loads and arrays, its charge, and its temperatures where it has nodes."""
    lines = lines_of(rounded(results.series(), TABLES["series"]))
    limits = node_limits(results)

    def heat_panel(axis: Axes, lines: Lines, span: Span, vehicle: str) -> None:
        temperature_panel(axis, lines, span, vehicle, limits)

    panels: list[tuple[Panel, str]] = []
    for name, vehicle in results.scenario.vehicles.items():
        panels += [(loads_panel, name), (charge_panel, name)]
        if vehicle.heat is not None:
            panels.append((heat_panel, name))
    figure, axes = new_figure(len(panels), "Power of a lunar day")
    for axis, (draw, name) in zip(axes, panels, strict=True):
        draw(axis, lines, span, name)
    time_axis(axes, span)
    return figure


def _chosen(span: Span, lunar_day: int | None) -> Span:
    if lunar_day is None:
        return one_lunar_day(span)
    chosen = Span(span.clock, span.duration_s, span.days.filter(pl.col("lunar_day") == lunar_day))
    if chosen.days.is_empty():
        numbers = sorted(set(span.days["lunar_day"].to_list()))
        raise ResultsError(
            f"the run has no lunar day {lunar_day}; it has {numbers[0]} to {numbers[-1]}"
        )
    return one_lunar_day(chosen)
