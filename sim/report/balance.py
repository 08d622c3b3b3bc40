"""Figures of sums: energy and data per lunar day, and the waterfall of what limited the return."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
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
    bars,
    hide_upper_ticks,
    legend,
    new_figure,
)

_BITS_PER_GB = 8e9
_MOST_TICKS = 24
_HEADROOM = 1.06
_HALF_ROW = 0.6
_ROW_INCHES = 0.155  # of a waterfall, for bars and words of 7 points
_HEADING_ROWS = 2.4  # the heading of a hop, and the gap before it
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
    for axis in axes[:2]:  # the others have the same colours
        legend(axis, numbered=False)
    _number(axes, days)
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


def _number(axes: Sequence[Axes], days: pl.DataFrame) -> None:
    """Lunar days below the bottom panel, all of them or every so many."""
    numbers = sorted(set(days["lunar_day"].to_list()))
    ticks = numbers[:: 1 + len(numbers) // _MOST_TICKS]
    axes[0].set_xlim(numbers[0] - _HALF_ROW, numbers[-1] + _HALF_ROW)
    axes[-1].set_xlabel("lunar day")
    axes[-1].set_xticks(ticks)
    for axis in axes:
        axis.grid(False, axis="x")
    hide_upper_ticks(axes, [])


def _pair(
    axis: Axes, x: Any, table: pl.DataFrame, names: Sequence[str], colours: Sequence[str]
) -> None:
    highest = 0.0
    for left, name, colour in zip((-0.4, 0.0), names, colours, strict=True):
        values = table[name].to_numpy()
        bars(axis, x + left, 0.4, 0.0, values, colour, label=_LABELS[name])
        highest = max(highest, float(values.max(initial=0.0)))
    _limit(axis, 0.0, highest)


def _limit(axis: Axes, lowest: float, highest: float) -> None:
    """From zero or below to a little over the highest bar."""
    axis.set_ylim(_HEADROOM * lowest, _HEADROOM * highest if highest > 0.0 else 1.0)


def energy_figure(days: pl.DataFrame, vehicles: Sequence[str]) -> Figure:
    """Where the energy of each lunar day came from (left bar) and went (right bar), by vehicle."""
    figure, axes = new_figure(len(vehicles), "Energy of each lunar day: from where, to where")
    for axis, vehicle in zip(axes, vehicles, strict=True):
        mine = days.filter(pl.col("asset") == vehicle)
        x = mine["lunar_day"].to_numpy()
        stored = mine["stored_change_wh"].to_numpy()
        came = {"generated_wh": mine["generated_wh"].to_numpy(), "drawn_wh": np.maximum(-stored, 0)}
        went = {name: mine[name].to_numpy() for name in ("used_wh", "lost_wh", "spilled_wh")}
        top = max(
            _stack(axis, x - 0.38, came),
            _stack(axis, x + 0.02, went | {"charged_wh": np.maximum(stored, 0.0)}),
        )
        short = mine["unmet_wh"].to_numpy() / 1e3
        if short.max(initial=0.0) > 0.0:
            bars(axis, x + 0.02, 0.36, -short, short, BLACK, label=_LABELS["unmet_wh"])
        _limit(axis, -short.max(initial=0.0), top)
        axis.set_ylabel(f"{vehicle}\nenergy, kWh")
    legend(axes[0], numbered=False)
    _number(axes, days)
    return figure


def _stack(
    axis: Axes, left: NDArray[np.float64], parts: Mapping[str, NDArray[np.float64]]
) -> float:
    """Bars in kWh on top of each other; the height of the highest pile."""
    base = np.zeros(len(left))
    for name, values_wh in parts.items():
        height = values_wh / 1e3
        bars(axis, left, 0.36, base, height, _ENERGY_COLOURS[name], label=_LABELS[name])
        base = base + height
    return float(base.max(initial=0.0))


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
    rows = sum(part.height + _HEADING_ROWS for part in parts)
    figure, (axis,) = new_figure(1, title, height=_ROW_INCHES * rows)
    first = 0.0
    for part in parts:
        first = _fall(axis, part.sort("position"), first + _HEADING_ROWS)
    axis.set_xlim(0.0, 124.0)
    axis.set_ylim(first, _HEADING_ROWS - 2.0)
    axis.set_xticks(range(0, 101, 20))
    axis.set_xlabel("share of what the hop could carry at its best rate all the time, %")
    axis.yaxis.set_visible(False)
    axis.spines["left"].set_visible(False)
    return figure


def _fall(axis: Axes, part: pl.DataFrame, first: float) -> float:
    """The ideal of a hop at the top, what each cause takes below it, what is left at the bottom.

    `first` is the row of the ideal; returns the row after the last.
    """
    gb = part["bits"].to_numpy() / _BITS_PER_GB
    share = 100.0 * gb / gb[0] if gb[0] else np.zeros(len(gb))
    names = part["step"].to_list()
    colours = [GREY, *(_CAUSE_COLOURS.get(name, VERMILION) for name in names[1:-1]), BLUE]
    left, size = _left_ends(share), np.abs(share)
    rows = first + np.arange(len(names))
    bars(axis, left, size, rows - 0.36, 0.72, colours[: len(names)])
    head = part.row(0, named=True)
    words: dict[str, Any] = {"va": "center_baseline", "fontsize": 7, "color": BLACK}
    title = f"{head['asset']}, hop {head['hop']}: {head['link']}"
    axis.text(0.0, first - 1.0, title, **words | {"fontsize": 9})
    for row, name, x, value, percent in zip(
        rows, names, left + size, np.abs(gb), size, strict=True
    ):
        axis.text(-0.6, row, name.replace("_", " "), ha="right", **words)
        axis.text(x + 0.6, row, f"{value:,.2f} GB  {percent:.1f} %", in_layout=False, **words)
    return first + len(names)


def _left_ends(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each bar begins: the first and last at zero, the others where those above have come to.

    `shares` has the ideal, then what each cause takes as a number below zero, then what is left.
    """
    left = np.cumsum(shares)
    left[[0, -1]] = 0.0
    return np.asarray(left)
