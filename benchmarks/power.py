"""Heat and power of two vehicles through fourteen lunar days, with an event every two hours.

`python -m benchmarks.power` prints the same run with every internal tolerance ten times tighter,
then one line of JSON: the best of three repetitions, in seconds and in seconds of processor time,
tracks included.
"""

import json
from time import perf_counter, process_time
from typing import Any

import numpy as np

LUNAR_DAYS = 14
EVENT_S = 7200.0
REPETITIONS = 3
ENERGIES = ("generated_wh", "used_wh", "spilled_wh", "lost_wh", "unmet_wh", "heater_wh")


def nodes() -> dict[str, Any]:
    """An electronics box, a radiator in the Sun, the battery and a panel."""

    def sunlit(capacity: float, start: float, area: float, absorptance: float) -> dict[str, Any]:
        face = {"area_m2": area, "absorptance": absorptance, "mount": {"kind": "fixed"}}
        return {
            "heat_capacity_j_k": capacity,
            "initial_temperature_k": start,
            "sunlight": face,
        }

    return {
        "box": {"heat_capacity_j_k": 80_000, "initial_temperature_k": 290},
        "radiator": sunlit(15_000, 280, 0.8, 0.15),
        "cells": {"heat_capacity_j_k": 20_000, "initial_temperature_k": 285},
        "panel": sunlit(6_000, 250, 1.0, 0.6),
    }


def links() -> dict[str, Any]:
    """Paths between the nodes, to space and to the ground."""
    switch = {"node": "box", "closes_above_k": 290, "hysteresis_k": 5, "open_share": 0.02}
    return {
        "switch": {"between": ["box", "radiator"], "conduction_w_k": 5, "switch": switch},
        "radiator": {"between": ["radiator", "space"], "radiation_w_k4": 3.6e-8},
        "strap": {"between": ["box", "cells"], "conduction_w_k": 1.0},
        "leak": {"between": ["box", "space"], "radiation_w_k4": 2e-9},
        "panel": {"between": ["panel", "space"], "radiation_w_k4": 8e-8},
        "below": {"between": ["panel", "ground"], "radiation_w_k4": 2e-8},
        "loop": {
            "between": ["box", "cells"],
            "conduction_w_k": 0.5,
            "switch": {"closes": "in_the_dark"},
        },
    }


def vehicles() -> list[Any]:
    """A lander with constant efficiencies and a rover with a table battery, both with heaters."""
    from sim.physics.bus import PowerParameters

    heat = {
        "nodes": nodes(),
        "links": links(),
        "heaters": {"h": {"node": "cells", "power_w": 15, "on_below_k": 284, "off_above_k": 287}},
        "load_heat": {"box": 0.8},
    }
    isotopes = {
        "rhu": {"heat_w": 15, "node": "box"},
        "rtg": {"heat_w": 10, "electric_w": 2.5, "node": "box"},
    }
    constant = {
        "capacity_wh": 4000,
        "charge_efficiency": 0.95,
        "discharge_efficiency": 0.95,
        "node": "cells",
    }
    rows = {
        "state_of_charge": [0, 0.1, 0.5, 1],
        "voltage_v": [24, 27, 29, 33],
        "resistance_ohm": [0.3, 0.2, 0.2, 0.2],
    }
    table = {
        "kind": "table",
        "capacity_ah": 60,
        "self_discharge_per_day": 0.0004,
        "node": "cells",
        "tables": [{"temperature_k": 273} | rows, {"temperature_k": 313} | rows],
    }
    panel = {"area_m2": 0.6, "efficiency": 0.28, "cells": {"temperature_coefficient_per_k": -0.002}}
    mounts = [{"kind": "fixed", "azimuth_deg": side, "tilt_deg": 20} for side in (90, -90)]
    arrays = {f"wing_{i}": panel | {"mount": mount} for i, mount in enumerate(mounts)}
    shared = {"heat": heat, "isotopes": isotopes, "arrays": arrays}
    return [
        PowerParameters.model_validate_json(json.dumps(shared | {"battery": battery}))
        for battery in (constant, table)
    ]


def sun_km(t_s: Any) -> Any:
    """A Sun over the equator seen from 45 S; midnight at 0."""
    from sim.constants import ASTRONOMICAL_UNIT_KM, SYNODIC_MONTH_S

    hour, south = 2.0 * np.pi * t_s / SYNODIC_MONTH_S - np.pi, np.radians(-45.0)
    direction = [-np.sin(hour), -np.sin(south) * np.cos(hour), np.cos(south) * np.cos(hour)]
    return np.array(direction) * ASTRONOMICAL_UNIT_KM


