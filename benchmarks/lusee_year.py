"""A year of LuSEE-Night with warm caches: orbit, windows, rates, power, heat, data; nothing written.

    python -m benchmarks.lusee_year

Last line: `{"benchmark": "lusee_year", "ours_s": ...}`: wall time of the fastest of several runs,
from the loaded scenario to the whole log. The first run warms the caches and is not counted; the
lines before tell what of the time is geometry and what operations, and what the YAML file takes.
"""

import itertools
import json
import time
from pathlib import Path
from typing import NamedTuple

SCENARIO = Path(__file__).parents[1] / "scenarios" / "lusee_night.yaml"
_RUNS = 5


class Times(NamedTuple):
    """Seconds of one run."""

    loading_s: float
    environment_s: float
    operations_s: float

    @property
    def whole_s(self) -> float:
        """Geometry and operations."""
        return self.environment_s + self.operations_s


def measured() -> Times:
    """Wall times from the YAML file to the log of the run."""
    from sim.environment import compute_environment
    from sim.operations import operate
    from sim.scenario.loading import load_scenario

    marks = [time.perf_counter()]
    scenario = load_scenario(SCENARIO)
    marks.append(time.perf_counter())
    environment = compute_environment(scenario)
    marks.append(time.perf_counter())
    operate(environment)
    marks.append(time.perf_counter())
    return Times(*(stop - start for start, stop in itertools.pairwise(marks)))


def main() -> None:
    """Measure, and print one line of JSON last."""
    first, *runs = [measured() for _ in range(1 + _RUNS)]
    best = min(runs, key=lambda run: run.whole_s)
    print(f"first run {first.whole_s:.2f} s, then {', '.join(f'{r.whole_s:.2f}' for r in runs)} s")
    print(
        f"the fastest: geometry {best.environment_s:.3f} s, operations {best.operations_s:.3f} s; "
        f"the file {best.loading_s:.3f} s beside it"
    )
    print(json.dumps({"benchmark": "lusee_year", "ours_s": round(best.whole_s, 3)}))


if __name__ == "__main__":
    main()
