"""Relays from CCSDS Orbit Ephemeris Messages (502.0-B, versions 2.0 and 3.0 in KVN), and back."""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.cache import replace_file
from sim.clock import TT_MINUS_TAI_S, Clock, tai_seconds
from sim.constants import DAY_S, EARTH_GM_KM3_S2, MOON_GM_KM3_S2
from sim.errors import OrbitError, SimError
from sim.parameters import Parameters
from sim.sky.ephemeris import Ephemeris
from sim.sky.kernels import from_tdb_s, tdb_s
from sim.sky.orbits.orbit import Center, Orbit
from sim.sky.orbits.tabulated import (
    HIGHEST_DEGREE,
    Piece,
    from_the_moon,
    joined_track,
    require_outside,
    require_steps,
    states_track,
)
from sim.track import Track

Floats = NDArray[np.float64]

_VERSIONS = ("2.0", "3.0")
_CENTERS: dict[str, Center] = {"MOON": "moon", "EARTH": "earth"}
_FRAMES = ("ICRF", "EME2000", "GCRF", "J2000")  # SPICE takes them for one; 0.02 arcsec at most
_SCALES = ("UTC", "TAI", "TT", "TDB", "GPS")
_GPS_BEHIND_TAI_S = 19
_EPOCH = re.compile(r"^(\d{4})-(?:(\d{2})-(\d{2})|(\d{3}))T(\d{2}):(\d{2}):(\d{2})(\.\d*)?Z?$")
_DEFAULT_DEGREE = 7
_WRITE_DEGREE, _WRITE_ERROR_KM = 7, 1e-4
_FIRST_SHARE = 0.1  # of the time for one radian at a distance: the first spacing that is tried


class OemParameters(Parameters):
    """A trajectory in an OEM about the Moon or the Earth."""

    kind: Literal["oem"]
    file: str
    """Path relative to the scenario."""
    center: Center = "moon"
    """The body that the file must name as its centre."""


