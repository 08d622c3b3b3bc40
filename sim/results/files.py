"""Results as files: CSV, Parquet and JSON written with the same bytes for the same run, and read back."""

import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from sim import __version__
from sim.cache import digest, file_digest
from sim.errors import ResultsError
from sim.results.folders import MANIFEST, read_manifest
from sim.results.schemas import RESULTS_SCHEMA, TABLES, Column, rounded, table
from sim.results.series import cadence_s
from sim.scenario.writing import resolved_yaml

if TYPE_CHECKING:
    from sim.results.outcome import Results

CSV_TABLES = ("lunar_days", "passes", "windows", "events", "waterfall")
SERIES_FILE = "series.parquet"
_PACKAGES = ("numpy", "scipy", "simpy", "skyfield", "jplephem", "polars", "numba", "pydantic")


def write_files(results: "Results", folder: Path) -> None:
    """Every table, the summary, the resolved scenario and the manifest, into an empty folder."""
    for name in CSV_TABLES:
        write_csv(results.table(name), TABLES[name], folder / f"{name}.csv")
    series = rounded(results.series(cadence_s(results.duration_s)), TABLES["series"])
    series.write_parquet(folder / SERIES_FILE, compression="zstd", statistics=False)
    (folder / "scenario.yaml").write_text(resolved_yaml(results.scenario, folder), encoding="utf-8")
    write_json(results.summary, folder / "summary.json")
    write_json(_manifest(results, folder), folder / MANIFEST)


def write_csv(frame: pl.DataFrame, columns: tuple[Column, ...], path: Path) -> None:
    """A table with each float at the decimals of its schema; empty cells where there is nothing."""
    rounded(frame, columns).write_csv(path, float_scientific=False)


def write_json(content: Any, path: Path) -> None:
    """JSON in the order of its keys, one value a line."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """A table as it was written, with the columns of its schema.

    Columns that have been appended to the schema since are empty.
    """
    columns = TABLES[name]
    path = folder / (SERIES_FILE if name == "series" else f"{name}.csv")
    schema = table(columns, []).schema
    try:
        if name == "series":
            return pl.read_parquet(path)
        written = pl.read_csv(path, n_rows=0).columns
        known = list(schema.items())[: len(written)]
        frame = pl.read_csv(path, schema=dict(known))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResultsError(f"{path} cannot be read: {reason}; run the scenario again") from None
    return table(columns, frame.to_dict())


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a run's folder."""
    path = folder / "summary.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} cannot be read: {error}; run the scenario again") from None
    return content


def checked_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder whose tables this version can read."""
    manifest = read_manifest(folder)
    if manifest["results_schema"] != RESULTS_SCHEMA:
        raise ResultsError(
            f"{folder} has results_schema {manifest['results_schema']}, this farside reads "
            f"{RESULTS_SCHEMA}; run the scenario again"
        )
    return manifest


def _manifest(results: "Results", folder: Path) -> dict[str, Any]:
    files = sorted(path.name for path in folder.iterdir() if path.is_file())
    scenario = results.scenario
    assumed = sorted(k for k, v in scenario.sources.items() if v.startswith("assumed"))
    return {
        "farside": __version__,
        "results_schema": RESULTS_SCHEMA,
        "scenario": scenario.name,
        "scenario_sha256": digest(scenario.model_dump(mode="json", by_alias=True)),
        "seed": scenario.seed,
        "books": results.summary["books"],
        "series_cadence_s": cadence_s(results.duration_s),
        "inputs": dict(sorted(results.inputs.items())),
        "remarks": list(results.environment.remarks),
        "versions": {"python": platform.python_version(), **_versions()},
        "files": {name: file_digest(folder / name) for name in files},
        "assumed": assumed,
    }


@cache
def _versions() -> Mapping[str, str]:
    """Of the packages that results depend on; they stay what they are while the process lives."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
