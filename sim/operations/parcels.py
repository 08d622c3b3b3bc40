"""Data on the move: pieces that come in, or go out, evenly between two instants."""

from collections.abc import Iterable
from typing import NamedTuple

from sim.physics.recorder import Piece

_EVEN_S = 1e-3  # how much later than evenly data may flow and still be counted as one flow


class Parcel(NamedTuple):
    """A piece that comes in, or goes out, evenly between two instants."""

    piece: Piece
    start_s: float
    stop_s: float

    def split(self, bits: int) -> tuple["Parcel", "Parcel"]:
        """The first `bits` of it, and the rest."""
        head, rest = self.piece.split(bits)
        cut_s = self.start_s + (self.stop_s - self.start_s) * (bits / self.piece.bits)
        return Parcel(head, self.start_s, cut_s), Parcel(rest, cut_s, self.stop_s)

    def parted(self, now_s: float) -> tuple["Parcel | None", "Parcel | None"]:
        """What of it has come by now, and what has not; None for nothing."""
        piece, start_s, stop_s = self
        if stop_s <= now_s:
            return self, None
        if start_s >= now_s:
            return None, self
        bits = int(piece.bits * ((now_s - start_s) / (stop_s - start_s)))
        return self.split(bits) if bits else (None, self)

    def joined(self, later: "Parcel") -> "Parcel | None":
        """This one and a later one together, if both are one even flow to a millisecond."""
        if later.start_s - self.stop_s > _EVEN_S or not later.piece.continues(self.piece):
            return None
        piece = self.piece.joined(later.piece)
        even_s = (later.stop_s - self.start_s) * (self.piece.bits / piece.bits)
        if abs(self.start_s + even_s - self.stop_s) > _EVEN_S:
            return None
        return Parcel(piece, self.start_s, later.stop_s)


def thinned(
    parcels: Iterable[Parcel], bits: int, lost_bits: int
) -> tuple[list[Parcel], list[Parcel]]:
    """What is left of some parcels of `bits` together when each loses its part, and what is lost."""
    left: list[Parcel] = []
    lost: list[Parcel] = []
    so_far = lost_so_far = 0
    for piece, start_s, stop_s in parcels:
        so_far += piece.bits
        gone = lost_bits * so_far // bits - lost_so_far
        lost_so_far += gone
        if gone:
            lost.append(Parcel(piece.thinned(gone), start_s, stop_s))
        if gone < piece.bits:
            left.append(Parcel(piece.thinned(piece.bits - gone), start_s, stop_s))
    return left, lost


def divided(parcels: Iterable[Parcel], bits: int) -> tuple[list[Parcel], list[Parcel]]:
    """The first `bits` of some parcels, and the rest."""
    head: list[Parcel] = []
    rest: list[Parcel] = []
    for parcel in parcels:
        if bits <= 0:
            rest.append(parcel)
        elif parcel.piece.bits <= bits:
            head.append(parcel)
            bits -= parcel.piece.bits
        else:
            first, second = parcel.split(bits)
            head.append(first)
            rest.append(second)
            bits = 0
    return head, rest
