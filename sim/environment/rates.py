"""What a link can carry: the rate at each instant of its windows, and what a budget says of it."""

import numpy as np
from numpy.typing import NDArray

from sim.environment.ends import End, link_geometry
from sim.intervals import Intervals
from sim.physics.links import Channel, carrier_to_noise_dbhz, held_modes
from sim.physics.solar import AttitudeParameters
from sim.searching import refined
from sim.sky.ephemeris import Ephemeris

Floats = NDArray[np.float64]
Step = tuple[float, int]
_EDGE_TOLERANCE_S = 0.05


class RateFinder:
    """Pt/N0 of one channel between two ends in one attitude, and the steps of its rate."""

    def __init__(
        self,
        channel: Channel,
        source: End,
        destination: End,
        ephemeris: Ephemeris,
        attitude: AttitudeParameters | None,
    ) -> None:
        self.channel = channel
        self._ends = (source, channel.source), (destination, channel.destination)
        self._ephemeris = ephemeris
        self._attitude = attitude

    def carrier_to_noise_dbhz(self, t_s: Floats) -> Floats:
        """Pt/N0 at times (N,)."""
        source, destination = self._ends
        geometry = link_geometry(source, destination, self._ephemeris, t_s, self._attitude)
        return np.broadcast_to(carrier_to_noise_dbhz(self.channel, geometry), t_s.shape)

    def steps(self, windows: Intervals, grid_s: Floats) -> list[list[Step]]:
        """For each window, (from t_s on, rate_bps) with the first step at its start.

        `grid_s` (N,) rises with a step bounded by the motion and covers the windows; each step of
        the rate is a root of Pt/N0 less a threshold, good to 0.05 s.
        """
        if not len(windows):
            return []
        inner = grid_s[windows.contains(grid_s)]
        times = np.unique(np.concatenate([inner, windows.starts_s, windows.stops_s - 1e-6]))
        window = np.searchsorted(windows.starts_s, times, side="right") - 1
        edges = self._crossings(times, window, self.carrier_to_noise_dbhz(times))
        bounds = [
            np.concatenate([[start], edges[(edges > start) & (edges < stop)], [stop]])
            for start, stop in windows
        ]
        middles = np.concatenate([0.5 * (b[:-1] + b[1:]) for b in bounds])
        ratios = np.split(
            self.carrier_to_noise_dbhz(middles), np.cumsum([len(b) - 1 for b in bounds])[:-1]
        )
        return [self._joined(b, r) for b, r in zip(bounds, ratios, strict=True)]

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

    def _joined(self, bounds: Floats, ratios: Floats) -> list[Step]:
        """The rate between the bounds of one window, judged in the middle, equal neighbours joined."""
        rates = self.channel.rates_bps[held_modes(self.channel, ratios)].tolist()
        return [
            (at_s, rate)
            for index, (at_s, rate) in enumerate(zip(bounds[:-1].tolist(), rates, strict=True))
            if index == 0 or rate != rates[index - 1]
        ]
