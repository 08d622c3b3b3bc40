"""Activities of one vehicle: which may start, which must stop, and what they have done so far."""

from dataclasses import dataclass, field
from math import inf

from sim.operations.conditions import Plan
from sim.scenario.behaviour import ActivityParameters


@dataclass(slots=True)
class Activity:
    """One activity in the run: its plans by attitude, its quota and its progress."""

    name: str
    parameters: ActivityParameters
    starts_s: tuple[int, ...] = ()
    """Earliest starts of a timeline, sorted; a run for each."""
    is_running: bool = False
    until_s: float = inf
    remaining_s: int = 0
    """What a run that was cut has still to do."""
    free_from_s: int = 0
    runs: int = 0
    """Completed runs."""
    started: int = 0
    """Runs begun, of the timeline or in the present period."""
    period: object = field(default=None)
    """Lunar day or contact that `started` counts in."""

    def may_start(self, now_s: int, mode: str, period: object) -> bool:
        """Whether mode, quota, timeline and pause allow a start; conditions are looked at apart."""
        if self.is_running or mode not in self.parameters.modes or now_s < self.free_from_s:
            return False
        if self.remaining_s > 0 or self.parameters.repeat == "always":
            return True
        if self.starts_s:
            return self.started < len(self.starts_s) and now_s >= self.starts_s[self.started]
        return self._started_in(period) < self._quota(period)

    def _started_in(self, period: object) -> int:
        return self.started if self.parameters.repeat == "once" or period == self.period else 0

    def _quota(self, period: object) -> int:
        return 0 if period is None else self.parameters.times

    def start(self, now_s: int, period: object) -> None:
        """Begin a run, or go on with one that was cut."""
        if self.remaining_s == 0:
            self.started = self._started_in(period) + 1
            self.period = period
            self.remaining_s = self.parameters.duration_s or 0
        self.is_running = True
        self.until_s = now_s + self.remaining_s if self.remaining_s else inf

    def stop(self, now_s: int) -> bool:
        """End the run at its time, or before it; returns whether it counts as completed."""
        self.is_running = False
        self.free_from_s = now_s + self.parameters.pause_s
        is_whole = now_s >= self.until_s
        left = 0 if self.until_s == inf else int(self.until_s - now_s)
        self.until_s = inf
        self.remaining_s = left if self.parameters.when_cut == "resume" else 0
        is_done = is_whole or (left > 0 and self.parameters.when_cut == "keep")
        self.runs += is_done
        return is_done

    def next_s(self, now_s: int) -> float:
        """The next instant at which time alone changes what it may do."""
        if self.is_running:
            return self.until_s
        times: list[float] = [self.free_from_s] if self.free_from_s > now_s else []
        if self.starts_s and self.started < len(self.starts_s):
            times.append(self.starts_s[self.started])
        return min((t for t in times if t > now_s), default=inf)


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The conditions of one activity in one attitude: to start, and to go on."""

    start: Plan
    keep: Plan
