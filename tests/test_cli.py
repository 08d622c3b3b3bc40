"""The command line: verbs in this process, exit codes, and one real process per verb."""

import json
import os
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
    assert "Traceback" not in capsys.readouterr().err


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
