"""Relays: ranges, periods, how long they are in view."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.constants import DAY_S, SYNODIC_MONTH_S
from sim.errors import SimError
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.geometry import PlaceParameters, Site
from sim.sky.orbits import KeplerianParameters, compute_orbit
from sim.sky.orbits.elements import ElementsParameters, period_s
from sim.sky.terrain import ConstantHorizon
from sim.sky.windows import site_sees_relay
from sim.validation.cases import Cases

Floats = NDArray[np.float64]
_STEP_S = 600.0
_NODES = 12


def kepler_period_h(cases: Cases, semi_major_axis_km: str) -> float:
    """Period of a two-body orbit about the Moon."""
    return period_s(float(semi_major_axis_km)) / 3600.0


def resonant_period_d(cases: Cases, turns: str, months: str) -> float:
    """Period of so many turns in so many mean synodic months."""
    return SYNODIC_MONTH_S / DAY_S * float(months) / float(turns)


def relay_range_km(cases: Cases, scenario: str, relay: str, which: str) -> float:
    """`least` or `largest` distance of a relay from the Moon's centre in the run."""
    distance = np.linalg.norm(_motion(cases, scenario, relay)[1], axis=0)
    return float(distance.min() if which == "least" else distance.max())


def relay_period_d(cases: Cases, scenario: str, relay: str, days: str) -> float:
    """Mean time from one largest distance from the Moon to the next, each fitted by a parabola.

    Over so many days from the start of the scenario. A halo passes two of them in a turn, a
    near-rectilinear or elliptic orbit one.
    """
    times, positions, _ = _motion(cases, scenario, relay, float(days) * DAY_S)
    distance = np.linalg.norm(positions, axis=0)
    top = np.flatnonzero((distance[1:-1] > distance[:-2]) & (distance[1:-1] >= distance[2:])) + 1
    before, here, after = distance[top - 1], distance[top], distance[top + 1]
    shift = 0.5 * (before - after) / (before - 2.0 * here + after)
    peaks = times[top] + shift * _STEP_S
    return float(np.mean(np.diff(peaks))) / DAY_S


def relay_period_h(cases: Cases, scenario: str, relay: str, days: str) -> float:
    """The same in hours."""
    return 24.0 * relay_period_d(cases, scenario, relay, days)


def halo_period_d(cases: Cases, scenario: str, relay: str) -> float:
    """Mean time between passages of a halo from south to north through the Earth-Moon plane."""
    times, positions, ephemeris = _motion(cases, scenario, relay)
    earth, rate = ephemeris.earth_km(times), ephemeris.earth_km.derivative(times)
    height = np.einsum("in,in->n", positions, np.cross(earth, rate, axis=0))
    up = np.flatnonzero((height[:-1] < 0.0) & (height[1:] >= 0.0))
    share = -height[up] / (height[up + 1] - height[up])
    passages = times[up] + share * _STEP_S
    return float((passages[-1] - passages[0]) / (len(passages) - 1)) / DAY_S


def view_share(cases: Cases, scenario: str, link: str) -> float:
    """Share of the run in which the two ends of a link see each other."""
    environment = cases.environment(scenario)
    hop = environment.hops_of(link)[0]
    return hop.geometric.total_s / environment.duration_s


def light_time_s(cases: Cases, scenario: str, first: str, second: str, which: str) -> float:
    """`least` or `largest` one-way light time over two links, from the vehicle to the ground."""
    environment = cases.environment(scenario)
    times = np.arange(0.0, environment.duration_s, 3600.0)
    up = environment.hops_of(first)[0].light_time_s(times)
    totals = [up + hop.light_time_s(times) for hop in environment.hops_of(second)]
    return float(np.min(totals) if which == "least" else np.max(totals))


def visible_h_per_orbit(
    cases: Cases,
    latitude_deg: str,
    mask_deg: str,
    lowest_height_km: str,
    highest_height_km: str,
    inclination_deg: str,
) -> float:
    """Hours per two-body orbit in which a relay is over a mask, the apolune over the south.

    Mean over twelve nodes; the inclination is counted from the Moon's equator.
    """
    ephemeris = compute_ephemeris(Clock.starting("2026-01-01T00:00:00Z"), -DAY_S, 12 * DAY_S)
    horizon = ConstantHorizon(kind="constant", elevation_deg=float(mask_deg))
    place = PlaceParameters(
        body="moon", latitude_deg=float(latitude_deg), longitude_deg=0.0, horizon=horizon
    )
    site = Site.of(place, ephemeris, Path())
    hours = []
    for turn in range(_NODES):
        elements = ElementsParameters(
            lowest_height_km=float(lowest_height_km),
            highest_height_km=float(highest_height_km),
            inclination_deg=float(inclination_deg),
            ascending_node_deg=360.0 * turn / _NODES,
            argument_of_perilune_deg=90.0,
        )
        parameters = KeplerianParameters(kind="keplerian", elements=elements)
        turn_s = period_s(elements.size("moon")[0])
        span_s = 8.0 * turn_s
        orbit = compute_orbit(parameters, ephemeris, 0.0, span_s, folder=Path(), cache=False)
        hours.append(site_sees_relay(site, orbit.track, 0.0, span_s).total_s / 8.0 / 3600.0)
    return float(np.mean(hours))


def _motion(
    cases: Cases, scenario: str, relay: str, span_s: float | None = None
) -> tuple[Floats, Floats, Ephemeris]:
    """Times every ten minutes, positions from the Moon's centre, and the ephemeris; of the run."""
    parameters = cases.scenario(scenario)
    path = parameters.relays[relay].orbit
    if path is None:
        raise SimError(f"the relay '{relay}' of {scenario} has no orbit to be compared")
    stop_s = span_s or float(cases.environment(scenario).duration_s)
    ephemeris = compute_ephemeris(parameters.clock, 0.0, stop_s)
    orbit = compute_orbit(
        path,
        ephemeris,
        0.0,
        stop_s,
        folder=parameters.folder,
        cache=cases.cache,
    )
    times = np.arange(0.0, stop_s, _STEP_S)
    return times, orbit.track(times), ephemeris


MEASURES = (
    kepler_period_h,
    resonant_period_d,
    relay_range_km,
    relay_period_d,
    relay_period_h,
    halo_period_d,
    view_share,
    light_time_s,
    visible_h_per_orbit,
)
