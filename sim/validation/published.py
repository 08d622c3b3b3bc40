"""The published figures, as rows of a table that comes with the package."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sim.errors import SimError

Kind = Literal["input", "calibration", "identity", "cross-check", "prediction"]
KINDS: tuple[str, ...] = get_args(Kind)
"""Input: given to the scenario. Calibration: a knob was set by it. Identity: true by arithmetic.
Cross-check: another code. Prediction: observed in flight, and no knob was set by it."""

COUNTED: tuple[str, ...] = ("cross-check", "prediction")
"""Kinds that say something about the simulation."""

RULES = ("within", "at_least", "at_most")
TABLE = Path(__file__).parent / "data" / "published.csv"
NO_SCENARIO = "models"
"""What stands for the scenario where single models are looked at."""


@dataclass(frozen=True, slots=True)
class Published:
    """One row: a published value and the function that computes the same from a simulation."""

    scenario: str
    quantity: str
    kind: str
    value: str
    """A number, a time in UTC, or a date in Beijing where the unit says so."""
    unit: str
    """`utc` for times, `beijing_day` for dates: their difference is in hours."""
    rule: str
    """Whether the simulated value lies `within` the tolerance, or is `at_least` or `at_most` it."""
    tolerance: float
    measure: str
    """A function of `sim.validation.measures`."""
    arguments: tuple[str, ...]
    source: str


def published_rows(scenarios: Sequence[str] = ()) -> list[Published]:
    """The rows of the named scenarios, all if none is named; `models` are those of no scenario.

    Raises `SimError` for a name without rows.
    """
    rows = read_rows(TABLE)
    known = list(dict.fromkeys(row.scenario for row in rows))
    for name in scenarios:
        if name not in known:
            raise SimError(
                f"nothing published is compared for '{name}'; there is {', '.join(known)}"
            )
    return [row for row in rows if not scenarios or row.scenario in scenarios]


def read_rows(path: Path) -> list[Published]:
    """The rows of a table; raises `SimError` where one is not whole."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [_row(entry, number) for number, entry in enumerate(csv.DictReader(stream), 2)]


def _row(entry: dict[str, str], number: int) -> Published:
    if entry["kind"] not in KINDS or entry["rule"] not in RULES:
        raise SimError(
            f"published.csv:{number}: kind '{entry['kind']}' or rule '{entry['rule']}' is unknown; "
            f"kinds are {', '.join(KINDS)}, rules {', '.join(RULES)}"
        )
    if not entry["source"]:
        raise SimError(f"published.csv:{number}: '{entry['quantity']}' has no source")
    return Published(
        scenario=entry["scenario"],
        quantity=entry["quantity"],
        kind=entry["kind"],
        value=entry["value"],
        unit=entry["unit"],
        rule=entry["rule"],
        tolerance=float(entry["tolerance"]),
        measure=entry["measure"],
        arguments=tuple(part for part in entry["arguments"].split(";") if part),
        source=entry["source"],
    )
