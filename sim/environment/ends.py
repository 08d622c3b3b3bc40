"""The two ends of a link in space: where they are, and how their antennas see each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.constants import MOON_RADIUS_KM, SUN_RADIUS_KM
from sim.physics.antennas import FixedPointing, GimbalPointing, off_axis_deg
from sim.physics.links import LinkGeometry
from sim.physics.solar import AttitudeParameters, body_axes
from sim.physics.terminals import TerminalParameters
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Site, Station, angle_deg, azimuth_deg, elevation_deg
from sim.sky.orbits import Orbit

Floats = NDArray[np.float64]
_RATE_STEP_S = 10.0
_NEAREST_KM = 1e-3  # two vehicles at one named place are taken to stand a metre apart


At = Site | Station | Orbit
"""What an asset can stand on or move along."""


@dataclass(frozen=True, eq=False)
class End:
    """One end of a link: an asset at a place, or on an orbit."""

    asset: str
    at: At

    def position_km(self, t_s: Floats) -> Floats:
        """From the Moon's centre along ICRF axes, (3, N)."""
        return self.at.track(t_s) if isinstance(self.at, Orbit) else self.at.position_km(t_s)

    def local_km(self, t_s: Floats, target_km: Floats) -> Floats:
        """A position in the end's own axes, (3, N): east, north, up.

        A relay's `up` points to the Moon, so that an antenna fixed at elevation 90 looks down.
        """
        if isinstance(self.at, Orbit):
            return _towards_moon(self.at, t_s, target_km)
        return self.at.local_km(t_s, lambda _: target_km)


def _towards_moon(orbit: Orbit, t_s: Floats, target_km: Floats) -> Floats:
    position = orbit.track(t_s)
    up = -position / np.linalg.norm(position, axis=0)
    pole = np.array([0.0, 0.0, 1.0])[:, None]
    east = np.cross(pole, up, axis=0)
    east = east / np.linalg.norm(east, axis=0)
    north = np.cross(up, east, axis=0)
    seen = target_km - position
    return np.array([np.sum(axis * seen, axis=0) for axis in (east, north, up)])


def link_geometry(
    source: tuple[End, TerminalParameters],
    destination: tuple[End, TerminalParameters],
    ephemeris: Ephemeris,
    t_s: Floats,
    attitude: AttitudeParameters | None,
    *,
    with_rates: bool = False,
) -> LinkGeometry:
    """Ranges and angles of a link at times (N,); `attitude` is that of a vehicle at the source.

    Range rate and acceleration are central differences over 20 s, for budgets only.
    """
    (from_end, from_terminal), (to_end, to_terminal) = source, destination
    from_km, to_km = from_end.position_km(t_s), to_end.position_km(t_s)
    out_local = _seen(from_end, from_terminal, t_s, to_km)
    in_local = _seen(to_end, to_terminal, t_s, from_km)
    path_km = from_km - to_km
    moon: tuple[Floats, Floats] | tuple[None, None] = (None, None)
    sun = rates = moon
    if not isinstance(to_end.at, Site):
        moon = _disc(-to_km, path_km, MOON_RADIUS_KM)
        sun = _disc(ephemeris.sun_apparent_km(t_s) - to_km, path_km, SUN_RADIUS_KM)
    if with_rates:
        rates = _range_rates(from_end, to_end, t_s)
    return LinkGeometry(
        range_km=np.maximum(np.linalg.norm(path_km, axis=0), _NEAREST_KM),
        source_off_axis_deg=_off_axis(from_terminal, out_local, attitude),
        destination_off_axis_deg=_off_axis(to_terminal, in_local, None),
        source_elevation_deg=_elevation(from_end, out_local),
        destination_elevation_deg=_elevation(to_end, in_local),
        moon_angle_deg=moon[0],
        moon_radius_deg=moon[1],
        sun_angle_deg=sun[0],
        sun_radius_deg=sun[1],
        range_rate_km_s=rates[0],
        range_acceleration_km_s2=rates[1],
    )


def _range_rates(source: End, destination: End, t_s: Floats) -> tuple[Floats, Floats]:
    """Range rate and range acceleration; at an edge of a trajectory, those 10 s inside it."""
    tracks = [end.at.track for end in (source, destination) if isinstance(end.at, Orbit)]
    first = max((track.start_s for track in tracks), default=-np.inf) + _RATE_STEP_S
    last = min((track.stop_s for track in tracks), default=np.inf) - _RATE_STEP_S
    t_s = np.clip(t_s, first, last)
    before, now, after = (
        np.linalg.norm(source.position_km(t) - destination.position_km(t), axis=0)
        for t in (t_s - _RATE_STEP_S, t_s, t_s + _RATE_STEP_S)
    )
    rate = (after - before) / (2.0 * _RATE_STEP_S)
    return rate, (after - 2.0 * now + before) / _RATE_STEP_S**2


def _seen(end: End, terminal: TerminalParameters, t_s: Floats, target_km: Floats) -> Floats | None:
    """The other end in local axes; None where neither a horizon nor the antenna asks for it."""
    if isinstance(end.at, Orbit) and not depends_on_attitude(terminal):
        return None
    return end.local_km(t_s, target_km)


def _elevation(end: End, local_km: Floats | None) -> Floats | None:
    return None if local_km is None or isinstance(end.at, Orbit) else elevation_deg(local_km)


def _disc(body_km: Floats, axis_km: Floats, radius_km: float) -> tuple[Floats, Floats]:
    """Angle of a body's centre from an axis, and its angular radius."""
    distance = np.linalg.norm(body_km, axis=0)
    radius = np.degrees(np.arcsin(np.minimum(radius_km / distance, 1.0)))
    return angle_deg(body_km, axis_km), radius


def _off_axis(
    terminal: TerminalParameters, local_km: Floats | None, attitude: AttitudeParameters | None
) -> Floats | float:
    """Angle of the other end off the antenna's axis, its tracking error apart."""
    pointing = terminal.antenna.pointing
    if local_km is None or not isinstance(pointing, FixedPointing | GimbalPointing):
        return 0.0
    seen = local_km
    if attitude is not None:
        forward, right, up = body_axes(attitude) @ local_km
        seen = np.array([right, forward, up])
    return off_axis_deg(pointing, azimuth_deg(seen), elevation_deg(seen))


def depends_on_attitude(terminal: TerminalParameters) -> bool:
    """Whether the antenna is fixed to the body or limited by it."""
    return isinstance(terminal.antenna.pointing, FixedPointing | GimbalPointing)
