"""How figures look: sizes, colours that colour-blind readers tell apart, dates, night shading."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import polars as pl
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from sim.cache import replace_file
from sim.clock import Clock
from sim.report.layout import place_panels
from sim.report.places import checked_figure

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
_TITLE_INCHES = 0.9  # the title and what belongs to the time axis below the last panel
_TITLE: dict[str, Any] = {"fontsize": 12, "fontweight": "bold", "color": BLACK}
_DPI = 120
_PNG_LEVEL = 3  # zlib's: a quarter less time than with 6, files larger by a twelfth
_STEPS = (1, 2, 2.5, 5, 10)
_MOST_INTERVALS = 5  # between numbers beside a panel; each costs a line, two marks and a text
_DAY_S = 86400.0
_WHOLE_S = 29.0 * _DAY_S
_NUMBERED_S = 5.0 * _DAY_S
_MOST_NUMBERS = 30
_STEPS_S = tuple(
    int(hours * 3600)
    for hours in (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 120, 240, 480, 1440, 2880, 8760, 17520, 87600)
)
NUMBERS_POINTS = 11.0  # the height of the numbers of lunar days over the top panel
_LEGEND_INCHES = 7.8
_HANDLE_INCHES, _LETTER_INCHES = 0.4, 0.055  # of one entry in letters of 8 points
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


def new_figure(
    rows: int, title: str, height: float | Sequence[float] = 2.1, **options: Any
) -> tuple[Figure, Any]:
    """A figure with `rows` panels above each other that share the time axis; (rows,) axes.

    `height` is that of a panel with its labels in inches, one for all or one for each.
    """
    heights = [height] * rows if isinstance(height, float | int) else list(height)
    figure = empty_figure(sum(heights), title)
    axes = figure.subplots(
        rows,
        1,
        sharex=options.pop("sharex", True),
        squeeze=False,
        height_ratios=heights,
        **options,
    )
    for axis in axes[:, 0]:
        dress(axis)
    return figure, axes[:, 0]


def empty_figure(height: float, title: str, layout: Literal["constrained"] | None = None) -> Figure:
    """A figure of the common width with a title, `height` inches for what stands below that.

    Without a layout of matplotlib's, its panels are placed when it is saved.
    """
    whole = _TITLE_INCHES + height
    figure = Figure(figsize=(WIDTH_INCHES, whole), dpi=_DPI, layout=layout)
    FigureCanvasAgg(figure)
    if layout is None:  # near to where panels come to stand
        figure.subplots_adjust(0.1, 0.4 / whole, 0.97, 1.0 - 0.6 / whole, hspace=0.25)
    y = 1.0 - 0.08 / whole
    figure.suptitle(title, x=0.01, y=y, ha="left", va="top", **_TITLE)
    return figure


def dress(axis: Axes) -> None:
    """Thin grid, few numbers, no box, small labels."""
    number_few(axis)
    axis.grid(True, color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(GREY)
    axis.tick_params(labelsize=8, color=GREY, labelcolor=BLACK)
    axis.yaxis.label.set_fontsize(9)
    axis.xaxis.label.set_fontsize(9)
    axis.title.set_fontsize(9)


def number_few(axis: Axes) -> None:
    """Round numbers beside a panel, no more than are read."""
    axis.yaxis.set_major_locator(MaxNLocator(_MOST_INTERVALS, steps=_STEPS))


def legend(axis: Axes, *, numbered: bool = True) -> None:
    """A legend above the panel, where it hides no line: in one row if there is room for it.

    `numbered` leaves room for the numbers of lunar days over the top panel.
    """
    handles, labels = axis.get_legend_handles_labels()
    if not handles:
        return
    unique = dict(zip(labels, handles, strict=True))
    place = axis.get_subplotspec()
    is_top = numbered and place is not None and place.rowspan.start == 0
    axis.legend(
        list(unique.values()),
        list(unique),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=above(axis, NUMBERS_POINTS if is_top else 1.0),
        ncols=_columns(list(unique)),
        fontsize=8,
        frameon=False,
        borderaxespad=0.2,
        handlelength=1.4,
        columnspacing=1.4,
    )


def _columns(labels: Sequence[str]) -> int:
    """As many as make the rows of a legend equally long, in the room that there is."""
    inches = sum(_HANDLE_INCHES + _LETTER_INCHES * len(label) for label in labels)
    rows = math.ceil(inches / _LEGEND_INCHES)
    return math.ceil(len(labels) / rows)


def above(axis: Axes, points: float) -> Any:
    """Fractions of a panel, moved up by some points."""
    return offset_copy(axis.transAxes, axis.get_figure(root=True), y=points, units="points")


def bars(
    axis: Axes,
    left: Any,
    width: Any,
    bottom: Any,
    height: Any,
    colours: str | Sequence[str],
    **options: Any,
) -> None:
    """Rectangles as one artist: (N,) each, or one number for all; colours as many, or one.

    The limits of the axes are left to the caller.
    """
    x0, dx, y0, dy = np.broadcast_arrays(*(np.atleast_1d(v) for v in (left, width, bottom, height)))
    x = np.stack([x0, x0, x0 + dx, x0 + dx], axis=-1)
    y = np.stack([y0, y0 + dy, y0 + dy, y0], axis=-1)
    options = {"linewidths": 0.0, "edgecolors": "none", **options}
    corners: Any = np.stack([x, y], axis=-1)
    faces = to_rgba(colours) if isinstance(colours, str) else _rgba(colours)
    axis.add_collection(PolyCollection(corners, facecolors=faces, **options), autolim=False)


def _rgba(colours: Sequence[str]) -> NDArray[np.float64]:
    """(N, 4) of many colours, of which few differ: each is read once."""
    known = {colour: to_rgba(colour) for colour in dict.fromkeys(colours)}
    return np.array([known[colour] for colour in colours]).reshape(-1, 4)


def time_axis(axes: Sequence[Axes], span: Span) -> None:
    """Nights shaded, lunar days numbered on the top panel, UTC dates below the bottom one."""
    nights = span.in_days(_nights(span)).reshape(-1, 2)
    for axis in axes:
        across = axis.get_xaxis_transform()
        start, width = nights[:, 0], nights[:, 1] - nights[:, 0]
        bars(axis, start, width, 0.0, 1.0, NIGHT, transform=across, zorder=0)
    axes[0].set_xlim(span.start_s / _DAY_S, span.duration_s / _DAY_S)
    _number_days(axes[0], span)
    ticks_s, labels = _ticks(span)
    ticks = [t_s / _DAY_S for t_s in ticks_s]
    axes[-1].set_xticks(ticks, labels)
    axes[-1].set_xlabel("UTC; nights shaded")
    hide_upper_ticks(axes, ticks)


def hide_upper_ticks(axes: Sequence[Axes], ticks: Sequence[float]) -> None:
    """Only the bottom panel has ticks; the grid goes on through the others, as one artist each."""
    for axis in axes[:-1]:
        axis.xaxis.set_visible(False)
        across = axis.get_xaxis_transform()
        axis.vlines(ticks, 0.0, 1.0, transform=across, colors=GRID, linewidths=0.6, zorder=0.5)


def save_figure(figure: Figure, target: Path | BinaryIO) -> None:
    """Write a figure as PNG, SVG or PDF by its suffix, as PNG into a stream; the same bytes always.

    A file is written whole or not at all; `SimError` where it cannot be.
    """
    if isinstance(target, Path):
        buffer = io.BytesIO()
        _draw(figure, buffer, checked_figure(target).suffix.lower())
        replace_file(target, buffer.getvalue())
    else:
        _draw(figure, target, ".png")


def _draw(figure: Figure, stream: BinaryIO, suffix: str) -> None:
    if figure.get_layout_engine() is None:
        place_panels(figure)
    options: dict[str, Any] = {"metadata": _NO_METADATA[suffix]}
    if suffix == ".png":
        options["pil_kwargs"] = {"compress_level": _PNG_LEVEL}
    with rc_context({"svg.hashsalt": "farside"}):
        figure.savefig(stream, dpi=_DPI, format=suffix[1:], **options)


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
    across = axis.get_xaxis_transform()
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
                transform=across,
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
