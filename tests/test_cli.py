"""The command line: verbs in this process, exit codes, and one real process per verb."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sim.scenario.loading
from sim import cli

SCENARIOS = Path(__file__).parents[1] / "scenarios"
MINIMAL = str(SCENARIOS / "minimal.yaml")

Capture = pytest.CaptureFixture[str]


def _refused(arguments: list[str], code: int, capsys: Capture) -> str:
    """What stderr says of a command that ends with `code`; one line, nothing on stdout."""
    assert cli.main(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("farside: ")
    assert printed.err.count("\n") == 1
    return printed.err


def test_check_says_that_a_scenario_can_be_run(capsys: Capture) -> None:
    assert cli.main(["check", MINIMAL, "--set", "seed=7"]) == cli.DONE
    assert capsys.readouterr().out.endswith("1 vehicle, 1 relay, 1 station, 2 links\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chek"], "Did you mean 'check'"),
        (["check"], "missing argument 'SCENARIO'"),
        (["check", MINIMAL, "--ste", "seed=7"], "--set"),
        (["check", MINIMAL, "--set"], "requires an argument"),
    ],
)
def test_wrong_use_is_exit_2(arguments: list[str], words: str, capsys: Capture) -> None:
    assert words in _refused(arguments, cli.USAGE, capsys)


def test_without_a_verb_the_verbs_are_listed(capsys: Capture) -> None:
    assert cli.main([]) == cli.USAGE
    assert "example" in capsys.readouterr().err


def test_schema_is_json(capsys: Capture) -> None:
    assert cli.main(["schema"]) == cli.DONE
    assert json.loads(capsys.readouterr().out)["title"] == "farside scenario"


def test_examples_are_listed_printed_and_named(capsys: Capture) -> None:
    assert cli.main(["example"]) == cli.DONE
    assert "minimal" in capsys.readouterr().out
    assert cli.main(["example", "minimal"]) == cli.DONE
    assert capsys.readouterr().out == Path(MINIMAL).read_text()
    assert cli.main(["example", "--parts"]) == cli.DONE
    assert "kashi_35m" in capsys.readouterr().out
    assert "did you mean 'minimal'?" in _refused(["example", "minmal"], cli.REFUSED, capsys)


def test_an_interrupt_is_exit_130(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sim.scenario.loading, "load_scenario", interrupted)
    assert cli.main(["check", MINIMAL]) == cli.INTERRUPTED
    assert capsys.readouterr().err == "farside: interrupted\n"


def test_a_defect_is_exit_70_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sim.scenario.loading, "load_scenario", broken)
    assert cli.main(["check", MINIMAL]) == cli.DEFECT
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told
    assert "report it" in told.splitlines()[-1]


def _process(*arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """`python -m sim` with the environment changed; None takes a variable away."""
    environment = {**os.environ, **changes}
    kept = {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "sim", *arguments],
        capture_output=True,
        text=True,
        env=kept,
        timeout=120,
        check=False,
        cwd=SCENARIOS.parent,
    )


def test_check_schema_and_example_as_processes() -> None:
    assert _process("check", "scenarios/minimal.yaml").returncode == 0
    assert _process("schema").returncode == 0
    assert _process("example", "minimal").stdout == Path(MINIMAL).read_text()
    assert _process("--version").stdout.startswith("farside ")


def test_no_home_folder_is_no_problem() -> None:
    done = _process("check", "scenarios/minimal.yaml", HOME=None, FARSIDE_CACHE_DIR=None)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_stops_early_sees_no_traceback() -> None:
    script = f"'{sys.executable}' -m sim schema | head -n 1"
    done = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=SCENARIOS.parent,
    )
    assert done.stdout == "{\n"
    assert done.stderr == ""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run, made by the command line."""
    folder = tmp_path_factory.mktemp("runs") / "short"
    arguments = ["run", MINIMAL, "--set", "span={duration_h: 60}", "--out", str(folder)]
    assert cli.main(arguments) == cli.DONE
    return folder


