"""Runs side by side: what differs comes first, in what went in and in what came out."""

from pathlib import Path

import pytest

from sim.cli import main
from sim.errors import ResultsError
from sim.study.comparison import compare

MINIMAL = str(Path(__file__).parents[1] / "scenarios" / "minimal.yaml")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs of two days; the second makes twice the data into half the room."""
    base = tmp_path_factory.mktemp("runs")
    short = ["--set", "span={duration_h: 48}"]
    changes = [
        *("--set", "vehicles.lander.activities.survey.data_rate_bps=40000"),
        *("--set", "vehicles.lander.recorder.capacity_gb=16"),
    ]
    assert main(["run", MINIMAL, *short, "--out", str(base / "one")]) == 0
    assert main(["run", MINIMAL, *short, *changes, "--out", str(base / "two")]) == 0
    return base / "one", base / "two"


def test_inputs_that_differ_are_named_and_no_others(runs: tuple[Path, Path]) -> None:
    inputs = compare(runs).inputs
    assert inputs.columns == ["key", "one", "two"]
    assert sorted(inputs.rows()) == [
        ("vehicles.lander.activities.survey.data_rate_bps", "20000", "40000"),
        ("vehicles.lander.recorder.capacity_gb", "32", "16"),
    ]


def test_differences_come_first_the_largest_at_the_top(runs: tuple[Path, Path]) -> None:
    results = compare(runs).results
    differences = results["difference"].to_list()
    count = sum(bool(text) for text in differences)
    assert 0 < count < len(differences)
    assert all(differences[:count])
    assert not any(differences[count:])
    sizes = [abs(float(text.removesuffix(" %"))) for text in differences[:count] if "%" in text]
    assert sizes == sorted(sizes, reverse=True)
    by_name = dict(zip(results["quantity"], differences, strict=True))
    assert by_name["vehicles.lander.produced_gb"] == "+100 %"
    assert by_name["lunar day 1.lander.produced_gb"] == "+100 %"
    assert by_name["vehicles.lander.awake_h"] == ""


def test_a_run_beside_itself_is_the_same(runs: tuple[Path, Path], tmp_path: Path) -> None:
    same = tmp_path / "again"
    same.symlink_to(runs[0])
    found = compare([runs[0], same])
    assert found.inputs.is_empty()
    assert not any(found.results["difference"].to_list())


def test_three_runs_are_compared_with_the_first(runs: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "three").symlink_to(runs[0])
    found = compare([*runs, tmp_path / "three"])
    assert found.results.columns[:4] == ["quantity", "one", "two", "three"]
    row = found.results.filter(found.results["quantity"] == "vehicles.lander.produced_gb").row(0)
    assert row[1] == row[3] != row[2]
    assert row[4] == "+100 %"


@pytest.mark.parametrize(
    ("count", "words"), [(1, "name two folders or more"), (2, "named twice")]
)  # fmt: skip
def test_folders_that_cannot_be_compared(runs: tuple[Path, Path], count: int, words: str) -> None:
    with pytest.raises(ResultsError, match=words):
        compare([runs[0]] * count)


def test_a_folder_that_is_no_run_is_told(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"holds no manifest\.json"):
        compare([runs[0], tmp_path])


def test_compare_and_explain_print(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(runs[0]), str(runs[1]), "--csv", str(tmp_path / "c.csv")]) == 0
    told = capsys.readouterr().out
    assert told.index("vehicles.lander.recorder.capacity_gb") < told.index("produced_gb")
    assert "results are equal" in told
    assert (tmp_path / "c.csv").read_text().startswith("quantity,one,two,difference\n")

    figure, table = tmp_path / "fall.svg", tmp_path / "r.csv"
    arguments = ["explain", str(runs[1]), "--lunar-day", "1", "--plot", str(figure)]
    assert main([*arguments, "--csv", str(table)]) == 0
    told = capsys.readouterr().out
    for word in ("ideal", "nothing_to_send", "always data to send", "gain"):
        assert word in told
    assert figure.stat().st_size > 1000
    assert table.read_text().startswith(
        "asset,relaxation,meaning,delivered_gb,gain_gb\nlander,plan"
    )
    assert main(["explain", str(runs[1]), "--lunar-day", "9"]) == 1
    assert "has no lunar day 9; it has 1 to 1" in capsys.readouterr().err
