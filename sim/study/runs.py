"""A study from its file to its tables, taken up again where it was killed.

Each finished variant is a line of `variants.jsonl`; the tables are made from those lines in the
order of the variants, so that they do not depend on who ran which variant when.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from sim import __version__
from sim.cache import digest, replace_file
from sim.environment import Environment, compute_environment
from sim.errors import SimError, StudyError
from sim.operations import operate
from sim.operations.runlog import RunLog
from sim.results import attribution, tables
from sim.results.arrivals import arrivals
from sim.results.latency import latencies_s
from sim.results.limits import limits as limits_of
from sim.study.executors import Task, execute, packed
from sim.study.geometry import geometry_digest
from sim.study.variants import StudyParameters, Variant, load_study, variants

Progress = Callable[[str, float], None]
Row = dict[str, Any]

LINES, MANIFEST, TABLE, DAYS = "variants.jsonl", "study.json", "study.csv", "lunar_days.csv"
SUMS = (
    *("delivered_gb", "produced_gb", "capacity_gb", "ceiling_gb", "handed_over_gb", "dropped_gb"),
    *("lost_gb", "awake_h", "transmit_h", "generated_wh", "used_wh", "unmet_wh"),
)
"""Columns of `study.csv` that are sums over lunar days, named as in `lunar_days.csv` of a run."""
LOWEST = ("lowest_state_of_charge", "night_margin_wh")
DAY_COLUMNS = (
    *("asset", "lunar_day", "delivered_gb", "produced_gb", "capacity_gb", "awake_h"),
    *("lowest_state_of_charge", "unmet_wh"),
)
_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Study:
    """The tables of a study."""

    variants: pl.DataFrame
    """A row for each variant and vehicle: the values that vary, then what came of them."""
    lunar_days: pl.DataFrame
    """A row for each variant, vehicle and lunar day."""


def run_study(
    path: str | Path,
    folder: str | Path | None = None,
    *,
    processes: int = 1,
    cluster: str | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Study:
    """Run every variant of a study that its folder does not hold yet, and write its tables.

    `folder` is `results/NAME` if left out. `cluster` is the address of a Dask scheduler, or
    `local`. A variant that cannot be run has its reason in the column `error`. Raises `SimError`
    where the study cannot be planned, or the folder holds something else.
    """
    study = load_study(path)
    planned = variants(study, path)
    place = Path(folder) if folder is not None else Path("results") / study.name
    key = _digest(study, planned)
    lines = _Lines(place, key)
    done = lines.opened()
    left = [v for v in planned if v.number not in done]
    tell = progress or (lambda step, fraction: None)
    with TemporaryDirectory(prefix="farside-study-") as kept:
        tasks = _tasks(left, study.relaxations, Path(kept), cache)
        for outcome in execute(tasks, run_variant, processes=processes, cluster=cluster):
            lines.add(outcome)
            done[outcome["variant"]] = outcome
            tell("variants", len(done) / len(planned))
    found = _study(planned, done)
    for name, frame in ((TABLE, found.variants), (DAYS, found.lunar_days)):
        replace_file(place / name, frame.write_csv(float_scientific=False).encode())
    return found


def _digest(study: StudyParameters, planned: Sequence[Variant]) -> str:
    """What makes two studies the same: every scenario, the files they name, and farside's version."""
    dumps = [digest(v.scenario.model_dump(mode="json", by_alias=True)) for v in planned]
    files = dict(planned[0].scenario.file_digests)
    return digest([__version__, study.relaxations, dumps, files])


