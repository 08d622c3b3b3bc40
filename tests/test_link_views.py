"""What a user sees of a link: needs, series over a pass, the figure, and a budget out of view."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from sim.cli import main
from sim.environment import LinkSeries, link_budget, link_series_over
from sim.report.link_figure import link_figure
from sim.report.link_needs import HEADER, link_needs_rows
from sim.results.links import movers_table, rate_changes_table, series_table
from sim.scenario.loading import load_scenario

FOLDER = Path(__file__).parent / "scenarios"
HOME = FOLDER / "direct_to_earth.yaml"


@pytest.fixture(scope="module")
def series() -> LinkSeries:
    scenario = load_scenario(HOME, ["links.home.symbol_rates_sps=[900000, 1000000, 1100000]"])
    return link_series_over(scenario, "lander", "kashi", "3", "2030-01-05T00:00Z", count=400)


def test_series_table_has_every_term_and_adds_up(series: LinkSeries) -> None:
    header, rows = series_table(series, load_scenario(HOME).clock)
    terms = [header.index(f"{name}_db") for name in series.terms_db]
    total = header.index("pt_n0_dbhz")
    for row in rows[:: len(rows) // 10]:
        assert sum(row[index] for index in terms) == pytest.approx(row[total], abs=1e-3)
    assert len(rows) == 400


def test_rate_changes_are_those_of_the_series(series: LinkSeries) -> None:
    header, rows = rate_changes_table(series, load_scenario(HOME).clock, most=1000)
    assert header == ["from_utc", "rate_bps", "range_km"]
    assert {row[1] for row in rows} >= {"out of view"}
    shown = np.where(series.visible, series.rate_bps, -1)
    assert len(rows) == 1 + int(np.count_nonzero(np.diff(shown)))
    few = rate_changes_table(series, load_scenario(HOME).clock, most=2)[1]
    assert few[:2] == rows[:2]
    assert few[2][1] == f"{len(rows) - 2} more"


def test_figure_shows_margin_rate_and_what_moves_it(series: LinkSeries) -> None:
    figure = link_figure(series, load_scenario(HOME).clock, "lander to kashi")
    margin, rate, movers = figure.axes
    drawn = np.asarray(margin.lines[0].get_ydata(), dtype=float)
    assert np.array_equal(np.isnan(drawn), ~series.visible)
    assert np.allclose(drawn[series.visible], series.margin_db[series.visible])
    assert np.nanmax(np.asarray(rate.lines[0].get_ydata(), dtype=float)) == pytest.approx(
        series.rate_bps[series.visible].max() / 1e3
    )
    assert [str(line.get_label()).split(" (")[0] for line in movers.lines] == [
        row[0].replace("_", " ") for row in movers_table(series)[1]
    ]


def test_pass_as_table_json_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / name for name in ("pass.csv", "pass.json", "pass.png")]
    options = ["--csv", str(files[0]), "--json", str(files[1]), "--plot", str(files[2])]
    at = ["--at", "2030-01-05T12:00Z", "--over", "pass"]
    assert main(["link", str(HOME), "lander", "kashi", *at, *options]) == 0
    assert "fade" in capsys.readouterr().out
    with files[0].open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(json.loads(files[1].read_text())) == 2000
    assert {row["in_view"] for row in rows} == {"True"}
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_needs_are_printed_with_what_is_assumed(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = repository / "scenarios" / "change4.yaml"
    assert main(["link", str(path), "rover", "queqiao", "--needs"]) == 0
    out = capsys.readouterr().out
    assert "285000" in out
    assert "rover.terminals.x_band.transmitter.power_w: a good third" in out


def test_the_page_lists_the_highest_rates_of_each_link() -> None:
    rows = link_needs_rows(load_scenario(FOLDER / "over_the_ground.yaml"))
    assert [(row[0], row[2]) for row in rows[:4]] == [
        ("local", rate) for rate in ("2048", "512", "128", "32")
    ]
    has, needs, spare = (float(rows[3][HEADER.index(name)]) for name in _EIRP_AND_SPARE)
    assert needs == pytest.approx(has - spare, abs=0.1)
    hidden = load_scenario(FOLDER / "over_the_ground.yaml", ["vehicles.rover.place=far"])
    assert link_needs_rows(hidden)[0][:3] == ["local", "lander.uhf", "never in view"]


_EIRP_AND_SPARE = ("EIRP has, dBW", "EIRP needs, dBW", "spare, dB")


def test_a_link_never_in_view_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    path = FOLDER / "over_the_ground.yaml"
    arguments = ["link", str(path), "rover", "lander", "--set", "vehicles.rover.place=far"]
    assert main([*arguments, "--needs"]) == 1
    assert "never see each other in this run" in capsys.readouterr().err
    assert main([*arguments, "--over", "pass"]) == 1
    assert "do not see each other after" in capsys.readouterr().err


def test_a_budget_says_when_the_ends_are_out_of_view() -> None:
    scenario = load_scenario(HOME)
    assert link_budget(scenario, "lander", "kashi", "2030-01-05T08:00Z").fact("in_view") == 1.0
    assert link_budget(scenario, "lander", "kashi", "2030-01-05T20:00Z").fact("in_view") == 0.0
