"""What the environment keeps between runs, each part by exactly what it depends on.

Everything is handed out as it was read back, also when it has just been made, so that a cold and a
warm run compute with the same arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache as once
from hashlib import sha256
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

import sim
from sim import cache
from sim.environment.ends import End
from sim.environment.records import Contact, LunarDay, PlaceSky
from sim.intervals import Intervals
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Site, Station
from sim.sky.kernels import load_kernels
from sim.sky.orbits import Orbit
from sim.track import Track

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]
T = TypeVar("T")

_FORMAT = 1
_ROOMS = ("constants", "clock", "intervals", "searching", "track", "physics", "sky", "environment")
"""Modules and packages whose code decides what is kept; the version alone would outlive a change."""


class Form(NamedTuple):
    """How a value becomes arrays, and those the value again; `ValueError` where they are not its."""

    pack: Callable[[Any], Arrays]
    unpack: Callable[[Arrays], Any]


@dataclass(frozen=True, eq=False)
class Keeper:
    """The cache of one scenario's environment."""

    ephemeris: Ephemeris
    is_on: bool

    def value(self, layer: str, inputs: Any, form: Form, make: Callable[[], T]) -> T:
        """What is kept in a layer for some inputs, else what `make` makes, kept from now on."""
        if not self.is_on:
            return form.unpack(_plain(form.pack(make())))  # type: ignore[no-any-return]
        key = cache.digest({"inputs": inputs, **self._basis()})
        kept = cache.load(layer, key)
        if kept is not None:
            with suppress(KeyError, ValueError, IndexError, TypeError):
                return form.unpack(kept)  # type: ignore[no-any-return]
        made = _plain(form.pack(make()))
        cache.store(layer, key, made)
        return form.unpack(made)  # type: ignore[no-any-return]

    def track(self, name: str, make: Callable[[], Track]) -> Track:
        """A track of the sky that depends on nothing but the span."""
        return self.value("sky", {"track": name}, TRACKS, lambda: (make(),))[0]

    def _basis(self) -> dict[str, Any]:
        sky = self.ephemeris
        return {
            "format": _FORMAT,
            "version": sim.__version__,
            "code": _code_digest(),
            "kernels": load_kernels().digests,
            "start_tai_s": sky.clock.start_tai_s,
            "sky_s": [sky.start_s, sky.stop_s],
        }


@once
def _code_digest() -> str:
    found = sha256()
    root = Path(sim.__file__).parent
    for room in _ROOMS:
        place = root / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [root / f"{room}.py"]:
            found.update(path.read_bytes())
    return found.hexdigest()


def _plain(arrays: Arrays) -> Arrays:
    """Arrays in the order of memory in which they are read back, so that sums round alike."""
    return {name: np.ascontiguousarray(values) for name, values in arrays.items()}


def end_inputs(end: End) -> dict[str, Any]:
    """What the place or the path of an end depends on."""
    if isinstance(end.at, Orbit):
        return {"orbit": end.at.digest}
    return place_inputs(end.at)


def place_inputs(place: Site | Station) -> dict[str, Any]:
    """What a place and the sky over it depend on."""
    mask = np.concatenate([place.horizon.azimuths_deg, place.horizon.elevations_deg])
    return {"place": place.parameters.model_dump(mode="json"), "mask": arrays_digest(mask)}


def arrays_digest(*arrays: Floats) -> str:
    """SHA-256 of the bytes of some arrays."""
    found = sha256()
    for values in arrays:
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


# Windows.


def _packed_windows(windows: Intervals) -> Arrays:
    return {"windows_s": np.array([windows.starts_s, windows.stops_s])}


def _windows(arrays: Arrays) -> Intervals:
    return Intervals.of(arrays["windows_s"].T.tolist())


WINDOWS = Form(_packed_windows, _windows)


# Tracks.


