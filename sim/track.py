"""A continuous quantity: a piecewise polynomial of time with a stated error.

Everything continuous in farside is a `Track`, and nothing else samples or interpolates. Each piece
is a Chebyshev series on its interval, so a track can be integrated and differentiated exactly and
its crossings of a level are eigenvalues, not guesses.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from sim.errors import SimError

Floats = NDArray[np.float64]
_GRID_SIZE, _GRIDS = 512, 3
_SLACK_S = 1e-6  # beyond the ends, for what rounding brings
_CROWD = 12  # instants to a piece from which on a product of matrices is faster than gathering
_REAL_ROOT = 1e-7  # imaginary part below which an eigenvalue is a (double) root of a real series


class Memory:
    """Values of a function at the last grids that it was asked for.

    A grid is an array that cannot be written to, and is known again by its identity: many places
    look at one relay, and many relays at one station, at the same thousands of instants.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Floats, Floats]] = []

    def __call__(self, times: Floats, function: Callable[[Floats], Floats]) -> Floats:
        """`function(times)`, computed or remembered; a new array each time."""
        if times.size < _GRID_SIZE or times.flags.writeable:
            return function(times)
        for grid, values in self._kept:
            if grid is times:
                return values.copy()
        values = function(times)
        self._kept = [(times, values), *self._kept[: _GRIDS - 1]]
        return values.copy()


