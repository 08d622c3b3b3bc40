"""Battery and thermal nodes of a vehicle moved together, in steps on absolute multiples of 60 s.

Within a step the loads, the heaters' and switches' states and the mean powers of array and Sun are
constant; temperatures move by the classical Runge-Kutta rule of fourth order, in as many parts as
the stiffest node needs; a table battery by the midpoint rule. A step ends early where a thermostat,
a thermal switch, the cut-off or the recovery is due, found by bisection, so that neither the step
nor an extra stop decides when it happens; darkness is looked at on the multiples only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.compiled import compiled_inside, compiled_lean
from sim.constants import DAY_S

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STEP_S = 60.0
"""Steps begin and end on its multiples."""

STORED, CHARGE, GENERATED, DEMANDED, USED, SPILLED, LOST, UNMET, LOWEST = range(9)
LEAKED, HEATER, DISSIPATED, ISOTOPE_HEAT, SUNLIGHT_HEAT, SPACE_HEAT, GROUND_HEAT = range(9, 16)
CUT_OFF, FIRST_NODE = 16, 17
"""Places in the vector that a step moves: joules, coulombs, shares, kelvin."""

LINK_FROM, LINK_TO, CONDUCTION, RADIATION, OPEN_SHARE, SWITCH, CONTROL, CLOSES, OPENS = range(9)
"""Columns of `Network.links`; the nodes n and n + 1 are space and the ground."""

HEATER_NODE, HEATER_W, HEATER_ON, HEATER_OFF = range(4)
"""Columns of `Network.heaters`."""

SOURCE_NODE, SOURCE_HEAT, SOURCE_ELECTRIC, HALF_LIFE = range(4)
"""Columns of `Network.isotopes`; the node is -1 where the heat leaves the vehicle."""

NO_SWITCH, CLOSES_ABOVE, CLOSES_BELOW, CLOSES_IN_THE_DARK = range(4)
"""Kinds of thermal switches."""

_STEADY_LIMIT = 1.5  # part of a step times the fastest rate; the rule is stable to 2.78
_SPACE_K = 2.725
_SWITCH = -2  # watched instead of a quantity: any thermostat, switch or cut-off
_TIME_TOLERANCE_S = 1e-3
_SHORTEST_S = 1.0  # between two switchings: what has no hysteresis cannot chatter for ever
_ROUNDING = 1e-12  # a battery is full or empty though a last bit is missing


class Network(NamedTuple):
    """A vehicle's heat and battery as plain arrays; `sim.physics.packing` makes it."""

    inverse_capacity_k_j: Floats
    """(n,)"""
    load_share: Floats
    """(n,) of the electric loads"""
    links: Floats
    heaters: Floats
    isotopes: Floats
    sunlit_node: Integers
    fastest_per_s: float
    """No temperature relaxes faster, below 420 K."""
    battery_node: int
    """-1 without one"""
    battery: Floats
    battery_temperature_k: Floats
    """(p,) of the tables"""
    battery_charge: Floats
    """(q,) states of charge"""
    battery_table: Floats
    """(p, q, 2) voltage and resistance"""
    capacity_share: Floats
    """(r, 2) temperature and the share of the capacity that can be drawn"""


(
    IS_TABLE,
    CHARGE_EFFICIENCY,
    DISCHARGE_EFFICIENCY,
    CUTOFF,
    RECOVERY,
    CHARGE_LIMIT,
    DISCHARGE_LIMIT,
    CHARGE_ABOVE,
    LEAK_PER_S,
    TEMPERATURE,
) = range(10)
"""Places in `Network.battery`; a recovery below 0 means none."""


class Inflow(NamedTuple):
    """Tracks as plain arrays: cumulative array energy, cumulative sunlight of each sunlit node,
    irradiance, ground temperature, in this order."""

    edges_s: Floats
    series: Floats
    """One row for each piece of each track."""
    first_edge: Integers
    """Where each track's edges begin in `edges_s`, and their number at last."""
    order: Integers
    """Coefficients of each row that matter."""


