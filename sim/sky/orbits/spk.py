"""Relays from SPK files, and SPK files of relays, without SPICE."""

import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jplephem.daf import FTPSTR
from jplephem.spk import SPK
from numpy.typing import NDArray

from sim.cache import replace_file
from sim.clock import Clock
from sim.errors import OrbitError
from sim.parameters import Parameters
from sim.sky.ephemeris import Ephemeris
from sim.sky.kernels import from_tdb_s, tdb_minus_tt_s, tdb_s
from sim.sky.orbits.orbit import NAIF_IDS, Center, Orbit
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

TARGET_ID = -909_001
"""NAIF id that a relay is written under: negative as for spacecraft, and not given to any."""

_ICRF_FRAME = 1  # NAIF's J2000, which its ephemerides take for the ICRF
_SERIES, _TABLES = (2, 3), (8, 9, 12, 13)
_FRAME_NAMES = {2: "B1950", 17: "ECLIPJ2000"}
_HEADS = (b"DAF/SPK ", b"NAIF/DAF")  # of SPK files, the second from before 1996
_WORD_BYTES, _RECORD = 8, 1024
_FARTHEST_S = 6e10  # from J2000, 1,900 years: what a calendar can say
_TRAILER = 4  # numbers behind the records of types 2 and 3
_WRITE_DEGREE = 20
_WRITE_ERROR_KM = 2e-8
_TICK_S = 2.0**-20  # intervals are whole ticks, so that their middles are doubles exactly
_LONGEST_S, _SHORTEST_S = 43_200.0, 60.0


class SpkParameters(Parameters):
    """A trajectory in an SPK file (types 2, 3, 8, 9, 12 and 13) about the Moon or the Earth."""

    kind: Literal["spk"]
    file: str
    """Path relative to the scenario."""
    target: int | None = None
    """NAIF id of the relay; may be left out where the file holds one body only."""
    center: Center = "moon"
    """The body that the file's segments start from."""


def read_spk(
    parameters: SpkParameters, ephemeris: Ephemeris, start_s: float, stop_s: float, folder: Path
) -> tuple[Track, Track]:
    """The trajectory from the Moon's centre, and from its own centre, in `[start_s, stop_s]`."""
    path, clock = folder / parameters.file, ephemeris.clock
    kernel = _opened(path)
    try:
        segments = _chosen(path, kernel.segments, parameters)
        pieces = [Piece(_segment_track(path, s, clock), f"segment {s.target}") for s in segments]
        own = joined_track(path, pieces, clock, start_s, stop_s)
    finally:
        kernel.close()
    require_outside(path, own, parameters.center, clock)
    return from_the_moon(own, parameters.center, ephemeris), own


def write_spk(path: Path, orbit: Orbit, name: str, target: int = TARGET_ID) -> None:
    """Write an orbit as an SPK file with one segment of type 2; 20 um from the orbit itself.

    Times are TDB and intervals equal, so that an eccentric orbit takes 12 MB a year.
    """
    track = orbit.centered or orbit.track
    clock = orbit.clock
    first, last = (tdb_s(clock, np.array([t]))[0] for t in (track.start_s, track.stop_s))

    def position_km(since_first_s: Floats) -> Floats:
        # Counted from the first instant: since J2000, a double's last digit is worth 0.3 mm.
        guess = (first - clock.start_tt_s) + since_first_s
        t_s = guess - tdb_minus_tt_s(clock, guess)
        return track(np.clip(t_s, track.start_s, track.stop_s))

    step = _LONGEST_S
    while True:
        count = int(np.ceil((last - first) / step))
        width = np.ceil((last - first) / count / _TICK_S) * _TICK_S
        fitted = Track.fit(position_km, width * np.arange(count + 1), _WRITE_DEGREE)
        if fitted.error < _WRITE_ERROR_KM or step < _SHORTEST_S:
            break
        step *= 0.5
    records = np.column_stack(
        [
            first + width * (np.arange(count) + 0.5),
            np.full(count, 0.5 * width),
            fitted.coefficients.transpose(0, 2, 1).reshape(count, -1),
        ]
    )
    data = np.concatenate([records.ravel(), [first, width, records.shape[1], count]])
    replace_file(path, _daf(name, (first, last), target, NAIF_IDS[orbit.center], data))