def test_run_writes_its_folder_whole(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {"lunar_days.csv", "summary.json", "manifest.json", "scenario.yaml"} <= names
    assert (finished / "figures" / "power_budget.png").stat().st_size > 10_000
    assert [path.name for path in finished.parent.iterdir()] == ["short"]


def test_run_prints_sentence_table_and_what_is_assumed(tmp_path: Path, capsys: Capture) -> None:
    table = tmp_path / "days.csv"
    arguments = ["run", MINIMAL, "--set", "span={duration_h: 60}", "--seed", "3"]
    places = ["--out", str(tmp_path / "run"), "--csv", str(table), "--json", str(tmp_path / "d")]
    assert cli.main([*arguments, *places]) == cli.DONE
    printed = capsys.readouterr()
    assert printed.out.startswith("lander delivered ")
    assert "limited by" in printed.out
    assert "inputs are assumed:\n" in printed.out
    assert printed.err == f"farside: tables and figures are in {tmp_path / 'run'}\n"
    assert table.read_text().startswith("lunar_day,asset,sunrise_utc,")
    assert json.loads((tmp_path / "d").read_text())[0]["asset"] == "lander"


def test_the_resolved_scenario_runs_to_the_same_tables(finished: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert cli.main(["run", str(finished / "scenario.yaml"), "--out", str(again)]) == cli.DONE
    for name in ("lunar_days.csv", "events.csv", "passes.csv", "windows.csv"):
        assert (again / name).read_bytes() == (finished / name).read_bytes(), name


def test_plot_draws_the_same_figures_again(finished: Path, tmp_path: Path) -> None:
    assert cli.main(["plot", str(finished), "--out", str(tmp_path / "figures")]) == cli.DONE
    first, again = finished / "figures", tmp_path / "figures"
    assert sorted(path.name for path in again.iterdir()) == sorted(
        path.name for path in first.iterdir()
    )
    for drawn in again.iterdir():
        size = (first / drawn.name).stat().st_size
        assert abs(drawn.stat().st_size - size) < 0.02 * size, drawn.name


def test_windows_and_link(tmp_path: Path, capsys: Capture) -> None:
    short = ["--set", "span={duration_h: 60}"]
    table, drawn = tmp_path / "w.csv", tmp_path / "w.png"
    options = ["--csv", str(table), "--plot", str(drawn)]
    assert cli.main(["windows", MINIMAL, *short, *options]) == cli.DONE
    assert "queqiao" in capsys.readouterr().out
    assert table.read_text().startswith("kind,observer,target,")
    assert drawn.stat().st_size > 5_000
    arguments = ["link", MINIMAL, "lander", "queqiao", *short, "--at", "2030-01-06T12:00Z"]
    assert cli.main([*arguments, "--plot", str(tmp_path / "l.svg")]) == cli.DONE
    assert "closes; the highest rate that closes is 555000 bit/s" in capsys.readouterr().out
    assert (tmp_path / "l.svg").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["link", MINIMAL, "lander", "kashi"], "no link goes from 'lander' to 'kashi'"),
        (["link", MINIMAL, "lander", "queqiao", "--at", "2031-01-01T00:00Z"], "outside the run"),
        (["link", MINIMAL, "lander", "queqiao", "--at", "2030-01-06"], "is not a time"),
        (["plot", "scenarios"], "holds no manifest.json"),
        (["plot", "nowhere"], "does not exist"),
        (["run", MINIMAL, "--set", "start_utc=2052-01-01T00:00Z"], "2050"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], words: str, capsys: Capture) -> None:
    assert words in _refused(arguments, cli.REFUSED, capsys)


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    told = _refused(["run", MINIMAL, "--out", str(tmp_path)], cli.REFUSED, capsys)
    assert "holds files that are not the results of a run" in told
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_open_books_are_exit_3_and_still_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    import sim.results.metrics

    monkeypatch.setattr(sim.results.metrics, "books", lambda _: "open")
    arguments = ["run", MINIMAL, "--set", "span={duration_h: 60}", "--out", str(tmp_path / "run")]
    assert cli.main(arguments) == cli.BOOKS_OPEN
    assert "the books do not close" in capsys.readouterr().err
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["books"] == "open"