@compiled_inside
def _value(edges, series, first_edge, order, near, track, t_s):  # type: ignore[no-untyped-def]
    """Value of a packed track at an instant; `near` remembers the edge before it."""
    last = first_edge[track + 1] - 2
    low = near[track]
    if edges[low] > t_s:
        low = first_edge[track]
    while low < last and edges[low + 1] <= t_s:
        low += 1
    near[track] = low
    lower, upper = edges[low], edges[low + 1]
    x = (2.0 * t_s - lower - upper) / (upper - lower)
    row = low - track  # each earlier track has one piece fewer than edges
    later = latest = 0.0
    for k in range(order[row] - 1, 0, -1):
        later, latest = series[row, k] + 2.0 * x * later - latest, later
    return series[row, 0] + x * later - latest


@compiled_inside
def _row_below(x, xs):  # type: ignore[no-untyped-def]
    """Last row but one at most whose value is not above x; and the share of the way to the next."""
    low, high = 0, len(xs) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if xs[middle] <= x:
            low = middle
        else:
            high = middle
    if high == 0:
        return 0, 0.0
    return low, min(max((x - xs[low]) / (xs[low + 1] - xs[low]), 0.0), 1.0)


@compiled_inside
def _looked_up(temperatures, charges, table, temperature_k, charge):  # type: ignore[no-untyped-def]
    """Voltage and resistance at a temperature and state of charge, linear in both."""
    i, warm = _row_below(temperature_k, temperatures)
    j, full = _row_below(charge, charges)
    volts = ohms = 0.0
    for a in range(2):
        part = warm if a else 1.0 - warm
        if part > 0.0:
            cell, following = table[i + a, j], table[i + a, min(j + 1, len(charges) - 1)]
            volts += part * (cell[0] + full * (following[0] - cell[0]))
            ohms += part * (cell[1] + full * (following[1] - cell[1]))
    return volts, ohms


@compiled_inside
def _charged(b, x, capacity, floor, net_w, dt_s):  # type: ignore[no-untyped-def]
    """Move a battery of constant efficiencies; power that it took from the bus, and its loss."""
    stored = x[STORED]
    if net_w >= 0.0:
        taken = min(net_w, (capacity - stored) / (b[CHARGE_EFFICIENCY] * dt_s))
        x[STORED] = stored + taken * b[CHARGE_EFFICIENCY] * dt_s
        return taken, taken * (1.0 - b[CHARGE_EFFICIENCY])
    room = max(stored - floor * capacity, 0.0) * b[DISCHARGE_EFFICIENCY] / dt_s
    given = min(-net_w, room)
    drawn = given / b[DISCHARGE_EFFICIENCY]
    x[STORED] = max(stored - drawn * dt_s, 0.0)
    return -given, drawn - given


@compiled_inside
def _charged_by_tables(  # type: ignore[no-untyped-def]
    b, temperatures, charges, table, x, capacity, floor, temperature_k, net_w, dt_s
):
    """The same for a table battery: power = voltage x current + resistance x current squared."""
    first, middle = x[CHARGE], x[CHARGE]
    volts = ohms = amperes = 0.0
    for _ in range(2):
        volts, ohms = _looked_up(temperatures, charges, table, temperature_k, middle / capacity)
        if net_w >= 0.0:
            amperes = (np.sqrt(volts * volts + 4.0 * ohms * net_w) - volts) / (2.0 * ohms)
            amperes = min(amperes, b[CHARGE_LIMIT], max(capacity - first, 0.0) / dt_s)
            if temperature_k < b[CHARGE_ABOVE]:
                amperes = 0.0
        else:
            root = np.sqrt(max(volts * volts + 4.0 * ohms * net_w, 0.0))
            amperes = (root - volts) / (2.0 * ohms)
            room = max(first - floor * capacity, 0.0) / dt_s
            amperes = max(amperes, -b[DISCHARGE_LIMIT], -room)
        middle = first + 0.5 * amperes * dt_s
    leak = (first + amperes * dt_s) * b[LEAK_PER_S] * dt_s
    heat_w = ohms * amperes * amperes
    x[CHARGE] = max(first + amperes * dt_s - leak, 0.0)
    x[STORED] += volts * (amperes * dt_s - leak)
    x[LEAKED] += volts * leak
    return volts * amperes + heat_w, heat_w + volts * leak / dt_s


