"""The results of one run: tables, series and summary, made when they are first asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from sim.clock import Clock
from sim.environment import Environment
from sim.errors import ResultsError
from sim.operations.runlog import RunLog
from sim.operations.uncollected import uncollected
from sim.results import attribution, files, metrics, passes, tables, verification
from sim.results.arrivals import arrivals, waiting
from sim.results.folders import replace_folder
from sim.results.limits import Limits
from sim.results.limits import limits as limits_of
from sim.results.series import cadence_s as written_cadence_s
from sim.results.series import series
from sim.results.sights import HopSights, sights
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Results:
    """A run and everything that can be said of it. Tables are polars DataFrames."""

    scenario: Scenario
    environment: Environment
    log: RunLog

    @cached_property
    def arrived(self) -> pl.DataFrame:
        """What reached the Earth, a row for each piece."""
        return arrivals(self.environment, self.log)

    @cached_property
    def left(self) -> pl.DataFrame:
        """What was still under way at the end, a row for each piece."""
        return waiting(self.environment, self.log)

    @cached_property
    def accounts(self) -> attribution.Accounts:
        """What each link lost to which cause."""
        return attribution.Accounts(self.environment, self.log)

    @cached_property
    def sights(self) -> dict[str, HopSights]:
        """What hops see in their windows."""
        return sights(self.environment)

    @cached_property
    def falls(self) -> list[attribution.Fall]:
        """The waterfalls, by vehicle, lunar day and hop."""
        return attribution.waterfalls_from(self.environment, self.log, self.accounts, self.arrived)

    @cached_property
    def closures(self) -> list[verification.Closure]:
        """Every balance of energy and data, and whether it closes."""
        return verification.closures(self.environment, self.log, self.falls)

    @cached_property
    def limits(self) -> Limits:
        """What binds, found by running again with one constraint lifted at a time."""
        return limits_of(self.environment, self.log)

    @cached_property
    def lunar_days(self) -> pl.DataFrame:
        """A row for each lunar day and vehicle."""
        days = self.limits.lunar_days
        return tables.lunar_days(self.environment, self.log, self.falls, days, self.arrived)

    @cached_property
    def passes(self) -> pl.DataFrame:
        """A row for each contact of each hop."""
        return passes.passes(self.environment, self.log, self.accounts, self.sights)

    @cached_property
    def events(self) -> pl.DataFrame:
        """Every change, in the order of time."""
        return tables.events(self.environment, self.log)

    @cached_property
    def windows(self) -> pl.DataFrame:
        """Light, views and contacts."""
        return passes.windows_table(self.environment, seen=self.sights)

    @cached_property
    def waterfall(self) -> pl.DataFrame:
        """From the ideal of each hop down to what it carried."""
        return attribution.waterfall_table(self.falls)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run in numbers."""
        return metrics.summary(
            self.environment,
            self.log,
            self.lunar_days,
            self.falls,
            self.closures,
            self.limits.run,
            self.arrived,
            self.left,
        )

    @property
    def inputs(self) -> dict[str, str]:
        """SHA-256 of the kernels and files that went in."""
        return dict(self.environment.manifest)

    @property
    def clock(self) -> Clock:
        """The clock of the run."""
        return self.environment.clock

    @property
    def duration_s(self) -> int:
        """The run covers `[0, duration_s)`."""
        return self.environment.duration_s

    def series(self, cadence_s: int | None = None) -> pl.DataFrame:
        """All quantities over time at whole multiples of a cadence, long form.

        The cadence that is written is the default: the finest with no more than 10,000 samples.
        """
        cadence_s = cadence_s or written_cadence_s(self.duration_s)
        if cadence_s not in self._series:
            self._series[cadence_s] = series(self.environment, self.log, cadence_s, self.arrived)
        return self._series[cadence_s]

    @cached_property
    def _series(self) -> dict[int, pl.DataFrame]:
        """By cadence: files and figures take the same one."""
        return {}

    def table(self, name: str) -> pl.DataFrame:
        """A table by its name."""
        frame: pl.DataFrame = getattr(self, name)
        return frame

    def write(
        self, folder: str | Path, figures: Callable[["Results", Path], None] | None = None
    ) -> Path:
        """Write everything into a folder, which is replaced as a whole; returns it.

        `figures` draws into the folder that it is given. Raises `ResultsError` where the folder
        holds something else or cannot be written.
        """

        def fill(partial: Path) -> None:
            with uncollected():
                files.write_files(self, partial)
            if figures is not None:
                (partial / "figures").mkdir()
                figures(self, partial / "figures")

        return replace_folder(folder, fill)


class StoredResults(Results):
    """Results read back from a folder; there is neither environment nor log behind them."""

    def __init__(self, folder: Path) -> None:
        object.__setattr__(self, "folder", folder)
        object.__setattr__(self, "manifest", files.checked_manifest(folder))

    folder: Path
    manifest: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        known_to_runs = ("arrived", "left", "accounts", "sights", "falls", "closures", "limits")
        if name in ("environment", "log", *known_to_runs):
            raise ResultsError(
                f"the results in {self.folder} were read from files and have no '{name}'; "
                "run the scenario for it"
            )
        raise AttributeError(name)

    @cached_property
    def scenario(self) -> Scenario:
        """The scenario as it was run."""
        return load_scenario(self.folder / "scenario.yaml")

    lunar_days = cached_property(lambda self: files.read_table(self.folder, "lunar_days"))
    passes = cached_property(lambda self: files.read_table(self.folder, "passes"))
    events = cached_property(lambda self: files.read_table(self.folder, "events"))
    windows = cached_property(lambda self: files.read_table(self.folder, "windows"))
    waterfall = cached_property(lambda self: files.read_table(self.folder, "waterfall"))
    summary = cached_property(lambda self: files.read_summary(self.folder))

    @property
    def inputs(self) -> dict[str, str]:
        """SHA-256 of the kernels and files that went in."""
        return dict(self.manifest["inputs"])

    @property
    def clock(self) -> Clock:
        """The clock of the run."""
        return Clock.starting(self.summary["start_utc"])

    @property
    def duration_s(self) -> int:
        """The run covers `[0, duration_s)`."""
        return int(self.summary["duration_s"])

    def series(self, cadence_s: int | None = None) -> pl.DataFrame:
        """The series at the cadence that it was written with, or a multiple of it."""
        stored = int(self.manifest["series_cadence_s"])
        cadence_s = cadence_s or stored
        if cadence_s < stored or cadence_s % stored:
            raise ResultsError(
                f"{self.folder} holds a series at {stored} s; a cadence of {cadence_s} s needs "
                "the run itself"
            )
        frame = files.read_table(self.folder, "series")
        return frame.filter(pl.col("t_s") % cadence_s == 0)

    def write(
        self, folder: str | Path, figures: Callable[[Results, Path], None] | None = None
    ) -> Path:
        """Refused: copy the folder."""
        raise ResultsError(f"{self.folder} is written already; copy it to {folder}")


def load_results(folder: str | Path) -> Results:
    """The results in a run's folder; `ResultsError` where it is none of this version's."""
    return StoredResults(Path(folder))
