"""Contacts and windows as tables: when, how high, how far, at which rates, and what was made of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.clock import Clock
from sim.environment import Contact, Environment, Hop, PlaceSky, Sighting
from sim.intervals import Intervals
from sim.operations.runlog import RunLog
from sim.physics.recorder import BITS_PER_GB
from sim.results.attribution import Account, Accounts
from sim.results.schemas import PASSES, WINDOWS, table
from sim.results.sights import (
    EDGES,
    Function,
    HopSights,
    Rows,
    Sights,
    culminations_s,
    elevations_deg,
    height_of,
    looked_at,
    read_only,
    sights,
)
from sim.results.timeline import Whole

_HOUR_S = 3600.0
Floats = NDArray[np.float64]


def passes(
    environment: Environment,
    log: RunLog,
    accounts: Accounts,
    seen: Mapping[str, HopSights],
) -> pl.DataFrame:
    """A row for each contact and hop, sorted by start, then in the order of the file."""
    parts = [
        table(PASSES, _passes_of(environment, log, accounts[hop.link], hop, seen[hop.name]))
        for hop in environment.hops
        if hop.contacts
    ]
    frame = pl.concat(parts) if parts else table(PASSES, [])
    return frame.sort("aos_s", maintain_order=True)


def _passes_of(
    environment: Environment, log: RunLog, account: Account, hop: Hop, seen: HopSights
) -> dict[str, Sequence[Any] | NDArray[Any]]:
    contacts, clock = hop.contacts, environment.clock
    start = np.array([contact.start_s for contact in contacts])
    stop = np.array([contact.stop_s for contact in contacts])
    top = read_only(np.clip(seen.sights.times_s[1, seen.passes], start, stop))
    ranges = hop.range_km(np.concatenate([start, top, stop])).reshape(3, -1)
    moved_bits, used_s = _used_in(hop, log, start)
    return {
        "aos_s": start,
        "los_s": stop,
        "aos_utc": clock.labels(start),
        "los_utc": clock.labels(stop),
        "link": [hop.link] * len(start),
        "source": [hop.source] * len(start),
        "destination": [hop.destination] * len(start),
        "duration_h": (stop - start) / _HOUR_S,
        "culmination_s": top,
        "culmination_utc": clock.labels(top),
        "culmination_deg": elevations_deg(hop, top),
        "range_aos_km": ranges[0],
        "range_culmination_km": ranges[1],
        "range_los_km": ranges[2],
        **_offered(contacts),
        "moved_gb": moved_bits / BITS_PER_GB,
        "used_h": used_s / _HOUR_S,
        "limited_by": account.largest(start, stop),
        **_local_sun(environment, hop, start),
    }


def _offered(contacts: Sequence[Contact]) -> dict[str, list[Any]]:
    """Rates and capacity of each contact in the attitude that carries most."""
    rows = []
    for contact in contacts:
        capacity_bit = {attitude: contact.capacity_bit(attitude) for attitude in contact.steps}
        best = max(capacity_bit, key=capacity_bit.__getitem__)
        rates = [rate for _, rate in contact.steps[best]]
        gb = capacity_bit[best] / BITS_PER_GB
        rows.append((min(rates), max(rates), len(rates) - 1, gb))
    names = ("lowest_rate_bps", "highest_rate_bps", "rate_steps", "capacity_gb")
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _used_in(hop: Hop, log: RunLog, start: Whole) -> tuple[Whole, Whole]:
    """Bits moved and seconds used in each contact; a use lies within one contact."""
    uses = [(u.start_s, u.stop_s, u.moved_bits) for u in log.uses if u.hop == hop.name]
    since, until, bits = np.array(uses, dtype=np.int64).reshape(-1, 3).T
    index = np.searchsorted(start, since, side="right") - 1
    moved_bits, used_s = np.zeros_like(start), np.zeros_like(start)
    np.add.at(moved_bits, index, bits)
    np.add.at(used_s, index, until - since)
    return moved_bits, used_s


def _local_sun(environment: Environment, hop: Hop, start: Whole) -> dict[str, Any]:
    """Lunar day, solar time and the Sun's elevation at the source's place, else the first one."""
    vehicles = environment.scenario.vehicles
    vehicle = vehicles.get(hop.source) or vehicles.get(hop.destination)
    place = (vehicle or next(iter(vehicles.values()))).place
    sky = environment.places[place]
    rows = [(day.number, day.start_s, day.noon_s, day.stop_s) for day in sky.lunar_days]
    number, midnight, noon, following = np.array(rows).T
    day = np.maximum(np.searchsorted(midnight, start, side="right") - 1, 0)
    # 0 at local midnight, 12 at local noon, even between them
    morning = 12.0 * (start - midnight[day]) / (noon - midnight)[day]
    afternoon = 12.0 + 12.0 * (start - noon[day]) / (following - noon)[day]
    return {
        "lunar_day": number[day].astype(np.int64),
        "local_solar_time_h": np.where(start < noon[day], morning, afternoon),
        "sun_elevation_deg": sky.sun_elevation_deg(start.astype(float)),
    }


def windows_table(
    environment: Environment,
    more: Sequence[Sighting] = (),
    seen: Mapping[str, HopSights] | None = None,
) -> pl.DataFrame:
    """Light, views and contacts of the run, sorted by start, kind, observer and target.

    `more` adds eclipses, conjunctions and views beside those of hops. `seen` spares the look at
    what hops see where that is known already.
    """
    parts = [*_window_parts(environment, sights(environment) if seen is None else seen)]
    parts += [_sighting_windows(environment.clock, sighting) for sighting in more]
    frame = pl.concat([table(WINDOWS, part) for part in parts])
    return frame.sort("start_s", "kind", "observer", "target", "link", nulls_last=True)


def _window_parts(
    environment: Environment, seen: Mapping[str, HopSights]
) -> Iterator[dict[str, Any]]:
    clock, stop_s = environment.clock, float(environment.duration_s)
    for name, place in environment.places.items():
        yield _light_windows(clock, name, place, place.lit.clip(0.0, stop_s))
    for hop in environment.hops:
        yield _hop_windows(clock, hop.link, seen[hop.name])


def _sighting_windows(clock: Clock, of: Sighting) -> dict[str, Any]:
    """An eclipse culminates in its middle, a conjunction where the Sun is nearest to the target."""
    start, stop = of.times.starts_s, of.times.stops_s
    kinds: list[str] = [of.kind] * len(start)
    if of.range_km is None:
        return _labels(
            clock, kinds, of.observer, of.target, "", (start, 0.5 * (start + stop), stop)
        )
    found = looked_at(
        np.array([start, culminations_s(_height(of, of.range_km), start, stop), stop]),
        of.range_km,
        of.local_km,
    )
    rows = _labels(clock, kinds, of.observer, of.target, "", found.times_s)
    rows |= _edge_columns(found, slice(None))
    if of.sun_angle_deg is not None and len(start):
        rows["sun_angle_deg"] = of.sun_angle_deg(found.times_s[1])
    return rows


def _height(of: Sighting, range_km: Function) -> Function:
    """What is greatest at the culmination of a sighting's windows."""
    angle_deg = of.sun_angle_deg
    if angle_deg is not None:
        return lambda t_s: np.asarray(np.cos(np.radians(angle_deg(t_s))))
    return lambda t_s: height_of(t_s, range_km, of.local_km)


