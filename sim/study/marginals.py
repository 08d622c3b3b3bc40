"""What one more unit brings: an hour awake, a decibel, a gigabyte, a watt, an hour of a station.

Each change is made alone and operations are run again; only a decibel asks for new rates, which
are found for that link alone. A gain may be negative where a policy turns more into less.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from sim.environment import Environment
from sim.environment.contacts import link_hops
from sim.environment.service import allocated_time
from sim.environment.stage import Stage, set_stage
from sim.intervals import Intervals
from sim.operations import operate
from sim.operations.runlog import RunLog
from sim.physics.recorder import BITS_PER_GB
from sim.results.openings import opened
from sim.results.relaxations import delivered_bits, is_room_enough
from sim.scenario.variants import variant

Progress = Callable[[str, float], None]

COLUMNS = ("one_more", "subject", "asset", "lunar_day", "delivered_gb", "gain_gb")
_HOUR_S = 3600.0
_DECIBEL = 10.0**0.1
_FOR_EVER_H = 1e12


@dataclass(frozen=True, slots=True)
class Change:
    """One more unit of something, somewhere."""

    one_more: str
    subject: str
    make: Callable[[], Environment]


def marginal_table(
    environment: Environment, log: RunLog, *, progress: Progress | None = None
) -> pl.DataFrame:
    """What one more unit brings each vehicle in each lunar day; columns as in `COLUMNS`."""
    tell = progress or (lambda step, fraction: None)
    base = delivered_bits(log)
    rows: list[tuple[Any, ...]] = []
    steps, has_room = list(changes(environment)), is_room_enough(environment, log)
    for index, change in enumerate(steps):
        tell("marginals", index / len(steps))
        is_needless = change.one_more == "gigabyte" and has_room
        changed = environment if is_needless else change.make()
        bits = base if changed is environment else delivered_bits(operate(changed))
        for (vehicle, day), before in base.items():
            after = bits.get((vehicle, day), 0)
            gain = (after - before) / BITS_PER_GB
            row = change.one_more, change.subject, vehicle, day, after / BITS_PER_GB, gain
            rows.append(row)
    return pl.DataFrame(rows, schema=list(COLUMNS), orient="row")


def changes(environment: Environment) -> Iterator[Change]:
    """Every single change that the scenario has a place for, in the order of the file."""
    scenario = environment.scenario
    for name in scenario.vehicles:
        yield Change("hour awake", name, lambda name=name: one_more_hour_awake(environment, name))  # type: ignore[misc]
    stages: list[Stage] = []
    for name in scenario.links if scenario.contact_plan is None else ():
        yield Change("decibel", name, lambda name=name: _louder(environment, name, stages))  # type: ignore[misc]
    recorders = {name: vehicle.recorder for name, vehicle in scenario.vehicles.items()}
    recorders |= {name: relay.recorder for name, relay in scenario.relays.items()}
    for name, recorder in recorders.items():
        if recorder is not None:
            yield Change("gigabyte", name, lambda name=name: one_more_gigabyte(environment, name))  # type: ignore[misc]
    for name in scenario.vehicles:
        yield Change("watt", name, lambda name=name: one_more_watt(environment, name))  # type: ignore[misc]
    for name, station in scenario.stations.items():
        if station.allocated is not None:
            yield Change(
                "station hour",
                name,
                lambda name=name: one_more_station_hour(environment, name),  # type: ignore[misc]
            )


def one_more_hour_awake(environment: Environment, vehicle: str) -> Environment:
    """Every change to a mode that does not transmit comes an hour later than its limit says.

    Transitions without a limit, as those at a given time, stay where they are.
    """

    def edit(data: dict[str, Any]) -> None:
        modes = data["vehicles"][vehicle]["modes"]
        loud = {mode for mode, given in modes.items() if given.get("transmit")}
        for transition in data["vehicles"][vehicle].get("transitions", []):
            if transition["from"] in loud and transition["to"] not in loud | {"dead"}:
                _delay(transition["when"])

    return replace(environment, scenario=variant(environment.scenario, edit))


def _delay(condition: dict[str, Any]) -> None:
    for limit in condition.values():
        if isinstance(limit, dict) and {"above", "below"} & set(limit):
            limit["hold_s"] = limit.get("hold_s", 0.0) + _HOUR_S
            return


def one_more_decibel(environment: Environment, link: str, stage: Stage) -> Environment:
    """A decibel more at the transmitter of one link, at the same load."""
    scenario = environment.scenario
    asset, terminal = scenario.resolved_end(scenario.links[link].from_)

    def edit(data: dict[str, Any]) -> None:
        for group in ("vehicles", "relays", "stations"):
            if asset in data.get(group, {}):
                data[group][asset]["terminals"][terminal]["transmitter"]["power_w"] *= _DECIBEL

    louder = variant(scenario, edit)
    found = iter(link_hops(replace(stage, scenario=louder), link, louder.links[link]))
    hops = tuple(next(found) if hop.link == link else hop for hop in environment.hops)
    return replace(environment, hops=hops)


def _louder(environment: Environment, link: str, stages: list[Stage]) -> Environment:
    if not stages:
        stages.append(set_stage(environment.scenario))
    return one_more_decibel(environment, link, stages[0])


def one_more_gigabyte(environment: Environment, asset: str) -> Environment:
    """A gigabyte more on one recorder."""

    def edit(data: dict[str, Any]) -> None:
        group = "vehicles" if asset in data["vehicles"] else "relays"
        data[group][asset]["recorder"]["capacity_gb"] += 1.0

    return replace(environment, scenario=variant(environment.scenario, edit))


def one_more_watt(environment: Environment, vehicle: str) -> Environment:
    """A watt more at the bus of one vehicle, day and night."""

    def edit(data: dict[str, Any]) -> None:
        sources = data["vehicles"][vehicle].setdefault("isotopes", {})
        sources[_free("one_more_watt", sources)] = {"electric_w": 1.0, "half_life_h": _FOR_EVER_H}

    return replace(environment, scenario=variant(environment.scenario, edit))


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += "_"
    return name


def one_more_station_hour(environment: Environment, station: str) -> Environment:
    """Each allocated time of one station goes on for an hour; relays and view as they are."""
    duration_s = environment.duration_s
    always = Intervals.between(0.0, float(duration_s))
    allocation = environment.scenario.stations[station].allocated
    allocated = allocated_time(allocation, environment.clock, always)
    longer = Intervals.of((start, stop + _HOUR_S) for start, stop in allocated)
    more = longer.clip(0.0, float(duration_s)) - allocated
    hops = []
    for hop in environment.hops:
        if station in (hop.source, hop.destination):
            served = hop.served | more
            hop = opened(hop, hop.geometric, served, duration_s)  # noqa: PLW2901
        hops.append(hop)
    return replace(environment, hops=tuple(hops))
