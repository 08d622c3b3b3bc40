"""Data that reached the Earth, and data that were still under way at the end, as columns.

Within a row data are made evenly between two instants, and arrive evenly between two others, in the
same order; what is older than its deadline is a part of the row that follows from the four.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.environment import Environment
from sim.operations.runlog import RunLog

_HOUR_S = 3600.0
_PIECE = {
    "origin": pl.String(),
    "product": pl.String(),
    "lunar_day": pl.Int64(),
    "priority": pl.Int64(),
    "made_start_s": pl.Float64(),
    "made_stop_s": pl.Float64(),
    "bits": pl.Int64(),
}
_DELIVERY = {
    "station": pl.String(),
    "arrived_start_s": pl.Float64(),
    "arrived_stop_s": pl.Float64(),
    "link": pl.String(),
}


def arrivals(environment: Environment, log: RunLog) -> pl.DataFrame:
    """What reached the Earth: a row for each delivery, in their order.

    The fields of its piece and its own, and `late_bits`: what was older than its deadline when it
    arrived, exact; empty where an activity has no deadline.
    """
    frame = _frame(log.deliveries, pl.Schema(_PIECE | _DELIVERY))
    ages = (
        pl.col("arrived_start_s") - pl.col("made_start_s"),
        pl.col("arrived_stop_s") - pl.col("made_stop_s"),
    )
    return _with_older(frame, environment, "late_bits", *ages)


def waiting(environment: Environment, log: RunLog) -> pl.DataFrame:
    """What had not reached the Earth at the end: a row for each piece, with the `asset` it is in.

    `overdue_bits` is what is older than its deadline by then; empty where there is none.
    """
    frame = _frame(log.waiting, pl.Schema(_PIECE | {"asset": pl.String()}))
    ages = (environment.duration_s - pl.col(f"made_{edge}_s") for edge in ("start", "stop"))
    return _with_older(frame, environment, "overdue_bits", *ages)


def summed_up(arrived: pl.DataFrame, column: str) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """When rows had arrived, rising (N,), and the sum of a column before each and in all (N + 1,)."""
    rows = arrived.select("arrived_stop_s", pl.col(column).fill_null(0)).sort("arrived_stop_s")
    return rows["arrived_stop_s"].to_numpy(), np.append(0, rows[column].cum_sum().to_numpy())


def _frame(rows: Sequence[tuple[Any, ...]], schema: pl.Schema) -> pl.DataFrame:
    """The columns of pieces, then of what is told of each."""
    if not rows:
        return schema.to_frame()
    pieces, *told = zip(*rows, strict=True)
    columns = [*zip(*pieces, strict=True), *told]
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema, strict=False)


def _with_older(
    frame: pl.DataFrame, environment: Environment, name: str, first_s: pl.Expr, last_s: pl.Expr
) -> pl.DataFrame:
    """A column with the bits older than their deadline, ages going evenly from first to last."""
    deadlines = [
        (vehicle, activity, given.deadline_h * _HOUR_S)
        for vehicle, parameters in environment.scenario.vehicles.items()
        for activity, given in parameters.activities.items()
        if given.deadline_h is not None
    ]
    schema = {"origin": pl.String(), "product": pl.String(), "deadline_s": pl.Float64()}
    known = pl.DataFrame(deadlines, schema=schema, orient="row")
    limit_s, least_s, most_s = (
        pl.col("deadline_s"),
        pl.min_horizontal(first_s, last_s),
        pl.max_horizontal(first_s, last_s),
    )
    even = ((most_s - limit_s) / (most_s - least_s)).clip(0.0, 1.0)
    share = pl.when(most_s > least_s).then(even).otherwise((most_s > limit_s).cast(pl.Float64))
    joined = frame.join(known, on=["origin", "product"], how="left", maintain_order="left")
    return joined.with_columns((pl.col("bits") * share).alias(name)).drop("deadline_s")
