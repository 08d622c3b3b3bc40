"""Figures of sums: energy and data per lunar day, and the waterfall of what limited the return."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.report.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    NIGHT,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    legend,
    new_figure,
)

_BITS_PER_GB = 8e9
_MOST_TICKS = 24
_CAUSE_COLOURS = {
    "dead": BLACK,
    "asleep": "#b9c0cc",
    "napping": SKY,
    "safe": ORANGE,
    "silent": "#d8cfe0",
    "out_of_view": "#8d99ae",
    "relay_out_of_service": PURPLE,
    "station_not_allocated": PURPLE,
    "busy": PURPLE,
    "rate_below_best": VERMILION,
    "recorder_full": VERMILION,
    "nothing_to_send": "#f3d9a4",
    "other_vehicles": "#9fd3c2",
}


def lunar_days_figure(days: pl.DataFrame, vehicles: Sequence[str]) -> Figure:
    """Data produced, delivered and possible in each lunar day, two panels for each vehicle."""
    figure, axes = new_figure(2 * len(vehicles), "Data of each lunar day", height=1.6)
    for index, vehicle in enumerate(vehicles):
        mine = days.filter(pl.col("asset") == vehicle)
        x = mine["lunar_day"].to_numpy()
        upper, lower = axes[2 * index], axes[2 * index + 1]
        _pair(upper, x, mine, ("produced_gb", "delivered_gb"), (SKY, BLUE))
        _pair(lower, x, mine, ("ceiling_gb", "capacity_gb"), (NIGHT, GREEN))
        upper.set_ylabel(f"{vehicle}\nreturned, GB")
        lower.set_ylabel(f"{vehicle}\npossible, GB")
        legend(upper)
        legend(lower)
    _number(axes[-1], days)
    return figure


_LABELS = {
    "produced_gb": "produced",
    "delivered_gb": "received on Earth",
    "ceiling_gb": "best rate all the time",
    "capacity_gb": "in contact, awake, at the rate that closes",
    "used_wh": "used by loads",
    "spilled_wh": "spilled: battery full",
    "lost_wh": "lost in conversion",
    "unmet_wh": "asked for and not received",
    "generated_wh": "generated",
    "drawn_wh": "from the battery",
    "charged_wh": "into the battery",
}
_ENERGY_COLOURS = {
    "generated_wh": ORANGE,
    "drawn_wh": PURPLE,
    "used_wh": BLUE,
    "lost_wh": VERMILION,
    "spilled_wh": NIGHT,
    "charged_wh": GREEN,
}


def _number(axis: Any, days: pl.DataFrame) -> None:
    """Lunar days below a panel, all of them or every so many."""
    numbers = sorted(set(days["lunar_day"].to_list()))
    axis.set_xlabel("lunar day")
    axis.set_xticks(numbers[:: 1 + len(numbers) // _MOST_TICKS])


def _pair(
    axis: Any, x: Any, table: pl.DataFrame, names: Sequence[str], colours: Sequence[str]
) -> None:
    for shift, name, colour in zip((-0.2, 0.2), names, colours, strict=True):
        axis.bar(x + shift, table[name].to_numpy(), 0.4, color=colour, label=_LABELS[name])
    axis.grid(False, axis="x")


def energy_figure(days: pl.DataFrame, vehicles: Sequence[str]) -> Figure:
    """Where the energy of each lunar day came from (left bar) and went (right bar), by vehicle."""
    figure, axes = new_figure(len(vehicles), "Energy of each lunar day: from where, to where")
    for axis, vehicle in zip(axes, vehicles, strict=True):
        mine = days.filter(pl.col("asset") == vehicle)
        x = mine["lunar_day"].to_numpy()
        stored = mine["stored_change_wh"].to_numpy()
        came = {"generated_wh": mine["generated_wh"].to_numpy(), "drawn_wh": np.maximum(-stored, 0)}
        went = {name: mine[name].to_numpy() for name in ("used_wh", "lost_wh", "spilled_wh")}
        _stack(axis, x - 0.2, came)
        _stack(axis, x + 0.2, went | {"charged_wh": np.maximum(stored, 0.0)})
        short = mine["unmet_wh"].to_numpy() / 1e3
        if short.max(initial=0.0) > 0.0:
            axis.bar(x + 0.2, -short, 0.36, color=BLACK, label=_LABELS["unmet_wh"])
        axis.grid(False, axis="x")
        axis.set_ylabel(f"{vehicle}\nenergy, kWh")
    legend(axes[0])
    _number(axes[-1], days)
    return figure


def _stack(axis: Any, x: NDArray[np.float64], parts: Mapping[str, NDArray[np.float64]]) -> None:
    """Bars in kWh on top of each other."""
    base = np.zeros(len(x))
    for name, values_wh in parts.items():
        height = values_wh / 1e3
        axis.bar(x, height, 0.36, bottom=base, color=_ENERGY_COLOURS[name], label=_LABELS[name])
        base = base + height


def waterfall_figure(waterfall: pl.DataFrame, lunar_day: int | None = None) -> Figure | None:
    """From the ideal of each hop down to what it carried: the run, or one lunar day of it.

    None where there are no hops.
    """
    title = "What limited the return"
    chosen = waterfall
    if lunar_day is not None:
        chosen = waterfall.filter(pl.col("lunar_day") == lunar_day)
        title += f" in lunar day {lunar_day}"
    parts = (
        chosen.group_by("asset", "hop", "link", "position", "step", maintain_order=True)
        .agg(pl.col("bits").sum())
        .partition_by("asset", "hop", "link", maintain_order=True)
    )
    if not parts:
        return None
    figure, axes = new_figure(len(parts), title, height=2.3, sharex=False)
    for axis, part in zip(axes, parts, strict=True):
        _fall(axis, part.sort("position"))
    return figure


def _fall(axis: Any, part: pl.DataFrame) -> None:
    gb = part["bits"].to_numpy() / _BITS_PER_GB
    steps = part["step"].to_list()
    ideal = gb[0]
    level = ideal
    for position, (name, value) in enumerate(zip(steps, gb, strict=True)):
        is_end = position in (0, len(steps) - 1)
        left = 0.0 if is_end else level + value
        colour = BLUE if position else GREY
        if not is_end:
            colour = _CAUSE_COLOURS.get(name, VERMILION)
            level += value
        axis.barh(position, abs(value), 0.72, left=left, color=colour)
        share = abs(value) / ideal if ideal else 0.0
        axis.annotate(
            f"{abs(value):,.2f} GB  {100.0 * share:.1f} %",
            (max(left + abs(value), left), position),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=BLACK,
        )
    axis.set_yticks(range(len(steps)), [name.replace("_", " ") for name in steps], fontsize=7)
    axis.invert_yaxis()
    axis.set_xlim(0.0, 1.22 * ideal if ideal else 1.0)
    axis.grid(False, axis="y")
    axis.set_xlabel("GB")
    row = part.row(0, named=True)
    axis.set_title(
        f"{row['asset']}, hop {row['hop']}: {row['link']}", loc="left", fontsize=9, color=BLACK
    )
