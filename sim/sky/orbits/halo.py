"""Relays on halo orbits about L1 and L2."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sim.constants import DAY_S
from sim.parameters import Parameters, Positive
from sim.sky.orbits.pulsating import PulsatingAxes
from sim.sky.orbits.restricted import Family, PeriodicOrbit, Point, halo_orbit
from sim.track import Track

Floats = NDArray[np.float64]
_PIECE_S = 1.0 * DAY_S


class HaloParameters(Parameters):
    """A halo orbit by the largest distance from the Earth-Moon plane."""

    kind: Literal["halo"]
    center: Literal["moon"] = "moon"
    point: Point = "l2"
    family: Family = "southern"
    """The side of the Earth-Moon plane on which the relay spends most of its time."""
    amplitude_z_km: Positive
    """Largest distance from the Earth-Moon plane at the mean distance of 384,400 km."""
    phase_deg: Annotated[float, Field(ge=-360.0, le=360.0)] = 0.0
    """At the epoch; 0 where the relay is farthest from the Earth-Moon plane, 360 one turn later."""
    epoch_utc: str | None = None
    """The start of the scenario if left out."""


def carried_halo(
    orbit: PeriodicOrbit, axes: PulsatingAxes, phase_deg: float, epoch_s: float, span_s: Floats
) -> Track:
    """The periodic orbit carried along by the true Earth and Moon, in `span_s` (start, stop)."""
    count = max(1, int(np.ceil((span_s[1] - span_s[0]) / _PIECE_S)))
    edges = np.linspace(span_s[0], span_s[1], count + 1)
    start_rad = orbit.period * phase_deg / 360.0 - float(axes.swept_rad(epoch_s))

    def position_km(t_s: Floats) -> Floats:
        return axes.positions_km(t_s, orbit.at(start_rad + axes.swept_rad(t_s))[:3])

    return Track.fit(position_km, edges, 14)


def compute_halo(parameters: HaloParameters, axes: PulsatingAxes, epoch_s: float, span_s: Floats):  # type: ignore[no-untyped-def]
    """The halo of the parameters in the span, and facts about it."""
    orbit = halo_orbit(parameters.amplitude_z_km, parameters.point, parameters.family)
    return carried_halo(orbit, axes, parameters.phase_deg, epoch_s, span_s)
