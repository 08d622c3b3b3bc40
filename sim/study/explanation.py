"""Why a run returned what it did: where the ideal went, what binds, what one more unit brings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sim.environment import compute_environment
from sim.errors import ResultsError
from sim.operations import operate
from sim.results import load_results
from sim.results.relaxations import RELAXATIONS, delivered_bits, relaxation_table
from sim.results.timeline import gigabytes
from sim.study.marginals import marginal_table

Progress = Callable[[str, float], None]
_TOLERANCE_GB = 1e-8  # tables are written to a nanogigabyte
_HOUR_S = 3600.0
_NOTHING = 1e-4  # of what is delivered: frames at the ends of contacts, not gains


@dataclass(frozen=True, slots=True)
class Explanation:
    """The tables of one run, or of one of its lunar days."""

    waterfall: pl.DataFrame
    """`asset, hop, link, step, gb, of_ideal, time_h`: from the ideal of a hop to what it carried."""
    relaxations: pl.DataFrame
    """`asset, relaxation, meaning, delivered_gb, gain_gb`, the largest gain first."""
    marginals: pl.DataFrame
    """`asset, one_more, subject, gain_gb`: without what brings under a ten-thousandth."""


def explain(
    folder: str | Path,
    lunar_day: int | None = None,
    *,
    cache: bool = True,
    progress: Progress | None = None,
) -> Explanation:
    """The explanation of a stored run, which is run again, and once for each constraint and unit.

    Raises `ResultsError` where the folder holds no run, or the run cannot be repeated.
    """
    results = load_results(folder)
    days = results.lunar_days
    _check_day(days, lunar_day, folder)
    environment = compute_environment(results.scenario, cache=cache, progress=progress)
    log = operate(environment, progress=progress)
    stored = dict(zip(zip(days["asset"], days["lunar_day"]), days["delivered_gb"]))  # noqa: B905
    again = {key: gigabytes(bits) for key, bits in delivered_bits(log).items()}
    if any(abs(again.get(key, 0.0) - gb) > _TOLERANCE_GB for key, gb in stored.items()):
        raise ResultsError(
            f"{folder} cannot be repeated: this farside or its files have changed since; "
            "run the scenario again"
        )
    if progress is not None:
        progress("relaxations", 0.0)
    return Explanation(
        waterfall=waterfall(results.waterfall, lunar_day),
        relaxations=_relaxations(_of_day(relaxation_table(environment, log), lunar_day)),
        marginals=_marginals(
            _of_day(marginal_table(environment, log, progress=progress), lunar_day)
        ),
    )


def _check_day(days: pl.DataFrame, lunar_day: int | None, folder: str | Path) -> None:
    known = sorted(set(days["lunar_day"].to_list()))
    if lunar_day is not None and lunar_day not in known:
        raise ResultsError(
            f"{folder} has no lunar day {lunar_day}; it has {known[0]} to {known[-1]}"
        )


def _of_day(frame: pl.DataFrame, lunar_day: int | None) -> pl.DataFrame:
    return frame if lunar_day is None else frame.filter(pl.col("lunar_day") == lunar_day)


def waterfall(table: pl.DataFrame, lunar_day: int | None = None) -> pl.DataFrame:
    """The waterfall of a lunar day, or of all together, in GB and hours."""
    keys = ["asset", "hop", "link", "position", "step"]
    summed = (
        _of_day(table, lunar_day)
        .group_by(keys, maintain_order=True)
        .agg(pl.col("bits").sum(), pl.col("time_s").sum())
    )
    ideal = pl.col("bits").filter(pl.col("step") == "ideal").sum().over("asset", "hop", "link")
    return summed.sort("asset", "hop", "link", "position", maintain_order=True).select(
        "asset",
        "hop",
        "link",
        "step",
        (pl.col("bits") / 8e9).alias("gb"),
        (pl.col("bits") / ideal).alias("of_ideal"),
        (pl.col("time_s") / _HOUR_S).alias("time_h"),
    )


def _relaxations(table: pl.DataFrame) -> pl.DataFrame:
    meanings = {relaxation.name: relaxation.meaning for relaxation in RELAXATIONS}
    summed = _summed(table, ["asset", "relaxation"], ["delivered_gb", "gain_gb"])
    return (
        summed.with_columns(pl.col("relaxation").replace_strict(meanings).alias("meaning"))
        .select("asset", "relaxation", "meaning", "delivered_gb", "gain_gb")
        .sort("asset", pl.col("gain_gb"), descending=[False, True], maintain_order=True)
    )


def _marginals(table: pl.DataFrame) -> pl.DataFrame:
    summed = _summed(table, ["asset", "one_more", "subject"], ["delivered_gb", "gain_gb"])
    least = _TOLERANCE_GB + _NOTHING * pl.col("delivered_gb")
    return summed.filter(pl.col("gain_gb").abs() > least).drop("delivered_gb")


def _summed(table: pl.DataFrame, keys: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    order = table.group_by(keys, maintain_order=True).agg([pl.col(name).sum() for name in values])
    return order.sort("asset", maintain_order=True)
