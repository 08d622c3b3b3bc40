"""What a vehicle does when: its activities started, stopped and commanded."""

from collections.abc import Mapping
from math import inf
from typing import Protocol

from sim.environment import Environment
from sim.operations.activities import Activity
from sim.operations.commands import Uplink
from sim.operations.conditions import Plan
from sim.operations.contacts import Traffic
from sim.operations.power import PowerSupply
from sim.operations.runlog import RunLog
from sim.operations.transport import Maker, Node
from sim.scenario.assets import VehicleParameters
from sim.scenario.behaviour import ActivityParameters, PlannedStart
from sim.scenario.conditions import Condition


class Host(Protocol):
    """What a programme needs of the vehicle that carries it out."""

    name: str
    environment: Environment
    parameters: VehicleParameters
    mode: str
    attitude: str
    modes_seen: set[str]
    node: Node
    traffic: Traffic
    power: PowerSupply
    log: RunLog

    @property
    def wakes_s(self) -> Mapping[int, int]:
        """First wake of each lunar day."""

    def plan(self, key: str, condition: Condition | None) -> Plan:
        """A condition made ready."""

    def holds(self, plan: Plan, now: int) -> bool:
        """Whether it is true now."""

    def lunar_day(self, t_s: float) -> int:
        """Number of the lunar day."""

    def planned_sleep_s(self, lunar_day: int) -> int | None:
        """When it will go to sleep, if the sky alone says so."""

    def note(self, event: str, subject: str, before: str, after: str, cause: str) -> None:
        """Write an event down."""


