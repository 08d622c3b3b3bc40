"""What binds: one constraint at a time is lifted and the run is made again.

Each relaxation turns an environment into another; geometry is never computed anew. `plan` fills
the time in which a link is open with data to send, so that it measures what the links would carry;
`awake` lets every mode but `dead` do what awake ones do, on a battery that never empties; `power`
is that battery alone, with the Sun and the plan as they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from sim.environment import Environment, Hop
from sim.intervals import Intervals
from sim.operations import operate
from sim.operations.runlog import RunLog
from sim.physics.recorder import BITS_PER_GB
from sim.results.openings import at_best_rate, opened, station_service
from sim.scenario.assets import VehicleParameters
from sim.scenario.behaviour import AWAKE
from sim.scenario.conditions import Condition
from sim.scenario.schema import conditions_of
from sim.scenario.variants import variant

Relax = Callable[[Environment], Environment]
Key = tuple[str, int]
"""Vehicle and lunar day."""
Whole = Mapping[Key, int]

_FILLER = "data_without_end"
_PLENTY_WH = 1e9  # a billion: a 100 kW vehicle through a year, and still milliwatt-hours apart
_PLENTY_GB = 1e8  # ten years at 2.5 Gb/s; 8e17 bits is still a whole number of 64 bits
_TOUCH = 1e-6  # of the charge: a level that is nearly reached counts as reached
_MANY = 64  # links at once on one terminal


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One constraint lifted."""

    name: str
    """The word of `limited_by`."""
    meaning: str
    relax: Relax
    makes_data: bool
    """Whether it can raise what is produced, and not only what gets through."""
    is_needless: Callable[[Environment, RunLog], bool] = lambda environment, log: False
    """Whether the run as it was shows that lifting it changes nothing."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What a relaxation does to one vehicle in one lunar day, in bits delivered."""

    relaxation: str
    vehicle: str
    lunar_day: int
    delivered_bits: int
    gain_bits: int


def without_end_of_energy(environment: Environment) -> Environment:
    """A battery that is full and stays so; arrays and Sun as they are."""

    def edit(data: dict[str, Any]) -> None:
        for vehicle in data["vehicles"].values():
            vehicle["battery"] = {"kind": "constant", "capacity_wh": _PLENTY_WH}

    return replace(environment, scenario=variant(environment.scenario, edit))


def always_awake(environment: Environment) -> Environment:
    """Every mode but `dead` transmits and runs what the awake modes run, with energy for it."""

    def edit(data: dict[str, Any]) -> None:
        for vehicle in data["vehicles"].values():
            _wake(vehicle)

    relaxed = without_end_of_energy(environment)
    return replace(relaxed, scenario=variant(relaxed.scenario, edit))


def _wake(vehicle: dict[str, Any]) -> None:
    modes = [mode for mode in vehicle["modes"] if mode != "dead"]
    for mode in modes:
        vehicle["modes"][mode]["transmit"] = True
    for activity in vehicle.get("activities", {}).values():
        if AWAKE.intersection(activity["modes"]):
            activity["modes"] = [*activity["modes"], *(set(modes) - set(activity["modes"]))]
            activity["modes"].sort(key=list(vehicle["modes"]).index)


def without_end_of_data(environment: Environment) -> Environment:
    """Data of the lowest priority at the best rate, whenever a link of a vehicle is open."""
    best: dict[str, dict[str, int]] = {}
    for hop in environment.hops:
        best.setdefault(hop.source, {})[hop.link] = hop.best_rate_bps

    def edit(data: dict[str, Any]) -> None:
        for name, vehicle in data["vehicles"].items():
            if vehicle.get("recorder") is None:
                continue
            modes = [mode for mode, given in vehicle["modes"].items() if given.get("transmit")]
            activities = vehicle.setdefault("activities", {})
            for link, rate_bps in best.get(name, {}).items():
                activities[_free_name(f"{_FILLER}_{link}", activities)] = {
                    "modes": modes,
                    "repeat": "always",
                    "when": {"contact": link},
                    "data_rate_bps": rate_bps,
                    "priority": 99,
                }

    silent = not any(best.get(name) for name in environment.scenario.vehicles)
    if silent or not any(_transmits(v) for v in environment.scenario.vehicles.values()):
        return environment
    return replace(environment, scenario=variant(environment.scenario, edit))


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    while name in taken:
        name += "_"
    return name


