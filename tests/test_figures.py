"""Figures show what the tables say, and their files are the same each time."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from small_runs import small_environment, small_log

from sim.errors import ResultsError
from sim.report.figures import data_figure, figures_of, lines_of, node_limits, write_figures
from sim.report.schedule import Sky, timeline_figure, windows_figure
from sim.report.style import Span, new_figure, save_figure
from sim.results import Results, load_results

DAY_S = 86400.0


@pytest.fixture(scope="module")
def results() -> Results:
    environment = small_environment()
    return Results(environment.scenario, environment, small_log())


@pytest.fixture(scope="module")
def figures(results: Results) -> dict[str, Figure]:
    drawn = {name: draw() for name, draw in figures_of(results).items()}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def test_every_panel_has_a_unit(figures: dict[str, Figure]) -> None:
    for name in ("power_budget", "state_of_charge", "energy", "links", "data", "lunar_days", "sun"):
        for axis in figures[name].axes:
            assert axis.get_ylabel().rpartition(", ")[2] in {
                "W",
                "%",
                "kWh",
                "kbit/s",
                "dB",
                "GB",
                "deg",
            }


def test_no_temperatures_without_nodes(results: Results, figures: dict[str, Figure]) -> None:
    assert "temperatures" not in figures
    assert node_limits(results) == {}


def test_delivered_line_ends_at_what_was_delivered(results: Results) -> None:
    span = Span(results.clock, results.duration_s, results.lunar_days)
    figure = data_figure(lines_of(results.series()), span, ["lander"])
    line = figure.axes[1].get_lines()[0]
    assert np.asarray(line.get_ydata())[-1] == pytest.approx(300_000 / 8e9)
    assert np.asarray(line.get_xdata())[-1] < results.duration_s / DAY_S


def test_timeline_has_the_modes_as_bars(results: Results) -> None:
    span = Span(results.clock, results.duration_s, results.lunar_days)
    figure = timeline_figure(results.events, results.passes, span, ["lander"])
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["lander: mode", "lander_return: queqiao", "relay_return: kashi"]
    modes = figure.axes[0].collections[0].get_paths()
    edges = [
        (path.vertices[:, 0].min() * DAY_S, path.vertices[:, 0].max() * DAY_S) for path in modes
    ]
    assert np.allclose(edges, [(0, 400), (400, 700), (700, 2000)])


def test_waterfall_bars_add_up(figures: dict[str, Figure]) -> None:
    bars = figures["waterfall"].axes[0].patches
    widths = [bar.get_width() for bar in bars]  # type: ignore[attr-defined]
    assert widths[0] == pytest.approx(sum(widths[1:]))


def test_windows_and_sky(results: Results) -> None:
    span = Span(results.clock, results.duration_s, results.lunar_days)
    hills = ([0.0, 180.0, 360.0], [5.0, 10.0, 5.0])
    skies = {"crater": Sky(hills, {"sun": ([90.0, 180.0], [-1.0, 45.0])})}
    sky, bars = windows_figure(results.windows, span, skies).axes
    if sky.name != "polar":
        sky, bars = bars, sky
    assert len(bars.collections) >= 4
    radius = np.asarray(sky.get_lines()[0].get_ydata())
    assert np.isnan(radius[0])  # below the horizon
    assert radius[1] == pytest.approx(45.0)
    (shade,) = sky.collections
    assert shade.get_paths()[0].vertices[:, 1].min() == pytest.approx(
        80.0
    )  # to 10 deg in the south
    assert len(windows_figure(results.windows, span).axes) == 1


def test_figures_of_a_stored_run_are_the_same(results: Results, tmp_path: Path) -> None:
    folder = results.write(tmp_path / "run", figures=write_figures)
    again = write_figures(load_results(folder), tmp_path / "again")
    assert len(again) == len(list((folder / "figures").iterdir())) >= 8
    for path in again:
        assert path.read_bytes() == (folder / "figures" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_same_bytes_in_every_format(suffix: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        figure, axes = new_figure(1, "title")
        axes[0].plot([0, 1], [0, 1])
        save_figure(figure, tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_other_formats_are_refused(tmp_path: Path) -> None:
    figure, _ = new_figure(1, "title")
    with pytest.raises(ResultsError, match="must end in"):
        save_figure(figure, tmp_path / "figure.docx")
    with pytest.raises(ResultsError, match="cannot be written"):
        save_figure(figure, tmp_path / "missing" / "figure.png")
