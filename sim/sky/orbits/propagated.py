"""Relays given by a state or by elements at an epoch, and integrated from there."""

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sim.constants import DAY_S, MOON_GM_KM3_S2, MOON_RADIUS_KM
from sim.parameters import Name, Parameters, Positive, Utc
from sim.sky.ephemeris import Ephemeris
from sim.sky.orbits.elements import (
    Axes,
    ElementsParameters,
    frozen_elements,
    kepler_states,
    orbit_axes,
    period_s,
    require_clear,
)
from sim.sky.orbits.gravity import BUILT_IN_DEGREE, load_field
from sim.sky.orbits.propagation import Forces, integrate
from sim.track import Track

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]


class StateParameters(Parameters):
    """Position and velocity from the Moon's centre."""

    position_km: Vector
    velocity_km_s: Vector


class FrozenParameters(Parameters):
    """A first guess of a frozen ellipse whose apolune stays over the south, to be integrated."""

    period_h: Positive
    inclination_deg: Annotated[float, Field(gt=39.2, lt=140.8)]
    """From the plane of the Moon's orbit."""
    ascending_node_deg: Annotated[float, Field(ge=-360.0, le=360.0)] = 0.0
    """From the direction of the Earth at the epoch."""


class GravityParameters(Parameters):
    """The Moon's field."""

    degree: Annotated[int, Field(ge=0, le=1200)] = BUILT_IN_DEGREE
    """Highest degree and order; 0 is a point mass."""
    file: str | None = None
    """SHADR file relative to the scenario; GRGM900C to degree 8 if left out."""


class SunlightParameters(Parameters):
    """Pressure of sunlight on a sphere."""

    area_m2: Positive
    mass_kg: Positive
    reflectivity: Annotated[float, Field(ge=1.0, le=2.0)] = 1.3
    """1 swallows all light, 2 throws it back."""


class ManeuverParameters(Parameters):
    """A change of velocity at an instant."""

    at_utc: Utc
    delta_v_m_s: Vector
    axes: Literal["local", "icrf"] = "local"
    """`local`: up, along the track, and across it (along the orbital momentum)."""


class PropagatedParameters(Parameters):
    """An orbit about the Moon that is integrated in the field of Moon, Earth and Sun."""

    kind: Literal["propagated"]
    center: Literal["moon"] = "moon"
    epoch_utc: Utc | None = None
    """The start of the scenario if left out."""
    elements: ElementsParameters | None = None
    state: StateParameters | None = None
    frozen: FrozenParameters | None = None
    frame: Axes = "mean_earth"
    """Axes of elements or state as they stand at the epoch; a frozen ellipse has its own."""
    gravity: GravityParameters = GravityParameters()
    sunlight: SunlightParameters | None = None
    """Left out: no pressure of sunlight."""
    maneuvers: dict[Name, ManeuverParameters] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_start(self) -> Self:
        if sum(start is not None for start in (self.elements, self.state, self.frozen)) != 1:
            raise ValueError("give exactly one of elements, state and frozen")
        return self


def compute_propagated(
    parameters: PropagatedParameters,
    ephemeris: Ephemeris,
    epoch_s: float,
    span_s: Floats,
    folder: Path,
) -> tuple[Track, dict[str, float]]:
    """The trajectory in the span (start, stop) and facts about it."""
    gravity, light = parameters.gravity, parameters.sunlight
    field = load_field(gravity.degree, None if gravity.file is None else folder / gravity.file)
    push = 0.0 if light is None else light.reflectivity * light.area_m2 / light.mass_kg
    forces = Forces(ephemeris, field, push)
    state = start_state(parameters, ephemeris, epoch_s)
    burns = sorted(
        (float(ephemeris.clock.seconds(burn.at_utc)), burn)
        for burn in parameters.maneuvers.values()
    )
    later = [burn for burn in burns if burn[0] >= epoch_s]
    earlier = [burn for burn in burns if burn[0] < epoch_s][::-1]
    legs = _legs(state, epoch_s, span_s, later, forces, 1.0)
    legs += _legs(state, epoch_s, span_s, earlier, forces, -1.0)
    track = Track.joined(sorted(legs, key=lambda leg: leg.start_s))
    distance = np.linalg.norm(track(track.edges_s), axis=0) - MOON_RADIUS_KM
    facts = {
        "period_d": _period_d(state),
        "lowest_height_km": float(distance.min()),
        "highest_height_km": float(distance.max()),
    }
    return track, facts


def start_state(parameters: PropagatedParameters, ephemeris: Ephemeris, epoch_s: float) -> Floats:
    """The state (6,) at the epoch along ICRF axes."""
    frame, elements = parameters.frame, parameters.elements
    if parameters.frozen is not None:
        frozen = parameters.frozen
        frame = "moon_orbit"
        elements = frozen_elements(
            frozen.period_h, frozen.inclination_deg, frozen.ascending_node_deg
        )
    axes = orbit_axes(frame, ephemeris, epoch_s)
    if parameters.state is not None:
        position = np.array(parameters.state.position_km)
        velocity = np.array(parameters.state.velocity_km_s)
    elif elements is not None:
        require_clear(elements, "moon")
        position, velocity = kepler_states(elements, "moon", 0.0)
    return np.concatenate([axes @ position, axes @ velocity])


def _legs(
    state: Floats,
    epoch_s: float,
    span_s: Floats,
    burns: list[tuple[float, ManeuverParameters]],
    forces: Forces,
    way: float,
) -> list[Track]:
    """Tracks from the epoch to one end of the span, cut at its ends and at the maneuvers."""
    far = span_s[1] if way > 0.0 else span_s[0]
    marks = {float(span_s[0]), float(span_s[1]), *(at for at, _ in burns)}
    ahead = (m for m in marks if (m - epoch_s) * way >= 0.0 and (far - m) * way >= 0.0)
    stops = sorted(ahead, reverse=way < 0.0)
    legs, here = [], epoch_s
    for there in stops:
        if there != here:
            leg, state = integrate(state, here, there, forces)
            here = there
            if leg.start_s >= span_s[0] and leg.stop_s <= span_s[1]:
                legs.append(leg)
        for at, burn in burns:
            if at == here:
                state = _burnt(state, burn, way)
    return legs


def _burnt(state: Floats, burn: ManeuverParameters, way: float) -> Floats:
    change = 1e-3 * way * np.array(burn.delta_v_m_s)
    if burn.axes == "local":
        up = state[:3] / np.linalg.norm(state[:3])
        momentum = np.cross(state[:3], state[3:])
        across = momentum / np.linalg.norm(momentum)
        change = np.column_stack([up, np.cross(across, up), across]) @ change
    return np.concatenate([state[:3], state[3:] + change])


def _period_d(state: Floats) -> float:
    """Period of the two-body orbit at the epoch; infinite where it is open."""
    energy = 0.5 * float(state[3:] @ state[3:]) - MOON_GM_KM3_S2 / float(np.linalg.norm(state[:3]))
    return float("inf") if energy >= 0.0 else period_s(-0.5 * MOON_GM_KM3_S2 / energy) / DAY_S
