"""Nodes, links, switches, heaters and isotope sources, moved together with the battery."""

import copy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.constants import STEFAN_BOLTZMANN_W_M2_K4
from sim.errors import SimError
from sim.physics import stepping
from sim.physics.bus import advance, crossing_s, initial_state, temperature_k
from sim.physics.thermal import HeatTracks, decayed_share
from sim.track import Track
from tests import power_cases as cases
from tests.test_bus import assert_closed

ARRAY = cases.array_track()
AROUND = cases.surroundings(ARRAY)
DARK = Track.constant(0.0, 0.0, 1e7)
COLD = HeatTracks(sunlight_w_m2=DARK)
SPAN_S = cases.DAY


def rover(**changes):
    battery = cases.vehicle().battery.model_dump() | {"node": "cells"}
    return cases.vehicle(
        **({"battery": battery, "heat": cases.HEAT, "isotopes": cases.ISOTOPES} | changes)
    )


def heat(**changes):
    return copy.deepcopy(cases.HEAT) | changes


def assert_heat_closed(vehicle, before, after):
    capacities = [node.heat_capacity_j_k for node in vehicle.heat.nodes.values()]
    pairs = zip(capacities, before.temperatures_k, after.temperatures_k, strict=True)
    stored = sum(c * (new - old) for c, old, new in pairs) / 3600.0
    came = after.dissipated_wh + after.isotope_heat_wh + after.sunlight_heat_wh
    gone = after.space_heat_wh + after.ground_heat_wh
    assert stored == pytest.approx(came - gone, abs=1e-9 * max(came, 1.0))


@settings(max_examples=15, deadline=None)
@given(st.floats(0.0, 200.0), st.lists(st.floats(0.0, SPAN_S), max_size=10))
def test_both_books_close_and_another_split_moves_almost_nothing(load_w, instants):
    for battery in (None, cases.TABLE_BATTERY | {"node": "cells"}):
        vehicle = rover(**({} if battery is None else {"battery": battery}))
        first = initial_state(vehicle)
        whole = advance(vehicle, first, load_w, ARRAY, 0.0, SPAN_S, heat=AROUND)
        assert_closed(first, whole, rel=1e-11)
        assert_heat_closed(vehicle, first, whole)
        state = first
        for start, stop in pairwise([0.0, *sorted(instants), SPAN_S]):
            state = advance(vehicle, state, load_w, ARRAY, start, stop, heat=AROUND)
        assert_closed(first, state, rel=1e-11)
        assert state.state_of_charge == pytest.approx(whole.state_of_charge, abs=1e-6)
        assert state.temperatures_k == pytest.approx(whole.temperatures_k, abs=0.01)


def test_tighter_steps_change_energies_by_under_a_part_in_a_thousand(monkeypatch):
    vehicle = rover(battery=cases.TABLE_BATTERY | {"node": "cells"})
    first = initial_state(vehicle)
    coarse = advance(vehicle, first, 60.0, ARRAY, 0.0, SPAN_S, heat=AROUND)
    monkeypatch.setattr(stepping, "STEP_S", 6.0)
    fine = advance(vehicle, first, 60.0, ARRAY, 0.0, SPAN_S, heat=AROUND)
    for name in ("generated_wh", "used_wh", "lost_wh", "spilled_wh", "heater_wh", "space_heat_wh"):
        assert getattr(coarse, name) == pytest.approx(getattr(fine, name), rel=1e-3, abs=0.05)


def test_a_radiating_node_cools_as_the_textbook_says():
    # C dT/dt = -k T^4: T(t) = (T0^-3 + 3 k t / C)^(-1/3)
    k = 0.8 * STEFAN_BOLTZMANN_W_M2_K4
    nodes = {"box": {"heat_capacity_j_k": 50_000, "initial_temperature_k": 300}}
    links = {"sky": {"between": ["box", "space"], "radiation_w_k4": k}}
    vehicle = rover(battery={"capacity_wh": 10}, heat={"nodes": nodes, "links": links}, isotopes={})
    state = advance(vehicle, initial_state(vehicle), 0.0, DARK, 0.0, 86400.0, heat=COLD)
    expected = (300.0**-3 + 3.0 * k * 86400.0 / 50_000.0) ** (-1.0 / 3.0)
    assert temperature_k(vehicle, state, "box") == pytest.approx(expected, abs=1e-3)


def test_isotope_heat_settles_where_radiation_balances_it():
    # 55 W from 0.5 m2 of emittance 0.1: (55 / 0.05 sigma + 2.725^4)^(1/4) = 373.2 K
    k = 0.05 * STEFAN_BOLTZMANN_W_M2_K4
    nodes = {"box": {"heat_capacity_j_k": 5_000, "initial_temperature_k": 250}}
    links = {"sky": {"between": ["box", "space"], "radiation_w_k4": k}}
    source = {"heat_w": 55.0, "node": "box", "half_life_h": 1e9}
    vehicle = rover(
        battery={"capacity_wh": 10}, heat={"nodes": nodes, "links": links}, isotopes={"rhu": source}
    )
    state = advance(vehicle, initial_state(vehicle), 0.0, DARK, 0.0, 60 * 86400.0, heat=COLD)
    assert temperature_k(vehicle, state, "box") == pytest.approx((55.0 / k) ** 0.25, abs=0.01)


