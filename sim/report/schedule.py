"""Figures of what was when: modes, activities, contacts, windows, and paths over the sky."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sim.report.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    GRID,
    MODE_COLOURS,
    NUMBERS_POINTS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Span,
    above,
    bars,
    dress,
    empty_figure,
    new_figure,
    time_axis,
)

Bar = tuple[float, float, str]
"""From, to (seconds) and colour."""
_KIND_COLOURS = {
    "light": ORANGE,
    "eclipse": BLACK,
    "conjunction": VERMILION,
    "view": SKY,
    "contact": GREEN,
}
_OPEN = "#e3dcc4"


def timeline_figure(
    events: pl.DataFrame, passes: pl.DataFrame, span: Span, vehicles: Sequence[str]
) -> Figure:
    """Modes and activities of each vehicle, contacts of each link, and when they were used."""
    rows: list[tuple[str, list[Bar]]] = []
    for vehicle in vehicles:
        rows.append((f"{vehicle}: mode", _mode_bars(events, vehicle, span.duration_s)))
        for name in _activities(events, vehicle):
            rows.append((name, _activity_bars(events, vehicle, name, span.duration_s)))
    rows += _link_rows(events, passes, span.duration_s)
    figure, axes = new_figure(1, "Modes, activities and contacts", height=0.55 + 0.26 * len(rows))
    _draw_rows(axes[0], rows, span)
    used = {colour for _, bars in rows for _, _, colour in bars}
    named = [(mode, colour) for mode, colour in MODE_COLOURS.items() if colour in used]
    named += [("activity", BLUE), ("contact open", _OPEN), ("link in use", PURPLE)]
    _key(axes[0], [(label, colour) for label, colour in named if colour in used])
    time_axis(axes, span)
    axes[0].grid(False, axis="y")
    return figure


SkyPath = tuple[Sequence[float], Sequence[float]]
"""Azimuths and elevations in degrees."""


class Sky(NamedTuple):
    """What is seen from a place over a lunar day."""

    horizon: SkyPath
    """Elevation of the mask by azimuth, once around."""
    paths: dict[str, SkyPath]
    """Of the Sun, the Earth and relays, by name."""


def windows_figure(
    windows: pl.DataFrame, span: Span, skies: Mapping[str, Sky] | None = None
) -> Figure:
    """Every window as a bar, a row for each kind, observer and target; below them the skies.

    `skies` has the horizon of each place and paths over its sky.
    """
    rows = _window_rows(windows)
    bars_inches, sky_inches = 0.55 + 0.26 * max(len(rows), 2), 4.2 if skies else 0.0
    if not skies:
        figure, axes = new_figure(1, "Windows", height=bars_inches)
    else:
        figure = empty_figure(bars_inches + sky_inches, "Windows", layout="constrained")
        grid = figure.add_gridspec(2, 1, height_ratios=[bars_inches, sky_inches])
        axes = [figure.add_subplot(grid[0])]
        cells = grid[1].subgridspec(1, len(skies))
        for index, (place, sky) in enumerate(skies.items()):
            _draw_sky(figure.add_subplot(cells[index], projection="polar"), place, sky)
    _draw_rows(axes[0], rows, span)
    kinds = set(windows["kind"].to_list())
    _key(axes[0], [(kind, colour) for kind, colour in _KIND_COLOURS.items() if kind in kinds])
    time_axis(axes, span)
    axes[0].grid(False, axis="y")
    return figure


def _window_rows(windows: pl.DataFrame) -> list[tuple[str, list[Bar]]]:
    groups = windows.partition_by("kind", "observer", "target", "link", maintain_order=True)
    order = list(_KIND_COLOURS)
    groups.sort(key=lambda part: (order.index(part["kind"][0]), part["observer"][0]))
    return [
        (
            f"{part['observer'][0]} - {part['target'][0]}: {part['kind'][0]}",
            [
                (a, b, _KIND_COLOURS[part["kind"][0]])
                for a, b in zip(part["start_s"], part["stop_s"], strict=True)
            ],
        )
        for part in groups
    ]


def _draw_sky(axis: Any, place: str, sky: Sky) -> None:
    """Paths over a sky, north up and east to the right, what the horizon hides shaded."""
    axis.set_theta_zero_location("N")
    axis.set_theta_direction(-1)
    around, lowest = (np.asarray(part, dtype=float) for part in sky.horizon)
    hidden = 90.0 - np.clip(lowest, 0.0, 90.0)
    axis.fill_between(np.radians(around), hidden, 90.0, color=GREY, alpha=0.3, linewidth=0)
    for (name, (azimuth, elevation)), colour in zip(sky.paths.items(), CYCLE, strict=False):
        height = np.asarray(elevation, dtype=float)
        radius = np.where(height >= 0.0, 90.0 - height, np.nan)
        axis.plot(np.radians(azimuth), radius, color=colour, linewidth=0.9, label=name)
    axis.set_ylim(0.0, 90.0)
    axis.set_yticks([0, 30, 60, 90], ["90°", "60°", "30°", "0°"], fontsize=8, color=GREY)
    axis.set_xticks(np.radians(range(0, 360, 45)), ["N", "NE", "E", "SE", "S", "SW", "W", "NW"])
    axis.tick_params(labelsize=8)
    axis.grid(True, color=GRID, linewidth=0.6)
    axis.set_title(f"sky of {place}", fontsize=9, color=BLACK)
    axis.legend(loc="lower left", bbox_to_anchor=(1.02, 0.0), fontsize=8, frameon=False)


def _draw_rows(axis: Axes, rows: Sequence[tuple[str, list[Bar]]], span: Span) -> None:
    dress(axis)
    for position, (_, parts) in enumerate(rows):
        start, stop = span.in_days([part[:2] for part in parts]).reshape(-1, 2).T
        colours = [colour for _, _, colour in parts]
        # thin edges keep short bars in sight
        edges: dict[str, Any] = {"linewidths": 0.4, "edgecolors": "face"}
        bars(axis, start, stop - start, position - 0.36, 0.72, colours, **edges)
    axis.set_yticks(range(len(rows)), [name for name, _ in rows])
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)


def _key(axis: Axes, named: Sequence[tuple[str, str]]) -> None:
    handles = [Patch(color=colour, label=label) for label, colour in named]
    axis.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        bbox_transform=above(axis, NUMBERS_POINTS),
        ncols=8,
        fontsize=8,
        frameon=False,
        borderaxespad=0.2,
        handlelength=1.0,
        handleheight=0.8,
    )


def _mode_bars(events: pl.DataFrame, vehicle: str, stop_s: int) -> list[Bar]:
    changes = events.filter((pl.col("asset") == vehicle) & (pl.col("event") == "mode"))
    times = [*changes["t_s"].to_list(), stop_s]
    modes = changes["after"].to_list()
    return [
        (a, b, MODE_COLOURS[mode])
        for a, b, mode in zip(times, times[1:], modes, strict=False)
        if b > a
    ]


def _activities(events: pl.DataFrame, vehicle: str) -> list[str]:
    chosen = events.filter((pl.col("asset") == vehicle) & (pl.col("event") == "activity"))
    return list(dict.fromkeys(chosen["subject"].to_list()))


def _activity_bars(events: pl.DataFrame, vehicle: str, name: str, stop_s: int) -> list[Bar]:
    chosen = events.filter(
        (pl.col("asset") == vehicle) & (pl.col("event") == "activity") & (pl.col("subject") == name)
    )
    found: list[Bar] = []
    since: int | None = None
    for t_s, after in zip(chosen["t_s"], chosen["after"], strict=True):
        if after == "running":
            since = t_s
        elif since is not None:
            found.append((since, t_s, BLUE))
            since = None
    return found if since is None else [*found, (since, stop_s, BLUE)]


def _link_rows(
    events: pl.DataFrame, passes: pl.DataFrame, stop_s: int
) -> list[tuple[str, list[Bar]]]:
    """Contacts of each link and destination, and over them the time in which the link was used."""
    rows = []
    links = events.filter(pl.col("event") == "link")
    for part in passes.partition_by("link", "destination", maintain_order=True):
        link, far = part["link"][0], part["destination"][0]
        mine = links.filter(pl.col("subject") == link)
        opened = [(a, b, _OPEN) for a, b in zip(part["aos_s"], part["los_s"], strict=True)]
        rows.append((f"{link}: {far}", opened + _use_bars(mine, far, stop_s)))
    return sorted(rows, key=lambda row: row[0])


def _use_bars(links: pl.DataFrame, destination: str, stop_s: int) -> list[Bar]:
    found: list[Bar] = []
    since: int | None = None
    for t_s, after in zip(links["t_s"], links["after"], strict=True):
        if since is not None:
            found.append((since, t_s, PURPLE))
            since = None
        if after == destination:
            since = t_s
    return found if since is None else [*found, (since, stop_s, PURPLE)]
