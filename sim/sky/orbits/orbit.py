"""A relay's trajectory over a span, as a track and as a vector function for Skyfield."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from skyfield.constants import AU_KM
from skyfield.vectorlib import VectorFunction

from sim.clock import Clock
from sim.constants import DAY_S
from sim.sky.kernels import J2000_JD
from sim.track import Track

Floats = NDArray[np.float64]
Center = Literal["moon", "earth"]

NAIF_IDS: dict[Center, int] = {"moon": 301, "earth": 399}


@dataclass(frozen=True, eq=False)
class Orbit:
    """Where a relay is, in kilometres along ICRF axes; geometric, no light time."""

    track: Track
    """Position from the Moon's centre."""

    clock: Clock

    digest: str
    """SHA-256 of all that the trajectory depends on."""

    facts: dict[str, float] = field(default_factory=dict)
    """What there is to say about it, with units in the names: `period_d`, `lowest_height_km` ..."""

    center: Center = "moon"
    """The body that `centered` and the vector function start from."""

    centered: Track | None = None
    """Position from `center`, where that is not the Moon."""

    @property
    def vector_function(self) -> "TrackVector":
        """For Skyfield: `(planets["moon"] + orbit.vector_function).at(t)`."""
        return TrackVector(self.centered or self.track, self.clock, NAIF_IDS[self.center])

    def velocity_km_s(self, t_s: Floats) -> Floats:
        """Velocity from the Moon's centre; (3,) or (3, N)."""
        return self.track.derivative(t_s)


class TrackVector(VectorFunction):  # type: ignore[misc]
    """A track as a vector function with a named centre."""

    def __init__(self, track: Track, clock: Clock, center: int) -> None:
        self.center = center
        self._track, self._clock = track, clock

    @property
    def target(self) -> "TrackVector":
        """The relay itself, as Skyfield wants it."""
        return self

    def _at(self, t: Any) -> tuple[Floats, Floats, None, None]:
        t_s = (t.whole - J2000_JD) * DAY_S - self._clock.start_tt_s + t.tt_fraction * DAY_S
        position, velocity = self._track(t_s), self._track.derivative(t_s)
        return position / AU_KM, velocity * (DAY_S / AU_KM), None, None
