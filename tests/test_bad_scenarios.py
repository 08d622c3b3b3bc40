"""Each file in bad_scenarios/ says in its first line what the user is told: one line, exit 1."""

import os
from pathlib import Path

import pytest

from sim.cli import main

FOLDER = Path(__file__).parent / "bad_scenarios"
CASES = sorted(FOLDER.glob("*.yaml"))


def _refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a command that must be refused."""
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("farside: ").rstrip("\n")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_says_what_the_file_expects(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = path.read_text().partition("\n")[0].removeprefix("# expected: ")
    told = _refusal(["check", str(path)], capsys).removeprefix(f"{FOLDER}/")
    if expected.endswith("..."):
        assert told.startswith(expected.removesuffix(" ..."))
    else:
        assert told == expected


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 45


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not a text in UTF-8 (byte 0 is 0x89)"),
        ("schema: 1\n".encode("utf-16"), "is not a text in UTF-8"),
        (b"schema: 1\n\x00\n", "is binary"),
        (b"schema: 1\x07\n", "the character U+0007 is not allowed"),
        (b"name: x\n" * 150_000, "is larger than 1 MB"),
        (b"schema: " + b"[" * 100_000, "nested more than 20 deep"),
        (b"<html><body>404</body></html>\n", "is not a mapping of keys"),
    ],
    ids=["empty", "png", "utf-16", "zero-byte", "bell", "large", "deep", "html"],
)
def test_what_is_no_scenario_at_all(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    assert words in _refusal(["check", str(path)], capsys)


def test_a_folder_and_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is a folder, not a scenario" in _refusal(["check", str(tmp_path)], capsys)
    assert "does not exist" in _refusal(["check", str(tmp_path / "none.yaml")], capsys)


def test_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    assert "is not a regular file" in _refusal(["check", str(pipe)], capsys)
