"""A night with thermal nodes, heaters, isotope heat and a loop: who survives it, and who dies when."""

from pathlib import Path

import numpy as np
import pytest

from sim.environment import ANY_ATTITUDE
from sim.operations.runlog import Event
from sim.report.figures import node_limits
from sim.report.power_figure import power_figure
from sim.report.style import Span
from sim.results import Results
from sim.results.loads import load_parts_w
from sim.results.power import Energy
from sim.results.survival import power_report
from sim.results.verification import closures
from sim.running import run
from sim.scenario.loading import load_scenario

SCENARIO = Path(__file__).parent / "scenarios" / "cold_night.yaml"
NO_ISOTOPES = "vehicles.lander.isotopes.generator.heat_w=0"
TEMPERATURE_K = 0.05
COOLING_SHARE = 0.05


def _run(*overrides: str) -> Results:
    return run(load_scenario(SCENARIO, list(overrides)))


@pytest.fixture(scope="module")
def warm() -> Results:
    return _run()


@pytest.fixture(scope="module")
def cold() -> Results:
    return _run(NO_ISOTOPES)


def _events(results: Results, kind: str) -> list[Event]:
    return [event for event in results.log.events if event.event == kind]


def _box_k(results: Results, t_s: int) -> float:
    energy = Energy(results.environment, results.log, "lander")
    return energy.state(t_s).temperatures_k[0]


def test_isotope_heat_over_the_loop_carries_it_through_both_nights(warm: Results) -> None:
    assert "dead" not in {event.after for event in _events(warm, "mode")}
    assert not [event for event in _events(warm, "heat") if "survival" in event.after]
    sentence = power_report(warm.environment, warm.log).sentence
    assert sentence.startswith("lander lives through 2 nights, with ")


def test_without_isotope_heat_it_dies_at_its_survival_limit(cold: Results) -> None:
    death = next(event for event in _events(cold, "mode") if event.after == "dead")
    assert death.cause == "box beyond survival_minimum_k"
    assert _box_k(cold, death.t_s) == pytest.approx(213.0, abs=TEMPERATURE_K)
    assert _box_k(cold, death.t_s - 60) > 213.0
    sentence = power_report(cold.environment, cold.log).sentence
    utc = cold.clock.utc(death.t_s)
    assert sentence == f"lander dies at {utc} (box beyond survival minimum k)"
    later = [event for event in _events(cold, "mode") if event.t_s > death.t_s]
    assert later == []


def test_the_death_comes_when_the_box_has_radiated_its_heat_away(cold: Results) -> None:
    """By hand over its last day: insulation, legs, strap, louvres, and the loop to a cold generator."""
    energy = Energy(cold.environment, cold.log, "lander")
    death = next(event for event in _events(cold, "mode") if event.after == "dead")
    begin, end = death.t_s - 86400, death.t_s
    before, after = energy.states([begin, end])
    ends = zip(before.temperatures_k, after.temperatures_k, strict=True)
    box, cells, radiator, generator = ((first + last) / 2.0 for first, last in ends)
    around = cold.environment.heat["lander", ANY_ATTITUDE].ground_temperature_k
    assert around is not None
    out_w = (
        1.2e-9 * box**4
        + 0.02 * (box - float(around.at((begin + end) / 2.0)))
        + 0.3 * (box - cells)
        + 0.04 * (box - radiator)
        + 0.8 * (box - generator)
        - 0.8 * energy.load_w([begin])[0]
    )
    fallen_k = before.temperatures_k[0] - after.temperatures_k[0]
    assert fallen_k == pytest.approx(out_w * 86400.0 / 60_000.0, rel=COOLING_SHARE)


def test_nothing_heats_the_dead(cold: Results) -> None:
    death = next(event for event in _events(cold, "mode") if event.after == "dead")
    energy = Energy(cold.environment, cold.log, "lander")
    assert any(energy.state(death.t_s - 60).heaters_on)
    times_s = range(death.t_s + 1, cold.duration_s, 7200)
    assert not any(any(state.heaters_on) for state in energy.states(times_s))
    assert not energy.load_w(times_s).any()
    assert cold.log.snapshots["lander"][-1].bus.heater_wh == 0.0  # the lunar day after


def test_every_trigger_is_an_event(warm: Results) -> None:
    modes = {(event.before, event.after): event.cause for event in _events(warm, "mode")}
    assert modes["working", "napping"] == "temperature_k"
    assert modes["dormant", "waking"] == "array_power_w, sun"
    assert modes["working", "dormant"] == "sun, sun_elevation_deg"
    shed = _events(warm, "shed")
    assert [(e.subject, e.before, e.after) for e in shed[:2]] == [
        ("radar", "on", "shed"),
        ("radar", "shed", "on"),
    ]
    assert shed[0].cause == "state_of_charge"


def test_a_small_battery_brings_safe_mode() -> None:
    results = _run("vehicles.lander.battery.capacity_wh=800", "span={duration_h: 48}")
    modes = [(event.before, event.after, event.cause) for event in _events(results, "mode")]
    assert ("working", "safe", "state_of_charge") in modes
    assert ("safe", "working", "state_of_charge") in modes


def test_what_is_shed_is_off_in_the_budget(warm: Results) -> None:
    shed, back = (event.t_s for event in _events(warm, "shed")[:2])
    energy = Energy(warm.environment, warm.log, "lander")
    times = np.array([shed - 1, shed, back - 1, back])
    load = np.array(energy.load_w(times.tolist()))
    parts = load_parts_w(warm.environment, warm.log, "lander", times, load)
    assert parts["radar"].tolist() == [60.0, 0.0, 0.0, 60.0]
    # 0.5 W and 5 % of 95.5 W with the radar, of 35.5 W without
    assert parts["converter"] == pytest.approx([5.275, 2.275, 2.275, 5.275])


@pytest.mark.parametrize("which", ["warm", "cold"])
def test_energy_and_heat_close(which: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(which)
    found = closures(results.environment, results.log, [])
    assert [closure.name for closure in found if not closure.closes] == []
    assert len([closure for closure in found if "heat in" in closure.name]) == 3


def test_limits_are_drawn_with_the_temperatures(warm: Results) -> None:
    assert node_limits(warm)["lander", "box"] == (213.0, 253.0, 318.0, 343.0)
    days = power_report(warm.environment, warm.log).days
    figure = power_figure(warm, Span(warm.clock, warm.duration_s, days))
    dashed = [line for line in figure.axes[2].lines if line.get_linestyle() == "--"]
    assert len(dashed) == 8


def test_the_run_says_that_and_when_it_died(warm: Results, cold: Results) -> None:
    sentence = cold.summary["vehicles"]["lander"]["sentence"]
    died = cold.summary["vehicles"]["lander"]["died_utc"]
    assert sentence == (
        f"lander has no link to send over; it died at {died} (box beyond survival minimum k)"
    )
    assert warm.summary["vehicles"]["lander"]["died_utc"] is None