class _Lines:
    """The finished variants of a study, a line of JSON each; only the parent process writes."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key

    def opened(self) -> dict[int, Row]:
        """The variants that are finished; makes the folder, or refuses one that is not this study's."""
        manifest = self._folder / MANIFEST
        try:
            if not manifest.exists():
                self._folder.mkdir(parents=True, exist_ok=True)
                if any(self._folder.iterdir()):
                    raise StudyError(
                        f"{self._folder} holds files that are not a study's; name another folder"
                    )
                content = {"farside": __version__, "study_sha256": self._key}
                replace_file(manifest, f"{json.dumps(content, indent=1)}\n".encode())
            self._check(manifest)
            return self._read()
        except OSError as error:
            raise StudyError(
                f"the study's folder {self._folder} cannot be used: {error.strerror}"
            ) from None

    def _check(self, manifest: Path) -> None:
        try:
            known = json.loads(manifest.read_text(encoding="utf-8"))["study_sha256"]
        except (ValueError, KeyError, TypeError):
            raise StudyError(f"{manifest} is not a study's; name another folder") from None
        if known != self._key:
            raise StudyError(
                f"{self._folder} holds another study, or this one before it was changed; name "
                "another folder with --out, or remove that one"
            )

    def _read(self) -> dict[int, Row]:
        """The whole lines; one that a kill has cut short is removed."""
        file = self._folder / LINES
        if not file.exists():
            return {}
        content = file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            replace_file(file, whole)
        rows = [json.loads(line) for line in whole.splitlines()]
        return {row["variant"]: row for row in rows}

    def add(self, outcome: Row) -> None:
        """Write one variant down, so that a kill cannot lose it."""
        with (self._folder / LINES).open("ab") as stream:
            stream.write(f"{json.dumps(outcome)}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())


def _tasks(
    left: Sequence[Variant], with_relaxations: bool, folder: Path, cache: bool
) -> Iterator[Task]:
    """The tasks, geometry by geometry; each environment is made when its first task is asked for."""
    groups: dict[str, list[Variant]] = {}
    for item in left:
        groups.setdefault(geometry_digest(item.scenario), []).append(item)
    for key, members in groups.items():
        file = folder / key
        file.write_bytes(packed(compute_environment(members[0].scenario, cache=cache)))
        for item in members:
            yield Task(item.number, item.scenario, key, file, with_relaxations)


def run_variant(task: Task, environment: Environment) -> Row:
    """One variant in plain values, ready for JSON; a run that fails says why."""
    own = replace(environment, scenario=task.scenario)
    try:
        log = operate(own)
    except SimError as error:
        return {"variant": task.number, "error": str(error), "vehicles": [], "lunar_days": []}
    arrived = arrivals(own, log)
    days = tables.lunar_days(own, log, attribution.waterfalls(own, log), {}, arrived)
    limits = limits_of(own, log).run if task.relaxations else {}
    return {
        "variant": task.number,
        "error": None,
        "vehicles": [
            _vehicle(own, log, days.filter(asset=name), arrived.filter(origin=name), name, limits)
            for name in task.scenario.vehicles
        ],
        "lunar_days": [_rounded(row) for row in days.select(DAY_COLUMNS).to_dicts()],
    }


def _vehicle(
    environment: Environment,
    log: RunLog,
    days: pl.DataFrame,
    arrived: pl.DataFrame,
    name: str,
    limits: Any,
) -> Row:
    """One vehicle, of whose lunar days and arrivals these are."""
    late = latencies_s(arrived)
    deaths = [
        e.t_s for e in log.events if e.asset == name and (e.event, e.after) == ("mode", "dead")
    ]
    return _rounded(
        {
            "asset": name,
            **{column: float(days[column].sum()) for column in SUMS},
            **{column: days[column].min() for column in LOWEST},
            "peak_recorder_fill": days["peak_recorder_fill"].max(),
            "latency_p50_s": late.get("p50"),
            "latency_p95_s": late.get("p95"),
            "died_utc": environment.clock.utc(deaths[0]) if deaths else None,
            "limited_by": limits.get(name),
        }
    )


def _rounded(row: Row) -> Row:
    return {
        key: round(value, _DECIMALS) + 0.0 if isinstance(value, float) else value
        for key, value in row.items()
    }


def _study(planned: Sequence[Variant], done: dict[int, Row]) -> Study:
    rows, days = [], []
    for item in planned:
        outcome = done[item.number]
        head = {"variant": item.number, **{k: _cell(v) for k, v in item.values.items()}}
        vehicles = outcome["vehicles"] or [{"asset": None}]
        rows += [{**head, **vehicle, "error": outcome["error"]} for vehicle in vehicles]
        days += [{"variant": item.number, **day} for day in outcome["lunar_days"]]
    return Study(_frame(rows), _frame(days))


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Rows with their columns in the order in which they first appear."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame(
        {name: pl.Series(name, [row.get(name) for row in rows], strict=False) for name in names}
    )


def _cell(value: Any) -> Any:
    """A value of a key path in one cell: mappings and lists as JSON."""
    return json.dumps(value) if isinstance(value, dict | list) else value