def visible(t_s: Any) -> Any:
    """Share of the Sun's disc above a flat horizon."""
    sun = sun_km(t_s)
    height = np.degrees(np.arcsin(sun[2] / np.linalg.norm(sun, axis=0))) / 0.2666
    x = np.clip(height, -1.0, 1.0)
    return 1.0 - (np.arccos(x) - x * np.sqrt(1.0 - x * x)) / np.pi


def tracks(vehicle: Any, ground: Any, tighter: float) -> tuple[Any, Any]:
    """Array power and surroundings of a vehicle."""
    from sim.constants import SYNODIC_MONTH_S
    from sim.physics.solar import ArrayParameters, AttitudeParameters, array_power_track
    from sim.physics.thermal import HeatTracks

    touch = np.arccos(np.sin(np.radians([0.2666, -0.2666])) / np.cos(np.radians(45.0)))
    shares = np.concatenate([0.5 - touch / (2 * np.pi), 0.5 + touch / (2 * np.pi)])
    days = np.arange(LUNAR_DAYS)[:, None]
    ends = [0.0, LUNAR_DAYS * SYNODIC_MONTH_S]
    kinks = np.concatenate([((days + shares) * SYNODIC_MONTH_S).ravel(), ends])

    def track(arrays: dict[str, Any], peak_w: float, **more: Any) -> Any:
        return array_power_track(
            arrays,
            AttitudeParameters(),
            sun_km,
            visible,
            kinks,
            tolerance_w=1e-6 * peak_w / tighter,
            **more,
        )

    def face(area_m2: float, absorptance: float, mount: Any) -> Any:
        array = ArrayParameters(area_m2=area_m2, efficiency=absorptance, mount=mount)
        return track({"face": array}, 1361.0 * area_m2)

    faces = {n: vehicle.heat.nodes[n].sunlight for n in vehicle.heat.sunlit}
    from sim.physics.solar import TwoAxisMount

    heat = HeatTracks(
        sunlight_w_m2=face(1.0, 1.0, TwoAxisMount(kind="two_axis")),
        absorbed_w={n: face(s.area_m2, s.absorptance, s.mount) for n, s in faces.items()},
        ground_temperature_k=ground,
    )
    power = track(vehicle.arrays, 450.0, ground_temperature_k=ground, ground_albedo=0.12)
    return power, heat


def run(ground: Any, tighter: float = 1.0) -> list[Any]:
    """The last state of each vehicle; loads change with day and night."""
    from sim.constants import SYNODIC_MONTH_S
    from sim.physics.bus import advance, initial_state

    states = []
    for vehicle in vehicles():
        power, heat = tracks(vehicle, ground, tighter)
        state, at, stop = initial_state(vehicle), 0.0, LUNAR_DAYS * SYNODIC_MONTH_S
        while at < stop:
            following = min(at + EVENT_S, stop)
            load_w = 90.0 if power.at(at) > 100.0 else 3.0
            state = advance(vehicle, state, load_w, power, at, following, heat=heat)
            at = following
        states.append(state)
    return states


def main() -> None:
    """Print the comparison and the time."""
    from sim.constants import SYNODIC_MONTH_S
    from sim.physics import stepping
    from sim.physics.regolith import RegolithParameters, ground_day, ground_temperature_track

    # the ground is made once per place and kept in the cache, before any run
    edges = np.arange(8 * LUNAR_DAYS + 1) / 8 * SYNODIC_MONTH_S
    ground = ground_temperature_track(
        ground_day(RegolithParameters(), -45.0), lambda t: t / SYNODIC_MONTH_S, edges
    )
    run(ground)
    times, cpu = [], []
    for _ in range(REPETITIONS):
        start, busy = perf_counter(), process_time()
        states = run(ground)
        times.append(perf_counter() - start)
        cpu.append(process_time() - busy)
    stepping.STEP_S /= 10.0
    tight = run(ground, tighter=10.0)
    worst = 0.0
    for name in ENERGIES:
        for state, other in zip(states, tight, strict=True):
            value, truth = getattr(state, name), getattr(other, name)
            change = abs(value - truth) / max(abs(truth), 1.0)
            worst = max(worst, change)
            print(f"{name:14s} {value:14.3f} {truth:14.3f} Wh  {100 * change:.5f} %")
    figures = {"ours_s": round(min(times), 3), "cpu_s": round(min(cpu), 3), "tight": worst}
    print(json.dumps({"benchmark": "power"} | figures))


if __name__ == "__main__":
    main()
