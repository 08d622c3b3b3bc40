"""From a scenario to its environment: sky, orbits, windows, rates, array power."""

from sim.environment.contacts import link_hops
from sim.environment.plans import planned_hops
from sim.environment.records import ANY_ATTITUDE, Environment, Hop
from sim.environment.stage import Progress, set_stage
from sim.environment.surroundings import array_power_w, heat_tracks, surroundings
from sim.scenario.schema import Scenario
from sim.sky.kernels import load_kernels


def compute_environment(
    scenario: Scenario, *, cache: bool = True, progress: Progress | None = None
) -> Environment:
    """All that the run needs to know of the sky; nothing in it depends on what vehicles do.

    `progress(step, fraction)` is told of the steps orbits, windows and rates. Raises `SimError`
    for dates outside the kernels and orbits that cannot be made.
    """
    tell = progress or (lambda step, fraction: None)
    stage = set_stage(scenario, cache=cache, progress=progress)
    hops: list[Hop] = list(planned_hops(scenario, stage.duration_s))
    links = {} if scenario.contact_plan is not None else scenario.links
    for index, (name, link) in enumerate(links.items()):
        tell("rates", index / len(links))
        hops += link_hops(stage, name, link)
    warmth = {name: surroundings(stage, name) for name in scenario.vehicles}
    return Environment(
        scenario=scenario,
        clock=scenario.clock,
        duration_s=stage.duration_s,
        places=stage.skies,
        hops=tuple(hops),
        array_power_w={
            (name, attitude): array_power_w(around, scenario.vehicles[name], attitude)
            for name, around in warmth.items()
            for attitude in _attitudes(scenario, name)
        },
        heat={
            (name, attitude): heat_tracks(around, scenario.vehicles[name], attitude)
            for name, around in warmth.items()
            if scenario.vehicles[name].heat is not None
            for attitude in _attitudes(scenario, name)
        },
        ground_temperature_k={
            scenario.vehicles[name].place: around.ground_temperature_k
            for name, around in warmth.items()
            if around.ground_temperature_k is not None
        },
        whereabouts={
            name: tuple((stay.start_s, stay.where) for stay in stage.itineraries[name])
            for name in scenario.vehicles
        },
        manifest=dict(load_kernels().digests) | dict(scenario.file_digests),
    )


def _attitudes(scenario: Scenario, vehicle: str) -> list[str]:
    """The attitudes that the modes of a vehicle have."""
    modes = scenario.vehicles[vehicle].modes.values()
    return sorted({mode.attitude or ANY_ATTITUDE for mode in modes})
