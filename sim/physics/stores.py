"""What a vehicle's power and heat are made of, and the state of its stores.

Books, in watt-hours: generated = used + spilled + lost + change of stored; demanded = used + unmet.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from sim.constants import DAY_S
from sim.parameters import Name, Parameters
from sim.physics.battery import (
    BatteryParameters,
    ConstantBatteryParameters,
    TableBatteryParameters,
    joint_tables,
)
from sim.physics.loads import ConverterParameters, UnitParameters
from sim.physics.solar import ArrayParameters
from sim.physics.thermal import HeatParameters, IsotopeParameters, decayed_share

Quantity = Literal["state_of_charge", "array_power_w", "temperature_k"]
Direction = Literal["rising", "falling"]


class Level(NamedTuple):
    """A value that a store may pass: of the state of charge, or of a node's temperature in kelvin."""

    value: float
    direction: Direction
    node: str | None = None
    """Thermal node; None for the state of charge."""


class PowerParameters(Parameters):
    """Everything of a vehicle that makes, stores or takes energy."""

    arrays: dict[Name, ArrayParameters] = Field(default_factory=dict)
    battery: BatteryParameters
    isotopes: dict[Name, IsotopeParameters] = Field(default_factory=dict)
    units: dict[Name, UnitParameters] = Field(default_factory=dict)
    converter: ConverterParameters | None = None
    """Between the units and the bus; what it takes depends on their sum."""
    heat: HeatParameters | None = None
    """Without it the vehicle has no temperatures."""

    @model_validator(mode="after")
    def _power_nodes_exist(self) -> "PowerParameters":
        nodes = {} if self.heat is None else self.heat.nodes
        named = [(f"isotopes.{name}.node", source.node) for name, source in self.isotopes.items()]
        named.append(("battery.node", self.battery.node))
        for path, node in named:
            if node is not None and node not in nodes:
                raise ValueError(
                    f"{path} names the node '{node}', which is not among heat.nodes "
                    f"({', '.join(nodes) or 'there are none'})"
                )
        return self

    @property
    def is_linear(self) -> bool:
        """Whether the stores are linear, so that any span is one exact step."""
        return self.heat is None and isinstance(self.battery, ConstantBatteryParameters)


class BusState(NamedTuple):
    """Battery, temperatures and books of a vehicle at an instant; energies since the books began."""

    stored_wh: float
    """Energy in the cells."""
    capacity_wh: float
    """What they can hold now."""
    generated_wh: float = 0.0
    """By arrays and isotope generators."""
    demanded_wh: float = 0.0
    used_wh: float = 0.0
    """What loads and heaters received."""
    spilled_wh: float = 0.0
    """What arrays could have given and nothing could take."""
    lost_wh: float = 0.0
    """In charging, discharging and by self-discharge."""
    unmet_wh: float = 0.0
    is_cut_off: bool = False
    """Whether the battery has disconnected the loads until it has recovered."""
    lowest_state_of_charge: float = 1.0
    """Since the books began."""
    charge_ah: float = 0.0
    """Charge in the cells of a table battery; 0 for the other kind."""
    capacity_ah: float = 0.0
    temperatures_k: tuple[float, ...] = ()
    """Of the nodes, in the order of the file."""
    heaters_on: tuple[bool, ...] = ()
    links_closed: tuple[bool, ...] = ()
    leaked_wh: float = 0.0
    """Part of `lost_wh` by self-discharge."""
    heater_wh: float = 0.0
    """Part of `used_wh` that heaters took."""
    dissipated_wh: float = 0.0
    """Electric energy that became heat in the nodes, heaters and battery losses included."""
    isotope_heat_wh: float = 0.0
    sunlight_heat_wh: float = 0.0
    space_heat_wh: float = 0.0
    """Heat that left to space; less what came."""
    ground_heat_wh: float = 0.0
    """Heat that left to the ground; less what came."""

    @property
    def state_of_charge(self) -> float:
        """Stored share of what the battery can hold."""
        if self.capacity_ah > 0.0:
            return self.charge_ah / self.capacity_ah
        return self.stored_wh / self.capacity_wh


