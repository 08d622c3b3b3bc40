"""When places, relays, the Sun and the Earth see each other, and the rows that say so.

Conditions are signed functions of time whose sign changes are found on a grid bounded by the motion
and refined all together; `Intervals` of different conditions combine by `&`, `|` and `-`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np
from numpy.typing import NDArray

from sim.constants import EARTH_RADIUS_KM, MOON_GM_KM3_S2, MOON_RADIUS_KM, SUN_RADIUS_KM
from sim.intervals import Intervals
from sim.searching import peak, roots
from sim.sky.directions import angle_deg, azimuth_deg, elevation_deg, range_km
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Place, Site, Station, Target
from sim.sky.shadows import (
    disc_radius_deg,
    limb_clearance_km,
    penumbra_deg,
    umbra_deg,
)
from sim.sky.terrain import Horizon
from sim.track import Track

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

EDGE_TOLERANCE_S = 5e-4
_SUN_STEP_S = 3600.0
_SHADOW_STEP_S = 900.0
_STATION_STEP_S = 1800.0
_RELAY_STEP_S = 3600.0
_LOOK_STEP_S, _LEAST_LOOK_S = 600.0, 60.0  # between the instants at which the motion is looked at
_MASK_SHARE = 0.2  # of the time to cross the visible cap; 0.3 begins to miss grazing passes
_TURN_SHARE = 0.12  # of the time to turn by one radian on a circle at that distance
_SUN_DEG_S = 360.0 / (29.53 * 86400.0)


@dataclass(frozen=True, slots=True)
class Window:
    """One interval in which an observer sees a target, and where the target then stands.

    Azimuths, elevations and ranges are local to the observer, geometric for relays and the Earth,
    as it appears for the Sun. The culmination is the highest elevation within the window.
    """

    kind: str
    observer: str
    target: str
    start_s: float
    stop_s: float
    culmination_s: float
    start_azimuth_deg: float
    start_elevation_deg: float
    start_range_km: float
    stop_azimuth_deg: float
    stop_elevation_deg: float
    stop_range_km: float
    culmination_azimuth_deg: float
    culmination_elevation_deg: float
    culmination_range_km: float


# --- grids ---------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def even_grid(start_s: float, stop_s: float, step_s: float) -> Floats:
    """Instants from start to stop, at most `step_s` apart; the same array for the same span."""
    count = max(2, int(np.ceil((stop_s - start_s) / step_s)))
    return _fixed(np.linspace(start_s, stop_s, count + 1))


def _fixed(grid_s: Floats) -> Floats:
    """The grid made read-only, by which tracks know it again."""
    grid_s.flags.writeable = False
    return grid_s


@lru_cache(maxsize=16)
def relay_grid(track: Track, start_s: float, stop_s: float, longest_s: float) -> Floats:
    """Instants at which a relay is looked at, close together where it moves fast.

    The step is 0.2 of the time in which it crosses the cap of the Moon that sees it, and 0.12 of
    the time for one radian on a circle at its distance, whichever is shorter.
    """
    times, needed = _needed_steps(track, start_s, stop_s, min(longest_s, _LOOK_STEP_S))
    step = np.minimum(longest_s, needed)
    rate = 1.0 / step
    count = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(times))])
    wanted = np.linspace(0.0, count[-1], max(2, int(np.ceil(count[-1]))) + 1)
    return _fixed(np.interp(wanted, count, times))


@lru_cache(maxsize=16)
def _needed_steps(
    track: Track, start_s: float, stop_s: float, widest: float
) -> tuple[Floats, Floats]:
    """Instants at most `widest` seconds apart, and the step that the motion asks for at each."""
    edges = np.unique(np.clip(track.edges_s, start_s, stop_s))
    coarse = np.append(
        edges[:-1][np.diff(edges[:-1] // _LEAST_LOOK_S, prepend=-np.inf) > 0.0], stop_s
    )
    # A piece shows no more of the motion than its polynomials have terms.
    most = track.coefficients.shape[1]
    parts = np.clip(np.ceil(np.diff(coarse) / widest).astype(int), 1, most)
    if parts.sum() > 4 * (stop_s - start_s) / widest + 1000:
        coarse, parts = (
            np.array([start_s, stop_s]),
            np.array([int((stop_s - start_s) / widest) + 1]),
        )
    times = np.repeat(coarse[:-1], parts) + _ramp(parts) * np.repeat(np.diff(coarse) / parts, parts)
    times = np.append(times, stop_s)
    return times, _relay_step_s(track(times), track.derivative(times))


def _ramp(parts: NDArray[np.intp]) -> Floats:
    return np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)


def _relay_step_s(position_km: Floats, velocity_km_s: Floats) -> Floats:
    distance = range_km(position_km)
    angular_rate = range_km(velocity_km_s) / distance
    cap = 2.0 * np.arccos(np.minimum(1.0, MOON_RADIUS_KM / distance))
    turn_s = np.sqrt(distance**3 / MOON_GM_KM3_S2)
    return np.minimum(_MASK_SHARE * cap / angular_rate, _TURN_SHARE * turn_s) + 1.0


def _fine_grid(tracks: Sequence[Track], start_s: float, stop_s: float) -> Floats:
    """Instants close enough together for every track, and for the turning Earth."""
    grids = [relay_grid(track, start_s, stop_s, _STATION_STEP_S) for track in tracks]
    return reduce(np.union1d, grids or [even_grid(start_s, stop_s, _STATION_STEP_S)])


# --- conditions ----------------------------------------------------------------------------------


def intervals_where(function: Function, grid_s: Floats) -> Intervals:
    """The times between the ends of the grid at which the function is positive or zero."""
    crossings = roots(function, grid_s, EDGE_TOLERANCE_S)
    first = bool(function(grid_s[:1])[0] >= 0.0)
    return Intervals.where(crossings, first, float(grid_s[0]), float(grid_s[-1]))


def above_mask(place: Place, target: Target) -> Function:
    """Height of a target over the place's mask: the sine over a constant one, else degrees."""
    return _over(place.horizon, lambda t_s: place.local_km(t_s, target))


