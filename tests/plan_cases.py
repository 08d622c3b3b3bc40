"""Runs that live on a contact plan alone: one lander, one relay, one station, two days of sunshine.

The lander works all the time and makes data in one activity, `survey`, first in, first out.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from sim.environment import Environment, compute_environment
from sim.environment.plans import planned_hops
from sim.operations import operate
from sim.operations.runlog import DataCounts
from sim.scenario.loading import load_scenario

MINIMAL = Path(__file__).parents[1] / "scenarios" / "minimal.yaml"
HOURS = 48
RANGES = ("a range +0 +864000 1 2 1", "a range +0 +864000 2 3 1")
FRAME_BITS = 8920
"""Information bits of a frame of five interleaved words of RS(255,223): 5 * 223 * 8."""


@cache
def _sky() -> Environment:
    """The Sun over the lander for two days; computed once."""
    file = plan_file(RANGES)
    return compute_environment(
        load_scenario(MINIMAL, [f"span={{duration_h: {HOURS}}}", f"contact_plan={{file: {file}}}"])
    )


def plan_file(lines: Sequence[str]) -> Path:
    """A contact plan in a folder of its own."""
    file = Path(mkdtemp()) / "plan.ion"
    file.write_text("\n".join(lines) + "\n")
    return file


def planned(contacts: Sequence[str], *overrides: str) -> Environment:
    """The environment of a contact plan; nodes are 1 lander, 2 queqiao, 3 kashi."""
    file = plan_file([*contacts, *RANGES])
    scenario = load_scenario(
        MINIMAL, [f"span={{duration_h: {HOURS}}}", f"contact_plan={{file: {file}}}", *overrides]
    )
    hops = planned_hops(scenario, HOURS * 3600)
    return replace(_sky(), scenario=scenario, hops=hops)


def data_of(environment: Environment) -> DataCounts:
    """The books of the lander at the end of the run."""
    return operate(environment).snapshots["lander"][-1].data


def once(rate_bps: int, duration_s: int = 100) -> str:
    """The override by which the lander makes data once, from the first second on."""
    return (
        "vehicles.lander.activities.survey={modes: [working], duration_s: "
        f"{duration_s}, data_rate_bps: {rate_bps}}}"
    )


def always(rate_bps: int) -> str:
    """The override by which the lander makes data all the time."""
    return (
        "vehicles.lander.activities.survey={modes: [working], repeat: always, "
        f"data_rate_bps: {rate_bps}}}"
    )
