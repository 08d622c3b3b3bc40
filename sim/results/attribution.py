"""What limited the return: from the ideal of a link down to what it carried, cause by cause.

For each lunar day, vehicle and hop the waterfall begins with the best rate through the whole lunar
day, and every second and every bit of it belongs to the first cause of `CAUSES` that is true.
All arithmetic is in whole bits, so the steps add up exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.environment import Environment, Hop
from sim.intervals import Intervals
from sim.operations.runlog import RunLog
from sim.results.arrivals import arrivals, summed_up
from sim.results.schemas import WATERFALL, table
from sim.results.openings import station_service
from sim.results.timeline import (
    Attitudes,
    DayBooks,
    Steps,
    Whole,
    closing_rate,
    day_books,
    mode_spans,
    routes,
    transmits,
    uses_of,
)

CAUSES: dict[str, str] = {
    "dead": "the vehicle is dead",
    "asleep": "dormant, or waking with its transmitters off",
    "napping": "napping with its transmitters off",
    "safe": "in safe mode with its transmitters off",
    "silent": "working with its transmitters off",
    "out_of_view": "none of the link's destinations is in view",
    "relay_out_of_service": "the view is there, but the relay does not serve",
    "station_not_allocated": "a station is in view, but none in view is allocated",
    "busy": "the destination serves others: all its places are taken, or it is shared in turn",
    "rate_below_best": "the rate that closes is below the best one, or none closes",
    "acquisition": "in contact, not locked yet",
    "rounding": "parts of a second at the edges of a contact",
    "framing": "frame headers, and frames that were not filled",
    "retransmission": "user data lost on the link, sent again or not",
    "recorder_full": "the link stood idle in a lunar day in which data found no room",
    "nothing_to_send": "the link stood open and nothing was on board",
    "other_vehicles": "carried for other vehicles",
    "in_flight": "on its way at the end of the lunar day, less at its start",
}
"""The ordered list of causes and what each means."""

_NAMES = tuple(CAUSES)
_INDEX = {name: index for index, name in enumerate(_NAMES)}
_MODE_CAUSE = {
    "dead": "dead",
    "dormant": "asleep",
    "waking": "asleep",
    "napping": "napping",
    "safe": "safe",
    "working": "silent",
}


@dataclass(frozen=True, slots=True)
class Fall:
    """The waterfall of one vehicle, lunar day and hop, in whole bits and seconds."""

    lunar_day: int
    vehicle: str
    hop: int
    link: str
    ideal_bits: int
    losses_bits: dict[str, int]
    """By cause, in the order of `CAUSES`; may be negative where data were in flight before."""
    times_s: dict[str, int]
    """Seconds that a cause took in full."""
    carried_bits: int
    """What the vehicle's data got: handed over on the first hop, received on Earth on the last."""

    @property
    def largest_loss(self) -> str:
        """The largest step; ties go to the first of the list."""
        return max(self.losses_bits, key=lambda name: self.losses_bits[name], default="")


def waterfalls(environment: Environment, log: RunLog) -> list[Fall]:
    """Every waterfall of a run: by vehicle in the order of the file, lunar day, and hop."""
    accounts, arrived = Accounts(environment, log), arrivals(environment, log)
    return waterfalls_from(environment, log, accounts, arrived)


def waterfalls_from(
    environment: Environment, log: RunLog, accounts: "Accounts", arrived: pl.DataFrame
) -> list[Fall]:
    """The same where the accounts of the links and what arrived are known already."""
    delivered = _Delivered(arrived)
    return [
        fall
        for vehicle in environment.scenario.vehicles
        for day in day_books(environment, log, vehicle)
        for fall in _falls_of_day(environment, accounts, delivered, day)
    ]


def _falls_of_day(
    environment: Environment, accounts: "Accounts", delivered: "_Delivered", day: DayBooks
) -> Iterator[Fall]:
    """The hops of one vehicle in one lunar day; what found no room is claimed by one link only."""
    on_board = day.bits("crowded_out_on_board")
    crowded_out = {True: on_board, False: day.bits("crowded_out") - on_board}
    for number, link in routes(environment, day.vehicle):
        is_first = number == 1
        fall = _fall(
            environment, accounts[link], delivered, day, number, link, crowded_out[is_first]
        )
        crowded_out[is_first] -= fall.losses_bits["recorder_full"]
        yield fall