def _transmits(vehicle: VehicleParameters) -> bool:
    return any(mode.transmit for mode in vehicle.modes.values())


def without_end_of_room(environment: Environment) -> Environment:
    """Recorders that are never full, on vehicles and relays."""

    def edit(data: dict[str, Any]) -> None:
        for asset in (*data["vehicles"].values(), *data.get("relays", {}).values()):
            recorder = asset.get("recorder")
            if recorder is not None:
                recorder["capacity_gb"] = _PLENTY_GB
                parts = recorder.get("partitions", {}).values()
                for part in parts:
                    part["capacity_gb"] = _PLENTY_GB / (len(parts) + 1)

    return replace(environment, scenario=variant(environment.scenario, edit))


def always_in_view(environment: Environment) -> Environment:
    """The two ends of every link see each other at all times."""
    always = Intervals.between(0.0, float(environment.duration_s))
    return _with_hops(environment, lambda hop: (always, hop.served))


def always_allocated(environment: Environment) -> Environment:
    """Stations work for the mission at all times and for any number of links; relays as they are."""

    def windows(hop: Hop) -> tuple[Intervals, Intervals]:
        if not _is_station_hop(environment, hop):
            return hop.geometric, hop.served
        return hop.geometric, _relay_service(environment, hop) | hop.served

    return _for_any_number(environment, _with_hops(environment, windows), "stations")


def relay_in_service(environment: Environment) -> Environment:
    """Relays work for the mission at all times, for as many links at once as there are."""

    def windows(hop: Hop) -> tuple[Intervals, Intervals]:
        return hop.geometric, station_service(environment, hop) | hop.served

    return _for_any_number(environment, _with_hops(environment, windows), "relays")


def _for_any_number(environment: Environment, relaxed: Environment, group: str) -> Environment:
    """Terminals of stations or relays for as many links at once as there are."""

    def edit(data: dict[str, Any]) -> None:
        for asset in data.get(group, {}).values():
            for terminal in asset["terminals"].values():
                sharing = terminal.setdefault("sharing", {})
                sharing.update(channels=_MANY, beams=_MANY, access="frequency")

    if relaxed is environment and not _is_shared(environment, getattr(environment.scenario, group)):
        return environment
    return replace(relaxed, scenario=variant(relaxed.scenario, edit))


def _is_shared(environment: Environment, assets: Mapping[str, object]) -> bool:
    """Whether some terminal of these assets is at work in several links."""
    users: dict[tuple[str, str], set[str]] = {}
    for hop in environment.hops:
        for use in hop.uses:
            if use.asset in assets:
                users.setdefault((use.asset, use.terminal), set()).add(hop.link)
    return any(len(links) > 1 for links in users.values())


def always_best_rate(environment: Environment) -> Environment:
    """Every contact at the best rate of its link, as long as both ends are in view and serve."""
    hops = tuple(at_best_rate(hop, environment.duration_s) for hop in environment.hops)
    return replace(environment, hops=hops)


def _with_hops(
    environment: Environment, windows: Callable[[Hop], tuple[Intervals, Intervals]]
) -> Environment:
    """Hops in wider windows; the same environment where none is wider."""
    hops = []
    for hop in environment.hops:
        geometric, served = windows(hop)
        is_same = (geometric, served) == (hop.geometric, hop.served)
        hops.append(hop if is_same else opened(hop, geometric, served, environment.duration_s))
    is_unchanged = all(new is old for new, old in zip(hops, environment.hops, strict=True))
    return environment if is_unchanged else replace(environment, hops=tuple(hops))


def _is_station_hop(environment: Environment, hop: Hop) -> bool:
    stations = environment.scenario.stations
    return hop.source in stations or hop.destination in stations


def _relay_service(environment: Environment, hop: Hop) -> Intervals:
    """When the relay of a hop to a station works, as its hops to vehicles tell."""
    scenario = environment.scenario
    ends = {hop.source, hop.destination} & set(scenario.relays)
    for other in environment.hops:
        others = {other.source, other.destination}
        if ends & others and others & set(scenario.vehicles):
            return other.served
    return Intervals.between(0.0, float(environment.duration_s))