def initial_state(parameters: PowerParameters) -> BusState:
    """The state at the start of a run, with empty books."""
    battery, heat = parameters.battery, parameters.heat
    nodes = {} if heat is None else heat.nodes
    charge = battery.initial_state_of_charge
    if isinstance(battery, ConstantBatteryParameters):
        capacity_wh, capacity_ah = battery.capacity_wh, 0.0
        stored_wh = charge * capacity_wh
    else:
        capacity_ah = battery.capacity_ah
        capacity_wh = stored_energy_wh(battery, 1.0)
        stored_wh = stored_energy_wh(battery, charge)
    return BusState(
        stored_wh=stored_wh,
        capacity_wh=capacity_wh,
        lowest_state_of_charge=charge,
        charge_ah=charge * capacity_ah,
        capacity_ah=capacity_ah,
        temperatures_k=tuple(node.initial_temperature_k for node in nodes.values()),
        heaters_on=(False,) * (0 if heat is None else len(heat.heaters)),
        links_closed=(False,) * (0 if heat is None else len(heat.links)),
    )


def stored_energy_wh(battery: TableBatteryParameters, state_of_charge: float) -> float:
    """Energy at open-circuit voltage between empty and a state of charge, at `temperature_k`."""
    charge, voltages, _ = joint_tables(battery)
    warm = [table.temperature_k for table in battery.tables]
    voltage = [np.interp(battery.temperature_k, warm, column) for column in voltages.T]
    grid = np.union1d(charge[charge < state_of_charge], [0.0, state_of_charge])
    return float(np.trapezoid(np.interp(grid, charge, voltage), grid) * battery.capacity_ah)


def temperature_k(parameters: PowerParameters, state: BusState, node: str) -> float:
    """Temperature of a thermal node."""
    nodes = [] if parameters.heat is None else list(parameters.heat.nodes)
    return state.temperatures_k[nodes.index(node)]


def opened(state: BusState) -> BusState:
    """The same stores with empty books."""
    return BusState(
        stored_wh=state.stored_wh,
        capacity_wh=state.capacity_wh,
        is_cut_off=state.is_cut_off,
        lowest_state_of_charge=state.state_of_charge,
        charge_ah=state.charge_ah,
        capacity_ah=state.capacity_ah,
        temperatures_k=state.temperatures_k,
        heaters_on=state.heaters_on,
        links_closed=state.links_closed,
    )


def aged(parameters: PowerParameters, state: BusState) -> BusState:
    """The state after one more lunar day of fade; energy above the new capacity is lost."""
    kept = 1.0 - parameters.battery.fade_per_lunar_day
    if kept == 1.0:
        return state
    capacity_wh, capacity_ah = state.capacity_wh * kept, state.capacity_ah * kept
    stored_wh, charge_ah = min(state.stored_wh, capacity_wh), min(state.charge_ah, capacity_ah)
    return state._replace(
        capacity_wh=capacity_wh,
        capacity_ah=capacity_ah,
        stored_wh=stored_wh,
        charge_ah=charge_ah,
        lost_wh=state.lost_wh + state.stored_wh - stored_wh,
    )


def lifeless(parameters: PowerParameters) -> PowerParameters:
    """The same vehicle once it is dead: nothing switches its heaters on any more."""
    heat = parameters.heat
    if heat is None or not heat.heaters:
        return parameters
    never = {"on_below_k": 0.0, "off_above_k": 0.0}
    heaters = {name: heater.model_copy(update=never) for name, heater in heat.heaters.items()}
    cold = heat.model_copy(update={"heaters": heaters})
    return parameters.model_copy(update={"heat": cold})


def isotope_power_w(isotopes: Mapping[str, IsotopeParameters], t_s: float) -> float:
    """Electric power of all isotope generators on the day of `t_s`: decay goes in steps of a day."""
    noon_s = (t_s // DAY_S + 0.5) * DAY_S
    return sum(i.electric_w * decayed_share(i.half_life_h, noon_s) for i in isotopes.values())
