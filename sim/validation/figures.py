"""Figures of the comparison, from verdicts and bulletins."""

from collections.abc import Sequence
from math import isfinite

from sim.clock import tai_seconds
from sim.report.agreement import Figure, agreement_figure, wakes_figure
from sim.validation.cases import Cases
from sim.validation.comparison import Verdict
from sim.validation.measures.wakes import bulletins, wake_time
from sim.validation.published import COUNTED

_NOTHING = 1e-9  # a tolerance of zero is taken as this share of the published value


def verdict_figure(verdicts: Sequence[Verdict]) -> Figure:
    """Difference over tolerance of the rows that count, where the tolerance has two sides."""
    shown = [
        v
        for v in verdicts
        if v.published.kind in COUNTED and v.published.rule == "within" and isfinite(v.difference)
    ]
    return agreement_figure(
        [f"{v.published.scenario}: {v.published.quantity}" for v in shown],
        [v.difference / (v.published.tolerance or _NOTHING) for v in shown],
        [v.published.kind for v in shown],
        [v.passes for v in shown],
    )


def bulletin_figure(cases: Cases) -> Figure:
    """Simulated less announced wakes of both vehicles."""
    vehicles = ("lander", "rover")
    mine = [[b for b in bulletins() if (b.event, b.vehicle) == ("wake", v)] for v in vehicles]
    late = [
        [(wake_time(cases, b.vehicle, str(b.lunar_day)) - tai_seconds(b.utc)) / 3600.0 for b in row]
        for row in mine
    ]
    return wakes_figure(
        vehicles,
        [[b.lunar_day for b in row] for row in mine],
        late,
        [[b.use == "calibration" for b in row] for row in mine],
    )
