"""Operations alone, geometry and rates given: lunar days of one lander and one rover per second.

    python -m benchmarks.operations

Chang'e-4's fourteen lunar days with ten activities of each vehicle in each lunar day, repeated so
that the machine's noise shows; and the same over a span a third as long, so that time and memory
can be seen to grow with events and not with seconds.
"""

import json
import sys
import time
import tracemalloc
from pathlib import Path

from sim.environment import Environment, compute_environment
from sim.operations import operate
from sim.scenario.loading import load_scenario

SCENARIO = Path(__file__).parents[1] / "scenarios" / "change4.yaml"
REPEATS = 5
TEN = (
    "{work: {modes: [working], repeat: lunar_day, times: 10, duration_s: 14400, pause_s: 14400, "
    "load_w: 10, data_rate_bps: 20000, start_when: {state_of_charge: {above: 0.5}}}}"
)


def environment(lunar_days: int) -> Environment:
    """Chang'e-4 with ten activities a lunar day on each vehicle."""
    overrides = [f"vehicles.{name}.activities={TEN}" for name in ("lander", "rover")]
    return compute_environment(
        load_scenario(SCENARIO, [f"span.lunar_days={lunar_days}", *overrides])
    )


def measured(world: Environment) -> tuple[float, int]:
    """Least seconds of several runs, and the events of one."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        log = operate(world)
        times.append(time.perf_counter() - start)
    return min(times), len(log.events) + len(log.uses)


def peak_mb(world: Environment) -> float:
    """Largest memory that one run adds."""
    tracemalloc.start()
    operate(world)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Print the figures; the last line is one JSON object."""
    results = {}
    for lunar_days in (5, 14):
        world = environment(lunar_days)
        seconds, events = measured(world)
        megabytes = peak_mb(world)
        results[lunar_days] = (seconds, events, megabytes)
        sys.stdout.write(
            f"{lunar_days:2d} lunar days: {seconds:.3f} s, {events} events, {megabytes:.1f} MB\n"
        )
    seconds, events, megabytes = results[14]
    last = {
        "benchmark": "operations",
        "lunar_days_per_s": round(14 / seconds, 1),
        "events": events,
        "peak_mb": round(megabytes, 1),
    }
    sys.stdout.write(json.dumps(last) + "\n")


if __name__ == "__main__":
    main()
