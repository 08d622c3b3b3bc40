"""What a vehicle does: modes, transitions between them, and activities."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.parameters import Count, Name, NonNegative, Parameters, Positive, Utc
from sim.scenario.conditions import Condition

Mode = Literal["dormant", "waking", "working", "napping", "safe", "dead"]
"""The closed set of modes of a vehicle."""

AWAKE: frozenset[str] = frozenset({"waking", "working", "napping", "safe"})
"""Modes that count as awake: the vehicle's main computer runs."""


class ModeParameters(Parameters):
    """What a mode draws, how the vehicle stands in it and what it may do in it."""

    load_w: NonNegative
    """Load of the mode itself, at the bus, without activities and transmitters."""
    attitude: Name | None = None
    """Named attitude under `attitudes`; level with the nose to the north if left out."""
    transmit: bool = False
    """Whether the vehicle's transmitters may be on in this mode."""


class Transition(Parameters):
    """A change of mode that happens as soon as its condition holds; the first in the file wins."""

    from_: Mode = Field(alias="from")
    to: Mode
    when: Condition


class Frames(Parameters):
    """Images as the source of data: width x height x depth x rate / compression."""

    width_px: Annotated[int, Field(gt=0)]
    height_px: Annotated[int, Field(gt=0)]
    bits_per_pixel: Annotated[int, Field(gt=0, le=64)]
    rate_hz: Positive
    compression: Annotated[float, Field(ge=1.0)] = 1.0

    @property
    def data_rate_bps(self) -> int:
        """Whole bits per second."""
        bits = self.width_px * self.height_px * self.bits_per_pixel
        return round(bits * self.rate_hz / self.compression)


class PlannedStart(Parameters):
    """When a run of an activity may start at the earliest, and is meant to."""

    utc: Utc | None = None
    lunar_day: int | None = None
    after_wake_h: NonNegative | None = None
    """Hours after the first wake of that lunar day."""
    before_sleep_h: NonNegative | None = None
    """Hours before the sleep that is planned for that lunar day."""

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        given = [self.utc, self.after_wake_h, self.before_sleep_h]
        by_day = self.utc is None
        if sum(value is not None for value in given) != 1 or (self.lunar_day is None) == by_day:
            raise ValueError(
                "a start is either 'utc', or 'lunar_day' with 'after_wake_h' or 'before_sleep_h'"
            )
        return self


class Timeline(Parameters):
    """A plan as columns, one run a row; in YAML they come from the CSV named by `file`."""

    utc: tuple[Utc, ...] = ()
    lunar_day: tuple[int, ...] = ()
    after_wake_h: tuple[NonNegative, ...] = ()
    before_sleep_h: tuple[NonNegative, ...] = ()

    @model_validator(mode="after")
    def _has_rows(self) -> Self:
        columns = sorted(name for name in type(self).model_fields if getattr(self, name))
        if columns not in (["utc"], ["after_wake_h", "lunar_day"], ["before_sleep_h", "lunar_day"]):
            raise ValueError(
                "a timeline has the column 'utc', or 'lunar_day' with 'after_wake_h' or "
                f"'before_sleep_h'; it has {', '.join(columns) or 'none of them'}"
            )
        hours = self.after_wake_h or self.before_sleep_h
        if not self.utc and len(hours) != len(self.lunar_day):
            raise ValueError(f"lunar_day has {len(self.lunar_day)} rows and its hours {len(hours)}")
        return self

    @property
    def starts(self) -> tuple[PlannedStart, ...]:
        """The rows."""
        if self.utc:
            return tuple(PlannedStart(utc=utc) for utc in self.utc)
        key = "after_wake_h" if self.after_wake_h else "before_sleep_h"
        hours = self.after_wake_h or self.before_sleep_h
        return tuple(
            PlannedStart.model_validate({"lunar_day": day, key: hour})
            for day, hour in zip(self.lunar_day, hours, strict=True)
        )