@dataclass(frozen=True, eq=False)
class Track:
    """A scalar or vector function of time as Chebyshev series on adjoining intervals.

    `edges_s` (M+1,) increasing; `coefficients` (M, K) for a scalar or (M, K, C) for a vector, of
    three parts mostly, on each interval mapped to [-1, 1]; `error` the stated bound of what was
    fitted, in the unit of the quantity. Values are taken from the right at an edge. Outside the edges: `SimError`.
    """

    edges_s: Floats
    coefficients: Floats
    error: float

    @classmethod
    def fit(
        cls,
        function: Callable[[Floats], Floats],
        edges_s: ArrayLike,
        degree: int,
    ) -> "Track":
        """Sample `function` at the Chebyshev nodes of each piece; one call for all samples.

        `function` takes (N,) times and returns (N,) or (C, N) values. The error is estimated as
        the largest of the last two coefficients summed, which bounds the remainder where the
        series converges geometrically.
        """
        return cls.through(function(cls.nodes(edges_s, degree)), edges_s, degree)

    @classmethod
    def nodes(cls, edges_s: ArrayLike, degree: int) -> Floats:
        """The Chebyshev nodes of all pieces, (M * (degree + 1),), descending within each."""
        edges = np.asarray(edges_s, dtype=float)
        middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
        return np.asarray((middle[:, None] + half[:, None] * _unit_nodes(degree)).ravel())

    @classmethod
    def through(cls, values: ArrayLike, edges_s: ArrayLike, degree: int) -> "Track":
        """The track through the values (N,) or (C, N) at `nodes(edges_s, degree)`."""
        edges = np.array(edges_s, dtype=float)
        samples = np.asarray(values, dtype=float)
        coefficients = _transformed(samples, len(edges) - 1, degree + 1)
        tail = np.abs(coefficients[:, -2:]).sum(axis=1)
        return cls.made(edges, coefficients, float(tail.max(initial=0.0)))

    @classmethod
    def within(
        cls,
        function: Callable[[Floats], Floats],
        start_s: float,
        stop_s: float,
        piece_s: float,
        degree: int,
        tolerance: float,
    ) -> "Track":
        """Sample `function` in pieces of at most `piece_s`, halved until the error is allowed.

        Each round samples all pieces that are not good enough at once. Raises `SimError` where
        twenty halvings do not suffice: the function is not smooth.
        """
        count = max(1, int(np.ceil((stop_s - start_s) / piece_s - 1e-9)))
        edges = np.linspace(start_s, stop_s, count + 1)
        lower, upper, kept = edges[:-1], edges[1:], []
        for _ in range(20):
            fitted = cls._pieces(function, lower, upper, degree)
            tail = np.abs(fitted[:, -2:]).sum(axis=1)
            bad = (tail if tail.ndim == 1 else tail.max(axis=1)) > tolerance
            kept.append((lower[~bad], upper[~bad], fitted[~bad], tail[~bad]))
            lower, upper = lower[bad], upper[bad]
            if not len(lower):
                break
            middle = 0.5 * (lower + upper)
            lower, upper = np.concatenate([lower, middle]), np.concatenate([middle, upper])
        else:
            raise SimError(f"a quantity is not smooth near t_s {lower[0]:.3f}; it has no track")
        starts, stops, tables, tails = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        order = np.argsort(starts)
        whole = np.append(starts[order], stops[order][-1])
        return cls.made(whole, tables[order], float(tails.max(initial=0.0)))

    @classmethod
    def _pieces(
        cls, function: Callable[[Floats], Floats], lower: Floats, upper: Floats, degree: int
    ) -> Floats:
        """Coefficients on intervals that need not adjoin."""
        middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
        nodes = (middle[:, None] + half[:, None] * _unit_nodes(degree)).ravel()
        return _transformed(np.asarray(function(nodes), dtype=float), len(lower), degree + 1)

    @classmethod
    def made(cls, edges_s: ArrayLike, coefficients: ArrayLike, error: float) -> "Track":
        """A track from its arrays, made read-only."""
        edges, table = np.array(edges_s, dtype=float), np.array(coefficients, dtype=float)
        edges.flags.writeable = table.flags.writeable = False
        return cls(edges, table, error)

    @classmethod
    def joined(cls, tracks: Sequence["Track"]) -> "Track":
        """One track of several that adjoin, in order; shorter series are filled up with zeros."""
        order = max(track.coefficients.shape[1] for track in tracks)
        tables = []
        for track in tracks:
            missing = order - track.coefficients.shape[1]
            widths = [(0, 0), (0, missing)] + [(0, 0)] * (track.coefficients.ndim - 2)
            tables.append(np.pad(track.coefficients, widths))
        edges = np.concatenate([tracks[0].edges_s[:1], *(track.edges_s[1:] for track in tracks)])
        return cls.made(edges, np.concatenate(tables), max(track.error for track in tracks))

    @classmethod
    def constant(cls, value: float, start_s: float, stop_s: float) -> "Track":
        """A scalar that never changes."""
        return cls.made([start_s, stop_s], [[value]], 0.0)

    @property
    def start_s(self) -> float:
        """First instant."""
        return float(self.edges_s[0])

    @property
    def stop_s(self) -> float:
        """Last instant."""
        return float(self.edges_s[-1])

    def __call__(self, t_s: ArrayLike) -> Floats:
        """Value at one instant or many: shape of `t_s`, with a leading axis for a vector's parts."""
        return self._memory(np.asarray(t_s, dtype=float), self._values)

    def _values(self, times: Floats) -> Floats:
        flat = np.atleast_1d(times).ravel()
        index, x = self._located(flat)
        if (
            len(flat) > 0
            and len(flat) > _CROWD * (int(index[-1]) - int(index[0]) + 1)
            and (np.diff(index) >= 0).all()
        ):
            values = self._crowded(index, x)
        else:
            values = _series(self.coefficients[index], x)
        return np.asarray(values.reshape(self.coefficients.shape[2:] + times.shape))

    def _crowded(self, index: NDArray[np.intp], x: Floats) -> Floats:
        """Values (N,) or (C, N) at rising times, many to a piece: one product of matrices each."""
        polynomials = _polynomials(self.coefficients.shape[1], x)
        values = np.empty((*self.coefficients.shape[2:], len(x)))
        first, last = int(index[0]), int(index[-1])
        bounds = np.searchsorted(index, np.arange(first, last + 2)).tolist()
        for piece, begin, end in zip(range(first, last + 1), bounds, bounds[1:], strict=False):
            values[..., begin:end] = self.coefficients[piece].T @ polynomials[:, begin:end]
        return values

    def at(self, t_s: float) -> float:
        """Value of a scalar track at one instant, without the cost of an array."""
        edges, pieces = self._lists
        index = min(max(bisect_right(edges, t_s) - 1, 0), len(edges) - 2)
        lower, upper = edges[index], edges[index + 1]
        x = (2.0 * t_s - lower - upper) / (upper - lower)
        twice, later, latest = 2.0 * x, 0.0, 0.0
        if index not in pieces:
            piece = self.coefficients[index].tolist()
            while len(piece) > 1 and piece[-1] == 0.0:
                piece.pop()
            pieces[index] = piece[0], piece[:0:-1]
        first, others = pieces[index]
        for coefficient in others:  # Clenshaw's recurrence, from the last one down
            later, latest = coefficient + twice * later - latest, later
        return first + x * later - latest

    def integral(self, start_s: ArrayLike, stop_s: ArrayLike) -> Floats:
        """Exact integral of the track from `start_s` to `stop_s`; unit times seconds."""
        return np.asarray(self.cumulative(stop_s) - self.cumulative(start_s))

    def integral_between(self, start_s: float, stop_s: float) -> float:
        """Exact integral of a scalar track between two instants, without the cost of an array."""
        return self.cumulative.at(stop_s) - self.cumulative.at(start_s)

    @cached_property
    def cumulative(self) -> "Track":
        """The integral from the first instant, as a track one degree higher."""
        half = 0.5 * np.diff(self.edges_s)
        shape = (-1,) + (1,) * (self.coefficients.ndim - 1)
        table = chebyshev.chebint(self.coefficients, lbnd=-1, axis=1) * half.reshape(shape)
        totals = table.sum(axis=1)
        before = np.cumsum(totals, axis=0) - totals
        table[:, 0] += before
        return Track.made(
            self.edges_s, table, self.error * float(self.edges_s[-1] - self.edges_s[0])
        )

    @cached_property
    def derivative(self) -> "Track":
        """The rate of change, per second, as a track one degree lower."""
        half = 0.5 * np.diff(self.edges_s)
        shape = (-1,) + (1,) * (self.coefficients.ndim - 1)
        table = chebyshev.chebder(self.coefficients, axis=1) / half.reshape(shape)
        degree = self.coefficients.shape[1] - 1
        return Track.made(self.edges_s, table, self.error * degree**2 / float(half.min()))

    def crossings(
        self, level: float, start_s: float | None = None, stop_s: float | None = None
    ) -> Floats:
        """Times at which a scalar track passes through `level`, sorted; tangents count twice.

        Between the two instants, the whole track by default. Steps between pieces that pass the
        level are crossings as well.
        """
        first = self.start_s if start_s is None else start_s
        last = self.stop_s if stop_s is None else stop_s
        shifted = self.coefficients[:, 0] - level
        reach = np.abs(self.coefficients[:, 1:]).sum(axis=1)
        near = (
            (np.abs(shifted) <= reach) & (self.edges_s[1:] >= first) & (self.edges_s[:-1] <= last)
        )
        found = [self._piece_roots(int(i), level) for i in np.flatnonzero(near)]
        times = np.concatenate(
            [np.concatenate(found) if found else np.empty(0), self._steps(level)]
        )
        return np.asarray(np.sort(times[(times >= first) & (times < last)]))

    def _piece_roots(self, index: int, level: float) -> Floats:
        series = self.coefficients[index].copy()
        series[0] -= level
        size = np.abs(series).max()
        kept = np.flatnonzero(np.abs(series) > 1e-15 * size)
        if size == 0.0 or kept[-1] == 0:
            return np.empty(0)
        x = chebyshev.chebroots(series[: kept[-1] + 1])
        x = x[np.abs(np.imag(x)) < _REAL_ROOT]
        x = np.real(x)
        x = x[(x >= -1.0) & (x < 1.0)]
        lower, upper = self.edges_s[index], self.edges_s[index + 1]
        return np.asarray(0.5 * (lower + upper) + 0.5 * (upper - lower) * x)

    def _steps(self, level: float) -> Floats:
        before = self.coefficients[:-1].sum(axis=1) - level
        signs = (-1.0) ** np.arange(self.coefficients.shape[1])
        after = (self.coefficients[1:] * signs).sum(axis=1) - level
        jump = np.abs(after - before) > 4.0 * self.error + 1e-9 * (np.abs(before) + np.abs(after))
        return np.asarray(self.edges_s[1:-1][jump & (before * after < 0.0)])

    def _located(self, times: Floats) -> tuple[NDArray[np.intp], Floats]:
        edges = self.edges_s
        low, high = (times.min(), times.max()) if len(times) else (edges[0], edges[0])
        if low < edges[0] or high > edges[-1]:
            if low < edges[0] - _SLACK_S or high > edges[-1] + _SLACK_S:
                raise SimError(
                    f"t_s from {low:.3f} to {high:.3f} was asked for, but this quantity is known "
                    f"from {self.start_s:.3f} to {self.stop_s:.3f} only"
                )
            # a first piece may be shorter than the slack
            times = np.minimum(np.maximum(times, edges[0]), edges[-1])
        index = np.searchsorted(edges[1:-1], times, side="right")
        return index, _local(times, edges[index], edges[index + 1])

    @cached_property
    def _memory(self) -> "Memory":
        return Memory()

    def __getstate__(self) -> dict[str, object]:
        """The arrays alone, so that nothing derived is sent to another process."""
        names = ("edges_s", "coefficients", "error")
        return {name: self.__dict__[name] for name in names}

    @cached_property
    def _lists(self) -> tuple[list[float], dict[int, tuple[float, list[float]]]]:
        """Edges, and the pieces that have been asked for: the first coefficient, the others reversed."""
        return self.edges_s.tolist(), {}


