"""Solid-state recorders: data in whole bits, first in, first out within a priority.

The queue is the one store that changes in place: copying thousands of pieces at each event would
cost more than the whole simulation, and its books are kept in whole bits, which cannot drift.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from sim.parameters import Parameters, Positive

BITS_PER_GB = 8_000_000_000


class RecorderParameters(Parameters):
    """A recorder and what it does when it is full."""

    capacity_gb: Positive
    """Room for user data, 1 GB = 1e9 bytes."""
    overflow: Literal["refuse", "drop_oldest", "drop_lowest_priority"] = "refuse"
    """What gives way when it is full: the new data, the oldest, or the least important."""

    @property
    def capacity_bit(self) -> int:
        """Whole bits."""
        return int(self.capacity_gb * BITS_PER_GB)


@dataclass(frozen=True, slots=True)
class Piece:
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
        cut_s = self.made_start_s + (self.made_stop_s - self.made_start_s) * (bits / self.bits)
        head = replace(self, made_stop_s=cut_s, bits=bits)
        return head, replace(self, made_start_s=cut_s, bits=self.bits - bits)

    def continues(self, earlier: "Piece") -> bool:
        """Whether this piece goes on where `earlier` ended, at the same rate."""
        if (self.origin, self.product, self.lunar_day) != (
            earlier.origin,
            earlier.product,
            earlier.lunar_day,
        ) or self.made_start_s != earlier.made_stop_s:
            return False
        here = self.bits * (earlier.made_stop_s - earlier.made_start_s)
        there = earlier.bits * (self.made_stop_s - self.made_start_s)
        return here == there


class Recorder:
    """The data on board one asset, and its books."""

    __slots__ = ("_lines", "_ranks", "dropped_bits", "parameters", "peak_bits", "used_bits")

    def __init__(self, parameters: RecorderParameters) -> None:
        self.parameters = parameters
        self.used_bits = 0
        self.dropped_bits: dict[tuple[str, int], int] = {}
        """Bits lost to overflow, by origin and lunar day of making."""
        self.peak_bits = 0
        self._lines: dict[int, deque[Piece]] = {}
        self._ranks: list[int] = []

    @property
    def free_bits(self) -> int:
        """Room left."""
        return self.parameters.capacity_bit - self.used_bits

    @property
    def fill(self) -> float:
        """Used share of the capacity."""
        return self.used_bits / self.parameters.capacity_bit

    def __iter__(self) -> Iterator[Piece]:
        for rank in self._ranks:
            yield from self._lines[rank]

    def put(self, piece: Piece) -> list[Piece]:
        """Store a piece; what finds no room, or gives way for it, is returned and counted dropped."""
        if piece.bits == 0:
            return []
        excess = piece.bits - self.free_bits
        victims: list[Piece] = []
        if excess > 0:
            victims, piece = self._make_room(piece, excess)
        if piece.bits > 0:
            self._append(piece)
        for victim in victims:
            key = (victim.origin, victim.lunar_day)
            self.dropped_bits[key] = self.dropped_bits.get(key, 0) + victim.bits
        return victims

    def take(self, bits: int, product: str | None = None) -> list[Piece]:
        """Up to `bits` of the most important, oldest data, of one product only if named."""
        taken: list[Piece] = []
        for rank in list(self._ranks):
            if bits <= 0:
                break
            bits -= self._take_from(rank, bits, product, taken)
        return taken

    def give_back(self, pieces: list[Piece]) -> None:
        """Put pieces that were taken last back to the head of their lines."""
        for piece in reversed(pieces):
            self._line(piece.priority).appendleft(piece)
            self.used_bits += piece.bits

    def _take_from(self, rank: int, bits: int, product: str | None, taken: list[Piece]) -> int:
        line, got = self._lines[rank], 0
        kept: list[Piece] = []
        while line and got < bits:
            piece = line.popleft()
            if product is not None and piece.product != product:
                kept.append(piece)
                continue
            if piece.bits > bits - got:
                piece, rest = piece.split(bits - got)
                line.appendleft(rest)
            taken.append(piece)
            got += piece.bits
        line.extendleft(reversed(kept))
        self.used_bits -= got
        return got

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
                self.used_bits -= oldest.bits
        if excess > 0:
            if excess >= piece.bits:
                return [*victims, piece], replace(piece, bits=0)
            piece, refused = piece.split(piece.bits - excess)
            victims.append(refused)
        return victims, piece

    def _victim_ranks(self, piece: Piece) -> list[int]:
        policy = self.parameters.overflow
        if policy == "refuse":
            return []
        if policy == "drop_lowest_priority":
            return [rank for rank in reversed(self._ranks) if rank > piece.priority]
        return sorted(
            (rank for rank in self._ranks if self._lines[rank]),
            key=lambda rank: self._lines[rank][0].made_start_s,
        )

    def _append(self, piece: Piece) -> None:
        line = self._line(piece.priority)
        if line and piece.continues(line[-1]):
            last = line.pop()
            line.append(replace(last, made_stop_s=piece.made_stop_s, bits=last.bits + piece.bits))
        else:
            line.append(piece)
        self.used_bits += piece.bits
        self.peak_bits = max(self.peak_bits, self.used_bits)

    def _line(self, rank: int) -> deque[Piece]:
        if rank not in self._lines:
            self._lines[rank] = deque()
            insort(self._ranks, rank)
        return self._lines[rank]
