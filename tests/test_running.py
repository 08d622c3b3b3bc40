"""The whole line in one call, on the smallest scenario."""

from pathlib import Path

import pytest

from sim.environment import Environment, compute_environment
from sim.errors import ResultsError, SimError
from sim.results import Results
from sim.running import run, run_and_write
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario


@pytest.fixture(scope="module")
def scenario(repository: Path) -> Scenario:
    path = repository / "scenarios" / "minimal.yaml"
    return load_scenario(path, ["span.lunar_days=1"])


@pytest.fixture(scope="module")
def environment(scenario: Scenario) -> Environment:
    return compute_environment(scenario)


@pytest.fixture(scope="module")
def results(scenario: Scenario, environment: Environment) -> Results:
    return run(scenario, environment)


def test_books_close(results: Results) -> None:
    assert results.summary["books"] == "closed"
    assert results.lunar_days["delivered_gb"].sum() > 0.0


def test_delivered_is_at_most_what_is_possible(results: Results) -> None:
    days = results.lunar_days
    assert (days["delivered_of_this_day_gb"] <= days["produced_gb"] + 1e-9).all()
    assert (days["handed_over_gb"] <= days["capacity_gb"]).all()
    assert (days["capacity_gb"] <= days["ceiling_gb"]).all()


def test_the_sky_may_be_given(scenario: Scenario, results: Results) -> None:
    again = run(scenario)
    assert again.lunar_days.equals(results.lunar_days)
    assert again.events.equals(results.events)
    assert again.passes.equals(results.passes)


def test_cold_and_warm_write_the_same_bytes(scenario: Scenario, tmp_path: Path) -> None:
    run_and_write(scenario, tmp_path / "cold", cache=False, figures=False)
    run_and_write(scenario, tmp_path / "warm", figures=False)
    for path in (tmp_path / "cold").iterdir():
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "warm" / path.name).read_bytes(), path.name


def test_a_seed_takes_the_place_of_the_scenarios(
    scenario: Scenario, environment: Environment
) -> None:
    assert run(scenario, environment, seed=7).scenario.seed == 7
    assert scenario.seed == 1
    with pytest.raises(SimError, match="the seed -1 is not a whole number of 0 or more"):
        run(scenario, environment, seed=-1)


def test_steps_are_reported_in_order(scenario: Scenario, tmp_path: Path) -> None:
    told: list[str] = []

    def progress(step: str, fraction: float) -> None:
        assert 0.0 <= fraction <= 1.0
        if step not in told:
            told.append(step)

    run_and_write(scenario, tmp_path / "run", progress=progress)
    assert told == ["orbits", "windows", "rates", "operations", "figures"]
    assert len(list((tmp_path / "run" / "figures").iterdir())) >= 8


def test_a_folder_that_is_not_ours_is_refused_before_anything_is_computed(
    scenario: Scenario, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    def progress(step: str, fraction: float) -> None:
        raise AssertionError(f"{step} was computed at {fraction}")

    with pytest.raises(ResultsError, match="not the results of a run"):
        run_and_write(scenario, tmp_path, progress=progress)
