"""Vehicles, tracks and surroundings that the tests of power and heat share."""

import json

import numpy as np

from sim.constants import SYNODIC_MONTH_S
from sim.physics.bus import PowerParameters
from sim.physics.thermal import HeatTracks
from sim.track import Track

DAY = SYNODIC_MONTH_S
DAYS = 3
PEAK_W = 400.0


def power_w(t_s):
    """A sine by day, nothing by night, midnight at t = 0."""
    return np.maximum(-PEAK_W * np.cos(2.0 * np.pi * np.asarray(t_s) / DAY), 0.0)


def array_track():
    edges = np.unique(
        np.concatenate(
            [
                np.linspace(0.0, DAYS * DAY, 24 * DAYS + 1),
                [(day + share) * DAY for day in range(DAYS) for share in (0.25, 0.75)],
            ]
        )
    )
    fitted = Track.fit(power_w, edges, 10)
    table = fitted.coefficients.copy()
    lowest = np.abs(table).sum(axis=1)
    table[lowest < 1e-6] = 0.0
    return Track.made(edges, table, fitted.error)


def vehicle(**changes):
    values = {
        "battery": {
            "capacity_wh": 2000,
            "initial_state_of_charge": 0.9,
            "charge_efficiency": 0.95,
            "discharge_efficiency": 0.93,
        }
    }
    return PowerParameters.model_validate_json(json.dumps(values | changes))


TABLE_BATTERY = {
    "kind": "table",
    "capacity_ah": 70,
    "initial_state_of_charge": 0.9,
    "self_discharge_per_day": 0.0004,
    "tables": [
        {
            "temperature_k": 273.15,
            "state_of_charge": [0, 0.1, 0.5, 1],
            "voltage_v": [24, 27, 29, 33],
            "resistance_ohm": [0.3, 0.2, 0.2, 0.2],
        },
        {
            "temperature_k": 313.15,
            "state_of_charge": [0, 0.2, 1],
            "voltage_v": [24.5, 28, 33],
            "resistance_ohm": [0.1, 0.08, 0.08],
        },
    ],
}

HEAT = {
    "nodes": {
        "box": {"heat_capacity_j_k": 80_000, "initial_temperature_k": 290},
        "radiator": {
            "heat_capacity_j_k": 15_000,
            "initial_temperature_k": 280,
            "sunlight": {"area_m2": 0.8, "absorptance": 0.15, "mount": {"kind": "fixed"}},
        },
        "cells": {"heat_capacity_j_k": 20_000, "initial_temperature_k": 285},
    },
    "links": {
        "switch": {
            "between": ["box", "radiator"],
            "conduction_w_k": 5,
            "switch": {
                "node": "box",
                "closes_above_k": 290,
                "hysteresis_k": 5,
                "open_share": 0.02,
            },
        },
        "sky": {"between": ["radiator", "space"], "radiation_w_k4": 3.6e-8},
        "strap": {"between": ["box", "cells"], "conduction_w_k": 1.0},
        "leak": {"between": ["box", "space"], "radiation_w_k4": 2e-9},
        "feet": {"between": ["ground", "box"], "conduction_w_k": 0.05},
        "loop": {
            "between": ["box", "cells"],
            "conduction_w_k": 0.5,
            "switch": {"closes": "in_the_dark"},
        },
    },
    "heaters": {"cells": {"node": "cells", "power_w": 15, "on_below_k": 280, "off_above_k": 284}},
    "load_heat": {"box": 0.8},
}
ISOTOPES = {
    "heater": {"heat_w": 25, "node": "box"},
    "generator": {"electric_w": 2.5, "heat_w": 30, "node": "box"},
}


def surroundings(array_power):
    """Sunlight, what the radiator takes of it, and the ground, from the same sine."""
    edges = array_power.edges_s
    share = 1361.0 / PEAK_W
    sunlight = Track.made(edges, array_power.coefficients * share, 0.0)
    absorbed = Track.made(edges, array_power.coefficients * share * 0.8 * 0.15, 0.0)
    ground = Track.fit(lambda t: 230.0 - 130.0 * np.cos(2.0 * np.pi * t / DAY), edges, 8)
    return HeatTracks(
        sunlight_w_m2=sunlight, absorbed_w={"radiator": absorbed}, ground_temperature_k=ground
    )
