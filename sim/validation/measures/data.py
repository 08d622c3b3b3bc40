"""Volumes: what links could carry in a lunar day, and what the plans produce."""

from sim.operations.runlog import Snapshot
from sim.results.capacity import FirstHop
from sim.results.timeline import day_books, gigabytes, mode_spans
from sim.validation.cases import Cases

_NAP_TALK = "vehicles.rover.modes.napping.transmit=true"


def capacity_gb_per_lunar_day(cases: Cases, scenario: str, nap: str) -> float:
    """What the first hops of all vehicles could carry awake, mean of the whole lunar days.

    `talking` lets the rover transmit through its noon nap, `silent` leaves the scenario as it is.
    """
    overrides = (_NAP_TALK,) if nap == "talking" else ()
    environment, log = cases.environment(scenario, overrides), cases.log(scenario, overrides)
    total = 0.0
    for vehicle in environment.scenario.vehicles:
        hop = FirstHop(environment, log, vehicle, mode_spans(environment, log, vehicle))
        books = day_books(environment, log, vehicle)[1:-1]
        columns = [hop.columns(book)["capacity_gb"] for book in books]
        total += sum(float(str(value)) for value in columns) / len(books)
    return total


def delivered_gb(cases: Cases, scenario: str, last_lunar_day: str) -> float:
    """What all vehicles have delivered by the end of a lunar day."""
    return _delivered_gb(cases, scenario, int(last_lunar_day))


def delivered_in_lunar_day_gb(cases: Cases, scenario: str, lunar_day: str) -> float:
    """What all vehicles deliver in one lunar day."""
    number = int(lunar_day)
    return _delivered_gb(cases, scenario, number) - _delivered_gb(cases, scenario, number - 1)


def delivered_bps(cases: Cases, scenario: str, hours: str) -> float:
    """Mean rate of all that is delivered in the run, over so many hours."""
    last = max(snapshot.lunar_day for snapshot in _snapshots(cases, scenario))
    return _delivered_gb(cases, scenario, last) * 8e9 / (float(hours) * 3600.0)


def activity_volume_gb(cases: Cases, scenario: str, vehicle: str, activity: str) -> float:
    """Data of one complete run of an activity."""
    parameters = cases.scenario(scenario).vehicles[vehicle].activities[activity]
    return parameters.rate_bps * (parameters.duration_s or 0) / 8e9


def sampled_kg(cases: Cases, scenario: str, vehicle: str) -> float:
    """Ground that a vehicle takes in the run."""
    activities = cases.scenario(scenario).vehicles[vehicle].activities.items()
    runs = cases.log(scenario).activity_runs
    return sum(runs.get((vehicle, name), 0) * activity.sample_kg for name, activity in activities)


def _snapshots(cases: Cases, scenario: str) -> list[Snapshot]:
    return [s for snapshots in cases.log(scenario).snapshots.values() for s in snapshots]


def _delivered_gb(cases: Cases, scenario: str, lunar_day: int) -> float:
    snapshots = [s for s in _snapshots(cases, scenario) if s.lunar_day == lunar_day]
    return gigabytes(sum(snapshot.data.delivered for snapshot in snapshots))


MEASURES = (
    capacity_gb_per_lunar_day,
    delivered_gb,
    delivered_in_lunar_day_gb,
    delivered_bps,
    activity_volume_gb,
    sampled_kg,
)
