"""One link in operation: whole frames, lost frames, and data on the way."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.environment import Contact, Frame, Hop
from sim.physics.recorder import Piece

_NO_FRAME = Frame(1, 1)


class _Offer(NamedTuple):
    """Frames that fit until the next settlement, and how many of them will arrive."""

    frames: int
    arriving: int


@dataclass(slots=True)
class Flight:
    """A piece on its way, arriving evenly between two instants."""

    piece: Piece
    hop: Hop
    arrives_start_s: float
    arrives_stop_s: float

    def landed(self, now_s: float) -> Piece | None:
        """The part that has arrived by now, taken off; None if nothing has."""
        if self.arrives_stop_s <= now_s:
            return self.piece
        if self.arrives_start_s >= now_s:
            return None
        length = self.arrives_stop_s - self.arrives_start_s
        bits = int(self.piece.bits * ((now_s - self.arrives_start_s) / length))
        if bits == 0:
            return None
        head, self.piece = self.piece.split(bits)
        self.arrives_start_s = now_s
        return head


class Channel:
    """One link in operation: the destination it has chosen, its rate, the frame it is filling."""

    def __init__(
        self,
        link: str,
        hops: tuple[Hop, ...],
        retransmit: bool,
        draws: np.random.Generator | None = None,
    ) -> None:
        self.link = link
        self.hops = hops
        self.retransmit = retransmit
        self.hop: Hop | None = None
        self.contact: Contact | None = None
        self.rate_bps = 0
        self.frame = _NO_FRAME
        self.frame_loss = 0.0
        """Expected share of frames lost."""
        self.turns = 1
        """Users that share its terminals in turn, this one counted."""
        self.ready_s = 0
        """When acquisition is over."""
        self.is_on = False
        self.credit_bits = 0
        """Information bits of all turns since the last whole frame."""
        self._draws = draws
        """Where lost frames are drawn from; None: their expected share is lost."""
        self._carry = 0.0
        """Part of a frame that is still to be lost."""
        self._offered = _Offer(0, 0)
        self.flights: deque[Flight] = deque()

    @property
    def data_rate_bps(self) -> float:
        """User data per second once acquired; 0 while off."""
        if not self.is_on or self.hop is None:
            return 0.0
        return self.rate_bps * self.frame.data_bits / (self.frame.bits * self.turns)

    def sends_to(self, asset: str) -> bool:
        """Whether it sends to an asset now."""
        return self.is_on and self.hop is not None and self.hop.destination == asset

    def flies_to(self, asset: str) -> bool:
        """Whether something is on its way to an asset."""
        return any(flight.hop.destination == asset for flight in self.flights)

    def tune(
        self,
        hop: Hop | None,
        contact: Contact | None,
        rate_bps: int,
        ready_s: int,
        frame_loss: float = 0.0,
    ) -> None:
        """Point at a destination, or at none."""
        if hop is not self.hop or rate_bps != self.rate_bps:
            self.credit_bits = 0
        self.hop, self.contact, self.rate_bps = hop, contact, rate_bps
        self.frame = _NO_FRAME if hop is None else hop.frames[rate_bps]
        self.ready_s, self.frame_loss = ready_s, frame_loss

    def take_turns(self, turns: int) -> bool:
        """Share the terminals in turn from now on; whether that is a change."""
        if turns == self.turns:
            return False
        self.credit_bits, self.turns = 0, turns
        return True

    def allowance_bits(self, start_s: int, stop_s: int) -> int:
        """User data that whole frames can take up to `stop_s`; fills the current frame.

        Where lost frames are sent again, what arrives; the repeated frames take their part.
        """
        if not self.is_on or self.hop is None:
            self._offered = _Offer(0, 0)
            return 0
        self.credit_bits += self.rate_bps * max(0, stop_s - max(start_s, self.ready_s))
        frames = self.credit_bits // (self.frame.bits * self.turns)
        arriving = frames - self._lost_frames(frames) if self.retransmit else frames
        self._offered = _Offer(frames, arriving)
        return arriving * self.frame.data_bits

    def send(
        self, pieces: list[Piece], start_s: int, stop_s: int
    ) -> tuple[list[Piece], list[Piece], int]:
        """Take pieces on their way: what will arrive, what is lost, and the bits sent again."""
        moved = sum([piece.bits for piece in pieces])
        if self.hop is None or moved == 0:
            self._spend(0)
            return [], [], 0
        filled = -(-moved // self.frame.data_bits)
        if self.retransmit:
            again = self._repeated(filled)
            self._spend(filled + again)
            self._fly(pieces, self.hop, start_s, stop_s)
            return pieces, [], again * self.frame.data_bits
        self._spend(filled)
        lost_frames = self._lost_frames(filled)
        if self._draws is None:
            self._carry += filled * self.frame_loss - lost_frames
        lost_bits = min(lost_frames * self.frame.data_bits, moved)
        arriving, lost = divided(pieces, moved - lost_bits)
        self._fly(arriving, self.hop, start_s, stop_s)
        return arriving, lost, 0

    def _lost_frames(self, frames: int) -> int:
        """How many of some frames are lost: drawn, or the expected share with the rest carried."""
        if self.frame_loss <= 0.0 or frames == 0:
            return 0
        if self._draws is not None:
            return int(self._draws.binomial(frames, self.frame_loss))
        return min(frames, int(self._carry + frames * self.frame_loss))

    def _repeated(self, filled: int) -> int:
        """Frames sent again so that `filled` arrive, in proportion to what was offered."""
        offered = self._offered
        if filled >= offered.arriving:
            again = offered.frames - offered.arriving
        else:
            again = (offered.frames - offered.arriving) * filled // offered.arriving
        if self._draws is None:
            self._carry += (filled + again) * self.frame_loss - again
        return again

    def _spend(self, frames: int) -> None:
        if frames < self._offered.frames:
            self.credit_bits = 0  # idle frames filled the rest
        else:
            self.credit_bits -= frames * self.frame.bits * self.turns

    def _fly(self, pieces: list[Piece], hop: Hop, start_s: int, stop_s: int) -> None:
        """Put pieces on their way, each as it is made and as the rate allows.

        Pieces that are made at the same time share the link: each takes its part of it.
        """
        light_s = hop.light_time_s.at(stop_s)
        clock_s, end_s = float(max(start_s, self.ready_s)), float(stop_s)
        rate = self.data_rate_bps
        for piece in pieces:
            leaves_s = min(max(clock_s, piece.made_start_s), end_s)
            clock_s = min(leaves_s + piece.bits / rate, end_s)
            gone_s = min(max(clock_s, piece.made_stop_s), end_s)
            self.flights.append(Flight(piece, hop, leaves_s + light_s, gone_s + light_s))

    def landings(self, now_s: float) -> list[tuple[Hop, Piece, float, float]]:
        """What arrives by now: hop, piece, and its instants of arrival."""
        landed, flying = [], deque[Flight]()
        for flight in self.flights:
            start_s, stop_s = flight.arrives_start_s, flight.arrives_stop_s
            if stop_s <= now_s:
                landed.append((flight.hop, flight.piece, start_s, stop_s))
                continue
            flying.append(flight)
            piece = flight.landed(now_s)
            if piece is not None:
                landed.append((flight.hop, piece, start_s, now_s))
        self.flights = flying
        return landed


def divided(pieces: Iterable[Piece], bits: int) -> tuple[list[Piece], list[Piece]]:
    """The first `bits` of some pieces, and the rest."""
    head: list[Piece] = []
    rest: list[Piece] = []
    for piece in pieces:
        if bits <= 0:
            rest.append(piece)
        elif piece.bits <= bits:
            head.append(piece)
            bits -= piece.bits
        else:
            first, second = piece.split(bits)
            head.append(first)
            rest.append(second)
            bits = 0
    return head, rest
