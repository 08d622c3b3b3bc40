"""The root of a scenario: what one YAML file says, composed from the parameters of each domain.

Only what needs more than one domain is checked here: that names refer to something, that times lie
in order, that a link joins a transmitter to receivers.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.clock import Clock, tai_seconds
from sim.parameters import Count, Name, Parameters, Positive, Utc
from sim.physics.coding import Code
from sim.physics.terminals import TerminalParameters
from sim.scenario.assets import LinkInUse, RelayParameters, StationParameters, VehicleParameters
from sim.scenario.conditions import Condition
from sim.scenario.grounds import MissionPlace
from sim.scenario.messages import suggestion
from sim.scenario.phases import Phase, phase_times
from sim.scenario.reach import check_reach
from sim.scenario.routes import check_commands, check_routes
from sim.sky.orbits import OrbitParameters

Asset = StationParameters | RelayParameters | VehicleParameters


class Span(Parameters):
    """How long the run lasts: exactly one of the three."""

    lunar_days: Annotated[int, Field(gt=0)] | None = None
    """Through the end of this many lunar days, the one of the start being the first."""
    duration_h: Positive | None = None
    end_utc: Utc | None = None

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        given = [self.lunar_days, self.duration_h, self.end_utc]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of lunar_days, duration_h and end_utc")
        return self


class ContactPlanParameters(Parameters):
    """A contact plan in the format of ION, as the only source of contacts."""

    file: str
    """Relative to the scenario; lines `a contact` and `a range`."""
    nodes: dict[Name, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """Node number of each asset; 1, 2, 3 in the order vehicles, relays, stations if left out."""


class Scenario(Parameters):
    """A mission as one YAML file describes it."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    title: str = ""
    """One line for reports."""
    start_utc: Utc
    span: Span
    first_lunar_day: Annotated[int, Field(ge=0)] = 1
    """Number of the lunar day in which the run starts."""
    seed: Count = 1
    frame_loss: Literal["expected", "sampled"] = "expected"
    """Lost frames as their expected share, or drawn from the seeded stream of each link."""
    places: Annotated[dict[Name, MissionPlace], Field(min_length=1)]
    stations: dict[Name, StationParameters] = Field(default_factory=dict)
    relays: dict[Name, RelayParameters] = Field(default_factory=dict)
    vehicles: Annotated[dict[Name, VehicleParameters], Field(min_length=1)]
    links: dict[Name, LinkInUse] = Field(default_factory=dict)
    trajectories: dict[Name, OrbitParameters] = Field(default_factory=dict)
    """Paths of vehicles that descend, ascend or orbit."""
    phases: dict[Name, Phase] = Field(default_factory=dict)
    """The mission's parts, in order, where it has several."""
    contact_plan: ContactPlanParameters | None = None
    """A file that says when links are open, instead of orbits, views and budgets."""

    _sources: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _path: Path = PrivateAttr(default_factory=Path)
    _file_digests: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _codes: Mapping[str, Code] = PrivateAttr(default_factory=dict)

    @property
    def sources(self) -> Mapping[str, str]:
        """The text after `#` on a scalar's line, by the scalar's key path."""
        return self._sources

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that files named in the scenario are relative to."""
        return self._path.parent

    @property
    def file_digests(self) -> Mapping[str, str]:
        """SHA-256 of every file that the scenario names."""
        return self._file_digests

    @property
    def codes(self) -> Mapping[str, Code]:
        """Channel codes of the catalogue, by name."""
        return self._codes

    @property
    def clock(self) -> Clock:
        """The clock whose zero is the start."""
        return Clock.starting(self.start_utc)

    @property
    def assets(self) -> dict[str, Asset]:
        """Every asset by name: vehicles, relays, stations, in the order of the file."""
        return {**self.vehicles, **self.relays, **self.stations}

    def terminal(self, end: str) -> TerminalParameters:
        """The terminal that a link end `ASSET.TERMINAL` names; see `resolved_end`."""
        asset, terminal = self.resolved_end(end)
        return self.assets[asset].terminals[terminal]

    def resolved_end(self, end: str) -> tuple[str, str]:
        """Asset and terminal of a link end, the terminal left out where the asset has one only."""
        asset, _, terminal = end.partition(".")
        assets = self.assets
        if asset not in assets:
            raise ValueError(f"'{end}' names no asset; {suggestion(asset, list(assets))}")
        terminals = assets[asset].terminals
        if terminal in terminals:
            return asset, terminal
        if not terminal and len(terminals) == 1:
            return asset, next(iter(terminals))
        raise ValueError(
            f"'{end}' names no terminal of {asset}, which has "
            f"{', '.join(f'{asset}.{name}' for name in terminals) or 'none'}"
        )

    @property
    def node_numbers(self) -> dict[str, int]:
        """Number of each asset in contact plans, as in the file or in the order of the assets."""
        given = self.contact_plan.nodes if self.contact_plan is not None else {}
        return dict(given) or {name: number for number, name in enumerate(self.assets, 1)}

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        self._check_times()
        self._check_names()
        self._check_phases()
        self._check_contact_plan()
        for name, vehicle in self.vehicles.items():
            if vehicle.place not in self.places:
                raise ValueError(
                    f"vehicles.{name}.place '{vehicle.place}' is not among the places; "
                    f"{suggestion(vehicle.place, list(self.places))}"
                )
            self._check_conditions(name, vehicle)
            self._check_plans(name, vehicle)
            try:
                check_reach(vehicle)
            except ValueError as error:
                raise ValueError(f"vehicles.{name}.{error}") from None
        for name, link in self.links.items():
            self._check_link(name, link)
        check_routes(self)
        self._check_partitions()
        return self

    def _check_times(self) -> None:
        end = self.span.end_utc
        if end is not None and tai_seconds(end) <= tai_seconds(self.start_utc):
            raise ValueError(
                f"span.end_utc {self.span.end_utc} is not after start_utc {self.start_utc}"
            )

    def _check_names(self) -> None:
        groups: dict[str, Mapping[str, Asset]] = {
            "vehicles": self.vehicles,
            "relays": self.relays,
            "stations": self.stations,
        }
        seen: dict[str, str] = {}
        for group, assets in groups.items():
            for name in assets:
                if name in seen:
                    raise ValueError(
                        f"'{name}' stands under both {seen[name]} and {group}; asset names are "
                        "unique"
                    )
                seen[name] = group

    def _check_contact_plan(self) -> None:
        if self.contact_plan is None:
            for name, station in self.stations.items():
                if station.place is None:
                    raise ValueError(
                        f"stations.{name} needs a place where there is no contact_plan"
                    )
            for name, relay in self.relays.items():
                if relay.orbit is None:
                    raise ValueError(f"relays.{name} needs an orbit where there is no contact_plan")
            return
        numbers: dict[int, str] = {}
        for name, number in self.contact_plan.nodes.items():
            known(f"contact_plan.nodes.{name}: the asset", name, self.assets)
            if number in numbers:
                raise ValueError(
                    f"contact_plan.nodes gives {number} to both {numbers[number]} and {name}"
                )
            numbers[number] = name

    def _check_phases(self) -> None:
        list(phase_times(self.phases, self.clock))
        for name, phase in self.phases.items():
            for vehicle, whereabouts in phase.vehicles.items():
                where = f"phases.{name}.vehicles.{vehicle}"
                known(f"{where}: the vehicle", vehicle, self.vehicles)
                known(f"{where}.place", whereabouts.place, self.places)
                known(f"{where}.trajectory", whereabouts.trajectory, self.trajectories)
                known(f"{where}.aboard", whereabouts.aboard, self.vehicles)
        for name, rover in self.vehicles.items():
            for index, waypoint in enumerate(rover.waypoints):
                where = f"vehicles.{name}.waypoints.{index}.place"
                known(where, waypoint.place, self.places)

    def _check_conditions(self, name: str, vehicle: VehicleParameters) -> None:
        nodes = vehicle.heat.nodes if vehicle.heat is not None else {}
        for where, condition in conditions_of(vehicle):
            for leaf in condition.leaves:
                if leaf.contact is not None and leaf.contact not in self.links:
                    raise ValueError(
                        f"vehicles.{name}.{where}.contact '{leaf.contact}' is not among the links "
                        f"({', '.join(self.links) or 'there are none'})"
                    )
                known(f"vehicles.{name}.{where}.phase", leaf.phase, self.phases)
                if leaf.temperature_k is not None:
                    node = leaf.temperature_k.node
                    known(f"vehicles.{name}.{where}.temperature_k.node", node, nodes)
                if leaf.done is not None and leaf.done not in vehicle.activities:
                    raise ValueError(
                        f"vehicles.{name}.{where}.done '{leaf.done}' is not among its activities"
                    )
        for link in vehicle.commanded_by:
            known(f"vehicles.{name}.commanded_by", link, self.links)
        check_commands(self, name, vehicle.commanded_by)

    def _check_plans(self, name: str, vehicle: VehicleParameters) -> None:
        """Nothing can start before the run does; what lies after its end is said by the run."""
        for activity_name, activity in vehicle.activities.items():
            for start in activity.starts:
                if start.utc is not None and tai_seconds(start.utc) < tai_seconds(self.start_utc):
                    raise ValueError(
                        f"vehicles.{name}.activities.{activity_name}: the start planned for "
                        f"{start.utc} lies before the run, which begins at {self.start_utc}"
                    )

    def _check_partitions(self) -> None:
        """Partitions are for data that somebody makes, and leave room for the others."""
        made = {
            name: {key for key, activity in vehicle.activities.items() if activity.rate_bps}
            for name, vehicle in self.vehicles.items()
        }
        everywhere = set[str]().union(*made.values())
        holders: list[tuple[str, VehicleParameters | RelayParameters, set[str]]] = [
            (f"vehicles.{name}", vehicle, made[name]) for name, vehicle in self.vehicles.items()
        ]
        holders += [(f"relays.{name}", relay, everywhere) for name, relay in self.relays.items()]
        for where, asset, products in holders:
            recorder = asset.recorder
            if recorder is None:
                continue
            for part, partition in recorder.partitions.items():
                for product in partition.products:
                    if product not in everywhere:
                        raise ValueError(
                            f"{where}.recorder.partitions.{part}.products: '{product}' is no "
                            f"activity that makes data; {suggestion(product, sorted(everywhere))}"
                        )
            others = products - {p for part in recorder.partitions.values() for p in part.products}
            if others and recorder.rest_bit == 0:
                raise ValueError(
                    f"{where}.recorder: the partitions take all of capacity_gb "
                    f"{recorder.capacity_gb:g} and leave no room for {', '.join(sorted(others))}"
                )

    def _check_link(self, name: str, link: LinkInUse) -> None:
        key = "from"
        try:
            source = self.terminal(link.from_)
            if source.transmitter is None:
                raise ValueError(f"'{link.from_}' has no transmitter")
            key = "to"
            for end in link.to:
                if self.terminal(end).receiver is None:
                    raise ValueError(f"'{end}' has no receiver")
                if self.resolved_end(end)[0] == self.resolved_end(link.from_)[0]:
                    raise ValueError(f"'{link.from_}' and '{end}' are the same asset")
        except ValueError as error:
            raise ValueError(f"links.{name}.{key}: {error}") from None


def known(where: str, name: str | None, names: Mapping[str, object]) -> None:
    """Raise `ValueError` where a name that is given is not among those there are."""
    if name is not None and name not in names:
        raise ValueError(f"{where} '{name}' does not exist; there are {', '.join(names) or 'none'}")


def conditions_of(vehicle: VehicleParameters) -> Iterator[tuple[str, Condition]]:
    """Every condition of a vehicle with its key path inside the vehicle."""
    for index, transition in enumerate(vehicle.transitions):
        yield f"transitions.{index}.when", transition.when
    for name, activity in vehicle.activities.items():
        if activity.when is not None:
            yield f"activities.{name}.when", activity.when
        if activity.start_when is not None:
            yield f"activities.{name}.start_when", activity.start_when
    for index, shedding in enumerate(vehicle.sheds):
        yield f"sheds.{index}.when", shedding.when
