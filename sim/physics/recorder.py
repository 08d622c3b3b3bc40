"""Solid-state recorders: data in whole bits, first in, first out within a priority.

The queue is the one store that changes in place: copying thousands of pieces at each event would
cost more than the whole simulation, and its books are kept in whole bits, which cannot drift.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from sim.parameters import Name, Parameters, Positive

BITS_PER_GB = 8_000_000_000
_EVEN_S = 1e-3  # how far from evenly data may be made and still count as one piece


class PartitionParameters(Parameters):
    """A part of a recorder that some products have to themselves."""

    capacity_gb: Positive
    products: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Activities whose data go here, and nowhere else."""


class RecorderParameters(Parameters):
    """A recorder and what it does when it is full."""

    capacity_gb: Positive
    """Room for user data, 1 GB = 1e9 bytes."""
    overflow: Literal["refuse", "drop_oldest", "drop_lowest_priority"] = "refuse"
    """What gives way when it is full: the new data, the oldest, or the least important."""
    partitions: dict[Name, PartitionParameters] = Field(default_factory=dict)
    """Parts of the capacity; data of other products share the rest."""

    @model_validator(mode="after")
    def _partitions_fit(self) -> Self:
        total_gb = sum(part.capacity_gb for part in self.partitions.values())
        if total_gb > self.capacity_gb:
            raise ValueError(
                f"the partitions hold {total_gb:g} GB together, more than capacity_gb "
                f"{self.capacity_gb:g}"
            )
        products = [name for part in self.partitions.values() for name in part.products]
        if len(set(products)) < len(products):
            raise ValueError("a product is named in two partitions")
        return self

    @property
    def capacity_bit(self) -> int:
        """Whole bits."""
        return int(self.capacity_gb * BITS_PER_GB)

    @property
    def rest_bit(self) -> int:
        """Room that no partition has to itself, in whole bits."""
        parts = self.partitions.values()
        return self.capacity_bit - sum(int(part.capacity_gb * BITS_PER_GB) for part in parts)


class Piece(NamedTuple):
    """Some bits of one product, made evenly between two instants."""

    origin: str
    """Vehicle that made it."""
    product: str
    """Activity that made it."""
    lunar_day: int
    """Lunar day of the origin in which it was made."""
    priority: int
    made_start_s: float
    made_stop_s: float
    bits: int

    def split(self, bits: int) -> tuple["Piece", "Piece"]:
        """The first `bits` of it, and the rest; the time of making is shared in proportion."""
        origin, product, day, priority, start_s, stop_s, all_bits = self
        cut_s = start_s + (stop_s - start_s) * (bits / all_bits)
        return (
            Piece(origin, product, day, priority, start_s, cut_s, bits),
            Piece(origin, product, day, priority, cut_s, stop_s, all_bits - bits),
        )

    def thinned(self, bits: int) -> "Piece":
        """As many bits of it, out of the whole time of its making."""
        return Piece(*self[:6], bits)

    def continues(self, earlier: "Piece") -> bool:
        """Whether this piece goes on where `earlier` ended, at the same rate.

        The same as far as no bit seems made a millisecond or a bit's own time too early or late.
        """
        if self.made_start_s != earlier.made_stop_s or self[:4] != earlier[:4]:
            return False
        before_s = earlier.made_stop_s - earlier.made_start_s
        after_s = self.made_stop_s - self.made_start_s
        apart = abs(self.bits * before_s - earlier.bits * after_s)
        return apart <= max(before_s + after_s, _EVEN_S * (self.bits + earlier.bits))

    def joined(self, later: "Piece") -> "Piece":
        """This piece and one that continues it, as one."""
        origin, product, day, priority, start_s, _, bits = self
        stop_s, bits = later.made_stop_s, bits + later.bits
        return Piece(origin, product, day, priority, start_s, stop_s, bits)


@dataclass(slots=True)
class _Copy:
    """Room that is kept for data under way, let go evenly between two instants."""

    part: str
    bits: int
    start_s: float
    stop_s: float


_REST = ""  # name of the part that no partition has to itself


