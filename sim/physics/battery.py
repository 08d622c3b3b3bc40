"""Stores of electrical energy: constant efficiencies, or tables of voltage and resistance.

A constant-efficiency battery is linear in energy, so that any interval in which surplus or deficit
keeps its sign is one exact step. A table battery is stepped by `sim.physics.bus`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Field, Tag, model_validator

from sim.parameters import Efficiency, Fraction, NonNegative, Parameters, Positive

Floats = NDArray[np.float64]


class ConstantBatteryParameters(Parameters):
    """A battery that loses a fixed share of what goes in and of what comes out."""

    kind: Literal["constant"] = "constant"
    capacity_wh: Positive
    """Energy between empty and full, counted inside the cells."""
    initial_state_of_charge: Fraction = 1.0
    charge_efficiency: Efficiency = 1.0
    """Share of the surplus that is stored."""
    discharge_efficiency: Efficiency = 1.0
    """Share of what leaves the cells that reaches the bus."""
    cutoff_state_of_charge: Fraction = 0.0
    """Charge at which the battery gives no more."""
    recovery_state_of_charge: Fraction | None = None
    """Charge at which loads are connected again after a cut-off; without it, as soon as there is power."""
    fade_per_lunar_day: Fraction = 0.0
    """Share of the capacity that is lost with each lunar day."""
    node: str | None = None
    """Thermal node that takes its losses as heat."""

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> "ConstantBatteryParameters":
        _check_limits(
            self.cutoff_state_of_charge, self.recovery_state_of_charge, self.initial_state_of_charge
        )
        return self


class CellTableParameters(Parameters):
    """Open-circuit voltage and resistance of the battery against state of charge at one temperature."""

    temperature_k: Positive
    state_of_charge: Annotated[tuple[Fraction, ...], Field(min_length=2)]
    voltage_v: Annotated[tuple[Positive, ...], Field(min_length=2)]
    resistance_ohm: Annotated[tuple[Positive, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _columns_fit(self) -> "CellTableParameters":
        lengths = {len(self.state_of_charge), len(self.voltage_v), len(self.resistance_ohm)}
        if len(lengths) > 1:
            raise ValueError(
                "state_of_charge, voltage_v and resistance_ohm must have the same number of values, "
                f"not {len(self.state_of_charge)}, {len(self.voltage_v)}, {len(self.resistance_ohm)}"
            )
        check_increasing("state_of_charge", self.state_of_charge)
        if any(later < earlier for earlier, later in pairwise(self.voltage_v)):
            raise ValueError(
                "voltage_v must not fall while state_of_charge rises; sort the rows by charge"
            )
        return self


class TableBatteryParameters(Parameters):
    """A battery whose losses follow from its voltage and resistance tables."""

    kind: Literal["table"]
    capacity_ah: Positive
    initial_state_of_charge: Fraction = 1.0
    tables: Annotated[tuple[CellTableParameters, ...], Field(min_length=1)]
    """One table per temperature, from cold to warm; beyond the ends the nearest one holds."""
    charge_limit_a: Positive | None = None
    discharge_limit_a: Positive | None = None
    charge_above_k: NonNegative = 0.0
    """No charging while the battery is colder."""
    capacity_temperature_k: tuple[Positive, ...] = ()
    capacity_share: tuple[Fraction, ...] = ()
    """Share of the capacity that can be drawn at each of `capacity_temperature_k`."""
    self_discharge_per_day: Fraction = 0.0
    """Share of the charge lost in 86,400 s."""
    cutoff_state_of_charge: Fraction = 0.0
    recovery_state_of_charge: Fraction | None = None
    fade_per_lunar_day: Fraction = 0.0
    temperature_k: Positive = 293.15
    """Temperature of a battery that is no thermal node; `stored_wh` counts from its table there."""
    node: str | None = None
    """Thermal node whose temperature the battery has and which takes its losses."""

    @model_validator(mode="after")
    def _tables_are_usable(self) -> "TableBatteryParameters":
        check_increasing("tables: temperature_k", [row.temperature_k for row in self.tables])
        check_increasing("capacity_temperature_k", self.capacity_temperature_k)
        if len(self.capacity_temperature_k) != len(self.capacity_share):
            raise ValueError(
                "capacity_temperature_k and capacity_share must have the same number of values, not "
                f"{len(self.capacity_temperature_k)} and {len(self.capacity_share)}"
            )
        _check_limits(
            self.cutoff_state_of_charge, self.recovery_state_of_charge, self.initial_state_of_charge
        )
        return self


def _battery_kind(given: Any) -> str:
    kind = given.get("kind", "constant") if isinstance(given, dict) else getattr(given, "kind", "")
    return str(kind)


BatteryParameters = Annotated[
    Annotated[ConstantBatteryParameters, Tag("constant")]
    | Annotated[TableBatteryParameters, Tag("table")],
    Discriminator(_battery_kind),
]
"""Either kind of battery; `kind: constant` may be left out."""


def joint_tables(battery: TableBatteryParameters) -> tuple[Floats, Floats, Floats]:
    """States of charge of all tables together (q,), voltages and resistances there (p, q)."""
    charge = np.unique(np.concatenate([table.state_of_charge for table in battery.tables]))
    voltage = [np.interp(charge, t.state_of_charge, t.voltage_v) for t in battery.tables]
    resistance = [np.interp(charge, t.state_of_charge, t.resistance_ohm) for t in battery.tables]
    return charge, np.array(voltage), np.array(resistance)


def check_increasing(name: str, values: Sequence[float]) -> None:
    """Raise `ValueError` unless `values` rise from each to the next."""
    for earlier, later in pairwise(values):
        if later <= earlier:
            raise ValueError(f"{name} must rise from row to row, but {later:g} follows {earlier:g}")


def _check_limits(cutoff: float, recovery: float | None, initial: float) -> None:
    if recovery is not None and recovery <= cutoff:
        raise ValueError(
            f"recovery_state_of_charge is {recovery:g}; it must lie above "
            f"cutoff_state_of_charge, {cutoff:g}"
        )
    if initial < cutoff:
        raise ValueError(
            f"initial_state_of_charge is {initial:g}; it must not lie below "
            f"cutoff_state_of_charge, {cutoff:g}"
        )
