"""How old data are when they reach the Earth: percentiles by volume, exact."""

from bisect import bisect_left

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PERCENTILES = (50, 90, 95, 99, 100)


def latencies_s(arrived: pl.DataFrame) -> dict[str, float]:
    """Percentiles, by volume, of the time from making to reception on Earth; empty if none.

    `arrived` is as made by `arrivals`; within each row latency grows or falls evenly.
    """
    if arrived.is_empty():
        return {}
    first, last = (
        (arrived[f"arrived_{end}_s"] - arrived[f"made_{end}_s"]).to_numpy()
        for end in ("start", "stop")
    )
    mixture = _Mixture(np.minimum(first, last), np.maximum(first, last), arrived["bits"].to_numpy())
    return {f"p{p}": mixture.quantile(p / 100.0) for p in PERCENTILES}


class _Mixture:
    """Even distributions between `lower` and `upper` (N,), weighed; points where the two agree."""

    def __init__(self, lower: Floats, upper: Floats, weight: NDArray[np.int64]) -> None:
        self._lower, self._weight = lower, weight
        self._is_point = upper == lower
        self._length = np.where(self._is_point, 1.0, upper - lower)
        self._edges: list[float] = np.unique(np.concatenate([lower, upper])).tolist()

    def quantile(self, share: float) -> float:
        """The least value up to which at least a share of the weight lies; exact.

        Between two edges the weight grows evenly, so that only they are searched.
        """
        edges, wanted = self._edges, share * float(self._weight.sum())
        index = min(bisect_left(edges, wanted, key=self._up_to), len(edges) - 1)
        at = self._below(edges[index])
        if index == 0 or wanted >= at:
            return edges[index]
        before = self._up_to(edges[index - 1])
        part = (wanted - before) / (at - before)
        return edges[index - 1] + part * (edges[index] - edges[index - 1])

    def _up_to(self, value: float) -> float:
        return self._sum(value, value >= self._lower)

    def _below(self, value: float) -> float:
        return self._sum(value, value > self._lower)

    def _sum(self, value: float, is_passed: NDArray[np.bool_]) -> float:
        even = np.clip((value - self._lower) / self._length, 0.0, 1.0)
        return float((self._weight * np.where(self._is_point, is_passed, even)).sum())
