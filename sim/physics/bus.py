"""The stores of one vehicle between two instants at which something is switched.

`advance` moves battery, heat and their books over a span in which the loads stay put; `crossing_s`
finds the first instant at which one of them passes a level. Vehicles with constant-efficiency
batteries and no thermal nodes are exact at any span (`sim.physics.linear`); the others step on
absolute multiples of 60 s (`sim.physics.stepping`).
"""

from collections.abc import Sequence

from sim.errors import SimError
from sim.physics.battery import ConstantBatteryParameters
from sim.physics.linear import linear_advance, linear_first_crossing_s, power_crossing_s
from sim.physics.stores import (
    BusState,
    Direction,
    Level,
    PowerParameters,
    Quantity,
    aged,
    initial_state,
    isotope_power_w,
    lifeless,
    opened,
    temperature_k,
)
from sim.physics.thermal import HeatTracks
from sim.track import Track

__all__ = [
    "BusState",
    "Direction",
    "Level",
    "PowerParameters",
    "Quantity",
    "advance",
    "aged",
    "crossing_s",
    "first_crossing_s",
    "initial_state",
    "isotope_power_w",
    "lifeless",
    "opened",
    "power_crossing_s",
    "temperature_k",
]


def advance(
    parameters: PowerParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    start_s: float,
    stop_s: float,
    *,
    array_share: float = 1.0,
    heat: HeatTracks | None = None,
) -> BusState:
    """The stores at `stop_s`, the loads having drawn `load_w` from the bus since `start_s`.

    `array_power` is the track of the attitude that the vehicle had, `array_share` what dust and
    ageing have left of it. Surplus charges the battery until it is full and is spilled then; a
    deficit is drawn from it until it is empty and is unmet then, loads getting what the array
    gives. `heat` is needed where the vehicle has thermal nodes.
    """
    battery = parameters.battery
    if parameters.heat is None and isinstance(battery, ConstantBatteryParameters):
        return linear_advance(
            parameters, battery, state, load_w, array_power, array_share, start_s, stop_s
        )
    # compiled steps cost the import of numba, which linear vehicles need not pay
    from sim.physics.packing import stepped_advance  # noqa: PLC0415

    return stepped_advance(
        parameters, state, load_w, array_power, array_share, heat, start_s, stop_s
    )


def crossing_s(
    parameters: PowerParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    start_s: float,
    stop_s: float,
    quantity: Quantity,
    level: float,
    direction: Direction,
    *,
    node: str | None = None,
    array_share: float = 1.0,
    heat: HeatTracks | None = None,
) -> float | None:
    """First instant in (start_s, stop_s] at which a quantity reaches `level` from the other side.

    `rising` is from below to at least the level, `falling` from above to at most the level; a
    quantity that is already there has to leave it first. None if it does not happen.
    `array_power_w` is what dust and ageing leave; `temperature_k` needs `node`.
    """
    if quantity == "array_power_w":
        return power_crossing_s(array_power, level / array_share, start_s, stop_s, direction)
    if quantity == "temperature_k":
        known = [] if parameters.heat is None else list(parameters.heat.nodes)
        if node not in known:
            raise SimError(
                f"there is no thermal node '{node}'; the vehicle has {', '.join(known) or 'none'}"
            )
    watched = node if quantity == "temperature_k" else None
    return first_crossing_s(
        parameters,
        state,
        load_w,
        array_power,
        start_s,
        stop_s,
        [Level(level, direction, watched)],
        array_share=array_share,
        heat=heat,
    )


def first_crossing_s(
    parameters: PowerParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    start_s: float,
    stop_s: float,
    levels: Sequence[Level],
    *,
    array_share: float = 1.0,
    heat: HeatTracks | None = None,
) -> float | None:
    """First instant in (start_s, stop_s] at which any of some levels is reached, as `crossing_s`.

    Vehicles that step look for all of them in one pass.
    """
    if not levels or stop_s <= start_s:
        return None
    battery = parameters.battery
    if parameters.heat is None and isinstance(battery, ConstantBatteryParameters):
        return linear_first_crossing_s(
            parameters, battery, state, load_w, array_power, array_share, start_s, stop_s, levels
        )
    from sim.physics.packing import stepped_crossing_s  # noqa: PLC0415

    return stepped_crossing_s(
        parameters, state, load_w, array_power, array_share, heat, start_s, stop_s, levels
    )
