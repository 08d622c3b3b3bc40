"""What falls on a vehicle wherever it is: sunlight, its edges, and the warmth of the ground."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.constants import EARTH_RADIUS_KM, MOON_RADIUS_KM, SOLAR_IRRADIANCE_W_M2
from sim.environment.itineraries import Stay, piecewise
from sim.environment.places import light_edges_s, sunlight
from sim.environment.stage import Stage
from sim.physics.regolith import ground_day, ground_temperature_track
from sim.physics.solar import (
    ArrayParameters,
    AttitudeParameters,
    FoldedMount,
    array_power_track,
    fitted_track,
    irradiance_w_m2,
    panel_normal,
)
from sim.physics.thermal import HeatTracks, NodeParameters
from sim.scenario.assets import VehicleAttitude, VehicleParameters
from sim.scenario.grounds import MissionPlace, RegolithGround, TableGround
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Site, range_km
from sim.sky.orbits import Orbit
from sim.sky.shadows import sun_fraction
from sim.sky.windows import relay_eclipses, sun_hour_angle_deg
from sim.track import Track

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]
_SUNLIGHT_TOLERANCE_W_M2 = 0.01
_ON_GROUND = 1e-6
_IN_FLIGHT = (
    1e-3  # a penumbra is crossed in seconds in orbit; more would ask for thousands of pieces
)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What arrays and thermal nodes need to know, all functions of times (N,)."""

    sun_local_km: Function
    """East, north, up at a place; in flight the vehicle holds its deck to the Sun, which is `up`."""
    share: Function
    """Share of the Sun's disc that shines on the vehicle."""
    edges_s: Floats
    """Both ends of the run, and every instant at which light begins, is whole, fades or ends."""
    ground_temperature_k: Track | None
    """At the vehicle's home place."""
    ground_albedo: float
    tolerance: float
    """Share of full power to which tracks follow the light."""


def surroundings(stage: Stage, vehicle: str) -> Surroundings:
    """The light and the ground around a vehicle through the whole run."""
    stays, ephemeris = stage.itineraries[vehicle], stage.ephemeris
    home = stage.scenario.vehicles[vehicle].place
    place = stage.scenario.places[home]
    edges = np.unique(np.concatenate([_edges_s(stay, ephemeris) for stay in stays]))
    return Surroundings(
        piecewise([(s.start_s, s.stop_s, _sun_local_km(s, ephemeris)) for s in stays]),
        piecewise([(s.start_s, s.stop_s, _share(s, ephemeris)) for s in stays]),
        edges,
        _ground_temperature_k(place, stage.sites[home], edges),
        0.0 if place.ground is None else place.ground.albedo,
        _IN_FLIGHT if any(isinstance(stay.end.at, Orbit) for stay in stays) else _ON_GROUND,
    )


def array_power_w(around: Surroundings, vehicle: VehicleParameters, attitude: str) -> Track:
    """Power of all unfolded arrays of a vehicle at the bus, in one of its attitudes."""
    stance = vehicle.attitudes.get(attitude, VehicleAttitude())
    arrays = {name: a for name, a in vehicle.arrays.items() if name not in stance.folded}
    return array_power_track(
        arrays,
        stance,
        around.sun_local_km,
        around.share,
        around.edges_s,
        ground_temperature_k=around.ground_temperature_k,
        ground_albedo=around.ground_albedo,
        tolerance_w=around.tolerance * max(_full_power_w(arrays), 1e-3),
    )


def _full_power_w(arrays: Mapping[str, ArrayParameters]) -> float:
    cells_m2 = sum(array.area_m2 * array.efficiency for array in arrays.values())
    return SOLAR_IRRADIANCE_W_M2 * cells_m2