class ActivityParameters(Parameters):
    """Something that a vehicle does, with its load and its data."""

    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    """Modes in which it may run."""
    repeat: Literal["always", "once", "lunar_day", "contact"] = "once"
    """All the time, once, in every lunar day, or at every contact of the link in `when.contact`."""
    times: Annotated[int, Field(ge=1)] = 1
    """How often per lunar day or contact."""
    duration_s: Annotated[int, Field(gt=0)] | None = None
    """How long it lasts; none for what runs all the time."""
    pause_s: Count = 0
    """Least time between the end of one run and the start of the next."""
    at: tuple[PlannedStart, ...] = ()
    """A plan: one run for each entry, not before its time."""
    timeline: Timeline | None = None
    """The same from a table."""
    when: Condition | None = None
    """What must hold to start, and to go on."""
    start_when: Condition | None = None
    """What must hold to start only."""
    load_w: NonNegative = 0.0
    data_rate_bps: Count | None = None
    frames: Frames | None = None
    data_gb: NonNegative | None = None
    """Volume of one complete run, produced evenly."""
    reduces: Name | None = None
    """Activity whose data on board this one reduces, as processing on board."""
    reduction: Annotated[float, Field(ge=1.0)] = 1.0
    """By which factor it reduces them."""
    priority: Annotated[int, Field(ge=0, le=99)] = 50
    """Its data's rank on board and on the link; 1 goes before 2."""
    group: Name | None = None
    """Activities of one group run one at a time, the first in the file first."""
    when_cut: Literal["keep", "resume", "discard"] = "keep"
    """Cut short: count as done, finish the rest later, or drop the data of this run."""
    distance_m: NonNegative = 0.0
    """Distance driven in one complete run."""
    sample_kg: NonNegative = 0.0
    """Ground taken on board in one complete run."""
    deadline_h: Positive | None = None
    """Age on reception from which its data count as late; it does not change what is sent when."""
    command_bit: Count = 0
    """Volume of the command sequence that must have come from the ground before each run."""
    turnaround_s: Count = 0
    """Time on the ground to make the sequence, after the activity became possible."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        sources = [self.data_rate_bps, self.frames, self.data_gb]
        if sum(source is not None for source in sources) > 1:
            raise ValueError("give one of data_rate_bps, frames and data_gb, not several")
        if self.repeat == "always" and self.duration_s is not None:
            raise ValueError("an activity with 'repeat: always' has no duration_s; leave it out")
        if self.repeat != "always" and self.duration_s is None:
            raise ValueError("an activity needs a duration_s, or 'repeat: always'")
        if self.data_gb is not None and self.duration_s is None:
            raise ValueError("data_gb is a volume per run and needs a duration_s")
        if self.repeat == "contact" and (self.when is None or self.when.contact is None):
            raise ValueError("'repeat: contact' needs the link's name in when.contact")
        if (self.at or self.timeline) and self.repeat != "once":
            raise ValueError("an activity with a plan has no 'repeat'; leave it out")
        if self.at and self.timeline:
            raise ValueError("give the plan as 'at' or as 'timeline', not both")
        return self

    @model_validator(mode="after")
    def _reduces_by_a_factor(self) -> Self:
        if self.reduces is None and self.reduction > 1.0:
            raise ValueError("'reduction' needs 'reduces', the activity whose data it reduces")
        if self.reduces is not None and self.reduction == 1.0:
            raise ValueError("'reduces' needs 'reduction', the factor above 1 by which it does so")
        if self.reduces is not None and self.repeat == "always":
            raise ValueError(
                "data are reduced when a run is done, and 'repeat: always' is never done; "
                "give it a duration_s and another 'repeat'"
            )
        return self

    @property
    def starts(self) -> tuple[PlannedStart, ...]:
        """Its plan; empty where rules say when it runs."""
        return self.at if self.timeline is None else self.timeline.starts

    @property
    def rate_bps(self) -> int:
        """Whole bits per second while it runs."""
        if self.frames is not None:
            return self.frames.data_rate_bps
        if self.data_gb is not None and self.duration_s is not None:
            return round(self.data_gb * 8e9 / self.duration_s)
        return self.data_rate_bps or 0


class Shedding(Parameters):
    """While its condition holds, the less important units are switched off."""

    when: Condition
    priority_below: Annotated[int, Field(gt=0)]
    """Units whose `priority` is less than this are off."""
