"""Vehicles in operation: a SimPy process each, which looks around whenever something may change."""

from bisect import bisect_right
from collections.abc import Generator, Iterator
from math import ceil, inf
from typing import Any

import simpy

from sim.environment import Environment
from sim.errors import SimError
from sim.operations.activities import Activity, Preconditions
from sim.operations.conditions import Plan, Watch, planned
from sim.operations.contacts import Traffic
from sim.operations.runlog import Event, Flow, RunLog, Snapshot
from sim.operations.transport import Maker
from sim.physics import bus
from sim.physics.loads import bus_load_w, units_load_w
from sim.physics.thermal import HeatTracks
from sim.scenario.behaviour import AWAKE, ActivityParameters, PlannedStart
from sim.scenario.conditions import Condition
from sim.track import Track

_FARTHEST_LOOK_S = 6 * 3600  # stepped stores are not searched farther, for the load changes soon
_MOST_TRANSITIONS = 12  # at one instant; each mode twice is more than any sensible machine needs


class Vehicle:
    """One vehicle: its mode, its energy, its activities, and when it has to look again."""

    def __init__(
        self,
        name: str,
        environment: Environment,
        clock: simpy.Environment,
        traffic: Traffic,
        log: RunLog,
    ) -> None:
        self.name = name
        self.environment = environment
        self.parameters = environment.scenario.vehicles[name]
        self.clock = clock
        self.traffic = traffic
        self.node = traffic.network.nodes[name]
        self.log = log
        self.mode: str = self.parameters.initial_mode
        self.mode_since_s = 0
        self.attitude = self._attitude_of(self.mode)
        self.bus = bus.initial_state(self.parameters)
        self.energy_since_s = 0
        self.load_w = 0.0
        self._flow_attitude = self.attitude
        """Attitude since the last change of flow, which the array has had."""
        self.array_share = 1.0
        """What dust and ageing have left of the arrays' power."""
        self.days = environment.lunar_days(name)
        self._day_stops_s = [ceil(day.stop_s) for day in self.days]
        self._plans: dict[tuple[str, str], Plan] = {}
        self._alarm: simpy.Event | None = None
        self._generation = 0
        self.activities = {
            key: Activity(key, activity) for key, activity in self.parameters.activities.items()
        }
        self.wakes_s: dict[int, int] = {}
        """First wake of each lunar day."""
        self._note_wake()

    # The process.

    def life(self) -> Generator[simpy.Event, Any, None]:
        """The SimPy process: look, then sleep until the next predicted or reported change."""
        while True:
            self._review()
            self._alarm = self.clock.event()
            self._arm(self._next_s())
            yield self._alarm

    def disturb(self) -> None:
        """Something outside has changed: look again at this instant."""
        if self._alarm is not None and not self._alarm.triggered:
            self._alarm.succeed()

    def snapshot(self, lunar_day: int) -> None:
        """Write the books down as they are now."""
        now = self.now_s
        self.traffic.network.settle(now)
        self._settle_energy(now)
        books = self.traffic.network.books(self.name)
        self.log.snapshots[self.name].append(Snapshot(now, lunar_day, self.bus, books))
        self.bus = bus.opened(self.bus)

    def lunar_day(self, t_s: float) -> int:
        """Number of the lunar day at the vehicle's place."""
        index = min(bisect_right(self._day_stops_s, t_s), len(self.days) - 1)
        return self.days[index].number

    @property
    def now_s(self) -> int:
        """Whole seconds since the start."""
        return int(self.clock.now)

    def _arm(self, at_s: float) -> None:
        """Set the alarm; an older one is dismissed by its number, since SimPy cannot cancel it."""
        self._generation += 1
        if at_s >= self.environment.duration_s:
            return
        timeout = self.clock.timeout(at_s - self.clock.now, value=self._generation)
        timeout.callbacks.append(self._ring)

    def _ring(self, timeout: simpy.Event) -> None:
        if timeout.value == self._generation:
            self.disturb()

    # Looking around.

    def _review(self) -> None:
        now = self.now_s
        self.traffic.network.settle(now)
        self._settle_energy(now)
        self._look(now)
        for _ in range(_MOST_TRANSITIONS):
            if not self._change_mode(now):
                break
        else:
            raise SimError(
                f"{self.name} changes its mode for ever at {self.environment.clock.utc(now)} "
                f"(it is '{self.mode}' now): its transitions form a cycle; give one of them "
                "hold_s, or a limit on time_in_mode_s"
            )
        self._choose_activities(now)
        self.node.may_transmit = self.may_transmit
        self.traffic.attitudes[self.name] = self.attitude
        self.traffic.refresh(self.name)
        self._set_load(now)

    @property
    def may_transmit(self) -> bool:
        """Whether the mode lets the transmitters work."""
        return self.mode in self.parameters.modes and self.parameters.modes[self.mode].transmit

    def _look(self, now: int) -> None:
        for watch in self._watches():
            watch.look(self._value(watch), now)

    def _value(self, watch: Watch) -> float:
        """What a watched quantity is now."""
        if watch.quantity == "time_in_mode_s":
            return float(self.now_s - self.mode_since_s)
        if watch.quantity == "recorder_fill":
            return self.node.recorder.fill if self.node.recorder else 0.0
        if watch.quantity == "temperature_k":
            nodes = self.parameters.heat.nodes if self.parameters.heat else {}
            return self.bus.temperatures_k[list(nodes).index(watch.node)]
        return self.bus.state_of_charge

    def _watches(self) -> Iterator[Watch]:
        for plan in self._live_plans():
            yield from plan.all_watches

    def _live_plans(self) -> Iterator[Plan]:
        """The plans that matter in the present mode."""
        for index, transition in enumerate(self.parameters.transitions):
            if transition.from_ == self.mode:
                yield self._plan(f"transition {index}", transition.when)
        for name, activity in self.activities.items():
            if self.mode in activity.parameters.modes:
                preconditions = self._preconditions(name, activity.parameters)
                yield preconditions.keep
                yield preconditions.start

    def _plan(self, key: str, condition: Condition | None) -> Plan:
        """The condition made ready for the present attitude; made once."""
        full_key = (key, self.attitude)
        if full_key not in self._plans:
            self._plans[full_key] = planned(condition, self.environment, self.name, self.attitude)
        return self._plans[full_key]

    def _preconditions(self, name: str, parameters: ActivityParameters) -> Preconditions:
        return Preconditions(
            self._plan(f"start {name}", parameters.start_when),
            self._plan(f"keep {name}", parameters.when),
        )

    def _holds(self, plan: Plan, now: int) -> bool:
        return (
            plan.flags[bisect_right(plan.edges_s, now)]
            and all(watch.holds(now) for watch in plan.watches)
            and (plan.done is None or self.activities[plan.done].runs > 0)
            and (not plan.any or any(self._holds(member, now) for member in plan.any))
        )

    # Modes.

    def _change_mode(self, now: int) -> bool:
        for index, transition in enumerate(self.parameters.transitions):
            if transition.from_ != self.mode:
                continue
            if self._holds(self._plan(f"transition {index}", transition.when), now):
                cause = ", ".join(sorted(transition.when.model_fields_set))
                self._enter(transition.to, now, cause)
                return True
        return False

    def _enter(self, mode: str, now: int, cause: str) -> None:
        self._note("mode", "", self.mode, mode, cause)
        self.mode, self.mode_since_s = mode, now
        self.attitude = self._attitude_of(mode)
        self._note_wake()
        for watch in self._watches():
            watch.since_s = inf
        self._look(now)

    def _note_wake(self) -> None:
        if self.mode in AWAKE:
            self.wakes_s.setdefault(self.lunar_day(self.now_s), self.now_s)

    def _attitude_of(self, mode: str) -> str:
        parameters = self.parameters.modes.get(mode)  # type: ignore[call-overload]
        return (parameters.attitude if parameters else None) or ""

    # Activities.

    def _choose_activities(self, now: int) -> None:
        for name, activity in self.activities.items():
            if activity.is_running and not self._may_go_on(name, activity, now):
                self._stop(activity, now)
        busy = {a.parameters.group for a in self.activities.values() if a.is_running} - {None}
        for name, activity in self.activities.items():
            group = activity.parameters.group
            if group not in busy and self._may_start(name, activity, now):
                self._start(activity, now)
                busy |= {group} - {None}

    def _may_go_on(self, name: str, activity: Activity, now: int) -> bool:
        if now >= activity.until_s or self.mode not in activity.parameters.modes:
            return False
        return self._holds(self._preconditions(name, activity.parameters).keep, now)

    def _may_start(self, name: str, activity: Activity, now: int) -> bool:
        activity.starts_s = self._starts_s(activity.parameters)
        if not activity.may_start(now, self.mode, self._period(activity.parameters, now)):
            return False
        preconditions = self._preconditions(name, activity.parameters)
        return self._holds(preconditions.keep, now) and self._holds(preconditions.start, now)

    def _period(self, parameters: ActivityParameters, now: int) -> object:
        """What the quota of an activity counts in; None where there is no such period now."""
        if parameters.repeat == "lunar_day":
            return self.lunar_day(now)
        if parameters.repeat == "contact" and parameters.when and parameters.when.contact:
            return self.traffic.open_contact(parameters.when.contact, now)
        return "run"

    def _starts_s(self, parameters: ActivityParameters) -> tuple[int, ...]:
        """Earliest starts of the timeline that are known by now."""
        if not parameters.at:
            return ()
        return tuple(
            sorted(t for start in parameters.at if (t := self._start_s(start)) is not None)
        )

    def _start_s(self, start: PlannedStart) -> int | None:
        if start.utc is not None:
            return self.environment.clock.seconds(start.utc)
        wake_s = self.wakes_s.get(start.lunar_day or 0)
        return None if wake_s is None else wake_s + round((start.after_wake_h or 0.0) * 3600.0)

    def _start(self, activity: Activity, now: int) -> None:
        parameters = activity.parameters
        activity.start(now, self._period(parameters, now))
        if parameters.rate_bps:
            self.node.makers[activity.name] = Maker(
                activity.name, parameters.rate_bps, parameters.priority
            )
        self._note("activity", activity.name, "", "running", "")

    def _stop(self, activity: Activity, now: int) -> None:
        is_done = activity.stop(now)
        self.node.makers.pop(activity.name, None)
        self._note("activity", activity.name, "running", "done" if is_done else "cut", "")
        self.log.activity_runs[self.name, activity.name] = activity.runs

    # Energy.

    def _settle_energy(self, now: int) -> None:
        if now > self.energy_since_s:
            self.bus = bus.advance(
                self.parameters,
                self.bus,
                self.load_w,
                self._array(),
                self.energy_since_s,
                now,
                array_share=self.array_share,
                heat=self._heat(),
            )
            self.energy_since_s = now

    def _array(self) -> Track:
        return self.environment.array_power_w[self.name, self._flow_attitude]

    def _heat(self) -> HeatTracks | None:
        return self.environment.heat.get((self.name, self._flow_attitude))

    def _set_load(self, now: int) -> None:
        load_w = self._sum_of_loads()
        self._flow_attitude = self.attitude
        flows = self.log.flows[self.name]
        if not flows or (load_w, self.attitude) != (flows[-1].load_w, flows[-1].attitude):
            flows.append(Flow(now, self.bus, load_w, self.attitude))
        self.load_w = load_w

    def _sum_of_loads(self) -> float:
        mode = self.parameters.modes.get(self.mode)  # type: ignore[call-overload]
        loads_w = mode.load_w if mode else 0.0
        loads_w += sum(a.parameters.load_w for a in self.activities.values() if a.is_running)
        for channel in self.node.channels:
            if channel.is_on:
                loads_w += self._transmitter_w(channel.link)
        loads_w += units_load_w(self.parameters.units, self.mode)
        return bus_load_w(self.parameters.converter, loads_w)

    def _transmitter_w(self, link: str) -> float:
        scenario = self.environment.scenario
        transmitter = scenario.terminal(scenario.links[link].from_).transmitter
        return 0.0 if transmitter is None else transmitter.load_w

    # The next look.

    def _next_s(self) -> float:
        """The next whole second at which something may change by itself."""
        now = self.now_s
        times = [self._schedule_s(now), *self._day_stops_s_after(now)]
        times += [activity.next_s(now) for activity in self.activities.values()]
        horizon_s = min(*times, self.environment.duration_s)
        if not self.parameters.is_linear and any(self._watches()):
            horizon_s = min(horizon_s, now + _FARTHEST_LOOK_S)
        return min(horizon_s, self._watch_s(now, horizon_s))

    def _day_stops_s_after(self, now: int) -> list[int]:
        index = bisect_right(self._day_stops_s, now)
        return self._day_stops_s[index : index + 1]

    def _schedule_s(self, now: int) -> float:
        return min((_next_edge(plan, now) for plan in self._live_plans()), default=inf)

    def _watch_s(self, now: int, horizon_s: float) -> float:
        changes = (self._watch_change_s(watch, now, horizon_s) for watch in self._watches())
        return min(changes, default=inf)

    def _watch_change_s(self, watch: Watch, now: int, horizon_s: float) -> float:
        """When a watch may change, rounded up to the next whole second."""
        held_s = watch.since_s + watch.limit.hold_s
        times = [held_s] if now < held_s < inf else []
        for level, direction in watch.levels:
            crossing = self._crossing_s(watch, level, direction, now, horizon_s)
            if crossing is not None:
                times.append(max(ceil(crossing), now + 1))
        return ceil(min(times)) if times else inf

    def _crossing_s(
        self, watch: Watch, level: float, direction: bus.Direction, now: int, horizon_s: float
    ) -> float | None:
        if watch.quantity == "time_in_mode_s":
            reached = self.mode_since_s + level
            return reached if direction == "rising" and reached > now else None
        if watch.quantity == "recorder_fill":
            return self._fill_crossing_s(level, direction, now)
        return bus.crossing_s(
            self.parameters,
            self.bus,
            self.load_w,
            self._array(),
            now,
            horizon_s,
            "temperature_k" if watch.node else "state_of_charge",
            level,
            direction,
            node=watch.node or None,
            array_share=self.array_share,
            heat=self._heat(),
        )

    def _fill_crossing_s(self, level: float, direction: bus.Direction, now: int) -> float | None:
        recorder = self.node.recorder
        if recorder is None:
            return None
        away = sum(channel.data_rate_bps for channel in self.node.channels)
        rate = self.node.making_bps - away
        missing = level * recorder.parameters.capacity_bit - recorder.used_bits
        if rate == 0.0 or missing * rate <= 0.0 or (rate > 0.0) != (direction == "rising"):
            return None
        return now + missing / rate

    def _note(self, event: str, subject: str, before: str, after: str, cause: str) -> None:
        self.log.events.append(Event(self.now_s, self.name, event, subject, before, after, cause))


def _next_edge(plan: Plan, now: int) -> float:
    index = bisect_right(plan.edges_s, now)
    own = plan.edges_s[index] if index < len(plan.edges_s) else inf
    return min([own, *(_next_edge(member, now) for member in plan.any)])