def waterfall_table(falls: Sequence[Fall]) -> pl.DataFrame:
    """The waterfalls as rows: the ideal, each cause that took something, and what was carried."""
    rows = [row for fall in falls for row in _rows(fall)]
    return table(WATERFALL, rows)


def summed(falls: Sequence[Fall]) -> list[Fall]:
    """The waterfalls of a whole run: lunar days of one vehicle and link added up."""
    groups: dict[tuple[str, str], list[Fall]] = {}
    for fall in falls:
        groups.setdefault((fall.vehicle, fall.link), []).append(fall)
    return [_sum(group) for group in groups.values()]


def _sum(falls: Sequence[Fall]) -> Fall:
    return replace(
        falls[0],
        ideal_bits=sum(fall.ideal_bits for fall in falls),
        losses_bits={name: sum(fall.losses_bits[name] for fall in falls) for name in _NAMES},
        times_s={name: sum(fall.times_s[name] for fall in falls) for name in _NAMES},
        carried_bits=sum(fall.carried_bits for fall in falls),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """What a link lost to each cause and carried, summed up to each of some rising cuts."""

    cuts_s: Whole
    best_rate_bps: int
    bits: Whole
    """Before each cut, and in all: (cuts + 1, causes)."""
    times_s: Whole
    """Seconds that a cause took in full, the same way."""
    carried_bits: Whole
    """User data moved for all vehicles, (cuts + 1,)."""

    def between(self, start_s: int, stop_s: int) -> tuple[Whole, Whole, int]:
        """Sums from one cut to another."""
        a, b = np.searchsorted(self.cuts_s, [start_s, stop_s])
        return (
            self.bits[b] - self.bits[a],
            self.times_s[b] - self.times_s[a],
            int(self.carried_bits[b] - self.carried_bits[a]),
        )

    def largest(self, start_s: Whole, stop_s: Whole) -> list[str]:
        """The cause that took most between every two cuts; nothing where nothing was lost."""
        a, b = np.searchsorted(self.cuts_s, [start_s, stop_s])
        bits = self.bits[b] - self.bits[a]
        most = np.where(bits.any(axis=1), np.argmax(bits, axis=1), -1)
        return [_NAMES[index] if index >= 0 else "" for index in most.tolist()]


class Accounts:
    """The accounts of the links of a run, cut at lunar days and contacts; each made on first use."""

    def __init__(self, environment: Environment, log: RunLog) -> None:
        self._environment, self._log = environment, log
        self._known: dict[str, Account] = {}
        books = (day_books(environment, log, name) for name in environment.scenario.vehicles)
        self._days_s = {0} | {day.start_s for days in books for day in days}

    def __getitem__(self, link: str) -> Account:
        if link not in self._known:
            hops = self._environment.hops_of(link)
            edges = {edge for hop in hops for c in hop.contacts for edge in (c.start_s, c.stop_s)}
            cuts = sorted(self._days_s | edges)
            self._known[link] = link_account(self._environment, self._log, link, cuts)
        return self._known[link]


def link_account(environment: Environment, log: RunLog, link: str, cuts: Sequence[int]) -> Account:
    """What a link lost and carried between every two of some rising cuts, the first at or before 0."""
    hops = environment.hops_of(link)
    best = max(hop.best_rate_bps for hop in hops)
    cut_times = np.array(cuts, dtype=np.int64)
    bits = np.zeros((len(cuts) + 1, len(_NAMES)), dtype=np.int64)
    times = np.zeros_like(bits)
    carried = np.zeros(len(cuts) + 1, dtype=np.int64)
    used = _add_uses(environment, log, link, best, cut_times, bits[1:], times[1:], carried[1:])
    _add_unused(environment, log, hops, best, used, cut_times, bits[1:], times[1:])
    return Account(cut_times, best, *(part.cumsum(axis=0) for part in (bits, times, carried)))


def _add_uses(
    environment: Environment,
    log: RunLog,
    link: str,
    best: int,
    cuts: Whole,
    bits: Whole,
    times: Whole,
    carried: Whole,
) -> Intervals:
    """Book the time in which the link was on; returns it."""
    uses = uses_of(environment, log, link)
    if not uses:
        return Intervals.none()
    frames = {hop.name: hop.frames for hop in environment.hops_of(link)}
    # every field of a use but the hop is a whole number
    start, stop, rate, moved, lost, acquiring, turns = np.array(
        [use[1:] for use in uses], dtype=np.int64
    ).T
    frame, data = np.array([frames[use.hop][use.rate_bps] for use in uses], dtype=np.int64).T
    span = stop - start
    shared_bits = rate * (span - acquiring)
    open_bits = shared_bits // turns
    sent = moved + lost
    frames_bits = -(-sent // data) * frame
    idle = np.maximum(open_bits - frames_bits, 0)
    idle[idle < frame] = 0  # a frame that was begun and not filled
    row = np.searchsorted(cuts, start, side="right") - 1
    for name, amount in (
        ("rate_below_best", (best - rate) * span),
        ("acquisition", rate * acquiring),
        ("busy", shared_bits - open_bits),
        ("framing", open_bits - idle - sent),
        ("retransmission", lost),
        ("nothing_to_send", idle),
    ):
        np.add.at(bits[:, _INDEX[name]], row, amount)
    np.add.at(times[:, _INDEX["acquisition"]], row, acquiring)
    np.add.at(carried, row, moved)
    return Intervals.of(zip(start.tolist(), stop.tolist(), strict=True))


def _add_unused(
    environment: Environment,
    log: RunLog,
    hops: Sequence[Hop],
    best: int,
    used: Intervals,
    cuts: Whole,
    bits: Whole,
    times: Whole,
) -> None:
    """Book the time in which the link was off, to the first true cause of each second."""
    state = _LinkState(environment, log, hops)
    idle = used.complement(0.0, float(environment.duration_s))
    edges = np.unique(
        np.concatenate(
            [idle.starts_s, idle.stops_s, cuts, *state.edges_s, [0, environment.duration_s]]
        )
    ).astype(np.int64)
    edges = edges[(edges >= 0) & (edges <= environment.duration_s)]
    start, span = edges[:-1], np.diff(edges)
    is_off = idle.contains(start)
    start, span = start[is_off], span[is_off]
    cause = state.causes(start)
    rate = np.where(cause == _INDEX["nothing_to_send"], state.rate_bps(start), best)
    row = np.searchsorted(cuts, start, side="right") - 1
    np.add.at(bits, (row, cause), rate * span)
    np.add.at(times, (row, cause), span)
    np.add.at(bits[:, _INDEX["rate_below_best"]], row, (best - rate) * span)


class _LinkState:
    """The conditions of one link as functions of whole seconds."""

    def __init__(self, environment: Environment, log: RunLog, hops: Sequence[Hop]) -> None:
        self._hops = hops
        duration_s = float(environment.duration_s)
        outward = [_outward(hop.geometric).clip(0.0, duration_s) for hop in hops]
        self._view = _union(outward)
        self._served = _union([_outward(hop.geometric & hop.served) for hop in hops])
        self._rounding = Intervals.of(_rounding(hops))
        waits = [wait for wait in log.waits if wait.link == hops[0].link]
        self._waits = Intervals.of((float(wait.start_s), float(wait.stop_s)) for wait in waits)
        self._allocated = _union(
            [_outward(hop.geometric & station_service(environment, hop)) for hop in hops]
        )
        source = hops[0].source
        self._silence = Steps.of(_silences(environment, log, source))
        self._attitudes = Attitudes.of(log, source)
        self._rates = [[closing_rate(hop, name) for hop in hops] for name in self._attitudes.names]

    @property
    def edges_s(self) -> Iterator[NDArray[np.float64]]:
        """All whole seconds at which a condition may change."""
        for intervals in (
            self._view,
            self._served,
            self._allocated,
            self._rounding,
            self._waits,
        ):
            yield intervals.starts_s
            yield intervals.stops_s
        yield self._silence.times_s.astype(float)
        for rates in self._rates:
            for rate in rates:
                yield rate.times_s.astype(float)

    def rate_bps(self, t_s: Whole) -> Whole:
        """The highest rate that closes in the attitude of then."""
        attitude = self._attitudes.index.at(t_s)
        found = np.zeros(len(t_s), dtype=np.int64)
        for index, rates in enumerate(self._rates):
            here = [rate.at(t_s) for rate in rates]
            found = np.where(attitude == index, np.max(here, axis=0), found)
        return found

    def causes(self, t_s: Whole) -> Whole:
        """The first true cause for being off at each second."""
        silence = self._silence.at(t_s)
        closed = np.where(
            self._rounding.contains(t_s), _INDEX["rounding"], _INDEX["rate_below_best"]
        )
        return np.asarray(
            np.select(
                [
                    silence >= 0,
                    ~self._view.contains(t_s),
                    ~self._served.contains(t_s) & self._allocated.contains(t_s),
                    ~self._served.contains(t_s),
                    self.rate_bps(t_s) == 0,
                    self._waits.contains(t_s),
                ],
                [
                    silence,
                    _INDEX["out_of_view"],
                    _INDEX["relay_out_of_service"],
                    _INDEX["station_not_allocated"],
                    closed,
                    _INDEX["busy"],
                ],
                default=_INDEX["nothing_to_send"],
            )
        )


def _silences(environment: Environment, log: RunLog, source: str) -> Iterator[tuple[int, int]]:
    """From when on which cause keeps the transmitters of the source off; -1 where none does."""
    if source not in environment.scenario.vehicles:
        yield 0, -1
        return
    for span in mode_spans(environment, log, source):
        is_on = transmits(environment, source, span.mode)
        yield span.start_s, -1 if is_on else _INDEX[_MODE_CAUSE[span.mode]]


def _union(parts: Sequence[Intervals]) -> Intervals:
    whole = Intervals.none()
    for part in parts:
        whole = whole | part
    return whole


def _outward(windows: Intervals) -> Intervals:
    pairs = zip(np.floor(windows.starts_s), np.ceil(windows.stops_s), strict=True)
    return Intervals.of(pairs)


def _rounding(hops: Sequence[Hop]) -> Iterator[tuple[float, float]]:
    """The seconds that rounding contacts inward has cost."""
    for hop in hops:
        for contact in hop.contacts:
            yield float(np.floor(contact.window_start_s)), float(contact.start_s)
            yield float(contact.stop_s), float(np.ceil(contact.window_stop_s))
        for start_s, stop_s in hop.too_short:
            yield float(np.floor(start_s)), float(np.ceil(stop_s))


class _Delivered:
    """Bits received on Earth, by the link that brought them and the vehicle that made them."""

    def __init__(self, arrived: pl.DataFrame) -> None:
        self._sums: dict[tuple[str, str], tuple[NDArray[np.float64], Whole]] = {}
        for (link,), rows in arrived.partition_by("link", as_dict=True).items():
            self._sums[link, ""] = summed_up(rows, "bits")
            for (origin,), own in rows.partition_by("origin", as_dict=True).items():
                self._sums[link, origin] = summed_up(own, "bits")

    def bits(self, link: str, start_s: int, stop_s: int, origin: str = "") -> int:
        """Received in (start_s, stop_s], for one vehicle or for all."""
        if (link, origin) not in self._sums:
            return 0
        times_s, total = self._sums[link, origin]
        before, until = np.searchsorted(times_s, [start_s, stop_s], side="right")
        return int(total[until] - total[before])


def _fall(
    environment: Environment,
    account: Account,
    delivered: _Delivered,
    day: DayBooks,
    number: int,
    link: str,
    crowded_out: int,
) -> Fall:
    bits, times, moved = account.between(day.start_s, day.stop_s)
    losses = dict(zip(_NAMES, bits.tolist(), strict=True))
    full = min(losses["nothing_to_send"], crowded_out)
    losses["recorder_full"] += full
    losses["nothing_to_send"] -= full
    carried = moved
    if number > 1 and _ends_on_earth(environment, link):
        received = delivered.bits(link, day.start_s, day.stop_s)
        carried = delivered.bits(link, day.start_s, day.stop_s, day.vehicle)
        losses["in_flight"] = moved - received
        losses["other_vehicles"] = received - carried
    return Fall(
        lunar_day=day.number,
        vehicle=day.vehicle,
        hop=number,
        link=link,
        ideal_bits=account.best_rate_bps * (day.stop_s - day.start_s),
        losses_bits=losses,
        times_s=dict(zip(_NAMES, times.tolist(), strict=True)),
        carried_bits=carried,
    )


def _ends_on_earth(environment: Environment, link: str) -> bool:
    stations = environment.scenario.stations
    return all(hop.destination in stations for hop in environment.hops_of(link))


def _rows(fall: Fall) -> Iterator[tuple[object, ...]]:
    head = fall.lunar_day, fall.vehicle, fall.hop, fall.link
    yield (*head, 0, "ideal", fall.ideal_bits, 0)
    for name, bits in fall.losses_bits.items():
        if bits:
            yield (*head, _INDEX[name] + 1, name, -bits, fall.times_s[name])
    last = "handed_over" if fall.hop == 1 else "delivered"
    yield (*head, len(_NAMES) + 1, last, fall.carried_bits, 0)
