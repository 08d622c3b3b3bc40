"""One HTML page with everything about a run: opens in any browser, needs no network."""

import base64
import io
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from sim import __version__
from sim.cache import replace_file
from sim.errors import ResultsError
from sim.report import link_needs
from sim.report.figures import figures_of
from sim.report.markup import STYLE, anchor_of, folded, heading, link_to, table, title_of
from sim.report.style import save_figure
from sim.results import Results
from sim.results.attribution import CAUSES
from sim.results.schemas import LUNAR_DAYS, Column

_CAPTIONS = {
    "lunar_days": "Data of each lunar day: what was made and received, and what the first hop could "
    "have carried.",
    "waterfall": "From the best rate all the time down to what was carried; every second and bit "
    "belongs to the first true cause of the list below.",
    "timeline": "Modes and activities of the vehicles, contacts of the links and their use.",
    "data": "Data in each recorder, and what had reached the Earth by then.",
    "links": "Rate in use on each link, and the margin that it had before any reserve.",
    "power_budget": "What the arrays could give, and what was switched on.",
    "loads": "One lunar day in detail: the loads by part under what the arrays could give.",
    "state_of_charge": "State of charge of the batteries.",
    "energy": "Where the energy of each lunar day went.",
    "temperatures": "Temperatures of the thermal nodes, and their limits.",
    "sun": "Elevation of the Sun's centre over the smooth horizon.",
}
"""What each figure shows, in the order of the page."""
_SHOWN = (
    *("lunar_day", "asset", "wake_utc", "sleep_utc", "awake_h", "contact_h", "capacity_gb"),
    *("produced_gb", "delivered_gb", "used_wh", "lowest_state_of_charge", "night_margin_wh"),
    *("largest_loss", "limited_by"),
)


def write_report(results: Results, path: str | Path) -> Path:
    """Write the page of a run, figures inside; returns the file.

    Raises `SimError` where it cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ResultsError(f"{path.parent} is no folder; name another place for the page")
    if path.suffix.lower() not in (".html", ".htm"):
        raise ResultsError(f"{path} is no page; its name must end in .html")
    replace_file(path, "".join(f"{line}\n" for line in _lines(results)).encode())
    return path


def _lines(results: Results) -> Iterator[str]:
    summary = results.summary
    title = escape(summary["title"] or summary["name"])
    figures = dict(_figures(results))
    sections = _sections(results, figures)
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<link rel="icon" href="data:,">'  # else browsers ask for one
    yield f"<style>{STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f'<p class="quiet">{escape(summary["name"])}: {summary["start_utc"]} to '
    yield f"{summary['stop_utc']}, lunar days {summary['lunar_days'][0]} to "
    yield f"{summary['lunar_days'][-1]}</p>"
    for vehicle in summary["vehicles"].values():
        yield f'<p class="lead">{escape(vehicle["sentence"])}.</p>'
    yield books_line(summary)
    yield "<nav>" + " ".join(link_to(name) for name in sections)
    yield "<br>Figures: " + " ".join(
        link_to(name.replace("_", " "), f"figure {name}") for name in figures
    )
    yield "</nav>"
    for name, lines in sections.items():
        yield heading(name)
        yield from lines
    yield f'<p class="quiet">Made by farside {__version__}.</p></body></html>'


def _sections(results: Results, figures: dict[str, str]) -> dict[str, Iterable[str]]:
    """What stands under each heading, in the order of the page."""
    vehicles = results.summary["vehicles"]
    causes = [[name.replace("_", " "), meaning] for name, meaning in CAUSES.items()]
    return {
        "Lunar days": _lunar_days(results.lunar_days),
        "Figures": figures.values(),
        "What the causes mean": table(["cause", "meaning"], causes),
        "Vehicles": _vehicles(vehicles),
        "Data products": _products(vehicles),
        "Links": _links(results.summary["links"]),
        "What the links ask of their terminals": _needs(results),
        **_sources(results),
    }


def books_line(summary: dict[str, Any]) -> str:
    """Whether all balances close, and which do not."""
    if summary["books"] == "closed":
        count = summary["balances_checked"]
        return f'<p class="quiet">All {count} balances of energy and data close.</p>'
    names = escape("; ".join(summary["open_books"]))
    return f'<p class="open">The books do not close: {names}</p>'


def _lunar_days(days: pl.DataFrame) -> Iterator[str]:
    columns = {column.name: column for column in LUNAR_DAYS}
    rows = [
        [_rounded(row[name], columns[name]) for name in _SHOWN] for row in days.rows(named=True)
    ]
    yield from table([title_of(name) for name in _SHOWN], rows)


def _rounded(value: Any, column: Column) -> Any:
    """Enough digits for the eye; the files have all of them."""
    if isinstance(value, float):
        return f"{value:,.{min(column.decimals, 2)}f}"
    return value.replace("_", " ") if isinstance(value, str) else value


def _vehicles(vehicles: dict[str, dict[str, Any]]) -> Iterator[str]:
    names = [
        key
        for key, value in next(iter(vehicles.values())).items()
        if not isinstance(value, dict) and key != "sentence"
    ]
    rows = [[title_of(name), *(vehicle[name] for vehicle in vehicles.values())] for name in names]
    latencies: dict[str, float] = max((v["latency_s"] for v in vehicles.values()), key=len)
    rows += [
        [f"latency {key}, s", *(v["latency_s"].get(key) for v in vehicles.values())]
        for key in latencies
    ]
    yield from table(["", *vehicles], rows)


def _products(vehicles: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What came of each activity's data: how much and how late, and what is still under way."""
    header = [
        *("vehicle", "product", "received, GB", "last arrival, UTC"),
        *("median latency, s", "latest, s", "under way, GB", "complete until, UTC"),
        *("deadline, h", "late, GB", "overdue, GB"),
    ]
    rows = [
        [vehicle, name.replace("_", " "), *_product(product)]
        for vehicle, facts in vehicles.items()
        for name, product in facts["products"].items()
    ]
    yield from table(header, rows)


