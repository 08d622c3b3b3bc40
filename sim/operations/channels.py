"""One link in operation: whole frames, lost frames, and data on the way."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np

from sim.environment import Contact, Frame, Hop
from sim.operations.parcels import Parcel, thinned
from sim.physics.recorder import Piece, Recorder
from sim.scenario.assets import LinkInUse

Steps = list[tuple[int, int, float]]

_NO_FRAME = Frame(1, 1)
_INSTANT_S = 1e-9


class _Offer(NamedTuple):
    """Frames that fit until the next settlement, and how many of them will arrive."""

    frames: int
    arriving: int


@dataclass(slots=True)
class Flight:
    """What is on its way over a hop, with the instants of its arrival."""

    parcel: Parcel
    hop: Hop


class Channel:
    """One link in operation: the destination it has chosen, its rate, the frame it is filling."""

    def __init__(
        self,
        link: str,
        hops: tuple[Hop, ...],
        parameters: LinkInUse,
        draws: np.random.Generator | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.link = link
        self.hops = hops
        self.retransmit = parameters.retransmit
        self.acquisition_s = ceil(parameters.acquisition_s)
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
        self._ahead: Steps = []
        """Rates and losses of the contact that are still to come."""
        self.is_on = False
        self.credit_bits = 0
        """Information bits of all turns since the last whole frame."""
        self._draws = draws
        """Where lost frames are drawn from; None: their expected share is lost."""
        self._custodian = recorder if parameters.retransmit else None
        """Where copies stay until their receipt is acknowledged."""
        self._carry = 0.0
        """Part of a frame that is still to be lost."""
        self._offered = _Offer(0, 0)
        self.flights: deque[Flight] = deque()

    def sends_to(self, asset: str) -> bool:
        """Whether it sends to an asset now."""
        return self.is_on and self.hop is not None and self.hop.destination == asset

    def flies_to(self, asset: str) -> bool:
        """Whether something is on its way to an asset."""
        return any(flight.hop.destination == asset for flight in self.flights)

    def turn_off(self) -> None:
        """Point at no destination."""
        self.hop = self.contact = None
        self.is_on, self.credit_bits, self.rate_bps, self.frame = False, 0, 0, _NO_FRAME
        self._ahead = []

    def tune(self, hop: Hop, contact: Contact, attitude: str, now_s: int, pointed_s: int) -> None:
        """Send over a contact from now on at the rates that it has in an attitude of the sender.

        Acquisition begins anew with each contact, once the terminals are `pointed_s`, and with
        each change of rate.
        """
        steps = contact.steps_in(attitude)
        index = bisect_right(steps, now_s, key=lambda step: step[0]) - 1
        if self.contact is not contact or self.hop is not hop:
            self.credit_bits, self.ready_s = 0, pointed_s + self.acquisition_s
            self.rate_bps = steps[index][1]
        self.hop, self.contact, self.is_on = hop, contact, True
        self._take_rate(*steps[index][1:], now_s)
        self._ahead = steps[index + 1 :]

    def follow(self, now_s: int) -> None:
        """Take the rate that the contact has from now on."""
        while self._ahead and self._ahead[0][0] <= now_s:
            step_s, rate_bps, frame_loss = self._ahead.pop(0)
            self._take_rate(rate_bps, frame_loss, step_s)

    def _take_rate(self, rate_bps: int, frame_loss: float, now_s: int) -> None:
        if rate_bps != self.rate_bps:
            self.credit_bits, self.ready_s = 0, max(now_s + self.acquisition_s, self.ready_s)
        self.rate_bps, self.frame_loss = rate_bps, frame_loss
        self.frame = self.hop.frames.get(rate_bps, _NO_FRAME) if self.hop else _NO_FRAME

    def steps_between(self, start_s: int, stop_s: int) -> list[int]:
        """When its rate or its losses change between two instants."""
        if not self._ahead or self._ahead[0][0] >= stop_s:
            return []
        return [step[0] for step in self._ahead if start_s < step[0] < stop_s]

    def outlook(self, now_s: int) -> Iterator[tuple[float, float]]:
        """From when on it will carry how much user data per second, as far as its contact goes."""
        if self.hop is None or self.contact is None:
            return
        steps = [(now_s, self.rate_bps, self.frame_loss), *self._ahead]
        stops_s = [step[0] for step in self._ahead] + [self.contact.stop_s]
        ready_s, rate_before_bps = self.ready_s, self.rate_bps
        for (start_s, rate_bps, frame_loss), stop_s in zip(steps, stops_s, strict=True):
            if rate_bps != rate_before_bps:
                ready_s, rate_before_bps = max(start_s + self.acquisition_s, ready_s), rate_bps
            yield start_s, 0.0
            if ready_s < stop_s:
                frame = self.hop.frames.get(rate_bps, _NO_FRAME)
                kept = 1.0 - frame_loss if self.retransmit else 1.0
                yield max(start_s, ready_s), kept * self._loading_bps(rate_bps, frame)
        yield self.contact.stop_s, 0.0

    def _loading_bps(self, rate_bps: int, frame: Frame) -> float:
        """User data in the frames of a second."""
        return rate_bps * frame.data_bits / (frame.bits * self.turns)

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
        arriving, lost = thinned(parcels, moved, lost_bits) if lost_bits else (parcels, [])
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

        What is stored goes piece by piece at the rate that more important data leave; what comes in
        meanwhile waits for what is stored before it, catches up, and goes as it comes from then on.
        A share `repeated` of each is lost at first and comes a round trip later.
        """
        light_s = hop.light_time_s.at(stop_s)
        rate_bps = self._loading_bps(self.rate_bps, self.frame) * (1.0 - repeated)
        begin_s = queue_s = float(max(start_s, self.ready_s))
        bits, ahead_bps = 0, 0.0
        for parcel in parcels:
            piece, comes_s, is_in_s = parcel
            bits += piece.bits
            least_s = begin_s + bits / rate_bps  # no sooner can so much have gone
            left_bps = max(rate_bps - ahead_bps, 1.0)
            gone_s = max(is_in_s, least_s)
            if is_in_s <= start_s:
                gone_s = queue_s + piece.bits / left_bps
            else:
                flow_bps = piece.bits / max(is_in_s - comes_s, _INSTANT_S)
                ahead_bps += flow_bps
                if comes_s < queue_s and flow_bps < left_bps:
                    even_s = (left_bps * queue_s - flow_bps * comes_s) / (left_bps - flow_bps)
                    waited, going = parcel.parted(min(even_s, stop_s))
                    if waited is not None and going is not None:
                        self._take_off(waited.piece, hop, queue_s, even_s, light_s, repeated)
                        piece, comes_s, _ = going
                    queue_s = even_s
            leaves_s, gone_s = min(max(queue_s, comes_s), stop_s), min(gone_s, stop_s)
            self._take_off(piece, hop, leaves_s, max(leaves_s, gone_s), light_s, repeated)
            if is_in_s <= start_s:
                queue_s = gone_s

    def _take_off(
        self,
        piece: Piece,
        hop: Hop,
        leaves_s: float,
        gone_s: float,
        light_s: float,
        repeated: float,
    ) -> None:
        """Put one piece on its way, the part of it that is repeated for two trips more."""
        late_bits = int(piece.bits * repeated)
        prompt = piece.thinned(piece.bits - late_bits) if late_bits else piece
        self._put_in_flight(prompt, hop, leaves_s + light_s, gone_s + light_s, light_s)
        if late_bits:
            first_s, last_s = leaves_s + 3.0 * light_s, gone_s + 3.0 * light_s
            self._put_in_flight(piece.thinned(late_bits), hop, first_s, last_s, light_s)

    def _put_in_flight(
        self, piece: Piece, hop: Hop, first_s: float, last_s: float, light_s: float
    ) -> None:
        """A flight that arrives between two instants; a copy stays until that is known here."""
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
