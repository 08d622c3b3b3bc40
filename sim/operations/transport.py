"""Data on the move: recorders, channels and what is between them, in whole bits and whole frames.

Rates and production are constant between two settlements, so one pass over the assets in the order
in which data flow moves everything exactly, however long ago the last settlement was.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sim.operations.channels import Channel, divided
from sim.operations.runlog import ContactUse, DataCounts, Delivery, Level, RunLog
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
        self.inflow: list[Piece] = []

    @property
    def is_idle(self) -> bool:
        """Whether nothing is made, comes in, goes out or is on its way from here."""
        if self.makers or self.inflow:
            return False
        return not any(channel.is_on or channel.flights for channel in self.channels)

    @property
    def making_bps(self) -> int:
        """Bits made per second."""
        return sum([maker.rate_bps for maker in self.makers.values()])

    @property
    def is_fed(self) -> bool:
        """Whether data are made here, or somebody sends some here."""
        if self.makers and self.making_bps > 0:
            return True
        return any(feeder.sends_to(self.name) for feeder in self.feeders)

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
        self.closed_s = 0
        """When books were last written down; no use of a contact runs on across it."""
        self.counts: dict[str, Counts] = {}
        self.order = _upstream_first(nodes)
        """The nodes so that data flow from earlier to later ones only."""

    def settle(self, now_s: int) -> None:
        """Move everything up to now."""
        start_s = self.settled_s
        if now_s == start_s:
            return
        for node in self.order:
            self._settle_node(node, start_s, now_s)
        self.settled_s = now_s

    def _settle_node(self, node: Node, start_s: int, stop_s: int) -> None:
        if node.is_idle:
            return
        pieces = self._made(node, start_s, stop_s) + node.inflow
        node.inflow = []
        before = node.recorder.used_bits if node.recorder else 0
        for channel in node.channels:
            if channel.is_on:
                allowance = channel.allowance_bits(start_s, stop_s)
                sent = node.recorder.take(allowance) if node.recorder else []
                room = allowance - sum([piece.bits for piece in sent])
                direct, pieces = divided(sorted(pieces, key=_rank), room) if room else ([], pieces)
                self._send(node, channel, sent + direct, start_s, stop_s)
            if channel.flights:
                self._land(channel, stop_s)
        if pieces:
            self._store(node, pieces)
        if node.recorder and node.recorder.used_bits != before:
            levels = self.log.levels[node.name]
            if levels[-1].t_s < start_s:
                levels.append(Level(start_s, before))
            levels.append(Level(stop_s, node.recorder.used_bits))

    def _made(self, node: Node, start_s: int, stop_s: int) -> list[Piece]:
        pieces = []
        for maker in node.makers.values():
            bits = maker.rate_bps * (stop_s - start_s)
            if bits:
                day = self.lunar_day(node.name, start_s)
                pieces.append(
                    Piece(node.name, maker.product, day, maker.priority, start_s, stop_s, bits)
                )
                self.counts[node.name].produced += bits
        return pieces

    def _store(self, node: Node, pieces: list[Piece]) -> None:
        for piece in sorted(pieces, key=_rank):
            dropped = [piece] if node.recorder is None else node.recorder.put(piece)
            for victim in dropped:
                counts = self.counts[victim.origin]
                counts.dropped += victim.bits
                counts.crowded_out += victim.bits
                if node.name == victim.origin:
                    counts.dropped_on_board += victim.bits

    def _send(
        self,
        node: Node,
        channel: Channel,
        pieces: list[Piece],
        start_s: int,
        stop_s: int,
    ) -> None:
        sent, lost, repeated_bits = channel.send(pieces, start_s, stop_s)
        for piece in sent:
            if piece.origin == node.name:
                self.counts[node.name].handed_over += piece.bits
        for piece in lost:
            counts = self.counts[piece.origin]
            counts.lost += piece.bits
            if piece.origin == node.name:
                counts.lost_on_first_hop += piece.bits
        if channel.hop is not None:
            acquiring_s = max(0, min(channel.ready_s, stop_s) - start_s)
            use = ContactUse(
                channel.hop.name,
                start_s,
                stop_s,
                channel.rate_bps,
                sum([piece.bits for piece in sent]),
                sum([piece.bits for piece in lost]) + repeated_bits,
                acquiring_s,
                channel.turns,
            )
            self._note_use(use)

    def _note_use(self, use: ContactUse) -> None:
        """Write a use down; one that goes on at the same rate is lengthened."""
        uses = self.log.uses
        recent = range(len(uses) - 1, max(-1, len(uses) - 9), -1)
        for index in recent if use.start_s != self.closed_s else ():
            last = uses[index]
            same = (last.hop, last.rate_bps, last.turns) == (use.hop, use.rate_bps, use.turns)
            if same and last.stop_s == use.start_s and not use.acquiring_s:
                uses[index] = last._replace(
                    stop_s=use.stop_s,
                    moved_bits=last.moved_bits + use.moved_bits,
                    lost_bits=last.lost_bits + use.lost_bits,
                )
                return
        uses.append(use)

    def _land(self, channel: Channel, now_s: int) -> None:
        for hop, piece, start_s, stop_s in channel.landings(float(now_s)):
            node = self.nodes.get(hop.destination)
            if node is not None:
                node.inflow.append(piece)
                continue
            counts = self.counts[piece.origin]
            counts.delivered += piece.bits
            by_day = counts.delivered_by_day
            by_day[piece.lunar_day] = by_day.get(piece.lunar_day, 0) + piece.bits
            self.log.deliveries.append(Delivery(piece, hop.destination, start_s, stop_s, hop.link))

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
        self.closed_s = self.settled_s
        counts = self.counts[origin]
        held = {name: self._held(node, origin) for name, node in self.nodes.items()}
        on_board = held.pop(origin)
        flying = sum(
            flight.piece.bits
            for node in self.nodes.values()
            for channel in node.channels
            for flight in channel.flights
            if flight.piece.origin == origin
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
        )

    @staticmethod
    def _held(node: Node, origin: str) -> int:
        stored = node.recorder or ()
        return sum(p.bits for p in stored if p.origin == origin) + sum(
            p.bits for p in node.inflow if p.origin == origin
        )


def _rank(piece: Piece) -> int:
    return piece.priority


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
