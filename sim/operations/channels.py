"""One link in operation: whole frames, lost frames, and data on the way."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.environment import Contact, Frame, Hop
from sim.physics.recorder import Piece, Recorder

_NO_FRAME = Frame(1, 1)
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

    def joined(self, later: "Parcel") -> "Parcel | None":
        """This one and a later one together, if both are one even flow to a millisecond."""
        if later.start_s - self.stop_s > _EVEN_S or not later.piece.continues(self.piece):
            return None
        piece = self.piece.joined(later.piece)
        even_s = (later.stop_s - self.start_s) * (self.piece.bits / piece.bits)
        if abs(self.start_s + even_s - self.stop_s) > _EVEN_S:
            return None
        return Parcel(piece, self.start_s, later.stop_s)


class _Offer(NamedTuple):
    """Frames that fit until the next settlement, and how many of them will arrive."""

    frames: int
    arriving: int


@dataclass(slots=True)
class Flight:
    """What is on its way over a hop, with the instants of its arrival."""

    parcel: Parcel
    hop: Hop

    def landed(self, now_s: float) -> Parcel | None:
        """The part that has arrived by now, taken off a flight that goes on; None if nothing has."""
        piece, start_s, stop_s = self.parcel
        if start_s >= now_s:
            return None
        bits = int(piece.bits * ((now_s - start_s) / (stop_s - start_s)))
        if bits == 0:
            return None
        head, self.parcel = self.parcel.split(bits)
        return head


class Channel:
    """One link in operation: the destination it has chosen, its rate, the frame it is filling."""

    def __init__(
        self,
        link: str,
        hops: tuple[Hop, ...],
        retransmit: bool,
        draws: np.random.Generator | None = None,
        recorder: Recorder | None = None,
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
        self._custodian = recorder if retransmit else None
        """Where copies stay until their receipt is acknowledged."""
        self._carry = 0.0
        """Part of a frame that is still to be lost."""
        self._offered = _Offer(0, 0)
        self.flights: deque[Flight] = deque()

    @property
    def data_rate_bps(self) -> float:
        """User data per second once acquired, without those that are sent again; 0 while off."""
        if not self.is_on or self.hop is None:
            return 0.0
        return self._loading_bps * (1.0 - self.frame_loss if self.retransmit else 1.0)

    @property
    def _loading_bps(self) -> float:
        """User data in the frames of a second."""
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
        self, parcels: list[Parcel], start_s: int, stop_s: int
    ) -> tuple[list[Parcel], list[Parcel], int]:
        """Take parcels on their way: what will arrive, what is lost, and the bits sent again."""
        moved = sum([parcel.piece.bits for parcel in parcels])
        if self.hop is None or moved == 0:
            self._spend(0)
            return [], [], 0
        filled = -(-moved // self.frame.data_bits)
        if self.retransmit:
            again = self._repeated(filled)
            self._spend(filled + again)
            self._fly(parcels, self.hop, start_s, stop_s, again / (filled + again))
            return parcels, [], again * self.frame.data_bits
        self._spend(filled)
        lost_frames = self._lost_frames(filled)
        if self._draws is None:
            self._carry += filled * self.frame_loss - lost_frames
        lost_bits = min(lost_frames * self.frame.data_bits, moved)
        arriving, lost = _thinned(parcels, moved, lost_bits) if lost_bits else (parcels, [])
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

    def _fly(
        self, parcels: list[Parcel], hop: Hop, start_s: int, stop_s: int, repeated: float = 0.0
    ) -> None:
        """Put parcels on their way, each as it comes in and as the rate allows.

        What is stored goes piece by piece; what comes in meanwhile goes as it comes, each taking
        its part of the link. A share `repeated` of each is lost at first and comes a round trip
        later.
        """
        light_s = hop.light_time_s.at(stop_s)
        free_s = queue_s = float(max(start_s, self.ready_s))
        rate = self._loading_bps * (1.0 - repeated)
        for piece, comes_s, is_in_s in parcels:
            leaves_s = min(max(queue_s, comes_s), stop_s)
            free_s = min(max(free_s, comes_s) + piece.bits / rate, stop_s)
            gone_s = min(max(free_s, is_in_s), stop_s)
            if is_in_s <= start_s:
                queue_s = free_s
            late_bits = int(piece.bits * repeated)
            prompt = piece._replace(bits=piece.bits - late_bits) if late_bits else piece
            self._take_off(prompt, hop, leaves_s, gone_s, light_s, trips=1)
            if late_bits:
                late = piece._replace(bits=late_bits)
                self._take_off(late, hop, leaves_s, gone_s, light_s, trips=3)

    def _take_off(
        self,
        piece: Piece,
        hop: Hop,
        leaves_s: float,
        gone_s: float,
        light_s: float,
        trips: int,
    ) -> None:
        """Put one piece on its way, which has come after so many trips; a copy waits for one more."""
        first_s, last_s = leaves_s + trips * light_s, gone_s + trips * light_s
        parcel = Parcel(piece, first_s, last_s)
        if self._custodian is not None:
            self._custodian.keep(piece, first_s + light_s, last_s + light_s)
        for flight in self.flights:
            if flight.parcel.piece.made_stop_s == piece.made_start_s and flight.hop is hop:
                whole = flight.parcel.joined(parcel)
                if whole is not None:
                    flight.parcel = whole
                    return
        self.flights.append(Flight(parcel, hop))

    def landings(self, now_s: float) -> list[tuple[Hop, Parcel]]:
        """What has arrived by now, and over which hop."""
        landed: list[tuple[Hop, Parcel]] = []
        flying = deque[Flight]()
        for flight in self.flights:
            if flight.parcel.stop_s <= now_s:
                landed.append((flight.hop, flight.parcel))
                continue
            flying.append(flight)
            parcel = flight.landed(now_s)
            if parcel is not None:
                landed.append((flight.hop, parcel))
        self.flights = flying
        return landed


def _thinned(
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
            lost.append(Parcel(piece._replace(bits=gone), start_s, stop_s))
        if gone < piece.bits:
            left.append(Parcel(piece._replace(bits=piece.bits - gone), start_s, stop_s))
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
