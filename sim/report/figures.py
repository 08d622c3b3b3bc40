"""The figures of a run: each takes tables and returns a matplotlib `Figure`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.errors import ResultsError
from sim.report.balance import energy_figure, lunar_days_figure, waterfall_figure
from sim.report.schedule import timeline_figure
from sim.report.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    ORANGE,
    STACK,
    VERMILION,
    Span,
    legend,
    new_figure,
    number_few,
    one_lunar_day,
    save_figure,
    time_axis,
)
from sim.results import Results
from sim.results.schemas import TABLES, rounded

Floats = NDArray[np.float64]
Lines = Mapping[tuple[str, str, str], tuple[Floats, Floats]]
"""By asset, quantity and subject: times in seconds, and values."""
Limits = Mapping[tuple[str, str], tuple[float | None, ...]]
"""Limits of temperature by vehicle and thermal node."""
Progress = Callable[[str, float], None]


def lines_of(series: pl.DataFrame) -> Lines:
    """The long form taken apart into lines."""
    parts = series.partition_by("asset", "quantity", "subject", maintain_order=True)
    return {
        (part["asset"][0], part["quantity"][0], part["subject"][0]): (
            part["t_s"].to_numpy().astype(float),
            part["value"].to_numpy(),
        )
        for part in parts
    }


def power_figure(lines: Lines, span: Span, vehicles: list[str]) -> Figure:
    """What the arrays can give and what is switched on, a panel for each vehicle."""
    figure, axes = new_figure(len(vehicles), "Power budget")
    for axis, vehicle in zip(axes, vehicles, strict=True):
        t_s, array = lines[vehicle, "array_power_w", ""]
        _, load = lines[vehicle, "load_w", ""]
        x = span.in_days(t_s)
        axis.fill_between(x, array, color=ORANGE, alpha=0.35, linewidth=0, label="arrays can give")
        axis.plot(x, array, color=ORANGE, linewidth=0.8)
        axis.plot(x, load, color=BLUE, linewidth=1.0, drawstyle="steps-post", label="loads")
        axis.set_ylabel(f"{vehicle}\npower, W")
        axis.set_ylim(bottom=0.0)
    legend(axes[0])
    time_axis(axes, span)
    return figure


def loads_figure(lines: Lines, span: Span, vehicles: list[str]) -> Figure:
    """The loads stacked by part under what the arrays can give; meant for one lunar day."""
    figure, axes = new_figure(len(vehicles), "Loads and array power", height=2.6)
    for axis, vehicle in zip(axes, vehicles, strict=True):
        loads_panel(axis, lines, span, vehicle)
    time_axis(axes, span)
    return figure


def loads_panel(axis: Axes, lines: Lines, span: Span, vehicle: str) -> None:
    """The parts of one vehicle's load, stacked, and what its arrays can give."""
    t_s, array = lines[vehicle, "array_power_w", ""]
    inside = (t_s >= span.start_s) & (t_s < span.duration_s)
    x = span.in_days(t_s[inside])
    base = np.zeros(len(x))
    parts = [key for key in lines if key[:2] == (vehicle, "load_part_w")]
    for key, colour in zip(parts, STACK, strict=False):
        watts = lines[key][1][inside]
        if watts.any():
            options: dict[str, Any] = {"step": "post", "color": colour, "linewidth": 0.0}
            name = key[2].replace("_", " ")
            axis.fill_between(x, base, base + watts, label=name, **options)
            base = base + watts
    axis.plot(x, array[inside], color=BLACK, linewidth=1.2, label="arrays can give")
    axis.set_ylabel(f"{vehicle}\npower, W")
    axis.set_ylim(bottom=0.0)
    legend(axis)


def charge_figure(lines: Lines, span: Span, vehicles: list[str]) -> Figure:
    """State of charge of each vehicle's battery."""
    figure, axes = new_figure(len(vehicles), "State of charge", height=1.7)
    for axis, vehicle in zip(axes, vehicles, strict=True):
        charge_panel(axis, lines, span, vehicle)
    time_axis(axes, span)
    return figure


