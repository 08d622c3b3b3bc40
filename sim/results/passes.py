"""Contacts and windows as tables: when, how high, how far, at which rates, and what was made of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.clock import Clock
from sim.environment import Contact, Environment, Hop, LunarDay, PlaceSky
from sim.intervals import Intervals
from sim.operations.runlog import RunLog
from sim.results.attribution import Account, link_account
from sim.results.schemas import PASSES, WINDOWS, table
from sim.results.timeline import Whole, gigabytes

_HOUR_S = 3600.0
_LONG_S = 2 * 86400.0
Floats = NDArray[np.float64]


def passes(environment: Environment, log: RunLog) -> pl.DataFrame:
    """A row for each contact and hop, sorted by start, then in the order of the file."""
    parts = [part for hop in environment.hops if (part := _passes_of(environment, log, hop))]
    rows: dict[str, list[Any]] = {c.name: [] for c in PASSES}
    for part in parts:
        for name, values in part.items():
            rows[name] += list(values)
    frame = table(PASSES, rows)
    return frame.sort("aos_s", maintain_order=True)


def _passes_of(environment: Environment, log: RunLog, hop: Hop) -> dict[str, Sequence[Any]]:
    contacts = hop.contacts
    if not contacts:
        return {}
    clock = environment.clock
    start = np.array([contact.start_s for contact in contacts])
    stop = np.array([contact.stop_s for contact in contacts])
    top = culminations_s(hop, start.astype(float), stop.astype(float))
    ranges = hop.range_km(np.concatenate([start, top, stop]).astype(float)).reshape(3, -1)
    rates = [_rates(contact) for contact in contacts]
    used = _used_in(hop, log, start, stop)
    local = _local_sun(environment, hop, start)
    account = link_account(environment, log, hop.link, np.union1d(start, stop).tolist())
    return {
        "aos_s": start.tolist(),
        "los_s": stop.tolist(),
        "aos_utc": [clock.utc(t_s) for t_s in start.tolist()],
        "los_utc": [clock.utc(t_s) for t_s in stop.tolist()],
        "link": [hop.link] * len(start),
        "source": [hop.source] * len(start),
        "destination": [hop.destination] * len(start),
        "duration_h": ((stop - start) / _HOUR_S).tolist(),
        "culmination_s": top.tolist(),
        "culmination_utc": [clock.utc(t_s) for t_s in top.tolist()],
        "culmination_deg": _elevations(hop, top),
        "range_aos_km": ranges[0].tolist(),
        "range_culmination_km": ranges[1].tolist(),
        "range_los_km": ranges[2].tolist(),
        "lowest_rate_bps": [min(found) for found in rates],
        "highest_rate_bps": [max(found) for found in rates],
        "rate_steps": [len(found) - 1 for found in rates],
        **_carried(contacts, used, account),
        **local,
    }


def _rates(contact: Contact) -> list[int]:
    """The rates of a contact, in the attitude that carries most."""
    best = max(contact.steps, key=contact.capacity_bit)
    return [rate for _, rate in contact.steps[best]]


def _carried(
    contacts: Sequence[Contact], used: Sequence[tuple[int, int]], account: Account
) -> dict[str, list[Any]]:
    capacity = [max(map(contact.capacity_bit, contact.steps)) for contact in contacts]
    return {
        "capacity_gb": [gigabytes(bits) for bits in capacity],
        "moved_gb": [gigabytes(moved) for moved, _ in used],
        "used_h": [on_s / _HOUR_S for _, on_s in used],
        "limited_by": [account.largest(c.start_s, c.stop_s) for c in contacts],
    }


def _used_in(hop: Hop, log: RunLog, start: Whole, stop: Whole) -> list[tuple[int, int]]:
    """(bits moved, seconds used) in each contact; a use lies within one contact."""
    totals = [[0, 0] for _ in start]
    for use in log.uses:
        if use.hop == hop.name:
            index = int(np.searchsorted(start, use.start_s, side="right")) - 1
            totals[index][0] += use.moved_bits
            totals[index][1] += use.stop_s - use.start_s
    return [(moved, on_s) for moved, on_s in totals]


def culminations_s(hop: Hop, start: Floats, stop: Floats) -> Floats:
    """When the far end stands highest over a horizon of the hop, else when it is nearest.

    Two rounds of samples, then a parabola through the best three: good to some seconds. Windows of
    more than two days are sampled every few hours, since a relay may rise in them several times.
    """
    found = np.empty(len(start))
    is_long = stop - start > _LONG_S
    for chosen, count in ((~is_long, 13), (is_long, 257)):
        if chosen.any():
            a, b = start[chosen], stop[chosen]
            best = _highest(hop, a, b, count)
            reach = (b - a) / (count - 1)
            found[chosen] = _highest(
                hop, np.maximum(best - reach, a), np.minimum(best + reach, b), 5
            )
    return found


def _highest(hop: Hop, start: Floats, stop: Floats, count: int) -> Floats:
    """The best of even samples of each window, moved to the top of the parabola around it."""
    times = start[:, None] + (stop - start)[:, None] * np.linspace(0.0, 1.0, count)
    height = _height(hop, times.ravel()).reshape(times.shape)
    best = np.argmax(height, axis=1)
    inner = np.clip(best, 1, count - 2)
    rows = np.arange(len(start))
    before, here, after = (height[rows, inner + k] for k in (-1, 0, 1))
    bend = before - 2.0 * here + after
    shift = np.where(bend < 0.0, 0.5 * (before - after) / np.where(bend < 0.0, bend, 1.0), 0.0)
    shift = np.where(best == inner, np.clip(shift, -1.0, 1.0), best - inner)
    return np.asarray(start + (stop - start) * (inner + shift) / (count - 1))


def horizon_vector(hop: Hop) -> Callable[[Floats], Floats] | None:
    """The function that gives the far end over the hop's horizon: the Earth's, else the Moon's."""
    return hop.from_destination_km or hop.from_source_km


