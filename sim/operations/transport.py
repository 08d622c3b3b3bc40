"""Data on the move: recorders, channels and what is between them, in whole bits and whole frames.

Production is constant between two settlements and rates change at known steps, so one pass over
the assets in the order in which data flow moves everything exactly, however long ago the last
settlement was.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from sim.environment import Hop
from sim.operations.channels import Channel, Flight
from sim.operations.parcels import Parcel, divided
from sim.operations.runlog import ContactUse, DataCounts, Delivery, Level, RunLog, Waiting
from sim.physics.bus import Direction
from sim.physics.recorder import Piece, Recorder


@dataclass(slots=True)
class Maker:
    """An activity that makes data now."""

    product: str
    rate_bps: int
    priority: int


@dataclass(slots=True)
class Counts:
    """Running totals of one vehicle's data, in bits."""

    produced: int = 0
    handed_over: int = 0
    delivered: int = 0
    dropped: int = 0
    dropped_on_board: int = 0
    crowded_out: int = 0
    crowded_out_on_board: int = 0
    lost: int = 0
    lost_on_first_hop: int = 0
    delivered_by_day: dict[int, int] = field(default_factory=dict)


class Node:
    """An asset that holds data."""

    def __init__(self, name: str, recorder: Recorder | None) -> None:
        self.name = name
        self.recorder = recorder
        self.makers: dict[str, Maker] = {}
        self.channels: list[Channel] = []
        self.feeders: list[Channel] = []
        """Channels of others that can end here."""
        self.may_transmit = True
        self.inflow: list[Parcel] = []
        """What has come in since the last settlement."""

    def arrived(self, now_s: int) -> list[Parcel]:
        """What has come in by now, taken off what is coming in."""
        parts = [parcel.parted(now_s) for parcel in self.inflow]
        self.inflow = [later for _, later in parts if later is not None]
        return [come for come, _ in parts if come is not None]

    @property
    def is_idle(self) -> bool:
        """Whether nothing is made, comes in, goes out or is on its way from here."""
        if self.makers or self.inflow:
            return False
        return not any(channel.is_on or channel.flights for channel in self.channels)

    def reaches_s(self, level_bits: float, direction: Direction, now_s: int) -> float:
        """When what is on board passes a level if nobody acts and nothing comes in; else infinity."""
        marks = sorted(
            (mark_s, place, rate_bps)
            for place, channel in enumerate(self.channels)
            for mark_s, rate_bps in channel.outlook(now_s)
        )
        sign = 1.0 if direction == "rising" else -1.0
        making_bps = sum(maker.rate_bps for maker in self.makers.values())
        away_bps = [0.0] * len(self.channels)
        at_s, bits = float(now_s), float(self.recorder.used_bits if self.recorder else 0)
        for mark_s, place, rate_bps in [*marks, (inf, 0, 0.0)]:
            net_bps, missing = making_bps - sum(away_bps), level_bits - bits
            if sign * net_bps > 0.0 and sign * missing > 0.0:
                reached_s = at_s + missing / net_bps
                if reached_s <= mark_s:
                    return reached_s
            bits = max(bits + net_bps * (mark_s - at_s), 0.0) if mark_s > at_s else bits
            at_s, away_bps[place] = mark_s, rate_bps
        return inf

    @property
    def is_fed(self) -> bool:
        """Whether data are made here, or somebody sends some here."""
        return bool(self.makers) or any(feeder.sends_to(self.name) for feeder in self.feeders)

    @property
    def awaits_data(self) -> bool:
        """Whether the last of what was sent here is still under way."""
        return bool(self.inflow) or any(feeder.flies_to(self.name) for feeder in self.feeders)

    @property
    def has_data(self) -> bool:
        """Whether there is something to send, now or while it comes in."""
        stored = self.recorder is not None and self.recorder.used_bits > 0
        return stored or self.is_fed or self.awaits_data


