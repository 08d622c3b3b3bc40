"""The progress of one activity: its quota, its runs, and when it has to be looked at again."""

from dataclasses import dataclass, field
from math import inf

from sim.scenario.behaviour import ActivityParameters


@dataclass(slots=True)
class Activity:
    """One activity in the run."""

    name: str
    parameters: ActivityParameters
    starts_s: tuple[int, ...] = ()
    """Earliest starts of a plan as far as they are known, sorted; a run for each."""
    is_running: bool = False
    has_run: bool = False
    """Whether it has been started at all."""
    since_s: int = 0
    """When the present run began."""
    until_s: float = inf
    remaining_s: int = 0
    """What a run that was cut has still to do."""
    free_from_s: int = 0
    commanded_s: float | None = None
    """When the commands for the next run arrive; None before they are sent."""
    runs: int = 0
    """Completed runs."""
    started: int = 0
    """Runs begun, of the plan or in the present period."""
    period: object = field(default=None)
    """Lunar day or contact that `started` counts in."""

    def may_start(self, now_s: int, mode: str, period: object) -> bool:
        """Whether mode, quota, plan and pause allow a start; conditions are looked at apart."""
        if self.is_running or mode not in self.parameters.modes or now_s < self.free_from_s:
            return False
        if self.remaining_s > 0 or self.parameters.repeat == "always":
            return True
        if self.parameters.starts:
            return self.started < len(self.starts_s) and now_s >= self.starts_s[self.started]
        return period is not None and self._started_in(period) < self.parameters.times

    def _started_in(self, period: object) -> int:
        return self.started if self.parameters.starts or period == self.period else 0

    def start(self, now_s: int, period: object) -> None:
        """Begin a run, or go on with one that was cut."""
        if self.remaining_s == 0:
            self.started = self._started_in(period) + 1
            self.period = period
            self.remaining_s = self.parameters.duration_s or 0
        self.is_running = self.has_run = True
        self.since_s, self.commanded_s = now_s, None
        self.until_s = now_s + self.remaining_s if self.remaining_s else inf

    def stop(self, now_s: int) -> bool:
        """End the run at its time, or before it; returns whether it counts as completed."""
        self.is_running = False
        self.free_from_s = now_s + self.parameters.pause_s
        is_whole = now_s >= self.until_s
        left_s = 0 if self.until_s == inf else max(0, int(self.until_s - now_s))
        self.until_s = inf
        self.remaining_s = left_s if self.parameters.when_cut == "resume" else 0
        is_done = is_whole or (left_s > 0 and self.parameters.when_cut == "keep")
        self.runs += is_done
        return is_done

    def next_s(self, now_s: int) -> float:
        """The next instant at which time alone changes what it may do."""
        if self.is_running:
            return self.until_s
        times: list[float] = [self.free_from_s]
        if self.commanded_s is not None:
            times.append(self.commanded_s)
        times += self.starts_s[self.started : self.started + 1] if self.parameters.starts else []
        return min((t for t in times if t > now_s), default=inf)
