"""Machine code is kept where a folder can be written, and made anew where none can."""

from pathlib import Path

import pytest

from sim import cache
from sim.compiled import compiled


def halved(x: float) -> float:
    return 0.5 * x


def test_machine_code_is_kept_under_the_digest_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARSIDE_CACHE_DIR", str(tmp_path))
    assert compiled(halved)(3.0) == 1.5
    digest = cache.file_digest(Path(__file__))[:16]
    kept = tmp_path / "compiled" / f"test_compiled-{digest}"
    assert list(kept.rglob("*.nbi"))


def test_without_a_folder_the_function_still_runs_and_it_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FARSIDE_CACHE_DIR", str(tmp_path / "file"))
    cache.messages.clear()
    assert compiled(halved)(3.0) == 1.5
    compiled(halved)
    assert len([message for message in cache.messages if "compiled anew" in message]) == 1
    cache.messages.clear()