class Network:
    """All nodes and channels of a run, and their books."""

    def __init__(
        self,
        nodes: dict[str, Node],
        log: RunLog,
        lunar_day: Callable[[str, float], int],
    ) -> None:
        self.nodes = nodes
        self.log = log
        self.lunar_day = lunar_day
        self.settled_s = 0
        self.counts: dict[str, Counts] = {}
        self._using: dict[str, int] = {}
        """Where in the log the last use of each hop is, since books were closed."""
        self.order = _upstream_first(nodes)
        """The nodes so that data flow from earlier to later ones only."""

    def settle(self, now_s: int) -> None:
        """Move everything up to now."""
        if now_s == self.settled_s:
            return
        upstream: dict[str, set[int]] = {}
        for node in self.order:
            if node.is_idle:
                continue
            steps = upstream.get(node.name, set())
            for channel in node.channels:
                steps = steps.union(channel.steps_between(self.settled_s, now_s))
            for start_s, stop_s in pairwise((self.settled_s, *sorted(steps), now_s)):
                self._settle_node(node, start_s, stop_s)
            for channel in node.channels:
                if channel.hop is not None and steps:
                    upstream.setdefault(channel.hop.destination, set()).update(steps)
                if channel.flights:
                    self._land(channel, now_s)
        self.settled_s = now_s

    def start_making(self, node: Node, maker: Maker, now_s: int) -> None:
        """From now on an activity makes data at a node."""
        self.settle(now_s)
        node.makers[maker.product] = maker

    def stop_making(self, node: Node, product: str, now_s: int) -> None:
        """From now on it makes none."""
        self.settle(now_s)
        node.makers.pop(product, None)

    def _settle_node(self, node: Node, start_s: int, stop_s: int) -> None:
        incoming = self._made(node, start_s, stop_s) + node.arrived(stop_s)
        incoming.sort(key=_rank)
        before = node.recorder.used_bits if node.recorder else 0
        for channel in node.channels:
            if channel.is_on:
                channel.follow(start_s)
                room_bits = channel.allowance_bits(start_s, stop_s)
                loaded, incoming = _loaded(node.recorder, incoming, room_bits, start_s)
                self._send(node, channel, loaded, start_s, stop_s)
        if node.recorder and incoming:
            node.recorder.acknowledge(stop_s)
        for parcel in incoming:
            self._store(node, parcel.piece)
        if node.recorder and node.recorder.used_bits != before:
            levels = self.log.levels[node.name]
            if levels[-1].t_s < start_s:
                levels.append(Level(start_s, before))
            levels.append(Level(stop_s, node.recorder.used_bits))

    def _made(self, node: Node, start_s: int, stop_s: int) -> list[Parcel]:
        if not node.makers:
            return []
        parcels = []
        day = self.lunar_day(node.name, start_s)
        for maker in node.makers.values():
            bits = maker.rate_bps * (stop_s - start_s)
            if bits:
                piece = Piece(node.name, maker.product, day, maker.priority, start_s, stop_s, bits)
                parcels.append(Parcel(piece, start_s, stop_s))
                self.counts[node.name].produced += bits
        return parcels

    def _store(self, node: Node, piece: Piece) -> None:
        for victim in [piece] if node.recorder is None else node.recorder.put(piece):
            counts = self.counts[victim.origin]
            counts.dropped += victim.bits
            counts.crowded_out += victim.bits
            if node.name == victim.origin:
                counts.dropped_on_board += victim.bits
                counts.crowded_out_on_board += victim.bits

    def _send(
        self,
        node: Node,
        channel: Channel,
        parcels: list[Parcel],
        start_s: int,
        stop_s: int,
    ) -> None:
        sent, lost, repeated_bits = channel.send(parcels, start_s, stop_s)
        moved_bits, lost_bits = 0, repeated_bits
        for piece, _, _ in sent:
            moved_bits += piece.bits
            if piece.origin == node.name:
                self.counts[node.name].handed_over += piece.bits
        for piece, _, _ in lost:
            lost_bits += piece.bits
            counts = self.counts[piece.origin]
            counts.lost += piece.bits
            if piece.origin == node.name:
                counts.lost_on_first_hop += piece.bits
        if channel.hop is not None:
            self._note_use(
                ContactUse(
                    channel.hop.name,
                    start_s,
                    stop_s,
                    channel.rate_bps,
                    moved_bits,
                    lost_bits,
                    max(0, min(channel.ready_s, stop_s) - start_s),
                    channel.turns,
                )
            )

    def _note_use(self, use: ContactUse) -> None:
        """Write a use down; one that goes on at the same rate is lengthened."""
        index = self._using.get(use.hop)
        if index is not None and not use.acquiring_s:
            last = self.log.uses[index]
            if (last.stop_s, last.rate_bps, last.turns) == (use.start_s, use.rate_bps, use.turns):
                self.log.uses[index] = last.lengthened(use)
                return
        self._using[use.hop] = len(self.log.uses)
        self.log.uses.append(use)

    def _land(self, channel: Channel, now_s: int, *, is_closing: bool = False) -> None:
        """Take in what has arrived; on the Earth what has arrived whole, or all for the books."""
        flying = deque[Flight]()
        for flight in channel.flights:
            node = self.nodes.get(flight.hop.destination)
            if node is None and not is_closing and flight.parcel.stop_s > now_s:
                flying.append(flight)
                continue
            come, coming = flight.parcel.parted(now_s)
            if come is not None and node is not None:
                node.inflow.append(come)
            elif come is not None:
                self._deliver(flight.hop, come)
            if coming is not None:
                flight.parcel = coming
                flying.append(flight)
        channel.flights = flying

    def _deliver(self, hop: Hop, parcel: Parcel) -> None:
        """Count what has come to the Earth."""
        piece = parcel.piece
        counts = self.counts[piece.origin]
        counts.delivered += piece.bits
        by_day = counts.delivered_by_day
        by_day[piece.lunar_day] = by_day.get(piece.lunar_day, 0) + piece.bits
        delivery = Delivery(piece, hop.destination, parcel.start_s, parcel.stop_s, hop.link)
        self.log.deliveries.append(delivery)

    def discard(self, node: Node, product: str, since_s: int) -> None:
        """Drop what a node has on board of a product made since an instant."""
        if node.recorder is not None:
            self._drop(node, node.recorder.discard(product, since_s))

    def reduce(self, node: Node, product: str, factor: float) -> None:
        """Replace data on board by less; what is gone counts as dropped."""
        if node.recorder is not None:
            self._drop(node, node.recorder.reduce(product, factor))

    def _drop(self, node: Node, pieces: list[Piece]) -> None:
        for piece in pieces:
            counts = self.counts[piece.origin]
            counts.dropped += piece.bits
            if node.name == piece.origin:
                counts.dropped_on_board += piece.bits
        if pieces and node.recorder is not None:
            self.log.levels[node.name].append(Level(self.settled_s, node.recorder.used_bits))

    def books(self, origin: str) -> DataCounts:
        """Where the data of one vehicle are, in whole bits."""
        for node in self.nodes.values():
            for channel in node.channels:
                self._land(channel, self.settled_s, is_closing=True)
        self._using.clear()
        counts = self.counts[origin]
        held = {name: self._held(node, origin) for name, node in self.nodes.items()}
        on_board = held.pop(origin)
        flying = sum(
            flight.parcel.piece.bits
            for node in self.nodes.values()
            for channel in node.channels
            for flight in channel.flights
            if flight.parcel.piece.origin == origin
        )
        return DataCounts(
            produced=counts.produced,
            handed_over=counts.handed_over,
            delivered=counts.delivered,
            dropped=counts.dropped,
            lost=counts.lost,
            on_board=on_board,
            in_relays=sum(held.values()),
            in_flight=flying,
            delivered_by_day=dict(counts.delivered_by_day),
            dropped_on_board=counts.dropped_on_board,
            lost_on_first_hop=counts.lost_on_first_hop,
            crowded_out=counts.crowded_out,
            crowded_out_on_board=counts.crowded_out_on_board,
        )

    def waiting(self) -> Iterator[Waiting]:
        """All that is on board, in relays or in flight."""
        for name, node in self.nodes.items():
            stored = [] if node.recorder is None else list(node.recorder)
            for piece in [*stored, *(parcel.piece for parcel in node.inflow)]:
                yield Waiting(piece, name)
            for channel in node.channels:
                for flight in channel.flights:
                    yield Waiting(flight.parcel.piece, "")

    @staticmethod
    def _held(node: Node, origin: str) -> int:
        stored = node.recorder or ()
        return sum(p.bits for p in stored if p.origin == origin) + sum(
            parcel.piece.bits for parcel in node.inflow if parcel.piece.origin == origin
        )


