"""What a vehicle can ever do: modes that it can reach, activities that can run, orders that close."""

from collections.abc import Mapping

from sim.scenario.assets import VehicleParameters
from sim.scenario.behaviour import ActivityParameters
from sim.scenario.circles import check_circles
from sim.scenario.conditions import Condition


def check_reach(vehicle: VehicleParameters) -> None:
    """Raise `ValueError` for states that cannot be left, circles, and activities that never run."""
    reached = _reached_modes(vehicle)
    leavable = {transition.from_ for transition in vehicle.transitions}
    for mode in vehicle.modes:
        if mode in reached and vehicle.transitions and mode not in leavable and mode != "dead":
            raise ValueError(
                f"modes.{mode}: the vehicle can enter it and never leave it; give it a transition "
                "to another mode, or call it dead"
            )
    for name, activity in vehicle.activities.items():
        if not reached & set(activity.modes):
            raise ValueError(
                f"activities.{name} can never run: it needs the mode "
                f"{' or '.join(activity.modes)}, which no transition leads to"
            )
    _check_order(vehicle)
    check_circles(vehicle)


def _reached_modes(vehicle: VehicleParameters) -> set[str]:
    reached: set[str] = {vehicle.initial_mode}
    while True:
        further = {t.to for t in vehicle.transitions if t.from_ in reached} - reached
        if not further:
            return reached
        reached |= further


def _check_order(vehicle: VehicleParameters) -> None:
    """Activities that wait for each other, or for one without an end, would wait for ever."""
    activities = vehicle.activities
    for name, activity in activities.items():
        for other in _named(activity):
            if activities[other].repeat == "always" and not _can_run(
                activity, set(activities) - {other}
            ):
                raise ValueError(
                    f"activities.{name} can never run: it waits until {other} is done, which runs "
                    "all the time and is never done"
                )
    done: set[str] = set()
    while further := {
        name
        for name, activity in activities.items()
        if name not in done and _can_run(activity, done)
    }:
        done |= further
    stuck = [name for name in activities if name not in done]
    if stuck:
        circle = " for ".join(_circle(activities, stuck[0], set(stuck)))
        raise ValueError(f"activities.{stuck[0]}: {circle} wait for each other for ever")


def _named(activity: ActivityParameters) -> set[str]:
    """Activities that its conditions name."""
    return {
        leaf.done
        for condition in (activity.when, activity.start_when)
        if condition is not None
        for leaf in condition.leaves
        if leaf.done
    }


def _can_run(activity: ActivityParameters, done: set[str]) -> bool:
    """Whether it could start at some time once only these have been done."""
    return all(
        condition is None or _can_hold(condition, done)
        for condition in (activity.when, activity.start_when)
    )


def _can_hold(condition: Condition, done: set[str]) -> bool:
    members = condition.any or ()
    return (condition.done is None or condition.done in done) and (
        not members or any(_can_hold(member, done) for member in members)
    )


def _circle(activities: Mapping[str, ActivityParameters], name: str, stuck: set[str]) -> list[str]:
    """One way from an activity back to one that was passed, along those that are waited for."""
    chain = [name]
    while True:
        following = min(_named(activities[chain[-1]]) & stuck)
        if following in chain:
            return [*chain[chain.index(following) :], following]
        chain.append(following)
