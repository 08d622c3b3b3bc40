"""Trajectories of relays: parameters of every kind, and the one call that computes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sim import cache as store
from sim.parameters import Parameters
from sim.sky.ephemeris import Ephemeris
from sim.sky.kernels import load_kernels
from sim.sky.orbits.elements import (
    Axes,
    ElementsParameters,
    kepler_states,
    orbit_axes,
    period_s,
    require_clear,
)
from sim.sky.orbits.halo import HaloParameters, compute_halo
from sim.sky.orbits.orbit import Center, Orbit
from sim.sky.orbits.pulsating import PulsatingAxes
from sim.track import Track

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]


class KeplerianParameters(Parameters):
    """A two-body orbit, for sketches."""

    kind: Literal["keplerian"]
    center: Center = "moon"
    elements: ElementsParameters
    frame: Axes = "mean_earth"
    """Axes of the elements, as they stand at the epoch."""
    epoch_utc: str | None = None
    """The start of the scenario if left out."""


OrbitParameters = Annotated[KeplerianParameters | HaloParameters, Field(discriminator="kind")]


def compute_orbit(
    parameters: OrbitParameters,
    ephemeris: Ephemeris,
    start_s: float,
    stop_s: float,
    *,
    folder: Path,
    cache: bool = True,
    progress: Progress | None = None,
) -> Orbit:
    """The trajectory in `[start_s, stop_s]`; files that it names are relative to `folder`."""
    clock = ephemeris.clock
    epoch_s = 0.0 if parameters.epoch_utc is None else float(clock.seconds(parameters.epoch_utc))
    span_s = np.array([start_s, stop_s])
    key = store.digest(
        {
            "parameters": parameters.model_dump(mode="json"),
            "start_tai_s": clock.start_tai_s,
            "span_s": span_s.tolist(),
            "kernels": load_kernels().digests,
        }
    )
    if isinstance(parameters, KeplerianParameters):
        return _keplerian(parameters, ephemeris, epoch_s, span_s, key)
    track = compute_halo(parameters, PulsatingAxes(ephemeris), epoch_s, span_s)
    return Orbit(track, clock, key)


def _keplerian(
    parameters: KeplerianParameters,
    ephemeris: Ephemeris,
    epoch_s: float,
    span_s: Floats,
    key: str,
) -> Orbit:
    center = parameters.center
    require_clear(parameters.elements, center)
    axes = orbit_axes(parameters.frame, ephemeris, epoch_s)

    def position_km(t_s: Floats) -> Floats:
        position, _ = kepler_states(parameters.elements, center, t_s - epoch_s)
        return np.asarray(axes @ position)

    turn_s = period_s(parameters.elements.size(center)[0], center)
    own = Track.within(position_km, span_s[0], span_s[1], turn_s / 8.0, 14, 1e-7)
    facts = {"period_d": turn_s / 86400.0}
    if center == "moon":
        return Orbit(own, ephemeris.clock, key, facts)
    track = Track.within(
        lambda t: own(t) + ephemeris.earth_km(t), span_s[0], span_s[1], turn_s / 8.0, 14, 1e-7
    )
    return Orbit(track, ephemeris.clock, key, facts, center, own)


__all__ = ["KeplerianParameters", "Orbit", "OrbitParameters", "compute_orbit"]
