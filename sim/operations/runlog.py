"""What a run leaves behind: changes only. Series at any cadence are derived from it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sim.physics.bus import BusState
from sim.physics.recorder import Piece


class Event(NamedTuple):
    """A change, and what brought it about."""

    t_s: int
    asset: str
    event: str
    """mode, activity, link, recorder, contact, battery, heat."""
    subject: str
    before: str
    after: str
    cause: str


class Flow(NamedTuple):
    """The energy of a vehicle from `t_s` on, until the next entry."""

    t_s: int
    state: BusState
    load_w: float
    attitude: str
    array_share: float = 1.0
    """What dust and ageing have left of the arrays' power."""
    is_alive: bool = True
    """Whether thermostats still switch heaters."""


class Level(NamedTuple):
    """Bits on board one asset at `t_s`; linear between entries."""

    t_s: int
    on_board_bits: int


class Delivery(NamedTuple):
    """A piece of data that reached the Earth, evenly between two instants."""

    piece: Piece
    station: str
    arrived_start_s: float
    arrived_stop_s: float
    link: str = ""
    """The link that brought it down."""


class Waiting(NamedTuple):
    """A piece of data that had not reached the Earth when the run ended."""

    piece: Piece
    asset: str
    """Who holds it; nobody while it is in flight."""


class ContactUse(NamedTuple):
    """What one channel moved over one destination between two instants at one rate.

    No use runs across an instant at which books were written down."""

    hop: str
    start_s: int
    stop_s: int
    rate_bps: int
    moved_bits: int
    """User data that arrives."""
    lost_bits: int
    """User data that was sent and is lost, or is sent again later."""
    acquiring_s: int = 0
    """Seconds at the start in which nothing could be sent yet."""
    turns: int = 1
    """Users that shared its terminals in turn, this one counted."""

    def lengthened(self, later: "ContactUse") -> "ContactUse":
        """This use and one that goes on with it, as one."""
        hop, start_s, _, rate_bps, moved_bits, lost_bits, acquiring_s, turns = self
        moved_bits, lost_bits = moved_bits + later.moved_bits, lost_bits + later.lost_bits
        stop_s = later.stop_s
        return ContactUse(hop, start_s, stop_s, rate_bps, moved_bits, lost_bits, acquiring_s, turns)


class Wait(NamedTuple):
    """A link that had data and a contact, but no terminal free for it."""

    link: str
    start_s: int
    stop_s: int


@dataclass(frozen=True, slots=True)
class DataCounts:
    """Whole bits of one vehicle's data since the start of the run."""

    produced: int = 0
    handed_over: int = 0
    """Left the vehicle and reached the first relay or the Earth, or are on the way."""
    delivered: int = 0
    dropped: int = 0
    lost: int = 0
    on_board: int = 0
    in_relays: int = 0
    in_flight: int = 0
    delivered_by_day: Mapping[int, int] = field(default_factory=dict)
    """Delivered so far, by the lunar day in which the data were made."""
    dropped_on_board: int = 0
    """The part of `dropped` that the vehicle itself dropped."""
    lost_on_first_hop: int = 0
    crowded_out: int = 0
    """The part of `dropped` that found no room, on board or in relays."""
    crowded_out_on_board: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The books of one vehicle at an instant: start, end, and each change of lunar day."""

    t_s: int
    lunar_day: int
    """The lunar day that ends here (or the last one, at the end of the run)."""
    bus: BusState
    """With the energy books of this lunar day alone."""
    data: DataCounts


@dataclass(frozen=True, slots=True)
class RunLog:
    """One run. Lists are in the order of time; mappings in the order of the scenario."""

    events: list[Event] = field(default_factory=list)
    flows: dict[str, list[Flow]] = field(default_factory=dict)
    levels: dict[str, list[Level]] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    uses: list[ContactUse] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    snapshots: dict[str, list[Snapshot]] = field(default_factory=dict)
    activity_runs: dict[tuple[str, str], int] = field(default_factory=dict)
    """Completed runs by (vehicle, activity)."""
    processed_events: int = 0
    """Events that the clock went through."""