def _height(hop: Hop, times: Floats) -> Floats:
    vector = horizon_vector(hop)
    if vector is None:
        return np.asarray(-hop.range_km(times))
    east, north, up = vector(times)
    return np.asarray(np.degrees(np.arctan2(up, np.hypot(east, north))))


def _elevations(hop: Hop, times: Floats) -> list[float | None]:
    if horizon_vector(hop) is None:
        return [None] * len(times)
    return [float(value) for value in _height(hop, times)]


def _local_sun(environment: Environment, hop: Hop, start: Whole) -> dict[str, list[Any]]:
    """Lunar day, solar time and the Sun's elevation at the source's place, else the first one."""
    vehicles = environment.scenario.vehicles
    vehicle = vehicles.get(hop.source) or vehicles.get(hop.destination)
    place = (vehicle or next(iter(vehicles.values()))).place
    sky = environment.places[place]
    days = [sky.lunar_day_at(float(t_s)) for t_s in start.tolist()]
    return {
        "lunar_day": [day.number for day in days],
        "local_solar_time_h": [
            _solar_time_h(day, float(t_s)) for day, t_s in zip(days, start.tolist(), strict=True)
        ],
        "sun_elevation_deg": sky.sun_elevation_deg(start.astype(float)).tolist(),
    }


def _solar_time_h(day: LunarDay, t_s: float) -> float:
    """0 at local midnight, 12 at local noon, even between them."""
    if t_s < day.noon_s:
        return 12.0 * (t_s - day.start_s) / (day.noon_s - day.start_s)
    return 12.0 + 12.0 * (t_s - day.noon_s) / (day.stop_s - day.noon_s)


def windows_table(
    environment: Environment, shadows: Sequence[tuple[str, str, Intervals]] = ()
) -> pl.DataFrame:
    """Light, views and contacts of the run, sorted by start, kind, observer and target.

    `shadows` adds eclipses: the observer, the body before the Sun, and when.
    """
    rows: dict[str, list[Any]] = {column.name: [] for column in WINDOWS}
    parts = [*_window_parts(environment)]
    parts += [_eclipse_windows(environment.clock, *shadow) for shadow in shadows]
    for part in parts:
        for name in rows:
            rows[name] += part.get(name, [None] * len(part["start_s"]))
    frame = table(WINDOWS, rows)
    return frame.sort("start_s", "kind", "observer", "target", "link", nulls_last=True)


