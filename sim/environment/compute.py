"""From a scenario to its environment: sky, orbits, windows, rates, array power."""

from sim.environment.contacts import link_hops
from sim.environment.daylight import daylight
from sim.environment.records import ANY_ATTITUDE, Environment, Hop
from sim.environment.stage import Progress, Stage, set_stage
from sim.physics.solar import array_power_track
from sim.scenario.assets import VehicleAttitude
from sim.scenario.schema import Scenario
from sim.sky.kernels import load_kernels
from sim.track import Track


def compute_environment(
    scenario: Scenario, *, cache: bool = True, progress: Progress | None = None
) -> Environment:
    """All that the run needs to know of the sky; nothing in it depends on what vehicles do.

    `progress(step, fraction)` is told of the steps orbits, windows and rates. Raises `SimError`
    for dates outside the kernels and orbits that cannot be made.
    """
    tell = progress or (lambda step, fraction: None)
    stage = set_stage(scenario, cache=cache, progress=progress)
    hops: list[Hop] = []
    for index, (name, link) in enumerate(scenario.links.items()):
        tell("rates", index / len(scenario.links))
        hops += link_hops(stage, name, link)
    return Environment(
        scenario=scenario,
        clock=scenario.clock,
        duration_s=stage.duration_s,
        places=stage.skies,
        hops=tuple(hops),
        array_power_w=_array_power(stage),
        manifest=dict(load_kernels().digests) | dict(scenario.file_digests),
    )


def _array_power(stage: Stage) -> dict[tuple[str, str], Track]:
    """Array power of each vehicle in each attitude that one of its modes has."""
    tracks = {}
    for name, vehicle in stage.scenario.vehicles.items():
        light = daylight(stage, name)
        for attitude in sorted({mode.attitude or ANY_ATTITUDE for mode in vehicle.modes.values()}):
            stance = vehicle.attitudes.get(attitude, VehicleAttitude())
            unfolded = {
                key: array for key, array in vehicle.arrays.items() if key not in stance.folded
            }
            tracks[name, attitude] = array_power_track(
                unfolded, stance, light.sun_local_km, light.share, light.edges_s
            )
    return tracks
