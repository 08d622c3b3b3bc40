"""What there is to say about a trajectory: its turns, its lowest and highest points, its elements."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.constants import DAY_S
from sim.searching import extrema, roots
from sim.sky.ephemeris import Ephemeris
from sim.sky.orbits.elements import GM_KM3_S2, RADIUS_KM, Axes, orbit_axes
from sim.sky.orbits.orbit import Center, Orbit
from sim.sky.orbits.pulsating import PulsatingAxes
from sim.sky.orbits.restricted import MEAN_DISTANCE_KM

Floats = NDArray[np.float64]

_STEP_S = 600.0
_FARTHEST_ELEMENTS_KM = {"moon": 30_000.0, "earth": 1e6}
"""Apolune up to which elements stay much the same for a turn; halos have none."""
_RESIDUALS = {"largest_jump_km": "largest jump between integrated arcs"}


class Fact(NamedTuple):
    """One line of a table."""

    fact: str
    value: float | str
    unit: str


class Elements(NamedTuple):
    """Osculating two-body elements; angles 0 to 360 deg, heights above the body's sphere."""

    semi_major_axis_km: float
    eccentricity: float
    inclination_deg: float
    ascending_node_deg: float
    argument_of_perilune_deg: float
    mean_anomaly_deg: float


def orbit_facts(orbit: Orbit, ephemeris: Ephemeris, at_s: float | None = None) -> list[Fact]:
    """The facts of a trajectory over its span, and its elements at `at_s`, the start if left out.

    `ephemeris` covers the span.
    """
    clock, track, body = orbit.clock, orbit.centered or orbit.track, orbit.center
    start_s, stop_s = track.start_s, track.stop_s
    facts = [
        Fact("centre", body, ""),
        Fact("from", clock.utc(start_s), "UTC"),
        Fact("to", clock.utc(stop_s), "UTC"),
    ]
    if np.isfinite(orbit.facts.get("period_d", np.inf)):
        facts.append(Fact("undisturbed period", orbit.facts["period_d"] * 24.0, "h"))
    facts += _turns(orbit, ephemeris) + _ends(orbit, clock)
    facts += [
        Fact(words, orbit.facts[name], "km")
        for name, words in _RESIDUALS.items()
        if name in orbit.facts
    ]
    facts.append(Fact("error of the fitted polynomials", track.error, "km"))
    when_s = start_s if at_s is None else at_s
    frame: Axes = "mean_earth" if body == "moon" else "icrf"
    elements = elements_at(orbit, ephemeris, when_s, frame)
    if elements is not None:
        facts.append(Fact("elements at", clock.utc(when_s), "UTC"))
        facts.append(Fact("elements along", frame, ""))
        facts += [_element(name, value) for name, value in elements._asdict().items()]
    return facts


def elements_at(orbit: Orbit, ephemeris: Ephemeris, t_s: float, frame: Axes) -> Elements | None:
    """Elements at an instant along axes as they stand then; None where there is no close ellipse."""
    track, body = orbit.centered or orbit.track, orbit.center
    axes = orbit_axes(frame, ephemeris, t_s).T
    position, velocity = axes @ track(t_s), axes @ track.derivative(t_s)
    found = osculating_elements(position, velocity, body)
    if (
        found is None
        or found.semi_major_axis_km * (1.0 + found.eccentricity) > (_FARTHEST_ELEMENTS_KM[body])
    ):
        return None
    return found


def osculating_elements(
    position_km: Floats, velocity_km_s: Floats, center: Center
) -> Elements | None:
    """The ellipse through a state (3,), (3,); None where the path is open.

    Where the orbit is circular or lies in the plane of the axes, the angle that means nothing is 0
    or undefined to rounding. Vallado, Fundamentals of Astrodynamics, 4th ed., algorithm 9.
    """
    gm = GM_KM3_S2[center]
    distance, speed2 = float(np.linalg.norm(position_km)), float(velocity_km_s @ velocity_km_s)
    axis_km = 1.0 / (2.0 / distance - speed2 / gm)
    if axis_km <= 0.0:
        return None
    momentum = np.cross(position_km, velocity_km_s)
    towards_low = np.cross(velocity_km_s, momentum) / gm - position_km / distance
    node = np.array([-momentum[1], momentum[0], 0.0])
    if not node.any():
        node = np.array([1.0, 0.0, 0.0])
    node /= np.linalg.norm(node)
    ahead = np.cross(momentum / np.linalg.norm(momentum), node)
    argument = np.arctan2(towards_low @ ahead, towards_low @ node)
    e = float(np.linalg.norm(towards_low))
    radial = float(position_km @ velocity_km_s)
    anomaly = np.arctan2(radial / np.sqrt(gm * axis_km), 1.0 - distance / axis_km)
    mean = anomaly - e * np.sin(anomaly)
    tilt = np.arctan2(np.hypot(momentum[0], momentum[1]), momentum[2])
    angles = np.degrees([tilt, np.arctan2(node[1], node[0]), argument, mean]) % 360.0
    return Elements(axis_km, e, *angles.tolist())


def _element(name: str, value: float) -> Fact:
    stem, _, unit = name.rpartition("_")
    known = unit in ("km", "deg")
    return Fact((stem if known else name).replace("_", " "), value, unit if known else "")


def _turns(orbit: Orbit, ephemeris: Ephemeris) -> list[Fact]:
    """How long turns take, as flown: from low point to low point, and through the Moon's plane."""
    times = _times(orbit)
    lows = extrema(lambda t: -_distance_km(orbit, t), times)
    facts = [Fact("passes of its lowest point", len(lows), "")]
    if len(lows) > 1:
        facts.append(Fact("mean time between them", _hours(lows), "h"))
    axes = PulsatingAxes(ephemeris)

    def height(t_s: Floats) -> Floats:
        return np.asarray(axes.from_km(t_s, orbit.track(t_s))[2] * MEAN_DISTANCE_KM)

    ups = [t for t in roots(height, times) if height(np.array([t + 1.0]))[0] > 0.0]
    if orbit.center == "moon" and len(ups) > 1:
        facts.append(
            Fact("mean time between climbs through the Moon's orbital plane", _hours(ups), "h")
        )
    return facts


def _ends(orbit: Orbit, clock: Clock) -> list[Fact]:
    """The lowest and the highest point."""
    times = _times(orbit)
    facts = []
    for name, sign in (("lowest", -1.0), ("highest", 1.0)):
        peaks = extrema(lambda t, s=sign: s * _distance_km(orbit, t), times)  # type: ignore[misc]
        places = np.concatenate([peaks, times[[0, -1]]])
        at_s = places[np.argmax(sign * _distance_km(orbit, places))]
        distance = float(_distance_km(orbit, np.array([at_s]))[0])
        facts += [
            Fact(f"{name} distance", distance, "km"),
            Fact(f"{name} height", distance - RADIUS_KM[orbit.center], "km"),
            Fact(f"{name} at", clock.utc(at_s), "UTC"),
        ]
    return facts


def _times(orbit: Orbit) -> Floats:
    track = orbit.track
    return np.linspace(
        track.start_s, track.stop_s, int((track.stop_s - track.start_s) / _STEP_S) + 3
    )


def _distance_km(orbit: Orbit, t_s: Floats) -> Floats:
    return np.asarray(np.linalg.norm((orbit.centered or orbit.track)(t_s), axis=0))


def _hours(times_s: Floats | list[float]) -> float:
    return float(times_s[-1] - times_s[0]) / (len(times_s) - 1) / (DAY_S / 24.0)
