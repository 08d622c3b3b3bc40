"""Batteries: what may be written, and how a table battery moves."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.physics.battery import BatteryParameters, ConstantBatteryParameters
from sim.physics.bus import advance, aged, crossing_s, initial_state
from sim.track import Track
from tests import power_cases as cases
from tests.test_bus import assert_closed

DARK = Track.constant(0.0, 0.0, 40 * 86400.0)
FLAT = {
    "kind": "table",
    "capacity_ah": 100,
    "tables": [
        {
            "temperature_k": 293.15,
            "state_of_charge": [0, 1],
            "voltage_v": [28, 28],
            "resistance_ohm": [0.1, 0.1],
        }
    ],
}


def read(**values):
    return TypeAdapter(BatteryParameters).validate_json(json.dumps(values))


def test_kind_constant_may_be_left_out():
    battery = read(capacity_wh=2000, initial_state_of_charge=0.9, charge_efficiency=0.95)
    assert isinstance(battery, ConstantBatteryParameters)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"initial_state_of_charge": 1.2}, "less than or equal to 1"),
        ({"charge_efficiency": 1.01}, "less than or equal to 1"),
        ({"capacity_wh": -1}, "greater than 0"),
        ({"cutoff_state_of_charge": 0.3, "recovery_state_of_charge": 0.2}, "must lie above"),
        ({"cutoff_state_of_charge": 0.3, "initial_state_of_charge": 0.2}, "must not lie below"),
        ({"kind": "lemon"}, "lemon"),
    ],
)
def test_bad_constant_batteries_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        read(**({"capacity_wh": 2000} | changes))


def table(**changes):
    return FLAT["tables"][0] | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tables": [table(state_of_charge=[0.5, 0.5])]}, "must rise"),
        ({"tables": [table(voltage_v=[29, 28])]}, "must not fall"),
        ({"tables": [table(voltage_v=[28, 29, 30])]}, "same number of values"),
        ({"tables": [table(), table()]}, "must rise"),
        ({"capacity_temperature_k": [253, 273], "capacity_share": [0.5]}, "same number"),
        ({"capacity_temperature_k": [273, 253], "capacity_share": [0.5, 1]}, "must rise"),
    ],
)
def test_bad_tables_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        read(**(FLAT | changes))


def test_discharge_by_hand():
    # 100 W from 28 V behind 0.1 ohm: I = (28 - sqrt(28^2 - 40)) / 0.2 = 3.6179 A
    vehicle = cases.vehicle(battery=FLAT)
    state = advance(vehicle, initial_state(vehicle), 100.0, DARK, 0.0, 3600.0)
    current = (28.0 - np.sqrt(28.0**2 - 40.0)) / 0.2
    assert 100.0 - state.charge_ah == pytest.approx(current, rel=1e-9)
    assert state.lost_wh == pytest.approx(0.1 * current**2, rel=1e-9)
    assert state.used_wh == pytest.approx(100.0)
    empty = crossing_s(
        vehicle, initial_state(vehicle), 100.0, DARK, 0.0, 1e6, "state_of_charge", 0.0, "falling"
    )
    assert empty == pytest.approx(100.0 / current * 3600.0, abs=1.0)


def test_charge_by_hand_and_its_limit():
    vehicle = cases.vehicle(battery=FLAT | {"initial_state_of_charge": 0.5})
    light = Track.constant(200.0, 0.0, 1e6)
    state = advance(vehicle, initial_state(vehicle), 50.0, light, 0.0, 3600.0)
    current = (np.sqrt(28.0**2 + 4 * 0.1 * 150.0) - 28.0) / 0.2
    assert state.charge_ah - 50.0 == pytest.approx(current, rel=1e-9)
    assert state.spilled_wh == pytest.approx(0.0, abs=1e-9)
    limited = cases.vehicle(battery=FLAT | {"initial_state_of_charge": 0.5, "charge_limit_a": 2.0})
    state = advance(limited, initial_state(limited), 50.0, light, 0.0, 3600.0)
    assert state.charge_ah - 50.0 == pytest.approx(2.0)
    assert state.spilled_wh == pytest.approx(150.0 - 2.0 * 28.0 - 0.4)
    assert_closed(initial_state(limited), state)


def test_no_charging_in_the_cold_and_less_capacity():
    cold = FLAT | {
        "temperature_k": 253.0,
        "charge_above_k": 260.0,
        "initial_state_of_charge": 0.5,
        "capacity_temperature_k": [233, 273],
        "capacity_share": [0.5, 1.0],
    }
    vehicle = cases.vehicle(battery=cold)
    light = Track.constant(200.0, 0.0, 1e6)
    state = advance(vehicle, initial_state(vehicle), 50.0, light, 0.0, 3600.0)
    assert state.charge_ah == 50.0
    assert state.spilled_wh == pytest.approx(150.0)
    # at 253 K a quarter of the charge cannot be drawn
    state = advance(vehicle, initial_state(vehicle), 100.0, DARK, 0.0, 30 * 86400.0)
    assert state.state_of_charge == pytest.approx(0.25)
    assert state.unmet_wh > 0.0
    assert_closed(initial_state(vehicle), state)


def test_self_discharge_of_one_percent_in_28_days():
    per_day = 1.0 - 0.99 ** (1.0 / 28.0)
    vehicle = cases.vehicle(battery=FLAT | {"self_discharge_per_day": per_day})
    state = advance(vehicle, initial_state(vehicle), 0.0, DARK, 0.0, 28 * 86400.0)
    assert state.state_of_charge == pytest.approx(0.99, abs=1e-6)
    assert state.lost_wh == pytest.approx(28.0, rel=1e-4)


def test_too_much_load_is_unmet_at_the_most_the_resistance_lets_through():
    vehicle = cases.vehicle(battery=FLAT)
    state = advance(vehicle, initial_state(vehicle), 5000.0, DARK, 0.0, 60.0)
    assert state.used_wh * 60.0 == pytest.approx(28.0**2 / 4 / 0.1)
    assert_closed(initial_state(vehicle), state)


def test_fade_of_a_table_battery():
    vehicle = cases.vehicle(battery=FLAT | {"fade_per_lunar_day": 0.02})
    state = aged(vehicle, initial_state(vehicle))
    assert (state.capacity_ah, state.charge_ah) == (98.0, 98.0)
    assert_closed(initial_state(vehicle), state)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.0, 250.0),
    st.lists(st.floats(0.0, cases.DAY), max_size=10),
    st.floats(0.3, 1.0),
)
def test_table_battery_closes_and_splits_within_a_millionth(load_w, instants, share):
    vehicle = cases.vehicle(battery=cases.TABLE_BATTERY)
    array = cases.array_track()
    first = initial_state(vehicle)
    whole = advance(vehicle, first, load_w, array, 0.0, cases.DAY, array_share=share)
    assert_closed(first, whole, rel=1e-11)
    state, at = first, 0.0
    for instant in [*sorted(instants), cases.DAY]:
        state = advance(vehicle, state, load_w, array, at, instant, array_share=share)
        at = instant
    assert_closed(first, state, rel=1e-11)
    assert state.state_of_charge == pytest.approx(whole.state_of_charge, abs=1e-6)
