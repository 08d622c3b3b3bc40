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

_GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
_BISECT_AFTER = 8  # Illinois steps before plain bisection: it cannot stall, only be slow
_MAX_STEPS = 80


def roots(function: Function, grid_s: Floats, tolerance_s: float = 1e-4) -> Floats:
    """All times at which `function` changes sign, sorted.

    `grid_s` is an increasing array (N,) that brackets the roots; the function takes (M,) times and
    returns (M,) values. Each root is good to `tolerance_s`. Values of exactly zero count as
    positive, so that intervals where the function is >= 0 are half-open on the right.
    """
    values = function(grid_s)
    positive = values >= 0.0
    index = np.flatnonzero(positive[:-1] != positive[1:])
    lower, upper = grid_s[index], grid_s[index + 1]
    at_lower, at_upper = values[index], values[index + 1]
    touching = _grazing(function, grid_s, values)
    if touching is not None:
        lower, upper, at_lower, at_upper = (
            np.concatenate(pair)
            for pair in zip((lower, upper, at_lower, at_upper), touching, strict=True)
        )
    if not len(lower):
        return lower
    return np.sort(refined(function, lower, upper, at_lower, at_upper, tolerance_s))


def refined(
    function: Function,
    lower_s: Floats,
    upper_s: Floats,
    at_lower: Floats,
    at_upper: Floats,
    tolerance_s: float,
) -> Floats:
    """The root in each bracket `[lower_s, upper_s]`, by the Illinois method, all at once.

    Arrays are (N,); the signs at the two ends of a bracket differ. The Illinois rule (Dowell and
    Jarratt 1971) halves the value kept at a stale end, bisection takes over after a few steps.
    """
    a, b, fa, fb = lower_s.copy(), upper_s.copy(), at_lower.copy(), at_upper.copy()
    root = 0.5 * (a + b)
    stale = np.zeros(len(a), dtype=np.int8)
    active = np.arange(len(a))
    for step in range(_MAX_STEPS):
        if not len(active):
            break
        ai, bi, fai, fbi = a[active], b[active], fa[active], fb[active]
        slope = fbi - fai
        if step < _BISECT_AFTER:
            x = bi - fbi * (bi - ai) / np.where(slope == 0.0, 1.0, slope)
            x = np.where(slope == 0.0, 0.5 * (ai + bi), np.clip(x, ai, bi))
        else:
            x = 0.5 * (ai + bi)
        fx = function(x)
        same = (fx >= 0.0) == (fbi >= 0.0)
        side = stale[active]
        moved = np.abs(x - root[active])
        a[active], b[active] = np.where(same, ai, x), np.where(same, x, bi)
        fa[active] = np.where(same, np.where(side == 1, 0.5 * fai, fai), fx)
        fb[active] = np.where(same, fx, np.where(side == -1, 0.5 * fbi, fbi))
        stale[active] = np.where(same, 1, -1)
        root[active] = x
        narrow = (b[active] - a[active]) < tolerance_s
        settled = (moved < 0.1 * tolerance_s) & (step > 0)
        active = active[~(narrow | settled | (fx == 0.0))]
    return root


def extrema(function: Function, grid_s: Floats, tolerance_s: float = 0.5) -> Floats:
    """Times of the local maxima of `function` inside the grid, sorted, each good to `tolerance_s`.

    Take the negative function for minima.
    """
    values = function(grid_s)
    middle = np.flatnonzero((values[1:-1] >= values[:-2]) & (values[1:-1] > values[2:])) + 1
    return peak(function, grid_s[middle - 1], grid_s[middle + 1], tolerance_s)


def peak(function: Function, lower: Floats, upper: Floats, tolerance_s: float = 0.5) -> Floats:
    """Time of the maximum in each bracket (N,), by golden-section search, all at once."""
    if not len(lower):
        return lower
    a, b = lower.copy(), upper.copy()
    x1, x2 = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    f1, f2 = function(x1), function(x2)
    widest = float(np.max(b - a))
    for _ in range(max(0, int(np.ceil(np.log(tolerance_s / widest) / np.log(_GOLDEN))))):
        left = f1 > f2
        a, b = np.where(left, a, x1), np.where(left, x2, b)
        new = np.where(left, b - _GOLDEN * (b - a), a + _GOLDEN * (b - a))
        at_new = function(new)
        x1, x2 = np.where(left, new, x2), np.where(left, x1, new)
        f1, f2 = np.where(left, at_new, f2), np.where(left, f1, at_new)
    return np.asarray(np.where(f1 > f2, x1, x2))


def _grazing(
    function: Function, grid_s: Floats, values: Floats
) -> tuple[Floats, Floats, Floats, Floats] | None:
    """Brackets on both sides of every extremum between grid points that crosses zero."""
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
    return (
        np.concatenate([grid_s[i - 1], nearest]),
        np.concatenate([nearest, grid_s[i + 1]]),
        np.concatenate([values[i - 1], at_nearest]),
        np.concatenate([at_nearest, values[i + 1]]),
    )


def _dipping(function: Function, lower: Floats, upper: Floats, signs: Floats) -> Floats:
    """The time of the smallest |value| in each bracket, the sign of the value being `signs`."""
    return peak(lambda x: -signs * function(x), lower, upper, 0.25)