def test_heater_keeps_its_node_until_the_battery_is_empty():
    nodes = {"cells": {"heat_capacity_j_k": 5_000, "initial_temperature_k": 290}}
    links = {"sky": {"between": ["cells", "space"], "radiation_w_k4": 1e-9}}
    heaters = {"h": {"node": "cells", "power_w": 20, "on_below_k": 280, "off_above_k": 283}}
    vehicle = rover(
        battery={"capacity_wh": 200},
        heat={"nodes": nodes, "links": links, "heaters": heaters},
        isotopes={},
    )
    first = initial_state(vehicle)
    arguments = (vehicle, first, 0.0, DARK, 0.0)
    empty = crossing_s(*arguments, 5e6, "state_of_charge", 0.0, "falling", heat=COLD)
    early = advance(*arguments, 0.9 * empty, heat=COLD)
    assert 279.0 < early.temperatures_k[0] < 284.0
    assert early.heater_wh == pytest.approx(early.used_wh)
    late = advance(*arguments, empty + 5 * 86400.0, heat=COLD)
    assert late.temperatures_k[0] < 275.0
    assert late.unmet_wh > 0.0
    assert_closed(first, late)
    assert_heat_closed(vehicle, first, late)
    gone = crossing_s(*arguments, 5e6, "temperature_k", 260.0, "falling", node="cells", heat=COLD)
    at = advance(*arguments, gone, heat=COLD)
    assert at.temperatures_k[0] == pytest.approx(260.0, abs=1e-5)
    assert advance(*arguments, gone - 1.0, heat=COLD).temperatures_k[0] > 260.0


def test_a_thermal_switch_has_hysteresis_and_the_loop_runs_at_night():
    vehicle = rover()
    state = initial_state(vehicle)
    names = list(vehicle.heat.links)
    noon = advance(vehicle, state, 60.0, ARRAY, 0.0, 0.5 * SPAN_S, heat=AROUND)
    assert noon.links_closed[names.index("loop")] is False
    night = advance(vehicle, noon, 60.0, ARRAY, 0.5 * SPAN_S, SPAN_S, heat=AROUND)
    assert night.links_closed[names.index("loop")] is True
    box = temperature_k(vehicle, night, "box")
    closed = night.links_closed[names.index("switch")]
    assert (box > 285.0 - 0.1) if closed else (box < 290.0 + 0.1)


def test_plutonium_loses_four_fifths_of_a_percent_a_year():
    assert decayed_share(87.7 * 8766.0, 365.25 * 86400.0) == pytest.approx(0.99213, abs=1e-5)


def test_surroundings_are_needed():
    vehicle = rover()
    with pytest.raises(SimError, match="without its surroundings"):
        advance(vehicle, initial_state(vehicle), 0.0, ARRAY, 0.0, 60.0)
    with pytest.raises(SimError, match="the ground has no temperature"):
        blind = HeatTracks(sunlight_w_m2=DARK, absorbed_w=AROUND.absorbed_w)
        advance(vehicle, initial_state(vehicle), 0.0, ARRAY, 0.0, 60.0, heat=blind)


def test_one_machine_code_serves_every_vehicle():
    signatures = stepping.stepped.signatures
    assert len(signatures) <= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"load_heat": {"box": 0.7, "cells": 0.7}}, "add up to more than 1"),
        ({"load_heat": {"bx": 0.7}}, "names the node 'bx'"),
        ({"links": {"a": {"between": ["box", "box"], "conduction_w_k": 1}}}, "two different"),
        ({"links": {"a": {"between": ["space", "ground"], "conduction_w_k": 1}}}, "not nodes"),
        ({"links": {"a": {"between": ["box", "cells"]}}}, "above 0"),
        (
            {"heaters": {"h": {"node": "box", "power_w": 1, "on_below_k": 9, "off_above_k": 8}}},
            "less than off_above_k",
        ),
        (
            {
                "links": {
                    "a": {
                        "between": ["box", "cells"],
                        "conduction_w_k": 1,
                        "switch": {"closes_above_k": 1},
                    }
                }
            },
            "switch with closes_above_k",
        ),
        (
            {
                "nodes": {
                    "box": {
                        "heat_capacity_j_k": 1,
                        "initial_temperature_k": 1,
                        "operating_minimum_k": 300,
                        "operating_maximum_k": 250,
                    }
                }
            },
            "must not lie above operating_maximum_k",
        ),
    ],
)
def test_bad_networks_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        rover(heat=heat(**changes))


def test_a_source_in_a_node_that_does_not_exist_is_refused():
    with pytest.raises(ValidationError, match=r"isotopes\.a\.node names the node 'hull'"):
        rover(isotopes={"a": {"heat_w": 1.0, "node": "hull"}})


def test_stiff_nodes_stay_stable():
    nodes = {
        "foil": {"heat_capacity_j_k": 20, "initial_temperature_k": 380},
        "box": {"heat_capacity_j_k": 50_000, "initial_temperature_k": 300},
    }
    links = {
        "sky": {"between": ["foil", "space"], "radiation_w_k4": 5e-8},
        "strap": {"between": ["foil", "box"], "conduction_w_k": 0.5},
    }
    vehicle = rover(battery={"capacity_wh": 10}, heat={"nodes": nodes, "links": links}, isotopes={})
    state = advance(vehicle, initial_state(vehicle), 0.0, DARK, 0.0, 7200.0, heat=COLD)
    foil, box = state.temperatures_k
    balance = 5e-8 * foil**4 - 0.5 * (box - foil)
    assert balance == pytest.approx(0.0, abs=0.05)
    assert np.isfinite(state.temperatures_k).all()
