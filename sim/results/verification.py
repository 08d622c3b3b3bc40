"""The books of a run: energy and data must close, by lunar day, by vehicle and for the whole run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sim.environment import Environment
from sim.operations.runlog import RunLog
from sim.results.attribution import Fall
from sim.results.timeline import DayBooks, day_books

_HOUR_S = 3600.0
ENERGY_TOLERANCE = 1e-9
"""Of the larger side of a balance; data balance to the bit."""


@dataclass(frozen=True, slots=True)
class Closure:
    """One balance: two sides that were booked apart and must be equal."""

    name: str
    left: float
    right: float
    difference: float
    closes: bool


def closures(environment: Environment, log: RunLog, falls: Sequence[Fall]) -> list[Closure]:
    """Every balance of a run, in the order of the scenario."""
    found: list[Closure] = []
    for vehicle in environment.scenario.vehicles:
        books = day_books(environment, log, vehicle)
        for book in books:
            found += _energy(book)
            found += _heat(environment, book)
            found += _day_data(book)
        if books:
            found += _run_data(environment, log, vehicle, books)
    return found + [_waterfall(fall) for fall in falls]


def books(found: Sequence[Closure]) -> str:
    """`closed` where every balance closes, else `open`."""
    return "closed" if all(closure.closes for closure in found) else "open"


def _energy(book: DayBooks) -> Iterator[Closure]:
    bus = book.bus
    change = bus.stored_wh - book.stored_before_wh
    name = f"{book.vehicle}, lunar day {book.number}"
    spent = bus.used_wh + bus.spilled_wh + bus.lost_wh + change
    yield _near(f"{name}: generated = used + spilled + lost + stored", bus.generated_wh, spent, bus)
    yield _near(
        f"{name}: demanded = used + unmet", bus.demanded_wh, bus.used_wh + bus.unmet_wh, bus
    )


def _heat(environment: Environment, book: DayBooks) -> Iterator[Closure]:
    """Of the thermal nodes together, in watt-hours; nothing where the vehicle has none."""
    heat = environment.scenario.vehicles[book.vehicle].heat
    if heat is None:
        return
    bus = book.bus
    spans = zip(heat.nodes.values(), book.temperatures_before_k, bus.temperatures_k, strict=True)
    stored_wh = sum(node.heat_capacity_j_k * (b - a) for node, a, b in spans) / _HOUR_S
    came = bus.dissipated_wh + bus.isotope_heat_wh + bus.sunlight_heat_wh
    gone = bus.space_heat_wh + bus.ground_heat_wh
    name = f"{book.vehicle}, lunar day {book.number}: heat in = heat out + stored"
    difference = came - gone - stored_wh
    scale = max(abs(came), abs(gone), abs(stored_wh))
    closes = abs(difference) <= ENERGY_TOLERANCE * scale
    yield Closure(name, came, gone + stored_wh, difference, closes)


def _near(name: str, left: float, right: float, bus: object) -> Closure:
    """Equal to a share of the largest flow in the balance, so that a dark lunar day closes too."""
    scale = max(
        abs(left),
        abs(right),
        *(abs(getattr(bus, item)) for item in ("generated_wh", "used_wh", "capacity_wh")),
    )
    difference = left - right
    return Closure(name, left, right, difference, abs(difference) <= ENERGY_TOLERANCE * scale)


def _day_data(book: DayBooks) -> Iterator[Closure]:
    before = 0 if book.opening is None else book.opening.data.on_board
    name = f"{book.vehicle}, lunar day {book.number}"
    came = before + book.bits("produced")
    went = book.closing.data.on_board + sum(
        book.bits(item) for item in ("handed_over", "dropped_on_board", "lost_on_first_hop")
    )
    yield _same(
        f"{name}: on board + produced = on board + handed over + dropped + lost", came, went
    )


def _run_data(
    environment: Environment, log: RunLog, vehicle: str, rows: Sequence[DayBooks]
) -> Iterator[Closure]:
    last = rows[-1].closing.data
    where = last.on_board + last.in_relays + last.in_flight + last.delivered
    yield _same(
        f"{vehicle}: produced = on board + in relays + in flight + delivered + dropped + lost",
        last.produced,
        where + last.dropped + last.lost,
    )
    under_way = sum(w.piece.bits for w in log.waiting if w.piece.origin == vehicle)
    left = last.on_board + last.in_relays + last.in_flight
    yield _same(f"{vehicle}: on board + in relays + in flight = sum of pieces", left, under_way)
    received = sum(d.piece.bits for d in log.deliveries if d.piece.origin == vehicle)
    yield _same(f"{vehicle}: delivered = sum of what stations received", last.delivered, received)
    by_day = sum(last.delivered_by_day.values())
    yield _same(f"{vehicle}: delivered = sum over the days of making", last.delivered, by_day)
    hops = {hop.name for hop in environment.hops if hop.source == vehicle}
    moved = sum(use.moved_bits for use in log.uses if use.hop in hops)
    if not _is_relaying(environment, vehicle):
        yield _same(f"{vehicle}: handed over = sum over its contacts", last.handed_over, moved)


def _is_relaying(environment: Environment, vehicle: str) -> bool:
    return any(hop.destination == vehicle for hop in environment.hops)


def _waterfall(fall: Fall) -> Closure:
    left = fall.ideal_bits - sum(fall.losses_bits.values())
    name = f"{fall.vehicle}, lunar day {fall.lunar_day}, {fall.link}: waterfall"
    return _same(name, left, fall.carried_bits)


def _same(name: str, left: int, right: int) -> Closure:
    return Closure(name, left, right, left - right, left == right)
