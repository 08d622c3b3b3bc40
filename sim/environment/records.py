"""What the environment holds: read-only, made before the clock starts, and nothing a vehicle changes."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.intervals import Intervals
from sim.physics.thermal import HeatTracks
from sim.scenario.schema import Scenario
from sim.track import Track

Floats = NDArray[np.float64]
ANY_ATTITUDE = ""
"""Key of a rate that does not depend on how a vehicle stands."""


@dataclass(frozen=True, slots=True)
class LunarDay:
    """One lunar day of a place, from local apparent midnight to the next; seconds since the start.

    `None` where the Sun does not rise, set or shine in it.
    """

    number: int
    start_s: float
    stop_s: float
    noon_s: float
    sunrise_s: float | None
    """The Sun's centre at elevation 0 on the smooth sphere, rising; the first of the day."""
    sunset_s: float | None
    """The same, setting; the last of the day."""
    first_light_s: float | None
    """First instant at which a part of the disc stands over the horizon mask."""
    last_light_s: float | None
    lit_s: float
    """Time with a part of the disc over the horizon mask."""


@dataclass(frozen=True, slots=True)
class PlaceSky:
    """The Sun at one place through the whole run and beyond it."""

    sun_elevation_deg: Track
    sun_azimuth_deg: Track
    """Continuous, so it may leave 0 to 360; take it modulo 360."""
    lunar_days: tuple[LunarDay, ...]
    """Every lunar day that the computed sky holds, before and after the run too."""
    lit: Intervals
    """When a part of the disc stands over the horizon mask and is not eclipsed wholly."""
    rising: Intervals
    """Between local midnight and local noon."""

    def lunar_day_at(self, t_s: float) -> LunarDay:
        """The lunar day that holds `t_s`."""
        index = bisect_right([day.start_s for day in self.lunar_days], t_s) - 1
        return self.lunar_days[max(index, 0)]


class Frame(NamedTuple):
    """What a transfer frame of one mode holds."""

    bits: int
    """Information bits at the input of the channel code."""
    data_bits: int
    """User data."""