def _daf(
    name: str, span_et_s: tuple[float, float], target: int, center: int, data: Floats
) -> bytes:
    """An SPK file with one segment; NAIF's DAF Required Reading."""
    begin = 3 * _RECORD // 8 + 1
    end = begin + len(data) - 1
    header = struct.pack(
        "<8sii60siii8s603s28s297s",
        b"DAF/SPK ",
        2,
        6,
        b"farside".ljust(60),
        2,
        2,
        end + 1,
        b"LTL-IEEE",
        b"",
        FTPSTR,
        b"",
    )
    summary = struct.pack("<ddd", 0.0, 0.0, 1.0)
    summary += struct.pack("<ddiiiiii", *span_et_s, target, center, _ICRF_FRAME, 2, begin, end)
    label = name.encode("ascii", "replace")[:40].ljust(40)
    body = data.astype("<f8").tobytes()
    body += b"\0" * (-len(body) % _RECORD)  # SPICE reads whole records
    return header + summary.ljust(_RECORD, b"\0") + label.ljust(_RECORD) + body


def _opened(path: Path) -> Any:
    """The file as jplephem reads it, which takes what begins otherwise for text."""
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_HEADS[0]))
        if head in _HEADS:
            return SPK.open(str(path))
    except (OSError, ValueError, OverflowError, MemoryError, struct.error) as error:
        reason = str(error) or "its header is damaged"
        raise OrbitError(f"the SPK file {path} is not readable: {reason}") from None
    shown = head.decode("ascii", "replace").encode("ascii", "replace").decode().strip()
    hint = "; NAIF's tobin makes one of a transfer file" if head.startswith(b"DAFETF") else ""
    raise OrbitError(
        f"{path} is no SPK file: it begins with '{shown}', not with "
        f"'{_HEADS[0].decode().strip()}'{hint}"
    )


def _chosen(path: Path, segments: list[Any], parameters: SpkParameters) -> list[Any]:
    """The segments of the target, checked."""
    targets = sorted({segment.target for segment in segments})
    target = parameters.target
    if target is None and len(targets) != 1:
        raise OrbitError(f"{path} holds the bodies {targets}; say which with target")
    chosen = [s for s in segments if target is None or s.target == target]
    if not chosen:
        raise OrbitError(f"{path} holds no body {target}, but {targets}")
    for segment in chosen:
        _require_center(path, segment, parameters.center)
        if segment.frame != _ICRF_FRAME:
            name = _FRAME_NAMES.get(segment.frame)
            raise OrbitError(
                f"{path} gives body {segment.target} in the frame {segment.frame}"
                f"{f' ({name})' if name else ''}; only J2000 (ICRF), frame 1, is read"
            )
        if segment.data_type not in (*_SERIES, *_TABLES):
            raise OrbitError(
                f"{path} has a segment of type {segment.data_type}; the types 2, 3, 8, 9, 12 and 13 "
                "are read"
            )
    return chosen


def _require_center(path: Path, segment: Any, said: Center) -> None:
    """Raise `OrbitError` where a segment starts from another body than was said."""
    names = {number: name for name, number in NAIF_IDS.items()}
    where = f"{path} gives body {segment.target} about the centre {segment.center}"
    if segment.center not in names:
        raise OrbitError(
            f"{where}, which is not read; only the Moon ({NAIF_IDS['moon']}) and the Earth "
            f"({NAIF_IDS['earth']}) are"
        )
    if names[segment.center] != said:
        raise OrbitError(
            f"{where}, but center: {said} ({NAIF_IDS[said]}) was said; write center: "
            f"{names[segment.center]} for the orbit if the file is right"
        )


