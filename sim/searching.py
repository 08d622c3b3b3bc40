"""Roots of functions of time, found coarsely on a grid and refined all together.

The grid's step must be bounded by the motion that the function describes; what lies between two
grid points and touches zero without a change of sign there (a grazing pass) is looked for at every
extremum that a parabola brings near zero.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

_MAX_STEPS = 80
_SHORT = 100.0  # tolerances
_PARTS = 8  # of a bracket in each round of a search for a peak


def roots(function: Function, grid_s: Floats, tolerance_s: float = 1e-4) -> Floats:
    """All times at which `function` changes sign, sorted.

    `grid_s` is an increasing array (N,) that brackets the roots; the function takes (M,) times and
    returns (M,) values. Each root is good to `tolerance_s`. Values of exactly zero count as
    positive, so that intervals where the function is >= 0 are half-open on the right.
    """
    values = function(grid_s)
    positive = values >= 0.0
    index = np.flatnonzero(positive[:-1] != positive[1:])
    # The nearest instant outside each bracket bends the first step.
    third = np.where(index > 0, index - 1, np.minimum(index + 2, len(grid_s) - 1))
    brackets = np.array(
        [
            *(grid_s[index], grid_s[index + 1], grid_s[third]),
            *(values[index], values[index + 1], values[third]),
        ]
    )
    touching = _grazing(function, grid_s, values)
    if touching is not None:
        brackets = np.concatenate([brackets, touching], axis=1)
    return np.asarray(np.sort(_refined(function, brackets, tolerance_s)))


def refined(
    function: Function,
    lower_s: Floats,
    upper_s: Floats,
    at_lower: Floats,
    at_upper: Floats,
    tolerance_s: float,
) -> Floats:
    """The root in each bracket `[lower_s, upper_s]`, all at once, good to `tolerance_s`.

    Arrays are (N,); the signs at the two ends of a bracket differ.
    """
    brackets = np.array([lower_s, upper_s, upper_s, at_lower, at_upper, at_upper])
    return _refined(function, brackets, tolerance_s)


def _refined(function: Function, brackets: Floats, tolerance_s: float) -> Floats:
    """Roots by the method of Chandrupatla (1997), which chooses between two ways of stepping.

    `brackets` (6, N): the two ends, a third instant outside, and the values at the three. A step is
    inverse quadratic where the three values say that it is safe, else it halves the bracket. It ends
    where the bracket, or the line through the last two values, leaves less than the tolerance.
    """
    roots_s = 0.5 * (brackets[0] + brackets[1])
    active = np.arange(brackets.shape[1])
    b, a, c, fb, fa, fc = brackets
    for step in range(_MAX_STEPS):
        if not len(active):
            break
        x = a + _share(a, b, c, fa, fb, fc, step == 0) * (b - a)
        fx = function(x)
        same = (fx >= 0.0) == (fa >= 0.0)
        b, fb, c, fc = (
            np.where(same, kept, new) for kept, new in ((b, a), (fb, fa), (a, b), (fa, fb))
        )
        rise = fx - fa
        left = np.where(rise == 0.0, np.inf, -fx * (x - a) / np.where(rise == 0.0, 1.0, rise))
        # The line is trusted where it is short: the slope far away says nothing of a grazing pass.
        is_near = (np.abs(left) < tolerance_s) & (np.abs(x - a) < _SHORT * tolerance_s)
        a, fa = x, fx
        roots_s[active] = x + np.where(is_near & (left * (b - a) > 0.0), left, 0.0)
        going = ~(is_near | (np.abs(b - a) < tolerance_s) | (fx == 0.0))
        active = active[going]
        a, b, c, fa, fb, fc = (part[going] for part in (a, b, c, fa, fb, fc))
    return np.asarray(roots_s)


def _share(
    a: Floats, b: Floats, c: Floats, fa: Floats, fb: Floats, fc: Floats, is_first: bool
) -> Floats:
    """Where to look next, as a share of the way from `a` to `b`; `c` lies beyond `a`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        is_safe = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
        quadratic: Floats = fa / (fb - fa) * fc / (fb - fc)
        quadratic += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        straight = fa / (fa - fb) if is_first else 0.5
    return np.asarray(np.clip(np.where(is_safe, quadratic, straight), 1e-9, 1.0 - 1e-9))


