"""Sorted, disjoint, half-open intervals `[start_s, stop_s)`, and what can be done with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """A set of times, as sorted disjoint half-open intervals; empty ones are left out.

    `starts_s` and `stops_s` are read-only arrays of shape (N,), and
    `starts_s[i] < stops_s[i] < starts_s[i + 1]`: intervals that touch are one.
    """

    starts_s: Floats
    stops_s: Floats

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> "Intervals":
        """The union of any (start, stop) pairs, in any order, overlapping or not."""
        rows = np.array([pair for pair in pairs if pair[0] < pair[1]], dtype=float).reshape(-1, 2)
        return cls._union(rows[:, 0], rows[:, 1])

    @classmethod
    def none(cls) -> "Intervals":
        """No time at all."""
        return cls.of([])

    @classmethod
    def between(cls, start_s: float, stop_s: float) -> "Intervals":
        """One interval; none if it is empty."""
        return cls.of([(start_s, stop_s)])

    @classmethod
    def where(
        cls, crossings_s: ArrayLike, first: bool, start_s: float, stop_s: float
    ) -> "Intervals":
        """The times in `[start_s, stop_s)` at which a condition holds that flips at each crossing.

        `first` says whether it holds at `start_s`.
        """
        inner = np.asarray(crossings_s, dtype=float)
        inner = inner[(inner > start_s) & (inner < stop_s)]
        edges = np.concatenate([[start_s], inner, [stop_s]])
        offset = 0 if first else 1
        starts, stops = edges[:-1][offset::2], edges[1:][offset::2]
        return cls._union(starts, stops)

    @classmethod
    def _union(cls, starts_s: Floats, stops_s: Floats) -> "Intervals":
        keep = starts_s < stops_s
        starts_s, stops_s = starts_s[keep], stops_s[keep]
        order = np.argsort(starts_s, kind="stable")
        starts_s, stops_s = starts_s[order], np.maximum.accumulate(stops_s[order])
        if len(starts_s):
            new = np.concatenate([[True], starts_s[1:] > stops_s[:-1]])
            last = np.concatenate([new[1:], [True]])
            starts_s, stops_s = starts_s[new], stops_s[last]
        starts_s, stops_s = starts_s.copy(), stops_s.copy()
        starts_s.flags.writeable = stops_s.flags.writeable = False
        return cls(starts_s, stops_s)

    def __len__(self) -> int:
        return len(self.starts_s)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter(zip(self.starts_s.tolist(), self.stops_s.tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Intervals):
            return NotImplemented
        return np.array_equal(self.starts_s, other.starts_s) and np.array_equal(
            self.stops_s, other.stops_s
        )

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: "Intervals") -> "Intervals":
        return self._union(
            np.concatenate([self.starts_s, other.starts_s]),
            np.concatenate([self.stops_s, other.stops_s]),
        )

    def __and__(self, other: "Intervals") -> "Intervals":
        edges = np.concatenate([self.starts_s, other.starts_s, self.stops_s, other.stops_s])
        change = np.repeat([1, -1], [len(self) + len(other)] * 2)
        order = np.lexsort((change, edges))
        depth = np.cumsum(change[order])
        both = np.flatnonzero(depth == 2)
        return self._union(edges[order][both], edges[order][both + 1] if len(both) else edges[:0])

    def __sub__(self, other: "Intervals") -> "Intervals":
        if not len(self):
            return self
        return self & other.complement(float(self.starts_s[0]), float(self.stops_s[-1]))

    def complement(self, start_s: float, stop_s: float) -> "Intervals":
        """The times in `[start_s, stop_s)` that are not in these intervals."""
        inside = self.clip(start_s, stop_s)
        starts = np.concatenate([[start_s], inside.stops_s])
        stops = np.concatenate([inside.starts_s, [stop_s]])
        return self._union(starts, stops)

    def clip(self, start_s: float, stop_s: float) -> "Intervals":
        """The part in `[start_s, stop_s)`."""
        return self._union(np.maximum(self.starts_s, start_s), np.minimum(self.stops_s, stop_s))

    def held(self, hold_s: float) -> "Intervals":
        """The times at which the condition has held for at least `hold_s`."""
        return self._union(self.starts_s + hold_s, self.stops_s)

    def whole_seconds(self) -> "Intervals":
        """Rounded inward to whole seconds: `[ceil(start), floor(stop))`; empty ones vanish."""
        return self._union(np.ceil(self.starts_s), np.floor(self.stops_s))

    def contains(self, t_s: ArrayLike) -> NDArray[np.bool_]:
        """Whether each instant lies in an interval; shape of `t_s`."""
        times = np.asarray(t_s, dtype=float)
        index = np.searchsorted(self.starts_s, times, side="right") - 1
        stops = np.append(self.stops_s, -np.inf)
        return np.asarray((index >= 0) & (times < stops[index]))

    @property
    def durations_s(self) -> Floats:
        """Length of each interval; shape (N,)."""
        return np.asarray(self.stops_s - self.starts_s)

    @property
    def total_s(self) -> float:
        """Length of all intervals together."""
        return float(np.sum(self.stops_s - self.starts_s))
