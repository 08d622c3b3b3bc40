"""What the links that leave a vehicle could carry in their contacts, and for how long they did."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.environment import Environment
from sim.operations.runlog import RunLog
from sim.results.timeline import (
    Attitudes,
    DayBooks,
    ModeSpan,
    Steps,
    Whole,
    closing_rate,
    gigabytes,
    return_links,
    transmits,
    uses_of,
)

_HOUR_S = 3600.0


class FirstHop:
    """What the links that leave a vehicle could carry, and did, as functions of time."""

    def __init__(
        self, environment: Environment, log: RunLog, vehicle: str, spans: Sequence[ModeSpan]
    ) -> None:
        self._attitudes = Attitudes.of(log, vehicle)
        self._may = Steps.of(
            (span.start_s, int(transmits(environment, vehicle, span.mode))) for span in spans
        )
        links = return_links(environment, vehicle)
        self._rates = [
            [
                [closing_rate(hop, name) for hop in environment.hops_of(link)]
                for name in self._attitudes.names
            ]
            for link in links
        ]
        self._uses = [
            (u.start_s, u.stop_s) for link in links for u in uses_of(environment, log, link)
        ]
        self._edges = self._all_edges(environment)
        self._values = self._evaluated()

    def columns(self, book: DayBooks) -> dict[str, object]:
        """Capacity, contact and use in one lunar day."""
        start, stop = self._edges[:-1], self._edges[1:]
        span = np.maximum(np.minimum(stop, book.stop_s) - np.maximum(start, book.start_s), 0)
        rate, may = self._values
        used = sum(max(0, min(b, book.stop_s) - max(a, book.start_s)) for a, b in self._uses)
        return {
            "contact_h": int(span[rate > 0].sum()) / _HOUR_S,
            "transmit_h": int(span[(rate > 0) & may].sum()) / _HOUR_S,
            "capacity_gb": gigabytes(int((rate * span * may).sum())),
            "link_used_h": used / _HOUR_S,
        }

    def _all_edges(self, environment: Environment) -> Whole:
        steps = [self._attitudes.index, self._may, *(s for a in self._rates for k in a for s in k)]
        days = [day.start_s for place in environment.places.values() for day in place.lunar_days]
        parts = [step.times_s for step in steps]
        whole = np.unique(np.concatenate([*parts, np.ceil(days).astype(np.int64)]))
        inside = whole[(whole > 0) & (whole < environment.duration_s)]
        return np.concatenate([[0], inside, [environment.duration_s]])

    def _evaluated(self) -> tuple[Whole, NDArray[np.bool_]]:
        """Rate in the attitude of then, summed over links, and whether the mode transmits."""
        start = self._edges[:-1]
        attitude = self._attitudes.index.at(start)
        total = np.zeros(len(start), dtype=np.int64)
        for by_attitude in self._rates:
            for index, rates in enumerate(by_attitude):
                best = np.max([rate.at(start) for rate in rates], axis=0)
                total += np.where(attitude == index, best, 0)
        return total, self._may.at(start) > 0
