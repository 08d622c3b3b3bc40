"""Where the far end of a link stands in each window: at its start, its culmination and its end.

Hops between the same two ends share their windows mostly, whichever way the data go, so that each
window is looked at once for all of them.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.environment import Environment, Hop
from sim.intervals import Intervals

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]
Rows = NDArray[np.intp]
EDGES = ("start", "culmination", "stop")
_LONG_S = 2 * 86400.0


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """Some windows between two ends: arrays (3, N) of the `EDGES` of each."""

    times_s: Floats
    range_km: Floats
    azimuth_deg: Floats | None
    """Over the observer's horizon; None where neither end has one."""
    elevation_deg: Floats | None


class HopSights(NamedTuple):
    """The windows of one hop among those between its ends."""

    observer: str
    target: str
    sights: Sights
    views: Rows
    """Rows of the sights; the views in the run, sorted."""
    contacts: Rows
    """The same of the contacts as windows, where those that touch are one."""
    passes: Rows
    """The same of each contact, in the order of the hop."""


def sights(environment: Environment) -> dict[str, HopSights]:
    """What is seen in every view and contact of the run, by the name of the hop."""
    groups: dict[Hashable, list[Hop]] = {}
    for hop in environment.hops:
        relays = frozenset(end.partition(".")[0] for end in hop.via)
        groups.setdefault((*_ends(hop), relays), []).append(hop)
    stop_s = float(environment.duration_s)
    found = {name: own for hops in groups.values() for name, own in _shared(hops, stop_s)}
    return {hop.name: found[hop.name] for hop in environment.hops}


def _ends(hop: Hop) -> tuple[str, str]:
    """Observer and target: from the ground of the destination, else of the source."""
    is_far_end = hop.from_destination_km is not None
    return (hop.destination, hop.source) if is_far_end else (hop.source, hop.destination)


def _shared(hops: list[Hop], stop_s: float) -> Iterable[tuple[str, HopSights]]:
    """The windows of hops between the same ends, every distinct one looked at once."""
    kinds: list[Floats] = []
    for hop in hops:
        contacts = [(c.window_start_s, c.window_stop_s) for c in hop.contacts]
        kinds += [
            _pairs(hop.geometric.clip(0.0, stop_s)),
            _pairs(Intervals.of(contacts)),
            np.array(contacts, dtype=float).reshape(-1, 2),
        ]
    windows, row = np.unique(np.concatenate(kinds), axis=0, return_inverse=True)
    rows = np.split(row.ravel(), np.cumsum([len(kind) for kind in kinds])[:-1])
    seen = _seen(hops[0], *windows.T)
    for hop, views, merged, passes in zip(hops, rows[::3], rows[1::3], rows[2::3], strict=True):
        yield hop.name, HopSights(*_ends(hop), seen, views, merged, passes)


def _pairs(windows: Intervals) -> Floats:
    return np.column_stack([windows.starts_s, windows.stops_s])


def _seen(hop: Hop, start: Floats, stop: Floats) -> Sights:
    top = culminations_s(lambda t_s: _height(hop, t_s), start, stop)
    return looked_at(np.array([start, top, stop]), hop.range_km, horizon_vector(hop))


def looked_at(times: Floats, distance_km: Function, vector_km: Function | None) -> Sights:
    """Where something stands at times (3, N), by its distance and its place over a horizon."""
    flat = read_only(times.ravel())
    azimuth = elevation = None
    if vector_km is not None and len(flat):
        east, north, up = vector_km(flat)
        azimuth = (np.degrees(np.arctan2(east, north)) % 360.0).reshape(times.shape)
        elevation = np.degrees(np.arctan2(up, np.hypot(east, north))).reshape(times.shape)
    distance = distance_km(flat) if len(flat) else flat
    return Sights(times, distance.reshape(times.shape), azimuth, elevation)


def culminations_s(height: Function, start: Floats, stop: Floats) -> Floats:
    """When a height is greatest in each window: the far end's over a horizon, or how near it is.

    Two rounds of samples, then a parabola through the best three: good to some seconds. Windows of
    more than two days are sampled every few hours, since a relay may rise in them several times.
    """
    found = np.empty(len(start))
    is_long = stop - start > _LONG_S
    for chosen, count in ((~is_long, 13), (is_long, 257)):
        if chosen.any():
            a, b = start[chosen], stop[chosen]
            best = _highest(height, a, b, count)
            reach = (b - a) / (count - 1)
            found[chosen] = _highest(
                height, np.maximum(best - reach, a), np.minimum(best + reach, b), 5
            )
    return found


def _highest(height: Function, start: Floats, stop: Floats, count: int) -> Floats:
    """The best of even samples of each window, moved to the top of the parabola around it."""
    times = start[:, None] + (stop - start)[:, None] * np.linspace(0.0, 1.0, count)
    sampled = height(times.ravel()).reshape(times.shape)
    best = np.argmax(sampled, axis=1)
    inner = np.clip(best, 1, count - 2)
    rows = np.arange(len(start))
    before, here, after = (sampled[rows, inner + k] for k in (-1, 0, 1))
    bend = before - 2.0 * here + after
    shift = np.where(bend < 0.0, 0.5 * (before - after) / np.where(bend < 0.0, bend, 1.0), 0.0)
    shift = np.where(best == inner, np.clip(shift, -1.0, 1.0), best - inner)
    return np.asarray(start + (stop - start) * (inner + shift) / (count - 1))


def horizon_vector(hop: Hop) -> Function | None:
    """The function that gives the far end over the hop's horizon: the Earth's, else the Moon's."""
    return hop.from_destination_km or hop.from_source_km


def elevations_deg(hop: Hop, times: Floats) -> Floats | None:
    """How high the far end stands over the hop's horizon at times (N,); None without a horizon."""
    return None if horizon_vector(hop) is None else _height(hop, times)


def _height(hop: Hop, times: Floats) -> Floats:
    """Elevation in degrees over the hop's horizon, else the nearer the higher."""
    return height_of(times, hop.range_km, horizon_vector(hop))


def height_of(times: Floats, distance_km: Function, vector_km: Function | None) -> Floats:
    """Elevation in degrees over a horizon, else the nearer the higher."""
    if vector_km is None:
        return np.asarray(-distance_km(times))
    east, north, up = vector_km(times)
    return np.asarray(np.degrees(np.arctan2(up, np.hypot(east, north))))


def read_only(times: Floats) -> Floats:
    """Times that several functions of one hop can share what they find for; see `track.Memory`."""
    times.flags.writeable = False
    return times
