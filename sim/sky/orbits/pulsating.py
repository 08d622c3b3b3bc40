"""The axes that turn and breathe with the true Earth and Moon, where a halo is nearly periodic."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.sky.ephemeris import DEGREE, Ephemeris
from sim.track import Track

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PulsatingAxes:
    """x from the Earth to the Moon, z along the orbital momentum; the distance is the unit."""

    ephemeris: Ephemeris

    @cached_property
    def swept_rad(self) -> Track:
        """Angle that the Moon has gone round the Earth since the ephemeris begins."""
        edges = self.ephemeris.edges_s
        return Track.fit(lambda t: self._axes(t)[2], edges, DEGREE).cumulative

    def time_of(self, swept_rad: ArrayLike) -> Floats:
        """`t_s` at which the angle has been swept, good to 1 us."""
        angles = np.asarray(swept_rad, dtype=float)
        edges = self.ephemeris.edges_s
        times = np.interp(angles, self.swept_rad(edges), edges)
        for _ in range(4):
            times = times - (self.swept_rad(times) - angles) / self.swept_rad.derivative(times)
            times = np.clip(times, edges[0], edges[-1])
        return np.asarray(times)

    def positions_km(self, t_s: Floats, positions: Floats) -> Floats:
        """Positions (3, N) from the Moon in these axes to kilometres along ICRF axes."""
        axes, distance, _, _ = self._axes(t_s)
        return np.asarray(distance * np.einsum("ijn,jn->in", axes, positions))

    def states_km(self, t_s: Floats, states: Floats) -> Floats:
        """States (6, N) to kilometres and kilometres per second along ICRF axes.

        The turning of the orbit's plane, 1e-8 rad/s, is left out of the velocity.
        """
        axes, distance, rate, widening = self._axes(t_s)
        position = np.einsum("ijn,jn->in", axes, states[:3])
        velocity = np.einsum("ijn,jn->in", axes, states[3:])
        turning = np.cross(axes[:, 2], position, axis=0)
        return np.concatenate(
            [distance * position, widening * position + distance * rate * (turning + velocity)]
        )

    def from_km(self, t_s: Floats, positions_km: Floats) -> Floats:
        """Positions (3, N) in kilometres along ICRF axes to these axes."""
        axes, distance, _, _ = self._axes(t_s)
        return np.asarray(np.einsum("jin,jn->in", axes, positions_km) / distance)

    def _axes(self, t_s: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Axes as columns (3, 3, N), distance, rate of turning and of widening (N,)."""
        moon = -self.ephemeris.earth_km(t_s)
        velocity = -self.ephemeris.earth_km.derivative(t_s)
        distance = np.sqrt(np.einsum("in,in->n", moon, moon))
        momentum = np.cross(moon, velocity, axis=0)
        size = np.sqrt(np.einsum("in,in->n", momentum, momentum))
        x, z = moon / distance, momentum / size
        axes = np.stack([x, np.cross(z, x, axis=0), z], axis=1)
        widening = np.einsum("in,in->n", x, velocity)
        return axes, distance, size / distance**2, widening
