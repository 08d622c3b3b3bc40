"""The ground at a place: its temperature from a model of the soil, or from a table."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.parameters import Fraction, Parameters, Positive
from sim.physics.regolith import RegolithParameters
from sim.sky.geometry import PlaceParameters


class RegolithGround(RegolithParameters):
    """Surface temperature from heat conducted in the soil, in periodic steady state."""

    kind: Literal["regolith"]


class TableGround(Parameters):
    """Surface temperature by local time; in YAML the columns of a CSV named by `file`."""

    kind: Literal["table"]
    local_time_h: Annotated[tuple[float, ...], Field(min_length=2)]
    """Local solar time, 0 at midnight and below 24, rising; linear between rows and periodic."""
    temperature_k: Annotated[tuple[Positive, ...], Field(min_length=2)]
    albedo: Fraction = 0.12
    """For the sunlight that it reflects onto panels."""

    @model_validator(mode="after")
    def _rows_rise(self) -> Self:
        if len(self.local_time_h) != len(self.temperature_k):
            raise ValueError(
                f"local_time_h has {len(self.local_time_h)} values and temperature_k "
                f"{len(self.temperature_k)}; a table needs as many of both"
            )
        for earlier, later in pairwise(self.local_time_h):
            if later <= earlier:
                raise ValueError(f"local_time_h must rise, but {later:g} follows {earlier:g}")
        if self.local_time_h[0] < 0.0 or self.local_time_h[-1] >= 24.0:
            raise ValueError("local_time_h must lie from 0 to below 24")
        return self


class MissionPlace(PlaceParameters):
    """A place, and what its ground is like."""

    ground: Annotated[RegolithGround | TableGround, Field(discriminator="kind")] | None = None
    """Left out: the ground neither warms nor lights anything."""
