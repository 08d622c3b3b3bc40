"""Every verb as its users start it: a process of its own, what it prints, writes and returns.

`run`, `check`, `schema` and `example` as processes are in `test_cli.py`. Refusals are tested in this
process, for speed; that their codes reach the shell is tested once for each code.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim import cli, load_scenario
from sim.running import run_and_write
from sim.study.runs import LINES

REPOSITORY = Path(__file__).parents[1]
MINIMAL = str(REPOSITORY / "scenarios" / "minimal.yaml")
SHORT = ("--set", "span={duration_h: 48}")
STUDY = """
schema: 1
name: small
scenario: {scenario}
set: {{span: {{duration_h: 48}}}}
grid:
  vehicles.lander.recorder.capacity_gb: {values}
"""
PNG, OEM, SPK = b"\x89PNG\r\n", b"CCSDS_OEM_VERS = 2.0", b"DAF/SPK "

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs, the second with less room on board, a study, and what is no run."""
    folder = tmp_path_factory.mktemp("desk")
    short = "span={duration_h: 48}"
    for name, more in (("wide", ()), ("narrow", ("vehicles.lander.recorder.capacity_gb=1",))):
        run_and_write(load_scenario(MINIMAL, [short, *more]), folder / name, figures=False)
    (folder / "study.yaml").write_text(STUDY.format(scenario=MINIMAL, values=[1, 32]))
    (folder / "notes").mkdir()
    (folder / "notes" / "thesis.tex").write_text("mine")
    return folder


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sim", *arguments]


