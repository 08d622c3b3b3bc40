"""What a vehicle can ever do: modes that it can reach, activities that can run, orders that close."""

from sim.scenario.assets import VehicleParameters
from sim.scenario.behaviour import ActivityParameters
from sim.scenario.circles import check_circles


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
    """Activities that wait for each other would wait for ever."""
    for name in vehicle.activities:
        waiting, chain = _needs(vehicle.activities[name]), [name]
        while waiting:
            following = sorted(waiting)[0]
            if following in chain:
                circle = " for ".join([*chain[chain.index(following) :], following])
                raise ValueError(f"activities.{name}: {circle} wait for each other for ever")
            chain.append(following)
            waiting = _needs(vehicle.activities[following])


def _needs(activity: ActivityParameters) -> set[str]:
    """Activities that must be done before it; alternatives under `any` do not bind."""
    given = (activity.when, activity.start_when)
    return {condition.done for condition in given if condition is not None and condition.done}
