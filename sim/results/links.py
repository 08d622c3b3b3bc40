"""A link's series and needs as tables: header and rows, for the screen and for files."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from sim.clock import Clock
from sim.environment import LinkSeries, RateNeeds

Table = tuple[list[str], list[list[Any]]]


def series_table(series: LinkSeries, clock: Clock) -> Table:
    """A row for each instant: view, range, Pt/N0, margin, rate, and every term of Pt/N0."""
    header = ["utc", "t_s", "in_view", "range_km", "pt_n0_dbhz", "margin_db", "rate_bps"]
    columns: list[Sequence[Any]] = [
        [clock.utc(t_s) for t_s in series.t_s.tolist()],
        np.round(series.t_s, 3).tolist(),
        series.visible.tolist(),
        np.round(series.range_km, 3).tolist(),
        np.round(series.carrier_to_noise_dbhz, 4).tolist(),
        np.round(series.margin_db, 4).tolist(),
        series.rate_bps.tolist(),
    ]
    for name, values in series.terms_db.items():
        header.append(f"{name}_db")
        columns.append(np.round(values, 4).tolist())
    return header, [list(row) for row in zip(*columns, strict=True)]


def movers_table(series: LinkSeries) -> Table:
    """The terms that move while the ends see each other, the widest first."""
    rows = [[name, low, high, high - low] for name, (low, high) in series.movers_db().items()]
    return ["term", "lowest_db", "highest_db", "moves_by_db"], rows


def rate_changes_table(series: LinkSeries, clock: Clock, most: int = 20) -> Table:
    """Views and changes of rate between the instants of a series, the first `most` of them."""
    rates = np.where(series.visible, series.rate_bps, -1).tolist()
    ranges = series.range_km.tolist()
    changed = [0, *(i for i, (a, b) in enumerate(pairwise(rates), start=1) if a != b)]
    rows: list[list[Any]] = [
        [clock.utc(float(series.t_s[i])), _rate(rates[i]), ranges[i]] for i in changed[:most]
    ]
    if len(changed) > most:
        rows.append(["", f"{len(changed) - most} more", None])
    return ["from_utc", "rate_bps", "range_km"], rows


def _rate(rate_bps: int) -> str:
    return "out of view" if rate_bps < 0 else str(rate_bps)


def needs_table(needs: Sequence[RateNeeds]) -> Table:
    """What each rate asks of either terminal; `always`: at the worst instant, else for 99 %."""
    header = [
        *("rate_bps", "closes_share", "spare_db", "has_eirp_dbw", "needs_eirp_dbw"),
        *("has_g_over_t_db_k", "needs_g_over_t_db_k", "always_spare_db", "always_needs_eirp_dbw"),
        "always_needs_g_over_t_db_k",
    ]
    rows = [
        [
            need.rate_bps,
            need.closes_share,
            need.mostly.spare_db,
            need.mostly.eirp_dbw,
            need.mostly.needed_eirp_dbw,
            need.mostly.g_over_t_db_k,
            need.mostly.needed_g_over_t_db_k,
            need.always.spare_db,
            need.always.needed_eirp_dbw,
            need.always.needed_g_over_t_db_k,
        ]
        for need in needs
    ]
    return header, rows
