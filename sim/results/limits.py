"""What binds in each lunar day: the relaxation that brings most, found without running them all.

What waits on board or in relays bounds what wider links and larger recorders can bring, what
instruments can make bounds the others; a relaxation that cannot bring as much as another has
brought is not run.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sim.environment import Environment
from sim.operations.runlog import RunLog
from sim.results.relaxations import RELAXATIONS, Key, Relaxation, Whole, delivered_bits, gains
from sim.scenario.assets import VehicleParameters
from sim.scenario.behaviour import ActivityParameters
from sim.scenario.schema import conditions_of

SEVERAL = "several"
"""The word where no relaxation alone brings more."""
_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Limits:
    """The word of `limited_by` for each vehicle, and for each of its lunar days."""

    run: Mapping[str, str]
    lunar_days: Mapping[Key, str]


def limits(environment: Environment, log: RunLog) -> Limits:
    """What binds in each lunar day and in the run, by the relaxation that brings most.

    A relaxation that cannot bring more than another has brought is not run: what waits on board
    or in relays bounds what wider links and recorders bring, what instruments can make bounds the
    others.
    """
    base = delivered_bits(log)
    found: dict[str, dict[Key, int]] = {}
    bounds = _Bounds(environment, log)
    for relaxation in reversed(RELAXATIONS):
        bound = bounds.gains(relaxation)
        if not any(_may_win(key, bound, found) for key in _keys(base)):
            continue
        found[relaxation.name] = {
            (g.vehicle, g.lunar_day): g.gain_bits for g in gains(environment, log, [relaxation])
        }
    days = {key: _word([key], found) for key in base}
    vehicles = dict.fromkeys(vehicle for vehicle, _ in base)
    run = {name: _word([key for key in base if key[0] == name], found) for name in vehicles}
    return Limits(run, days)


def _keys(base: Whole) -> list[tuple[Key, ...]]:
    """Every lunar day of every vehicle, and all of a vehicle's together."""
    vehicles = dict.fromkeys(vehicle for vehicle, _ in base)
    whole = [tuple(key for key in base if key[0] == name) for name in vehicles]
    return [(key,) for key in base] + whole


def _may_win(keys: Sequence[Key], bound: Whole, found: Mapping[str, Whole]) -> bool:
    """Whether a relaxation could bring as much as the best one so far."""
    most = sum(bound[key] for key in keys)
    best = max((sum(gain[key] for key in keys) for gain in found.values()), default=0)
    return most > 0 and most >= best


def _word(keys: Sequence[Key], found: Mapping[str, Whole]) -> str:
    totals = {
        relaxation.name: sum(found[relaxation.name][key] for key in keys)
        for relaxation in RELAXATIONS
        if relaxation.name in found
    }
    best = max(totals, key=lambda name: totals[name], default=SEVERAL)
    return best if totals.get(best, 0) > 0 else SEVERAL


class _Bounds:
    """Upper bounds of what relaxations can bring, from the books of the run as it was."""

    def __init__(self, environment: Environment, log: RunLog) -> None:
        self._environment = environment
        self._log = log
        self._cut = Counter(
            (event.asset, event.subject)
            for event in log.events
            if (event.event, event.after) == ("activity", "done") and event.cause
        )
        """Runs that count as done, but were cut short."""

    def gains(self, relaxation: Relaxation) -> dict[Key, int]:
        """By vehicle and lunar day."""
        if relaxation.name == "plan":
            return dict.fromkeys(delivered_bits(self._log), _NEVER)
        found: dict[Key, int] = {}
        for vehicle in self._environment.scenario.vehicles:
            for key, waiting, more in self._books(vehicle, relaxation.makes_data):
                found[key] = max(found.get(key, 0), 0) + waiting + more
        return found

    def _books(self, vehicle: str, makes_data: bool) -> Iterator[tuple[Key, int, int]]:
        """For each lunar day, the bits not delivered by its end, and those that could be made."""
        parameters = self._environment.scenario.vehicles[vehicle]
        adds = makes_data or _listens(parameters)
        before, since_s, spare = 0, 0, 0
        for snapshot in self._log.snapshots[vehicle]:
            books = snapshot.data
            if adds:
                day_s = snapshot.t_s - since_s
                could = self._could_make(vehicle, parameters, day_s)
                spare = min(spare + max(could - (books.produced - before), 0), _NEVER)
            before, since_s = books.produced, snapshot.t_s
            yield (vehicle, snapshot.lunar_day), books.produced - books.delivered, spare

    def _could_make(self, vehicle: str, parameters: VehicleParameters, day_s: int) -> int:
        """More than the instruments could make in one lunar day, were the vehicle always awake."""
        return sum(
            activity.rate_bps
            * self._most_s(activity, day_s, self._whole_runs(vehicle, name))
            for name, activity in parameters.activities.items()
            if activity.rate_bps
        )

    def _whole_runs(self, vehicle: str, name: str) -> int:
        return self._log.activity_runs.get((vehicle, name), 0) - self._cut[vehicle, name]

    @staticmethod
    def _most_s(activity: ActivityParameters, day_s: int, runs: int) -> int:
        """The longest that an activity can run in a lunar day."""
        if activity.duration_s is None:
            return day_s
        if activity.repeat == "lunar_day":
            return min(day_s, (activity.times + 1) * activity.duration_s)
        if activity.repeat == "once":
            plan = activity.timeline.starts if activity.timeline else activity.at
            left = max(len(plan), activity.times) - runs
            return 0 if left <= 0 else min(day_s, left * activity.duration_s)
        return day_s


def _listens(vehicle: VehicleParameters) -> bool:
    """Whether what a vehicle does depends on its contacts or on its recorder."""
    return vehicle.commanded_by is not None or any(
        leaf.contact is not None or leaf.recorder_fill is not None
        for _, condition in conditions_of(vehicle)
        for leaf in condition.leaves
    )