@compiled_inside
def _flows(inverses, links, shares, ground_k, t, heat_w, out):  # type: ignore[no-untyped-def]
    """Rates of all temperatures in K/s, then heat that leaves to space and to the ground in W."""
    count = len(inverses)
    for i in range(count):
        out[i] = heat_w[i]
    out[count] = out[count + 1] = 0.0
    for k in range(len(shares)):
        i, j = int(links[k, LINK_FROM]), int(links[k, LINK_TO])
        warm = t[i]
        cold = t[j] if j < count else (_SPACE_K if j == count else ground_k)
        slope = links[k, RADIATION] * (warm * warm + cold * cold) * (warm + cold)
        flow = shares[k] * (links[k, CONDUCTION] + slope) * (warm - cold)
        out[i] -= flow
        out[j] += flow
    for i in range(count):
        out[i] *= inverses[i]


@compiled_inside
def _warmed(inverses, links, shares, fastest_per_s, ground_k, t, heat_w, work, x, dt_s):  # type: ignore[no-untyped-def]
    """Move the temperatures by the classical Runge-Kutta rule, in parts short enough to be stable."""
    count = len(inverses)
    parts = int(fastest_per_s * dt_s / _STEADY_LIMIT) + 1
    h = dt_s / parts
    k1, k2, k3, k4, trial = work[0], work[1], work[2], work[3], work[4]
    for _ in range(parts):
        _flows(inverses, links, shares, ground_k, t, heat_w, k1)
        for i in range(count):
            trial[i] = t[i] + 0.5 * h * k1[i]
        _flows(inverses, links, shares, ground_k, trial, heat_w, k2)
        for i in range(count):
            trial[i] = t[i] + 0.5 * h * k2[i]
        _flows(inverses, links, shares, ground_k, trial, heat_w, k3)
        for i in range(count):
            trial[i] = t[i] + h * k3[i]
        _flows(inverses, links, shares, ground_k, trial, heat_w, k4)
        for i in range(count):
            t[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])
        for i in range(count, count + 2):
            x[SPACE_HEAT + i - count] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])


@compiled_inside
def _held(battery, x, capacity, watch):  # type: ignore[no-untyped-def]
    """The watched quantity: state of charge for 0 and less, else the temperature of node watch - 1."""
    if watch > 0:
        return x[FIRST_NODE + watch - 1]
    return (x[CHARGE] if battery[IS_TABLE] else x[STORED]) / capacity


@compiled_inside
def _switches(n, x, flags, capacity, is_acting):  # type: ignore[no-untyped-def]
    """Whether a thermostat, a thermal switch or the battery's cut-off is due; switch it if acting."""
    is_due = False
    for k in range(len(n.heaters)):
        t = x[FIRST_NODE + int(n.heaters[k, HEATER_NODE])]
        wanted = t < n.heaters[k, HEATER_ON] or (flags[k] and t <= n.heaters[k, HEATER_OFF])
        if wanted != flags[k]:
            is_due = True
            if is_acting:
                flags[k] = wanted
    for k in range(len(n.links)):
        kind, place = n.links[k, SWITCH], len(n.heaters) + k
        if kind in (CLOSES_ABOVE, CLOSES_BELOW):
            sign = 1.0 if kind == CLOSES_ABOVE else -1.0
            t = x[FIRST_NODE + int(n.links[k, CONTROL])]
            wanted = sign * (t - n.links[k, CLOSES]) >= 0.0
            wanted = wanted or (flags[place] and sign * (t - n.links[k, OPENS]) > 0.0)
            if wanted != flags[place]:
                is_due = True
                if is_acting:
                    flags[place] = wanted
    if n.battery[RECOVERY] >= 0.0:
        charge = _held(n.battery, x, capacity, 0)
        level = n.battery[RECOVERY] if x[CUT_OFF] else n.battery[CUTOFF] + _ROUNDING
        is_off = charge < level if x[CUT_OFF] else charge <= level
        if is_off != (x[CUT_OFF] > 0.0):
            is_due = True
            if is_acting:
                x[CUT_OFF] = 1.0 if is_off else 0.0
    return is_due


