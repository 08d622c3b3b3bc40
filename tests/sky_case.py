"""The usual question of the sky's tests: a far-side site, three stations, an ellipse and a halo."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sim.clock import Clock
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.geometry import PlaceParameters, Site, Station
from sim.sky.orbits import Orbit, OrbitParameters, compute_orbit

DAY_S = 86400.0
CLOCK = Clock.starting("2026-02-01T00:00Z")
ELLIPSE = {
    "kind": "propagated",
    "elements": {
        "lowest_height_km": 200,
        "highest_height_km": 16000,
        "inclination_deg": 62.4,
        "argument_of_perilune_deg": 90,
        "ascending_node_deg": 90,
    },
}
HALO = {"kind": "halo", "amplitude_z_km": 13000}
STATIONS = {
    "ksh": (39.505, 75.929, 1250.0),
    "jms": (46.494, 130.771, 150.0),
    "nqn": (-38.1914, -70.1496, 460.0),
}
_ADAPTER: TypeAdapter[Any] = TypeAdapter(OrbitParameters)


def place(**keys: Any) -> PlaceParameters:
    return PlaceParameters.model_validate_json(json.dumps(keys))


def orbit_parameters(keys: dict[str, Any]) -> Any:
    return _ADAPTER.validate_json(json.dumps(keys))


def orbit(
    keys: dict[str, Any], ephemeris: Ephemeris, start_s: float, stop_s: float, **options: Any
) -> Orbit:
    options.setdefault("folder", Path())
    return compute_orbit(orbit_parameters(keys), ephemeris, start_s, stop_s, **options)


def sky(days: float, margin: float = 10.0, clock: Clock = CLOCK) -> Ephemeris:
    return compute_ephemeris(clock, -margin * DAY_S, (days + margin) * DAY_S)


def far_side(ephemeris: Ephemeris, elevation_deg: float = 5.0) -> Site:
    horizon = {"kind": "constant", "elevation_deg": elevation_deg}
    parameters = place(
        body="moon", latitude_deg=-45.444, longitude_deg=177.599, height_m=-5920, horizon=horizon
    )
    return Site.of(parameters, ephemeris, Path())


def stations(ephemeris: Ephemeris, elevation_deg: float = 10.0) -> dict[str, Station]:
    horizon = {"kind": "constant", "elevation_deg": elevation_deg}
    return {
        name: Station.of(
            place(
                body="earth",
                latitude_deg=latitude,
                longitude_deg=longitude,
                height_m=height,
                horizon=horizon,
            ),
            ephemeris,
            Path(),
        )
        for name, (latitude, longitude, height) in STATIONS.items()
    }