@pytest.mark.slow  # without a cache all machine code is compiled anew
def test_run_as_a_process_without_a_home_and_with_a_cache_that_cannot_be(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    arguments = ["scenarios/minimal.yaml", "--set", "span={duration_h: 60}", "--out"]
    first = _process(
        "run", *arguments, str(tmp_path / "a"), HOME=None, FARSIDE_CACHE_DIR=str(blocked / "c")
    )
    second = _process("run", *arguments, str(tmp_path / "b"))
    assert (first.returncode, second.returncode) == (0, 0)
    for name in ("lunar_days.csv", "events.csv", "series.parquet", "summary.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_orbit_prints_its_facts_and_writes_files_that_scenarios_can_name(
    tmp_path: Path, capsys: Capture
) -> None:
    spk, oem, table = (tmp_path / name for name in ("q.bsp", "q.oem", "q.csv"))
    short = ["--set", "span={duration_h: 60}"]
    files = ["--spk", str(spk), "--oem", str(oem), "--csv", str(table)]
    assert cli.main(["orbit", MINIMAL, "queqiao", *short, *files]) == cli.DONE
    assert "lowest height" in capsys.readouterr().out
    facts = table.read_text()
    for kind, file in (("spk", spk), ("oem", oem)):
        changed = f"relays.queqiao.orbit={{kind: {kind}, file: {file}}}"
        again = ["orbit", MINIMAL, "queqiao", *short, "--set", changed, "--csv", str(table)]
        assert cli.main(again) == cli.DONE
        stated, found = (
            next(row for row in text.splitlines() if row.startswith("highest distance"))
            for text in (facts, table.read_text())
        )
        assert float(stated.split(",")[1]) == pytest.approx(float(found.split(",")[1]), abs=1e-3)


def test_power_ends_with_one_sentence(tmp_path: Path, capsys: Capture) -> None:
    drawn, table = tmp_path / "p.png", tmp_path / "p.csv"
    options = ["--csv", str(table), "--plot", str(drawn), "--lunar-day", "1"]
    assert cli.main(["power", MINIMAL, *options]) == cli.DONE
    assert capsys.readouterr().out.splitlines()[-1].startswith("lander lives through 1 night")
    assert "night_margin_wh" in table.read_text()
    assert drawn.stat().st_size > 10_000
    wrong = ["power", MINIMAL, "--plot", str(drawn), "--lunar-day", "9"]
    assert "it has 1 to 2" in _refused(wrong, cli.REFUSED, capsys)


def test_report_is_one_page(finished: Path, tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "page.html"
    assert cli.main(["report", str(finished), "--out", str(page)]) == cli.DONE
    assert capsys.readouterr().err == f"farside: the page is {page}\n"
    assert page.read_text().startswith("<!doctype html>")


def test_the_cache_is_shown_and_cleared_of_what_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("FARSIDE_CACHE_DIR", str(tmp_path))
    arguments = ["orbit", MINIMAL, "queqiao", "--set", "span={duration_h: 10}"]
    assert cli.main(arguments) == cli.DONE
    (tmp_path / "orbits" / "thesis.tex").write_text("mine")
    capsys.readouterr()
    assert cli.main(["cache"]) == cli.DONE
    shown = capsys.readouterr().out
    assert shown.startswith(f"{tmp_path}\n")
    assert re.search(r"orbits +1 ", shown)
    assert cli.main(["cache", "--clear"]) == cli.DONE
    assert re.search(r"orbits +0 ", capsys.readouterr().out)
    assert (tmp_path / "orbits" / "thesis.tex").read_text() == "mine"
    assert not list(tmp_path.rglob("*.npz"))


def test_an_example_is_written_with_its_files_and_changes_none(
    tmp_path: Path, capsys: Capture
) -> None:
    arguments = ["example", "change7_south_pole", "--out", str(tmp_path)]
    assert cli.main(arguments) == cli.DONE
    capsys.readouterr()
    assert cli.main(["check", str(tmp_path / "change7_south_pole.yaml")]) == cli.DONE
    assert cli.main(arguments) == cli.DONE
    (tmp_path / "change7_south_pole.yaml").write_text("mine")
    capsys.readouterr()
    assert "is there already and differs" in _refused(arguments, cli.REFUSED, capsys)
    assert (tmp_path / "change7_south_pole.yaml").read_text() == "mine"
    assert "name the example" in _refused(["example", "--out", "x"], cli.USAGE, capsys)


def test_the_help_lists_every_verb_whole_and_each_explains_its_options(capsys: Capture) -> None:
    assert cli.main(["--help"]) == cli.DONE
    told = capsys.readouterr().out
    listed = re.findall(r"^  ([a-z]+)  ", told.partition("Commands:")[2], flags=re.MULTILINE)
    assert listed[:3] == ["example", "check", "run"]
    assert "..." not in told.partition("Commands:")[2]
    for verb in listed:
        assert cli.main([verb, "--help"]) == cli.DONE
        page = capsys.readouterr().out
        assert max(map(len, page.splitlines())) <= 80
        options = page.partition("Options:")[2].strip().splitlines()
        assert all(re.search(r"\S  +\S", line) or line[:20].isspace() for line in options), verb
