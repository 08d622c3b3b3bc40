"""Commands from the ground: sequences that must come over the forward links before a run."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

from sim.environment import Environment, Hop
from sim.intervals import Intervals


@dataclass(frozen=True, slots=True)
class Uplink:
    """The forward path to a vehicle: open when each of its stages is, as slow as the slowest.

    Links that end at the same asset are one stage, and alternatives to each other.
    """

    starts_s: tuple[float, ...]
    stops_s: tuple[float, ...]
    rate_bps: int
    light_time_s: float

    @classmethod
    def of(cls, environment: Environment, links: tuple[str, ...]) -> "Uplink | None":
        """The path over links from the ground to a vehicle; None where it needs none."""
        if not links:
            return None
        stages: dict[str, list[Hop]] = {}
        # a relay that repeats makes one hop of several links, to be counted once
        for hop in dict.fromkeys(hop for link in links for hop in environment.hops_over(link)):
            stages.setdefault(hop.destination, []).append(hop)
        together = Intervals.between(0.0, float(environment.duration_s))
        for options in stages.values():
            together = together & Intervals.of(
                (contact.start_s, contact.stop_s) for hop in options for contact in hop.contacts
            )
        return cls(
            tuple(together.starts_s.tolist()),
            tuple(together.stops_s.tolist()),
            min((_lowest_rate_bps(options) for options in stages.values()), default=0),
            sum(max(hop.light_time_s.at(0.0) for hop in options) for options in stages.values()),
        )

    def arrival_s(self, from_s: float, bits: int) -> float:
        """When a sequence that is sent from an instant on has wholly arrived; never: infinity."""
        if self.rate_bps == 0:
            return inf
        left_s = bits / self.rate_bps
        index = max(bisect_right(self.starts_s, from_s) - 1, 0)
        for start_s, stop_s in zip(self.starts_s[index:], self.stops_s[index:], strict=True):
            begin_s = max(start_s, from_s)
            if stop_s - begin_s >= left_s:
                return ceil(begin_s + left_s + self.light_time_s)
            left_s -= max(0.0, stop_s - begin_s)
        return inf


def _lowest_rate_bps(hops: Sequence[Hop]) -> int:
    rates = [
        rate
        for hop in hops
        for contact in hop.contacts
        for steps in contact.steps.values()
        for _, rate in steps
        if rate > 0
    ]
    return min(rates, default=0)