@compiled_inside
def _decay(isotopes, nodes, t_s, out):  # type: ignore[no-untyped-def]
    """Isotope sources on the day of an instant: electric watts, all heat, heat into each node."""
    noon_s = (np.floor(t_s / DAY_S) + 0.5) * DAY_S
    for i in range(2 + nodes):
        out[i] = 0.0
    for k in range(len(isotopes)):
        left = 0.5 ** (noon_s / isotopes[k, HALF_LIFE])
        out[0] += isotopes[k, SOURCE_ELECTRIC] * left
        node = int(isotopes[k, SOURCE_NODE])
        if node >= 0:
            out[1] += isotopes[k, SOURCE_HEAT] * left
            out[2 + node] += isotopes[k, SOURCE_HEAT] * left


@compiled_inside
def _floor(n, temperature_k):  # type: ignore[no-untyped-def]
    """State of charge below which the battery gives nothing: its cut-off, or more in the cold."""
    rows = n.capacity_share
    if len(rows) == 0:
        return n.battery[CUTOFF]
    row, part = _row_below(temperature_k, rows[:, 0])
    share = rows[row, 1] + part * (rows[min(row + 1, len(rows) - 1), 1] - rows[row, 1])
    return max(n.battery[CUTOFF], 1.0 - share)


@compiled_inside
def _supplied(n, x, capacity, made, load_w, heater_w, dt_s):  # type: ignore[no-untyped-def]
    """Let array, battery and loads settle, and keep the books; share of loads served, and loss."""
    battery = n.battery
    wanted = load_w + heater_w
    connected = 0.0 if x[CUT_OFF] else wanted
    surplus = made - connected
    temperature_k = battery[TEMPERATURE]
    if n.battery_node >= 0:
        temperature_k = x[FIRST_NODE + n.battery_node]
    floor = _floor(n, temperature_k)
    if battery[IS_TABLE]:
        taken, loss = _charged_by_tables(
            battery,
            n.battery_temperature_k,
            n.battery_charge,
            n.battery_table,
            x,
            capacity,
            floor,
            temperature_k,
            surplus,
            dt_s,
        )
    else:
        taken, loss = _charged(battery, x, capacity, floor, surplus, dt_s)
    # what the battery left over, or short if negative; a last bit of rounding is neither
    over = surplus - taken
    if abs(over) <= _ROUNDING * (made + connected):
        over = 0.0
    served = connected + min(over, 0.0)
    share = served / wanted if wanted > 0.0 else 0.0
    x[GENERATED] += made * dt_s
    x[DEMANDED] += wanted * dt_s
    x[USED] += served * dt_s
    x[SPILLED] += max(over, 0.0) * dt_s
    x[LOST] += loss * dt_s
    x[UNMET] += (wanted - served) * dt_s
    x[HEATER] += heater_w * share * dt_s
    x[LOWEST] = min(x[LOWEST], _held(battery, x, capacity, 0))
    return share, loss