def _over(horizon: Horizon, local: Function) -> Function:
    if horizon.is_constant:
        sine = np.sin(np.radians(horizon.lowest_deg))

        def height(t_s: Floats) -> Floats:
            seen = local(t_s)
            return np.asarray(seen[2] / range_km(seen) - sine)

        return height

    def degrees(t_s: Floats) -> Floats:
        seen = local(t_s)
        return np.asarray(elevation_deg(seen) - horizon.elevation_deg(azimuth_deg(seen)))

    return degrees


def past_moon(place: Place, target: Target) -> Function:
    """Distance in km by which the line from an Earth station to a target passes the Moon's limb."""
    return lambda t_s: limb_clearance_km(place.position_km(t_s), target(t_s), MOON_RADIUS_KM)


def past_earth(first: Target, second: Target, ephemeris: Ephemeris) -> Function:
    """Distance in km by which the line between two bodies near the Moon passes the Earth's limb."""

    def clearance(t_s: Floats) -> Floats:
        earth = ephemeris.earth_km(t_s)
        return limb_clearance_km(first(t_s) - earth, second(t_s) - earth, EARTH_RADIUS_KM)

    return clearance


# --- windows -------------------------------------------------------------------------------------


def site_sees_relay(site: Site, track: Track, start_s: float, stop_s: float) -> Intervals:
    """When a relay stands above a lunar site's mask."""
    return intervals_where(
        above_mask(site, track), relay_grid(track, start_s, stop_s, _RELAY_STEP_S)
    )


def station_sees_relay(station: Station, track: Track, start_s: float, stop_s: float) -> Intervals:
    """When a relay stands above an Earth station's mask and not behind the Moon."""
    risen = intervals_where(above_mask(station, track), even_grid(start_s, stop_s, _STATION_STEP_S))
    grid = relay_grid(track, start_s, stop_s, _STATION_STEP_S)
    return risen & intervals_where(past_moon(station, track), grid)


