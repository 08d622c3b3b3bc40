"""How figures look: sizes, colours that colour-blind readers tell apart, dates, night shading."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sim.clock import Clock
from sim.errors import ResultsError

# Okabe and Ito 2008, "Color Universal Design": eight colours that all kinds of eyes tell apart.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, BLACK = "#56B4E9", "#CC79A7", "#F0E442", "#222222"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK, YELLOW)
STACK = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW, "#a6cee3", "#b2df8a", "#cab2d6")
GREY = "#8a8f98"
NIGHT = "#e9ecf2"
GRID = "#d9dde3"

MODE_COLOURS = {
    "dormant": "#b9c0cc",
    "waking": YELLOW,
    "working": GREEN,
    "napping": SKY,
    "safe": ORANGE,
    "dead": BLACK,
}

WIDTH_INCHES = 9.0
_DPI = 120
_DAY_S = 86400.0
_WHOLE_S = 29.0 * _DAY_S
_NUMBERED_S = 5.0 * _DAY_S
_MOST_NUMBERS = 30
_STEPS_S = tuple(
    int(hours * 3600)
    for hours in (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 120, 240, 480, 1440, 2880, 8760, 17520, 87600)
)
_NO_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True, slots=True)
class Span:
    """What a figure over time needs to know of a run: its clock, length and lunar days."""

    clock: Clock
    duration_s: int
    days: pl.DataFrame
    """The `lunar_days` table."""
    start_s: int = 0
    """Where the time axis begins; it ends at `duration_s`."""

    def in_days(self, t_s: Any) -> Any:
        """Earth days since the start: the unit of time axes."""
        return np.asarray(t_s, dtype=float) / _DAY_S


def one_lunar_day(span: Span) -> Span:
    """The first whole lunar day of a run, else the first one."""
    rows = span.days.rows(named=True)
    whole = [r for r in rows if r["stop_s"] - r["start_s"] > _WHOLE_S]
    chosen = (whole or rows)[0]
    return replace(span, start_s=chosen["start_s"], duration_s=chosen["stop_s"])


def new_figure(rows: int, title: str, height: float = 2.1, **options: Any) -> tuple[Figure, Any]:
    """A figure with `rows` panels above each other that share the time axis; (rows,) axes."""
    figure = Figure(figsize=(WIDTH_INCHES, 0.9 + height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, sharex=options.pop("sharex", True), squeeze=False, **options)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=BLACK)
    for axis in axes[:, 0]:
        dress(axis)
    return figure, axes[:, 0]


def dress(axis: Axes) -> None:
    """Thin grid, no box, small labels."""
    axis.grid(True, color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(GREY)
    axis.tick_params(labelsize=8, color=GREY, labelcolor=BLACK)
    axis.yaxis.label.set_fontsize(9)
    axis.xaxis.label.set_fontsize(9)
    axis.title.set_fontsize(9)


def legend(axis: Axes, columns: int = 4) -> None:
    """A legend in one row above the panel, where it hides no line."""
    handles, labels = axis.get_legend_handles_labels()
    if not handles:
        return
    unique = dict(zip(labels, handles, strict=True))
    place = axis.get_subplotspec()
    is_top = place is not None and place.rowspan.start == 0
    axis.legend(
        list(unique.values()),
        list(unique),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.07 if is_top else 1.02),
        ncols=columns,
        fontsize=8,
        frameon=False,
        borderaxespad=0.2,
        handlelength=1.4,
        columnspacing=1.4,
    )


def time_axis(axes: Sequence[Axes], span: Span) -> None:
    """Nights shaded, lunar days numbered on the top panel, UTC dates below the bottom one."""
    for axis in axes:
        for start_s, stop_s in _nights(span):
            axis.axvspan(start_s / _DAY_S, stop_s / _DAY_S, color=NIGHT, linewidth=0, zorder=0)
        axis.set_xlim(span.start_s / _DAY_S, span.duration_s / _DAY_S)
    _number_days(axes[0], span)
    bottom = axes[-1]
    ticks_s, labels = _ticks(span)
    bottom.set_xticks([t_s / _DAY_S for t_s in ticks_s], labels)
    bottom.set_xlabel("UTC; nights shaded")


def save_figure(figure: Figure, target: Path | BinaryIO) -> None:
    """Write a figure as PNG, SVG or PDF by its suffix, as PNG into a stream; the same bytes always."""
    suffix = target.suffix.lower() if isinstance(target, Path) else ".png"
    if suffix not in _NO_METADATA:
        raise ResultsError(f"{target} is no figure; its name must end in {', '.join(_NO_METADATA)}")
    try:
        with rc_context({"svg.hashsalt": "farside"}):
            figure.savefig(target, dpi=_DPI, format=suffix[1:], metadata=_NO_METADATA[suffix])
    except OSError as error:
        raise ResultsError(f"{target} cannot be written: {error.strerror}") from None


def _nights(span: Span) -> list[tuple[float, float]]:
    """From each sunset to the next sunrise, at the place of the first vehicle."""
    if not len(span.days):
        return []
    first = span.days.filter(pl.col("asset") == span.days["asset"][0])
    rises = first["sunrise_s"].drop_nulls().to_list()
    sets = first["sunset_s"].drop_nulls().to_list()
    edges = sorted([(t, "rise") for t in rises] + [(t, "set") for t in sets])
    found, since = [], 0.0
    is_night = bool(edges) and edges[0][1] == "rise"
    for t_s, kind in edges:
        if kind == "set" and not is_night:
            since, is_night = t_s, True
        elif kind == "rise" and is_night:
            found.append((since, t_s))
            is_night = False
    if is_night:
        found.append((since, float(span.duration_s)))
    return [(max(a, 0.0), min(b, float(span.duration_s))) for a, b in found if b > 0.0]


def _number_days(axis: Axes, span: Span) -> None:
    """Numbers of the lunar days of the first vehicle over a panel, as many as have room."""
    mine = (
        span.days.filter(pl.col("asset") == span.days["asset"][0]) if len(span.days) else span.days
    )
    rows = mine.filter(pl.col("stop_s") - pl.col("start_s") > _NUMBERED_S).rows(named=True)
    for row in rows[:: 1 + len(rows) // _MOST_NUMBERS]:
        start_s = max(row["start_s"], span.start_s)
        stop_s = min(row["stop_s"], span.duration_s)
        if start_s < stop_s:
            axis.text(
                0.5 * (start_s + stop_s) / _DAY_S,
                1.005,
                str(row["lunar_day"]),
                transform=axis.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=7,
                color=GREY,
            )


def _ticks(span: Span) -> tuple[list[int], list[str]]:
    """Round instants of UTC and their labels: dates, or hours in runs of a few days."""
    length_s = span.duration_s - span.start_s
    step_s = next((s for s in _STEPS_S if length_s / s <= 9), _STEPS_S[-1])
    midnight_s = span.clock.seconds(span.clock.utc(span.start_s)[:10] + "T00:00Z")
    ticks = range(midnight_s, span.duration_s, step_s)
    inside = [t_s for t_s in ticks if t_s >= span.start_s]
    form = slice(0, 10) if step_s >= _DAY_S else slice(5, 16)
    return inside, [span.clock.utc(t_s)[form].replace("T", " ") for t_s in inside]