class Recorder:
    """The data on board one asset, and its books."""

    __slots__ = ("_copies", "_lines", "_parts", "_ranks", "_room", "parameters", "used_bits")

    def __init__(self, parameters: RecorderParameters) -> None:
        self.parameters = parameters
        self.used_bits = 0
        self._copies: deque[_Copy] = deque()
        self._lines: dict[tuple[int, str], deque[Piece]] = {}
        self._ranks: list[tuple[int, str]] = []
        self._parts: dict[str, str] = {}
        self._room: dict[str, int] = {}
        for name, part in parameters.partitions.items():
            self._parts |= dict.fromkeys(part.products, name)
            self._room[name] = int(part.capacity_gb * BITS_PER_GB)
        self._room[_REST] = parameters.rest_bit

    @property
    def fill(self) -> float:
        """Used share of the capacity, copies of what is under way included."""
        kept = sum(copy.bits for copy in self._copies)
        return (self.used_bits + kept) / self.parameters.capacity_bit

    def free_bits(self, product: str) -> int:
        """Room left for a product."""
        return self._room[self._part(product)]

    def __iter__(self) -> Iterator[Piece]:
        for rank in self._ranks:
            yield from self._lines[rank]

    def put(self, piece: Piece) -> list[Piece]:
        """Store a piece; what finds no room, or gives way for it, is returned."""
        excess = piece.bits - self.free_bits(piece.product)
        victims: list[Piece] = []
        if excess > 0:
            victims, piece = self._make_room(piece, excess)
        if piece.bits > 0:
            self._append(piece)
        return victims

    def take(self, bits: int, priority: float = inf) -> list[Piece]:
        """Up to `bits` of the oldest of the most important data, down to a priority."""
        taken: list[Piece] = []
        while bits > 0:
            line = self._foremost()
            if line is None or line[0].priority > priority:
                break
            piece = line.popleft()
            if piece.bits > bits:
                piece, rest = piece.split(bits)
                line.appendleft(rest)
            taken.append(piece)
            bits -= piece.bits
            self._free(piece)
        return taken

    def keep(self, piece: Piece, start_s: float, stop_s: float) -> None:
        """Keep a copy of a piece under way, whose receipt is acknowledged between two instants.

        What finds no room is sent without one.
        """
        part = self._part(piece.product)
        bits = min(piece.bits, self._room[part])
        self._room[part] -= bits
        self._copies.append(_Copy(part, bits, start_s, stop_s))

    def acknowledge(self, now_s: float) -> None:
        """Let the copies go whose receipt is known by now."""
        for copy in self._copies:
            left_s = max(copy.stop_s - now_s, 0.0)
            share = min(left_s / max(copy.stop_s - copy.start_s, left_s), 1.0) if left_s else 0.0
            gone = copy.bits - int(copy.bits * share)
            self._room[copy.part] += gone
            copy.bits -= gone
            copy.start_s = max(copy.start_s, now_s)
        self._copies = deque(copy for copy in self._copies if copy.bits)

    def discard(self, product: str, since_s: float) -> list[Piece]:
        """Drop what is on board of a product made since an instant; returns it."""
        dropped = []
        for line in self._lines.values():
            gone = [p for p in line if p.product == product and p.made_start_s >= since_s]
            if gone:
                kept = [p for p in line if not (p.product == product and p.made_start_s >= since_s)]
                line.clear()
                line.extend(kept)
                dropped += gone
        for piece in dropped:
            self._free(piece)
        return dropped

    def reduce(self, product: str, factor: float) -> list[Piece]:
        """Divide what is on board of a product by a factor; returns what is gone."""
        gone = []
        for line in self._lines.values():
            pieces = list(line)
            line.clear()
            for piece in pieces:
                if piece.product == product:
                    kept, rest = piece.split(int(piece.bits / factor))
                    line.append(kept._replace(made_stop_s=piece.made_stop_s))
                    gone.append(rest)
                else:
                    line.append(piece)
        for piece in gone:
            self._free(piece)
        return gone

    def _foremost(self) -> deque[Piece] | None:
        """The line whose head goes first: the lowest rank, and the oldest within it."""
        found: deque[Piece] | None = None
        rank_found = 0
        for rank, part in self._ranks:
            line = self._lines[rank, part]
            if not line:
                continue
            if found is None:
                found, rank_found = line, rank
            elif rank > rank_found:
                break
            elif line[0].made_start_s < found[0].made_start_s:
                found = line
        return found

    def _make_room(self, piece: Piece, excess: int) -> tuple[list[Piece], Piece]:
        """What is dropped so that the returned piece fits."""
        victims: list[Piece] = []
        for rank in self._victim_ranks(piece):
            line = self._lines[rank]
            while line and excess > 0:
                oldest = line.popleft()
                if oldest.bits > excess:
                    oldest, rest = oldest.split(excess)
                    line.appendleft(rest)
                victims.append(oldest)
                excess -= oldest.bits
                self._free(oldest)
        if excess <= 0:
            return victims, piece
        if excess >= piece.bits:
            return [*victims, piece], piece._replace(bits=0)
        if self.parameters.overflow == "drop_oldest":
            gone, piece = piece.split(excess)
        else:
            piece, gone = piece.split(piece.bits - excess)
        return [*victims, gone], piece

    def _victim_ranks(self, piece: Piece) -> list[tuple[int, str]]:
        """The lines that give way, the first to do so first; those of its own part only."""
        part = self._part(piece.product)
        ranks = [rank for rank in self._ranks if rank[1] == part and self._lines[rank]]
        policy = self.parameters.overflow
        if policy == "refuse":
            return []
        if policy == "drop_lowest_priority":
            return [rank for rank in reversed(ranks) if rank[0] > piece.priority]
        return sorted(ranks, key=lambda rank: self._lines[rank][0].made_start_s)

    def _append(self, piece: Piece) -> None:
        line = self._line(piece)
        if line and piece.continues(line[-1]):
            line.append(line.pop().joined(piece))
        else:
            line.append(piece)
        self._occupy(piece)

    def _occupy(self, piece: Piece) -> None:
        self.used_bits += piece.bits
        self._room[self._part(piece.product)] -= piece.bits

    def _free(self, piece: Piece) -> None:
        self.used_bits -= piece.bits
        self._room[self._part(piece.product)] += piece.bits

    def _part(self, product: str) -> str:
        return self._parts.get(product, _REST)

    def _line(self, piece: Piece) -> deque[Piece]:
        rank = piece.priority, self._part(piece.product)
        if rank not in self._lines:
            self._lines[rank] = deque()
            insort(self._ranks, rank)
        return self._lines[rank]