class Programme:
    """The activities of one vehicle."""

    def __init__(self, vehicle: Host) -> None:
        self.vehicle = vehicle
        self.activities = {
            name: Activity(name, parameters)
            for name, parameters in vehicle.parameters.activities.items()
        }
        self._plans: dict[tuple[str, str], tuple[Plan, Plan]] = {}
        self._uplink = Uplink.of(vehicle.environment, vehicle.parameters.commanded_by)

    @property
    def load_w(self) -> float:
        """Of all running activities."""
        return sum(a.parameters.load_w for a in self.activities.values() if a.is_running)

    def choose(self, now: int) -> None:
        """Stop what must stop, then start what may start, in the order of the file."""
        for activity in self.activities.values():
            if activity.is_running and not self._may_go_on(activity, now):
                self._stop(activity, now)
        busy = {a.parameters.group for a in self.activities.values() if a.is_running} - {None}
        for activity in self.activities.values():
            group = activity.parameters.group
            if group not in busy and self._may_start(activity, now):
                self._start(activity, now)
                busy |= {group} - {None}

    def stop_all(self, now: int) -> None:
        """Cut everything short."""
        for activity in self.activities.values():
            if activity.is_running:
                self._stop(activity, now)

    def account(self) -> None:
        """Say at the end which activities never ran, and why as far as that can be said."""
        for activity in self.activities.values():
            if activity.runs == 0 and not activity.has_run:
                self.vehicle.note(
                    "activity", activity.name, "", "never ran", self._obstacle(activity)
                )

    def _obstacle(self, activity: Activity) -> str:
        modes = activity.parameters.modes
        if not set(modes) & self.vehicle.modes_seen:
            return f"the vehicle was never {' or '.join(modes)}"
        for plan, condition in zip(
            self._preconditions(activity),
            (activity.parameters.when, activity.parameters.start_when),
            strict=True,
        ):
            if condition is not None and plan.scheduled is not None and not plan.edges_s:
                return f"{', '.join(sorted(condition.model_fields_set))} never held"
        if activity.parameters.starts and not activity.starts_s:
            return "none of its planned starts came"
        if activity.starts_s and activity.starts_s[0] >= self.vehicle.environment.duration_s:
            return "its planned starts lie after the end of the run"
        if activity.commanded_s is not None:
            return "its commands never arrived"
        return "its conditions never held together"

    def next_s(self, now: int) -> float:
        """The next instant at which time alone changes what may run."""
        return min((a.next_s(now) for a in self.activities.values()), default=inf)

    def plans(self, mode: str) -> list[Plan]:
        """The conditions that matter in a mode."""
        live = [a for a in self.activities.values() if mode in a.parameters.modes]
        return [plan for activity in live for plan in self._preconditions(activity)]

    def _preconditions(self, activity: Activity) -> tuple[Plan, Plan]:
        """What must hold to go on, and to start; made once for each attitude."""
        key = activity.name, self.vehicle.attitude
        if key not in self._plans:
            parameters = activity.parameters
            self._plans[key] = (
                self.vehicle.plan(f"keep {activity.name}", parameters.when),
                self.vehicle.plan(f"start {activity.name}", parameters.start_when),
            )
        return self._plans[key]

    def _may_go_on(self, activity: Activity, now: int) -> bool:
        if now >= activity.until_s or self.vehicle.mode not in activity.parameters.modes:
            return False
        return self.vehicle.holds(self._preconditions(activity)[0], now)

    def _may_start(self, activity: Activity, now: int) -> bool:
        activity.starts_s = self._starts_s(activity.parameters)
        if not activity.may_start(now, self.vehicle.mode, self._period(activity.parameters, now)):
            return False
        if not all(self.vehicle.holds(plan, now) for plan in self._preconditions(activity)):
            activity.commanded_s = None
            return False
        return self._is_commanded(activity, now)

    def _is_commanded(self, activity: Activity, now: int) -> bool:
        """Whether the sequence for this run has come; the ground begins when it could start."""
        parameters = activity.parameters
        if self._uplink is None or parameters.command_bit == 0:
            return True
        if activity.commanded_s is None:
            ready_s = now + parameters.turnaround_s
            activity.commanded_s = self._uplink.arrival_s(ready_s, parameters.command_bit)
            self.vehicle.note("command", activity.name, "", "sent", "")
        return now >= activity.commanded_s

    def _start(self, activity: Activity, now: int) -> None:
        parameters = activity.parameters
        activity.start(now, self._period(parameters, now))
        if parameters.rate_bps:
            maker = Maker(activity.name, parameters.rate_bps, parameters.priority)
            self.vehicle.traffic.network.start_making(self.vehicle.node, maker, now)
        self.vehicle.note("activity", activity.name, "", "running", "")

    def _stop(self, activity: Activity, now: int) -> None:
        parameters = activity.parameters
        since_s, is_whole = activity.since_s, now >= activity.until_s
        is_done = activity.stop(now)
        network, node = self.vehicle.traffic.network, self.vehicle.node
        network.stop_making(node, activity.name, now)
        if not is_whole and parameters.when_cut == "discard":
            network.discard(node, activity.name, since_s)
        if is_done and parameters.reduces is not None:
            network.reduce(node, parameters.reduces, parameters.reduction)
        if is_done and parameters.distance_m > 0.0:
            self.vehicle.power.drives += 1
        cause = "" if is_whole else parameters.when_cut
        self.vehicle.note("activity", activity.name, "running", "done" if is_done else "cut", cause)
        self.vehicle.log.activity_runs[self.vehicle.name, activity.name] = activity.runs

    # When.

    def _period(self, parameters: ActivityParameters, now: int) -> object:
        """What the quota of an activity counts in; None where there is no such period now."""
        if parameters.repeat == "lunar_day":
            return self.vehicle.lunar_day(now)
        if parameters.repeat == "contact" and parameters.when and parameters.when.contact:
            return self.vehicle.traffic.open_contact(parameters.when.contact, now)
        return "run"

    def _starts_s(self, parameters: ActivityParameters) -> tuple[int, ...]:
        """Starts of the plan that are known by now."""
        if not parameters.starts:
            return ()
        known = (self._start_s(start) for start in parameters.starts)
        return tuple(sorted(start_s for start_s in known if start_s is not None))

    def _start_s(self, start: PlannedStart) -> int | None:
        if start.utc is not None:
            return self.vehicle.environment.clock.seconds(start.utc)
        day = start.lunar_day or 0
        if start.after_wake_h is not None:
            wake_s = self.vehicle.wakes_s.get(day)
            return None if wake_s is None else wake_s + round(start.after_wake_h * 3600.0)
        sleep_s = self.vehicle.planned_sleep_s(day)
        return None if sleep_s is None else sleep_s - round((start.before_sleep_h or 0.0) * 3600.0)