@dataclass
class _Block:
    """One metadata block and the states under it."""

    line: int
    metadata: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def read_oem(
    parameters: OemParameters, ephemeris: Ephemeris, start_s: float, stop_s: float, folder: Path
) -> tuple[Track, Track]:
    """The trajectory from the Moon's centre, and from its own centre, in `[start_s, stop_s]`."""
    path, clock = folder / parameters.file, ephemeris.clock
    pieces = []
    for block in _blocks(path):
        _require_known(path, block, parameters.center)
        times, states = _states(path, block, clock)
        name = f"the block of line {block.line}"
        require_steps(path, name, times, clock)
        kind = block.metadata.get("INTERPOLATION", "HERMITE").upper()
        if kind not in ("HERMITE", "LAGRANGE", "LINEAR"):
            raise OrbitError(f"{path}: INTERPOLATION = {kind} is not HERMITE, LAGRANGE or LINEAR")
        degree = _degree(path, block)
        if kind == "HERMITE":
            track = states_track(times, states[:, :3], states[:, 3:6], (degree + 1) // 2)
        else:
            track = states_track(times, states[:, :3], None, 2 if kind == "LINEAR" else degree + 1)
        pieces.append(Piece(track, name))
    own = joined_track(path, pieces, clock, start_s, stop_s)
    require_outside(path, own, parameters.center, clock)
    return from_the_moon(own, parameters.center, ephemeris), own


def write_oem(path: Path, orbit: Orbit, name: str, object_id: str = "FARSIDE") -> None:
    """Write an orbit as an OEM 2.0 in TDB along ICRF axes.

    Epochs are whole seconds but for the two ends, spaced by the motion until Hermite interpolation
    of degree seven between them is good to 0.1 m.
    """
    track, clock = orbit.centered or orbit.track, orbit.clock
    first, last = (float(tdb_s(clock, np.array([t]))[0]) for t in (track.start_s, track.stop_s))
    share = _FIRST_SHARE
    while True:
        epochs = _epochs(track, clock, orbit.center, first, last, share)
        times = from_tdb_s(clock, epochs)
        position, velocity = track(times).T, track.derivative(times).T
        fitted = states_track(epochs, position, velocity, (_WRITE_DEGREE + 1) // 2)
        between = 0.5 * (epochs[1:] + epochs[:-1])
        error = np.linalg.norm(fitted(between) - track(from_tdb_s(clock, between)), axis=0).max()
        if error < _WRITE_ERROR_KM or share < 0.005:
            break
        share *= 0.7
    lines = [
        "CCSDS_OEM_VERS = 2.0",
        f"CREATION_DATE = {_tdb_text(first)}",
        "ORIGINATOR = FARSIDE",
        "",
        "META_START",
        f"OBJECT_NAME = {name}",
        f"OBJECT_ID = {object_id}",
        f"CENTER_NAME = {orbit.center.upper()}",
        "REF_FRAME = ICRF",
        "TIME_SYSTEM = TDB",
        f"START_TIME = {_tdb_text(first)}",
        f"STOP_TIME = {_tdb_text(last)}",
        "INTERPOLATION = HERMITE",
        f"INTERPOLATION_DEGREE = {_WRITE_DEGREE}",
        "META_STOP",
        "",
    ]
    table = np.column_stack([position, velocity]).tolist()
    for epoch, row in zip(epochs.tolist(), table, strict=True):
        x, y, z, vx, vy, vz = row
        lines.append(f"{_tdb_text(epoch)} {x:.9f} {y:.9f} {z:.9f} {vx:.12f} {vy:.12f} {vz:.12f}")
    replace_file(path, ("\n".join(lines) + "\n").encode("ascii", "replace"))


def _epochs(
    track: Track, clock: Clock, center: Center, first: float, last: float, share: float
) -> Floats:
    """Whole seconds of TDB and both ends, a share of the time for one radian apart."""
    coarse = np.linspace(first, last, int((last - first) / 60.0) + 2)
    distance = np.linalg.norm(track(from_tdb_s(clock, coarse)), axis=0)
    gm = MOON_GM_KM3_S2 if center == "moon" else EARTH_GM_KM3_S2
    rate = 1.0 / (share * np.sqrt(distance**3 / gm))
    steps = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(coarse))])
    count = max(8, int(np.ceil(steps[-1])))
    inner = np.round(np.interp(np.linspace(0.0, steps[-1], count + 1)[1:-1], steps, coarse))
    inner = np.unique(inner[(inner > first + 1.0) & (inner < last - 1.0)])
    return np.concatenate([[first], inner, [last]])


def _blocks(path: Path) -> list[_Block]:
    """The metadata blocks of a file with their lines of states; covariances are passed over."""
    blocks: list[_Block] = []
    where, version = "header", None
    for number, text in _lines(path):
        if text == "META_START":
            blocks.append(_Block(number))
            where = "metadata"
        elif text in ("META_STOP", "COVARIANCE_STOP") and blocks:
            where = "states"
        elif text == "COVARIANCE_START":
            where = "covariance"
        elif where == "covariance":
            continue
        elif "=" in text:
            key, value = (part.strip() for part in text.split("=", 1))
            version = value if key == "CCSDS_OEM_VERS" else version
            if where == "metadata":
                blocks[-1].metadata[key] = value
        elif where == "states":
            blocks[-1].rows.append((number, text.split()))
        else:
            raise OrbitError(f"{path}, line {number}: '{text[:40]}' has no place there in an OEM")
    if version is None:
        raise OrbitError(
            f"{path} does not say CCSDS_OEM_VERS; OEM of the versions 2.0 and 3.0 in KVN are read, "
            "XML is not"
        )
    if version not in _VERSIONS:
        raise OrbitError(
            f"{path} says CCSDS_OEM_VERS = {version}; versions 2.0 and 3.0 in KVN are read"
        )
    if not blocks:
        raise OrbitError(f"{path} has no META_START, and so no trajectory")
    return blocks


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines without the empty ones and comments."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise OrbitError(f"the OEM {path} is not readable as KVN text: {error}") from None
    lines = enumerate((line.strip() for line in text.splitlines()), start=1)
    return [(n, line) for n, line in lines if line and not line.startswith("COMMENT")]


