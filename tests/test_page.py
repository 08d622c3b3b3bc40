"""The page of a run holds everything and asks no network."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from small_runs import small_environment, small_log

from sim.errors import SimError
from sim.report import write_report
from sim.report.markup import table, title_of
from sim.report.page import books_line
from sim.results import Results, load_results


class Reader(HTMLParser):
    """Tags in order, and whether each that opens is closed."""

    void = frozenset({"meta", "img", "link", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.links: list[str] = []
        self.rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.rows += tag == "tr"
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.void:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


@pytest.fixture(scope="module")
def results() -> Results:
    environment = small_environment()
    return Results(environment.scenario, environment, small_log())


@pytest.fixture(scope="module")
def page(results: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "run.html"
    return write_report(results, path).read_text(encoding="utf-8")


def test_page_is_well_formed_and_needs_no_network(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert reader.opened == []
    pictures = [link for link in reader.links if link.startswith("data:image/png;base64,")]
    assert len(pictures) >= 8
    assert all(link[0] == "#" or link.startswith("data:") for link in reader.links)
    assert "http" not in re.sub(r"<td[^>]*>[^<]*</td>", "", page)


def test_every_link_has_its_anchor(page: str) -> None:
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    wanted = re.findall(r'href="#([^"]+)"', page)
    assert len(wanted) >= 16
    assert set(wanted) <= set(anchors)
    assert set(re.findall(r'<figure id="([^"]+)"', page)) <= set(wanted)


def test_page_holds_the_sentence_the_books_and_every_lunar_day(page: str, results: Results) -> None:
    assert results.summary["vehicles"]["lander"]["sentence"] in page
    assert "All 15 balances of energy and data close" in page
    assert page.count("<td>2030-01-05 00:11</td>") == 1  # the wake of lunar day 1


def test_page_lists_what_is_assumed(page: str, results: Results) -> None:
    assumed = [
        path for path, text in results.scenario.sources.items() if text.startswith("assumed")
    ]
    assert assumed
    assert all(f">{path}</td>" in page for path in assumed)


def test_open_books_are_said() -> None:
    environment, log = small_environment(), small_log()
    log.uses[0] = log.uses[0]._replace(moved_bits=100_080)
    summary = Results(environment.scenario, environment, log).summary
    assert "The books do not close: lander: handed over" in books_line(summary)


def test_a_stored_run_gives_the_same_page(results: Results, page: str, tmp_path: Path) -> None:
    stored = load_results(results.write(tmp_path / "run"))
    again = write_report(stored, tmp_path / "again.html").read_text(encoding="utf-8")
    assert again == page


def test_titles_carry_units() -> None:
    assert title_of("awake_h") == "awake, h"
    assert title_of("wh_per_gb") == "Wh per GB"
    assert title_of("lowest_state_of_charge") == "lowest state of charge"


def test_cells_fit_what_they_hold() -> None:
    rows = [["a" * 40, 1234.5, 3, None], ["b", None, -2, "<i>"]]
    text = "".join(table(["words", "float", "whole", "mark"], rows))
    assert '<th scope="col">words</th><th scope="col" class="number">float</th>' in text
    assert '<td class="prose">b</td><td class="number"></td><td class="number">-2</td>' in text
    assert '<td class="number">1,234.500</td>' in text
    assert "<td>&lt;i&gt;</td>" in text


def test_other_names_are_refused(results: Results, tmp_path: Path) -> None:
    with pytest.raises(SimError, match=r"must end in \.html"):
        write_report(results, tmp_path / "run.pdf")
    with pytest.raises(SimError, match="is no folder"):
        write_report(results, tmp_path / "missing" / "run.html")
