"""What reached the Earth, as columns: made when, by whom, with which priority, arrived when."""

from collections.abc import Sequence

import polars as pl

from sim.operations.runlog import Delivery

ARRIVALS = pl.Schema(
    {
        "origin": pl.String(),
        "product": pl.String(),
        "lunar_day": pl.Int64(),
        "priority": pl.Int64(),
        "made_start_s": pl.Float64(),
        "made_stop_s": pl.Float64(),
        "bits": pl.Int64(),
        "station": pl.String(),
        "arrived_start_s": pl.Float64(),
        "arrived_stop_s": pl.Float64(),
        "link": pl.String(),
    }
)
"""The fields of a piece, then those of its delivery; times in seconds since the start."""


def arrivals(deliveries: Sequence[Delivery]) -> pl.DataFrame:
    """A row for each delivery, in their order."""
    if not deliveries:
        return ARRIVALS.to_frame()
    pieces, *arrived = zip(*deliveries, strict=True)
    columns = [*zip(*pieces, strict=True), *arrived]
    return pl.DataFrame(dict(zip(ARRIVALS, columns, strict=True)), schema=ARRIVALS, strict=False)
