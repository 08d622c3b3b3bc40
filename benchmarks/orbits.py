"""A year of a 24-hour ellipse, of a halo and of a near-rectilinear orbit, nothing kept.

`python -m benchmarks.orbits` prints the facts of each, the drift of the ellipse with tolerances ten
times tighter, the time of the first integration on a new machine, compilation included, and, last,
one line of JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from sky_case import DAY_S, ELLIPSE, HALO, orbit, sky  # noqa: E402

from sim.clock import Clock  # noqa: E402
from sim.sky.ephemeris import Ephemeris  # noqa: E402
from sim.sky.orbits import Orbit  # noqa: E402
from sim.sky.orbits.elements import ElementsParameters, kepler_states, orbit_axes  # noqa: E402
from sim.sky.orbits.gravity import load_field  # noqa: E402
from sim.sky.orbits.propagation import TOLERANCE, Forces, integrate  # noqa: E402

DAYS = 365.0
REPETITIONS = 3
CLOCK = Clock.starting("2026-01-01T00:00Z")
FIRST_RUN = (
    "import sys; sys.path[:0] = ['tests', '.']; from benchmarks.orbits import first; first()"
)


def first() -> None:
    """What a first run does: one month of the ellipse and of the halo, compiled on the way."""
    ephemeris = sky(30.0, 40.0, CLOCK)
    for keys in (ELLIPSE, HALO):
        orbit(keys, ephemeris, 0.0, 30.0 * DAY_S)


def timed(
    keys: dict[str, Any], ephemeris: Ephemeris, repetitions: int
) -> tuple[float, float, Orbit]:
    """The best times of a year by the clock and of the processor, and the orbit."""
    best = best_cpu = np.inf
    for _ in range(repetitions):
        start, start_cpu = perf_counter(), process_time()
        made = orbit(keys, ephemeris, 0.0, DAYS * DAY_S, cache=False)
        best = min(best, perf_counter() - start)
        best_cpu = min(best_cpu, process_time() - start_cpu)
    return best, best_cpu, made


def tightened_km(ephemeris: Ephemeris) -> float:
    """How far the ellipse lies in a year from one with tolerances ten times tighter."""
    elements = ElementsParameters.model_validate(ELLIPSE["elements"])
    axes = orbit_axes("mean_earth", ephemeris, 0.0)
    start = np.concatenate([axes @ part for part in kepler_states(elements, "moon", 0.0)])
    forces = Forces(ephemeris, load_field(8))
    tighter = tuple(0.1 * part for part in TOLERANCE)
    usual, tight = (
        integrate(start, 0.0, DAYS * DAY_S, forces, tolerance)[0]
        for tolerance in (TOLERANCE, tighter)
    )
    times = np.linspace(0.0, DAYS * DAY_S, 100_001)
    return float(np.linalg.norm(usual(times) - tight(times), axis=0).max())


def first_run_s() -> tuple[float, float]:
    """Seconds of a first run in a new process with an empty cache folder: clock and processor."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "FARSIDE_CACHE_DIR": folder}
        start, before = perf_counter(), os.times()
        subprocess.run([sys.executable, "-c", FIRST_RUN], check=True, cwd=ROOT, env=environment)
        after = os.times()
        used = after.children_user - before.children_user
        return perf_counter() - start, used + after.children_system - before.children_system


def main() -> None:
    """Print the facts and the line of JSON."""
    ephemeris = sky(DAYS, 40.0, CLOCK)
    line: dict[str, Any] = {"benchmark": "orbits"}
    cases = (
        ("ellipse", ELLIPSE, REPETITIONS),
        ("halo", HALO, REPETITIONS),
        ("nrho", {"kind": "nrho"}, 1),
    )
    orbit(ELLIPSE, ephemeris, 0.0, DAY_S, cache=False)
    orbit(HALO, ephemeris, 0.0, 20.0 * DAY_S, cache=False)
    for name, keys, repetitions in cases:
        seconds, processor_s, made = timed(keys, ephemeris, repetitions)
        facts = ", ".join(f"{fact} {value:.6g}" for fact, value in made.facts.items())
        print(
            f"{name:8s} {seconds:7.3f} s ({processor_s:.3f} s of the processor)  {len(made.track.edges_s) - 1} pieces, {facts}"
        )
        line[f"{name}_year_s"] = round(seconds, 3)
    print(f"ten times tighter: {1e3 * tightened_km(ephemeris):.2f} m")
    clock_s, processor_s = first_run_s()
    print(f"first run {clock_s:.1f} s ({processor_s:.1f} s of the processor)")
    line["first_run_s"] = round(clock_s, 1)
    print(json.dumps(line))


if __name__ == "__main__":
    main()
