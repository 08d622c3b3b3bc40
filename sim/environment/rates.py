"""What a link can carry: the rate and the expected loss at each instant of its windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

from sim.environment.ends import End, link_geometry
from sim.intervals import Intervals
from sim.physics.coding import frame_error_rate
from sim.physics.links import Channel, carrier_to_noise_dbhz, eb_n0_db, held_modes
from sim.physics.propagation import bent_pipe_dbhz
from sim.physics.solar import AttitudeParameters
from sim.searching import refined
from sim.sky.ephemeris import Ephemeris

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
_EDGE_TOLERANCE_S = 0.05
_NEAR_SUN_DEG = 2.0  # three hours of the Sun's way past a relay at the Moon's distance
_NEAR_SUN_STEP_S = 120.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
_GAUSS = tuple(zip(0.5 + 0.5 * _NODES, 0.5 * _WEIGHTS, strict=True))  # on [0, 1]


class RateStep(NamedTuple):
    """A rate from an instant on, 0 where none closes."""

    start_s: float
    rate_bps: int
    frame_loss: float
    """Expected share of frames lost, its mean over the step."""


@dataclass(frozen=True, eq=False)
class Section:
    """A part of a way between two ends that stay where they are."""

    channel: Channel
    source: End
    destination: End


def finer_near_sun(section: Section, ephemeris: Ephemeris, grid_s: Floats) -> Floats:
    """A grid (N,), closer where the Sun passes behind a source whose receiver hears it."""
    if "sun" not in section.channel.receiver.adds or len(grid_s) < 2:
        return grid_s
    receiver_km = section.destination.position_km(grid_s)
    towards = section.source.position_km(grid_s) - receiver_km
    sun = ephemeris.sun_apparent_km(grid_s) - receiver_km
    lengths = np.linalg.norm(towards, axis=0) * np.linalg.norm(sun, axis=0)
    near = np.sum(towards * sun, axis=0) > np.cos(np.radians(_NEAR_SUN_DEG)) * lengths
    if not near.any():
        return grid_s
    widest = float(np.max(np.diff(grid_s)))
    around = np.arange(-widest, widest, _NEAR_SUN_STEP_S)
    finer = np.unique((grid_s[near][:, None] + around).ravel())
    return np.union1d(grid_s, finer[(finer > grid_s[0]) & (finer < grid_s[-1])])


class RateFinder:
    """Pt/N0 of one hop in one attitude of its source, and the steps of its rate.

    Several sections are repeated one into the next, noise and all; modes are those of the first.
    """

    def __init__(
        self,
        sections: Sequence[Section],
        ephemeris: Ephemeris,
        attitude: AttitudeParameters | None,
    ) -> None:
        self.channel = sections[0].channel
        self._sections = sections
        self._ephemeris = ephemeris
        self._attitude = attitude

    def carrier_to_noise_dbhz(self, t_s: Floats) -> Floats:
        """Pt/N0 at times (N,)."""
        parts = [
            self._section_dbhz(section, t_s, None if index else self._attitude)
            for index, section in enumerate(self._sections)
        ]
        return np.broadcast_to(reduce(bent_pipe_dbhz, parts), t_s.shape)

    def _section_dbhz(
        self, section: Section, t_s: Floats, attitude: AttitudeParameters | None
    ) -> Floats:
        channel = section.channel
        ends = (section.source, channel.source), (section.destination, channel.destination)
        return carrier_to_noise_dbhz(channel, link_geometry(*ends, self._ephemeris, t_s, attitude))

    def steps(self, windows: Intervals, grid_s: Floats) -> list[list[RateStep]]:
        """The steps of each window, the first at its start.

        `grid_s` (N,) rises with a step bounded by the motion and covers the windows; each step of
        the rate is a root of Pt/N0 less a threshold, good to 0.05 s.
        """
        if not len(windows):
            return []
        inner = grid_s
        for section in self._sections:
            inner = finer_near_sun(section, self._ephemeris, inner)
        inner = inner[windows.contains(inner)]
        times = np.unique(np.concatenate([inner, windows.starts_s, windows.stops_s - 1e-6]))
        window = np.searchsorted(windows.starts_s, times, side="right") - 1
        ratios = self.carrier_to_noise_dbhz(times)
        edges = self._crossings(times, window, ratios)
        bounds = [
            np.concatenate([[start], edges[(edges > start) & (edges < stop)], [stop]])
            for start, stop in windows
        ]
        starts, stops = (np.concatenate([b[part] for b in bounds]) for part in _LEFT_AND_RIGHT)
        middles, spans = 0.5 * (starts + stops), stops - starts
        between = np.concatenate([middles, edges, middles - 0.25 * spans, middles + 0.25 * spans])
        at_between = self.carrier_to_noise_dbhz(between)
        at_middles = at_between[: len(middles)]
        cuts = np.cumsum([len(b) - 1 for b in bounds])[:-1]
        held = [held_modes(self.channel, part) for part in np.split(at_middles, cuts)]
        lost_s = self._lost_s(
            bounds, held, np.append(times, between), np.append(ratios, at_between)
        )
        return [
            self._joined(*row) for row in zip(bounds, held, np.split(lost_s, cuts), strict=True)
        ]

    def _crossings(self, times: Floats, window: NDArray[np.intp], ratios: Floats) -> Floats:
        """All times at which Pt/N0 passes a threshold, with and without the hysteresis."""
        thresholds = self.channel.thresholds_dbhz
        levels = np.unique([thresholds, thresholds + self.channel.link.hysteresis_db])
        found = [np.empty(0)]
        for level in levels:
            above = ratios >= level
            index = np.flatnonzero((above[:-1] != above[1:]) & (window[:-1] == window[1:]))
            if len(index):
                found.append(
                    refined(
                        lambda t, level=level: self.carrier_to_noise_dbhz(t) - level,  # type: ignore[misc]
                        times[index],
                        times[index + 1],
                        ratios[index] - level,
                        ratios[index + 1] - level,
                        _EDGE_TOLERANCE_S,
                    )
                )
        return np.sort(np.concatenate(found))

    def _lost_s(
        self, bounds: Sequence[Floats], held: Sequence[Whole], times: Floats, ratios: Floats
    ) -> Floats:
        """Integral of the frame error rate over every piece between bounds, (pieces,).

        Pt/N0 (N,) at times (N,) is joined by cubics through local parabolas.
        """
        starts, stops = (np.concatenate([b[part] for b in bounds]) for part in _LEFT_AND_RIGHT)
        modes = np.concatenate(held)
        # cubics need knots apart, and two of them even for a window of less than a second
        times = np.append(times, times.max() + 1.0)
        ratios = np.append(ratios, ratios[np.argmax(times[:-1])])
        _, kept = np.unique(np.round(times), return_index=True)
        times, ratios = times[kept], ratios[kept]
        curve = CubicHermiteSpline(times, ratios, np.gradient(ratios, times))
        knots = np.union1d(times, np.concatenate(bounds))
        piece = np.searchsorted(starts, knots[:-1], side="right") - 1
        inside = (piece >= 0) & (knots[:-1] < stops[piece])
        piece, left, span = piece[inside], knots[:-1][inside], np.diff(knots)[inside]
        looks = [(weight * span, curve(left + share * span)) for share, weight in _GAUSS]
        lost_s = np.zeros(len(starts))
        for number, mode in enumerate(self.channel.modes, start=1):
            of = modes[piece] == number
            for weight_s, ratio in looks:
                eb_n0 = eb_n0_db(self.channel.link, mode.code, ratio[of], mode.rate_bps)
                loss_s = weight_s[of] * frame_error_rate(mode.code, eb_n0)
                lost_s += np.bincount(piece[of], loss_s, len(starts))
        return lost_s

    def _joined(self, bounds: Floats, held: Whole, lost_s: Floats) -> list[RateStep]:
        """The steps of one window, pieces of equal rate joined."""
        first = np.flatnonzero(np.diff(held, prepend=-1))
        starts = bounds[:-1][first]
        spans = np.diff(np.append(starts, bounds[-1]))
        losses = np.add.reduceat(lost_s, first) / spans
        rates = self.channel.rates_bps[held[first]]
        return [
            RateStep(*row)
            for row in zip(starts.tolist(), rates.tolist(), losses.tolist(), strict=True)
        ]


_LEFT_AND_RIGHT = (slice(None, -1), slice(1, None))