def _light_windows(clock: Clock, name: str, place: PlaceSky, windows: Intervals) -> dict[str, Any]:
    start, stop = windows.starts_s, windows.stops_s
    noons = np.array([day.noon_s for day in place.lunar_days])
    following = np.minimum(np.searchsorted(noons, start), len(noons) - 1)
    top = np.clip(noons[following], start, stop)
    rows = _labels(clock, ["light"] * len(start), name, "sun", "", (start, top, stop))
    for edge, times in zip(EDGES, (start, top, stop), strict=True):
        rows[f"{edge}_azimuth_deg"] = place.sun_azimuth_deg(times) % 360.0
        rows[f"{edge}_elevation_deg"] = place.sun_elevation_deg(times)
    return rows


def _hop_windows(clock: Clock, link: str, seen: HopSights) -> dict[str, Any]:
    """Views and contacts of one hop."""
    row = np.concatenate([seen.views, seen.contacts])
    kinds = ["view"] * len(seen.views) + ["contact"] * len(seen.contacts)
    found = seen.sights
    rows = _labels(clock, kinds, seen.observer, seen.target, link, found.times_s[:, row])
    return rows | _edge_columns(found, row)


def _edge_columns(found: Sights, row: Rows | slice) -> dict[str, Floats]:
    """Range, azimuth and elevation at the edges of some windows, as far as they are known."""
    columns: dict[str, Floats] = {}
    for name in ("range_km", "azimuth_deg", "elevation_deg"):
        values = getattr(found, name)
        if values is not None:
            columns |= {f"{edge}_{name}": at[row] for edge, at in zip(EDGES, values, strict=True)}
    return columns


def _labels(
    clock: Clock,
    kinds: list[str],
    observer: str,
    target: str,
    link: str,
    edges: Sequence[Floats] | Floats,
) -> dict[str, Any]:
    rows: dict[str, Any] = {
        "kind": kinds,
        "observer": [observer] * len(kinds),
        "target": [target] * len(kinds),
        "link": [link or None] * len(kinds),
    }
    for name, times in zip(EDGES, edges, strict=True):
        rows[f"{name}_s"], rows[f"{name}_utc"] = times, clock.labels(times)
    return rows