class TerminalUse(NamedTuple):
    """A terminal at work in a hop."""

    asset: str
    terminal: str
    role: Literal["sends", "receives"]
    other_end: str
    frequency_hz: float
    other_end_km: Callable[[Floats], Floats]
    """Where it points: the other end in the asset's east, north and up, (3, N)."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A usable window of a link to one destination, in whole seconds `[start_s, stop_s)`."""

    start_s: int
    stop_s: int
    window_start_s: float
    """The window before rounding inward."""
    window_stop_s: float
    steps: Mapping[str, tuple[tuple[int, int], ...]]
    """By attitude: (from t_s on, rate_bps), the first at `start_s`."""
    losses: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By attitude: expected share of frames lost in each step, its mean over the step."""

    def rate_bps(self, t_s: int, attitude: str) -> int:
        """Exclusive-use rate at `t_s`; 0 outside the contact."""
        return self.step_at(t_s, attitude)[0]

    def step_at(self, t_s: int, attitude: str) -> tuple[int, float]:
        """Exclusive-use rate and share of frames lost at `t_s`; zeros outside the contact."""
        if not self.start_s <= t_s < self.stop_s:
            return 0, 0.0
        steps = self.steps_in(attitude)
        _, rate_bps, frame_loss = steps[bisect_right(steps, t_s, key=lambda step: step[0]) - 1]
        return rate_bps, frame_loss

    def steps_in(self, attitude: str) -> list[tuple[int, int, float]]:
        """From when on which exclusive-use rate, and which share of frames is lost."""
        key = attitude if self.steps.get(attitude) else next(iter(self.steps))
        steps = self.steps[key]
        losses = self.losses.get(key) or (0.0,) * len(steps)
        return [(*step, loss) for step, loss in zip(steps, losses, strict=True)]

    def capacity_bit(self, attitude: str) -> int:
        """Bits that the contact could carry in one attitude, used alone."""
        steps = self.steps.get(attitude) or self.steps[next(iter(self.steps))]
        stops = [start for start, _ in steps[1:]] + [self.stop_s]
        return sum(rate * (stop - start) for (start, rate), stop in zip(steps, stops, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """One direction of a link to one of its destinations, straight or over relays that repeat."""

    link: str
    source: str
    source_terminal: str
    destination: str
    destination_terminal: str
    geometric: Intervals
    """In view, whatever the service; windows with their milliseconds."""
    served: Intervals
    """When both ends work for this mission: allocation, outages, share of time."""
    contacts: tuple[Contact, ...]
    best_rate_bps: int
    """Highest rate of the ladder."""
    range_km: Callable[[Floats], Floats]
    """Length of the way, over all relays."""
    light_time_s: Track
    frames: Mapping[int, Frame]
    """The transfer frame of each mode, by rate."""
    uses: tuple[TerminalUse, ...]
    """The terminals at work, in the order of the signal."""
    via: tuple[str, ...] = ()
    """The terminals from which relays repeat what they hear, `RELAY.TERMINAL`."""
    onward: tuple[str, ...] = ()
    """The links over which they repeat it."""
    too_short: tuple[tuple[float, float], ...] = ()
    """Windows that hold no whole second."""
    from_source_km: Callable[[Floats], Floats] | None = None
    """The destination in the source's east, north and up, (3, N); None where that has no horizon."""
    from_destination_km: Callable[[Floats], Floats] | None = None
    """The source in the destination's east, north and up, the same way."""
    carrier_to_noise_dbhz: Mapping[str, Callable[[Floats], Floats]] = field(default_factory=dict)
    """Pt/N0 at times (N,), by attitude."""
    required_dbhz: Mapping[int, float] = field(default_factory=dict)
    """Pt/N0 at which a rate has no margin, by rate."""

    name: str = field(init=False)
    """`LINK:DESTINATION`, and where it is repeated; unique in a scenario."""

    def __post_init__(self) -> None:
        """Make the name, which is asked for millions of times."""
        over = f" via {', '.join(self.via)}" if self.via else ""
        name = f"{self.link}:{self.destination}.{self.destination_terminal}{over}"
        object.__setattr__(self, "name", name)


@dataclass(frozen=True, slots=True, eq=False)
class Environment:
    """All that is known before the first event: the sky, the contacts, the arrays' power."""

    scenario: Scenario
    clock: Clock
    duration_s: int
    """The run covers `[0, duration_s)`."""
    places: Mapping[str, PlaceSky]
    hops: tuple[Hop, ...]
    """In the order of the file: links, and their destinations."""
    array_power_w: Mapping[tuple[str, str], Track]
    """Power at the bus by (vehicle, attitude)."""
    heat: Mapping[tuple[str, str], HeatTracks] = field(default_factory=dict)
    """What sky and ground do to the thermal nodes, by (vehicle, attitude)."""
    ground_temperature_k: Mapping[str, Track] = field(default_factory=dict)
    """Of the surface, by the place of a vehicle, where the scenario says what it is made of."""
    whereabouts: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict)
    """From when on each vehicle is at which place or on which trajectory."""
    manifest: Mapping[str, str] = field(default_factory=dict)
    """Digests of the kernels and files that went in."""
    remarks: tuple[str, ...] = ()
    """What to know about them."""

    def lunar_days(self, vehicle: str) -> tuple[LunarDay, ...]:
        """The lunar days of a vehicle's place that the run touches."""
        place = self.scenario.vehicles[vehicle].place
        return tuple(
            day
            for day in self.places[place].lunar_days
            if day.stop_s > 0 and day.start_s < self.duration_s
        )

    def hops_of(self, link: str) -> tuple[Hop, ...]:
        """The hops of one link, a destination each; none of a link that only repeats others."""
        return tuple(hop for hop in self.hops if hop.link == link)

    def hops_over(self, link: str) -> tuple[Hop, ...]:
        """The hops of one link and those that a relay repeats over it."""
        return tuple(hop for hop in self.hops if link == hop.link or link in hop.onward)
