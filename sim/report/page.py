"""One HTML page with everything about a run: opens in any browser, needs no network."""

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
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
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem auto; max-width: 70rem;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.lead { font-size: 1.1rem; } .quiet { color: #667; }
.open { color: #fff; background: #b00020; padding: .2rem .6rem; }
figure { margin: 1.4rem 0; } figure img { max-width: 100%; height: auto; }
figcaption { color: #556; font-size: .9rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .82rem; }
th, td { padding: .18rem .55rem; text-align: left; white-space: nowrap; }
th { border-bottom: 1px solid #889; vertical-align: bottom; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
tbody tr:nth-child(even) { background: #f3f5f8; }
"""


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
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{title}</h1>"
    yield f'<p class="quiet">{escape(summary["name"])}: {summary["start_utc"]} to '
    yield f"{summary['stop_utc']}, lunar days {summary['lunar_days'][0]} to "
    yield f"{summary['lunar_days'][-1]}</p>"
    for vehicle in summary["vehicles"].values():
        yield f'<p class="lead">{escape(vehicle["sentence"])}.</p>'
    yield books_line(summary)
    yield "<h2>Lunar days</h2>"
    yield from _lunar_days(results.lunar_days)
    yield from _figures(results)
    yield "<h2>What the causes mean</h2>"
    yield from _table(["cause", "meaning"], [[n.replace("_", " "), m] for n, m in CAUSES.items()])
    yield "<h2>Vehicles</h2>"
    yield from _vehicles(summary["vehicles"])
    yield "<h2>Data products</h2>"
    yield from _products(summary["vehicles"])
    yield "<h2>Links</h2>"
    yield from _table(
        ["link", "moved, GB", "lost, GB", "used, h", "lowest margin, dB"],
        [
            [name, link["moved_gb"], link["lost_gb"], link["used_h"], link["lowest_margin_db"]]
            for name, link in summary["links"].items()
        ],
    )
    yield "<h2>What the links ask of their terminals</h2>"
    yield "<p>What each rate needs to close for 99 % of the time in view, with the other end as it "
    yield "is; which of the terminals' values are assumed stands below.</p>"
    yield from _table(link_needs.HEADER, link_needs.link_needs_rows(results.scenario))
    yield from _sources(results)
    yield f'<p class="quiet">Made by farside {__version__}.</p></body></html>'


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
    yield from _table([name.replace("_", " ") for name in _SHOWN], rows)


def _rounded(value: Any, column: Column) -> Any:
    """Enough digits for the eye; the files have all of them."""
    if isinstance(value, float):
        return f"{value:.2f}" if column.decimals > 2 else f"{value:.{column.decimals}f}"
    return value.replace("_", " ") if isinstance(value, str) else value


def _vehicles(vehicles: dict[str, dict[str, Any]]) -> Iterator[str]:
    names = [
        key
        for key, value in next(iter(vehicles.values())).items()
        if not isinstance(value, dict) and key != "sentence"
    ]
    rows = [[name, *(vehicle[name] for vehicle in vehicles.values())] for name in names]
    latencies: dict[str, float] = max((v["latency_s"] for v in vehicles.values()), key=len)
    rows += [
        [f"latency {key}, s", *(v["latency_s"].get(key) for v in vehicles.values())]
        for key in latencies
    ]
    yield from _table(["", *vehicles], rows)


def _products(vehicles: dict[str, dict[str, Any]]) -> Iterator[str]:
    """What arrived of each activity's data, and when the last of it."""
    header = [
        "vehicle",
        "product",
        "received, GB",
        "last arrival",
        "median latency, s",
        "latest, s",
    ]
    rows = [
        [
            *(vehicle, name.replace("_", " "), product["delivered_gb"]),
            product["last_arrival_utc"],
            *(product["latency_s"][key] for key in ("p50", "p100")),
        ]
        for vehicle, facts in vehicles.items()
        for name, product in facts["products"].items()
    ]
    yield from _table(header, rows)


def _figures(results: Results) -> Iterator[str]:
    drawings = figures_of(results)
    for name, caption in _CAPTIONS.items():
        figure = drawings[name]()
        if figure is not None:
            yield f'<figure><img alt="{escape(caption)}" src="{_inline(figure)}">'
            yield f"<figcaption>{escape(caption)}</figcaption></figure>"


def _inline(figure: Figure) -> str:
    buffer = io.BytesIO()
    save_figure(figure, buffer)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _sources(results: Results) -> Iterator[str]:
    sources = results.scenario.sources
    assumed = {path: text for path, text in sources.items() if text.startswith("assumed")}
    known = {path: text for path, text in sources.items() if path not in assumed}
    for heading, group in (("What is assumed", assumed), ("Where the numbers come from", known)):
        if group:
            yield f"<h2>{heading}</h2>"
            yield from _table(["input", "source"], sorted(group.items()))
    yield "<h2>Files that went in</h2>"
    yield from _table(["file", "SHA-256"], sorted(results.inputs.items()))


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield '<div class="wide"><table><thead><tr>'
    yield "".join(f"<th>{escape(name)}</th>" for name in header) + "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(_cell(value) for value in row) + "</tr>"
    yield "</tbody></table></div>"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        text = escape("" if value is None else str(value))
        is_number = isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit()
        return f'<td class="number">{text}</td>' if is_number else f"<td>{text}</td>"
    return f'<td class="number">{f"{value:,.3f}" if isinstance(value, float) else value}</td>'
