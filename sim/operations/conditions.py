"""Conditions made ready for the run: what the sky decides as intervals, the rest as watches.

Everything that no vehicle can change (Sun, time, contacts, array power in a known attitude) is
turned into intervals before the first event. What depends on the vehicle's own state is watched:
its next crossing is predicted and the condition is looked at again then.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from sim.environment import Environment
from sim.intervals import Intervals
from sim.physics.bus import Level
from sim.scenario.conditions import Condition, Limit, NodeLimit
from sim.scenario.phases import phase_times
from sim.track import Track

_TOUCH = 1e-9  # relative: a level that is reached exactly counts as passed, from either side

WATCHED = ("state_of_charge", "recorder_fill", "temperature_k", "time_in_mode_s")
"""Quantities of a condition that depend on the vehicle itself."""


@dataclass(slots=True)
class Watch:
    """A limit on a quantity of the vehicle's own; remembers since when it holds."""

    quantity: str
    node: str
    limit: Limit
    since_s: float = inf
    _leaving: tuple[Level, ...] = ()
    _entering: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        """Prepare the levels, which are asked for at each event."""
        above, below, slack = self.limit.above, self.limit.below, self.limit.hysteresis
        node = self.node or None
        if above is not None:
            self._leaving += (Level(above - slack, "falling", node),)
            self._entering += (Level(above, "rising", node),)
        if below is not None:
            self._leaving += (Level(below + slack, "rising", node),)
            self._entering += (Level(below, "falling", node),)

    def look(self, value: float, now_s: float) -> None:
        """Take notice of the value that the quantity has now."""
        slack = self.limit.hysteresis if self.since_s < inf else _TOUCH * max(1.0, abs(value))
        above = self.limit.above is None or value >= self.limit.above - slack
        below = self.limit.below is None or value < self.limit.below + slack
        if not (above and below):
            self.since_s = inf
        elif self.since_s == inf:
            self.since_s = now_s

    def holds(self, now_s: float) -> bool:
        """Whether it has held for long enough."""
        return now_s >= self.since_s + self.limit.hold_s

    @property
    def levels(self) -> tuple[Level, ...]:
        """Values whose passing changes the watch."""
        return self._leaving if self.since_s < inf else self._entering


@dataclass(frozen=True, slots=True)
class Plan:
    """A condition made ready: intervals, watches, activities that must be done, alternatives."""

    scheduled: Intervals | None
    """None where the sky leaves it open."""
    edges_s: tuple[int, ...]
    """Whole seconds at which the scheduled part changes."""
    flags: tuple[bool, ...]
    """Whether it holds from each edge on; the first entry is for before the first edge."""
    watches: tuple[Watch, ...]
    done: str | None
    any: tuple["Plan", ...] = field(default=())

    @property
    def all_watches(self) -> tuple[Watch, ...]:
        """Its own watches and those of its alternatives."""
        return self.watches + tuple(watch for plan in self.any for watch in plan.all_watches)

    @property
    def all_edges_s(self) -> tuple[int, ...]:
        """Its own edges and those of its alternatives, not sorted."""
        return self.edges_s + tuple(edge for plan in self.any for edge in plan.all_edges_s)


def planned(
    condition: Condition | None, environment: Environment, vehicle: str, attitude: str
) -> Plan:
    """The condition of one vehicle in one attitude, made ready."""
    if condition is None:
        return Plan(None, (), (True,), (), None)
    scheduled = _scheduled(condition, environment, vehicle, attitude)
    edges, flags = _steps(scheduled)
    watches = tuple(
        Watch(quantity, limit.node if isinstance(limit, NodeLimit) else "", limit)
        for quantity in WATCHED
        if (limit := getattr(condition, quantity)) is not None
    )
    inner = tuple(planned(member, environment, vehicle, attitude) for member in condition.any or ())
    return Plan(scheduled, edges, flags, watches, condition.done, inner)


