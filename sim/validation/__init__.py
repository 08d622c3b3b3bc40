"""Published figures beside simulated ones: what the project claims, row by row."""

from sim.validation.comparison import Verdict, compare, counted
from sim.validation.published import KINDS, Published, published_rows
from sim.validation.spread import Spread, phase_spread
from sim.validation.writing import csv_text, markdown_text

__all__ = [
    "KINDS",
    "Published",
    "Spread",
    "Verdict",
    "compare",
    "counted",
    "csv_text",
    "markdown_text",
    "phase_spread",
    "published_rows",
]
