"""Pieces of a page: its style, sections with anchors, tables whose cells fit what they hold."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --ink: #222; --quiet: #5a6070; --ground: #fff; --band: #f3f5f8;
  --line: #889; --link: #0060a0; }
@media (prefers-color-scheme: dark) { :root { --ink: #dde1e7; --quiet: #9aa3b2; --ground: #15181d;
  --band: #1e232b; --line: #5a6473; --link: #7cc4f5; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin-bottom: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin-top: 2.2rem; }
a { color: var(--link); } nav { margin: 1rem 0; line-height: 1.9; } nav a { margin-right: 1rem;
  display: inline-block; }
.lead { font-size: 1.1rem; } .quiet { color: var(--quiet); }
.open { color: #fff; background: #b00020; padding: .2rem .6rem; }
figure { margin: 1.4rem 0; } figure img { max-width: 100%; height: auto; background: #fff; }
figcaption { color: var(--quiet); font-size: .9rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .82rem; }
th, td { padding: .18rem .55rem; text-align: left; white-space: nowrap; vertical-align: top; }
th { border-bottom: 1px solid var(--line); vertical-align: bottom; white-space: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.prose { white-space: normal; overflow-wrap: anywhere; }
tbody tr:nth-child(even) { background: var(--band); }
summary { cursor: pointer; color: var(--link); }
@media (max-width: 50rem) { body { margin-top: 1rem; } figure img { max-width: none; width: 46rem; }
  nav a { margin-right: .7rem; } }
@media print { nav { display: none; } .wide { overflow: visible; } }
"""
"""Figures keep white paper under them in the dark, and their size on narrow screens."""

_UNITS = {
    "utc": "UTC",
    "gb": "GB",
    "wh": "Wh",
    "db": "dB",
    "h": "h",
    "s": "s",
    "m": "m",
    "kg": "kg",
}
_UTC = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?Z")
_NUMBER = re.compile(r"-?[\d,]*\.?\d+")
_LONG = 28  # letters; columns with longer texts may be broken


def title_of(name: str) -> str:
    """A column's name for the eye: `awake_h` is 'awake, h', `wh_per_gb` is 'Wh per GB'."""
    words = name.split("_")
    if "per" in words:
        return " ".join(_UNITS.get(word, word) for word in words)
    if len(words) > 1 and words[-1] in _UNITS:
        return f"{' '.join(words[:-1])}, {_UNITS[words[-1]]}"
    return " ".join(words)


def anchor_of(title: str) -> str:
    """The anchor of a title: its words in lower case, hyphens between them."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def link_to(title: str, name: str | None = None) -> str:
    """A link within the page."""
    return f'<a href="#{anchor_of(name or title)}">{escape(title)}</a>'


def heading(title: str) -> str:
    """The heading of a section, which links reach."""
    return f'<h2 id="{anchor_of(title)}">{escape(title)}</h2>'


def folded(words: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are shown when they are asked for."""
    yield f"<details><summary>{escape(words)}</summary>"
    yield from lines
    yield "</details>"


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A table that scrolls by itself where it is too wide; numbers to the right, as their heads."""
    shown = [[_text(value) for value in row] for row in rows]
    kinds = [_kind([row[index] for row in shown]) for index in range(len(header))]
    yield '<div class="wide"><table><thead><tr>'
    for name, kind in zip(header, kinds, strict=True):
        yield f'<th scope="col"{_class(kind if kind == "number" else "")}>{escape(name)}</th>'
    yield "</tr></thead><tbody>"
    for row in shown:
        cells = (
            f"<td{_class('number' if _NUMBER.fullmatch(text) else kind)}>{escape(text)}</td>"
            for text, kind in zip(row, kinds, strict=True)
        )
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _kind(column: Sequence[str]) -> str:
    """Of a column: numbers and nothing else, prose whose lines may be broken, or neither."""
    texts = [text for text in column if text]
    if texts and all(map(_NUMBER.fullmatch, texts)):
        return "number"
    return "prose" if any(len(text) > _LONG for text in texts) else ""


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _text(value: Any) -> str:
    """A value as it is read: floats to three decimals, instants to the minute, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3f}"
    text = str(value)
    instant = _UTC.fullmatch(text)
    return f"{instant[1]} {instant[2]}" if instant else text
