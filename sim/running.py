"""The whole line in one call: environment, operations, results, files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sim.environment import Environment, compute_environment
from sim.errors import SimError
from sim.operations import operate
from sim.results import Results
from sim.results.folders import checked_folder
from sim.scenario.schema import Scenario

Progress = Callable[[str, float], None]


def run(
    scenario: Scenario,
    environment: Environment | None = None,
    *,
    seed: int | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Run a scenario; `environment` spares the sky where it is known already.

    `seed` takes the place of the scenario's. `progress(step, fraction)` is told of the steps
    orbits, windows, rates and operations. Raises `SimError`.
    """
    if seed is not None:
        scenario = _seeded(scenario, seed)
        environment = None if environment is None else replace(environment, scenario=scenario)
    if environment is None:
        environment = compute_environment(scenario, cache=cache, progress=progress)
    log = operate(environment, progress=progress)
    return Results(environment.scenario, environment, log)


def _seeded(scenario: Scenario, seed: int) -> Scenario:
    """The scenario with another seed; the sky does not depend on it."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SimError(f"the seed {seed!r} is not a whole number of 0 or more")
    return scenario.model_copy(update={"seed": seed})


def run_and_write(
    scenario: Scenario,
    folder: str | Path,
    *,
    seed: int | None = None,
    cache: bool = True,
    figures: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Run a scenario and write its folder, figures included; the folder is checked beforehand."""
    checked_folder(folder)
    results = run(scenario, seed=seed, cache=cache, progress=progress)

    def draw(finished: Results, place: Path) -> None:
        from sim.report.figures import write_figures  # noqa: PLC0415 - matplotlib takes 0.3 s

        write_figures(finished, place, progress=progress)

    results.write(folder, figures=draw if figures else None)
    return results
