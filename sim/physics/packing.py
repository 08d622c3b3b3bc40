"""Parameters and tracks as the plain arrays that compiled steps take, made once for each object."""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sim.constants import DAY_S
from sim.errors import SimError
from sim.physics import stepping
from sim.physics.battery import BatteryParameters, ConstantBatteryParameters, joint_tables
from sim.physics.stepping import Inflow, Network
from sim.physics.stores import BusState, Level, PowerParameters, isotope_power_w
from sim.physics.thermal import (
    GROUND,
    SPACE,
    HeaterParameters,
    HeatLinkParameters,
    HeatParameters,
    HeatTracks,
    IsotopeParameters,
)
from sim.track import Track

Floats = NDArray[np.float64]
_HOUR_S = 3600.0
_WARMEST_K = 420.0
_KEPT = 32
_NEAR = 1e-4  # of the charge: more than a fitted track of array power may be wrong by
_NO_WATCHES = np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
_networks: dict[int, tuple[PowerParameters, Network]] = {}
_OBJECTS = 4  # of what was given, to be known by identity
_passed: list[tuple[tuple[Any, ...], Floats, NDArray[np.bool_]]] = []
"""What the last look for crossings was given and where it ended, if it found none."""
_inflows: WeakKeyDictionary[Track, list[tuple[HeatTracks | None, Inflow]]] = WeakKeyDictionary()


def stepped_advance(
    parameters: PowerParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    array_share: float,
    heat: HeatTracks | None,
    start_s: float,
    stop_s: float,
) -> BusState:
    """As `sim.physics.bus.advance`."""
    given = parameters, state, array_power, heat, load_w, array_share, start_s, stop_s
    if _is_passed(given):
        return _packed(state, *_passed[-1][1:])
    x, flags = _unpacked(state)
    _stepped(parameters, state, x, flags, load_w, array_power, array_share, heat, start_s, stop_s)
    return _packed(state, x, flags)


def _is_passed(given: tuple[Any, ...]) -> bool:
    """Whether the last look for crossings found none in just this span."""
    known = _passed[-1][0] if _passed else ()
    objects = zip(known[:_OBJECTS], given[:_OBJECTS], strict=False)
    return known[_OBJECTS:] == given[_OBJECTS:] and all(one is other for one, other in objects)


def stepped_crossing_s(
    parameters: PowerParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    array_share: float,
    heat: HeatTracks | None,
    start_s: float,
    stop_s: float,
    levels: Sequence[Level],
) -> float | None:
    """As `sim.physics.bus.first_crossing_s`, to 1 ms."""
    span = start_s, stop_s
    levels = _within_reach(parameters, state, load_w, array_power, array_share, span, levels)
    if not levels:
        return None
    x, flags = _unpacked(state)
    found = _stepped(
        parameters,
        state,
        x,
        flags,
        load_w,
        array_power,
        array_share,
        heat,
        start_s,
        stop_s,
        levels,
    )
    if not np.isnan(found):
        return found
    given = parameters, state, array_power, heat, load_w, array_share, start_s, stop_s
    _passed[:] = [(given, x, flags)]
    return None


def _within_reach(
    parameters: PowerParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    array_share: float,
    span_s: tuple[float, float],
    levels: Sequence[Level],
) -> Sequence[Level]:
    """The levels that a table battery without thermal nodes could come near within a span.

    Charging with P takes at most P / V of current, discharging at most 2 P / V whatever the
    resistance: the root of V I - R I^2 = P is below that. All levels of other vehicles.
    """
    battery = parameters.battery
    if parameters.heat is not None or isinstance(battery, ConstantBatteryParameters):
        return levels
    lowest_v = min([cells.voltage_v[0] for cells in battery.tables])  # they rise
    span_h = (span_s[1] - span_s[0]) / _HOUR_S
    leak_ah = battery.self_discharge_per_day * state.capacity_ah * span_h / 24.0
    given_ah = 2.0 * load_w * span_h / lowest_v + leak_ah
    lowest = (state.charge_ah - given_ah) / state.capacity_ah - _NEAR
    found = [level for level in levels if level.direction == "falling" and level.value >= lowest]
    rising = [level for level in levels if level.direction == "rising"]
    if rising:
        made_wh = array_share * array_power.integral_between(*span_s) / _HOUR_S
        made_wh += isotope_power_w(parameters.isotopes, span_s[0]) * span_h
        highest = (state.charge_ah + made_wh / lowest_v) / state.capacity_ah + _NEAR
        found += [level for level in rising if level.value <= highest]
    return found


