"""The folder of a run: replaced only if it is ours, and as a whole or not at all."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim.errors import ResultsError

MANIFEST = "manifest.json"


def checked_folder(folder: str | Path) -> Path:
    """The folder if a run may be written to it; leftovers of killed runs beside it are removed.

    Raises `ResultsError` where it is a file, holds something that is not ours, or cannot be
    written.
    """
    target = Path(os.path.realpath(folder))
    if target.exists() and not target.is_dir():
        raise ResultsError(f"{folder} is a file; name a folder for the results")
    _clean(target)
    if target.is_dir() and any(target.iterdir()) and not _is_ours(target):
        raise ResultsError(
            f"{folder} holds files that are not the results of a run; name another folder, "
            "or empty this one"
        )
    _check_writable(target, folder)
    return target


def replace_folder(folder: str | Path, fill: Callable[[Path], None]) -> Path:
    """Fill a new folder beside `folder` and put it in its place; on any failure nothing changes."""
    target = checked_folder(folder)
    partial, old = (
        target.with_name(f".{target.name}.{word}-{os.getpid()}") for word in ("partial", "old")
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        fill(partial)
        if target.exists():
            target.rename(old)
        partial.rename(target)
    except OSError as error:
        _put_back(target, old)
        reason = error.strerror or str(error)
        raise ResultsError(
            f"the results cannot be written to {folder}: {reason.lower()}; name another folder"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
    return target


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a run's folder; `ResultsError` where there is none."""
    path = Path(folder) / MANIFEST
    if not Path(folder).exists():
        raise ResultsError(f"{folder} does not exist; name the folder of a run")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ResultsError(f"{folder} holds no {MANIFEST}; name the folder of a run") from None
    except ValueError:
        raise ResultsError(f"{path} is not readable; run the scenario again") from None
    if not isinstance(manifest, dict) or "results_schema" not in manifest:
        raise ResultsError(f"{path} is not the manifest of a run; name the folder of a run")
    return manifest


def _is_ours(folder: Path) -> bool:
    try:
        read_manifest(folder)
    except ResultsError:
        return False
    return True


def _check_writable(target: Path, named: str | Path) -> None:
    place = target.parent
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise ResultsError(f"{place} is a file, so {named} cannot be a folder; name another one")
    blocked = place if not os.access(place, os.W_OK | os.X_OK) else None
    if target.is_dir() and not os.access(target, os.W_OK | os.X_OK):
        blocked = target
    if blocked is not None:
        raise ResultsError(
            f"the results cannot be written to {named}: {blocked} is not writable; "
            "name another folder with --out"
        )


def _clean(target: Path) -> None:
    """Remove what killed runs have left beside the folder; put back one that was moved aside."""
    if not target.parent.is_dir():
        return
    for word in ("old", "partial"):
        for leftover in sorted(target.parent.glob(f".{_literal(target.name)}.{word}-*")):
            if _is_running(leftover.name.rpartition("-")[2]):
                continue
            if word == "old":
                _put_back(target, leftover)
            shutil.rmtree(leftover, ignore_errors=True)


def _put_back(target: Path, old: Path) -> None:
    if old.exists() and not target.exists():
        with contextlib.suppress(OSError):
            old.rename(target)


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _is_running(pid: str) -> bool:
    """Whether another process of this number lives."""
    if not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
