"""Missions in phases: where vehicles are, what it means for light and links, and what is refused."""

import numpy as np
import pytest

from sim.environment import compute_environment
from sim.errors import SimError
from sim.operations import operate
from sim.scenario.loading import load_scenario
from tests.small_runs import SCENARIO

ORBIT = (
    "trajectories.low={kind: keplerian, elements: {lowest_height_km: 100, "
    "highest_height_km: 100, inclination_deg: 90}}"
)
PHASES = (
    "phases={surface: {duration_h: 10}, ascent: {duration_h: 20, vehicles: {lander: "
    "{trajectory: low}}}, back: {vehicles: {lander: {place: crater}}}}"
)
SPAN = "span={duration_h: 40}"


def test_vehicle_follows_its_trajectory_and_comes_back() -> None:
    scenario = load_scenario(SCENARIO, [SPAN, ORBIT, PHASES])
    environment = compute_environment(scenario)
    assert environment.whereabouts["lander"] == (
        (0.0, "crater"),
        (36_000.0, "low"),
        (108_000.0, "crater"),
    )
    hop = environment.hops[0]
    # on the ground the halo relay is always in view; a low polar orbit goes behind the Moon
    before = hop.geometric.clip(0.0, 36_000.0)
    during = hop.geometric.clip(36_000.0, 108_000.0)
    assert before.total_s == pytest.approx(36_000.0)
    assert 0.5 < during.total_s / 72_000.0 < 0.95
    assert len(during) >= 8  # revolutions of two hours
    # in flight the deck faces the Sun: a panel that leans by 45 deg gives its cosine
    power_w = environment.array_power_w["lander", ""]
    assert float(power_w(np.linspace(36_001.0, 107_999.0, 500)).max()) == pytest.approx(
        2.0 * 0.28 * 1407.0 * np.cos(np.radians(45.0)), rel=0.01
    )
    places = [(e.t_s, e.after) for e in operate(environment).events if e.event == "place"]
    assert places == [(36_000, "low"), (108_000, "crater")]


def test_phase_is_a_condition() -> None:
    scenario = load_scenario(
        SCENARIO,
        [
            SPAN,
            "phases={one: {duration_h: 10}, two: {}}",
            "vehicles.lander.activities.survey.when={phase: two}",
        ],
    )
    events = operate(compute_environment(scenario)).events
    assert next(e.t_s for e in events if e.event == "activity") == 36_000


def test_rover_aboard_its_lander_is_where_the_lander_is() -> None:
    scenario = load_scenario(
        SCENARIO,
        [
            SPAN,
            ORBIT,
            "vehicles.rover={place: crater, battery: {capacity_wh: 10}, modes: {working: "
            "{load_w: 1}}, initial_mode: working}",
            "phases={flight: {duration_h: 5, vehicles: {lander: {trajectory: low}, rover: "
            "{aboard: lander}}}, ground: {vehicles: {lander: {place: crater}, rover: "
            "{place: crater}}}}",
        ],
    )
    environment = compute_environment(scenario)
    assert environment.whereabouts["rover"] == ((0.0, "low"), (18_000.0, "crater"))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["phases={a: {end_utc: 2030-01-06T00:00Z}, b: {start_utc: 2030-01-05T20:00Z}}"],
            r"phases.b.start_utc 2030-01-05T20:00Z overlaps phases.a, which ends at "
            r"2030-01-06T00:00:00Z",
        ),
        (
            ["phases={a: {end_utc: 2030-01-06T00:00Z}, b: {start_utc: 2030-01-06T20:00Z}}"],
            "leaves a gap after phases.a",
        ),
        (["phases={a: {}, b: {}}"], "phases.a has no end"),
        (["phases={a: {end_utc: 2030-01-01T00:00Z}}"], "not after it begins"),
        (
            ["phases={a: {vehicles: {lander: {place: carter}}}}"],
            r"phases.a.vehicles.lander.place 'carter' does not exist",
        ),
        (
            ["phases={a: {vehicles: {lander: {place: crater, aboard: lander}}}}"],
            "exactly one of place, trajectory and aboard",
        ),
    ],
)
def test_refused_when_read(overrides: list[str], said: str) -> None:
    with pytest.raises(SimError, match=said):
        load_scenario(SCENARIO, [SPAN, *overrides])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["phases={a: {duration_h: 10}}"], "phases.a ends at .* but the run goes on to"),
        (["phases={a: {vehicles: {lander: {aboard: lander}}}}"], "lander is nowhere"),
        (
            [
                ORBIT.replace("lowest_height_km: 100", "lowest_height_km: -5"),
                PHASES,
            ],
            "low",
        ),
    ],
)
def test_refused_when_computed(overrides: list[str], said: str) -> None:
    with pytest.raises(SimError, match=said):
        compute_environment(load_scenario(SCENARIO, [SPAN, *overrides]))