def _product(facts: dict[str, Any]) -> Iterator[Any]:
    yield facts["delivered_gb"]
    yield facts["last_arrival_utc"]
    yield from (facts["latency_s"].get(key) for key in ("p50", "p100"))
    yield from (facts.get(key) for key in ("waiting_gb", "complete_until_utc", "deadline_h"))
    has_deadline = facts.get("deadline_h") is not None
    yield from (facts[key] if has_deadline else None for key in ("late_gb", "overdue_gb"))


def _links(links: dict[str, dict[str, Any]]) -> Iterator[str]:
    names = ("moved_gb", "lost_gb", "used_h", "lowest_margin_db")
    rows = [[link, *(facts[name] for name in names)] for link, facts in links.items()]
    yield from table(["link", *map(title_of, names)], rows)


def _needs(results: Results) -> Iterator[str]:
    yield "<p>What each rate needs to close for 99 % of the time in view, with the other end as it "
    yield "is; which of the terminals' values are assumed stands below.</p>"
    yield from table(link_needs.HEADER, link_needs.link_needs_rows(results.scenario))


def _figures(results: Results) -> Iterator[tuple[str, str]]:
    """Name and element of each figure of the run, in the order of the page."""
    drawings = figures_of(results)
    for name, caption in _CAPTIONS.items():
        figure = drawings[name]()
        if figure is not None:
            yield name, _element(name, caption, figure)


def _element(name: str, caption: str, figure: Figure) -> str:
    """The image has its size, so that nothing moves while a browser reads the page."""
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    words = escape(caption)
    return (
        f'<figure id="{anchor_of(f"figure {name}")}"><div class="wide">'
        f'<img alt="{words}" width="{width}" height="{height}" src="{_inline(figure)}"></div>'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _inline(figure: Figure) -> str:
    buffer = io.BytesIO()
    save_figure(figure, buffer)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _sources(results: Results) -> dict[str, Iterable[str]]:
    sources = results.scenario.sources
    assumed = {path: text for path, text in sources.items() if text.startswith("assumed")}
    known = {path: text for path, text in sources.items() if path not in assumed}
    sections: dict[str, Iterable[str]] = {}
    for title, group in (("What is assumed", assumed), ("Where the numbers come from", known)):
        if group:
            rows = table(["input", "source"], sorted(group.items()))
            sections[title] = folded(f"{len(group)} inputs", rows)
    files = table(["file", "SHA-256"], sorted(results.inputs.items()))
    return sections | {"Files that went in": files}