def charge_panel(axis: Axes, lines: Lines, span: Span, vehicle: str) -> None:
    """State of charge of one vehicle's battery."""
    t_s, charge = lines[vehicle, "state_of_charge", ""]
    axis.plot(span.in_days(t_s), 100.0 * charge, color=GREEN, linewidth=1.1)
    axis.set_ylim(0.0, 104.0)
    axis.set_ylabel(f"{vehicle}\nstate of charge, %")


def link_figure(lines: Lines, span: Span) -> Figure | None:
    """Rate and margin of every link that was used."""
    links = [key for key in lines if key[1] == "rate_bps" and lines[key][1].max(initial=0.0) > 0.0]
    if not links:
        return None
    figure, axes = new_figure(len(links), "Links: rate in use and its margin")
    for axis, (asset, _, link) in zip(axes, links, strict=True):
        t_s, rate = lines[asset, "rate_bps", link]
        _rate(axis, span, t_s, rate / 1e3)
        axis.set_ylabel(f"{link}\nrate, kbit/s")
        axis.set_ylim(0.0, 1.15 * rate.max() / 1e3)
        if (asset, "margin_db", link) in lines:
            _margin(axis, span, *lines[asset, "margin_db", link])
    legend(axes[0])
    time_axis(axes, span)
    return figure


def _rate(axis: Axes, span: Span, t_s: Floats, rate_kbps: Floats) -> None:
    """The rate as filled steps, of which only those are drawn that change it."""
    first = np.concatenate([[0], np.flatnonzero(np.diff(rate_kbps)) + 1])
    edges = np.append(span.in_days(t_s[first]), span.in_days(t_s[-1]))
    # unsnapped: a step narrower than a pixel would be rounded away
    look: dict[str, Any] = {"color": BLUE, "alpha": 0.3, "linewidth": 0, "snap": False}
    axis.stairs(rate_kbps[first], edges, fill=True, label="rate in use", **look)


def _margin(axis: Axes, span: Span, t_s: Floats, margin: Floats) -> None:
    """Margin on an axis of its own, in dots: it jumps with the rate and the station."""
    right = axis.twinx()
    number_few(right)
    dots: dict[str, Any] = {"color": VERMILION, "linestyle": "", "marker": "."}
    right.plot(span.in_days(t_s), margin, markersize=1.8, **dots)
    axis.plot([], [], markersize=6, label="margin before any reserve (right)", **dots)
    right.set_ylabel("margin, dB", fontsize=9, color=VERMILION)
    right.set_ylim(0.0, max(1.15 * float(margin.max()), 1.0))
    right.tick_params(labelsize=8, color=GREY, labelcolor=VERMILION)
    right.spines[["top", "left", "bottom", "right"]].set_visible(False)


def data_figure(lines: Lines, span: Span, vehicles: list[str]) -> Figure:
    """Data on board of every recorder, and what has reached the Earth."""
    stores = [key[0] for key in lines if key[1] == "on_board_gb"]
    figure, axes = new_figure(2, "Data on board and delivered")
    for asset, colour in zip(stores, CYCLE, strict=False):
        t_s, held = lines[asset, "on_board_gb", ""]
        axes[0].plot(span.in_days(t_s), held, color=colour, linewidth=1.0, label=asset)
    axes[0].set_ylabel("on board, GB")
    axes[0].set_ylim(bottom=0.0)
    for vehicle, colour in zip(vehicles, CYCLE, strict=False):
        t_s, total = lines[vehicle, "delivered_gb", ""]
        axes[1].plot(span.in_days(t_s), total, color=colour, linewidth=1.4, label=vehicle)
    axes[1].set_ylabel("delivered so far, GB")
    axes[1].set_ylim(bottom=0.0)
    legend(axes[0])
    legend(axes[1])
    time_axis(axes, span)
    return figure


def temperature_figure(lines: Lines, span: Span, limits: Limits) -> Figure | None:
    """Temperatures of every thermal node with the limits of its vehicle; none without nodes."""
    nodes = [key for key in lines if key[1] == "temperature_k"]
    if not nodes:
        return None
    vehicles = list(dict.fromkeys(key[0] for key in nodes))
    figure, axes = new_figure(len(vehicles), "Temperatures")
    for axis, vehicle in zip(axes, vehicles, strict=True):
        temperature_panel(axis, lines, span, vehicle, limits)
    time_axis(axes, span)
    return figure