def site_sees_station(site: Site, station: Station, start_s: float, stop_s: float) -> Intervals:
    """When a lunar site and an Earth station see each other, each above the other's horizon."""
    grid = even_grid(start_s, stop_s, _STATION_STEP_S)
    out = intervals_where(above_mask(site, station.position_km), grid)
    return out & intervals_where(above_mask(station, site.position_km), grid)


def relays_see_each_other(
    first: Track, second: Track, ephemeris: Ephemeris, start_s: float, stop_s: float
) -> Intervals:
    """When neither the Moon nor the Earth stands between two relays."""
    grid = _fine_grid((first, second), start_s, stop_s)
    moon = intervals_where(lambda t: limb_clearance_km(first(t), second(t), MOON_RADIUS_KM), grid)
    return moon & intervals_where(past_earth(first, second, ephemeris), grid)


def sun_is_up(site: Site, start_s: float, stop_s: float) -> Intervals:
    """When the Sun's centre, as it appears, is above 0 deg on the smooth sphere."""
    return intervals_where(
        lambda t_s: site.sun_local_km(t_s)[2], even_grid(start_s, stop_s, _SUN_STEP_S)
    )


def sun_is_lit(site: Site, start_s: float, stop_s: float) -> Intervals:
    """When a part of the Sun's disc is above the site's mask; eclipses are left out of account."""
    horizon = site.horizon
    spacing = 360.0 if horizon.is_constant else float(np.diff(horizon.azimuths_deg).min())
    step_s = min(_SUN_STEP_S, max(60.0, 0.5 * spacing / _SUN_DEG_S))

    def upper_limb(t_s: Floats) -> Floats:
        sun = site.sun_local_km(t_s)
        mask = horizon.elevation_deg(azimuth_deg(sun))
        return np.asarray(elevation_deg(sun) + disc_radius_deg(sun, SUN_RADIUS_KM) - mask)

    return intervals_where(upper_limb, even_grid(start_s, stop_s, step_s))


def site_eclipses(site: Site, start_s: float, stop_s: float, total: bool = False) -> Intervals:
    """When the Earth covers a part of the Sun at a site, or all of it; up or not."""
    depth = umbra_deg if total else penumbra_deg
    sun, earth = site.light_local_km
    return intervals_where(
        lambda t_s: depth(sun(t_s), earth(t_s), EARTH_RADIUS_KM),
        even_grid(start_s, stop_s, _SHADOW_STEP_S),
    )


def relay_eclipses(
    track: Track,
    ephemeris: Ephemeris,
    start_s: float,
    stop_s: float,
    body: str = "moon",
    total: bool = False,
) -> Intervals:
    """When the Moon or the Earth covers a part of the Sun at a relay, or all of it."""
    depth = umbra_deg if total else penumbra_deg
    radius_km = MOON_RADIUS_KM if body == "moon" else EARTH_RADIUS_KM

    def shadow(t_s: Floats) -> Floats:
        return depth(*ephemeris.shadow_vectors_km(t_s, track(t_s), body), radius_km)

    return intervals_where(shadow, relay_grid(track, start_s, stop_s, _SHADOW_STEP_S))


def sun_angle_deg(
    observer: Site | Station | Track, target: Target, ephemeris: Ephemeris
) -> Function:
    """Angle between a target and the Sun's centre, both as an observer sees them, up or not.

    The Sun appears by light time and aberration. The target is geometric, which is where it appears
    but for its motion relative to the observer, an arc second for one near the Moon.
    """
    if isinstance(observer, Site):
        return lambda t_s: angle_deg(observer.sun_local_km(t_s), observer.local_km(t_s, target))

    def angle(t_s: Floats) -> Floats:
        if isinstance(observer, Station):
            here = observer.position_km(t_s)
            velocity = ephemeris.ground_velocity_km_s(t_s, here - ephemeris.earth_km(t_s))
        else:
            here = observer(t_s)
            velocity = ephemeris.moon_velocity_km_s(t_s) + observer.derivative(t_s)
        return angle_deg(ephemeris.sun_seen_km(t_s, here, velocity), target(t_s) - here)

    return angle


