"""Vehicles in operation: a SimPy process each, which looks around whenever something may change."""

from bisect import bisect_right
from collections.abc import Generator
from math import ceil, inf
from typing import Any, NamedTuple

import simpy

from sim.environment import ANY_ATTITUDE, Environment
from sim.errors import SimError
from sim.operations.conditions import Plan, Watch, planned
from sim.operations.contacts import Traffic
from sim.operations.power import PowerSupply, whole_second
from sim.operations.programme import Programme
from sim.operations.runlog import Event, RunLog, Snapshot
from sim.physics.bus import Direction
from sim.physics.loads import bus_load_w, units_load_w
from sim.scenario.behaviour import AWAKE, ModeParameters, Transition
from sim.scenario.conditions import Condition

_MOST_TRANSITIONS = 12  # at one instant; each mode twice is more than any sensible machine needs
_COUNTED = ("time_in_mode_s", "recorder_fill")  # watched quantities that move evenly


class _Live(NamedTuple):
    """What matters in one mode."""

    transitions: tuple[tuple[Transition, Plan], ...]
    watches: tuple[Watch, ...]
    edges_s: list[int]
    """Whole seconds at which the sky changes a condition, or the lunar day ends."""


class Vehicle:
    """One vehicle: its mode, its power, its programme, and when it has to look again."""

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
        self.modes_seen: set[str] = {self.mode}
        self.days = environment.lunar_days(name)
        self._day_stops_s = [ceil(day.stop_s) for day in self.days]
        self.attitude = self._attitude_of(self.mode)
        self._plans: dict[tuple[str, str], Plan] = {}
        self._live: dict[str, _Live] = {}
        self._alarm: simpy.Event | None = None
        self._sends: tuple[bool, bool, bool, str] | None = None
        """What its links chose by when it last let them choose."""
        self._generation = 0
        self.power = PowerSupply(name, environment, log, self.attitude)
        self._alarms = self.power.alarms()
        self._off: tuple[str, ...] = ()
        self._transmitters_w = {
            channel.link: self._transmitter_w(channel.link) for channel in self.node.channels
        }
        self.programme = Programme(self)
        self.wakes_s: dict[int, int] = {}
        """First wake of each lunar day."""
        self._note_wake()

    # The process.

    def life(self) -> Generator[simpy.Event, Any, None]:
        """The SimPy process: look, then sleep until the next predicted or reported change."""
        while True:
            self._review(self.now_s)
            self._alarm = self.clock.event()
            self._arm(self._next_s(self.now_s))
            yield self._alarm

    def disturb(self) -> None:
        """Something outside has changed: look again at this instant."""
        if self._alarm is not None and not self._alarm.triggered:
            self._alarm.succeed()

    def snapshot(self, lunar_day: int) -> None:
        """Close the books of a lunar day as they are now."""
        now = self.now_s
        self.traffic.network.settle(now)
        self.power.settle(now)
        books = self.traffic.network.books(self.name)
        state = self.power.close_books()
        self.log.snapshots[self.name].append(Snapshot(now, lunar_day, state, books))

    def lunar_day(self, t_s: float) -> int:
        """Number of the lunar day at the vehicle's place."""
        index = min(bisect_right(self._day_stops_s, t_s), len(self.days) - 1)
        return self.days[index].number

    @property
    def now_s(self) -> int:
        """Whole seconds since the start."""
        return int(self.clock.now)

    def note(self, event: str, subject: str, before: str, after: str, cause: str) -> None:
        """Write an event of this vehicle into the log."""
        self.log.events.append(Event(self.now_s, self.name, event, subject, before, after, cause))

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

    def _review(self, now: int) -> None:
        self.power.settle(now)
        self._look(now)
        self._heed_alarms()
        for _ in range(_MOST_TRANSITIONS):
            if not self._change_mode(now):
                break
        else:
            raise SimError(self._circle(now))
        self.programme.choose(now)
        self.node.may_transmit = self._mode.transmit if self._mode else False
        self.traffic.attitudes[self.name] = self.attitude
        sends = self.node.may_transmit, self.node.has_data, self.node.is_fed, self.attitude
        if sends != self._sends:
            self._sends = sends
            self.traffic.refresh(self.name)
        lived = self.lunar_day(now) - self.days[0].number
        self.power.draw(now, self._load_w(now), self.attitude, lived)

    def _circle(self, now: int) -> str:
        """What to say of transitions that lead back to where they started, all at one instant."""
        made = [e for e in self.log.events if e.asset == self.name and e.event == "mode"]
        steps = dict.fromkeys(
            f"from {event.before} to {event.after} by {event.cause}"
            for event in made[-_MOST_TRANSITIONS:]
        )
        return (
            f"{self.name} changes its mode for ever at {self.environment.clock.utc(now)}: "
            f"{', '.join(steps)}; let these conditions exclude each other, as by sun: rising for a "
            "wake and sun: setting for a sleep, or give one a limit on time_in_mode_s"
        )

    def _look(self, now: int) -> None:
        for watch in self._live_in_mode.watches:
            watch.look(self._value(watch), now)

    def _value(self, watch: Watch) -> float:
        """What a watched quantity is now."""
        if watch.quantity == "time_in_mode_s":
            return float(self.now_s - self.mode_since_s)
        if watch.quantity == "recorder_fill":
            self.traffic.network.settle(self.now_s)
            return self.node.recorder.fill if self.node.recorder else 0.0
        return self.power.value(watch)

    @property
    def _live_in_mode(self) -> "_Live":
        """What matters in the present mode; gathered once."""
        if self.mode not in self._live:
            transitions = tuple(
                (transition, self.plan(f"transition {index}", transition.when))
                for index, transition in enumerate(self.parameters.transitions)
                if transition.from_ == self.mode
            )
            sheds = enumerate(self.parameters.sheds)
            plans = [plan for _, plan in transitions]
            plans += [self.plan(f"shed {index}", shedding.when) for index, shedding in sheds]
            plans += self.programme.plans(self.mode)
            watches = tuple(watch for plan in plans for watch in plan.all_watches)
            edges = {edge for plan in plans for edge in plan.all_edges_s}
            edges_s = sorted(edges.union(self._day_stops_s))
            self._live[self.mode] = _Live(transitions, watches, edges_s)
        return self._live[self.mode]

    def plan(self, key: str, condition: Condition | None) -> Plan:
        """The condition made ready for the present attitude; made once."""
        full_key = (key, self.attitude)
        if full_key not in self._plans:
            self._plans[full_key] = planned(condition, self.environment, self.name, self.attitude)
        return self._plans[full_key]

    def holds(self, plan: Plan, now: int) -> bool:
        """Whether a condition is true now."""
        return (
            plan.flags[bisect_right(plan.edges_s, now)]
            and all(watch.holds(now) for watch in plan.watches)
            and (plan.done is None or self.programme.activities[plan.done].runs > 0)
            and (not plan.any or any(self.holds(member, now) for member in plan.any))
        )

    def _heed_alarms(self) -> None:
        """Say which limits have been passed or kept again; beyond survival the vehicle is dead."""
        for name, watch in self._alarms.items():
            was_held = watch.since_s < inf
            watch.look(self._value(watch), self.now_s)
            is_held = watch.since_s < inf
            if was_held == is_held:
                continue
            subject, _, what = name.partition(" ")
            kind = "battery" if subject == "battery" else "heat"
            self.note(kind, subject, "" if is_held else what, what if is_held else "", "")
            if is_held and what.startswith("survival") and self.mode != "dead":
                self._enter("dead", f"{subject} beyond {what}")

    # Modes.

    @property
    def _mode(self) -> ModeParameters | None:
        """What the mode draws and allows; nothing for the dead."""
        return self.parameters.modes.get(self.mode)  # type: ignore[call-overload, no-any-return]

    def _attitude_of(self, mode: str) -> str:
        """Name of the attitude of a mode; the dead lie as they stood."""
        parameters = self.parameters.modes.get(mode)  # type: ignore[call-overload]
        return self.attitude if parameters is None else parameters.attitude or ANY_ATTITUDE

    def _change_mode(self, now: int) -> bool:
        for transition, plan in self._live_in_mode.transitions:
            if self.holds(plan, now):
                self._enter(transition.to, ", ".join(sorted(transition.when.model_fields_set)))
                return True
        return False

    def _enter(self, mode: str, cause: str) -> None:
        self.note("mode", "", self.mode, mode, cause)
        self.mode, self.mode_since_s = mode, self.now_s
        self.attitude = self._attitude_of(mode)
        self.modes_seen.add(mode)
        if mode == "dead":
            self.power.die()
        self._note_wake()
        for watch in self._live_in_mode.watches:
            watch.since_s = inf
        self._look(self.now_s)

    def _note_wake(self) -> None:
        if self.mode in AWAKE:
            self.wakes_s.setdefault(self.lunar_day(self.now_s), self.now_s)

    def planned_sleep_s(self, lunar_day: int) -> int | None:
        """When the sky alone will put the vehicle to sleep in a lunar day; None if it does not."""
        day = next((d for d in self.days if d.number == lunar_day), None)
        if day is None:
            return None
        starts = [
            edge
            for index, transition in enumerate(self.parameters.transitions)
            if transition.to == "dormant" and transition.from_ in AWAKE
            for plan in [self.plan(f"transition {index}", transition.when)]
            if plan.scheduled is not None and not plan.all_watches
            for edge, holds in zip(plan.edges_s, plan.flags[1:], strict=True)
            if holds and day.noon_s <= edge < day.stop_s
        ]
        return min(starts, default=None)

    # Loads.

    def _load_w(self, now: int) -> float:
        """What is drawn from the bus: mode, activities, transmitters and units, and converters."""
        loads_w = self._mode.load_w if self._mode else 0.0
        loads_w += self.programme.load_w
        loads_w += sum(
            [self._transmitters_w[channel.link] for channel in self.node.channels if channel.is_on]
        )
        loads_w += units_load_w(self.parameters.units, self.mode, self._shed(now))
        return bus_load_w(self.parameters.converter, loads_w)

    def _shed(self, now: int) -> tuple[str, ...]:
        """Names of the units that are off because power is short; says what has changed."""
        if self.mode == "dead" or not self.parameters.sheds:
            return self._off
        holding = [
            shedding
            for index, shedding in enumerate(self.parameters.sheds)
            if self.holds(self.plan(f"shed {index}", shedding.when), now)
        ]
        below = max((shedding.priority_below for shedding in holding), default=0)
        off = tuple(name for name, unit in self.parameters.units.items() if unit.priority < below)
        keys = {key for shedding in holding for key in shedding.when.model_fields_set}
        for name in self.parameters.units:
            was, is_off = name in self._off, name in off
            if was != is_off:
                states = ("on", "shed") if is_off else ("shed", "on")
                self.note("shed", name, *states, ", ".join(sorted(keys)))
        self._off = off
        return off

    def _transmitter_w(self, link: str) -> float:
        scenario = self.environment.scenario
        transmitter = scenario.terminal(scenario.links[link].from_).transmitter
        return 0.0 if transmitter is None else transmitter.load_w

    # The next look.

    def _next_s(self, now: int) -> float:
        """The next whole second at which something may change by itself."""
        live = self._live_in_mode
        index = bisect_right(live.edges_s, now)
        times: list[float] = [self.programme.next_s(now), *live.edges_s[index : index + 1]]
        watches = [*live.watches, *self._alarms.values()]
        times += [self._change_s(watch, now) for watch in watches]
        soonest_s = min([*times, self.environment.duration_s])
        stores = (watch for watch in watches if watch.quantity not in _COUNTED)
        crossing_s = self.power.first_crossing_s(stores, now, soonest_s)
        if crossing_s is not None:
            soonest_s = min(soonest_s, whole_second(crossing_s, now))
        return soonest_s

    def _change_s(self, watch: Watch, now: int) -> float:
        """When a watch may change by its hold or by counting, rounded up to the next whole second."""
        held_s = watch.since_s + watch.limit.hold_s
        soonest_s = ceil(held_s) if now < held_s < inf else inf
        if watch.quantity in _COUNTED:
            for level, direction, _ in watch.levels:
                crossing_s = self._counted_crossing_s(watch, level, direction, now)
                if crossing_s is not None:
                    soonest_s = min(soonest_s, whole_second(crossing_s, now))
        return soonest_s

    def _counted_crossing_s(
        self, watch: Watch, level: float, direction: Direction, now: int
    ) -> float | None:
        if watch.quantity == "time_in_mode_s":
            reached_s = self.mode_since_s + level
            return reached_s if direction == "rising" and reached_s > now else None
        return self._fill_crossing_s(level, direction, now)

    def _fill_crossing_s(self, level: float, direction: Direction, now: int) -> float | None:
        recorder = self.node.recorder
        if recorder is None:
            return None
        level_bits = level * recorder.parameters.capacity_bit
        reached_s = self.node.reaches_s(level_bits, direction, now)
        return reached_s if reached_s < inf else None