def _transformed(samples: Floats, count: int, order: int) -> Floats:
    """Chebyshev coefficients (count, order[, C]) of samples (N,) or (C, N) at the nodes."""
    if samples.ndim == 2:
        samples = samples.reshape(-1, count, order).transpose(1, 2, 0)
    else:
        samples = samples.reshape(count, order)
    basis = np.cos(np.outer(np.arange(order), np.arccos(_unit_nodes(order - 1)))) * (2.0 / order)
    basis[0] *= 0.5
    return np.ascontiguousarray(np.einsum("dk,nk...->nd...", basis, samples))


def _unit_nodes(degree: int) -> Floats:
    return np.asarray(np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1)))


def _local(t_s: Floats | float, lower: Floats | float, upper: Floats | float):  # type: ignore[no-untyped-def]
    return (2.0 * t_s - lower - upper) / (upper - lower)


def _series(coefficients: Floats, x: Floats) -> Floats:
    """Value of each row's series at its own x; `coefficients` (N, K) or (N, K, C), C first.

    The polynomials are summed, which for thousands of vectors is three times as fast as Clenshaw's
    recurrence and as good to some units of rounding.
    """
    polynomials = _polynomials(coefficients.shape[1], x)
    return np.asarray(np.einsum("kn,nk...->n...", polynomials, coefficients).T)


def _polynomials(count: int, x: Floats) -> Floats:
    """Chebyshev polynomials (count, N) at x (N,)."""
    polynomials = np.empty((count, len(x)))
    polynomials[0] = 1.0
    polynomials[1:2] = x
    twice = 2.0 * x
    for k in range(2, count):
        np.multiply(twice, polynomials[k - 1], out=polynomials[k])
        polynomials[k] -= polynomials[k - 2]
    return polynomials
