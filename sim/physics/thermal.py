"""Heat of a vehicle: lumped nodes, the links between them, heaters and isotope sources.

Parameters and their checks; `sim.physics.stepping` moves them together with the battery.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.parameters import Fraction, Name, NonNegative, Parameters, Positive
from sim.physics.solar import MountParameters
from sim.track import Track

SPACE = "space"
GROUND = "ground"
SPACE_TEMPERATURE_K = 2.725
"""Cosmic microwave background; Fixsen 2009."""
PLUTONIUM_238_HALF_LIFE_H = 87.7 * 8766.0


class SunlitParameters(Parameters):
    """A face of a node that takes sunlight."""

    area_m2: Positive
    absorptance: Fraction
    mount: MountParameters


class NodeParameters(Parameters):
    """A part of the vehicle with one temperature."""

    heat_capacity_j_k: Positive
    initial_temperature_k: Positive
    survival_minimum_k: NonNegative | None = None
    operating_minimum_k: NonNegative | None = None
    operating_maximum_k: NonNegative | None = None
    survival_maximum_k: NonNegative | None = None
    sunlight: SunlitParameters | None = None

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> "NodeParameters":
        names = (
            "survival_minimum_k",
            "operating_minimum_k",
            "operating_maximum_k",
            "survival_maximum_k",
        )
        given = [(name, getattr(self, name)) for name in names if getattr(self, name) is not None]
        for (low_name, low), (high_name, high) in pairwise(given):
            if low > high:
                raise ValueError(
                    f"{low_name} is {low:g}; it must not lie above {high_name}, {high:g}"
                )
        return self


class SwitchParameters(Parameters):
    """When a link conducts: above or below a temperature of a node, or while the Sun is hidden."""

    node: Name | None = None
    closes_above_k: NonNegative | None = None
    closes_below_k: NonNegative | None = None
    hysteresis_k: NonNegative = 0.0
    """The link opens again so far on the other side of the temperature at which it closes."""
    closes: Literal["in_the_dark"] | None = None
    """A loop that runs while no sunlight reaches the vehicle."""
    open_share: Fraction = 0.0
    """Share of the link's conductance that is left when it is open."""

    @model_validator(mode="after")
    def _says_once_when(self) -> "SwitchParameters":
        given = [self.closes_above_k, self.closes_below_k, self.closes]
        if sum(value is not None for value in given) != 1:
            raise ValueError(
                "a switch needs exactly one of closes_above_k, closes_below_k and closes"
            )
        if (self.node is None) != (self.closes is not None):
            raise ValueError(
                "a switch with closes_above_k or closes_below_k names its node; one with closes does not"
            )
        return self


class HeatLinkParameters(Parameters):
    """A path of heat between two nodes, or from a node to `space` or `ground`."""

    between: tuple[Name, Name]
    conduction_w_k: NonNegative = 0.0
    radiation_w_k4: NonNegative = 0.0
    """Emittance times area times view factor times the Stefan-Boltzmann constant."""
    switch: SwitchParameters | None = None

    @model_validator(mode="after")
    def _joins_two(self) -> "HeatLinkParameters":
        first, second = self.between
        if first == second:
            raise ValueError(f"a link joins two different nodes, not '{first}' to itself")
        if {first, second} == {SPACE, GROUND}:
            raise ValueError("a link needs a node at one end; space and ground are not nodes")
        if self.conduction_w_k == 0.0 and self.radiation_w_k4 == 0.0:
            raise ValueError("a link needs conduction_w_k or radiation_w_k4 above 0")
        return self


class HeaterParameters(Parameters):
    """An electric heater on a thermostat."""

    node: Name
    power_w: Positive
    on_below_k: NonNegative
    off_above_k: NonNegative

    @model_validator(mode="after")
    def _thermostat_is_in_order(self) -> "HeaterParameters":
        if self.on_below_k >= self.off_above_k:
            raise ValueError(
                f"on_below_k is {self.on_below_k:g}; it must be less than off_above_k, "
                f"{self.off_above_k:g}"
            )
        return self


class IsotopeParameters(Parameters):
    """A radioisotope unit: heat into a node, and electric power if it has a converter."""

    heat_w: NonNegative = 0.0
    """Into its node, at the start of the run, without what becomes electric power."""
    electric_w: NonNegative = 0.0
    """At the bus, at the start of the run."""
    node: Name | None = None
    half_life_h: Positive = PLUTONIUM_238_HALF_LIFE_H
    """That of plutonium-238 by default."""

    @model_validator(mode="after")
    def _gives_something(self) -> "IsotopeParameters":
        if self.heat_w == 0.0 and self.electric_w == 0.0:
            raise ValueError("an isotope source needs heat_w or electric_w above 0")
        return self


class HeatParameters(Parameters):
    """The thermal network of a vehicle."""

    nodes: Annotated[dict[Name, NodeParameters], Field(min_length=1)]
    links: dict[Name, HeatLinkParameters] = Field(default_factory=dict)
    heaters: dict[Name, HeaterParameters] = Field(default_factory=dict)
    load_heat: dict[Name, Fraction] = Field(default_factory=dict)
    """Share of the vehicle's electric loads that becomes heat in each node; the rest leaves it."""

    @model_validator(mode="after")
    def _nodes_are_known(self) -> "HeatParameters":
        for name, node in self.named_nodes():
            if node not in self.nodes:
                raise ValueError(
                    f"{name} names the node '{node}', which is not among {', '.join(self.nodes)}"
                )
        for reserved in (SPACE, GROUND):
            if reserved in self.nodes:
                raise ValueError(f"'{reserved}' is reserved; call the node something else")
        if sum(self.load_heat.values()) > 1.0 + 1e-9:
            raise ValueError("the shares of load_heat add up to more than 1")
        return self

    @property
    def sunlit(self) -> list[str]:
        """Names of the nodes that take sunlight, in the order of the file."""
        return [name for name, node in self.nodes.items() if node.sunlight is not None]

    def named_nodes(self) -> list[tuple[str, str]]:
        """Each place in which a node is named, and the name."""
        named = [(f"load_heat.{node}", node) for node in self.load_heat]
        for name, heater in self.heaters.items():
            named.append((f"heaters.{name}.node", heater.node))
        for name, link in self.links.items():
            ends = [end for end in link.between if end not in (SPACE, GROUND)]
            named += [(f"links.{name}.between", end) for end in ends]
            if link.switch is not None and link.switch.node is not None:
                named.append((f"links.{name}.switch.node", link.switch.node))
        return named


@dataclass(frozen=True, eq=False)
class HeatTracks:
    """What the sky and the ground do to the nodes of a vehicle in one attitude at one place."""

    sunlight_w_m2: Track
    """Irradiance normal to the Sun, behind the horizon and in eclipse: zero in the dark."""
    absorbed_w: Mapping[str, Track] = field(default_factory=dict)
    """Sunlight that each sunlit node takes, by its name."""
    ground_temperature_k: Track | None = None
    """Needed where a link leads to `ground`."""


def decayed_share(half_life_h: float, t_s: float) -> float:
    """Share of an isotope source's first power that is left after `t_s`."""
    return float(0.5 ** (t_s / (3600.0 * half_life_h)))