def _stepped(
    parameters: PowerParameters,
    state: BusState,
    x: Floats,
    flags: NDArray[np.bool_],
    load_w: float,
    array_power: Track,
    array_share: float,
    heat: HeatTracks | None,
    start_s: float,
    stop_s: float,
    levels: Sequence[Level] = (),
) -> float:
    """Move `x` and `flags` in place; the instant of the first crossing of `levels`, or NaN."""
    net, tracks = network(parameters), inflow(parameters, array_power, heat)
    capacity = state.capacity_ah if state.capacity_ah > 0.0 else state.capacity_wh
    watches, wanted, signs = _watches(parameters, levels) if levels else _NO_WATCHES
    width = max(len(state.temperatures_k) + 2, len(net.links), len(tracks.first_edge))
    flags_each = np.empty((2, len(levels)), dtype=bool)
    found: float = stepping.stepped(  # type: ignore[no-untyped-call]
        net,
        tracks,
        x,
        flags,
        _HOUR_S * capacity,
        float(load_w),
        float(array_share),
        float(start_s),
        float(stop_s),
        stepping.STEP_S,
        watches,
        wanted,
        signs,
        flags_each[0],
        flags_each[1],
        np.empty(len(tracks.first_edge) - 1, dtype=np.int64),
        np.zeros((10, width)),
        np.empty(len(x)),
    )
    return found


