"""When Chang'e-4 and Yutu-2 wake, nap and sleep, against the bulletins."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.clock import tai_seconds
from sim.constants import DAY_S
from sim.environment import Environment
from sim.scenario.behaviour import AWAKE
from sim.scenario.conditions import Condition
from sim.validation.cases import Cases

Floats = NDArray[np.float64]
BULLETINS = Path(__file__).parents[1] / "data" / "change4_bulletins.csv"
_LONGEST_MORNING_S = 7 * DAY_S
_ALL_DAYS = "change4_extended"
_ANNOUNCED_AT_WORK = frozenset({"lander"})
_LEVELS = 400


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A wake or a sleep that was announced."""

    event: str
    lunar_day: int
    vehicle: str
    utc: str
    use: str
    """`calibration` for those that set the thresholds in the scenario, `prediction` for the rest."""


@cache
def bulletins() -> tuple[Bulletin, ...]:
    """All that come with the package."""
    with BULLETINS.open(newline="", encoding="utf-8") as stream:
        return tuple(
            Bulletin(r["event"], int(r["lunar_day"]), r["vehicle"], r["utc"], r["use"])
            for r in csv.DictReader(stream)
        )


def wake_time(cases: Cases, vehicle: str, lunar_day: str) -> float:
    """Time in a lunar day of what the bulletins announce as its wake.

    The rover's is its wake by itself, the lander's the normal state that the ground sets after it.
    """
    if vehicle in _ANNOUNCED_AT_WORK:
        return _change(cases, vehicle, int(lunar_day), "waking", {"working"})
    return _change(cases, vehicle, int(lunar_day), "dormant", AWAKE)


def sleep_time(cases: Cases, vehicle: str, lunar_day: str) -> float:
    """Time at which the vehicle goes to sleep in a lunar day."""
    return _change(cases, vehicle, int(lunar_day), "working", {"dormant"})


def nap_start(cases: Cases, lunar_day: str) -> float:
    """Time at which the rover begins its noon nap."""
    return _change(cases, "rover", int(lunar_day), "working", {"napping"})


def nap_stop(cases: Cases, lunar_day: str) -> float:
    """Time at which the rover ends its noon nap."""
    return _change(cases, "rover", int(lunar_day), "napping", {"working"})


def working_d_per_lunar_day(cases: Cases, vehicle: str) -> float:
    """Mean time at work, napping left out, over the whole lunar days of the run."""
    environment, log = cases.environment(_ALL_DAYS), cases.log(_ALL_DAYS)
    days = environment.lunar_days(vehicle)[1:-1]
    total_s, since_s = 0.0, None
    for event in log.events:
        if event.asset != vehicle or event.event != "mode":
            continue
        if event.after == "working":
            since_s = event.t_s
        elif event.before == "working" and since_s is not None:
            inside = days[0].start_s <= since_s < days[-1].stop_s
            total_s += (event.t_s - since_s) if inside else 0.0
    return total_s / len(days) / DAY_S


def wake_rms_h(cases: Cases, vehicle: str, use: str) -> float:
    """Root mean square of simulated less announced wakes, of all bulletins with one use."""
    chosen = [b for b in bulletins() if (b.event, b.vehicle, b.use) == ("wake", vehicle, use)]
    late = [wake_time(cases, vehicle, str(b.lunar_day)) - tai_seconds(b.utc) for b in chosen]
    return _rms_h(late)


def left_out_wake_rms_h(cases: Cases, vehicle: str) -> float:
    """The same for the bulletins of the calibration, each from a threshold fitted to the others."""
    late = _PowerModel.of(cases, vehicle).late_by_level_s(_calibration(vehicle))[1]
    left_out = [
        late[int(np.argmin(np.sum(np.square(np.delete(late, index, axis=1)), axis=1))), index]
        for index in range(late.shape[1])
    ]
    return _rms_h(left_out)


def left_out_hours_rms_h(cases: Cases, vehicle: str) -> float:
    """The naive model beside it: always as long after sunrise as the others on average."""
    wakes = _calibration(vehicle)
    model = _PowerModel.of(cases, vehicle)
    after = np.array([model.after_sunrise_s(b) for b in wakes])
    others = (after.sum() - after) / (len(after) - 1)
    return _rms_h(list(others - after))


def left_out_elevation_rms_h(cases: Cases, vehicle: str) -> float:
    """The other naive model: always at the mean elevation of the Sun at the other wakes."""
    wakes = _calibration(vehicle)
    environment = cases.environment("change4")
    elevation = environment.places["von_karman"].sun_elevation_deg
    model = _PowerModel.of(cases, vehicle)
    seen = np.array([float(elevation.at(model.clock_s(b))) for b in wakes])
    late = []
    for index, left_out in enumerate(wakes):
        level = float(np.delete(seen, index).mean())
        begin_s = model.sunrise_s(left_out)
        crossing = elevation.crossings(level, begin_s, begin_s + _LONGEST_MORNING_S)
        late.append(float(crossing[0]) - model.clock_s(left_out))
    return _rms_h(late)