@compiled_inside
def _dissipated(n, x, flags, heat_w, share, load_w, loss, dt_s):  # type: ignore[no-untyped-def]
    """Add to `heat_w` what heaters, loads and the battery turn into heat."""
    for k in range(len(n.heaters)):
        if flags[k]:
            heat_w[int(n.heaters[k, HEATER_NODE])] += n.heaters[k, HEATER_W] * share
            x[DISSIPATED] += n.heaters[k, HEATER_W] * share * dt_s
    for i in range(len(n.load_share)):
        heat_w[i] += n.load_share[i] * load_w * share
        x[DISSIPATED] += n.load_share[i] * load_w * share * dt_s
    if n.battery_node >= 0:
        heat_w[n.battery_node] += loss
        x[DISSIPATED] += loss * dt_s


@compiled_inside
def _stepped(  # type: ignore[no-untyped-def]
    n, inflow, near, x, flags, work, capacity, load_w, array_share, start_s, dt_s
):
    """One step, or a part of one, in place; `work` holds cumulative tracks at its start."""
    edges, series, first_edge, order = inflow
    nodes, sunlit, stop_s = len(n.load_share), len(n.sunlit_node), start_s + dt_s
    heat_w, shares = work[5], work[6]
    for i in range(nodes):
        heat_w[i] = work[9, 2 + i]
    x[ISOTOPE_HEAT] += work[9, 1] * dt_s
    for k in range(sunlit):
        work[8, 1 + k] = _value(edges, series, first_edge, order, near, 1 + k, stop_s)
        energy = work[8, 1 + k] - work[7, 1 + k]
        heat_w[n.sunlit_node[k]] += energy / dt_s
        x[SUNLIGHT_HEAT] += energy
    heater_w = 0.0
    for k in range(len(n.heaters)):
        if flags[k]:
            heater_w += n.heaters[k, HEATER_W]
    work[8, 0] = _value(edges, series, first_edge, order, near, 0, stop_s)
    made = max(array_share * (work[8, 0] - work[7, 0]) / dt_s, 0.0) + work[9, 0]
    share, loss = _supplied(n, x, capacity, made, load_w, heater_w, dt_s)
    if nodes == 0:
        return
    _dissipated(n, x, flags, heat_w, share, load_w, loss, dt_s)
    for k in range(len(n.links)):
        is_open = n.links[k, SWITCH] != NO_SWITCH and not flags[len(n.heaters) + k]
        shares[k] = n.links[k, OPEN_SHARE] if is_open else 1.0
    ground_k = _value(edges, series, first_edge, order, near, 2 + sunlit, start_s + 0.5 * dt_s)
    _warmed(
        n.inverse_capacity_k_j,
        n.links,
        shares[: len(n.links)],
        n.fastest_per_s,
        ground_k,
        x[FIRST_NODE:],
        heat_w,
        work,
        x,
        dt_s,
    )


@compiled_inside
def _is_reached(n, x, flags, capacity, watch, level, sign):  # type: ignore[no-untyped-def]
    """Whether the watched quantity is at its level or beyond, or any switch is due."""
    if watch == _SWITCH:
        return _switches(n, x, flags, capacity, False)
    return sign * (_held(n.battery, x, capacity, watch) - level) >= 0.0


@compiled_lean
def _bisected(  # type: ignore[no-untyped-def]
    n,
    inflow,
    near,
    x,
    flags,
    work,
    kept,
    capacity,
    load_w,
    array_share,
    t,
    low,
    high,
    watch,
    level,
    sign,
):
    """When within a step from `kept` at `t` it is reached, to 1 ms; leaves `x` there."""
    dt_s = high
    while high - low > _TIME_TOLERANCE_S:
        dt_s = 0.5 * (low + high)
        _copied(kept, x)
        _stepped(n, inflow, near, x, flags, work, capacity, load_w, array_share, t, dt_s)
        if _is_reached(n, x, flags, capacity, watch, level, sign):
            high = dt_s
        else:
            low = dt_s
    _copied(kept, x)
    _stepped(n, inflow, near, x, flags, work, capacity, load_w, array_share, t, high)
    return high