def _process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m sim` in a folder, without a terminal."""
    return subprocess.run(
        _command(*arguments), capture_output=True, text=True, timeout=120, check=False, cwd=folder
    )


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


HAPPY: dict[str, tuple[tuple[str, ...], str, dict[str, bytes]]] = {
    "windows": (
        (MINIMAL, *SHORT, "--csv", "w.csv", "--json", "w.json"),
        "culmination",
        {"w.csv": b"kind,observer,target,start_s", "w.json": b'[\n {\n  "kind": '},
    ),
    "link": (
        (MINIMAL, "lander", "queqiao", *SHORT, "--csv", "l.csv"),
        "lander to queqiao, 555000 bit/s",
        {"l.csv": b"term,"},
    ),
    "orbit": (
        (MINIMAL, "queqiao", *SHORT, "--oem", "q.oem", "--spk", "q.bsp"),
        "lowest height",
        {"q.oem": OEM, "q.bsp": SPK},
    ),
    "power": (
        (MINIMAL, *SHORT, "--csv", "p.csv"),
        "lander sees no night to its end",
        {"p.csv": b"lunar_day,"},
    ),
    "explain": (("wide", "--csv", "e.csv"), "nothing_to_send", {"e.csv": b"asset,relaxation"}),
    "compare": (
        ("wide", "narrow", "--csv", "c.csv"),
        "vehicles.lander.recorder.capacity_gb",
        {"c.csv": b"quantity,wide,narrow,difference"},
    ),
    "study": (
        ("study.yaml", "--out", "study", "--csv", "s.csv"),
        "lowest state of",
        {"s.csv": b"variant,", "study/study.csv": b"variant,"},
    ),
    "validate": (("blue_ghost_1", "--json", "v.json"), "6 of 6 pass", {"v.json": b"[\n {"}),
    "plot": (("wide", "--out", "drawn"), "", {"drawn/waterfall.png": PNG, "drawn/sun.png": PNG}),
    "report": (("wide", "--out", "page.html"), "", {"page.html": b"<!doctype html>"}),
    "export": (("wide", "--ion", "plan.ion"), "", {"plan.ion": b"#"}),
    "cache": ((), "megabytes", {}),
}
"""Arguments, words on stdout, and the files that are written with how they begin."""


@pytest.mark.parametrize("verb", HAPPY)
def test_a_verb_as_a_process(verb: str, desk: Path) -> None:
    arguments, words, files = HAPPY[verb]
    before = _names(desk)
    done = _process(desk, verb, *arguments)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert words in done.stdout
    assert done.stdout.endswith("\n") or not words
    assert all(line.startswith("farside: ") for line in done.stderr.splitlines())
    for name, head in files.items():
        assert (desk / name).read_bytes().startswith(head), (desk / name).read_bytes()[:60]
    written = _names(desk) - before
    assert set(files) <= written
    assert not [name for name in written if "partial" in name]


REFUSED = {
    "windows: a key that is not there": (
        ("windows", MINIMAL, "--set", "span.lunar_dayss=2"),
        "did you mean 'lunar_days'?",
    ),
    "windows: no such format": (("windows", MINIMAL, "--plot", "w.docx"), "must end in .png"),
    "windows: no such folder": (("windows", MINIMAL, "--csv", "no/w.csv"), "no is no folder"),
    "link: no such link": (("link", MINIMAL, "lander", "kashi"), "'lander' to 'queqiao'"),
    "link: over what": (("link", MINIMAL, "lander", "queqiao", "--over", "ages"), "'pass' nor"),
    "orbit: a station": (("orbit", MINIMAL, "kashi", "--spk", "k.bsp"), "there is queqiao"),
    "orbit: no such folder": (("orbit", MINIMAL, "queqiao", "--oem", "no/q.oem"), "is no folder"),
    "power: no such file": (("power", "mine.yaml", "--plot", "p.png"), "mine.yaml does not exist"),
    "explain: no run": (("explain", "notes", "--plot", "e.png"), "holds no manifest.json"),
    "explain: no such lunar day": (("explain", "wide", "--lunar-day", "7"), "it has 1 to 1"),
    "compare: one run": (("compare", "wide"), "two folders or more"),
    "compare: no run": (
        ("compare", "wide", "nowhere", "--csv", "c2.csv"),
        "nowhere does not exist",
    ),
    "study: a scenario": (("study", MINIMAL, "--out", "other"), "the key 'scenario' is missing"),
    "study: a folder of others": (("study", "study.yaml", "--out", "notes"), "not a study's"),
    "validate: not published": (("validate", "nothing", "--plot", "v.png"), "there is change4"),
    "plot: no run": (("plot", "notes", "--out", "figures"), "holds no manifest.json"),
    "plot: onto a file": (("plot", "wide", "--out", "study.yaml"), "cannot be a folder"),
    "report: no page": (("report", "wide", "--out", "r.pdf"), "must end in .html"),
    "report: no such folder": (("report", "wide", "--out", "no/r.html"), "no is no folder"),
    "export: no run": (("export", "nowhere", "--ion", "n.ion"), "nowhere does not exist"),
    "export: no such folder": (("export", "wide", "--ion", "no/n.ion"), "no is no folder"),
}
MISUSED = {
    "windows: no angle": (("windows", MINIMAL, "--conjunction-deg", "nan"), "nan is not an angle"),
    "link: half of it": (("link", MINIMAL, "lander"), "missing argument 'TO'"),
    "compare: nothing": (("compare",), "missing argument 'RESULTS_DIR...'"),
    "export: into what": (("export", "wide"), "missing option '--ion'"),
    "study: no process": (("study", "study.yaml", "--processes", "0"), "'--processes'"),
    "cache: a slip": (("cache", "--clean"), "--clear"),
    "power: a word for a number": (("power", MINIMAL, "--lunar-day", "two"), "'--lunar-day'"),
}


@pytest.mark.parametrize(
    ("case", "code"),
    [(case, cli.REFUSED) for case in REFUSED] + [(case, cli.USAGE) for case in MISUSED],
)
def test_a_verb_that_cannot_says_why_in_one_line_and_writes_nothing(
    case: str, code: int, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    arguments, words = (REFUSED | MISUSED)[case]
    monkeypatch.chdir(desk)
    before = {name: (desk / name).stat().st_mtime_ns for name in _names(desk)}
    assert cli.main(list(arguments)) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("farside: ")
    assert printed.err.count("\n") == 1
    assert words in printed.err
    assert {name: (desk / name).stat().st_mtime_ns for name in _names(desk)} == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("example", "minmal"), cli.REFUSED),
        (("cache", "--clean"), cli.USAGE),
    ],
)
def test_codes_reach_the_shell(arguments: tuple[str, ...], code: int, desk: Path) -> None:
    done = _process(desk, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)


def test_an_interrupted_study_says_so_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY.format(scenario=MINIMAL, values=[*range(1, 31)]))
    arguments = ("study", "study.yaml", "--out", "out")
    process = subprocess.Popen(
        _command(*arguments),
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    lines, deadline = tmp_path / "out" / LINES, time.monotonic() + 60.0
    while not (lines.exists() and lines.stat().st_size) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGINT)
    printed, told = process.communicate(timeout=60.0)
    assert (process.returncode, printed, told) == (cli.INTERRUPTED, "", "farside: interrupted\n")
    done = [json.loads(line) for line in lines.read_text().splitlines()]
    assert 0 < len(done) < 30
