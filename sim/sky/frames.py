"""Rotation matrices between the frames of the sky; each turns coordinates, not bodies.

Matrices of many instants have shape (3, 3, N), as in Skyfield: `einsum("ij...,j...->i...")`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ARCSECOND_RAD = np.pi / 648_000.0

PRINCIPAL_AXES_TO_MEAN_EARTH_ARCSEC = (67.92, 78.56, 0.30)
"""Angles about z, y and x from DE421's principal axes to its mean-Earth axes.

Williams, Boggs and Folkner 2008, JPL IOM 335-JW,DB,WF-20080314-001, as typed in NAIF's frame
kernel `moon_080317.tf` for MOON_ME_DE421. A frame kernel gives the turn from the frame that it
defines to the one that it refers to, mean Earth to principal axes here, so the signs change below.
"""


def about_x(angle_rad: ArrayLike) -> Floats:
    """Coordinates in axes turned by `angle_rad` about x; (3, 3) or (3, 3, N)."""
    c, s, one, zero = _parts(angle_rad)
    return np.array([[one, zero, zero], [zero, c, s], [zero, -s, c]])


def about_y(angle_rad: ArrayLike) -> Floats:
    """Coordinates in axes turned by `angle_rad` about y; (3, 3) or (3, 3, N)."""
    c, s, one, zero = _parts(angle_rad)
    return np.array([[c, zero, -s], [zero, one, zero], [s, zero, c]])


def about_z(angle_rad: ArrayLike) -> Floats:
    """Coordinates in axes turned by `angle_rad` about z; (3, 3) or (3, 3, N)."""
    c, s, one, zero = _parts(angle_rad)
    return np.array([[c, s, zero], [-s, c, zero], [zero, zero, one]])


def _parts(angle_rad: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    angle = np.asarray(angle_rad, dtype=float)
    return np.cos(angle), np.sin(angle), np.ones_like(angle), np.zeros_like(angle)


def principal_to_mean_earth() -> Floats:
    """Moon's principal axes to mean-Earth axes; (3, 3)."""
    z, y, x = (angle * ARCSECOND_RAD for angle in PRINCIPAL_AXES_TO_MEAN_EARTH_ARCSEC)
    return np.asarray(about_x(-x) @ about_y(-y) @ about_z(-z))


def euler(angles_rad: Floats) -> Floats:
    """ICRF to a body's axes by the angles (3, ...) about z, x and z (node, tilt, spin).

    Written out because the products of three stacks of matrices cost five times as much.
    """
    cn, ct, cs = np.cos(angles_rad)
    sn, st, ss = np.sin(angles_rad)
    return np.array(
        [
            [cs * cn - ss * ct * sn, cs * sn + ss * ct * cn, ss * st],
            [-ss * cn - cs * ct * sn, -ss * sn + cs * ct * cn, cs * st],
            [st * sn, -st * cn, ct],
        ]
    )


def applied(rotation: Floats, vector: Floats) -> Floats:
    """The vector in the rotated axes; `rotation` (3, 3, ...) on `vector` (3, ...)."""
    return np.asarray(np.einsum("ij...,j...->i...", rotation, vector))


def undone(rotation: Floats, vector: Floats) -> Floats:
    """The vector in the axes before the rotation: its transpose, applied."""
    return np.asarray(np.einsum("ji...,j...->i...", rotation, vector))


def east_north_up(latitude_deg: float, longitude_deg: float) -> Floats:
    """Body-fixed axes to local east, north and up; (3, 3)."""
    lat, lon = np.radians([latitude_deg, longitude_deg])
    sin_lat, cos_lat, sin_lon, cos_lon = np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)
    return np.array(
        [
            [-sin_lon, cos_lon, 0.0],
            [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        ]
    )
