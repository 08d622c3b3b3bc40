"""Studies: what they vary, the same bytes wherever they run, and going on after a kill."""

import builtins
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sim.cli import main
from sim.errors import MissingExtraError, ScenarioError, SimError, StudyError
from sim.scenario.loading import load_scenario
from sim.study.geometry import geometry_digest
from sim.study.runs import DAYS, LINES, TABLE, run_study
from sim.study.sampling import SampleParameters, samples
from sim.study.variants import load_study, variants

MINIMAL = Path(__file__).parents[1] / "scenarios" / "minimal.yaml"
RATE, ROOM = (
    "vehicles.lander.activities.survey.data_rate_bps",
    "vehicles.lander.recorder.capacity_gb",
)

STUDY = f"""
schema: 1
name: small
scenario: {MINIMAL}
set: {{span: {{duration_h: 48}}}}
grid:
  {RATE}: [10000, 20000, 40000]
  {ROOM}: [1, 32]
"""


def _file(folder: Path, text: str = STUDY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(text)
    return folder / "study.yaml"


def test_a_grid_is_every_combination_the_last_path_fastest(tmp_path: Path) -> None:
    file = _file(tmp_path)
    found = variants(load_study(file), file)
    assert [tuple(v.values.values()) for v in found] == [
        (10000, 1), (10000, 32), (20000, 1), (20000, 32), (40000, 1), (40000, 32),
    ]  # fmt: skip
    assert [v.number for v in found] == [1, 2, 3, 4, 5, 6]
    lander = found[4].scenario.vehicles["lander"]
    assert lander.recorder is not None
    assert (lander.activities["survey"].rate_bps, lander.recorder.capacity_gb) == (40000, 1)
    assert all(v.scenario.span.duration_h == 48 for v in found)


def _samples(**more: Any) -> list[dict[str, Any]]:
    given = {
        "count": 500,
        "of": {
            "a.even": {"kind": "uniform", "low": 2.0, "high": 4.0},
            "a.log": {"kind": "log_uniform", "low": 1.0, "high": 100.0},
            "a.bell": {"kind": "normal", "mean": 0.0, "deviation": 1.0, "low": -1.0},
            "a.one": {"kind": "choice", "values": ["x", "y"]},
            "a.whole": {"kind": "uniform", "low": 0.5, "high": 9.5, "whole": True},
        },
        **more,
    }
    return samples(SampleParameters.model_validate_json(json.dumps(given)))


@pytest.mark.parametrize("method", ["random", "latin_hypercube"])
def test_samples_follow_their_distributions(method: str) -> None:
    frame = pl.DataFrame(_samples(method=method))
    assert frame["a.even"].min() >= 2.0  # type: ignore[operator]
    assert frame["a.even"].mean() == pytest.approx(3.0, abs=0.1)
    assert frame["a.log"].median() == pytest.approx(10.0, rel=0.25)
    assert frame["a.bell"].min() >= -1.0  # type: ignore[operator]
    # mean of a standard normal cut at -1: pdf(-1) / (1 - cdf(-1)) = 0.24197 / 0.84134
    assert frame["a.bell"].mean() == pytest.approx(0.2876, abs=0.12)
    assert set(frame["a.one"]) == {"x", "y"}
    assert set(frame["a.whole"]) <= set(range(11))


def test_a_latin_hypercube_has_one_sample_in_each_share() -> None:
    values = sorted(row["a.even"] for row in _samples(method="latin_hypercube", count=50))
    assert [int((value - 2.0) / 2.0 * 50) for value in values] == list(range(50))


def test_streams_belong_to_their_quantity() -> None:
    first, longer, other = _samples(), _samples(count=600), _samples(seed=2)
    assert longer[:500] == first
    assert other != first
    alone = {"a.even": {"kind": "uniform", "low": 2.0, "high": 4.0}}
    assert [row["a.even"] for row in _samples(of=alone)] == [row["a.even"] for row in first]


def test_what_only_operations_look_at_shares_its_geometry() -> None:
    same = ["seed=9", f"{RATE}=1", f"{ROOM}=1", "vehicles.lander.battery.capacity_wh=1",
            "vehicles.lander.modes.working.load_w=1", "vehicles.lander.initial_mode=dormant",
            "relays.queqiao.recorder.capacity_gb=1"]  # fmt: skip
    other = ["relays.queqiao.orbit.phase_deg=1", "links.lander_return.margin_db=2",
             "vehicles.lander.arrays.deck.area_m2=1", "span={lunar_days: 1}",
             "start_utc=2030-01-06T00:00:00Z", "places.crater.height_m=0",
             "relays.queqiao.recorder=null", "stations.kashi.allocated={daily_utc_h: [[1, 2]]}",
             "vehicles.lander.terminals.x_band.transmitter.power_w=1"]  # fmt: skip
    base = geometry_digest(load_scenario(MINIMAL))
    assert {geometry_digest(load_scenario(MINIMAL, [text])) for text in same} == {base}
    digests = {geometry_digest(load_scenario(MINIMAL, [text])) for text in other}
    assert len(digests | {base}) == len(other) + 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, run in this process."""
    base = tmp_path_factory.mktemp("study")
    run_study(_file(base), base / "out")
    return base / "out"


def _bytes(folder: Path) -> tuple[bytes, bytes]:
    return (folder / TABLE).read_bytes(), (folder / DAYS).read_bytes()


def test_the_tables_hold_every_variant(finished: Path) -> None:
    frame = pl.read_csv(finished / TABLE)
    assert frame.height == 6
    assert frame.columns[:4] == ["variant", RATE, ROOM, "asset"]
    made = dict(zip(frame["variant"], frame["produced_gb"], strict=True))
    for number, rate_bps in ((1, 10000), (3, 20000), (5, 40000)):
        assert made[number] == pytest.approx(rate_bps * 48 * 3600 / 8e9, abs=1e-9)
    assert pl.read_csv(finished / DAYS).height == 6
    assert sorted(path.name for path in finished.iterdir()) == sorted(
        [LINES, "study.json", TABLE, DAYS]
    )


def test_a_variant_is_the_run_with_its_values(finished: Path, tmp_path: Path) -> None:
    options = ["--set", "span={duration_h: 48}", "--set", f"{RATE}=40000", "--set", f"{ROOM}=1"]
    assert main(["run", str(MINIMAL), *options, "--out", str(tmp_path / "run")]) == 0
    alone = pl.read_csv(tmp_path / "run" / "lunar_days.csv")
    row = pl.read_csv(finished / DAYS).filter(pl.col("variant") == 5)
    for name in ("produced_gb", "delivered_gb", "awake_h", "lowest_state_of_charge"):
        assert row[name][0] == pytest.approx(alone[name][0], abs=1e-6)


def test_a_killed_study_goes_on_where_it_was(finished: Path, tmp_path: Path) -> None:
    file = _file(tmp_path)
    run_study(file, tmp_path / "out")
    lines = (tmp_path / "out" / LINES).read_bytes().splitlines(keepends=True)
    (tmp_path / "out" / LINES).write_bytes(b"".join(lines[:2]) + lines[2][:40])
    for name in (TABLE, DAYS):
        (tmp_path / "out" / name).unlink()
    told: list[float] = []
    run_study(file, tmp_path / "out", progress=lambda step, share: told.append(share))
    assert told == pytest.approx([3 / 6, 4 / 6, 5 / 6, 1.0])
    assert _bytes(tmp_path / "out") == _bytes(finished)
    assert (tmp_path / "out" / LINES).read_bytes().splitlines(keepends=True)[:2] == lines[:2]


@pytest.mark.slow
def test_killed_three_times_it_still_gives_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    file, out = _file(tmp_path), tmp_path / "out"
    command = [sys.executable, "-m", "sim", "study", str(file), "--out", str(out)]
    for wanted in (1, 3, 5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60.0
        while process.poll() is None and time.monotonic() < deadline:
            if (out / LINES).exists() and (out / LINES).read_bytes().count(b"\n") >= wanted:
                process.kill()
            time.sleep(0.001)
        process.wait(10.0)
    run_study(file, out)
    assert _bytes(out) == _bytes(finished)


def test_two_processes_give_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    run_study(_file(tmp_path), tmp_path / "out", processes=2)
    assert _bytes(tmp_path / "out") == _bytes(finished)


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    run_study(_file(tmp_path), tmp_path / "out", processes=2, cluster="local")
    assert _bytes(tmp_path / "out") == _bytes(finished)


def test_without_dask_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.partition(".")[0] in ("dask", "distributed"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'farside\[cluster\]'"):
        run_study(_file(tmp_path), tmp_path / "out", cluster="local")


def test_a_variant_that_cannot_run_says_why_and_the_others_go_on(tmp_path: Path) -> None:
    restless = (
        "[{from: working, to: dormant, when: {contact: lander_return}}, "
        "{from: dormant, to: working, when: {sun_elevation_deg: {above: -90}}}]"
    )
    calm = (
        "[{from: working, to: dormant, when: {sun_elevation_deg: {below: 3}}}, "
        "{from: dormant, to: working, when: {sun_elevation_deg: {above: 5}}}]"
    )
    text = STUDY[: STUDY.index("grid:")]
    text += f"grid:\n  vehicles.lander.transitions:\n    - {restless}\n    - {calm}\n"
    frame = run_study(_file(tmp_path, text), tmp_path / "out").variants
    assert "changes its mode for ever" in frame["error"][0]
    assert frame["error"][1] is None
    assert frame["asset"].to_list() == [None, "lander"]


def test_relaxations_say_what_limits_each_variant(tmp_path: Path) -> None:
    text = STUDY.replace("[10000, 20000, 40000]", "[10000, 600000]") + "relaxations: true\n"
    frame = run_study(_file(tmp_path, text), tmp_path / "out").variants
    assert set(frame.filter(pl.col(RATE) == 10000)["limited_by"]) == {"plan"}
    assert "plan" not in set(frame.filter(pl.col(RATE) == 600000)["limited_by"])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (("grid:\n", "grids:\n"), SimError, "'grids'"),
        ((RATE, "vehicles.lander.activities.survey.data_rate"), ScenarioError, "data_rate"),
        (("[10000, 20000, 40000]", "[10000, -1]"), ScenarioError, "a variant fails"),
        (("[10000, 20000, 40000]", "[]"), StudyError, "grid"),
        (("grid:\n", "most: 5\ngrid:\n"), StudyError, "6 variants are more than 5"),
        (
            ("grid:\n", f"sample: {{count: 2, of: {{{ROOM}: {{kind: uniform, low: 1, high: 2}}}}}}\ngrid:\n"),
            StudyError,
            "stands under both grid and sample",
        ),
        (
            ("grid:\n", "sample: {count: 2, of: {seed: {kind: uniform, low: 2, high: 1}}}\ngrid:\n"),
            StudyError,
            "low 2.0 is not below high 1.0",
        ),
        ((str(MINIMAL), "nowhere.yaml"), ScenarioError, "does not exist"),
    ],
)  # fmt: skip
def test_a_study_that_cannot_be_planned_is_one_line(
    tmp_path: Path, change: tuple[str, str], error: type[SimError], words: str
) -> None:
    with pytest.raises(error) as refusal:
        run_study(_file(tmp_path, STUDY.replace(*change, 1)), tmp_path / "out")
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "out").exists()


def test_another_studys_folder_is_left_alone(finished: Path, tmp_path: Path) -> None:
    other = _file(tmp_path, STUDY.replace("40000", "50000"))
    before = _bytes(finished)
    with pytest.raises(StudyError, match="holds another study"):
        run_study(other, finished)
    assert _bytes(finished) == before
    with pytest.raises(StudyError, match="holds files that are not a study's"):
        run_study(other, tmp_path)


def test_the_verb_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = _file(tmp_path), tmp_path / "out"
    assert main(["study", str(file), "--out", str(out), "--csv", str(tmp_path / "t.csv")]) == 0
    told = capsys.readouterr()
    assert "40000" in told.out
    assert f"the study's tables are in {out}" in told.err
    assert (tmp_path / "t.csv").read_text().startswith("variant,")
