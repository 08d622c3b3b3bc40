"""The page of a run in a real browser: nothing is missing, asked for or cut off, and all is legible."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Tab, browser_path, opened_browser

from sim import load_results, load_scenario
from sim.report import write_report
from sim.running import run_and_write

SCENARIOS = Path(__file__).parents[1] / "scenarios"
PHONE_PX, SCREEN_PX = 400, 1400
VIEWS = [(width, scheme) for width in (PHONE_PX, SCREEN_PX) for scheme in ("light", "dark")]
LEAST_CONTRAST = 4.5
"""Of small text on its ground: WCAG 2.2, success criterion 1.4.3, level AA."""
LEAST_LETTERS_PX = 12.0

UNFOLD = "document.querySelectorAll('details').forEach(folded => { folded.open = true })"
SIZES = "({page: document.documentElement.scrollWidth, view: window.innerWidth})"
PICTURES = """Promise.all([...document.images].map(picture => picture.decode().then(() => ({
  alt: picture.alt, natural: picture.naturalWidth / picture.naturalHeight,
  shown: picture.clientWidth / picture.clientHeight, width: picture.clientWidth }))))"""
TABLES = """[...document.querySelectorAll('table')].map(table => ({
  heads: table.tHead.rows[0].cells.length, rows: table.tBodies[0].rows.length,
  cells: [...table.tBodies[0].rows].map(row => row.cells.length),
  inside: table.parentElement.clientWidth <= document.body.clientWidth }))"""
TEXTS = """(() => {
  const ground = element => { for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!colour.startsWith('rgba(0, 0, 0, 0')) return colour; } return 'rgb(255, 255, 255)' };
  return [...document.querySelectorAll('h1, h2, p, a, th, td, figcaption, summary')].map(e => ({
    what: e.tagName + '.' + e.className, ink: getComputedStyle(e).color, ground: ground(e),
    size: parseFloat(getComputedStyle(e).fontSize) })) })()"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium is installed; on Debian: apt-get install chromium")
    with opened_browser(path, tmp_path_factory.mktemp("browser") / "profile") as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tab: Tab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three days of the smallest scenario; only made where there is a browser."""
    folder = tmp_path_factory.mktemp("runs") / "short"
    scenario = load_scenario(SCENARIOS / "minimal.yaml", ["span={duration_h: 72}"])
    run_and_write(scenario, folder, figures=False)
    return write_report(load_results(folder), folder / "report.html")


def _luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`: WCAG 2.2, definitions."""
    parts = [float(part) / 255.0 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(text: dict[str, Any]) -> float:
    dark, light = sorted((_luminance(text["ink"]), _luminance(text["ground"])))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("width_px", "scheme"), VIEWS)
def test_page_is_whole_and_legible(tab: Tab, page: Path, width_px: int, scheme: str) -> None:
    tab.open(page, width_px, scheme=scheme)
    tab.value(UNFOLD)
    pictures = tab.value(PICTURES)
    assert len(pictures) >= 8
    for picture in pictures:
        assert picture["alt"]
        assert picture["shown"] == pytest.approx(picture["natural"], rel=0.01)
        assert picture["width"] >= 700  # smaller, their letters of 7 points would be lost
    sizes = tab.value(SIZES)
    assert sizes["view"] == width_px
    assert sizes["page"] <= width_px  # what is wider scrolls by itself
    for text in tab.value(TEXTS):
        assert _contrast(text) >= LEAST_CONTRAST, text
        assert text["size"] >= LEAST_LETTERS_PX, text
    assert tab.complaints == []
    assert tab.requests == [page.as_uri()]


def test_tables_are_complete(tab: Tab, page: Path) -> None:
    tab.open(page, PHONE_PX)
    tables = tab.value(TABLES)
    assert len(tables) >= 8
    for table in tables:
        assert table["rows"] > 0
        assert set(table["cells"]) == {table["heads"]}
        assert table["inside"]


def test_the_table_of_lunar_days_fits_a_screen(tab: Tab, page: Path) -> None:
    tab.open(page, SCREEN_PX)
    assert tab.value("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('.wide'))")


def test_every_link_leads_to_its_place(tab: Tab, page: Path) -> None:
    tab.open(page, SCREEN_PX)
    count = tab.value("document.querySelectorAll('nav a').length")
    assert count >= 16
    for index in range(count):
        tab.value(f"document.querySelectorAll('nav a')[{index}].click()")
        place = tab.value(
            "(e => ({ top: e.getBoundingClientRect().top, height: window.innerHeight }))"
            "(document.getElementById(location.hash.slice(1)))"
        )
        assert -1.0 <= place["top"] < place["height"], index


def test_the_watch_sees_what_is_wrong(tab: Tab, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><link rel='icon' href='data:,'><body style='width: 900px'>"
        "<img src='missing.png'><script>nothing.at.all()</script>"
    )
    tab.open(bad, PHONE_PX)
    assert len(tab.complaints) == 2
    assert tab.requests == [bad.as_uri(), (tmp_path / "missing.png").as_uri()]
    assert tab.value(SIZES)["page"] > PHONE_PX
    assert tab.value("document.images[0].naturalWidth") == 0
