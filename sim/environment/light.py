"""What Sun and ground do to a vehicle in each of its attitudes, kept between runs."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sim.environment.keeping import TRACKS, end_inputs, inputs_of
from sim.environment.records import ANY_ATTITUDE
from sim.environment.stage import Stage
from sim.environment.surroundings import array_power_w, heat_tracks, surroundings
from sim.physics.thermal import HeatTracks
from sim.scenario.assets import VehicleParameters
from sim.track import Track


class VehicleLight(NamedTuple):
    """The tracks of one vehicle."""

    array_power_w: Mapping[str, Track]
    """By attitude."""
    heat: Mapping[str, HeatTracks]
    """By attitude; empty for a vehicle without thermal nodes."""
    ground_temperature_k: Track | None
    """At its home place, where the scenario says what the ground is made of."""


def vehicle_light(stage: Stage, name: str) -> VehicleLight:
    """What falls on a vehicle through the run."""
    vehicle = stage.scenario.vehicles[name]
    attitudes = _attitudes(vehicle)

    def make() -> list[Track]:
        around = surroundings(stage, name)
        powers = {attitude: array_power_w(around, vehicle, attitude) for attitude in attitudes}
        heated = [] if vehicle.heat is None else attitudes
        heat = {attitude: heat_tracks(around, vehicle, attitude) for attitude in heated}
        return list(_flat(VehicleLight(powers, heat, around.ground_temperature_k)))

    tracks = stage.keeper.value("light", _inputs(stage, name), TRACKS, make)
    has_ground = stage.scenario.places[vehicle.place].ground is not None
    return _built(vehicle, attitudes, iter(tracks), has_ground)


def _attitudes(vehicle: VehicleParameters) -> list[str]:
    """The attitudes that the modes of a vehicle have."""
    return sorted({mode.attitude or ANY_ATTITUDE for mode in vehicle.modes.values()})


def _inputs(stage: Stage, name: str) -> dict[str, Any]:
    vehicle = stage.scenario.vehicles[name]
    return {
        "stays": [
            [stay.start_s, stay.stop_s, end_inputs(stay.end)] for stay in stage.itineraries[name]
        ],
        "home": stage.scenario.places[vehicle.place].model_dump(mode="json"),
        "arrays": inputs_of(vehicle.arrays),
        "stances": inputs_of({a: vehicle.attitudes.get(a) for a in _attitudes(vehicle)}),
        "heat": inputs_of({"heat": vehicle.heat}),
    }


def _flat(light: VehicleLight) -> Iterator[Track]:
    """The tracks in the order in which `_built` takes them."""
    if light.ground_temperature_k is not None:
        yield light.ground_temperature_k
    yield from light.array_power_w.values()
    for tracks in light.heat.values():
        yield tracks.sunlight_w_m2
        yield from tracks.absorbed_w.values()


def _built(
    vehicle: VehicleParameters, attitudes: list[str], tracks: Iterator[Track], has_ground: bool
) -> VehicleLight:
    ground = next(tracks) if has_ground else None
    powers = {attitude: next(tracks) for attitude in attitudes}
    if vehicle.heat is None:
        return VehicleLight(powers, {}, ground)
    sunlit = [name for name, node in vehicle.heat.nodes.items() if node.sunlight is not None]
    heat = {
        attitude: HeatTracks(next(tracks), {node: next(tracks) for node in sunlit}, ground)
        for attitude in attitudes
    }
    return VehicleLight(powers, heat, ground)
