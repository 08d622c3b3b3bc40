"""Loads by unit and state, converter overhead and shedding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.physics.loads import (
    ConverterParameters,
    UnitParameters,
    bus_load_w,
    shedding_order,
    unit_load_w,
    units_load_w,
)

UNITS = {
    "camera": UnitParameters(
        states={"idle": 2.0, "film": 14.0}, modes={"working": "film"}, duty=0.5
    ),
    "computer": UnitParameters(
        states={"on": 20.0, "sleep": 1.0}, modes={"working": "on", "dormant": "sleep"}, priority=9
    ),
}


def test_units_by_mode():
    assert unit_load_w(UNITS["camera"], "working") == 7.0
    assert unit_load_w(UNITS["camera"], "dormant") == 0.0
    assert units_load_w(UNITS, "working") == 27.0
    assert units_load_w(UNITS, "working", shed=["camera"]) == 20.0
    assert units_load_w(UNITS, "dormant") == 1.0


def test_the_lowest_priority_is_shed_first():
    assert shedding_order(UNITS) == ["camera", "computer"]


def test_overhead_is_fixed_plus_a_share_of_the_sum():
    converter = ConverterParameters(fixed_w=1.0, share=0.45)
    assert bus_load_w(converter, 14.4) == pytest.approx(1.0 + 1.45 * 14.4)
    assert bus_load_w(converter, 0.0) == 0.0
    assert bus_load_w(None, 14.4) == 14.4


@given(st.floats(0.01, 1000.0), st.floats(0.0, 5.0), st.floats(0.0, 1.0), st.floats(0.1, 1.0))
def test_the_bus_never_gives_less_than_the_loads_take(load_w, fixed, share, efficiency):
    converter = ConverterParameters(fixed_w=fixed, share=share, efficiency=efficiency)
    assert bus_load_w(converter, load_w) >= load_w


def test_a_mode_that_names_an_unknown_state_is_refused():
    with pytest.raises(ValidationError, match="not one of its states: on"):
        UnitParameters(states={"on": 1.0}, modes={"working": "off"})
