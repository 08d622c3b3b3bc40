"""A vehicle without thermal nodes, with a battery of constant efficiencies: exact at any span.

Between the instants at which array power passes the load the stored energy moves one way only, so
that the integral of the array's track, which is exact, is all that a step needs.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from sim.constants import DAY_S
from sim.physics.battery import ConstantBatteryParameters
from sim.physics.stores import BusState, Direction, Level, PowerParameters, isotope_power_w
from sim.track import Track

Floats = NDArray[np.float64]

_HOUR_S = 3600.0
_TIME_TOLERANCE_S = 1e-7
_ROUNDING = 1e-12
_MAX_STEPS = 100


def linear_advance(
    parameters: PowerParameters,
    battery: ConstantBatteryParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    array_share: float,
    start_s: float,
    stop_s: float,
) -> BusState:
    """As `sim.physics.bus.advance`."""
    generated = used = spilled = lost = unmet = 0.0
    stored, lowest = state.stored_wh, state.lowest_state_of_charge * state.capacity_wh
    is_cut_off = state.is_cut_off
    for piece in linear_spans(
        parameters, battery, state, load_w, array_power, array_share, start_s, stop_s
    ):
        wanted = load_w * (piece.stop_s - piece.start_s) / _HOUR_S
        change = piece.stored_after_wh - piece.stored_before_wh
        generated += piece.generated_wh
        if change >= 0.0:
            loss = change / battery.charge_efficiency - change
        else:
            loss = -change * (1.0 - battery.discharge_efficiency)
        over = piece.net_wh - change - loss
        # what is left over, or short if negative; a last bit of rounding is neither
        if abs(over) <= _ROUNDING * (piece.generated_wh + wanted):
            over = 0.0
        served = 0.0 if piece.is_cut_off else wanted + min(over, 0.0)
        spilled += max(over, 0.0)
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


def linear_first_crossing_s(
    parameters: PowerParameters,
    battery: ConstantBatteryParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    array_share: float,
    start_s: float,
    stop_s: float,
    levels: Sequence[Level],
) -> float | None:
    """As `sim.physics.bus.first_crossing_s`, exact."""
    wanted = _within_reach(
        parameters, battery, state, load_w, array_power, array_share, start_s, stop_s, levels
    )
    if not wanted:
        return None
    for span in linear_spans(
        parameters, battery, state, load_w, array_power, array_share, start_s, stop_s
    ):
        before, after = span.stored_before_wh, span.stored_after_wh
        passed = [
            level_wh
            for level_wh, direction in wanted
            if (before < level_wh <= after if direction == "rising" else before > level_wh >= after)
        ]
        if passed:
            first_wh = min(passed, key=lambda level_wh: abs(level_wh - before))
            if after > before:
                target_wh = (first_wh - before) / battery.charge_efficiency
            else:
                target_wh = (first_wh - before) * battery.discharge_efficiency
            return _reached_s(
                array_power, array_share, span.level_w, span.start_s, span.stop_s, target_wh
            )
    return None


def _within_reach(
    parameters: PowerParameters,
    battery: ConstantBatteryParameters,
    state: BusState,
    load_w: float,
    array_power: Track,
    array_share: float,
    start_s: float,
    stop_s: float,
    levels: Sequence[Level],
) -> list[tuple[float, Direction]]:
    """The levels, in Wh, that the cells could pass within a span if they gave all, or took all."""
    wanted = [(level.value * state.capacity_wh, level.direction) for level in levels]
    span_h = (stop_s - start_s) / _HOUR_S
    lowest_wh = state.stored_wh - load_w * span_h / battery.discharge_efficiency
    found = [each for each in wanted if each[1] == "falling" and each[0] >= lowest_wh]
    rising = [each for each in wanted if each[1] == "rising"]
    if rising:
        made_wh = array_share * array_power.integral_between(start_s, stop_s) / _HOUR_S
        if parameters.isotopes:
            made_wh += isotope_power_w(parameters.isotopes, start_s) * span_h
        highest_wh = state.stored_wh + made_wh * battery.charge_efficiency
        found += [each for each in rising if each[0] <= highest_wh]
    return found


def stored_after_wh(
    battery: ConstantBatteryParameters,
    capacity_wh: Floats,
    stored_wh: Floats,
    net_wh: Floats,
) -> Floats:
    """Energy in the cells after a net surplus, or deficit if negative, of one sign throughout.

    All arrays are (N,). Surplus over what they can hold is spilled, deficits below the cut-off are
    unmet.
    """
    filled = np.minimum(stored_wh + net_wh * battery.charge_efficiency, capacity_wh)
    floor = np.minimum(battery.cutoff_state_of_charge * capacity_wh, stored_wh)
    drained = np.maximum(stored_wh + net_wh / battery.discharge_efficiency, floor)
    return np.where(net_wh > 0.0, np.maximum(filled, stored_wh), drained)


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


class LinearSpan(NamedTuple):
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


def linear_spans(
    parameters: PowerParameters,
    battery: ConstantBatteryParameters,
    state: BusState,
    load_w: float,
    track: Track,
    share: float,
    start_s: float,
    stop_s: float,
) -> Iterator[LinearSpan]:
    """Cut a span where surplus turns into deficit, on days of isotope decay, at cut-off and recovery."""
    cumulative, capacity = track.cumulative, state.capacity_wh
    floor = battery.cutoff_state_of_charge * capacity
    recovery = battery.recovery_state_of_charge
    stored, is_cut_off = state.stored_wh, state.is_cut_off
    a, before_a = start_s, cumulative.at(start_s)
    while a < stop_s:
        last = min((a // DAY_S + 1.0) * DAY_S, stop_s) if parameters.isotopes else stop_s
        isotope_w = isotope_power_w(parameters.isotopes, a) if parameters.isotopes else 0.0
        level_w = (0.0 if is_cut_off else load_w) - isotope_w
        for b in chain(_sign_changes(track, level_w / share, a, last), (last,)):
            before_b = cumulative.at(b)
            array_wh = share * (before_b - before_a) / _HOUR_S
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
                before_b = cumulative.at(ends_s)
                array_wh = share * (before_b - before_a) / _HOUR_S
                net_wh = array_wh - level_w * (ends_s - a) / _HOUR_S
            generated_wh = array_wh + isotope_w * (ends_s - a) / _HOUR_S
            yield LinearSpan(
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
            stored, a, before_a = after, ends_s, before_b
            if flips:
                is_cut_off = not is_cut_off
                break


def _reached_s(
    track: Track, share: float, level_w: float, start_s: float, stop_s: float, target_wh: float
) -> float:
    """When the net energy since `start_s` reaches `target_wh`; net power keeps its sign."""
    if target_wh == 0.0:
        return start_s
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