def _require_known(path: Path, block: _Block, center: Center) -> None:
    where = f"{path}, line {block.line}"
    for key in ("CENTER_NAME", "REF_FRAME", "TIME_SYSTEM"):
        if not block.metadata.get(key):
            raise OrbitError(f"{where}: the metadata do not say {key}, which is needed")
    name, frame, scale = (
        block.metadata[key].upper() for key in ("CENTER_NAME", "REF_FRAME", "TIME_SYSTEM")
    )
    if name not in _CENTERS:
        raise OrbitError(f"{where}: CENTER_NAME = {name} is not read; only MOON and EARTH are")
    if _CENTERS[name] != center:
        raise OrbitError(
            f"{where}: CENTER_NAME = {name}, but center: {center} was said; write center: "
            f"{_CENTERS[name]} for the orbit if the file is right"
        )
    if frame not in _FRAMES:
        raise OrbitError(f"{where}: REF_FRAME = {frame} is not read; only {', '.join(_FRAMES)} are")
    if scale not in _SCALES:
        raise OrbitError(
            f"{where}: TIME_SYSTEM = {scale} is not read; only {', '.join(_SCALES)} are"
        )


def _degree(path: Path, block: _Block) -> int:
    text = block.metadata.get("INTERPOLATION_DEGREE", str(_DEFAULT_DEGREE))
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_DEGREE:
        raise OrbitError(
            f"{path}: INTERPOLATION_DEGREE = {text} is not a whole number from 1 to {HIGHEST_DEGREE}"
        )
    return int(text)


def _states(path: Path, block: _Block, clock: Clock) -> tuple[Floats, Floats]:
    """Times and states (N, 6) of a block."""
    scale = block.metadata["TIME_SYSTEM"].upper()
    times, states = [], []
    for number, cells in block.rows:
        try:
            times.append(_seconds(cells[0], scale))
            states.append([float(cell) for cell in cells[1:7]])
        except (ValueError, SimError) as error:
            raise OrbitError(f"{path}, line {number}: {error}") from None
        if len(states[-1]) < 6 or not np.isfinite(states[-1]).all():
            raise OrbitError(f"{path}, line {number}: a state needs a time and six numbers")
    seconds = np.array(times, dtype=float)
    if scale == "TDB":
        return from_tdb_s(clock, seconds), np.array(states)
    return seconds - clock.start_tai_s, np.array(states)


def _seconds(text: str, scale: str) -> float:
    """Seconds since J2000 in TDB, or since 2000-01-01T12:00:00 TAI in TAI for all other scales."""
    match = _EPOCH.match(text)
    if match is None:
        raise ValueError(f"'{text}' is not a time like 2026-01-31T12:00:00.000")
    year, hour, minute, second = (int(match.group(i)) for i in (1, 5, 6, 7))
    if match.group(4):
        day = date(year, 1, 1).toordinal() + int(match.group(4)) - 1
    else:
        day = date(year, int(match.group(2)), int(match.group(3))).toordinal()
    rest = float(match.group(8) or 0.0)
    if scale == "UTC":
        label = f"{date.fromordinal(day).isoformat()}T{hour:02d}:{minute:02d}:{second:02d}Z"
        return tai_seconds(label) + rest
    since_noon = (day - date(2000, 1, 1).toordinal()) * DAY_S - 0.5 * DAY_S
    total = since_noon + 3600.0 * hour + 60.0 * minute + second + rest
    behind = {"TT": -TT_MINUS_TAI_S, "GPS": float(_GPS_BEHIND_TAI_S)}
    return total + behind.get(scale, 0.0)


def _tdb_text(et_s: float) -> str:
    """A time of day in TDB, with nanoseconds where it is not a whole second."""
    whole = int(np.floor(et_s))
    day, rest = divmod(whole + int(0.5 * DAY_S), int(DAY_S))
    hour, rest = divmod(rest, 3600)
    minute, second = divmod(rest, 60)
    label = date.fromordinal(day + date(2000, 1, 1).toordinal()).isoformat()
    tail = f"{et_s - whole:.9f}"[1:] if et_s != whole else ""
    return f"{label}T{hour:02d}:{minute:02d}:{second:02d}{tail}"
