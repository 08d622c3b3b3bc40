"""One run of the discrete-event clock over an environment: SimPy in whole seconds."""

from collections.abc import Callable, Generator
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import simpy

from sim.environment import Environment
from sim.operations.channels import Channel
from sim.operations.contacts import Traffic
from sim.operations.runlog import Event, Level, RunLog
from sim.operations.transport import Counts, Network, Node
from sim.operations.uncollected import uncollected
from sim.operations.vehicles import Vehicle
from sim.physics.recorder import Recorder
from sim.scenario.routes import return_links

Progress = Callable[[str, float], None]


def operate(environment: Environment, *, progress: Progress | None = None) -> RunLog:
    """Run the vehicles and relays through the environment; the log holds every change.

    The run covers `[0, duration_s)`: what happens at `duration_s` is not part of it. Raises
    `SimError` where the scenario's rules cannot be carried out.
    """
    with uncollected():
        return _Engine(environment, progress).run()


class _Engine:
    """The pieces of one run, joined."""

    def __init__(self, environment: Environment, progress: Progress | None) -> None:
        self.environment = environment
        self.progress = progress
        self.clock = simpy.Environment()
        self.log = _empty_log(environment)
        self.network = Network(_nodes(environment), self.log, self._lunar_day)
        self.network.counts.update({name: Counts() for name in environment.scenario.vehicles})
        self.traffic = Traffic(environment, self.clock, self.network, self.log)
        self.vehicles = {
            name: Vehicle(name, environment, self.clock, self.traffic, self.log)
            for name in environment.scenario.vehicles
        }

    def run(self) -> RunLog:
        for name, vehicle in self.vehicles.items():
            self.traffic.listeners[name] = vehicle.disturb
            self.clock.process(vehicle.life())
            self.clock.process(self._close_lunar_days(vehicle))
            self.clock.process(self._follow_places(vehicle))
        self.clock.process(self.traffic.follow_contacts())
        if self.progress is not None:
            self.clock.process(self._report(self.progress))
        self._note_short_contacts()
        self.clock.run(until=self.environment.duration_s)
        self.traffic.close()
        for vehicle in self.vehicles.values():
            vehicle.snapshot(vehicle.lunar_day(self.environment.duration_s - 1))
            vehicle.programme.account()
        self.log.waiting.extend(self.network.waiting())
        self.log.events.sort(key=lambda event: event.t_s)
        self.log.deliveries.sort(key=lambda delivery: delivery.arrived_start_s)
        return self.log

    def _lunar_day(self, vehicle: str, t_s: float) -> int:
        return self.vehicles[vehicle].lunar_day(t_s)

    def _close_lunar_days(self, vehicle: Vehicle) -> Generator[simpy.Event, Any, None]:
        """Close the books of a vehicle at the end of each of its lunar days."""
        for day in vehicle.days:
            stop_s = ceil(day.stop_s)
            if stop_s >= self.environment.duration_s:
                return
            yield self.clock.timeout(stop_s - self.clock.now)
            vehicle.snapshot(day.number)

    def _follow_places(self, vehicle: Vehicle) -> Generator[simpy.Event, Any, None]:
        """Say when a vehicle comes to another place."""
        stays = self.environment.whereabouts.get(vehicle.name, ())
        for before, (start_s, where) in pairwise(((0.0, ""), *stays)):
            if start_s > 0.0:
                yield self.clock.timeout(ceil(start_s) - self.clock.now)
                vehicle.note("place", "", before[1], where, "")

    def _report(self, progress: Progress) -> Generator[simpy.Event, Any, None]:
        duration_s = self.environment.duration_s
        step_s = max(1, duration_s // 50)
        while True:
            progress("operations", self.clock.now / duration_s)
            yield self.clock.timeout(step_s)

    def _note_short_contacts(self) -> None:
        for hop in self.environment.hops:
            for start_s, stop_s in hop.too_short:
                cause = f"{stop_s - start_s:.3f} s hold no whole second"
                note = Event(int(start_s), hop.source, "contact", hop.name, "", "too short", cause)
                self.log.events.append(note)


def _nodes(environment: Environment) -> dict[str, Node]:
    """Every asset that holds data, with its channels; stations are where data end."""
    scenario = environment.scenario
    nodes: dict[str, Node] = {}
    recorders = {name: asset.recorder for name, asset in scenario.vehicles.items()}
    recorders |= {name: asset.recorder for name, asset in scenario.relays.items()}
    for name, recorder in recorders.items():
        nodes[name] = Node(name, None if recorder is None else Recorder(recorder))
    for link, parameters in return_links(scenario).items():
        source, _ = scenario.resolved_end(parameters.from_)
        hops = environment.hops_of(link)
        if source in nodes and hops:
            draws = _draws(scenario.seed, link) if scenario.frame_loss == "sampled" else None
            store = nodes[source].recorder
            channel = Channel(link, hops, parameters, draws, store)
            nodes[source].channels.append(channel)
            for destination in dict.fromkeys(hop.destination for hop in hops):
                if destination in nodes:
                    nodes[destination].feeders.append(channel)
    return nodes


def _draws(seed: int, link: str) -> np.random.Generator:
    """The stream of random numbers of one link: the same for the same seed and name."""
    return np.random.default_rng(np.random.SeedSequence([seed, *link.encode(), *b"frame_loss"]))


def _empty_log(environment: Environment) -> RunLog:
    scenario = environment.scenario
    return RunLog(
        flows={name: [] for name in scenario.vehicles},
        levels={name: [Level(0, 0)] for name in (*scenario.vehicles, *scenario.relays)},
        snapshots={name: [] for name in scenario.vehicles},
    )