def _words(path: Path, segment: Any) -> Floats:
    """The numbers of a segment, which are those that its type needs; `OrbitError` else."""
    size_bytes, last_byte = path.stat().st_size, _WORD_BYTES * segment.end_i
    if last_byte > size_bytes:
        raise OrbitError(
            f"{path} is cut off: body {segment.target} goes on to byte {last_byte}, the file ends at "
            f"{size_bytes}; copy it again"
        )
    if 0 < segment.start_i < segment.end_i:
        words = np.array(segment.daf.read_array(segment.start_i, segment.end_i), dtype=float)
        if _is_whole(words, segment.data_type):
            return words
    raise _damaged(path, segment)


def _damaged(path: Path, segment: Any) -> OrbitError:
    return OrbitError(
        f"{path} is damaged: the numbers of body {segment.target} are not those of a segment of type "
        f"{segment.data_type}; make it or copy it again"
    )


def _is_whole(words: Floats, kind: int) -> bool:
    """Whether the numbers of a segment fit the sizes that stand at its end."""
    if len(words) <= _TRAILER or not np.isfinite(words).all():
        return False
    first, width, size, count = words[-4:].tolist()
    if kind in _SERIES:
        parts = 3 if kind == 2 else 6
        fits = size >= 2 + parts and (size - 2) % parts == 0 and width > 0.0
        is_dated = abs(first) + width * count < _FARTHEST_S
        return bool(fits and is_dated and count >= 1 and size * count + _TRAILER == len(words))
    numbers = 6 if kind in (8, 12) else 7
    if not (1 <= size <= HIGHEST_DEGREE and 1 <= count <= (len(words) - 2) / numbers):
        return False
    return bool(np.abs(_table(words, kind)[0]).max() < _FARTHEST_S)


def _segment_track(path: Path, segment: Any, clock: Clock) -> Track:
    """A segment about its centre as a function of `t_s`."""
    words = _words(path, segment)
    if segment.data_type in _SERIES:
        own = _series_track(words, segment.data_type)
        low = max(own.start_s, segment.start_second)
        high = min(own.stop_s, segment.end_second)
        if low >= high:
            raise _damaged(path, segment)
        inner = own.edges_s[(own.edges_s > low) & (own.edges_s < high)]
        edges_s = from_tdb_s(clock, np.concatenate([[low], inner, [high]]))
        degree = own.coefficients.shape[1] + 1

        def position_km(t_s: Floats) -> Floats:
            return own(np.clip(tdb_s(clock, t_s), own.start_s, own.stop_s))

        return Track.fit(position_km, edges_s, degree)
    epochs, states, window, has_slopes = _table(words, segment.data_type)
    times = from_tdb_s(clock, epochs)
    require_steps(path, f"body {segment.target}", times, clock)
    slopes = states[:, 3:] if has_slopes else None
    return states_track(times, states[:, :3], slopes, window)


def _series_track(words: Floats, kind: int) -> Track:
    """Types 2 and 3: Chebyshev series of the position (and velocity) over equal intervals."""
    first, width, size, count = words[-4], words[-3], int(words[-2]), int(words[-1])
    records = words[: size * count].reshape(count, size)[:, 2:]
    series = records.reshape(count, 3 if kind == 2 else 6, -1)[:, :3]
    return Track.made(first + width * np.arange(count + 1), series.transpose(0, 2, 1), 0.0)


def _table(words: Floats, kind: int) -> tuple[Floats, Floats, int, bool]:
    """Types 8, 9, 12 and 13: epochs, states, window, and whether the velocities are used."""
    count = int(words[-1])
    states = words[: 6 * count].reshape(count, 6)
    has_slopes = kind in (12, 13)
    window = int(words[-2]) + 1
    if kind in (8, 12):
        return words[-4] + words[-3] * np.arange(count), states, window, has_slopes
    return words[6 * count : 7 * count], states, window, has_slopes
