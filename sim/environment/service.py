"""When stations and relays work for the mission: allocated hours, outages, a share of time."""

from math import ceil, floor

from sim.clock import Clock
from sim.constants import DAY_S
from sim.environment.ends import End
from sim.intervals import Intervals
from sim.scenario.assets import Allocation, Outage, RelayParameters, StationParameters
from sim.scenario.schema import Asset
from sim.sky.ephemeris import Ephemeris
from sim.sky.orbits import Orbit
from sim.sky.windows import relay_eclipses

_HOUR_S = 3600.0


def service(asset: Asset, end: End, ephemeris: Ephemeris, clock: Clock, stop_s: float) -> Intervals:
    """The times in `[0, stop_s)` at which an asset serves the mission; a vehicle always does."""
    always = Intervals.between(0.0, stop_s)
    if isinstance(asset, StationParameters):
        return allocated_time(asset.allocated, clock, always)
    if not isinstance(asset, RelayParameters) or not isinstance(end.at, Orbit):
        return always
    working = allocated_time(asset.allocated, clock, always)
    for outage in asset.outages.values():
        working = working - _outages(outage, clock, 0.0, stop_s)
    if not asset.works_in_eclipse:
        for body in ("moon", "earth"):
            working = working - relay_eclipses(end.at.track, ephemeris, 0.0, stop_s, body)
    return working & _shared(asset.share, 0.0, stop_s)


def allocated_time(allocation: Allocation | None, clock: Clock, always: Intervals) -> Intervals:
    """The part of `always`, one interval, in which an allocation lets an asset work."""
    if allocation is None:
        return always
    start_s, stop_s = float(always.starts_s[0]), float(always.stops_s[0])
    found = always
    if allocation.daily_utc_h:
        found = found & _daily(allocation.daily_utc_h, clock, start_s, stop_s)
    if allocation.periods:
        found = found & Intervals.of(
            (
                start_s if period.after is None else float(clock.seconds(period.after)),
                stop_s if period.before is None else float(clock.seconds(period.before)),
            )
            for period in allocation.periods
        )
    return found.clip(start_s, stop_s)


def _daily(
    hours: tuple[tuple[float, float], ...], clock: Clock, start_s: float, stop_s: float
) -> Intervals:
    """Hours of every UTC day; a day with a leap second moves the following ones by it."""
    first_midnight = clock.seconds(clock.utc(start_s)[:10] + "T00:00:00Z") - DAY_S
    days = ceil((stop_s - first_midnight) / DAY_S) + 1
    pairs = []
    for day in range(days):
        label = clock.utc(first_midnight + day * DAY_S + 0.5 * DAY_S)[:10]
        midnight_s = clock.seconds(f"{label}T00:00:00Z")
        for from_h, to_h in hours:
            length_h = to_h - from_h if to_h > from_h else to_h + 24.0 - from_h
            begin_s = midnight_s + from_h * _HOUR_S
            pairs.append((begin_s, begin_s + length_h * _HOUR_S))
    return Intervals.of(pairs).clip(start_s, stop_s)


def _outages(outage: Outage, clock: Clock, start_s: float, stop_s: float) -> Intervals:
    first_s, every_s = clock.seconds(outage.first_utc), outage.every_h * _HOUR_S
    numbers = range(
        max(0, floor((start_s - first_s) / every_s)), ceil((stop_s - first_s) / every_s)
    )
    begins = [first_s + number * every_s for number in numbers]
    return Intervals.of((b, b + outage.duration_h * _HOUR_S) for b in begins)


def _shared(share: float, start_s: float, stop_s: float) -> Intervals:
    """The first part of every hour since t = 0."""
    if share >= 1.0:
        return Intervals.between(start_s, stop_s)
    hours = range(floor(start_s / _HOUR_S), ceil(stop_s / _HOUR_S))
    return Intervals.of((h * _HOUR_S, (h + share) * _HOUR_S) for h in hours).clip(start_s, stop_s)