@compiled_inside
def _found(first_edge, edges, near, t_s):  # type: ignore[no-untyped-def]
    """Remember for each track the last edge that is not after an instant."""
    for k in range(len(near)):
        low, high = first_edge[k], first_edge[k + 1] - 1
        while high - low > 1:
            middle = (low + high) // 2
            if edges[middle] <= t_s:
                low = middle
            else:
                high = middle
        near[k] = low


@compiled_inside
def _darkened(n, flags, is_dark):  # type: ignore[no-untyped-def]
    """Close the links that run in the dark, or open them."""
    for k in range(len(n.links)):
        if n.links[k, SWITCH] == CLOSES_IN_THE_DARK:
            flags[len(n.heaters) + k] = is_dark


@compiled_inside
def _copied(source, target):  # type: ignore[no-untyped-def]
    for k in range(len(source)):
        target[k] = source[k]


@compiled_lean
def stepped(  # type: ignore[no-untyped-def]
    n,
    inflow,
    x,
    flags,
    capacity,
    load_w,
    array_share,
    start_s,
    stop_s,
    step_s,
    watches,
    levels,
    signs,
    before,
    after,
    near,
    work,
    kept,
):
    """Move `x` and `flags` from one instant to another, in place.

    With `watches` 0 (state of charge) or 1 + a node's number it stops where the first of
    sign x (quantity - level) becomes 0 or more after having been less, and gives that instant to
    1 ms; else NaN. `before` and `after` (one flag per watch), `near` (one integer per track), `work`
    and `kept` (like `x`) are room to work in, and so is `levels`.
    """
    edges, series, first_edge, order = inflow
    sunlit = len(n.sunlit_node)
    _found(first_edge, edges, near, start_s)
    for k in range(1 + sunlit):
        work[7, k] = _value(edges, series, first_edge, order, near, k, start_s)
    t, day, index, is_due = start_s, -1.0, np.floor(start_s / step_s), True
    for k in range(len(watches)):
        levels[k] -= signs[k] * _ROUNDING * max(1.0, abs(levels[k]))
        before[k] = not _is_reached(n, x, flags, capacity, watches[k], levels[k], signs[k])
    while t < stop_s:
        if t == index * step_s and len(near) > 1:
            is_dark = _value(edges, series, first_edge, order, near, 1 + sunlit, t) <= 0.0
            _darkened(n, flags, is_dark)
        if is_due:
            _switches(n, x, flags, capacity, True)
        if np.floor(t / DAY_S) != day:
            day = np.floor(t / DAY_S)
            _decay(n.isotopes, len(n.load_share), t, work[9])
        dt_s = min((index + 1.0) * step_s, stop_s) - t
        following = min((index + 1.0) * step_s, stop_s)
        _copied(x, kept)
        _stepped(n, inflow, near, x, flags, work, capacity, load_w, array_share, t, dt_s)
        is_due = _switches(n, x, flags, capacity, False)
        if is_due and dt_s > _SHORTEST_S:
            dt_s = _bisected(
                n,
                inflow,
                near,
                x,
                flags,
                work,
                kept,
                capacity,
                load_w,
                array_share,
                t,
                _SHORTEST_S,
                dt_s,
                _SWITCH,
                0.0,
                1.0,
            )
            following = t + dt_s
        for k in range(len(watches)):
            after[k] = _is_reached(n, x, flags, capacity, watches[k], levels[k], signs[k])
        is_met = False
        for k in range(len(watches)):
            if before[k] and after[k]:
                is_met = True
                dt_s = _bisected(
                    n,
                    inflow,
                    near,
                    x,
                    flags,
                    work,
                    kept,
                    capacity,
                    load_w,
                    array_share,
                    t,
                    0.0,
                    dt_s,
                    watches[k],
                    levels[k],
                    signs[k],
                )
            before[k] = not after[k]
        if is_met:
            return t + dt_s
        _copied(work[8], work[7])
        t = following
        if t >= (index + 1.0) * step_s:
            index += 1.0
    return np.nan
