"""The frozen base of every parameter set, and the kinds of numbers that recur in them.

Parameters live beside the equations that use them; `scenario.schema` only composes them.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sim.clock import tai_seconds
from sim.errors import SimError

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share between nothing and all."""

Efficiency = Annotated[float, Field(gt=0.0, le=1.0)]
"""A share that may be all but not nothing."""

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
LatitudeDeg = Annotated[float, Field(ge=-90.0, le=90.0)]
LongitudeDeg = Annotated[float, Field(ge=-180.0, le=180.0)]
Count = Annotated[int, Field(ge=0)]

NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""What an asset, a place or a terminal may be called."""


def _checked_time(text: str) -> str:
    try:
        tai_seconds(text)
    except SimError as error:
        raise ValueError(str(error)) from None
    return text


Utc = Annotated[
    str,
    Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z$"),
    AfterValidator(_checked_time),
]
"""A time as `YYYY-MM-DDTHH:MM[:SS]Z`."""


class Parameters(BaseModel):
    """A set of parameters: frozen, no unknown keys, no silent conversion, no NaN or infinity.

    A variant is the whole dump validated again; `model_copy(update=...)` does not validate.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
