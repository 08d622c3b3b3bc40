"""What the units of a vehicle draw from its bus."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from sim.parameters import Efficiency, Fraction, Name, NonNegative, Parameters


class UnitParameters(Parameters):
    """One unit with the power of each of its states, and which state each vehicle mode puts it in."""

    states: Annotated[dict[Name, NonNegative], Field(min_length=1)]
    """Power of each state in watts."""
    modes: dict[str, Name] = Field(default_factory=dict)
    """State by vehicle mode; in a mode that is not named the unit draws nothing."""
    duty: Fraction = 1.0
    """Share of the time that the unit really draws it: a mean, for cycles shorter than events."""
    priority: int = 1
    """Units of the lowest priority are shed first."""

    @model_validator(mode="after")
    def _states_exist(self) -> "UnitParameters":
        for mode, state in self.modes.items():
            if state not in self.states:
                raise ValueError(
                    f"mode '{mode}' puts the unit into '{state}', which is not one of its states: "
                    f"{', '.join(sorted(self.states))}"
                )
        return self


class ConverterParameters(Parameters):
    """Power that distribution itself takes: `fixed_w` plus a share of the sum of the loads."""

    fixed_w: NonNegative = 0.0
    share: NonNegative = 0.0
    """Watts of overhead per watt of load."""
    efficiency: Efficiency = 1.0
    """Of a converter in series: the sum and its overhead are divided by it."""


def unit_load_w(unit: UnitParameters, mode: str) -> float:
    """Mean power of a unit in a vehicle mode, in watts."""
    state = unit.modes.get(mode)
    return 0.0 if state is None else unit.duty * unit.states[state]


def bus_load_w(converter: ConverterParameters | None, loads_w: float) -> float:
    """Power drawn from the bus when the units behind its converters draw `loads_w` together.

    Nothing is drawn, and no overhead, when the sum is zero: the distribution is switched off.
    """
    if converter is None or loads_w <= 0.0:
        return loads_w
    return (converter.fixed_w + (1.0 + converter.share) * loads_w) / converter.efficiency


def units_load_w(units: Mapping[str, UnitParameters], mode: str, shed: Iterable[str] = ()) -> float:
    """Sum of all units in a mode but those in `shed`, in watts, without converter overhead."""
    dropped = set(shed)
    return sum(unit_load_w(unit, mode) for name, unit in units.items() if name not in dropped)


def shedding_order(units: Mapping[str, UnitParameters]) -> list[str]:
    """Names of the units, the one to be shed first in front; ties in the order of the file."""
    return sorted(units, key=lambda name: units[name].priority)
