"""The one language of conditions: a quantity of a closed list against limits, all or any of them.

The same in transitions, in preconditions of activities and in rules; there are no expression
strings. Several keys of one condition mean all of them; `any:` holds where one of its members does.
"""

from math import inf
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.parameters import Name, NonNegative, Parameters, Utc

_RANGES = {
    "array_power_w": (0.0, inf),
    "sun_elevation_deg": (-90.0, 90.0),
    "sun_azimuth_deg": (0.0, 360.0),
    "state_of_charge": (0.0, 1.0),
    "recorder_fill": (0.0, 1.0),
    "temperature_k": (0.0, inf),
    "time_in_mode_s": (0.0, inf),
}
"""Where quantities can lie."""


class Limit(Parameters):
    """A quantity above one value, below another, or both; true after it has been so for `hold_s`."""

    above: float | None = None
    """True where the quantity is at or over this value."""
    below: float | None = None
    """True where the quantity is under this value."""
    hold_s: NonNegative = 0.0
    """How long it must have been so without a break."""
    hysteresis: NonNegative = 0.0
    """Once true, it stays true until the quantity is this much on the wrong side, in its unit."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("a limit needs 'above' or 'below', or both")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(
                f"above {self.above} and below {self.below} leave nothing between them"
            )
        return self


class NodeLimit(Limit):
    """A limit on the temperature of one thermal node."""

    node: Name
    """Name of the node under `heat.nodes` of the same vehicle."""


class Period(Parameters):
    """From one UTC time to another; an end that is left out is open."""

    after: Utc | None = None
    before: Utc | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.after is None and self.before is None:
            raise ValueError("a period needs 'after' or 'before', or both")
        return self


class Condition(Parameters):
    """What must be true; all keys that are given, together."""

    array_power_w: Limit | None = None
    """Power of the vehicle's arrays at the bus, in the attitude that it has then."""
    sun_elevation_deg: Limit | None = None
    """Elevation of the Sun's centre over the smooth horizon of the place."""
    sun_azimuth_deg: Limit | None = None
    """Azimuth of the Sun, 0 to 360 from north through east."""
    sun: Literal["rising", "setting"] | None = None
    """Before or after the local noon of the lunar day."""
    state_of_charge: Limit | None = None
    """State of charge of the vehicle's battery, 0 to 1."""
    recorder_fill: Limit | None = None
    """Used share of the vehicle's recorder, 0 to 1."""
    temperature_k: NodeLimit | None = None
    """Temperature of a thermal node."""
    time_in_mode_s: Limit | None = None
    """How long the vehicle has been in its mode."""
    contact: Name | None = None
    """A link that has a usable contact now, by its name under `links`."""
    contact_hold_s: NonNegative = 0.0
    """How long that contact must have lasted."""
    utc: Period | None = None
    """A period of UTC."""
    lunar_day: Limit | None = None
    """Number of the lunar day at the vehicle's place."""
    phase: Name | None = None
    """A phase of the mission."""
    done: Name | None = None
    """An activity of the same vehicle that has been completed at least once."""
    any: Annotated[tuple["Condition", ...], Field(min_length=1)] | None = None
    """Holds where at least one of these does."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(
                f"an empty condition; give one of {', '.join(type(self).model_fields)}"
            )
        return self

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        for name, (least, most) in _RANGES.items():
            limit = getattr(self, name)
            if limit is None:
                continue
            lies = f"lies between {least:g} and {most:g}" if most < inf else f"is {least:g} or more"
            if limit.above is not None and limit.above > most:
                raise ValueError(f"{name} above {limit.above:g} never holds; it {lies}")
            if limit.below is not None and limit.below <= least:
                raise ValueError(f"{name} below {limit.below:g} never holds; it {lies}")
        return self

    @property
    def leaves(self) -> tuple["Condition", ...]:
        """This condition and every one inside its `any`."""
        inner = tuple(leaf for member in self.any or () for leaf in member.leaves)
        return (self, *inner)


ALWAYS = Condition.model_construct(_fields_set=set())
"""The condition that always holds."""
