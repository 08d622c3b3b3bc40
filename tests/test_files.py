"""Folders of results: whole or absent, never somebody else's; the same bytes for the same run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from small_runs import small_environment, small_log

from sim.errors import ResultsError, SimError
from sim.results import Results, load_results
from sim.results.files import CSV_TABLES
from sim.results.folders import checked_folder, replace_folder
from sim.results.schemas import RESULTS_SCHEMA, TABLES, rounded


@pytest.fixture(scope="module")
def results() -> Results:
    environment = small_environment()
    return Results(environment.scenario, environment, small_log())


@pytest.fixture(scope="module")
def written(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results.write(tmp_path_factory.mktemp("runs") / "small")


def test_the_files_of_a_run(written: Path) -> None:
    names = {path.name for path in written.iterdir()}
    tables = {f"{name}.csv" for name in CSV_TABLES}
    assert names == tables | {"series.parquet", "summary.json", "manifest.json", "scenario.yaml"}


def test_same_run_same_bytes(written: Path, tmp_path: Path) -> None:
    environment = small_environment()
    again = Results(environment.scenario, environment, small_log()).write(tmp_path / "again")
    for path in written.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_tables_come_back_as_they_were_written(results: Results, written: Path) -> None:
    stored = load_results(written)
    for name in CSV_TABLES:
        assert rounded(results.table(name), TABLES[name]).equals(stored.table(name)), name
    assert stored.summary == json.loads(json.dumps(results.summary))
    assert rounded(results.series(), TABLES["series"]).equals(stored.series())
    assert stored.series(120).height < stored.series().height
    assert stored.duration_s == results.duration_s
    assert stored.clock == results.clock


def test_a_table_from_before_a_column_was_appended_is_read(written: Path, tmp_path: Path) -> None:
    older = shutil.copytree(written, tmp_path / "older")
    path = older / "lunar_days.csv"
    frame = pl.read_csv(path)
    frame.drop("late_gb").write_csv(path)
    read = load_results(older).lunar_days
    assert read.columns == load_results(written).lunar_days.columns
    assert read["late_gb"].to_list() == [None, None]
    frame.rename({"lunar_day": "day"}).write_csv(path)
    with pytest.raises(ResultsError, match=r"lunar_days\.csv cannot be read"):
        _ = load_results(older).lunar_days


def test_stored_scenario_is_the_one_that_was_run(results: Results, written: Path) -> None:
    stored = load_results(written).scenario
    assert stored.model_dump() == results.scenario.model_dump()


def test_stored_results_say_what_they_lack(written: Path, tmp_path: Path) -> None:
    stored = load_results(written)
    with pytest.raises(ResultsError, match="have no 'log'; run the scenario"):
        _ = stored.log
    with pytest.raises(ResultsError, match="a cadence of 90 s needs"):
        stored.series(90)
    with pytest.raises(ResultsError, match="is written already"):
        stored.write(tmp_path / "copy")


def test_manifest_has_neither_clock_nor_absolute_path(written: Path) -> None:
    text = (written / "manifest.json").read_text()
    manifest = json.loads(text)
    assert manifest["results_schema"] == RESULTS_SCHEMA
    assert manifest["books"] == "closed"
    assert str(written) not in text
    assert str(Path.home()) not in text


def test_another_schema_is_refused(written: Path, tmp_path: Path) -> None:
    manifest = json.loads((written / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"results_schema": 99}))
    with pytest.raises(ResultsError, match="results_schema 99, this farside reads"):
        load_results(tmp_path)


def test_a_run_replaces_a_run(results: Results, tmp_path: Path) -> None:
    folder = results.write(tmp_path / "run")
    (folder / "left over.txt").write_text("x")
    results.write(folder)
    assert not (folder / "left over.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_is_taken(results: Results, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert (results.write(tmp_path / "run") / "manifest.json").is_file()


@pytest.mark.parametrize("name", ["thesis.tex", "manifest.json"])
def test_what_is_not_ours_is_never_touched(results: Results, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ResultsError, match="not the results of a run"):
        results.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_is_no_folder(results: Results, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(ResultsError, match="is a file"):
        results.write(tmp_path / "run")
    with pytest.raises(ResultsError, match="is a file"):
        results.write(tmp_path / "run" / "inner")


def test_a_failed_write_leaves_the_old_results(results: Results, tmp_path: Path) -> None:
    folder = results.write(tmp_path / "run")

    def fail(partial: Path) -> None:
        (partial / "half").write_text("x")
        raise OSError(28, "No space left on device")

    with pytest.raises(ResultsError, match="no space left on device"):
        replace_folder(folder, fail)
    assert (folder / "manifest.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_leftovers_of_killed_runs_are_cleaned(results: Results, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (
        f".run.partial-{dead.pid}",
        f".other.partial-{dead.pid}",
        f".run.partial-{os.getppid()}",
    ):
        (tmp_path / name).mkdir()
    results.write(tmp_path / "run")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"run", f".other.partial-{dead.pid}", f".run.partial-{os.getppid()}"}


def test_results_moved_aside_by_a_killed_run_come_back(results: Results, tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = results.write(tmp_path / "run")
    folder.rename(tmp_path / f".run.old-{dead.pid}")
    checked_folder(tmp_path / "run")
    assert (tmp_path / "run" / "manifest.json").is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable(results: Results, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ResultsError, match="is not writable; name another folder"):
            results.write(tmp_path / "run")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "holds no manifest.json"),
        (lambda path: (path.mkdir(), (path / "manifest.json").write_text("{")), "is not readable"),
        (
            lambda path: (path.mkdir(), (path / "manifest.json").write_text("[]")),
            "not the manifest",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    make: object, message: str, tmp_path: Path
) -> None:
    make(tmp_path / "run")  # type: ignore[operator]
    with pytest.raises(SimError, match=message) as caught:
        load_results(tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_a_damaged_table_is_said_in_one_line(
    written: Path, results: Results, tmp_path: Path
) -> None:
    folder = results.write(tmp_path / "run")
    (folder / "passes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ResultsError, match=r"passes\.csv cannot be read") as caught:
        _ = load_results(folder).passes
    assert "\n" not in str(caught.value)
