"""The Moon's gravity field: fully normalised coefficients and the factors of their recursion."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.constants import MOON_GM_KM3_S2, MOON_RADIUS_KM
from sim.errors import OrbitError

Floats = NDArray[np.float64]

BUILT_IN_DEGREE = 8
BUILT_IN_PATH = Path(__file__).parents[1] / "data" / "moon_gravity_grgm900c_8x8.csv"
# GRGM900C, Lemoine et al. 2014, Geophysical Research Letters 41, 3382.
_BUILT_IN_GM_KM3_S2, _BUILT_IN_RADIUS_KM = 4902.79996708864, 1738.0
_KM_FIELD = 10_000.0  # a SHADR header in metres has a radius above this


@dataclass(frozen=True, eq=False)
class GravityField:
    """Spherical harmonics of the Moon in its principal axes."""

    gm_km3_s2: float
    radius_km: float
    cosines: Floats
    """Fully normalised C, (degree + 1, degree + 1), C[0, 0] = 1."""
    sines: Floats

    @classmethod
    def point_mass(cls) -> "GravityField":
        """Only the Moon's mass."""
        return cls(MOON_GM_KM3_S2, MOON_RADIUS_KM, np.ones((1, 1)), np.zeros((1, 1)))

    @property
    def degree(self) -> int:
        """Highest degree (and order)."""
        return len(self.cosines) - 1

    def truncated(self, degree: int) -> "GravityField":
        """The field up to a degree; only the mass for 0."""
        n = degree + 1
        return GravityField(
            self.gm_km3_s2, self.radius_km, self.cosines[:n, :n].copy(), self.sines[:n, :n].copy()
        )

    @cached_property
    def factors(self) -> Floats:
        """Factors (6, n, n) of the recursion of normalised harmonics and of their gradient.

        Cunningham's recursion (Montenbruck and Gill 2000, eqs. 3.29-3.33) with each term divided by
        its norm, so that no degree overflows: sectorial, upward (2), and towards x-y up, x-y down
        and z.
        """
        size = self.degree + 2
        n, m = (grid.astype(float) for grid in np.mgrid[0:size, 0:size])
        factors = np.zeros((6, size, size))
        with np.errstate(divide="ignore", invalid="ignore"):
            factors[0] = np.sqrt(np.where(m == 1, 2.0, 1.0) * (2 * m + 1) / (2 * m))
            factors[1] = np.sqrt((2 * n + 1) * (2 * n - 1) / ((n - m) * (n + m)))
            factors[2] = np.sqrt(
                (2 * n + 1) * (n + m - 1) * (n - m - 1) / ((2 * n - 3) * (n + m) * (n - m))
            )
            ratio = (2 * n + 1) / (2 * n + 3)
            zonal = np.where(m == 0, 0.5, 1.0)
            factors[3] = np.sqrt(zonal * ratio * (n + m + 1) * (n + m + 2))
            below = np.where(m == 1, 2.0, 1.0)
            factors[4] = 0.5 * np.sqrt(below * ratio * (n - m + 1) * (n - m + 2))
            factors[5] = np.sqrt(ratio * (n + m + 1) * (n - m + 1))
        return np.ascontiguousarray(np.nan_to_num(factors, nan=0.0, posinf=0.0))


def load_field(degree: int, file: Path | None = None) -> GravityField:
    """The built-in field up to degree 8, or that of a SHADR file, up to a degree."""
    if degree == 0 and file is None:
        return GravityField.point_mass()
    field = _built_in() if file is None else read_shadr(file)
    if degree > field.degree:
        source = "the built-in field GRGM900C" if file is None else f"the field {file}"
        raise OrbitError(
            f"degree {degree} is asked of {source}, which goes to {field.degree}; lower the degree"
            + (", or name a SHADR file" if file is None else "")
        )
    return field.truncated(degree)


def read_shadr(path: Path) -> GravityField:
    """A field in the SHADR layout of the PDS: a header line, then n, m, C, S and their errors.

    Header: reference radius, GM, its error, degree, order, 1 for fully normalised, and the
    reference longitude and latitude; kilometres or metres.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        header = [float(cell) for cell in lines[0].replace(",", " ").split()]
        radius, gm, degree = header[0], header[1], int(header[3])
        is_normalised = len(header) < 6 or header[5] == 1.0
        rows = np.array(
            [
                [float(c) for c in line.replace(",", " ").split()[:4]]
                for line in lines[1:]
                if line.strip()
            ]
        )
        degrees, orders = rows[:, 0].astype(int), rows[:, 1].astype(int)
    except (OSError, UnicodeDecodeError) as error:
        raise OrbitError(f"the gravity field {path} is not readable: {error}") from None
    except (ValueError, IndexError) as error:
        raise OrbitError(f"the gravity field {path} is not in the SHADR layout: {error}") from None
    if not is_normalised:
        raise OrbitError(f"the gravity field {path} is not fully normalised, which is needed")
    if radius > _KM_FIELD:
        radius, gm = radius * 1e-3, gm * 1e-9
    if not abs(gm / MOON_GM_KM3_S2 - 1.0) < 1e-3:
        raise OrbitError(f"the gravity field {path} has GM {gm:g} km3/s2, which is not the Moon's")
    return _filled(gm, radius, max(degree, int(degrees.max())), degrees, orders, rows)


def _built_in() -> GravityField:
    rows = np.loadtxt(BUILT_IN_PATH, delimiter=",", comments="#", skiprows=3)
    degrees, orders = rows[:, 0].astype(int), rows[:, 1].astype(int)
    return _filled(_BUILT_IN_GM_KM3_S2, _BUILT_IN_RADIUS_KM, BUILT_IN_DEGREE, degrees, orders, rows)


def _filled(
    gm: float,
    radius: float,
    degree: int,
    degrees: NDArray[np.intp],
    orders: NDArray[np.intp],
    rows: Floats,
) -> GravityField:
    cosines, sines = np.zeros((degree + 1, degree + 1)), np.zeros((degree + 1, degree + 1))
    cosines[degrees, orders], sines[degrees, orders] = rows[:, 2], rows[:, 3]
    cosines[0, 0] = 1.0
    return GravityField(gm, radius, cosines, sines)
