"""Multiple shooting: many short arcs made into one trajectory of the true forces."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from sim.errors import OrbitError
from sim.sky.orbits.propagation import Forces, integrate
from sim.track import Track

Floats = NDArray[np.float64]

JOINT_KM, JOINT_KM_S = 1e-6, 1e-9
"""Largest jumps of position and velocity between the arcs of a finished trajectory."""

_SCALE = np.array([1e4, 1e4, 1e4, 0.05, 0.05, 0.05])  # km and km/s that change about equally
_SLIVER_S = 1.0  # a shorter polynomial is worth nothing a microsecond beside it
_ARC_TOLERANCE = np.array([1e-12, 1e-9, 1e-14])
_HALVINGS = 8


def shoot(
    states: Floats,
    times_s: Floats,
    forces: Forces,
    *,
    largest_km: float = JOINT_KM,
    largest_km_s: float = JOINT_KM_S,
    rounds: int = 40,
) -> tuple[Floats, float]:
    """Patch states (N + 1, 6) at fixed times whose arcs meet, and the largest jump in km.

    Newton's method on the jumps; of all changes that close them it takes the smallest, so that the
    trajectory stays close to the guess. Changes are halved until the jumps shrink. Raises
    `OrbitError` where that does not end below the allowed jumps.
    """
    patches = states.copy()
    jumps, matrices = _jumps(patches, times_s, forces)
    for _ in range(rounds):
        here = np.linalg.norm(jumps / _SCALE)
        far = float(np.linalg.norm(jumps[:, :3], axis=1).max())
        if far < largest_km and np.linalg.norm(jumps[:, 3:], axis=1).max() < largest_km_s:
            return patches, far
        change = _least_change(jumps / _SCALE, matrices * _SCALE / _SCALE[:, None]) * _SCALE
        share = 1.0
        for _ in range(_HALVINGS):
            tried = patches + share * change
            new_jumps, new_matrices = _jumps(tried, times_s, forces)
            if np.linalg.norm(new_jumps / _SCALE) < here * (1.0 - 0.1 * share) or here < 1e-6:
                break
            share *= 0.5
        patches, jumps, matrices = tried, new_jumps, new_matrices
    raise OrbitError(f"the arcs of the trajectory do not meet: {far:.3g} km remain between them")


def chained(
    states: Floats, times_s: Floats, forces: Forces, start_s: float, stop_s: float
) -> Track:
    """The arcs as one track over `[start_s, stop_s]`, which the patch times must enclose."""
    ends = np.clip(times_s, start_s, stop_s)
    kept = [int(i) for i in np.flatnonzero(np.diff(ends) > _SLIVER_S)]
    legs = []
    for i in kept:
        # What is too short at an end of the span belongs to the neighbour.
        first = start_s if i == kept[0] else ends[i]
        last = stop_s if i == kept[-1] else ends[i + 1]
        begin = times_s[i]
        here = states[i] if first == begin else integrate(states[i], begin, first, forces)[1]
        legs.append(integrate(here, first, last, forces)[0])
    return Track.joined(legs)


def _jumps(states: Floats, times_s: Floats, forces: Forces) -> tuple[Floats, Floats]:
    """Jumps (N, 6) at the ends of the arcs and their derivatives (N, 6, 6) by the starts."""
    from sim.sky.orbits import dynamics  # noqa: PLC0415 - numba takes 0.5 s to load

    ends = np.zeros((len(states) - 1, 42))
    ends[:, :6] = states[:-1]
    ends[:, 6::7] = 1.0
    dynamics.arcs(ends, times_s, _ARC_TOLERANCE, forces.arguments)  # type: ignore[no-untyped-call]
    return ends[:, :6] - states[1:], ends[:, 6:].reshape(-1, 6, 6)


def _least_change(jumps: Floats, matrices: Floats) -> Floats:
    """The smallest change (N + 1, 6) of the patches that closes the jumps to first order.

    With rows [matrix, -1] the normal equations are block tridiagonal: diagonal M M' + 1, off it -M.
    """
    count = len(jumps)
    diagonal = np.einsum("nij,nkj->nik", matrices, matrices) + np.eye(6)
    band = np.zeros((12, 6 * count))
    columns = 6 * np.arange(count)
    for i in range(6):
        for j in range(i, 6):
            band[j - i, columns + i] = diagonal[:, j, i]  # lower: row j, column i
        for j in range(6):
            band[6 + j - i, columns[:-1] + i] = -matrices[1:, j, i]
    weights = solveh_banded(band, -jumps.ravel(), lower=True).reshape(count, 6)
    change = np.zeros((count + 1, 6))
    change[:-1] += np.einsum("nji,nj->ni", matrices, weights)
    change[1:] -= weights
    return change
