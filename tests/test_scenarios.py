"""The mission library: every number has its source, every file runs, every promise in it holds."""

import csv
from pathlib import Path

import pytest

from sim.environment import compute_environment
from sim.operations import operate
from sim.running import run
from sim.scenario.loading import load_scenario
from sim.scenario.nodes import Node, compose, read_text
from sim.scenario.parts import groups
from sim.scenario.shipped import example_headlines, example_paths

SCENARIOS = Path(__file__).parents[1] / "scenarios"
NAMES = sorted(example_paths())
MISSIONS = (
    *("blue_ghost_1", "change4", "change4_extended", "change4_landing", "change5", "change6"),
    *("change7_south_pole", "gateway_user", "ilrs", "lusee_night", "minimal"),
)
NEEDS_NO_SOURCE = {"schema", "seed", "span"}
SHORT = "span={duration_h: 60}"


def numbers(node: Node, path: tuple[str, ...] = (), source: str = "") -> list[tuple[str, str]]:
    """Key path and source of every number of a file."""
    source = node.source or source
    if isinstance(node.value, dict):
        entries = node.value.items()
        return [n for key, inner in entries for n in numbers(inner, (*path, key), source)]
    if isinstance(node.value, list):
        items = enumerate(node.value)
        return [n for index, inner in items for n in numbers(inner, (*path, str(index)), source)]
    is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return [(".".join(path), source)] if is_number else []


def test_the_library_is_complete() -> None:
    assert set(NAMES) >= set(MISSIONS)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_its_source(name: str) -> None:
    tree = compose(read_text(example_paths()[name]), name)
    bare = [
        path
        for path, source in numbers(tree)
        if not source and path.partition(".")[0] not in NEEDS_NO_SOURCE
    ]
    assert bare == []


@pytest.mark.parametrize("name", NAMES)
def test_no_source_is_a_file_of_ours(name: str) -> None:
    text = read_text(example_paths()[name])
    assert not any(word in text for word in ("facts", "missions.md", "/work", "issue"))


@pytest.mark.parametrize("name", NAMES)
def test_first_line_says_what_it_is(name: str) -> None:
    assert example_headlines()[name].endswith(".")
    assert len(example_headlines()[name]) > 30


@pytest.mark.parametrize("name", NAMES)
def test_runs_for_a_short_span(name: str) -> None:
    results = run(load_scenario(example_paths()[name], [SHORT]))
    assert results.duration_s == 60 * 3600
    assert set(results.log.snapshots) == set(results.scenario.vehicles)
    assert all(closure.closes for closure in results.closures)


def test_extended_mission_differs_as_it_says() -> None:
    first, second = (
        read_text(example_paths()[name]).splitlines() for name in ("change4", "change4_extended")
    )
    assert len(first) == len(second)
    changed = [
        key.partition(":")[0] for key, other in zip(first, second, strict=True) if key != other
    ]
    assert [word for word in changed if not word.startswith("#")] == ["name", "title", "span"]


def test_illustrative_horizon_is_called_so() -> None:
    with (SCENARIOS / "change7_horizon_illustrative.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 18
    assert "illustrative" in read_text(example_paths()["change7_south_pole"])


def test_parts_are_all_used_somewhere() -> None:
    """Stations of the catalogue that no scenario takes are for users: all are real antennas."""
    texts = "\n".join(read_text(path) for path in example_paths().values())
    used = {name for name in groups()["stations"] if f"part: {name}" in texts}
    assert {"jiamusi_66m", "kashi_35m", "neuquen_35m", "kashi_18m", "qingdao_18m"} <= used


def test_vehicles_are_where_their_phases_say() -> None:
    scenario = load_scenario(example_paths()["change6"], ["span={end_utc: 2024-06-06T12:00:00Z}"])
    environment = compute_environment(scenario)
    places = {
        name: [(scenario.clock.utc(at_s), where) for at_s, where in stays]
        for name, stays in environment.whereabouts.items()
    }
    assert places["lander"] == [
        ("2024-06-01T21:30:00Z", "descent_orbit"),
        ("2024-06-01T22:23:16Z", "site"),
    ]
    assert places["ascender"] == [
        ("2024-06-01T21:30:00Z", "descent_orbit"),
        ("2024-06-01T22:23:16Z", "site"),
        ("2024-06-03T23:38:10Z", "ascent_orbit"),
        ("2024-06-06T06:48:00Z", "parking_orbit"),
        ("2024-06-06T07:24:00Z", "ascent_orbit"),
    ]


def test_landing_film_comes_down_after_the_landing() -> None:
    scenario = load_scenario(
        example_paths()["change4_landing"], ["span={end_utc: 2019-01-06T00:00:00Z}"]
    )
    environment = compute_environment(scenario)
    log = operate(environment)
    film = [d for d in log.deliveries if d.piece.product == "landing_film"]
    whole_gb = 5420 * 1024 * 1024 / 1e9  # 542 s at ten frames a second, a frame more than flown
    assert sum(d.piece.bits for d in film) / 8e9 == pytest.approx(whole_gb, rel=1e-3)
    first_s, last_s = min(d.arrived_start_s for d in film), max(d.arrived_stop_s for d in film)
    assert scenario.clock.seconds("2019-01-03T02:26Z") < first_s
    # 5.68 GB at 555 kb/s take 22.8 h; other data of a higher rank and framing take the rest
    assert 22.8 < (last_s - first_s) / 3600.0 < 30.0


def test_a_night_that_is_too_long_says_when() -> None:
    """LuSEE-Night with half its battery: science ends in the night, and the report says when."""
    scenario = load_scenario(
        example_paths()["lusee_night"],
        ["vehicles.lusee.battery.capacity_ah=110", "span={duration_h: 1500}"],
    )
    log = operate(compute_environment(scenario))
    ends = [e for e in log.events if e.event == "mode" and e.after == "safe"]
    assert ends
    assert ends[0].cause == "state_of_charge"
    nights = [e.t_s for e in log.events if e.event == "mode" and e.after == "napping"]
    assert min(nights) < ends[0].t_s


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_runs_in_full_and_its_books_close(name: str) -> None:
    results = run(load_scenario(example_paths()[name]))
    assert all(closure.closes for closure in results.closures)