def is_room_enough(environment: Environment, log: RunLog) -> bool:
    """All data found room, and nobody looks at how full a recorder is."""
    is_watched = any(leaf.recorder_fill is not None for leaf in _leaves(environment))
    return not is_watched and all(
        snapshot.data.crowded_out == 0 for books in log.snapshots.values() for snapshot in books
    )


def _is_energy_enough(environment: Environment, log: RunLog) -> bool:
    """Nothing was unmet, nobody died, and nobody saw what a full battery would not have shown."""
    has_died = any((event.event, event.after) == ("mode", "dead") for event in log.events)
    return not has_died and all(
        _sees_a_full_battery(vehicle, [snapshot.bus.lowest_state_of_charge for snapshot in books])
        and all(snapshot.bus.unmet_wh == 0.0 for snapshot in books)
        for vehicle, books in (
            (environment.scenario.vehicles[name], log.snapshots[name]) for name in log.snapshots
        )
    )


def _sees_a_full_battery(vehicle: VehicleParameters, lowest: Sequence[float]) -> bool:
    """Whether no condition of a vehicle ever told its battery from a full one.

    `lowest` are its lowest states of charge. Temperatures are not judged: a battery warms.
    """
    leaves = [leaf for _, condition in conditions_of(vehicle) for leaf in condition.leaves]
    limits = [leaf.state_of_charge for leaf in leaves if leaf.state_of_charge is not None]
    return not any(leaf.temperature_k is not None for leaf in leaves) and all(
        charge > level + _TOUCH
        for limit in limits
        for level in (limit.above, limit.below)
        if level is not None
        for charge in lowest
    )


def _leaves(environment: Environment) -> Iterator[Condition]:
    """Every condition of every vehicle, down to the members of its alternatives."""
    for vehicle in environment.scenario.vehicles.values():
        for _, condition in conditions_of(vehicle):
            yield from condition.leaves


RELAXATIONS = (
    Relaxation(
        "power", "a battery that never empties", without_end_of_energy, True, _is_energy_enough
    ),
    Relaxation(
        "storage", "recorders that are never full", without_end_of_room, False, is_room_enough
    ),
    Relaxation("station", "stations always allocated, for any number", always_allocated, False),
    Relaxation("relay", "relays always in service, for any number", relay_in_service, False),
    Relaxation("geometry", "both ends always in view", always_in_view, False),
    Relaxation("link", "always the best rate", always_best_rate, False),
    Relaxation("awake", "always awake, with the energy for it", always_awake, True),
    Relaxation("plan", "always data to send", without_end_of_data, True),
)
"""From the narrowest to the widest; where two bring the same, the first is named."""


def delivered_bits(log: RunLog) -> dict[Key, int]:
    """Bits that reached the Earth, by vehicle and lunar day."""
    found: dict[Key, int] = {}
    for vehicle, snapshots in log.snapshots.items():
        before = 0
        for snapshot in snapshots:
            key = vehicle, snapshot.lunar_day
            found[key] = found.get(key, 0) + snapshot.data.delivered - before
            before = snapshot.data.delivered
    return found


def gains(
    environment: Environment, log: RunLog, relaxations: Sequence[Relaxation] = RELAXATIONS
) -> Iterator[Gain]:
    """The gain of each relaxation over the run as it was."""
    base = delivered_bits(log)
    for relaxation in relaxations:
        relaxed = environment
        if not relaxation.is_needless(environment, log):
            relaxed = relaxation.relax(environment)
        bits = base if relaxed is environment else delivered_bits(operate(relaxed))
        for (vehicle, day), before in base.items():
            after = bits.get((vehicle, day), 0)
            yield Gain(relaxation.name, vehicle, day, after, after - before)


def relaxation_table(environment: Environment, log: RunLog) -> pl.DataFrame:
    """All relaxations: `relaxation, asset, lunar_day, delivered_gb, gain_gb`, a row per lunar day."""
    rows = [
        (g.relaxation, g.vehicle, g.lunar_day, _gb(g.delivered_bits), _gb(g.gain_bits))
        for g in gains(environment, log)
    ]
    names = ["relaxation", "asset", "lunar_day", "delivered_gb", "gain_gb"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _gb(bits: int) -> float:
    return bits / BITS_PER_GB
