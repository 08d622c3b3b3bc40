"""A link over time: its margin, its rate, and which term moves it."""

import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.clock import Clock
from sim.environment import LinkSeries
from sim.report.style import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    VERMILION,
    Span,
    legend,
    new_figure,
    time_axis,
)

Floats = NDArray[np.float64]
_MOST_TERMS = 6
_NO_DAYS = pl.DataFrame(
    schema={
        "lunar_day": pl.Int64,
        "asset": pl.String,
        **dict.fromkeys(("start_s", "stop_s", "sunrise_s", "sunset_s"), pl.Float64),
    }
)
"""No lunar days: figures of links shade no nights."""


def link_figure(series: LinkSeries, clock: Clock, title: str) -> Figure:
    """Margin, rate and the terms that move most, over the instants of a series.

    Where the ends do not see each other there are no lines. A term stands at its change from its
    own mean in view, so that the panel adds up to what the margin of one rate does.
    """
    figure, axes = new_figure(3, title, height=2.3)
    days = series.t_s / 86400.0
    _draw_margin(axes[0], days, series)
    _draw_rate(axes[1], days, series)
    _draw_movers(axes[2], days, series)
    for axis in axes:
        legend(axis, numbered=False)
    time_axis(axes, Span(clock, int(series.t_s[-1]) + 1, _NO_DAYS, int(series.t_s[0])))
    axes[-1].set_xlabel("UTC; lines only where the ends see each other")
    return figure


def _seen(values: Floats, series: LinkSeries) -> Floats:
    return np.where(series.visible, values, np.nan)


def _draw_margin(axis, days: Floats, series: LinkSeries) -> None:  # type: ignore[no-untyped-def]
    needed = series.needed_margin_db
    margin = _seen(series.margin_db, series)
    axis.plot(days, margin, color=BLUE, linewidth=1.0, label="margin of the rate in use")
    axis.axhline(needed, color=VERMILION, linewidth=1.0, label=f"needed: {needed:.1f} dB")
    short = np.where(margin < needed, margin, np.nan)
    if not np.isnan(short).all():
        axis.plot(days, short, color=VERMILION, linewidth=1.6, label="no rate closes")
    axis.set_ylabel("margin, dB")


def _draw_rate(axis, days: Floats, series: LinkSeries) -> None:  # type: ignore[no-untyped-def]
    rate_kbps = _seen(series.rate_bps / 1e3, series)
    axis.plot(days, rate_kbps, color=GREEN, linewidth=1.2, drawstyle="steps-post")
    axis.set_ylabel("rate, kb/s")
    top = float(np.nanmax(rate_kbps)) if series.visible.any() else 1.0
    axis.set_ylim(0.0, 1.1 * max(top, 1e-3))


def _draw_movers(axis, days: Floats, series: LinkSeries) -> None:  # type: ignore[no-untyped-def]
    movers = series.movers_db()
    for colour, (name, (low, high)) in zip(CYCLE, list(movers.items())[:_MOST_TERMS], strict=False):
        values = _seen(series.terms_db[name], series)
        mean = float(np.nanmean(values)) if series.visible.any() else 0.0
        label = f"{name.replace('_', ' ')} ({high - low:.2f} dB)"
        axis.plot(days, values - mean, color=colour, linewidth=1.0, label=label)
    if not movers:
        axis.plot(days, _seen(np.zeros(len(days)), series), color=GREY, label="no term moves")
    axis.set_ylabel("change of each term\nfrom its mean, dB")
