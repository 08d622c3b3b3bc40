"""The one door to numba: `compiled(function)` is the function as machine code, kept between runs.

The kept code lives in the user's cache folder, in a subfolder named by the digest of the source
file, because numba notices changes of the decorated function only and not of those that it calls.
A compiled function therefore calls only compiled functions of its own file. Where no folder is
writable the function is compiled anew in each run, and `cache.messages` says so once.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sim import cache

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """The function compiled by numba without fast-math, its machine code cached if possible."""
    return _compiled(function, {})


def compiled_lean(function: F) -> F:
    """The same for functions that make no arrays: no counting of references, no check of divisors.

    Three times faster where a short step passes many arrays; dividing by zero gives infinity.
    """
    return _compiled(function, {"_nrt": False, "error_model": "numpy"})


def compiled_inside(function: F) -> F:
    """The same for parts of lean functions, merged into those that call them.

    Twice as fast where a part is short and takes tuples of arrays, which are copied at each call.
    """
    return _compiled(function, {"_nrt": False, "error_model": "numpy", "forceinline": True})


def _compiled(function: F, options: dict[str, Any]) -> F:
    import numba  # noqa: PLC0415 - 0.3 s; only integration in time needs it

    is_kept = _choose_folder(numba, Path(sys.modules[function.__module__].__file__ or ""))
    decorated: F = numba.njit(cache=is_kept, fastmath=False, **options)(function)
    return decorated


def _choose_folder(numba: Any, source: Path) -> bool:
    base = cache.folder()
    if base is None:
        return False
    place = base / "compiled" / f"{source.stem}-{cache.file_digest(source)[:16]}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        is_writable = os.access(place, os.W_OK)
    except OSError:
        is_writable = False
    if not is_writable:
        message = f"the cache folder {base} is not writable; orbits are compiled anew in each run"
        if message not in cache.messages:
            cache.messages.append(message)
        return False
    numba.config.CACHE_DIR = str(place)
    return True
