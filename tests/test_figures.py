"""Figures show what the tables say, and their files are the same each time."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from small_runs import small_environment, small_log

from sim.errors import ResultsError, SimError
from sim.report.figures import (
    data_figure,
    figures_of,
    lines_of,
    node_limits,
    sun_figure,
    write_figures,
)
from sim.report.layout import place_panels
from sim.report.schedule import Sky, timeline_figure, windows_figure
from sim.report.style import Span, legend, new_figure, save_figure
from sim.results import Results, load_results
from sim.results.schemas import WINDOW_KINDS

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


def _bars(axis: Axes) -> list[list[tuple[float, float]]]:
    """Left and right ends of the bars of each collection of rectangles."""
    return [
        [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in found.get_paths()]
        for found in axis.collections
        if isinstance(found, PolyCollection)
    ]


def test_waterfall_bars_add_up(figures: dict[str, Figure], results: Results) -> None:
    hops = _bars(figures["waterfall"].axes[0])
    assert len(hops) == results.waterfall.n_unique(["asset", "hop", "link"]) == 2
    for bars in hops:
        widths = [right - left for left, right in bars]
        assert widths[0] == pytest.approx(100.0) == sum(widths[1:])
        for (left, _), (_, right) in itertools.pairwise(bars[1:-1]):
            assert left == pytest.approx(right)  # each begins where the one above has come to


def test_waterfall_names_gigabytes(figures: dict[str, Figure], results: Results) -> None:
    words = [text.get_text() for text in figures["waterfall"].axes[0].texts]
    ideal = results.waterfall.filter(pl.col("step") == "ideal", pl.col("hop") == 1)["bits"].sum()
    assert f"{ideal / 8e9:,.2f} GB  100.0 %" in words
    assert "lander, hop 1: lander_return" in words


def test_nothing_is_cut_off_and_no_panel_covers_another(figures: dict[str, Figure]) -> None:
    for name, figure in figures.items():
        place_panels(figure)
        boxes = [axis.get_tightbbox() for axis in figure.axes]
        for box in boxes:
            assert box is not None, name
            assert -1.0 <= box.x0 < box.x1 <= figure.bbox.width + 1.0, name
            assert -1.0 <= box.y0 < box.y1 <= figure.bbox.height + 1.0, name
        for first, second in itertools.combinations(figure.axes, 2):
            if first.get_subplotspec() != second.get_subplotspec():
                upper, lower = (axis.get_tightbbox() for axis in (first, second))
                assert upper is not None
                assert lower is not None
                assert upper.y0 > lower.y1 - 1.0 or lower.y0 > upper.y1 - 1.0, name
        assert all(axis.bbox.height > 40.0 for axis in figure.axes), name


def test_long_names_find_room() -> None:
    figure, axes = new_figure(2, "title", height=[1.0, 3.0])
    axes[0].set_yticks([0, 1], ["a vehicle with quite a long name indeed", "b"])
    axes[1].plot([0, 1], [0, 1], label="a line")
    legend(axes[1])
    place_panels(figure)
    assert axes[0].get_tightbbox().x0 >= 0.0
    assert axes[0].bbox.x0 == axes[1].bbox.x0
    assert axes[1].bbox.height == pytest.approx(3.0 * axes[0].bbox.height)


def test_vehicles_at_one_place_share_the_line_of_the_sun(results: Results) -> None:
    span = Span(results.clock, results.duration_s, results.lunar_days)
    lines = dict(lines_of(results.series()))
    t_s, elevation = lines["lander", "sun_elevation_deg", ""]
    lines["rover", "sun_elevation_deg", ""] = (t_s, elevation)
    lines["hopper", "sun_elevation_deg", ""] = (t_s, elevation + 1.0)
    figure = sun_figure(lines, span, ["lander", "rover", "hopper"])
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["lander, rover", "hopper"]


def test_rates_are_drawn_where_they_change(figures: dict[str, Figure], results: Results) -> None:
    drawn = figures["links"].axes[0].patches[0]
    assert isinstance(drawn, StepPatch)
    steps = drawn.get_data()
    rates = lines_of(results.series())["lander", "rate_bps", "lander_return"][1]
    assert len(steps.values) == 1 + np.count_nonzero(np.diff(rates))
    assert steps.values.max() == pytest.approx(rates.max() / 1e3)
    assert steps.edges[-1] < results.duration_s / DAY_S


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


def test_every_kind_of_window_has_a_colour_of_its_own(results: Results) -> None:
    span = Span(results.clock, results.duration_s, results.lunar_days)
    rows = [results.windows.head(1).with_columns(kind=pl.lit(kind)) for kind in WINDOW_KINDS]
    (bars,) = windows_figure(pl.concat(rows), span).axes
    legend = bars.get_legend()
    assert legend is not None
    assert sorted(text.get_text() for text in legend.get_texts()) == sorted(WINDOW_KINDS)
    assert len({handle.get_facecolor() for handle in legend.get_patches()}) == len(WINDOW_KINDS)


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
    with pytest.raises(SimError, match="cannot be written"):
        save_figure(figure, tmp_path / "missing" / "figure.png")
