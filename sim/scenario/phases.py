"""Missions in phases: when each begins and ends, and where each vehicle is in it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from sim.clock import Clock
from sim.parameters import Name, NonNegative, Parameters, Positive, Utc


class Whereabouts(Parameters):
    """Where a vehicle is: exactly one of the three."""

    place: Name | None = None
    """A place under `places`."""
    trajectory: Name | None = None
    """A trajectory under `trajectories`."""
    aboard: Name | None = None
    """Another vehicle, which carries it."""

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        given = [self.place, self.trajectory, self.aboard]
        if sum(value is not None for value in given) != 1:
            raise ValueError("a vehicle is at exactly one of place, trajectory and aboard")
        return self


class Phase(Parameters):
    """A part of a mission; it begins where the one before ended."""

    title: str = ""
    start_utc: Utc | None = None
    """May be given as a check: it must be where the phase before ended."""
    end_utc: Utc | None = None
    duration_h: Positive | None = None
    """The last phase may leave both out and runs to the end of the scenario."""
    vehicles: dict[Name, Whereabouts] = Field(default_factory=dict)
    """Where vehicles are from its beginning on; those left out stay where they were."""

    @model_validator(mode="after")
    def _ends_once(self) -> Self:
        if self.end_utc is not None and self.duration_h is not None:
            raise ValueError("a phase ends by 'end_utc' or by 'duration_h', not both")
        return self


class Waypoint(Parameters):
    """A place that a rover reaches at a time."""

    utc: Utc
    place: Name
    distance_m: NonNegative | None = None
    """Driven since the waypoint before; the great circle if left out."""


class PhaseTimes(NamedTuple):
    """When a phase is, in seconds since the start; `stop_s` None runs to the end."""

    name: str
    start_s: int
    stop_s: int | None


def phase_times(phases: Mapping[str, Phase], clock: Clock) -> Iterator[PhaseTimes]:
    """The phases in order; raises `ValueError` where they overlap or leave a gap."""
    now_s, before = 0, ""
    names = list(phases)
    for name, phase in phases.items():
        if phase.start_utc is not None and clock.seconds(phase.start_utc) != now_s:
            what = "overlaps" if clock.seconds(phase.start_utc) < now_s else "leaves a gap after"
            raise ValueError(
                f"phases.{name}.start_utc {phase.start_utc} {what} "
                f"{f'phases.{before}' if before else 'the start of the scenario'}, which "
                f"{'ends' if before else 'is'} at {clock.utc(now_s)}; leave it out or make it that"
            )
        stop_s = _stop_s(phase, clock, now_s)
        if stop_s is None and name != names[-1]:
            raise ValueError(f"phases.{name} has no end; only the last phase may leave it out")
        if stop_s is not None and stop_s <= now_s:
            raise ValueError(
                f"phases.{name} ends at {clock.utc(stop_s)}, not after it begins at "
                f"{clock.utc(now_s)}"
            )
        yield PhaseTimes(name, now_s, stop_s)
        now_s, before = stop_s or now_s, name


def _stop_s(phase: Phase, clock: Clock, start_s: int) -> int | None:
    if phase.end_utc is not None:
        return clock.seconds(phase.end_utc)
    return None if phase.duration_h is None else start_s + round(phase.duration_h * 3600.0)
