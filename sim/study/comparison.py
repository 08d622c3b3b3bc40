"""Runs side by side, differences first: what went in, then what came out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from sim.errors import ResultsError
from sim.results import Results, load_results

_DAY_COLUMNS = (
    *("wake_utc", "sleep_utc", "awake_h", "lowest_state_of_charge", "capacity_gb"),
    *("produced_gb", "delivered_gb", "limited_by"),
)
_NO_RESULT = frozenset(("name", "title", "books", "open_books", "balances_checked", "lunar_days"))
_SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tables: a row for each quantity, a column for each run, as texts."""

    inputs: pl.DataFrame
    """`key`, the runs: what the scenarios do not have in common."""
    results: pl.DataFrame
    """`quantity`, the runs, `difference`: the largest from the first run, relative to it.

    What differs comes first, the largest first; texts that differ come before all numbers.
    """


def compare(folders: Sequence[str | Path]) -> Comparison:
    """The comparison of the runs in some folders; `ResultsError` where one holds none."""
    if len(folders) < 2:
        raise ResultsError("name two folders or more to compare")
    runs = [load_results(folder) for folder in folders]
    labels = _labels(folders)
    inputs = [dict(_flat(run.scenario.model_dump(mode="json", by_alias=True))) for run in runs]
    outputs = [dict(_outputs(run)) for run in runs]
    rows = _rows(inputs)
    differing = [(key, *map(_text, values)) for key, values in rows if _differs(values)]
    return Comparison(
        pl.DataFrame(differing, schema=["key", *labels], orient="row"),
        _result_table(_rows(outputs), labels),
    )


def _labels(folders: Sequence[str | Path]) -> list[str]:
    """The last part of each folder's name where those differ, else the names as given."""
    short = [Path(folder).absolute().name for folder in folders]
    labels = short if len(set(short)) == len(short) else [str(folder) for folder in folders]
    if len(set(labels)) != len(labels):
        raise ResultsError(f"{labels[0]} is named twice; name different folders")
    return labels


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Scalars and lists of scalars by key path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{path}.{index}")
    else:
        yield path, value


def _outputs(run: Results) -> Iterator[tuple[str, Any]]:
    """The summary, and some of each lunar day."""
    for key, value in _flat({k: v for k, v in run.summary.items() if k not in _NO_RESULT}):
        if not key.endswith("sentence"):
            yield key, value
    for row in run.lunar_days.iter_rows(named=True):
        for column in _DAY_COLUMNS:
            yield f"lunar day {row['lunar_day']}.{row['asset']}.{column}", row[column]


def _rows(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, tuple[Any, ...]]]:
    """Every key of any run with its value in each."""
    keys = dict.fromkeys(key for run in runs for key in run)
    return [(key, tuple(run.get(key) for run in runs)) for key in keys]


def _differs(values: Sequence[Any]) -> bool:
    return any(value != values[0] for value in values[1:])


def _result_table(rows: list[tuple[str, tuple[Any, ...]]], labels: list[str]) -> pl.DataFrame:
    differing = [row for row in rows if _differs(row[1])]
    differing.sort(key=lambda row: -abs(_difference(row[1])))
    ordered = [*differing, *(row for row in rows if not _differs(row[1]))]
    cells = [(key, *map(_text, values), _percent(values)) for key, values in ordered]
    return pl.DataFrame(cells, schema=["quantity", *labels, "difference"], orient="row")


def _difference(values: Sequence[Any]) -> float:
    """The largest from the first value, relative to it; infinite where there is no ratio."""
    first = values[0]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return math.inf
    largest = max((value - first for value in values), key=abs)
    if abs(first) < _SMALL:
        return math.copysign(math.inf, largest) if abs(largest) >= _SMALL else 0.0
    return float(largest / abs(first))


def _percent(values: Sequence[Any]) -> str:
    if not _differs(values):
        return ""
    relative = _difference(values)
    return f"{100.0 * relative:+.3g} %" if math.isfinite(relative) else "differs"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