def extrema(function: Function, grid_s: Floats, tolerance_s: float = 0.5) -> Floats:
    """Times of the local maxima of `function` inside the grid, sorted, each good to `tolerance_s`.

    Take the negative function for minima.
    """
    values = function(grid_s)
    middle = np.flatnonzero((values[1:-1] >= values[:-2]) & (values[1:-1] > values[2:])) + 1
    return peak(function, grid_s[middle - 1], grid_s[middle + 1], tolerance_s)


def peak(function: Function, lower: Floats, upper: Floats, tolerance_s: float = 0.5) -> Floats:
    """Time of the maximum in each bracket (N,), all at once.

    A bracket shrinks to two of its eight parts in each round, until the parabola through the three
    highest instants stays where it is.
    """
    if not len(lower):
        return lower
    shares = np.linspace(0.0, 1.0, _PARTS + 1)[:, None]
    a, b, best = lower, upper, 0.5 * (lower + upper)
    rows = np.arange(len(lower))
    while True:
        times = a + shares * (b - a)
        values = function(times.ravel()).reshape(times.shape)
        top = np.argmax(values, axis=0)
        middle = np.clip(top, 1, _PARTS - 1)
        before, at, after = (values[middle + k, rows] for k in (-1, 0, 1))
        bend = before - 2.0 * at + after
        offset = np.where(bend < 0.0, 0.5 * (before - after) / np.where(bend < 0.0, bend, 1.0), 0.0)
        width = (b - a) / _PARTS
        highest = times[middle, rows] + np.clip(offset, -1.0, 1.0) * width
        a, b = times[middle - 1, rows], times[middle + 1, rows]
        moved, best = np.abs(highest - best), highest
        if (np.minimum(moved, width) < tolerance_s).all():
            break
    sampled = times[top, rows]
    return np.asarray(np.where(function(best) >= values[top, rows], best, sampled))


def _grazing(function: Function, grid_s: Floats, values: Floats) -> Floats | None:
    """Brackets as in `_refined` on both sides of every extremum between grid points that crosses zero."""
    sign = np.where(values >= 0.0, 1.0, -1.0)
    size = sign * values
    alike = (sign[1:-1] == sign[:-2]) & (sign[1:-1] == sign[2:])
    low = (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:])
    i = np.flatnonzero(alike & low) + 1
    if not len(i):
        return None
    before, after = grid_s[i] - grid_s[i - 1], grid_s[i + 1] - grid_s[i]
    slope_before = (size[i] - size[i - 1]) / before
    slope_after = (size[i + 1] - size[i]) / after
    curvature = (slope_after - slope_before) / (before + after)
    slope = slope_before + curvature * before
    curved = np.where(curvature > 0.0, curvature, 1.0)
    dip = np.where(curvature > 0.0, slope**2 / (4.0 * curved), 0.0)
    reach = np.minimum(size[i - 1], size[i + 1]) - size[i]
    i = i[size[i] - dip < 2.0 * dip + reach]
    if not len(i):
        return None
    signs = sign[i]
    nearest = _dipping(function, grid_s[i - 1], grid_s[i + 1], signs)
    at_nearest = function(nearest)
    crosses = signs * at_nearest < 0.0
    i, nearest, at_nearest = i[crosses], nearest[crosses], at_nearest[crosses]
    left = [grid_s[i - 1], nearest, grid_s[i + 1], values[i - 1], at_nearest, values[i + 1]]
    right = [grid_s[i + 1], nearest, grid_s[i - 1], values[i + 1], at_nearest, values[i - 1]]
    return np.concatenate([left, right], axis=1)


def _dipping(function: Function, lower: Floats, upper: Floats, signs: Floats) -> Floats:
    """The time of the smallest |value| in each bracket, the sign of the value being `signs`."""
    return peak(lambda x: -np.resize(signs, len(x)) * function(x), lower, upper, 0.25)
