"""Trajectories that come as tables: interpolated by windows of states, joined, and checked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.constants import EARTH_RADIUS_KM, MOON_RADIUS_KM
from sim.errors import OrbitError
from sim.sky.ephemeris import Ephemeris
from sim.sky.orbits.orbit import Center
from sim.track import Track

Floats = NDArray[np.float64]

HIGHEST_DEGREE = 27
"""Of an interpolation that a file may ask for; SPICE's limit."""

_GAP_S = 1e-3  # segments this close adjoin: epochs in files are rounded to milliseconds
_HOLE_STEPS, _HOLE_S = 50.0, 3600.0  # a step this many times the median, and this long, is a hole
_SAMPLES = 14


@dataclass(frozen=True, eq=False)
class Piece:
    """A stretch of trajectory about its centre in kilometres along ICRF axes."""

    track: Track
    name: str
    """What it is called in messages."""


def states_track(
    times_s: Floats, positions_km: Floats, velocities_km_s: Floats | None, window: int
) -> Track:
    """Interpolation of a table (N,), (N, 3), (N, 3) by windows of its rows.

    Hermite of degree `2 window - 1` with velocities, Lagrange of degree `window - 1` without. The
    window stands about each step, or about the nearest row if it is odd, as in SPICE's types 8, 9,
    12 and 13.
    """
    count = len(times_s)
    window = min(window, count)
    if window % 2 == 0:
        edges = times_s
        first = np.arange(count - 1) - (window // 2 - 1)
    else:
        middles = 0.5 * (times_s[1:] + times_s[:-1])
        edges = np.concatenate([times_s[:1], middles, times_s[-1:]])
        first = np.arange(count) - window // 2
    rows = np.clip(first, 0, count - window)[:, None] + np.arange(window)
    degree = (2 * window if velocities_km_s is not None else window) - 1
    nodes = Track.nodes(edges, degree).reshape(len(edges) - 1, degree + 1)
    middle, scale = nodes.mean(axis=1), np.diff(edges)
    slopes = None if velocities_km_s is None else velocities_km_s[rows] * scale[:, None, None]
    values = _newton(
        (times_s[rows] - middle[:, None]) / scale[:, None],
        positions_km[rows],
        slopes,
        (nodes - middle[:, None]) / scale[:, None],
    )
    return Track.through(values.reshape(-1, 3).T, edges, degree)


def _newton(x: Floats, values: Floats, slopes: Floats | None, wanted: Floats) -> Floats:
    """Interpolation (M, K, 3) at `wanted` (M, K) by divided differences of rows (M, W, 3)."""
    if slopes is not None:
        x, values = np.repeat(x, 2, axis=1), np.repeat(values, 2, axis=1)
        slopes = np.repeat(slopes, 2, axis=1)[:, :-1]
    size = x.shape[1]
    difference, leading = values, [values[:, 0]]
    for order in range(1, size):
        width = (x[:, order:] - x[:, :-order])[:, :, None]
        rise = difference[:, 1:] - difference[:, :-1]
        if order == 1 and slopes is not None:
            difference = np.where(width == 0.0, slopes, rise / np.where(width == 0.0, 1.0, width))
        else:
            difference = rise / width
        leading.append(difference[:, 0])
    total = np.zeros((*wanted.shape, 3))
    for order in range(size - 1, -1, -1):
        total = total * (wanted - x[:, order : order + 1])[:, :, None] + leading[order][:, None]
    return total


def require_steps(path: object, name: str, times_s: Floats, clock: Clock) -> None:
    """Raise `OrbitError` where a table does not rise in time or has a hole in it."""
    steps = np.diff(times_s)
    if len(times_s) < 2 or (steps <= 0.0).any():
        raise OrbitError(f"{path}: {name} needs two states or more, each later than the one before")
    longest = int(np.argmax(steps))
    if steps[longest] > max(_HOLE_S, _HOLE_STEPS * float(np.median(steps))):
        raise OrbitError(
            f"{path}: {name} has a gap from {clock.utc(times_s[longest])} to "
            f"{clock.utc(times_s[longest + 1])}; fill it, or split the run there"
        )


def joined_track(
    path: object, pieces: list[Piece], clock: Clock, start_s: float, stop_s: float
) -> Track:
    """Pieces in the order of their file as one track over the span; later ones prevail.

    Raises `OrbitError` where they leave a part of the span out.
    """
    first, last = min(p.track.start_s for p in pieces), max(p.track.stop_s for p in pieces)
    if first > start_s + _GAP_S or last < stop_s - _GAP_S:
        raise OrbitError(
            f"{path} runs from {clock.utc(first)} to {clock.utc(last)}, but the orbit is needed from "
            f"{clock.utc(start_s)} to {clock.utc(stop_s)}; take a longer file or a shorter run"
        )
    edges = np.concatenate([[start_s, stop_s], *(p.track.edges_s for p in pieces)])
    edges = np.unique(edges[(edges >= start_s) & (edges <= stop_s)])
    edges = edges[np.concatenate([[True], np.diff(edges) > _GAP_S])]
    edges[-1] = stop_s
    middles = 0.5 * (edges[1:] + edges[:-1])
    owner = np.full(len(middles), -1)
    for index, piece in enumerate(pieces):
        inside = (middles > piece.track.start_s) & (middles < piece.track.stop_s)
        owner[inside] = index
    missing = np.flatnonzero(owner < 0)
    if len(missing):
        hole = int(missing[0])
        raise OrbitError(
            f"{path} has a gap from {clock.utc(edges[hole])} to {clock.utc(edges[hole + 1])}; fill "
            "it, or split the run there"
        )
    degree = max(piece.track.coefficients.shape[1] for piece in pieces) - 1
    nodes = Track.nodes(edges, degree)
    owners = np.repeat(owner, degree + 1)
    values = np.empty((3, len(nodes)))
    for index, piece in enumerate(pieces):
        mine = owners == index
        if mine.any():
            inside = np.clip(nodes[mine], piece.track.start_s, piece.track.stop_s)
            values[:, mine] = piece.track(inside)
    return Track.through(values, edges, degree)


def from_the_moon(track: Track, center: Center, ephemeris: Ephemeris) -> Track:
    """A track about the Earth or the Moon as one from the Moon's centre."""
    if center == "moon":
        return track
    degree = max(_SAMPLES, track.coefficients.shape[1] - 1)
    edges = np.union1d(track.edges_s, ephemeris.edges_s)
    edges = edges[(edges >= track.start_s) & (edges <= track.stop_s)]
    return Track.fit(lambda t: track(t) + ephemeris.earth_km(t), edges, degree)


def require_outside(path: object, track: Track, center: Center, clock: Clock) -> None:
    """Raise `OrbitError` where a trajectory about its centre lies inside that body."""
    radius = MOON_RADIUS_KM if center == "moon" else EARTH_RADIUS_KM
    middles = 0.5 * (track.edges_s[1:] + track.edges_s[:-1])
    times = np.sort(np.concatenate([track.edges_s, middles]))
    inside = np.flatnonzero(np.linalg.norm(track(times), axis=0) < radius)
    if len(inside):
        raise OrbitError(
            f"{path} hits the {center} at {clock.utc(times[inside[0]])}, where it is less than "
            f"{radius:.1f} km from its centre; check the file's centre"
        )
