"""Stations, relays and vehicles as they are written in a scenario; composed, no equations here."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.parameters import Fraction, Name, NonNegative, Parameters, Positive, Utc
from sim.physics.bus import PowerParameters
from sim.physics.links import LinkParameters
from sim.physics.recorder import RecorderParameters
from sim.physics.solar import AttitudeParameters
from sim.physics.terminals import TerminalParameters
from sim.scenario.behaviour import ActivityParameters, Mode, ModeParameters, Shedding, Transition
from sim.scenario.conditions import Period
from sim.scenario.phases import Waypoint
from sim.sky.geometry import PlaceParameters
from sim.sky.orbits import OrbitParameters

Terminals = Annotated[dict[Name, TerminalParameters], Field(min_length=1)]
HourOfDay = Annotated[float, Field(ge=0.0, le=24.0)]


class Allocation(Parameters):
    """When a station, or a relay, works for this mission; all the time if left out."""

    daily_utc_h: tuple[tuple[HourOfDay, HourOfDay], ...] = ()
    """Hours of every day in UTC, from and to; `[20, 4]` runs over midnight."""
    periods: tuple[Period, ...] = ()
    """Periods of UTC; with `daily_utc_h`, the times in both."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not self.daily_utc_h and not self.periods:
            raise ValueError("an allocation needs 'daily_utc_h' or 'periods', or both")
        for start_h, stop_h in self.daily_utc_h:
            if start_h == stop_h:
                raise ValueError(
                    f"daily_utc_h from {start_h:g} to {stop_h:g} is no time at all; for the whole "
                    "day write [0, 24]"
                )
        return self


class Outage(Parameters):
    """Time out of service by rule: every so often, for so long."""

    first_utc: Utc
    every_h: Positive
    duration_h: Positive

    @model_validator(mode="after")
    def _is_shorter_than_its_period(self) -> Self:
        if self.duration_h >= self.every_h:
            raise ValueError(
                f"duration_h {self.duration_h} leaves no service when every_h is {self.every_h}"
            )
        return self


class StationParameters(Parameters):
    """A ground station."""

    place: PlaceParameters | None = None
    """Where it stands; may be left out only where a contact plan says when it is in view."""
    terminals: Terminals
    allocated: Allocation | None = None
    setup_s: Annotated[int, Field(ge=0)] = 0
    """Time it needs before it can receive, at each contact."""
    diameter_m: Positive | None = None
    """Of its antenna, for the record."""


class RelayParameters(Parameters):
    """A relay satellite that stores and forwards, or repeats."""

    orbit: OrbitParameters | None = None
    """Its trajectory; may be left out only where a contact plan says when it is in view."""
    terminals: Terminals
    recorder: RecorderParameters | None = None
    """Its memory; a relay without one is a bent pipe."""
    allocated: Allocation | None = None
    outages: dict[Name, Outage] = Field(default_factory=dict)
    """Orbit maintenance and the like."""
    share: Fraction = 1.0
    """Share of every hour in which it works for this mission."""
    works_in_eclipse: bool = True
    """Whether its transponders stay on in the shadows of the Moon and the Earth."""


class LinkInUse(LinkParameters):
    """A link, and how it is used."""

    choose: Literal["highest_rate", "longest_pass", "in_order"] = "highest_rate"
    """Which of several destinations is taken."""
    retransmit: bool = False
    """Whether lost frames are sent again, as in CFDP class 2; otherwise they are gaps."""


class VehicleAttitude(AttitudeParameters):
    """A named attitude, and the panels that are folded in it."""

    folded: tuple[Name, ...] = ()
    """Arrays that give nothing in this attitude."""


class VehicleParameters(PowerParameters):
    """A lander or a rover: everything that lives on or near a body and has loads."""

    place: Name
    """A place under `places`: where it is unless a phase says otherwise, and whose lunar days count."""
    waypoints: tuple[Waypoint, ...] = ()
    """Places that it reaches later, in order."""
    attitudes: dict[Name, VehicleAttitude] = Field(default_factory=dict)
    """Named attitudes that modes refer to."""
    terminals: dict[Name, TerminalParameters] = Field(default_factory=dict)
    recorder: RecorderParameters | None = None
    modes: Annotated[dict[Mode, ModeParameters], Field(min_length=1)]
    initial_mode: Mode
    transitions: tuple[Transition, ...] = ()
    activities: dict[Name, ActivityParameters] = Field(default_factory=dict)
    commanded_by: tuple[Name, ...] = ()
    """The forward links that its commands come over, from the ground to the vehicle, under `links`.

    Those that end at the same asset are alternatives.
    """
    sheds: tuple[Shedding, ...] = ()
    """What is switched off when power is short."""
    mass_kg: NonNegative | None = None
    """For the record."""

    @model_validator(mode="after")
    def _knows_its_own_names(self) -> Self:
        self._check_modes()
        self._check_attitudes()
        self._check_units()
        self._check_activities()
        return self

    def _check_modes(self) -> None:
        if self.initial_mode not in self.modes:
            raise ValueError(
                f"initial_mode '{self.initial_mode}' is not among its modes {', '.join(self.modes)}"
            )
        for mode, parameters in self.modes.items():
            if parameters.attitude is not None and parameters.attitude not in self.attitudes:
                raise ValueError(
                    f"modes.{mode}.attitude '{parameters.attitude}' is not among its attitudes "
                    f"({', '.join(self.attitudes) or 'there are none'})"
                )
        for index, transition in enumerate(self.transitions):
            for mode in (transition.from_, transition.to):
                if mode not in self.modes and mode != "dead":
                    raise ValueError(
                        f"transitions.{index} names the mode '{mode}', which is not among its "
                        f"modes {', '.join(self.modes)}"
                    )
            if transition.from_ == transition.to:
                raise ValueError(f"transitions.{index} leads from '{transition.to}' to itself")

    def _check_attitudes(self) -> None:
        for name, attitude in self.attitudes.items():
            for array in attitude.folded:
                if array not in self.arrays:
                    raise ValueError(
                        f"attitudes.{name}.folded names '{array}', which is not among its arrays "
                        f"({', '.join(self.arrays) or 'there are none'})"
                    )

    def _check_units(self) -> None:
        for name, unit in self.units.items():
            if not unit.modes:
                raise ValueError(
                    f"units.{name} has states and no modes, so that it would never draw anything; "
                    f"say which state it has in which of {', '.join(self.modes)}"
                )
            for mode in unit.modes:
                if mode not in self.modes:
                    raise ValueError(
                        f"units.{name}.modes names '{mode}', which is not among its modes "
                        f"{', '.join(self.modes)}; it would never draw anything there"
                    )

    def _check_activities(self) -> None:
        for name, activity in self.activities.items():
            for mode in activity.modes:
                if mode not in self.modes:
                    raise ValueError(
                        f"activities.{name}.modes names '{mode}', which is not among its modes "
                        f"{', '.join(self.modes)}; it could never run"
                    )
            if activity.rate_bps and self.recorder is None:
                raise ValueError(f"activities.{name} makes data, but there is no recorder")
            if activity.command_bit and not self.commanded_by:
                raise ValueError(
                    f"activities.{name} has command_bit, but the vehicle has no 'commanded_by' "
                    "to say over which forward links its commands come"
                )
            if activity.reduces is not None and activity.reduces not in self.activities:
                raise ValueError(f"activities.{name}.reduces names no activity of this vehicle")
            if activity.reduces == name:
                raise ValueError(f"activities.{name}.reduces names itself; name what made the data")
