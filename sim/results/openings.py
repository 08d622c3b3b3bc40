"""Hops with more to offer than they have: longer windows, or the best rate in all of them.

Time that is added to a window carries the rate at the nearest edge of the hop's contacts, so that
a wider view is not a better link; a hop that has no contact at all gets its best rate.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor

from sim.environment import ANY_ATTITUDE, Contact, Hop
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


def _contact(hop: Hop, start_s: float, stop_s: float) -> Contact:
    """One contact through a whole window."""
    first, last = ceil(start_s), floor(stop_s)
    inside = [c for c in hop.contacts if c.start_s < last and c.stop_s > first]
    keys = tuple(hop.contacts[0].steps) if hop.contacts else (ANY_ATTITUDE,)
    steps = {key: _filled(hop, inside, key, first, last) for key in keys}
    return Contact(first, last, start_s, stop_s, steps)


def _filled(
    hop: Hop, inside: Sequence[Contact], key: str, first: int, last: int
) -> tuple[tuple[int, int], ...]:
    """Rate steps of a window: those of its old contacts, and what lies between them filled."""
    rows: list[tuple[int, int]] = []
    now = first
    edge = _edge_rate(inside[0], key, first=True) if inside else _nearest_rate(hop, key, first)
    for contact in inside:
        if now < contact.start_s:
            rows.append((now, edge))
        rows += contact.steps.get(key) or contact.steps[next(iter(contact.steps))]
        now, edge = contact.stop_s, _edge_rate(contact, key, first=False)
    if now < last:
        rows.append((now, edge))
    return tuple(
        row for index, row in enumerate(rows) if index == 0 or row[1] != rows[index - 1][1]
    )


def _edge_rate(contact: Contact, key: str, *, first: bool) -> int:
    """The rate nearest to one edge of a contact."""
    steps = contact.steps.get(key) or contact.steps[next(iter(contact.steps))]
    rates = [rate for _, rate in steps if rate > 0]
    if not rates:
        return 0
    return rates[0] if first else rates[-1]


def _nearest_rate(hop: Hop, key: str, at_s: int) -> int:
    """The rate at the edge of the contact that is nearest in time."""
    if not hop.contacts:
        return hop.best_rate_bps
    nearest = min(hop.contacts, key=lambda c: min(abs(c.start_s - at_s), abs(c.stop_s - at_s)))
    return _edge_rate(nearest, key, first=nearest.start_s >= at_s)
