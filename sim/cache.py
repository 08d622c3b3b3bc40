"""Where computed geometry is kept between runs: digests of inputs, and files that are whole or absent.

A cache may be missing, foreign, damaged or not writable; none of that is an error, it only costs
time, and `messages` says so once.
"""

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import SimError

LAYERS = ("orbits", "sky", "rates", "light", "compiled")
"""Subfolders of the cache folder: trajectories, windows, contacts, sunlight, and machine code."""
_SUFFIXES = (".npz", ".nbi", ".nbc")

messages: list[str] = []
"""What a user should be told about the cache; the command line prints and empties it."""


def folder() -> Path | None:
    """The cache folder: `FARSIDE_CACHE_DIR`, else the user's; None where there is none."""
    chosen = os.environ.get("FARSIDE_CACHE_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_dir  # noqa: PLC0415 - 10 ms that most imports never need

    try:
        return Path(user_cache_dir("farside"))
    except (OSError, RuntimeError, KeyError):
        return None


def digest(inputs: Any) -> str:
    """SHA-256 of the canonical JSON of `inputs`; floats by their shortest exact text."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load(layer: str, key: str) -> dict[str, NDArray[Any]] | None:
    """The arrays kept for `key` in `layer`, or None; a damaged file is ignored and said."""
    path = _path(layer, key)
    if path is None or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _say(f"the cache file {path} is not readable ({error}); it is made anew")
        return None


def store(layer: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep `arrays` for `key` in `layer`; the file appears whole or not at all."""
    path = _path(layer, key)
    if path is None:
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, **dict(arrays))  # type: ignore[arg-type]
        partial.replace(path)
    except OSError as error:
        _say(f"the cache folder {path.parent} is not writable ({error.strerror}); nothing is kept")
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file of the user's whole: beside it first, then renamed over it.

    Raises `SimError` where the folder does not allow it.
    """
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise SimError(
            f"{path} cannot be written: {error.strerror}; choose another place"
        ) from None


class Layer(NamedTuple):
    """What one layer keeps."""

    name: str
    files: int
    size_bytes: int


def layers() -> list[Layer]:
    """What is kept now, by layer; layers that keep nothing have 0 files."""
    found = []
    for name in LAYERS:
        sizes = [path.stat().st_size for path in _kept(name)]
        found.append(Layer(name, len(sizes), sum(sizes)))
    return found


def clear() -> None:
    """Remove what is kept, and nothing else that lies in the folder; `SimError` where it cannot be."""
    try:
        for name in LAYERS:
            for path in _kept(name):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise SimError(
            f"{error.filename} cannot be removed: {error.strerror}; remove the cache folder by hand"
        ) from None


def _kept(layer: str) -> list[Path]:
    base = folder()
    if base is None or not (base / layer).is_dir():
        return []
    return sorted(path for path in (base / layer).rglob("*") if path.suffix in _SUFFIXES)


def _path(layer: str, key: str) -> Path | None:
    base = folder()
    return None if base is None else base / layer / f"{key}.npz"


def _say(message: str) -> None:
    if message not in messages:
        messages.append(message)
