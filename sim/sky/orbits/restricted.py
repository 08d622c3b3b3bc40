"""Periodic orbits about L1 and L2 in the circular restricted three-body problem.

Units: the distance of Earth and Moon, their angular rate and their joint mass are one. Axes turn
with them: x from the Earth to the Moon, z along the orbital momentum, origin at the barycentre, the
Moon at x = 1 - mu.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from sim.constants import EARTH_GM_KM3_S2, MOON_GM_KM3_S2
from sim.errors import OrbitError
from sim.track import Track

Floats = NDArray[np.float64]
Point = Literal["l1", "l2"]
Family = Literal["northern", "southern"]

MU = MOON_GM_KM3_S2 / (MOON_GM_KM3_S2 + EARTH_GM_KM3_S2)
"""Share of the Moon in the mass of both."""

MEAN_DISTANCE_KM = 384_400.0
"""Distance of Earth and Moon that amplitudes are scaled by."""

SIDEREAL_MONTH_D = 27.321661
"""The unit of time times 2 pi."""

_EARTH, _MOON = np.array([-MU, 0.0, 0.0]), np.array([1.0 - MU, 0.0, 0.0])
_TOLERANCE = 1e-11
_LARGEST_CHANGE = 0.03  # of a correction; larger ones leave the family
_CONTINUATION_KM = 2_500.0
_FIRST_AMPLITUDE_KM = 15_000.0  # third order is good enough up to here
_PIECES = 48
_FLAT = 0.05  # of a near-rectilinear orbit's height, which is about 0.2

# Near-rectilinear starts at apolune: x, z, y velocity, period. L2: Zimovan-Spreen, Howell and Davis
# 2020 (9:2, rounded); L1: found by continuing the halo family to where it nears the Moon.
_NEAR_RECTILINEAR = {
    "l1": (0.899386, 0.200400, 0.185414, 1.92469),
    "l2": (1.022028, -0.182101, -0.103271, 1.5111),
}
_PERIODS_D = {"l1": "7.9 to 11", "l2": "6.25 to 10"}


@dataclass(frozen=True, eq=False)
class PeriodicOrbit:
    """A periodic orbit that starts where it is farthest from the Earth-Moon plane."""

    start: Floats
    """State (6,) at its largest |z|, on the x-z plane."""
    period: float
    """One turn; 2 pi is a sidereal month."""

    @cached_property
    def states(self) -> tuple[Track, Track]:
        """Position from the Moon and velocity as tracks over one period."""
        flow = _flow(self.start, self.period, dense=True)
        edges = np.interp(np.linspace(0.0, 1.0, _PIECES + 1), *_slow_time(flow.sol, self.period))
        position = Track.fit(lambda t: flow.sol(t)[:3] - _MOON[:, None], edges, 14)
        return position, Track.fit(lambda t: flow.sol(t)[3:6], edges, 14)

    def at(self, time: Floats) -> Floats:
        """State (6, N) relative to the Moon at any times (N,)."""
        position, velocity = self.states
        phase = np.asarray(time) % self.period
        return np.concatenate([position(phase), velocity(phase)])

    @property
    def growth(self) -> float:
        """Factor by which the most unstable deviation grows in one turn."""
        matrix = _flow(self.start, self.period).y[6:, -1].reshape(6, 6)
        return float(np.abs(np.linalg.eigvals(matrix)).max())


def halo_orbit(amplitude_z_km: float, point: Point, family: Family) -> PeriodicOrbit:
    """The halo orbit whose largest distance from the Earth-Moon plane is `amplitude_z_km`.

    Third-order start, differential correction, and continuation in the amplitude where it is
    large. Raises `OrbitError` where there is no such orbit.
    """
    first_km = min(amplitude_z_km, _FIRST_AMPLITUDE_KM)
    start, period = _third_order(first_km, point)
    steps = max(1, int(np.ceil((amplitude_z_km - first_km) / _CONTINUATION_KM)))
    try:
        before, period = _corrected(start, period, fixed=1)
        after, growth = before, np.zeros(3)
        for height_km in np.linspace(first_km, amplitude_z_km, steps + 1)[1:]:
            guess = after + growth
            guess[1] = np.copysign(height_km / MEAN_DISTANCE_KM, after[1])
            before = after
            after, period = _corrected(guess, period, fixed=1)
            growth = after - before
    except (OrbitError, np.linalg.LinAlgError):
        raise OrbitError(
            f"there is no {point.upper()} halo of amplitude_z_km {amplitude_z_km:g}; choose a "
            "smaller amplitude, or kind: nrho for orbits close to the Moon"
        ) from None
    return _oriented(after, period, family)


def near_rectilinear_orbit(period: float, point: Point, family: Family) -> PeriodicOrbit:
    """The near-rectilinear halo orbit of a period, in units where a sidereal month is 2 pi."""
    x, z, y_rate, known = _NEAR_RECTILINEAR[point]
    state = np.array([x, z, y_rate])
    steps = max(1, int(np.ceil(abs(period - known) / 0.05)))
    try:
        for step in np.linspace(known, period, steps + 1)[1:]:
            state, _ = _corrected(state, float(step), fixed=None)
            if abs(state[1]) < _FLAT:
                raise OrbitError("the correction falls onto the libration point")
    except (OrbitError, np.linalg.LinAlgError):
        raise OrbitError(
            f"there is no near-rectilinear {point.upper()} orbit with a period of "
            f"{period * SIDEREAL_MONTH_D / (2.0 * np.pi):.2f} d; periods of {_PERIODS_D[point]} d "
            "have one"
        ) from None
    return _oriented(state, period, family)


def _oriented(unknowns: Floats, period: float, family: Family) -> PeriodicOrbit:
    x, z, y_rate = unknowns
    start = np.array([x, 0.0, -abs(z) if family == "southern" else abs(z), 0.0, y_rate, 0.0])
    start.flags.writeable = False
    return PeriodicOrbit(start, period)


def _corrected(unknowns: Floats, period: float, fixed: int | None) -> tuple[Floats, float]:
    """x, z and y rate of a symmetric periodic orbit, and its period.

    The start lies on the x-z plane with a velocity across it, and so must the half-way point
    (Howell 1984). One of the three is held, or the period (`fixed` None).
    """
    state, half = unknowns.copy(), 0.5 * period
    free = [i for i in range(3) if i != fixed]
    columns = [(0, 2, 4)[i] for i in free]
    for _ in range(40):
        end = _flow(_full(state), half).y[:, -1]
        residual, matrix = end[[1, 3, 5]], end[6:].reshape(6, 6)[np.ix_([1, 3, 5], columns)]
        if np.abs(residual).max() < _TOLERANCE:
            return state, 2.0 * half
        if fixed is not None:
            matrix = np.column_stack([matrix, _derivative(end)[[1, 3, 5]]])
        change = np.linalg.solve(matrix, -residual)
        change *= min(1.0, _LARGEST_CHANGE / np.abs(change).max())
        state[free] += change[: len(free)]
        half += change[-1] if fixed is not None else 0.0
        if not (0.2 < half < 2.5 and abs(state[0] - 1.0) < 0.5):
            break
    raise OrbitError("the differential correction does not converge")


def _full(unknowns: Floats) -> Floats:
    x, z, y_rate = unknowns
    return np.array([x, 0.0, z, 0.0, y_rate, 0.0])


def _derivative(state: Floats) -> Floats:
    return _rates(0.0, np.concatenate([state[:6], np.eye(6).ravel()]))[:6]


def _flow(start: Floats, duration: float, dense: bool = False):  # type: ignore[no-untyped-def]
    """The state and its derivatives by the start (6 + 36) over `duration`."""
    state = np.concatenate([start, np.eye(6).ravel()])
    return solve_ivp(
        _rates,
        (0.0, duration),
        state,
        method="DOP853",
        rtol=1e-12,
        atol=1e-13,
        dense_output=dense,
    )


def _rates(_: float, state: Floats) -> Floats:
    """Equations of motion and their variations; Szebehely 1967, chapter 1."""
    position, velocity = state[:3], state[3:6]
    to_earth, to_moon = position - _EARTH, position - _MOON
    earth, moon = np.linalg.norm(to_earth), np.linalg.norm(to_moon)
    k_earth, k_moon = (1.0 - MU) / earth**3, MU / moon**3
    gradient = 3.0 * k_earth / earth**2 * np.outer(to_earth, to_earth)
    gradient += 3.0 * k_moon / moon**2 * np.outer(to_moon, to_moon)
    gradient += np.diag([1.0, 1.0, 0.0]) - (k_earth + k_moon) * np.eye(3)
    rates = np.empty(42)
    rates[:3] = velocity
    rates[3:6] = [position[0] + 2.0 * velocity[1], position[1] - 2.0 * velocity[0], 0.0]
    rates[3:6] -= k_earth * to_earth + k_moon * to_moon
    matrix = state[6:].reshape(6, 6)
    changed = rates[6:].reshape(6, 6)
    changed[:3] = matrix[3:]
    changed[3:] = gradient @ matrix[:3]
    changed[3] += 2.0 * matrix[4]
    changed[4] -= 2.0 * matrix[3]
    return rates


def _slow_time(solution, period: float) -> tuple[Floats, Floats]:  # type: ignore[no-untyped-def]
    """Shares of a time that runs with the distance from the Moon, and the times they belong to."""
    times = np.linspace(0.0, period, 2001)
    distance = np.linalg.norm(solution(times)[:3] - _MOON[:, None], axis=0)
    density = 1.0 / distance
    share = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    return share / share[-1], times


def _distance_of(point: Point) -> float:
    """Distance of L1 or L2 from the Moon, by the balance of forces on the x axis."""
    side = -1.0 if point == "l1" else 1.0

    def force(distance: float) -> float:
        x = 1.0 - MU + side * distance
        return x - (1.0 - MU) / (x + MU) ** 2 - side * MU / distance**2

    return float(brentq(force, 0.05, 0.3, xtol=1e-15))


def _third_order(amplitude_z_km: float, point: Point) -> tuple[Floats, float]:
    """x, z and y rate at the largest |z|, and the period, of Richardson's third-order halo.

    Richardson 1980, Celestial Mechanics 22, 241-253; the letters are his.
    """
    g = _distance_of(point)
    side = -1.0 if point == "l1" else 1.0

    def c(n: int) -> float:
        earth = (1.0 - MU) * g ** (n + 1) / (1.0 + side * g) ** (n + 1)
        return float(((-side) ** n * MU + (-1.0) ** n * earth) / g**3)

    c2, c3, c4 = c(2), c(3), c(4)
    lam = np.sqrt((2.0 - c2 + np.sqrt(9.0 * c2**2 - 8.0 * c2)) / 2.0)
    k = (lam**2 + 1.0 + 2.0 * c2) / (2.0 * lam)
    delta = lam**2 - c2
    d1 = 3.0 * lam**2 / k * (k * (6.0 * lam**2 - 1.0) - 2.0 * lam)
    d2 = 8.0 * lam**2 / k * (k * (11.0 * lam**2 - 1.0) - 2.0 * lam)
    a21 = 3.0 * c3 * (k**2 - 2.0) / (4.0 * (1.0 + 2.0 * c2))
    a22 = 3.0 * c3 / (4.0 * (1.0 + 2.0 * c2))
    a23 = -3.0 * c3 * lam / (4.0 * k * d1) * (3.0 * k**3 * lam - 6.0 * k * (k - lam) + 4.0)
    a24 = -3.0 * c3 * lam / (4.0 * k * d1) * (2.0 + 3.0 * k * lam)
    b21 = -3.0 * c3 * lam / (2.0 * d1) * (3.0 * k * lam - 4.0)
    b22 = 3.0 * c3 * lam / d1
    d21 = -c3 / (2.0 * lam**2)
    p31 = 4.0 * c3 * (k * a23 - b21) + k * c4 * (4.0 + k**2)
    q31 = 3.0 * c3 * (2.0 * a23 - k * b21) + c4 * (2.0 + 3.0 * k**2)
    p32 = 4.0 * c3 * (k * a24 - b22) + k * c4
    q32 = c3 * (k * b22 + d21 - 2.0 * a24) - c4
    low, high = 9.0 * lam**2 + 1.0 - c2, 9.0 * lam**2 + 1.0 + 2.0 * c2
    a31 = -9.0 * lam / (4.0 * d2) * p31 + low / (2.0 * d2) * q31
    a32 = -(9.0 * lam / 4.0 * p32 + 1.5 * low * q32) / d2
    b31 = (
        3.0
        / (8.0 * d2)
        * (8.0 * lam * (3.0 * c3 * (k * b21 - 2.0 * a23) - c4 * (2.0 + 3.0 * k**2)) + high * p31)
    )
    b32 = (9.0 * lam * q32 + 3.0 / 8.0 * high * p32) / d2
    d31 = 3.0 / (64.0 * lam**2) * (4.0 * c3 * a24 + c4)
    d32 = 3.0 / (64.0 * lam**2) * (4.0 * c3 * (a23 - d21) + c4 * (4.0 + k**2))
    scale = 1.0 / (2.0 * lam * (lam * (1.0 + k**2) - 2.0 * k))
    s1 = scale * (
        1.5 * c3 * (2.0 * a21 * (k**2 - 2.0) - a23 * (k**2 + 2.0) - 2.0 * k * b21)
        - 3.0 / 8.0 * c4 * (3.0 * k**4 - 8.0 * k**2 + 8.0)
    )
    s2 = scale * (
        1.5 * c3 * (2.0 * a22 * (k**2 - 2.0) + a24 * (k**2 + 2.0) + 2.0 * k * b22 + 5.0 * d21)
        + 3.0 / 8.0 * c4 * (12.0 - k**2)
    )
    l1 = -1.5 * c3 * (2.0 * a21 + a23 + 5.0 * d21) - 3.0 / 8.0 * c4 * (12.0 - k**2)
    l1 += 2.0 * lam**2 * s1
    l2 = 1.5 * c3 * (a24 - 2.0 * a22) + 9.0 / 8.0 * c4 + 2.0 * lam**2 * s2
    az = amplitude_z_km / (MEAN_DISTANCE_KM * g)
    ax = np.sqrt(max(0.0, (-delta - l2 * az**2) / l1))
    rate = 1.0 + s1 * ax**2 + s2 * az**2
    ends = []
    for sign in (1.0, -1.0):  # the two crossings of the x-z plane, cos(phi) = 1 and -1
        x = a21 * ax**2 + a22 * az**2 - sign * ax + a23 * ax**2 - a24 * az**2
        x += sign * (a31 * ax**3 - a32 * ax * az**2)
        z = sign * az - 2.0 * d21 * ax * az + sign * (d32 * az * ax**2 - d31 * az**3)
        y_rate = sign * k * ax + 2.0 * (b21 * ax**2 - b22 * az**2)
        y_rate += 3.0 * sign * (b31 * ax**3 - b32 * ax * az**2)
        ends.append((g * abs(z), 1.0 - MU + side * g + g * x, g * lam * rate * y_rate))
    height, x, y_rate = max(ends)
    start = np.array([x, height, y_rate])
    start[1] = amplitude_z_km / MEAN_DISTANCE_KM
    return start, 2.0 * np.pi / (lam * rate)
