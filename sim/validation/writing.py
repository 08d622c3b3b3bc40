"""The comparison as a table of text: Markdown for readers, CSV for programs."""

import csv
import io
from collections.abc import Sequence

from sim.validation.comparison import Verdict, counted
from sim.validation.published import COUNTED, KINDS
from sim.validation.spread import Spread

COLUMNS = (
    *("scenario", "quantity", "kind", "published", "simulated", "unit"),
    *("difference", "tolerance", "difference_unit", "verdict", "source"),
)
_SIGNS = {"within": "±", "at_least": "≥, less ", "at_most": "≤, plus "}


def table_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """A row of texts for each verdict, by `COLUMNS`."""
    return [
        (
            v.published.scenario,
            v.published.quantity,
            v.published.kind,
            v.published.value,
            v.simulated,
            v.published.unit,
            f"{v.difference:+.4g}",
            f"{_SIGNS[v.published.rule]}{v.published.tolerance:g}",
            v.difference_unit,
            "pass" if v.passes else "FAIL",
            v.published.source,
        )
        for v in verdicts
    ]


def csv_text(verdicts: Sequence[Verdict]) -> str:
    """All rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *table_rows(verdicts)])
    return text.getvalue()


def count_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """The counts per kind, then the one that matters."""
    counts = counted(verdicts)
    lines = [
        f"{kind}: {counts[kind][1]} of {counts[kind][0]} pass" for kind in KINDS if kind in counts
    ]
    rows = sum(counts.get(kind, (0, 0))[0] for kind in COUNTED)
    passed = sum(counts.get(kind, (0, 0))[1] for kind in COUNTED)
    return [*lines, f"counted (cross-checks and predictions): {passed} of {rows} pass"]


def markdown_text(verdicts: Sequence[Verdict], spreads: Sequence[Spread] = ()) -> str:
    """All rows by scenario, the counts and the spreads, as a page."""
    lines = ["# Published against simulated", ""]
    lines += ["Made by `scripts/results`; `farside validate` prints the same. How each value is"]
    lines += ["computed, and what the failures mean: `docs/validation.md`.", ""]
    lines += [*(f"- {line}" for line in count_lines(verdicts))]
    shown = [name for name in COLUMNS if name not in ("scenario", "difference_unit")]
    for scenario in dict.fromkeys(v.published.scenario for v in verdicts):
        lines += ["", f"## {scenario}", "", _line(shown), _line(["---"] * len(shown))]
        mine = [v for v in verdicts if v.published.scenario == scenario]
        for row in table_rows(mine):
            named = dict(zip(COLUMNS, row, strict=True))
            lines.append(_line([named[name].replace("|", "/") for name in shown]))
    if spreads:
        lines += ["", "## Spread over unpublished phases", ""]
        lines += [spread.sentence for spread in spreads]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
