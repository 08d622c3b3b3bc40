"""Power budget, energy and nights: sums that agree, and a sentence for each way a night can end."""

from pathlib import Path

import pytest
from small_runs import small_environment, small_log

from sim.results import Results
from sim.results.survival import ENERGY, NIGHTS, power_report
from sim.running import run
from sim.scenario.loading import load_scenario

MINIMAL = Path(__file__).parents[1] / "scenarios" / "minimal.yaml"
SHORT = "span={duration_h: 1000}"  # a day, the night after it and the next morning


def _run(*overrides: str) -> Results:
    return run(load_scenario(MINIMAL, [SHORT, *overrides]))


def test_the_pencil_run_ends_in_its_second_night() -> None:
    report = power_report(small_environment(), small_log())
    # from sunset at 350 s on: 5 Wh and 10 W for 350 s; 20 W were connected then
    assert report.sentence == (
        "lander lives through 1 night, with 6.0 Wh or more over the cut-off, 0.3 h of its load "
        "then, the least after lunar day 1"
    )
    assert {*ENERGY, *NIGHTS} <= set(report.days.columns)
    assert "limited_by" not in report.days.columns


def test_the_parts_of_the_budget_are_all_that_was_asked_for() -> None:
    results = _run()
    report = power_report(results.environment, results.log)
    assert report.budget["energy_wh"].sum() == pytest.approx(
        report.days["demanded_wh"].sum(), rel=1e-9
    )
    rows = {row["part"]: row for row in report.budget.rows(named=True)}
    assert rows["mode"]["highest_w"] == 150.0
    assert rows["survey"]["energy_wh"] == pytest.approx(20.0 * rows["survey"]["on_h"])
    assert "1 night" in report.sentence


def test_an_empty_battery_is_said_with_the_lunar_day() -> None:
    results = _run("vehicles.lander.modes.dormant.load_w=20")
    sentence = power_report(results.environment, results.log).sentence
    assert sentence.startswith("lander's battery reaches its cut-off in ")


def test_a_death_is_said_with_time_and_cause() -> None:
    results = _run(
        "vehicles.lander.transitions.1.to=dead",
        "vehicles.lander.transitions.1.when={state_of_charge: {below: 0.2}}",
    )
    sentence = power_report(results.environment, results.log).sentence
    assert sentence.startswith("lander dies at 2030-01-")
    assert sentence.endswith("Z (state of charge)")


def test_a_run_without_a_night_says_so() -> None:
    results = run(load_scenario(MINIMAL, ["span={duration_h: 24}"]))
    sentence = power_report(results.environment, results.log).sentence
    assert sentence == "lander sees no night to its end in this run"