def conjunctions(
    observer: Site | Station | Track,
    target: Target,
    ephemeris: Ephemeris,
    limit_deg: float,
    start_s: float,
    stop_s: float,
) -> Intervals:
    """When the Sun's centre stands within an angle of the direction in which an observer looks.

    A station that looks at a relay or the Moon: the Sun-Earth-probe angle; a relay or a site that
    looks at the Earth: the Sun-probe-Earth angle.
    """
    angle = sun_angle_deg(observer, target, ephemeris)
    cosine = np.cos(np.radians(limit_deg))

    def nearness(t_s: Floats) -> Floats:
        # The cosine is smooth where the angle itself has a corner, at the Sun's centre.
        return np.asarray(np.cos(np.radians(angle(t_s))) - cosine)

    # The Earth is a track as well, but moves too slowly to ask for a grid of its own.
    moving = [end for end in (observer, target) if end is not ephemeris.earth_km]
    tracks = [end for end in moving if isinstance(end, Track)]
    return intervals_where(nearness, _fine_grid(tracks, start_s, stop_s))


def midnights_s(site: Site, start_s: float, stop_s: float) -> Floats:
    """Local apparent midnights, where lunar days begin: the Sun's hour angle is 180 deg."""

    def towards_noon(t_s: Floats) -> Floats:
        # The angle from midnight turns once a lunar day; its sine and cosine are smooth.
        return np.sin(np.radians(sun_hour_angle_deg(site, t_s)))

    found = roots(towards_noon, even_grid(start_s, stop_s, _SUN_STEP_S), EDGE_TOLERANCE_S)
    return np.asarray(found[np.cos(np.radians(sun_hour_angle_deg(site, found))) < 0.0])


def sun_hour_angle_deg(site: Site, t_s: Floats) -> Floats:
    """Hour angle of the apparent Sun, -180 to 180, positive in the afternoon; at every latitude."""
    east, north, up = site.sun_local_km(t_s)
    latitude = np.radians(site.parameters.latitude_deg)
    towards = up * np.cos(latitude) - north * np.sin(latitude)
    return np.asarray(np.degrees(np.arctan2(-east, towards)))


# --- rows ----------------------------------------------------------------------------------------


def window_rows(
    kind: str,
    observer: str,
    target: str,
    intervals: Intervals,
    local: Function,
    step_s: float = _STATION_STEP_S,
) -> list[Window]:
    """A row for each interval; `local` gives the target (3, N) in the observer's east, north, up."""
    if not len(intervals):
        return []
    highest = _culminations(intervals, local, step_s)
    ends = intervals.starts_s, intervals.stops_s, highest
    seen = [local(times) for times in ends]
    columns = [f(vector) for vector in seen for f in (azimuth_deg, elevation_deg, range_km)]
    values = np.column_stack([*ends, *columns]).tolist()
    return [Window(kind, observer, target, *row) for row in values]


def _culminations(intervals: Intervals, local: Function, step_s: float) -> Floats:
    """The instant of the highest elevation in each interval, its ends included."""
    starts, stops = intervals.starts_s, intervals.stops_s
    parts = np.maximum(8, np.ceil(intervals.durations_s / step_s).astype(int))
    width = np.repeat(intervals.durations_s / parts, parts + 1)
    times = np.repeat(starts, parts + 1) + _ramp(parts + 1) * width
    times = np.minimum(times, np.repeat(stops, parts + 1))
    first = np.cumsum(parts + 1) - (parts + 1)
    height = elevation_deg(local(times))
    top = np.maximum.reduceat(height, first)
    is_top = height == np.repeat(top, parts + 1)
    best = np.minimum.reduceat(np.where(is_top, np.arange(len(times)), len(times)), first)
    lower = np.maximum(times[best] - width[best], starts)
    upper = np.minimum(times[best] + width[best], stops)
    found = peak(lambda t_s: elevation_deg(local(t_s)), lower, upper, 0.5)
    return np.where(elevation_deg(local(found)) >= top, found, times[best])