def _watches(
    parameters: PowerParameters, levels: Sequence[Level]
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """What is watched, its levels and the signs of their directions."""
    nodes = [] if parameters.heat is None else list(parameters.heat.nodes)
    watches = [0 if level.node is None else 1 + nodes.index(level.node) for level in levels]
    signs = [1.0 if level.direction == "rising" else -1.0 for level in levels]
    return (
        np.array(watches, dtype=np.int64),
        np.array([level.value for level in levels], dtype=np.float64),
        np.array(signs, dtype=np.float64),
    )


def _unpacked(state: BusState) -> tuple[Floats, NDArray[np.bool_]]:
    x = np.zeros(stepping.FIRST_NODE + len(state.temperatures_k))
    x[stepping.STORED] = state.stored_wh * _HOUR_S
    x[stepping.CHARGE] = state.charge_ah * _HOUR_S
    x[stepping.LOWEST] = state.lowest_state_of_charge
    x[stepping.CUT_OFF] = state.is_cut_off
    x[stepping.FIRST_NODE :] = state.temperatures_k
    return x, np.array(state.heaters_on + state.links_closed, dtype=bool)


def _packed(state: BusState, x: Floats, flags: NDArray[np.bool_]) -> BusState:
    """The state with the books of `x`, which began empty, added to its own."""
    heaters, switched = len(state.heaters_on), tuple(flags.tolist())
    wh = (x[: stepping.CUT_OFF] / _HOUR_S).tolist()
    return BusState(
        stored_wh=wh[stepping.STORED],
        capacity_wh=state.capacity_wh,
        generated_wh=state.generated_wh + wh[stepping.GENERATED],
        demanded_wh=state.demanded_wh + wh[stepping.DEMANDED],
        used_wh=state.used_wh + wh[stepping.USED],
        spilled_wh=state.spilled_wh + wh[stepping.SPILLED],
        lost_wh=state.lost_wh + wh[stepping.LOST],
        unmet_wh=state.unmet_wh + wh[stepping.UNMET],
        is_cut_off=bool(x[stepping.CUT_OFF]),
        lowest_state_of_charge=float(x[stepping.LOWEST]),
        charge_ah=wh[stepping.CHARGE],
        capacity_ah=state.capacity_ah,
        temperatures_k=tuple(x[stepping.FIRST_NODE :].tolist()),
        heaters_on=switched[:heaters],
        links_closed=switched[heaters:],
        leaked_wh=state.leaked_wh + wh[stepping.LEAKED],
        heater_wh=state.heater_wh + wh[stepping.HEATER],
        dissipated_wh=state.dissipated_wh + wh[stepping.DISSIPATED],
        isotope_heat_wh=state.isotope_heat_wh + wh[stepping.ISOTOPE_HEAT],
        sunlight_heat_wh=state.sunlight_heat_wh + wh[stepping.SUNLIGHT_HEAT],
        space_heat_wh=state.space_heat_wh + wh[stepping.SPACE_HEAT],
        ground_heat_wh=state.ground_heat_wh + wh[stepping.GROUND_HEAT],
    )


def network(parameters: PowerParameters) -> Network:
    """The vehicle's heat and battery as arrays; kept for the last few vehicles."""
    known = _networks.get(id(parameters))
    if known is not None and known[0] is parameters:
        return known[1]
    made = _network(parameters)
    while len(_networks) >= _KEPT:
        del _networks[next(iter(_networks))]
    _networks[id(parameters)] = (parameters, made)
    return made


def inflow(parameters: PowerParameters, array_power: Track, heat: HeatTracks | None) -> Inflow:
    """Array power and the surroundings as arrays; kept as long as the array's track lives."""
    kept = _inflows.setdefault(array_power, [])
    for surroundings, made in kept:
        if surroundings is heat:
            return made
    made = _inflow(parameters, array_power, heat)
    kept.append((heat, made))
    return made


def _network(parameters: PowerParameters) -> Network:
    heat, battery = parameters.heat, parameters.battery
    nodes = {} if heat is None else heat.nodes
    number = {name: index for index, name in enumerate(nodes)}
    number |= {SPACE: len(nodes), GROUND: len(nodes) + 1}
    shares = {} if heat is None else heat.load_heat
    temperatures, charges, table, capacity_share = _battery_tables(battery)
    return Network(
        inverse_capacity_k_j=_floats([1.0 / node.heat_capacity_j_k for node in nodes.values()]),
        load_share=_floats([shares.get(name, 0.0) for name in nodes]),
        links=_links({} if heat is None else heat.links, number),
        heaters=_heaters({} if heat is None else heat.heaters, number),
        isotopes=_isotopes(parameters.isotopes, number),
        sunlit_node=_integers([] if heat is None else [number[name] for name in heat.sunlit]),
        fastest_per_s=_fastest_per_s(heat),
        battery_node=-1 if battery.node is None else number[battery.node],
        battery=_battery_row(battery),
        battery_temperature_k=temperatures,
        battery_charge=charges,
        battery_table=table,
        capacity_share=capacity_share,
    )


def _fastest_per_s(heat: HeatParameters | None) -> float:
    """Bound of the fastest relaxation of any node at 420 K (Gershgorin: twice its own rate)."""
    if heat is None:
        return 0.0
    conductance = dict.fromkeys([*heat.nodes, SPACE, GROUND], 0.0)
    for link in heat.links.values():
        for end in link.between:
            conductance[end] += link.conduction_w_k + 4.0 * link.radiation_w_k4 * _WARMEST_K**3
    return max(2.0 * conductance[n] / node.heat_capacity_j_k for n, node in heat.nodes.items())


def _links(links: Mapping[str, HeatLinkParameters], number: Mapping[str, int]) -> Floats:
    table = np.zeros((len(links), 9))
    for row, link in zip(table, links.values(), strict=True):
        first, second = sorted(number[end] for end in link.between)  # space and ground go second
        row[stepping.LINK_FROM], row[stepping.LINK_TO] = first, second
        row[stepping.CONDUCTION] = link.conduction_w_k
        row[stepping.RADIATION] = link.radiation_w_k4
        switch = link.switch
        if switch is None:
            continue
        row[stepping.OPEN_SHARE] = switch.open_share
        row[stepping.SWITCH] = stepping.CLOSES_IN_THE_DARK
        if switch.node is not None:
            row[stepping.CONTROL] = number[switch.node]
        if switch.closes_above_k is not None:
            row[stepping.SWITCH] = stepping.CLOSES_ABOVE
            row[stepping.CLOSES] = switch.closes_above_k
            row[stepping.OPENS] = switch.closes_above_k - switch.hysteresis_k
        elif switch.closes_below_k is not None:
            row[stepping.SWITCH] = stepping.CLOSES_BELOW
            row[stepping.CLOSES] = switch.closes_below_k
            row[stepping.OPENS] = switch.closes_below_k + switch.hysteresis_k
    return table


def _heaters(heaters: Mapping[str, HeaterParameters], number: Mapping[str, int]) -> Floats:
    rows = [
        (number[heater.node], heater.power_w, heater.on_below_k, heater.off_above_k)
        for heater in heaters.values()
    ]
    return np.array(rows, dtype=float).reshape(-1, 4)


def _isotopes(isotopes: Mapping[str, IsotopeParameters], number: Mapping[str, int]) -> Floats:
    rows = [
        (
            -1 if source.node is None else number[source.node],
            source.heat_w,
            source.electric_w,
            source.half_life_h * _HOUR_S,
        )
        for source in isotopes.values()
    ]
    return np.array(rows, dtype=float).reshape(-1, 4)


def _battery_row(battery: BatteryParameters) -> Floats:
    recovery = battery.recovery_state_of_charge
    last = -1.0 if recovery is None else recovery
    if isinstance(battery, ConstantBatteryParameters):
        efficiencies = [battery.charge_efficiency, battery.discharge_efficiency]
        limits = [np.inf, np.inf, 0.0, 0.0, 293.15]
        return _floats([0.0, *efficiencies, battery.cutoff_state_of_charge, last, *limits])
    return _floats(
        [
            1.0,
            1.0,
            1.0,
            battery.cutoff_state_of_charge,
            last,
            np.inf if battery.charge_limit_a is None else battery.charge_limit_a,
            np.inf if battery.discharge_limit_a is None else battery.discharge_limit_a,
            battery.charge_above_k,
            -np.log1p(-battery.self_discharge_per_day) / DAY_S,
            battery.temperature_k,
        ]
    )


def _battery_tables(battery: BatteryParameters) -> tuple[Floats, Floats, Floats, Floats]:
    """Temperatures (p,), states of charge (q,), voltage and resistance (p, q, 2), shares (r, 2)."""
    if isinstance(battery, ConstantBatteryParameters):
        return np.ones(1), np.ones(1), np.ones((1, 1, 2)), np.empty((0, 2))
    charge, voltage, resistance = joint_tables(battery)
    temperatures = [table.temperature_k for table in battery.tables]
    if battery.node is None:  # its temperature stays: one table is enough
        voltage = _at_temperature(battery.temperature_k, temperatures, voltage)
        resistance = _at_temperature(battery.temperature_k, temperatures, resistance)
        temperatures = [battery.temperature_k]
    shares = np.array([battery.capacity_temperature_k, battery.capacity_share], dtype=float)
    return (
        _floats(temperatures),
        charge,
        np.stack([voltage, resistance], axis=-1),
        np.ascontiguousarray(shares.T.reshape(-1, 2)),
    )


def _at_temperature(temperature_k: float, temperatures: list[float], rows: Floats) -> Floats:
    """A table (1, q) at one temperature out of those (p, q) at others."""
    return np.array([[np.interp(temperature_k, temperatures, column) for column in rows.T]])


def _inflow(parameters: PowerParameters, array_power: Track, heat: HeatTracks | None) -> Inflow:
    tracks = [array_power.cumulative]
    if parameters.heat is not None:
        if heat is None:
            raise SimError("a vehicle with thermal nodes was moved without its surroundings")
        tracks += [heat.absorbed_w[name].cumulative for name in parameters.heat.sunlit]
        ground = heat.ground_temperature_k
        if ground is None:
            if any(GROUND in link.between for link in parameters.heat.links.values()):
                raise SimError("a link leads to the ground, but the ground has no temperature")
            ground = Track.constant(0.0, array_power.start_s, array_power.stop_s)
        tracks += [heat.sunlight_w_m2, ground]
    width = max(track.coefficients.shape[1] for track in tracks)
    rows = [
        np.pad(track.coefficients, ((0, 0), (0, width - track.coefficients.shape[1])))
        for track in tracks
    ]
    series = np.ascontiguousarray(np.concatenate(rows))
    matters = np.abs(series) > 1e-16 * np.abs(series).max(axis=1, keepdims=True)
    order = np.maximum(width - np.argmax(matters[:, ::-1], axis=1), 1)
    order[~matters.any(axis=1)] = 1
    first = np.cumsum([0, *[len(track.edges_s) for track in tracks]])
    edges = np.concatenate([track.edges_s for track in tracks])
    return Inflow(edges, series, _integers(first), _integers(order))


def _floats(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=float)


def _integers(values: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)