@dataclass(frozen=True, eq=False)
class _PowerModel:
    """Wake at a threshold of array power, as the transitions of the scenario have it."""

    environment: Environment
    vehicle: str
    attitude: str
    hold_s: float
    set_up: Condition | None
    """When a vehicle that is awake is in the state that is announced; None: at once."""

    @classmethod
    def of(cls, cases: Cases, vehicle: str) -> "_PowerModel":
        environment = cases.environment("change4")
        parameters = environment.scenario.vehicles[vehicle]
        limit = next(
            transition.when.array_power_w
            for transition in parameters.transitions
            if transition.from_ == "dormant" and transition.when.array_power_w is not None
        )
        set_up = next(
            (
                transition.when
                for transition in parameters.transitions
                if (transition.from_, transition.to) == ("waking", "working")
            ),
            None,
        )
        return cls(
            environment,
            vehicle,
            parameters.modes["dormant"].attitude or "",
            limit.hold_s,
            set_up if vehicle in _ANNOUNCED_AT_WORK else None,
        )

    def clock_s(self, bulletin: Bulletin) -> float:
        return float(tai_seconds(bulletin.utc) - self.environment.clock.start_tai_s)

    def sunrise_s(self, bulletin: Bulletin) -> float:
        days = self.environment.lunar_days(self.vehicle)
        day = next(day for day in days if day.number == bulletin.lunar_day)
        return nan if day.sunrise_s is None else day.sunrise_s

    def after_sunrise_s(self, bulletin: Bulletin) -> float:
        return self.clock_s(bulletin) - self.sunrise_s(bulletin)

    def announced_s(self, woken_s: float) -> float:
        """When a vehicle that wakes then is in the state that is announced."""
        if self.set_up is None:
            return woken_s
        awake_s = self.set_up.time_in_mode_s.above if self.set_up.time_in_mode_s else None
        ready_s = woken_s + (awake_s or 0.0)
        ways = [leaf for leaf in self.set_up.any or () if leaf.contact is not None]
        passes = [
            (contact.start_s + way.contact_hold_s, float(contact.stop_s))
            for way in ways
            for hop in self.environment.hops_of(str(way.contact))
            for contact in hop.contacts
        ]
        return min((max(a, ready_s) for a, b in passes if b > max(a, ready_s)), default=nan)

    def late_s(self, threshold_w: float, wakes: Sequence[Bulletin]) -> list[float]:
        """Modelled less announced wakes."""
        power = self.environment.array_power_w[self.vehicle, self.attitude]
        late = []
        for bulletin in wakes:
            begin_s = self.sunrise_s(bulletin)
            times = power.crossings(threshold_w, begin_s, begin_s + _LONGEST_MORNING_S)
            woken_s = float(times[0]) + self.hold_s
            late.append(self.announced_s(woken_s) - self.clock_s(bulletin))
        return late

    def late_by_level_s(self, wakes: Sequence[Bulletin]) -> tuple[Floats, Floats]:
        """Thresholds around the power at the wakes, and modelled less announced wakes at each.

        (N,) in watts and (N, wakes) in seconds.
        """
        power = self.environment.array_power_w[self.vehicle, self.attitude]
        at = np.array([self.clock_s(bulletin) - self.hold_s for bulletin in wakes])
        lowest, highest = float(power(at - 6 * 3600.0).min()), float(power(at).max())
        levels = np.linspace(lowest, highest, _LEVELS)
        return levels, np.array([self.late_s(float(level), wakes) for level in levels])

    def threshold_w(self, wakes: Sequence[Bulletin]) -> float:
        """The threshold with the least mean square of the differences."""
        levels, late = self.late_by_level_s(wakes)
        return float(levels[int(np.argmin(np.sum(np.square(late), axis=1)))])


def _calibration(vehicle: str) -> list[Bulletin]:
    key = ("wake", vehicle, "calibration")
    return [b for b in bulletins() if (b.event, b.vehicle, b.use) == key]


def _rms_h(late_s: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(late_s)))) / 3600.0


def _change(
    cases: Cases, vehicle: str, lunar_day: int, before: str, after: frozenset[str] | set[str]
) -> float:
    """Time of the first such change of mode in a lunar day, NaN if there is none."""
    environment, log = cases.environment(_ALL_DAYS), cases.log(_ALL_DAYS)
    day = next(day for day in environment.lunar_days(vehicle) if day.number == lunar_day)
    for event in log.events:
        if event.asset != vehicle or event.event != "mode" or event.before != before:
            continue
        if event.after in after and day.start_s <= event.t_s < day.stop_s:
            return float(environment.clock.start_tai_s + event.t_s)
    return nan


MEASURES = (
    sleep_time,
    nap_start,
    nap_stop,
    working_d_per_lunar_day,
    wake_rms_h,
    left_out_wake_rms_h,
    left_out_hours_rms_h,
    left_out_elevation_rms_h,
)
