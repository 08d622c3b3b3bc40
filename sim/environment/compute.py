"""From a scenario to its environment: sky, orbits, windows, rates, array power."""

from sim.environment.contacts import link_hops
from sim.environment.light import vehicle_light
from sim.environment.plans import planned_hops
from sim.environment.records import Environment, Hop
from sim.environment.stage import Progress, Stage, set_stage
from sim.scenario.schema import Scenario
from sim.sky.kernels import load_kernels, ut1_remark


def compute_environment(
    scenario: Scenario, *, cache: bool = True, progress: Progress | None = None
) -> Environment:
    """All that the run needs to know of the sky; nothing in it depends on what vehicles do.

    `progress(step, fraction)` is told of the steps orbits, windows and rates. Raises `SimError`
    for dates outside the kernels and orbits that cannot be made.
    """
    return staged_environment(set_stage(scenario, cache=cache, progress=progress), progress)


def staged_environment(stage: Stage, progress: Progress | None = None) -> Environment:
    """The environment on a stage, for who needs the stage as well."""
    tell = progress or (lambda step, fraction: None)
    scenario = stage.scenario
    hops: list[Hop] = list(planned_hops(scenario, stage.duration_s))
    links = {} if scenario.contact_plan is not None else scenario.links
    for index, (name, link) in enumerate(links.items()):
        tell("rates", index / len(links))
        hops += link_hops(stage, name, link)
    light = {name: vehicle_light(stage, name) for name in scenario.vehicles}
    return Environment(
        scenario=scenario,
        clock=scenario.clock,
        duration_s=stage.duration_s,
        places=stage.skies,
        hops=tuple(hops),
        array_power_w={
            (name, attitude): track
            for name, around in light.items()
            for attitude, track in around.array_power_w.items()
        },
        heat={
            (name, attitude): tracks
            for name, around in light.items()
            for attitude, tracks in around.heat.items()
        },
        ground_temperature_k={
            scenario.vehicles[name].place: around.ground_temperature_k
            for name, around in light.items()
            if around.ground_temperature_k is not None
        },
        whereabouts={
            name: tuple((stay.start_s, stay.where) for stay in stage.itineraries[name])
            for name in scenario.vehicles
        },
        manifest=dict(load_kernels().digests) | dict(scenario.file_digests),
        remarks=_remarks(scenario, stage.duration_s),
    )


def _remarks(scenario: Scenario, duration_s: int) -> tuple[str, ...]:
    on_earth = any(station.place is not None for station in scenario.stations.values())
    remark = ut1_remark(scenario.clock, float(duration_s)) if on_earth else None
    return () if remark is None else (remark,)