def temperature_panel(axis: Axes, lines: Lines, span: Span, vehicle: str, limits: Limits) -> None:
    """Temperatures of one vehicle's thermal nodes, their limits dashed."""
    mine = [key for key in lines if key[:2] == (vehicle, "temperature_k")]
    for key, colour in zip(mine, CYCLE, strict=False):
        t_s, kelvin = lines[key]
        axis.plot(span.in_days(t_s), kelvin, color=colour, linewidth=1.0, label=key[2])
        for limit in limits.get((vehicle, key[2]), ()):
            if limit is not None:
                axis.axhline(limit, color=colour, linewidth=0.8, linestyle=(0, (4, 3)))
    axis.set_ylabel(f"{vehicle}\ntemperature, K")
    legend(axis)


def sun_figure(lines: Lines, span: Span, vehicles: list[str]) -> Figure:
    """Elevation of the Sun at the vehicles, one line where it is the same for several."""
    figure, axes = new_figure(1, "Elevation of the Sun", height=2.4)
    skies: dict[bytes, list[str]] = {}
    for vehicle in vehicles:
        elevation = lines[vehicle, "sun_elevation_deg", ""][1]
        skies.setdefault(elevation.tobytes(), []).append(vehicle)
    for names, colour in zip(skies.values(), CYCLE, strict=False):
        t_s, elevation = lines[names[0], "sun_elevation_deg", ""]
        label = ", ".join(names)
        axes[0].plot(span.in_days(t_s), elevation, color=colour, linewidth=1.1, label=label)
    axes[0].axhline(0.0, color=BLACK, linewidth=0.8)
    axes[0].set_ylabel("elevation, deg")
    legend(axes[0])
    time_axis(axes, span)
    return figure


def figures_of(results: Results) -> dict[str, Callable[[], Figure | None]]:
    """Every figure of a run by its file's name, each drawn when it is called.

    The tables are rounded as they are in files, so that a run and its folder give the same bytes.
    """
    days, passes, waterfall = (
        rounded(results.table(name), TABLES[name]) for name in ("lunar_days", "passes", "waterfall")
    )
    span = Span(results.clock, results.duration_s, days)
    vehicles = list(results.summary["vehicles"])
    lines = lines_of(rounded(results.series(), TABLES["series"]))
    return {
        "power_budget": lambda: power_figure(lines, span, vehicles),
        "loads": lambda: loads_figure(lines, one_lunar_day(span), vehicles),
        "state_of_charge": lambda: charge_figure(lines, span, vehicles),
        "energy": lambda: energy_figure(days, vehicles),
        "temperatures": lambda: temperature_figure(lines, span, node_limits(results)),
        "links": lambda: link_figure(lines, span),
        "data": lambda: data_figure(lines, span, vehicles),
        "timeline": lambda: timeline_figure(results.events, passes, span, vehicles),
        "lunar_days": lambda: lunar_days_figure(days, vehicles),
        "waterfall": lambda: waterfall_figure(waterfall),
        "sun": lambda: sun_figure(lines, span, vehicles),
    }


def node_limits(results: Results) -> dict[tuple[str, str], tuple[float | None, ...]]:
    """Limits of temperature by vehicle and node, as the scenario gives them."""
    found: dict[tuple[str, str], tuple[float | None, ...]] = {}
    for name, vehicle in results.scenario.vehicles.items():
        for node, parameters in (vehicle.heat.nodes if vehicle.heat else {}).items():
            values: list[Any] = [
                value
                for key, value in parameters.model_dump().items()
                if key.endswith(("minimum_k", "maximum_k"))
            ]
            found[name, node] = tuple(values)
    return found


def write_figures(
    results: Results, folder: Path, *, progress: Progress | None = None
) -> list[Path]:
    """Draw every figure of a run into a folder as PNG; returns the files.

    Raises `SimError` where they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(
            f"{folder} cannot be a folder for figures: {error.strerror}; name another place"
        ) from None
    written = []
    drawings = figures_of(results)
    for index, (name, draw) in enumerate(drawings.items()):
        if progress is not None:
            progress("figures", index / len(drawings))
        figure = draw()
        if figure is not None:
            written.append(folder / f"{name}.png")
            save_figure(figure, written[-1])
    return written
