"""Loads, battery and array against published figures of LuSEE-Night and of solar cells."""

import json

import numpy as np
import pytest
import yaml

from sim.constants import ASTRONOMICAL_UNIT_KM
from sim.physics.bus import PowerParameters, advance, crossing_s, initial_state
from sim.physics.loads import ConverterParameters, bus_load_w
from sim.physics.solar import ArrayParameters, AttitudeParameters, array_power_w, cell_efficiency
from sim.results.survival import power_report
from sim.running import run
from sim.scenario.loading import load_scenario
from sim.track import Track
from tests.test_bus import assert_closed

MODE_TOLERANCE_W = 0.05
NIGHT_TOLERANCE = 0.01
EFFICIENCY_TOLERANCE = 0.001

NIGHT_S = 354 * 3600.0
DARK = Track.constant(0.0, 0.0, NIGHT_S + 1.0)
SUPPLY = ConverterParameters(fixed_w=1.0, share=0.45)
"""Supply of preamplifier, spectrometer and data controller; LuSEE-Night opsim, config/devices.yml."""
PREAMPLIFIER_W, SPECTROMETER_W, CONTROLLER_W = 0.9, 11.5, 2.0
DISTRIBUTION_W, POWER_CONTROL_ASLEEP_W, HEATER_W = 0.9, 0.8, 1.0


def science_w():
    behind = bus_load_w(SUPPLY, PREAMPLIFIER_W + SPECTROMETER_W + CONTROLLER_W)
    return behind + DISTRIBUTION_W + POWER_CONTROL_ASLEEP_W


def power_save_w():
    behind = bus_load_w(SUPPLY, PREAMPLIFIER_W + CONTROLLER_W)
    return behind + DISTRIBUTION_W + POWER_CONTROL_ASLEEP_W + HEATER_W


@pytest.fixture(scope="module")
def lusee(repository):
    text = (repository / "scenarios" / "lusee_night.yaml").read_text()
    battery = yaml.safe_load(text)["vehicles"]["lusee"]["battery"]
    battery["initial_state_of_charge"] = 1.0
    return PowerParameters.model_validate_json(json.dumps({"battery": battery}))


def night(vehicle, hours_on=4, hours_off=6):
    """A night of science and power save in turn, as its duty of 0.4 says."""
    state, at, is_science = initial_state(vehicle), 0.0, True
    while at < NIGHT_S:
        length = (hours_on if is_science else hours_off) * 3600.0
        stop = min(at + length, NIGHT_S)
        load_w = science_w() if is_science else power_save_w()
        state = advance(vehicle, state, load_w, DARK, at, stop)
        at, is_science = stop, not is_science
    return state


def test_lusee_modes():
    """23.6 W in science and 7.9 W in power save; arXiv 2407.07173 and its simulator."""
    assert science_w() == pytest.approx(23.6, abs=MODE_TOLERANCE_W)
    assert power_save_w() == pytest.approx(7.9, abs=MODE_TOLERANCE_W)


def test_lusee_night_is_5_02_kwh_at_the_bus(lusee):
    duty_w = 0.4 * science_w() + 0.6 * power_save_w()
    assert duty_w * 354.0 == pytest.approx(5020.0, rel=NIGHT_TOLERANCE)
    state = night(lusee)
    assert state.used_wh == pytest.approx(5020.0, rel=NIGHT_TOLERANCE)
    assert state.unmet_wh == 0.0


def lusee_report(repository, *overrides):
    scenario = load_scenario(repository / "scenarios" / "lusee_night.yaml", list(overrides))
    results = run(scenario)
    return power_report(results.environment, results.log)


@pytest.fixture(scope="module")
def first_night(repository):
    """The first night in the run of the scenario itself."""
    return lusee_report(repository, "span={duration_h: 720}").dark.row(0, named=True)


def test_a_night_in_the_run_of_the_scenario_takes_5_02_kwh(first_night):
    """Published: 5.02 kWh of load energy at the bus for a night of 354 h, in turns of 10 h here."""
    assert first_night["dark_h"] == pytest.approx(354.0, abs=1.0)
    per_night_wh = first_night["used_wh"] * 354.0 / first_night["dark_h"]
    assert per_night_wh == pytest.approx(5020.0, rel=NIGHT_TOLERANCE)
    assert first_night["unmet_wh"] == 0.0


