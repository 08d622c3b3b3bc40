"""Published against simulated: the difference, and whether it is within the tolerance."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan

from sim.clock import tai_seconds, utc_label
from sim.validation.cases import Cases
from sim.validation.measures import MEASURES
from sim.validation.published import Published

Progress = Callable[[str, float], None]
_HOUR_S = 3600.0
_BEIJING_S = 8 * 3600  # ahead of UTC, all year
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row with what was simulated."""

    published: Published
    simulated: str
    difference: float
    """Simulated less published, in the row's unit; hours for times. NaN where it did not happen."""
    passes: bool

    @property
    def difference_unit(self) -> str:
        """Unit of difference and tolerance."""
        return "h" if self.published.unit in ("utc", "beijing_day") else self.published.unit


def compare(
    rows: Sequence[Published],
    *,
    cases: Cases | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> list[Verdict]:
    """A verdict for each row; scenarios are run as they are needed, each once, and kept in `cases`."""
    cases = cases or Cases(cache)
    verdicts = []
    for index, row in enumerate(rows):
        if progress is not None:
            progress(row.scenario, index / len(rows))
        verdicts.append(judged(row, MEASURES[row.measure](cases, *row.arguments)))
    return verdicts


def judged(row: Published, simulated: float) -> Verdict:
    """The verdict on a simulated value; times are TAI seconds as of `sim.clock`."""
    if isnan(simulated):
        return Verdict(row, "none", simulated, False)
    difference = _difference(row, simulated)
    passes = {
        "within": abs(difference) <= row.tolerance,
        "at_least": difference >= -row.tolerance,
        "at_most": difference <= row.tolerance,
    }[row.rule]
    is_time = row.unit in ("utc", "beijing_day")
    return Verdict(row, utc_label(simulated) if is_time else f"{simulated:.6g}", difference, passes)


def _difference(row: Published, simulated: float) -> float:
    if row.unit == "utc":
        return (simulated - tai_seconds(row.value)) / _HOUR_S
    if row.unit == "beijing_day":
        begin_s = tai_seconds(f"{row.value}T00:00:00Z") - _BEIJING_S
        late_s = max(simulated - begin_s - _DAY_S, 0.0)
        return (late_s - max(begin_s - simulated, 0.0)) / _HOUR_S
    return simulated - float(row.value)


def counted(verdicts: Iterable[Verdict]) -> dict[str, tuple[int, int]]:
    """Rows and passed rows by kind, in the order in which the kinds come."""
    counts: dict[str, tuple[int, int]] = {}
    for verdict in verdicts:
        rows, passed = counts.get(verdict.published.kind, (0, 0))
        counts[verdict.published.kind] = rows + 1, passed + verdict.passes
    return counts
