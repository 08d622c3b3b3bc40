"""The stores of a vehicle: books, splitting, crossings, cut-off, fade, isotope generators."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import SimError
from sim.physics.bus import (
    Level,
    advance,
    aged,
    crossing_s,
    first_crossing_s,
    initial_state,
    isotope_power_w,
    opened,
    power_crossing_s,
)
from sim.track import Track
from tests import power_cases as cases

ARRAY = cases.array_track()
SPAN = (0.0, cases.DAYS * cases.DAY)
ENERGIES = ("generated_wh", "demanded_wh", "used_wh", "spilled_wh", "lost_wh", "unmet_wh")

loads = st.floats(0.0, 300.0)
efficiencies = st.floats(0.5, 1.0)
cuts = st.lists(st.floats(*SPAN), max_size=12)


def assert_closed(before, after, rel=1e-12):
    scale = max(after.generated_wh, after.demanded_wh, 1.0)
    change = after.stored_wh - before.stored_wh
    spent = after.used_wh + after.spilled_wh + after.lost_wh
    assert after.generated_wh == pytest.approx(spent + change, abs=rel * scale)
    assert after.demanded_wh == pytest.approx(after.used_wh + after.unmet_wh, abs=rel * scale)
    for name in ENERGIES:
        assert getattr(after, name) >= -1e-9


def assert_alike(one, other, rel=1e-12):
    scale = max(one.generated_wh, one.demanded_wh, one.capacity_wh)
    for name in (*ENERGIES, "stored_wh"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=rel * scale)
    assert one.is_cut_off == other.is_cut_off
    assert one.lowest_state_of_charge == pytest.approx(other.lowest_state_of_charge, abs=1e-9)


def split(vehicle, load_w, instants, **options):
    state, edges = initial_state(vehicle), [SPAN[0], *sorted(instants), SPAN[1]]
    for start, stop in pairwise(edges):
        state = advance(vehicle, state, load_w, ARRAY, start, stop, **options)
    return state


def vehicles(charge, discharge, cutoff=0.0, recovery=None, isotopes=None):
    battery = {
        "capacity_wh": 2000,
        "initial_state_of_charge": 0.7,
        "charge_efficiency": charge,
        "discharge_efficiency": discharge,
        "cutoff_state_of_charge": cutoff,
        "recovery_state_of_charge": recovery,
    }
    return cases.vehicle(battery=battery, isotopes=isotopes or {})


@settings(max_examples=60, deadline=None)
@given(loads, efficiencies, efficiencies, cuts, st.floats(0.2, 1.0))
def test_books_close_and_a_span_may_be_split_anywhere(load_w, charge, discharge, instants, share):
    vehicle = vehicles(charge, discharge)
    whole = advance(vehicle, initial_state(vehicle), load_w, ARRAY, *SPAN, array_share=share)
    assert_closed(initial_state(vehicle), whole)
    assert_alike(whole, split(vehicle, load_w, instants, array_share=share))


@settings(max_examples=40, deadline=None)
@given(loads, st.floats(0.0, 0.3), st.floats(0.31, 0.9), cuts)
def test_cut_off_and_recovery_may_be_split_anywhere(load_w, cutoff, recovery, instants):
    vehicle = vehicles(0.9, 0.9, cutoff, recovery, {"rtg": {"electric_w": 3.0}})
    whole = advance(vehicle, initial_state(vehicle), load_w, ARRAY, *SPAN)
    assert_closed(initial_state(vehicle), whole)
    assert_alike(whole, split(vehicle, load_w, instants), rel=1e-10)


@settings(max_examples=30, deadline=None)
@given(loads, st.floats(0.0, 1.0), st.sampled_from(["rising", "falling"]), st.floats(0.0, 0.5))
def test_crossings_of_charge_are_where_the_charge_is_there(load_w, level, direction, begin):
    vehicle = vehicles(0.95, 0.9)
    start = begin * SPAN[1]
    state = advance(vehicle, initial_state(vehicle), load_w, ARRAY, 0.0, start)
    arguments = (vehicle, state, load_w, ARRAY, start)
    found = crossing_s(*arguments, SPAN[1], "state_of_charge", level, direction)
    times = np.linspace(start, SPAN[1], 200)[1:]
    charges = np.array([advance(*arguments, t).state_of_charge for t in times])
    beyond = charges >= level + 1e-7 if direction == "rising" else charges <= level - 1e-7
    outside = charges < level - 1e-7 if direction == "rising" else charges > level + 1e-7
    if found is None:
        first_outside = np.argmax(outside) if outside.any() else len(times)
        assert not beyond[first_outside:].any()
        return
    assert start < found <= SPAN[1]
    assert advance(*arguments, found).state_of_charge == pytest.approx(level, abs=1e-9)
    sign = 1.0 if direction == "rising" else -1.0
    just_before = advance(*arguments, max(found - 1.0, start)).state_of_charge
    assert sign * (just_before - level) <= 1e-9


def test_full_and_empty_are_found_to_a_second_by_hand():
    # 2000 Wh x 0.9 x 0.93 at 100 W in the dark: empty after 16.74 h
    vehicle = cases.vehicle()
    dark = Track.constant(0.0, 0.0, 1e6)
    arguments = (vehicle, initial_state(vehicle), 100.0, dark, 0.0, 1e6, "state_of_charge")
    assert crossing_s(*arguments, 0.0, "falling") == pytest.approx(16.74 * 3600.0, abs=1e-3)
    # 200 Wh missing at 95 % of 50 W surplus: full after 4.2105 h
    light = Track.constant(150.0, 0.0, 1e6)
    arguments = (vehicle, initial_state(vehicle), 100.0, light, 0.0, 1e6, "state_of_charge")
    assert crossing_s(*arguments, 1.0, "rising") == pytest.approx(200 / 47.5 * 3600.0, abs=1e-3)
    assert crossing_s(*arguments, 0.5, "falling") is None


def test_an_empty_battery_leaves_the_loads_what_the_array_gives():
    vehicle = cases.vehicle(battery={"capacity_wh": 100, "initial_state_of_charge": 0.0})
    state = advance(
        vehicle, initial_state(vehicle), 100.0, Track.constant(30.0, 0.0, 7200.0), 0.0, 7200.0
    )
    assert state.used_wh == pytest.approx(60.0)
    assert state.unmet_wh == pytest.approx(140.0)
    assert state.stored_wh == 0.0


def test_cut_off_serves_nothing_until_recovered():
    vehicle = vehicles(1.0, 1.0, cutoff=0.1, recovery=0.2)
    state = initial_state(vehicle)._replace(stored_wh=200.0)
    light = Track.constant(50.0, 0.0, 1e6)
    # at the floor with a deficit it cuts off at once; 200 Wh more at 50 W take four hours
    in_between = advance(vehicle, state, 100.0, light, 0.0, 2 * 3600.0)
    assert in_between.is_cut_off
    assert in_between.used_wh == 0.0
    assert in_between.unmet_wh == pytest.approx(200.0)
    later = advance(vehicle, state, 100.0, light, 0.0, 4 * 3600.0 + 60.0)
    assert not later.is_cut_off
    assert later.used_wh == pytest.approx(100.0 / 60.0)


def test_a_full_battery_spills_what_is_left():
    vehicle = cases.vehicle()
    state = initial_state(vehicle)._replace(stored_wh=2000.0)
    after = advance(vehicle, state, 100.0, Track.constant(150.0, 0.0, 3600.0), 0.0, 3600.0)
    assert (after.spilled_wh, after.lost_wh) == (pytest.approx(50.0), 0.0)


def test_isotope_generator_decays_by_the_day_and_feeds_the_bus():
    vehicle = cases.vehicle(isotopes={"rtg": {"electric_w": 5.0, "half_life_h": 240.0}})
    assert isotope_power_w(vehicle.isotopes, 9.9 * 86400.0) == pytest.approx(5.0 * 0.5**0.95)
    dark = Track.constant(0.0, 0.0, 40 * 86400.0)
    state = advance(vehicle, initial_state(vehicle), 0.0, dark, 0.0, 40 * 86400.0)
    mean_life_h = 240.0 / np.log(2.0)
    midpoint = (24.0 / mean_life_h) ** 2 / 24.0  # error of daily steps; 2e-11 for plutonium
    assert state.generated_wh == pytest.approx(
        5.0 * mean_life_h * (1 - 0.5**4), rel=1.01 * midpoint
    )
    assert_closed(initial_state(vehicle), state)


def test_fade_takes_capacity_and_what_no_longer_fits():
    vehicle = cases.vehicle(
        battery={"capacity_wh": 1000, "initial_state_of_charge": 1.0, "fade_per_lunar_day": 0.01}
    )
    state = aged(vehicle, initial_state(vehicle))
    assert (state.capacity_wh, state.stored_wh) == (990.0, 990.0)
    assert state.lost_wh == pytest.approx(10.0)
    assert_closed(initial_state(vehicle), state)


def test_opened_books_are_empty_and_stores_stay():
    vehicle = cases.vehicle()
    state = advance(vehicle, initial_state(vehicle), 80.0, ARRAY, *SPAN)
    fresh = opened(state)
    assert fresh.stored_wh == state.stored_wh
    assert all(getattr(fresh, name) == 0.0 for name in ENERGIES)
    assert fresh.lowest_state_of_charge == state.state_of_charge


@pytest.mark.parametrize("level", [1.0, 120.0, 399.0])
def test_array_power_crossings_agree_with_the_sine(level):
    angle = np.arccos(-level / cases.PEAK_W) / (2.0 * np.pi)
    vehicle = cases.vehicle()
    arguments = (vehicle, initial_state(vehicle), 0.0, ARRAY)
    rising = crossing_s(*arguments, 0.0, SPAN[1], "array_power_w", level, "rising")
    assert rising == pytest.approx(angle * cases.DAY, abs=0.1)
    falling = crossing_s(*arguments, rising, SPAN[1], "array_power_w", level, "falling")
    assert falling == pytest.approx((1.0 - angle) * cases.DAY, abs=0.1)
    dusty = crossing_s(
        *arguments, 0.0, SPAN[1], "array_power_w", level * 0.9, "rising", array_share=0.9
    )
    assert dusty == pytest.approx(rising, abs=1e-3)
    assert power_crossing_s(ARRAY, 500.0, *SPAN, "rising") is None


def test_a_quantity_that_is_already_there_has_to_leave_first():
    noon = 0.5 * cases.DAY
    found = power_crossing_s(ARRAY, 100.0, noon, SPAN[1], "rising")
    assert found > 1.2 * cases.DAY


def test_a_node_that_does_not_exist_is_said():
    vehicle = cases.vehicle()
    with pytest.raises(SimError, match="no thermal node 'box'"):
        crossing_s(
            vehicle,
            initial_state(vehicle),
            0.0,
            ARRAY,
            *SPAN,
            "temperature_k",
            1.0,
            "rising",
            node="box",
        )


@pytest.mark.parametrize("battery", [None, cases.TABLE_BATTERY])
def test_the_first_of_several_crossings_is_the_earliest_of_each(battery):
    rover = cases.vehicle(**({} if battery is None else {"battery": battery}))
    state, track, stop_s = initial_state(rover), cases.array_track(), cases.DAY
    levels = [Level(0.95, "rising"), Level(0.5, "falling"), Level(0.7, "falling")]
    each = [
        crossing_s(rover, state, 30.0, track, 0.0, stop_s, "state_of_charge", *level[:2])
        for level in levels
    ]
    assert each[2] < each[1] < each[0]
    assert first_crossing_s(rover, state, 30.0, track, 0.0, stop_s, levels) == pytest.approx(
        each[2], abs=2e-3
    )
    assert first_crossing_s(rover, state, 30.0, track, 0.0, each[2] - 1.0, levels) is None
    assert first_crossing_s(rover, state, 30.0, track, 0.0, stop_s, []) is None
