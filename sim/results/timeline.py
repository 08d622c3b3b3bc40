"""The log of a run as step functions of time: modes, attitudes, rates of contacts, what was used."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.environment import Environment, Hop
from sim.operations.runlog import ContactUse, Event, RunLog, Snapshot
from sim.physics.bus import BusState, initial_state
from sim.physics.recorder import BITS_PER_GB
from sim.scenario import routes as routing
from sim.scenario.behaviour import AWAKE

Whole = NDArray[np.int64]


def gigabytes(bits: int) -> float:
    """Bits as GB of 1e9 bytes."""
    return bits / BITS_PER_GB


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A whole number that changes at whole seconds; `before` holds until the first of them."""

    times_s: Whole
    values: Whole
    before: int = 0

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]], before: int = 0) -> "Steps":
        """From (from t_s on, value) pairs in the order of time; of several at one instant the last."""
        rows = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
        if len(rows):
            last = np.append(rows[1:, 0] != rows[:-1, 0], True)
            rows = rows[last]
        return cls(rows[:, 0], rows[:, 1], before)

    def at(self, t_s: ArrayLike) -> Whole:
        """Values at times (N,)."""
        index = np.searchsorted(self.times_s, np.asarray(t_s), side="right")
        return np.asarray(np.concatenate([[self.before], self.values])[index])


class DayBooks(NamedTuple):
    """One lunar day of a vehicle in the run: its span and the books at both ends."""

    vehicle: str
    number: int
    start_s: int
    stop_s: int
    opening: Snapshot | None
    """The books at the start; None at the start of the run."""
    closing: Snapshot
    stored_before_wh: float
    temperatures_before_k: tuple[float, ...]
    """Of the thermal nodes, in the order of the file."""
    bus: BusState
    """Books of this lunar day alone."""

    def bits(self, name: str) -> int:
        """Change of one of the running totals of data in this lunar day."""
        before = 0 if self.opening is None else getattr(self.opening.data, name)
        return int(getattr(self.closing.data, name)) - int(before)


def day_books(environment: Environment, log: RunLog, vehicle: str) -> list[DayBooks]:
    """The lunar days of a vehicle, clipped to the run, in the order of time."""
    rows = []
    opening: Snapshot | None = None
    first = initial_state(environment.scenario.vehicles[vehicle])
    stored, temperatures, start_s = first.stored_wh, first.temperatures_k, 0
    for closing in log.snapshots[vehicle]:
        rows.append(
            DayBooks(
                vehicle,
                closing.lunar_day,
                start_s,
                closing.t_s,
                opening,
                closing,
                stored,
                temperatures,
                closing.bus,
            )
        )
        opening, start_s = closing, closing.t_s
        stored, temperatures = closing.bus.stored_wh, closing.bus.temperatures_k
    return rows


class ModeSpan(NamedTuple):
    """A time in one mode."""

    start_s: int
    stop_s: int
    mode: str

    @property
    def is_awake(self) -> bool:
        """Whether the vehicle's main computer runs."""
        return self.mode in AWAKE


def mode_events(log: RunLog, vehicle: str) -> list[Event]:
    """The changes of mode of one vehicle."""
    return [event for event in log.events if event.event == "mode" and event.asset == vehicle]


def mode_spans(environment: Environment, log: RunLog, vehicle: str) -> list[ModeSpan]:
    """The modes of a vehicle through the run; modes that last no second are left out."""
    spans = []
    mode, since_s = str(environment.scenario.vehicles[vehicle].initial_mode), 0
    for event in mode_events(log, vehicle):
        if event.t_s > since_s:
            spans.append(ModeSpan(since_s, event.t_s, mode))
        mode, since_s = event.after, event.t_s
    if since_s < environment.duration_s:
        spans.append(ModeSpan(since_s, environment.duration_s, mode))
    return spans


def transmits(environment: Environment, vehicle: str, mode: str) -> bool:
    """Whether the transmitters may be on in a mode."""
    parameters = environment.scenario.vehicles[vehicle].modes.get(mode)  # type: ignore[call-overload]
    return parameters is not None and bool(parameters.transmit)


@dataclass(frozen=True, slots=True, eq=False)
class Attitudes:
    """The attitude of an asset through the run; relays and stations have none but the empty one."""

    names: tuple[str, ...]
    index: Steps
    """Which of the names, from when on."""

    @classmethod
    def of(cls, log: RunLog, asset: str) -> "Attitudes":
        """As the energy of a vehicle was booked."""
        flows = log.flows.get(asset, [])
        names = tuple(dict.fromkeys(flow.attitude for flow in flows)) or ("",)
        return cls(names, Steps.of((flow.t_s, names.index(flow.attitude)) for flow in flows))


def closing_rate(hop: Hop, attitude: str) -> Steps:
    """The rate that closes on a hop in one attitude; 0 outside its contacts."""
    pairs: list[tuple[int, int]] = []
    for contact in hop.contacts:
        steps = contact.steps.get(attitude) or contact.steps[next(iter(contact.steps))]
        if steps and steps[0][0] > contact.start_s:
            pairs.append((contact.start_s, steps[0][1]))
        pairs += [(at_s, rate) for at_s, rate in steps]
        pairs.append((contact.stop_s, 0))
    return Steps.of(pairs)


def links_from(environment: Environment, asset: str) -> list[str]:
    """The links over which an asset sends, in the order of the file."""
    return list(dict.fromkeys(hop.link for hop in environment.hops if hop.source == asset))


def return_links(environment: Environment, asset: str) -> list[str]:
    """Those of them that carry data towards the Earth; the others carry commands."""
    towards_earth = routing.return_links(environment.scenario)
    return [link for link in links_from(environment, asset) if link in towards_earth]


def routes(environment: Environment, vehicle: str) -> list[tuple[int, str]]:
    """(hop number, link) of every link that a vehicle's data may take, nearest first."""
    found: list[tuple[int, str]] = []
    assets, seen = [vehicle], {vehicle}
    number = 1
    while assets:
        links = [link for asset in assets for link in return_links(environment, asset)]
        found += [(number, link) for link in links]
        ends = [hop.destination for hop in environment.hops if hop.link in links]
        assets = [end for end in dict.fromkeys(ends) if end not in seen]
        seen.update(assets)
        number += 1
    return found


def uses_of(environment: Environment, log: RunLog, link: str) -> list[ContactUse]:
    """The uses of a link in the order of time; they never overlap."""
    names = {hop.name for hop in environment.hops_of(link)}
    return sorted((use for use in log.uses if use.hop in names), key=lambda use: use.start_s)
