"""Circles, dead ends and states without a way out are refused when the scenario is read."""

import pytest

from sim.errors import SimError
from sim.scenario.loading import load_scenario
from sim.scenario.routes import return_links
from tests.small_runs import SCENARIO

FORWARD = [
    "vehicles.lander.terminals.x_band.receiver={noise_temperature_k: 500}",
    "relays.queqiao.terminals.x_dish.transmitter={power_w: 5}",
    "links.forward={from: queqiao.x_dish, to: [lander.x_band], frequency_hz: 8.45e9, "
    "coding: conv_7_1_2_rs_255_223_i5, rates_bps: [125]}",
]


def test_forward_links_carry_no_data() -> None:
    scenario = load_scenario(SCENARIO, FORWARD)
    assert list(return_links(scenario)) == ["lander_return", "relay_return"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["links.relay_return.to=[lander.x_band]", FORWARD[0]],
            "links.lander_return: there is no route on from 'queqiao'",
        ),
        (
            [
                "vehicles.lander.transitions=["
                "{from: working, to: dormant, when: {lunar_day: {above: 2}}}]"
            ],
            r"modes.dormant: the vehicle can enter it and never leave it",
        ),
        (
            [
                "vehicles.lander.modes.safe={load_w: 1}",
                "vehicles.lander.activities.survey.modes=[safe]",
            ],
            "activities.survey can never run: it needs the mode safe",
        ),
        (
            [
                "vehicles.lander.activities={a: {modes: [working], duration_s: 1, when: {done: b}}, "
                "b: {modes: [working], duration_s: 1, when: {done: a}}}"
            ],
            "activities.a: a for b for a wait for each other for ever",
        ),
    ],
)
def test_refused(overrides: list[str], said: str) -> None:
    with pytest.raises(SimError, match=said):
        load_scenario(SCENARIO, overrides)
