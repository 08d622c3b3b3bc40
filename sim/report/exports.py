"""Contacts of a run for other programs: contact plans in the format of ION."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from sim.clock import Clock
from sim.environment import ANY_ATTITUDE, Contact, Environment, Hop
from sim.environment.plans import BITS_PER_BYTE
from sim.errors import ResultsError
from sim.track import Track

Pair = tuple[int, int]
_LOOK_S = 3600  # to see between which whole light seconds a range lies


def ion_plan(environment: Environment) -> str:
    """The usable contacts of a run and their ranges, as ionrc(5) has them.

    Times count from the start of the scenario, which a line `@` makes the reference. A contact has
    a line for each of its rates, in whole bytes per second rounded down; a range has a line for
    each whole light second that the light time rounds to. A vehicle whose antenna is fixed to its
    body is taken in the attitude of its first mode that transmits.
    """
    scenario, clock = environment.scenario, environment.clock
    nodes = scenario.node_numbers
    lines = [
        f"# farside contact plan of {scenario.name}",
        *(f"# node {number}: {name}" for name, number in nodes.items()),
        f"@ {_absolute(clock, 0)}",
    ]
    lines += _contact_lines(environment, nodes)
    lines += _range_lines(environment, nodes)
    return "".join(f"{line}\n" for line in lines)


def _absolute(clock: Clock, t_s: int) -> str:
    """A time as `yyyy/mm/dd-hh:mm:ss` in UTC."""
    return clock.utc(t_s).rstrip("Z").replace("-", "/").replace("T", "-")


def _contact_lines(environment: Environment, nodes: dict[str, int]) -> Iterator[str]:
    spans: dict[Pair, list[tuple[int, int, str]]] = {}
    for hop in environment.hops:
        attitude = _attitude(environment, hop)
        pair = nodes[hop.source], nodes[hop.destination]
        for contact in hop.contacts:
            for start_s, stop_s, rate_bps in _steps(contact, attitude):
                rate = rate_bps // BITS_PER_BYTE
                line = f"a contact +{start_s} +{stop_s} {pair[0]} {pair[1]} {rate}"
                if rate > 0:
                    spans.setdefault(pair, []).append((start_s, stop_s, line))
    for pair, rows in spans.items():
        rows.sort()
        if any(after[0] < before[1] for before, after in pairwise(rows)):
            ends = [name for node in pair for name, number in nodes.items() if number == node]
            raise ResultsError(
                f"two links are open at once from {ends[0]} to {ends[1]}; a contact plan of ION "
                "has one contact at a time for each pair of nodes"
            )
        yield from (line for _, _, line in rows)


def _attitude(environment: Environment, hop: Hop) -> str:
    vehicle = environment.scenario.vehicles.get(hop.source)
    modes = vehicle.modes.values() if vehicle is not None else ()
    return next((mode.attitude or ANY_ATTITUDE for mode in modes if mode.transmit), ANY_ATTITUDE)


def _steps(contact: Contact, attitude: str) -> Iterator[tuple[int, int, int]]:
    """Start, stop and rate of each step of a contact."""
    steps = contact.steps.get(attitude) or contact.steps[next(iter(contact.steps))]
    stops = [start_s for start_s, _ in steps[1:]] + [contact.stop_s]
    for (start_s, rate_bps), stop_s in zip(steps, stops, strict=True):
        yield start_s, stop_s, rate_bps


def _range_lines(environment: Environment, nodes: dict[str, int]) -> Iterator[str]:
    """Ranges of every pair with a contact, the lower number first: they hold both ways."""
    found: dict[Pair, list[Hop]] = {}
    for hop in environment.hops:
        low, high = sorted((nodes[hop.source], nodes[hop.destination]))
        if hop.contacts:
            found.setdefault((low, high), []).append(hop)
    for (low, high), hops in found.items():
        first = min(hop.contacts[0].start_s for hop in hops)
        last = max(hop.contacts[-1].stop_s for hop in hops)
        for start_s, stop_s, distance_s in _distances_s(hops[0].light_time_s, first, last):
            yield f"a range +{start_s} +{stop_s} {low} {high} {distance_s}"


def _distances_s(light_time_s: Track, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Start, stop and whole light seconds between two instants."""
    inside = light_time_s(np.linspace(first, last, max(2, (last - first) // _LOOK_S)))
    levels = np.arange(np.floor(inside.min()), np.ceil(inside.max()) + 1.0) + 0.5
    crossings = [light_time_s.crossings(level, first, last) for level in levels]
    edges = np.unique(np.concatenate([[first, last], *crossings]).round()).astype(int).tolist()
    rows: list[tuple[int, int, int]] = []
    for start_s, stop_s in pairwise(edges):
        distance_s = round(light_time_s.at(0.5 * (start_s + stop_s)))
        if rows and rows[-1][2] == distance_s:
            rows[-1] = rows[-1][0], stop_s, distance_s
        else:
            rows.append((start_s, stop_s, distance_s))
    yield from rows
