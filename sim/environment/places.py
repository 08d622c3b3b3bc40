"""The Sun at each place: its path, the lunar days that it makes, and when it shines."""

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.constants import EARTH_RADIUS_KM, SUN_RADIUS_KM
from sim.environment.records import LunarDay, PlaceSky
from sim.errors import ScenarioError
from sim.intervals import Intervals
from sim.sky.geometry import Site, azimuth_deg, elevation_deg
from sim.sky.shadows import disc_radius_deg, sun_fraction, sun_fraction_above
from sim.sky.windows import (
    even_grid,
    intervals_where,
    midnights_s,
    site_eclipses,
    sun_hour_angle_deg,
    sun_is_lit,
)
from sim.track import Track

Floats = NDArray[np.float64]
_HOUR_S = 3600.0
_PIECE_S = 12 * _HOUR_S
_DEGREE = 9


def place_sky(site: Site, first_number: int) -> PlaceSky:
    """The Sun's path at a site and its lunar days; the one that holds t = 0 gets `first_number`.

    Through the whole span of the ephemeris.
    """
    sun = site.sun_local_km
    start_s, stop_s = sun.start_s, sun.stop_s
    edges = np.append(np.arange(start_s, stop_s - 0.5 * _PIECE_S, _PIECE_S), stop_s)
    elevation = Track.fit(lambda t: elevation_deg(sun(t)), edges, _DEGREE)
    azimuth = Track.fit(lambda t: _unwrapped(t, azimuth_deg(sun(t))), edges, _DEGREE)
    lit = sun_is_lit(site, start_s, stop_s) - site_eclipses(site, start_s, stop_s, total=True)
    days = _lunar_days(site, elevation, lit, first_number)
    rising = Intervals.of((day.start_s, day.noon_s) for day in days)
    return PlaceSky(elevation, azimuth, days, lit, rising)


def sunlight(site: Site) -> Callable[[Floats], Floats]:
    """Share of the Sun's disc that shines on a site: over the mask and past the Earth."""

    def share(t_s: Floats) -> Floats:
        sun = site.sun_local_km(t_s)
        mask = site.horizon.elevation_deg(azimuth_deg(sun))
        free = sun_fraction(sun, site.earth_local_km(t_s), EARTH_RADIUS_KM)
        return sun_fraction_above(sun, mask) * free

    return share


def light_edges_s(site: Site, start_s: float, stop_s: float) -> Floats:
    """The ends of a span and every instant at which light begins, is whole, fades or ends."""

    def lower_limb(t_s: Floats) -> Floats:
        sun = site.sun_local_km(t_s)
        mask = site.horizon.elevation_deg(azimuth_deg(sun))
        return np.asarray(elevation_deg(sun) - disc_radius_deg(sun, SUN_RADIUS_KM) - mask)

    parts = (
        sun_is_lit(site, start_s, stop_s),
        intervals_where(lower_limb, even_grid(start_s, stop_s, _HOUR_S)),
        site_eclipses(site, start_s, stop_s),
        site_eclipses(site, start_s, stop_s, total=True),
    )
    edges = [part.starts_s for part in parts] + [part.stops_s for part in parts]
    return np.unique(np.clip(np.concatenate([*edges, [start_s, stop_s]]), start_s, stop_s))


def _unwrapped(times: Floats, degrees: Floats) -> Floats:
    """An azimuth without its jump at 360; the times come in any order."""
    order = np.argsort(times)
    smooth = np.empty_like(degrees)
    smooth[order] = np.unwrap(degrees[order], period=360.0)
    return smooth


def _lunar_days(
    site: Site, elevation: Track, lit: Intervals, first_number: int
) -> tuple[LunarDay, ...]:
    midnights = midnights_s(site, elevation.start_s, elevation.stop_s)
    before = int(np.searchsorted(midnights, 0.0, side="right")) - 1
    if before < 0 or midnights[-1] <= 0.0:
        raise ScenarioError("the computed sky holds no whole lunar day around the start of the run")
    crossings = elevation.crossings(0.0)
    rises = elevation.derivative(crossings) > 0.0
    return tuple(
        _lunar_day(site, first_number + index - before, span, (crossings, rises), lit)
        for index, span in enumerate(itertools.pairwise(midnights))
    )


def _lunar_day(
    site: Site,
    number: int,
    span: tuple[float, float],
    horizon: tuple[Floats, NDArray[np.bool_]],
    lit: Intervals,
) -> LunarDay:
    start_s, stop_s = float(span[0]), float(span[1])
    crossings, rises = horizon
    inside = (crossings >= start_s) & (crossings < stop_s)
    light = lit.clip(start_s, stop_s)
    return LunarDay(
        number=number,
        start_s=start_s,
        stop_s=stop_s,
        noon_s=_noon_s(site, start_s, stop_s),
        sunrise_s=_first(crossings[inside & rises]),
        sunset_s=_first(crossings[inside & ~rises][::-1]),
        first_light_s=_first(light.starts_s),
        last_light_s=_first(light.stops_s[::-1]),
        lit_s=light.total_s,
    )


def _noon_s(site: Site, start_s: float, stop_s: float) -> float:
    """Local apparent noon: the hour angle passes 0 once between two midnights."""
    middle = 0.5 * (start_s + stop_s)
    grid = np.linspace(middle - 24 * _HOUR_S, middle + 24 * _HOUR_S, 9)
    afternoon = intervals_where(lambda t: sun_hour_angle_deg(site, t), grid)
    return float(afternoon.starts_s[0])


def _first(times: Floats) -> float | None:
    return float(times[0]) if len(times) else None