def _packed_tracks(tracks: Sequence[Track]) -> Arrays:
    arrays: Arrays = {"errors": np.array([track.error for track in tracks])}
    for index, track in enumerate(tracks):
        arrays[f"edges_{index}_s"], arrays[f"series_{index}"] = track.edges_s, track.coefficients
    return arrays


def _tracks(arrays: Arrays) -> tuple[Track, ...]:
    return tuple(
        Track.made(arrays[f"edges_{index}_s"], arrays[f"series_{index}"], float(error))
        for index, error in enumerate(arrays["errors"])
    )


TRACKS = Form(_packed_tracks, _tracks)


# The Sun over a place.

_TIMES = ("start_s", "stop_s", "noon_s", "sunrise_s", "sunset_s", "first_light_s", "last_light_s")


def _packed_sky(sky: PlaceSky) -> Arrays:
    rows = [[getattr(day, name) for name in _TIMES] + [day.lit_s] for day in sky.lunar_days]
    return {
        **_packed_tracks((sky.sun_elevation_deg, sky.sun_azimuth_deg)),
        **_packed_windows(sky.lit),
        "rising_s": np.array([sky.rising.starts_s, sky.rising.stops_s]),
        "numbers": np.array([day.number for day in sky.lunar_days], dtype=np.int64),
        "days": np.array(rows, dtype=float),  # None becomes NaN
    }


def _sky(arrays: Arrays) -> PlaceSky:
    elevation, azimuth = _tracks(arrays)
    rows = [[None if isnan(t) else t for t in row] for row in arrays["days"].tolist()]
    numbers = arrays["numbers"].tolist()
    days = (LunarDay(number, *row) for number, row in zip(numbers, rows, strict=True))  # type: ignore[arg-type]
    rising = Intervals.of(arrays["rising_s"].T.tolist())
    return PlaceSky(elevation, azimuth, tuple(days), _windows(arrays), rising)


SKY = Form(_packed_sky, _sky)


# Contacts.

Contacts = tuple[list[Contact], list[tuple[float, float]]]
"""Contacts, and the windows that hold no whole second."""


def _packed_contacts(found: Contacts) -> Arrays:
    contacts, too_short = found
    keys = list(contacts[0].steps) if contacts else []
    rows = [step for c in contacts for key in keys for step in c.steps[key]]
    return {
        "attitudes": np.array(keys, dtype=np.str_),
        "edges_s": np.array([(c.start_s, c.stop_s) for c in contacts], dtype=np.int64),
        "windows_s": np.array([(c.window_start_s, c.window_stop_s) for c in contacts], dtype=float),
        "counts": np.array([len(c.steps[k]) for c in contacts for k in keys], dtype=np.int64),
        "steps": np.array(rows, dtype=np.int64),
        "losses": np.array([loss for c in contacts for k in keys for loss in c.losses[k]]),
        "too_short_s": np.array(too_short, dtype=float),
    }


def _contacts(arrays: Arrays) -> Contacts:
    names = ("attitudes", "counts", "edges_s", "windows_s", "losses", "too_short_s")
    keys, counts, edges, windows, losses, too_short = (arrays[name].tolist() for name in names)
    steps = [(at_s, rate) for at_s, rate in arrays["steps"].tolist()]
    contacts, first, number = [], 0, iter(counts)
    for (start_s, stop_s), (open_s, close_s) in zip(edges, windows, strict=True):
        by_attitude: dict[str, tuple[tuple[int, int], ...]] = {}
        lost: dict[str, tuple[float, ...]] = {}
        for key in keys:
            last = first + next(number)
            by_attitude[key], lost[key] = tuple(steps[first:last]), tuple(losses[first:last])
            first = last
        contacts.append(Contact(start_s, stop_s, open_s, close_s, by_attitude, lost))
    return contacts, [(start_s, stop_s) for start_s, stop_s in too_short]


CONTACTS = Form(_packed_contacts, _contacts)


def inputs_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Sets of parameters by name, as they go into a digest; None stays."""
    return {
        name: None if given is None else given.model_dump(mode="json")
        for name, given in parameters.items()
    }
