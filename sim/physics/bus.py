"""The stores of one vehicle between two instants at which something is switched.

`advance` moves battery, heat and their books over a span in which the loads stay put; `crossing_s`
finds the first instant at which one of them passes a level. Vehicles with constant-efficiency
batteries and no thermal nodes are exact at any span; the others step (`sim.physics.stepping`).

Books, in watt-hours: generated = used + spilled + lost + change of stored; demanded = used + unmet.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from pydantic import Field, model_validator

from sim.constants import DAY_S
from sim.errors import SimError
from sim.parameters import Name, Parameters
from sim.physics.battery import BatteryParameters, ConstantBatteryParameters
from sim.physics.loads import ConverterParameters, UnitParameters
from sim.physics.solar import ArrayParameters
from sim.physics.thermal import HeatParameters, HeatTracks, IsotopeParameters, decayed_share
from sim.track import Track

_HOUR_S = 3600.0
_TIME_TOLERANCE_S = 1e-7
_MAX_STEPS = 100

Quantity = Literal["state_of_charge", "array_power_w", "temperature_k"]
Direction = Literal["rising", "falling"]


class PowerParameters(Parameters):
    """Everything of a vehicle that makes, stores or takes energy."""

    arrays: dict[Name, ArrayParameters] = Field(default_factory=dict)
    battery: BatteryParameters
    isotopes: dict[Name, IsotopeParameters] = Field(default_factory=dict)
    units: dict[Name, UnitParameters] = Field(default_factory=dict)
    converter: ConverterParameters | None = None
    """Between the units and the bus; what it takes depends on their sum."""
    heat: HeatParameters | None = None
    """Without it the vehicle has no temperatures."""

    @model_validator(mode="after")
    def _power_nodes_exist(self) -> "PowerParameters":
        nodes = {} if self.heat is None else self.heat.nodes
        named = [(f"isotopes.{name}.node", source.node) for name, source in self.isotopes.items()]
        if not isinstance(self.battery, ConstantBatteryParameters):
            named.append(("battery.node", self.battery.node))
        for path, node in named:
            if node is not None and node not in nodes:
                raise ValueError(
                    f"{path} names the node '{node}', which is not among heat.nodes "
                    f"({', '.join(nodes) or 'there are none'})"
                )
        return self

    @property
    def is_linear(self) -> bool:
        """Whether the stores are linear, so that any span is one exact step."""
        return self.heat is None and isinstance(self.battery, ConstantBatteryParameters)


@dataclass(frozen=True, slots=True)
class BusState:
    """Battery, temperatures and books of a vehicle at an instant; energies since the books began."""

    stored_wh: float
    """Energy in the cells."""
    capacity_wh: float
    """What they can hold now."""
    generated_wh: float = 0.0
    """By arrays and isotope generators."""
    demanded_wh: float = 0.0
    used_wh: float = 0.0
    """What loads and heaters received."""
    spilled_wh: float = 0.0
    """What arrays could have given and nothing could take."""
    lost_wh: float = 0.0
    """In charging, discharging and by self-discharge."""
    unmet_wh: float = 0.0
    is_cut_off: bool = False
    """Whether the battery has disconnected the loads until it has recovered."""
    lowest_state_of_charge: float = 1.0
    """Since the books began."""
    charge_ah: float = 0.0
    """Charge in the cells of a table battery; 0 for the other kind."""
    temperatures_k: tuple[float, ...] = ()
    """Of the nodes, in the order of the file."""
    heaters_on: tuple[bool, ...] = ()
    links_closed: tuple[bool, ...] = ()
    heater_wh: float = 0.0
    """Part of `used_wh` that heaters took."""
    dissipated_wh: float = 0.0
    """Electric energy that became heat in the nodes, heaters and battery losses included."""
    isotope_heat_wh: float = 0.0
    sunlight_heat_wh: float = 0.0
    space_heat_wh: float = 0.0
    """Heat that left to space; less what came."""
    ground_heat_wh: float = 0.0
    """Heat that left to the ground; less what came."""

    @property
    def state_of_charge(self) -> float:
        """Stored share of what the battery can hold."""
        return self.stored_wh / self.capacity_wh


def initial_state(parameters: PowerParameters) -> BusState:
    """The state at the start of a run, with empty books."""
    battery = parameters.battery
    if isinstance(battery, ConstantBatteryParameters) and parameters.heat is None:
        return BusState(
            stored_wh=battery.initial_state_of_charge * battery.capacity_wh,
            capacity_wh=battery.capacity_wh,
            lowest_state_of_charge=battery.initial_state_of_charge,
        )
    raise SimError("batteries of kind table and thermal nodes cannot be moved yet")


def opened(state: BusState) -> BusState:
    """The same stores with empty books."""
    return BusState(
        stored_wh=state.stored_wh,
        capacity_wh=state.capacity_wh,
        is_cut_off=state.is_cut_off,
        lowest_state_of_charge=state.state_of_charge,
        charge_ah=state.charge_ah,
        temperatures_k=state.temperatures_k,
        heaters_on=state.heaters_on,
        links_closed=state.links_closed,
    )


def aged(parameters: PowerParameters, state: BusState) -> BusState:
    """The state after one more lunar day of fade; energy above the new capacity is lost."""
    capacity_wh = state.capacity_wh * (1.0 - parameters.battery.fade_per_lunar_day)
    stored_wh = min(state.stored_wh, capacity_wh)
    return replace(
        state,
        capacity_wh=capacity_wh,
        stored_wh=stored_wh,
        lost_wh=state.lost_wh + state.stored_wh - stored_wh,
    )


def isotope_power_w(isotopes: Mapping[str, IsotopeParameters], t_s: float) -> float:
    """Electric power of all isotope generators on the day of `t_s`: decay goes in steps of a day."""
    noon_s = (t_s // DAY_S + 0.5) * DAY_S
    return sum(i.electric_w * decayed_share(i.half_life_h, noon_s) for i in isotopes.values())


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
    if not isinstance(battery, ConstantBatteryParameters) or parameters.heat is not None:
        raise SimError("batteries of kind table and thermal nodes cannot be moved yet")
    generated = used = spilled = lost = unmet = 0.0
    stored, lowest = state.stored_wh, state.lowest_state_of_charge * state.capacity_wh
    is_cut_off = state.is_cut_off
    for piece in _pieces(
        parameters, battery, state, load_w, array_power, array_share, start_s, stop_s
    ):
        wanted = load_w * (piece.stop_s - piece.start_s) / _HOUR_S
        change = piece.stored_after_wh - piece.stored_before_wh
        generated += piece.generated_wh
        if piece.is_cut_off:
            served = 0.0
        elif piece.net_wh >= 0.0:
            served = wanted
        else:
            served = wanted + piece.net_wh - change * battery.discharge_efficiency
        if change >= 0.0:
            loss = change / battery.charge_efficiency - change
            spilled += max(piece.net_wh, 0.0) - change - loss
        else:
            loss = -change * (1.0 - battery.discharge_efficiency)
        used += served
        unmet += wanted - served
        lost += loss
        stored = piece.stored_after_wh
        lowest = min(lowest, stored)
        is_cut_off = piece.is_cut_off_after
    return BusState(
        stored_wh=stored,
        capacity_wh=state.capacity_wh,
        generated_wh=state.generated_wh + generated,
        demanded_wh=state.demanded_wh + load_w * (stop_s - start_s) / _HOUR_S,
        used_wh=state.used_wh + used,
        spilled_wh=state.spilled_wh + spilled,
        lost_wh=state.lost_wh + lost,
        unmet_wh=state.unmet_wh + unmet,
        is_cut_off=is_cut_off,
        lowest_state_of_charge=lowest / state.capacity_wh,
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
    battery = parameters.battery
    if not isinstance(battery, ConstantBatteryParameters) or parameters.heat is not None:
        raise SimError("batteries of kind table and thermal nodes cannot be moved yet")
    if quantity == "temperature_k":
        raise SimError(f"the vehicle has no thermal node '{node}'")
    wanted_wh = level * state.capacity_wh
    for piece in _pieces(
        parameters, battery, state, load_w, array_power, array_share, start_s, stop_s
    ):
        before, after = piece.stored_before_wh, piece.stored_after_wh
        if direction == "rising" and before < wanted_wh <= after:
            target_wh = (wanted_wh - before) / battery.charge_efficiency
        elif direction == "falling" and before > wanted_wh >= after:
            target_wh = (wanted_wh - before) * battery.discharge_efficiency
        else:
            continue
        return _reached_s(
            array_power, array_share, piece.level_w, piece.start_s, piece.stop_s, target_wh
        )
    return None


def power_crossing_s(
    track: Track, level: float, start_s: float, stop_s: float, direction: Direction
) -> float | None:
    """First instant in (start_s, stop_s] at which a track reaches `level` from the other side."""
    sign = 1.0 if direction == "rising" else -1.0
    stretches = _stretches(track, start_s, stop_s)
    was_outside = False
    for a_s, b_s, at_a, at_b in stretches:
        if was_outside and sign * (at_a - level) >= 0.0:
            return a_s
        was_outside = sign * (at_a - level) < 0.0
        if was_outside and sign * (at_b - level) >= 0.0:
            return _root_s(track, level, a_s, b_s, at_a - level)
        was_outside = sign * (at_b - level) < 0.0
    return None


class _Piece(NamedTuple):
    """A span in which the stored energy moves one way only."""

    start_s: float
    stop_s: float
    level_w: float
    """Load less isotope power: what the arrays must give for balance."""
    generated_wh: float
    net_wh: float
    """Surplus, or deficit if negative, of generated power over the connected load."""
    stored_before_wh: float
    stored_after_wh: float
    is_cut_off: bool
    is_cut_off_after: bool


def _pieces(
    parameters: PowerParameters,
    battery: ConstantBatteryParameters,
    state: BusState,
    load_w: float,
    track: Track,
    share: float,
    start_s: float,
    stop_s: float,
) -> Iterator[_Piece]:
    """Cut a span where surplus turns into deficit, on days of isotope decay, at cut-off and recovery."""
    cumulative, capacity = track.cumulative, state.capacity_wh
    floor = battery.cutoff_state_of_charge * capacity
    recovery = battery.recovery_state_of_charge
    stored, is_cut_off = state.stored_wh, state.is_cut_off
    a = start_s
    while a < stop_s:
        last = min((a // DAY_S + 1.0) * DAY_S, stop_s) if parameters.isotopes else stop_s
        isotope_w = isotope_power_w(parameters.isotopes, a) if parameters.isotopes else 0.0
        level_w = (0.0 if is_cut_off else load_w) - isotope_w
        for b in chain(_sign_changes(track, level_w / share, a, last), (last,)):
            array_wh = share * (cumulative.at(b) - cumulative.at(a)) / _HOUR_S
            net_wh = array_wh - level_w * (b - a) / _HOUR_S
            after, ends_s, flips = stored, b, False
            if net_wh > 0.0 and stored < capacity:
                after = min(stored + net_wh * battery.charge_efficiency, capacity)
                if is_cut_off and recovery is not None and after >= recovery * capacity:
                    flips, after = True, max(stored, recovery * capacity)
                    target = (after - stored) / battery.charge_efficiency
                    ends_s = _reached_s(track, share, level_w, a, b, target)
            elif net_wh < 0.0:
                after = max(stored + net_wh / battery.discharge_efficiency, min(floor, stored))
                if recovery is not None and after <= floor:
                    flips = True
                    target = (after - stored) * battery.discharge_efficiency
                    ends_s = _reached_s(track, share, level_w, a, b, target)
            if flips:
                array_wh = share * (cumulative.at(ends_s) - cumulative.at(a)) / _HOUR_S
                net_wh = array_wh - level_w * (ends_s - a) / _HOUR_S
            generated_wh = array_wh + isotope_w * (ends_s - a) / _HOUR_S
            yield _Piece(
                a,
                ends_s,
                level_w,
                generated_wh,
                net_wh,
                stored,
                after,
                is_cut_off,
                is_cut_off != flips,
            )
            stored, a = after, ends_s
            if flips:
                is_cut_off = not is_cut_off
                break


def _reached_s(
    track: Track, share: float, level_w: float, start_s: float, stop_s: float, target_wh: float
) -> float:
    """When the net energy since `start_s` reaches `target_wh`; net power keeps its sign."""
    cumulative = track.cumulative
    first = cumulative.at(start_s)
    target_j = target_wh * _HOUR_S
    sign = 1.0 if target_j >= 0.0 else -1.0
    low, high, t_s = start_s, stop_s, 0.5 * (start_s + stop_s)
    for _ in range(_MAX_STEPS):
        missing = share * (cumulative.at(t_s) - first) - level_w * (t_s - start_s) - target_j
        if sign * missing >= 0.0:
            high = t_s
        else:
            low = t_s
        slope = share * track.at(t_s) - level_w
        step_s = -missing / slope if slope != 0.0 else high - low
        following = t_s + step_s
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - t_s) < _TIME_TOLERANCE_S or high - low < _TIME_TOLERANCE_S:
            return min(max(following, start_s), stop_s)
        t_s = following
    return high


class _Monotone(NamedTuple):
    """Where a track rises or falls throughout: joints, and its values at both ends of each part."""

    joints_s: list[float]
    at_start: list[float]
    at_stop: list[float]


_monotone_parts: WeakKeyDictionary[Track, _Monotone] = WeakKeyDictionary()


def _monotone(track: Track) -> _Monotone:
    """The monotone parts of a track, found once: derivative zeros by eigenvalues."""
    known = _monotone_parts.get(track)
    if known is None:
        joints = np.unique(np.concatenate([track.edges_s, track.derivative.crossings(0.0)]))
        before = np.nextafter(joints[1:], -np.inf)
        known = _Monotone(joints.tolist(), track(joints[:-1]).tolist(), track(before).tolist())
        _monotone_parts[track] = known
    return known


def _stretches(
    track: Track, start_s: float, stop_s: float
) -> Iterator[tuple[float, float, float, float]]:
    """Monotone parts between two instants: start, stop and the values there."""
    joints, at_start, at_stop = _monotone(track)
    index = min(max(bisect_right(joints, start_s) - 1, 0), len(at_start) - 1)
    a_s, at_a = start_s, track.at(start_s)
    while index < len(at_start) - 1 and joints[index + 1] < stop_s:
        yield a_s, joints[index + 1], at_a, at_stop[index]
        index += 1
        a_s, at_a = joints[index], at_start[index]
    yield a_s, stop_s, at_a, track.at(stop_s) if stop_s != joints[index + 1] else at_stop[index]


def _sign_changes(track: Track, level: float, start_s: float, stop_s: float) -> Iterator[float]:
    """Times between two instants at which a track that is never negative passes a level."""
    if level <= 0.0:
        return
    was_above: bool | None = None
    for a_s, b_s, at_a, at_b in _stretches(track, start_s, stop_s):
        if was_above is not None and (at_a >= level) != was_above:
            yield a_s
        if (at_a >= level) != (at_b >= level):
            yield _root_s(track, level, a_s, b_s, at_a - level)
        was_above = at_b >= level


def _root_s(track: Track, level: float, low_s: float, high_s: float, at_low: float) -> float:
    """Where a monotone part passes a level: regula falsi with the Illinois rule, then bisection."""
    sign = 1.0 if at_low >= 0.0 else -1.0
    at_high = track.at(high_s) - level
    for step in range(_MAX_STEPS):
        if high_s - low_s < _TIME_TOLERANCE_S:
            break
        slope = at_high - at_low
        t_s = high_s - at_high * (high_s - low_s) / slope if slope != 0.0 and step < 20 else low_s
        if not low_s < t_s < high_s:
            t_s = 0.5 * (low_s + high_s)
        value = track.at(t_s) - level
        if abs(value) <= 1e-12 * abs(level):
            return t_s
        if sign * value > 0.0:
            low_s, at_low, at_high = t_s, value, 0.5 * at_high
        else:
            high_s, at_high, at_low = t_s, value, 0.5 * at_low
    return high_s
