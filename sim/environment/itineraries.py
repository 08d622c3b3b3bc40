"""Where each asset is through the run: one stay for what stands or orbits, several for what moves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from sim.environment.ends import At, End
from sim.errors import ScenarioError
from sim.scenario.phases import Whereabouts, phase_times
from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Stay:
    """An asset at one place, or on one trajectory, in `[start_s, stop_s)`."""

    start_s: float
    stop_s: float
    end: End
    where: str
    """Name of the place or trajectory."""


Itinerary = tuple[Stay, ...]


def vehicle_itineraries(
    scenario: Scenario, at: Mapping[str, At], duration_s: float
) -> dict[str, Itinerary]:
    """The stays of every vehicle, from its place, the phases and its waypoints.

    `at` holds places and trajectories by name. Raises `ScenarioError` where phases do not reach
    the end of the run, or vehicles carry each other in a circle.
    """
    _check_reach(scenario, duration_s)
    moves = {name: _moves(scenario, name) for name in scenario.vehicles}
    return {
        name: tuple(
            Stay(start_s, stop_s, End(name, at[where]), where)
            for start_s, stop_s, where in _joined(_places(name, moves, duration_s, ()))
        )
        for name in scenario.vehicles
    }


def _check_reach(scenario: Scenario, duration_s: float) -> None:
    times = list(phase_times(scenario.phases, scenario.clock))
    if times and times[-1].stop_s is not None and times[-1].stop_s < duration_s:
        raise ScenarioError(
            f"{scenario.path}: phases.{times[-1].name} ends at {scenario.clock.utc(times[-1].stop_s)}"
            f", but the run goes on to {scenario.clock.utc(duration_s)}; leave out the end of the "
            "last phase, or shorten the span"
        )


Move = tuple[float, Whereabouts]


def _moves(scenario: Scenario, name: str) -> list[Move]:
    """From when on a vehicle is where, in the order of time."""
    vehicle = scenario.vehicles[name]
    moves: list[Move] = [(-inf, Whereabouts(place=vehicle.place))]
    for phase in phase_times(scenario.phases, scenario.clock):
        where = scenario.phases[phase.name].vehicles.get(name)
        if where is not None:
            moves.append((float(phase.start_s), where))
    for waypoint in vehicle.waypoints:
        at_s = float(scenario.clock.seconds(waypoint.utc))
        moves.append((at_s, Whereabouts(place=waypoint.place)))
    return sorted(moves, key=lambda move: move[0])


def _places(
    name: str, moves: Mapping[str, list[Move]], duration_s: float, carried: tuple[str, ...]
) -> list[tuple[float, float, str]]:
    """(start, stop, place or trajectory) of a vehicle, carriers followed."""
    if name in carried:
        chain = " aboard ".join([*carried, name])
        raise ScenarioError(f"{name} is nowhere: {chain}; say where one of them is")
    found = []
    own = moves[name]
    for index, (from_s, where) in enumerate(own):
        until_s = own[index + 1][0] if index + 1 < len(own) else duration_s
        start_s, stop_s = max(from_s, 0.0), min(until_s, duration_s)
        if start_s >= stop_s:
            continue
        if where.aboard is None:
            found.append((start_s, stop_s, where.place or where.trajectory or ""))
            continue
        carrier = _places(where.aboard, moves, duration_s, (*carried, name))
        found += [
            (max(a, start_s), min(b, stop_s), at)
            for a, b, at in carrier
            if a < stop_s and b > start_s
        ]
    return found


def _joined(places: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    joined: list[tuple[float, float, str]] = []
    for start_s, stop_s, where in places:
        if joined and joined[-1][2] == where and joined[-1][1] == start_s:
            joined[-1] = (joined[-1][0], stop_s, where)
        else:
            joined.append((start_s, stop_s, where))
    return joined


def meetings(first: Itinerary, second: Itinerary) -> list[tuple[float, float, End, End]]:
    """The spans in which two assets both stay where they are."""
    return [
        (max(a.start_s, b.start_s), min(a.stop_s, b.stop_s), a.end, b.end)
        for a in first
        for b in second
        if a.start_s < b.stop_s and b.start_s < a.stop_s
    ]


def piecewise(parts: Sequence[tuple[float, float, Function]]) -> Function:
    """One function of time from several, each from its start on; the first and last reach beyond."""
    if len(parts) == 1:
        return parts[0][2]
    starts = np.array([start_s for start_s, _, _ in parts[1:]])

    def joined(t_s: Floats) -> Floats:
        times = np.asarray(t_s, dtype=float)
        index = np.searchsorted(starts, times, side="right")
        values: Floats | None = None
        for number, (_, _, function) in enumerate(parts):
            here = index == number
            if not here.any():
                continue
            part = function(times[here])
            if values is None:
                values = np.empty((*part.shape[:-1], len(times)))
            values[..., here] = part
        return np.empty(0) if values is None else values

    return joined