def _rank(parcel: Parcel) -> int:
    return parcel.piece.priority


def _loaded(
    recorder: Recorder | None, incoming: list[Parcel], room_bits: int, now_s: int
) -> tuple[list[Parcel], list[Parcel]]:
    """What is sent of what is stored and of what comes in, and what is left of the latter.

    The most important goes first, and of the same priority what is stored before what comes in.
    """
    if recorder is None or recorder.used_bits == 0:
        return divided(incoming, room_bits)
    loaded: list[Parcel] = []
    rest: list[Parcel] = []
    for parcel in incoming:
        stored = recorder.take(room_bits, parcel.piece.priority)
        loaded += [Parcel(piece, now_s, now_s) for piece in stored]
        room_bits -= sum([piece.bits for piece in stored])
        goes, stays = divided([parcel], room_bits)
        loaded += goes
        rest += stays
        room_bits -= sum([part.piece.bits for part in goes])
    loaded += [Parcel(piece, now_s, now_s) for piece in recorder.take(room_bits)]
    return loaded, rest


def _upstream_first(nodes: dict[str, Node]) -> list[Node]:
    """The nodes so that data flow from earlier to later ones only, else in the order of the file."""
    order: list[Node] = []
    visiting: set[str] = set()

    def visit(node: Node) -> None:
        if node.name in visiting:
            return
        visiting.add(node.name)
        for channel in node.channels:
            for hop in channel.hops:
                if hop.destination in nodes:
                    visit(nodes[hop.destination])
        order.append(node)

    for node in reversed(nodes.values()):
        visit(node)
    return order[::-1]