def _window_parts(environment: Environment) -> Iterator[dict[str, list[Any]]]:
    clock, stop_s = environment.clock, float(environment.duration_s)
    for name, place in environment.places.items():
        yield _light_windows(clock, name, place, place.lit.clip(0.0, stop_s))
    for hop in environment.hops:
        views = hop.geometric.clip(0.0, stop_s)
        contacts = Intervals.of((c.window_start_s, c.window_stop_s) for c in hop.contacts)
        yield _hop_windows(clock, hop, {"view": views, "contact": contacts})


def _eclipse_windows(
    clock: Clock, observer: str, body: str, windows: Intervals
) -> dict[str, list[Any]]:
    start, stop = windows.starts_s, windows.stops_s
    kinds = ["eclipse"] * len(start)
    return _labels(clock, kinds, observer, body, "", (start, 0.5 * (start + stop), stop))


def _light_windows(
    clock: Clock, name: str, place: PlaceSky, windows: Intervals
) -> dict[str, list[Any]]:
    start, stop = windows.starts_s, windows.stops_s
    noons = np.array([day.noon_s for day in place.lunar_days])
    following = np.minimum(np.searchsorted(noons, start), len(noons) - 1)
    top = np.clip(noons[following], start, stop)
    rows = _labels(clock, ["light"] * len(start), name, "sun", "", (start, top, stop))
    for edge, times in zip(("start", "culmination", "stop"), (start, top, stop), strict=True):
        rows[f"{edge}_azimuth_deg"] = (place.sun_azimuth_deg(times) % 360.0).tolist()
        rows[f"{edge}_elevation_deg"] = place.sun_elevation_deg(times).tolist()
    return rows


def _hop_windows(clock: Clock, hop: Hop, kinds: dict[str, Intervals]) -> dict[str, list[Any]]:
    """Windows of each kind; most contacts are whole views, so each window is looked at once."""
    pairs = [np.column_stack([w.starts_s, w.stops_s]) for w in kinds.values()]
    distinct, row = np.unique(np.concatenate(pairs), axis=0, return_inverse=True)
    row = row.ravel()
    start, stop = distinct.T
    edges = {"start": start, "culmination": culminations_s(hop, start, stop), "stop": stop}
    is_far_end = hop.from_destination_km is not None
    ends = (hop.destination, hop.source) if is_far_end else (hop.source, hop.destination)
    names = [name for name, windows in kinds.items() for _ in windows]
    rows = _labels(clock, names, *ends, hop.link, tuple(t[row] for t in edges.values()))
    for edge, times in edges.items():
        for name, values in _where(hop, times).items():
            rows[f"{edge}_{name}"] = values[row].tolist()
    return rows


def _where(hop: Hop, times: Floats) -> dict[str, Floats]:
    """Azimuth and elevation over the hop's horizon, if it has one, and range."""
    if not len(times):
        return {}
    found = {"range_km": hop.range_km(times)}
    vector = horizon_vector(hop)
    if vector is not None:
        east, north, up = vector(times)
        found["azimuth_deg"] = np.degrees(np.arctan2(east, north)) % 360.0
        found["elevation_deg"] = np.degrees(np.arctan2(up, np.hypot(east, north)))
    return found


def _labels(
    clock: Clock,
    kinds: list[str],
    observer: str,
    target: str,
    link: str,
    edges: tuple[Floats, ...],
) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {
        "kind": kinds,
        "observer": [observer] * len(kinds),
        "target": [target] * len(kinds),
        "link": [link or None] * len(kinds),
    }
    for name, times in zip(("start", "culmination", "stop"), edges, strict=True):
        rows[f"{name}_s"] = times.tolist()
        rows[f"{name}_utc"] = [clock.utc(t_s) for t_s in times.tolist()]
    return rows