def _steps(scheduled: Intervals | None) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Whole seconds at which the intervals change, rounded up so that no edge comes early."""
    if scheduled is None:
        return (), (True,)
    edges: list[int] = []
    flags = [False]
    for start_s, stop_s in scheduled:
        start, stop = int(-(-start_s // 1)), int(-(-stop_s // 1))
        if start < stop:
            edges += [start, stop]
            flags += [True, False]
    return tuple(edges), tuple(flags)


def _scheduled(
    condition: Condition, environment: Environment, vehicle: str, attitude: str
) -> Intervals | None:
    """The times at which the parts that the sky decides hold together; None if there are none."""
    parts = list(_scheduled_parts(condition, environment, vehicle, attitude))
    if not parts:
        return None
    together = parts[0]
    for part in parts[1:]:
        together = together & part
    return together


def _scheduled_parts(
    condition: Condition, environment: Environment, vehicle: str, attitude: str
) -> Iterable[Intervals]:
    stop_s = float(environment.duration_s)
    place = environment.places[environment.scenario.vehicles[vehicle].place]
    if condition.array_power_w is not None:
        track = environment.array_power_w[vehicle, attitude]
        yield limited(track, condition.array_power_w, stop_s)
    if condition.sun_elevation_deg is not None:
        yield limited(place.sun_elevation_deg, condition.sun_elevation_deg, stop_s)
    if condition.sun_azimuth_deg is not None:
        yield _on_the_circle(place.sun_azimuth_deg, condition.sun_azimuth_deg, stop_s)
    if condition.sun is not None:
        rising = place.rising.clip(0.0, stop_s)
        yield rising if condition.sun == "rising" else rising.complement(0.0, stop_s)
    if condition.contact is not None:
        hops = environment.hops_over(condition.contact)
        open_now = Intervals.of((c.start_s, c.stop_s) for hop in hops for c in hop.contacts)
        yield open_now.held(condition.contact_hold_s)
    if condition.utc is not None:
        after, before = condition.utc.after, condition.utc.before
        yield Intervals.between(
            0.0 if after is None else float(environment.clock.seconds(after)),
            stop_s if before is None else float(environment.clock.seconds(before)),
        ).clip(0.0, stop_s)
    if condition.phase is not None:
        phases = phase_times(environment.scenario.phases, environment.clock)
        yield Intervals.of(
            (phase.start_s, stop_s if phase.stop_s is None else phase.stop_s)
            for phase in phases
            if phase.name == condition.phase
        ).clip(0.0, stop_s)
    if condition.lunar_day is not None:
        limit = condition.lunar_day
        yield Intervals.of(
            (day.start_s, day.stop_s) for day in place.lunar_days if _within(day.number, limit)
        ).clip(0.0, stop_s)


def limited(track: Track, limit: Limit, stop_s: float) -> Intervals:
    """When a track keeps a limit, with its hysteresis and hold, in `[0, stop_s)`."""
    inside = _inside(track, limit, 0.0, stop_s)
    if limit.hysteresis > 0.0:
        inside = _latched(inside, _inside(track, limit, limit.hysteresis, stop_s))
    return inside.held(limit.hold_s)


def _inside(track: Track, limit: Limit, slack: float, stop_s: float) -> Intervals:
    found = Intervals.between(0.0, stop_s)
    if limit.above is not None:
        found = found & _over(track, limit.above - slack, stop_s)
    if limit.below is not None:
        found = found - _over(track, limit.below + slack, stop_s)
    return found


def _over(track: Track, level: float, stop_s: float) -> Intervals:
    """When the track is at or over a level; each stretch is judged at its middle."""
    edges = [0.0, *track.crossings(level, 0.0, stop_s).tolist(), stop_s]
    return Intervals.of(
        (a, b) for a, b in itertools.pairwise(edges) if track.at(0.5 * (a + b)) >= level
    )


def _latched(inside: Intervals, wider: Intervals) -> Intervals:
    """From the first instant inside until the wider limit is left."""
    pairs = []
    for start_s, stop_s in wider:
        within = inside.clip(start_s, stop_s)
        if len(within):
            pairs.append((float(within.starts_s[0]), stop_s))
    return Intervals.of(pairs)


def _on_the_circle(track: Track, limit: Limit, stop_s: float) -> Intervals:
    """A limit on an azimuth whose track runs on beyond 360 degrees."""
    reach = track([0.0, stop_s])
    turns = range(int(reach.min() // 360.0) - 1, int(reach.max() // 360.0) + 2)
    found = Intervals.none()
    for turn in turns:
        low = (limit.above or 0.0) + 360.0 * turn
        high = (360.0 if limit.below is None else limit.below) + 360.0 * turn
        found = found | (_over(track, low, stop_s) - _over(track, high, stop_s))
    return found.held(limit.hold_s)


def _within(value: float, limit: Limit) -> bool:
    return (limit.above is None or value >= limit.above) and (
        limit.below is None or value < limit.below
    )
