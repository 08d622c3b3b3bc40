"""Hops with more to offer than they have: longer windows, or the best rate in all of them.

Time that is added to a window carries the rate at the nearest edge of the hop's contacts, so that
a wider view is not a better link; a hop that has no contact at all gets its best rate.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor

from sim.environment import ANY_ATTITUDE, Contact, Environment, Hop
from sim.environment.service import allocated_time
from sim.intervals import Intervals


def opened(hop: Hop, geometric: Intervals, served: Intervals, duration_s: int) -> Hop:
    """The hop in wider windows: `geometric` and `served` hold those that it had.

    Time in view and in service at which no rate closes stays closed.
    """
    before = hop.geometric & hop.served
    too_short = Intervals.of(hop.too_short)
    closed = before - Intervals.of((c.window_start_s, c.window_stop_s) for c in hop.contacts)
    usable = (geometric & served).clip(0.0, float(duration_s)) - (closed - too_short)
    contacts = tuple(_contact(hop, *window) for window in usable if _is_whole(*window))
    return replace(
        hop, geometric=geometric, served=served, contacts=contacts, too_short=_too_short(usable)
    )


def at_best_rate(hop: Hop, duration_s: int) -> Hop:
    """The hop with its best rate whenever both ends see each other and serve."""
    windows = (hop.geometric & hop.served).clip(0.0, float(duration_s))
    contacts = tuple(
        Contact(
            ceil(start_s),
            floor(stop_s),
            start_s,
            stop_s,
            {ANY_ATTITUDE: ((ceil(start_s), hop.best_rate_bps),)},
        )
        for start_s, stop_s in windows
        if _is_whole(start_s, stop_s)
    )
    return replace(hop, contacts=contacts, too_short=_too_short(windows))


def _is_whole(start_s: float, stop_s: float) -> bool:
    return ceil(start_s) < floor(stop_s)


def _too_short(windows: Intervals) -> tuple[tuple[float, float], ...]:
    return tuple(window for window in windows if not _is_whole(*window))


Step = tuple[int, int, float]
"""From t_s on, rate_bps, and the expected share of frames lost."""


def _contact(hop: Hop, start_s: float, stop_s: float) -> Contact:
    """One contact through a whole window."""
    first, last = ceil(start_s), floor(stop_s)
    inside = [c for c in hop.contacts if c.start_s < last and c.stop_s > first]
    keys = tuple(hop.contacts[0].steps) if hop.contacts else (ANY_ATTITUDE,)
    rows = {key: _filled(hop, inside, key, first, last) for key in keys}
    steps = {key: tuple((at_s, rate) for at_s, rate, _ in found) for key, found in rows.items()}
    losses = {key: tuple(loss for _, _, loss in found) for key, found in rows.items()}
    return Contact(first, last, start_s, stop_s, steps, losses)


def _filled(hop: Hop, inside: Sequence[Contact], key: str, first: int, last: int) -> list[Step]:
    """Rate steps of a window: those of its old contacts, and what lies between them filled."""
    rows: list[Step] = []
    now = first
    edge = _edge(inside[0], key, first=True) if inside else _nearest(hop, key, first)
    for contact in inside:
        if now < contact.start_s:
            rows.append((now, *edge))
        rows += _steps(contact, key)
        now, edge = contact.stop_s, _edge(contact, key, first=False)
    if now < last:
        rows.append((now, *edge))
    return [row for index, row in enumerate(rows) if index == 0 or row[1:] != rows[index - 1][1:]]


def _steps(contact: Contact, key: str) -> list[Step]:
    """The steps of a contact in one attitude, the first of them at its start."""
    known = key if contact.steps.get(key) else next(iter(contact.steps))
    steps = contact.steps[known]
    losses = contact.losses.get(known, (0.0,) * len(steps))
    return [(*step, loss) for step, loss in zip(steps, losses, strict=True)]


def _edge(contact: Contact, key: str, *, first: bool) -> tuple[int, float]:
    """Rate and loss nearest to one edge of a contact."""
    usable = [step for step in _steps(contact, key) if step[1] > 0]
    if not usable:
        return 0, 0.0
    return usable[0][1:] if first else usable[-1][1:]


def _nearest(hop: Hop, key: str, at_s: int) -> tuple[int, float]:
    """Rate and loss at the edge of the contact that is nearest in time."""
    if not hop.contacts:
        return hop.best_rate_bps, 0.0
    nearest = min(hop.contacts, key=lambda c: min(abs(c.start_s - at_s), abs(c.stop_s - at_s)))
    return _edge(nearest, key, first=nearest.start_s >= at_s)


def station_service(environment: Environment, hop: Hop) -> Intervals:
    """When the stations of a hop work for the mission; always where it has none."""
    found = always = Intervals.between(0.0, float(environment.duration_s))
    for end in (hop.source, hop.destination):
        station = environment.scenario.stations.get(end)
        if station is not None:
            found = found & allocated_time(station.allocated, environment.clock, always)
    return found
