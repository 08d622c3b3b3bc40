"""What the README shows works as it stands there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from sim import cli

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def _commands() -> list[str]:
    """Every `farside` line, but those for the scenario that other tests run."""
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("farside ") and "change4" not in line]


def test_the_commands_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(_commands()) >= 8
    for line in _commands():
        command, _, target = line.partition(" > ")
        assert cli.main(shlex.split(command)[1:]) == cli.DONE, line
        printed = capsys.readouterr().out
        if target:
            Path(target).write_text(printed)
    assert (tmp_path / "results" / "larger_battery" / "lunar_days.csv").is_file()
    assert (tmp_path / "windows.png").is_file()


def test_the_notebook_lines_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    (block,) = _blocks("python")
    names: dict[str, object] = {}
    exec(block, names)
    assert len(names["results"].lunar_days) == 2  # type: ignore[attr-defined]


def test_the_mistake_is_told_in_these_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (REPOSITORY / "scenarios" / "minimal.yaml").read_text()
    Path("mine.yaml").write_text(text.replace("capacity_wh:", "capacity_kwh:"))
    assert cli.main(["check", "mine.yaml"]) == cli.REFUSED
    assert capsys.readouterr().err.strip() in README


def test_what_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (REPOSITORY / target).exists(), target


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_two_scripts_are_shell_that_parses(name: str) -> None:
    import subprocess

    script = REPOSITORY / "scripts" / name
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
    assert f"scripts/{name}" in README


def test_the_answer_is_what_the_scenario_gives(change4: Any) -> None:
    for vehicle in change4.summary["vehicles"].values():
        assert f"\n{vehicle['sentence']}\n" in README
    for row in change4.lunar_days.rows(named=True):
        times = (row[name] for name in ("sunrise_utc", "wake_utc", "sleep_utc") if row[name])
        if row["lunar_day"] <= 2:
            told = [text[:16].replace("T", " ") for text in times]
            words = r"\s+".join([str(row["lunar_day"]), row["asset"], *told])
            assert re.search(words, README), words