def heat_tracks(around: Surroundings, vehicle: VehicleParameters, attitude: str) -> HeatTracks:
    """What Sun and ground do to the thermal nodes of a vehicle in one of its attitudes."""
    stance = vehicle.attitudes.get(attitude, AttitudeParameters())
    nodes = {} if vehicle.heat is None else vehicle.heat.nodes

    def normal_w_m2(t_s: Floats) -> Floats:
        return np.asarray(irradiance_w_m2(around.sun_local_km(t_s)) * around.share(t_s))

    return HeatTracks(
        sunlight_w_m2=fitted_track(normal_w_m2, around.edges_s, _SUNLIGHT_TOLERANCE_W_M2),
        absorbed_w={
            name: _absorbed_w(around, node, stance, normal_w_m2)
            for name, node in nodes.items()
            if node.sunlight is not None
        },
        ground_temperature_k=around.ground_temperature_k,
    )


def _absorbed_w(
    around: Surroundings, node: NodeParameters, stance: AttitudeParameters, normal_w_m2: Function
) -> Track:
    face = node.sunlight
    mount = None if face is None else face.mount
    if face is None or mount is None or isinstance(mount, FoldedMount):
        return Track.constant(0.0, float(around.edges_s[0]), float(around.edges_s[-1]))

    def taken_w(t_s: Floats) -> Floats:
        sun = around.sun_local_km(t_s)
        direction = sun / range_km(sun)
        cosine = np.sum(panel_normal(mount, stance, direction) * direction, axis=0)
        taken_m2 = face.absorptance * face.area_m2 * np.maximum(cosine, 0.0)
        return np.asarray(taken_m2 * normal_w_m2(t_s))

    tolerance_w = _SUNLIGHT_TOLERANCE_W_M2 * face.area_m2
    return fitted_track(taken_w, around.edges_s, tolerance_w)


def _ground_temperature_k(place: MissionPlace, site: Site, edges_s: Floats) -> Track | None:
    if place.ground is None:
        return None

    def phase(t_s: Floats) -> Floats:
        return np.asarray((sun_hour_angle_deg(site, t_s) + 180.0) / 360.0)

    if isinstance(place.ground, RegolithGround):
        day = ground_day(place.ground, place.latitude_deg)
        return ground_temperature_track(day, phase, edges_s)
    return fitted_track(lambda t_s: _looked_up_k(place.ground, phase(t_s)), edges_s, 0.1)  # type: ignore[arg-type]


def _looked_up_k(table: TableGround, phase: Floats) -> Floats:
    times_h = np.asarray(table.local_time_h)
    return np.asarray(np.interp(24.0 * phase, times_h, table.temperature_k, period=24.0))


def _sun_local_km(stay: Stay, ephemeris: Ephemeris) -> Function:
    at = stay.end.at
    if isinstance(at, Site):
        return at.sun_local_km

    def overhead(t_s: Floats) -> Floats:
        distance = range_km(ephemeris.sun_apparent_km(t_s))
        return np.array([np.zeros_like(distance), np.zeros_like(distance), distance])

    return overhead


def _share(stay: Stay, ephemeris: Ephemeris) -> Function:
    at = stay.end.at
    if isinstance(at, Site):
        return sunlight(at)

    def unshaded(t_s: Floats) -> Floats:
        here = stay.end.position_km(t_s)
        moon = sun_fraction(*ephemeris.shadow_vectors_km(t_s, here, "moon"), MOON_RADIUS_KM)
        earth = sun_fraction(*ephemeris.shadow_vectors_km(t_s, here, "earth"), EARTH_RADIUS_KM)
        return moon * earth

    return unshaded


def _edges_s(stay: Stay, ephemeris: Ephemeris) -> Floats:
    at, span = stay.end.at, (stay.start_s, stay.stop_s)
    if isinstance(at, Site):
        return light_edges_s(at, *span)
    if not isinstance(at, Orbit):
        return np.array(span)
    shadows = [
        relay_eclipses(at.track, ephemeris, *span, body, total)
        for body in ("moon", "earth")
        for total in (False, True)
    ]
    return np.concatenate(
        [[*span], *(part.starts_s for part in shadows), *(part.stops_s for part in shadows)]
    )