def test_the_power_table_lists_what_the_battery_gave_for_it(first_night):
    row = first_night
    out_wh = row["used_wh"] + row["lost_wh"] + row["spilled_wh"]
    assert out_wh == pytest.approx(row["battery_gave_wh"] + row["generated_wh"], rel=1e-9)
    # 0.0359 % a day of what is held, 7.0 kWh falling by 5.1 kWh, over 14.8 days
    assert row["self_discharge_wh"] == pytest.approx(0.000359 * 14.8 * 4450.0, rel=0.15)
    assert 0.0 < row["self_discharge_wh"] < row["lost_wh"] < 0.01 * row["battery_gave_wh"]
    # half of the Sun's disc is above the horizon at both ends
    assert 0.0 < row["generated_wh"] < 40.0


@pytest.mark.slow
def test_no_night_of_a_year_empties_it(repository):
    report = lusee_report(repository)
    assert report.dark.height == 12
    assert report.dark["unmet_wh"].max() == 0.0
    assert report.sentence.startswith("lusee lives through 12 nights, with 2,19")


def test_a_smaller_battery_is_empty_before_sunrise_and_says_when(repository):
    scenario = load_scenario(
        repository / "scenarios" / "lusee_night.yaml",
        ["span={duration_h: 720}", "vehicles.lusee.battery.capacity_ah=150"],
    )
    results = run(scenario)
    empty = next(event for event in results.log.events if event.after == "empty")
    report = power_report(results.environment, results.log)
    night = report.dark.row(0, named=True)
    assert night["sunset_utc"] < results.clock.utc(empty.t_s) < night["sunrise_utc"]
    assert night["unmet_wh"] > 100.0
    assert report.sentence == (
        "lusee's battery reaches its cut-off in 1 of 1 night, first at "
        f"{results.clock.utc(empty.t_s)} after lunar day 1"
    )


def test_lusee_battery_gives_more_than_the_loads_take(lusee):
    """About 7 kWh, 72 % of it for the loads, 0.5 % self-discharge, and resistance on top."""
    first, state = initial_state(lusee), night(lusee)
    assert first.stored_wh == pytest.approx(7000.0, rel=0.02)
    gave = first.stored_wh - state.stored_wh
    assert gave == pytest.approx(state.used_wh + state.lost_wh)
    # 1 % in 28 days of what is held, which falls from 100 to about 28 % in 14.75 days
    leak_wh = 0.01 / 28.0 * (NIGHT_S / 86400.0) * 0.64 * first.stored_wh
    resistive_wh = state.lost_wh - leak_wh
    # 0.1 to 0.3 ohm at 0.3 to 0.8 A: 0.02 to 0.2 W
    assert 0.02 * 354.0 < resistive_wh < 0.2 * 354.0
    assert_closed(first, state)


def test_a_night_that_begins_half_full_ends_early_and_says_when(lusee):
    data = json.loads(lusee.model_dump_json())
    data["battery"]["initial_state_of_charge"] = 0.5
    vehicle = PowerParameters.model_validate_json(json.dumps(data))
    state = initial_state(vehicle)
    empty_s = crossing_s(
        vehicle, state, 14.2, DARK, 0.0, NIGHT_S, "state_of_charge", 0.0, "falling"
    )
    assert empty_s == pytest.approx(state.stored_wh / 14.2 * 3600.0, rel=0.02)
    assert advance(vehicle, state, 14.2, DARK, 0.0, NIGHT_S).unmet_wh > 1000.0


def test_lusee_cells_against_temperature():
    """0.356, 0.305 and 0.258 at -173, 20 and 127 C; 14 % less at 400 K than at 301 K."""
    rows = [[100.0, 0.356414], [293.15, 0.304828], [400.0, 0.257931]]
    array = ArrayParameters.model_validate_json(
        json.dumps(
            {
                "area_m2": 0.313,
                "efficiency": 0.304828,
                "mount": {"kind": "fixed"},
                "cells": {"efficiency_rows": rows},
            }
        )
    )
    values = cell_efficiency(array, np.array([100.0, 293.15, 301.0, 400.0]))
    assert values[[0, 1, 3]] == pytest.approx([0.356, 0.305, 0.258], abs=EFFICIENCY_TOLERANCE)
    assert values[3] / values[2] == pytest.approx(0.86, abs=0.01)
    noon = np.array([[0.0], [0.0], [ASTRONOMICAL_UNIT_KM]])
    hot = array_power_w(
        array, AttitudeParameters(), noon, np.ones(1), ground_temperature_k=np.full(1, 380.0)
    )
    # its own balance over ground of 380 K: about 378 K, so 0.267 of 426 W
    assert hot == pytest.approx(0.267 * 0.313 * 1361.0, rel=0.02)
