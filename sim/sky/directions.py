"""Azimuth, elevation, range and their rates from vectors; one instant or many.

A local vector has shape (3,) or (3, N): east, north and up in kilometres.
"""

import numpy as np
from numpy.typing import NDArray

from sim.constants import SPEED_OF_LIGHT_KM_S

Floats = NDArray[np.float64]


def azimuth_deg(local_km: Floats) -> Floats:
    """Azimuth from north through east, 0 to 360."""
    return np.asarray(np.degrees(np.arctan2(local_km[0], local_km[1])) % 360.0)


def elevation_deg(local_km: Floats) -> Floats:
    """Elevation above the local horizontal plane, -90 to 90; no refraction."""
    level = np.hypot(local_km[0], local_km[1])
    return np.asarray(np.degrees(np.arctan2(local_km[2], level)))


def range_km(vector_km: Floats) -> Floats:
    """Length of the vector."""
    return np.asarray(np.sqrt(np.einsum("i...,i...->...", vector_km, vector_km)))


def range_rate_km_s(vector_km: Floats, velocity_km_s: Floats) -> Floats:
    """Rate of the vector's length, positive when it grows."""
    return np.asarray(np.einsum("i...,i...->...", vector_km, velocity_km_s) / range_km(vector_km))


def angle_deg(first: Floats, second: Floats) -> Floats:
    """Angle between two vectors, 0 to 180; by the arc tangent, good at both ends."""
    across = range_km(np.cross(first, second, axis=0))
    along = np.einsum("i...,i...->...", first, second)
    return np.asarray(np.degrees(np.arctan2(across, along)))


def aberrated_km(vector_km: Floats, velocity_km_s: Floats) -> Floats:
    """A vector turned to where light along it is seen by an observer in motion; its length is kept.

    `velocity_km_s` is the observer's, from the solar system's barycentre. Stellar aberration with
    its relativistic part; Murray 1981, MNRAS 195, 639, as in NOVAS and Skyfield.
    """
    direction = vector_km / range_km(vector_km)
    beta = velocity_km_s / SPEED_OF_LIGHT_KM_S
    slowing = np.sqrt(1.0 - np.einsum("i...,i...->...", beta, beta))
    along = np.einsum("i...,i...->...", direction, beta)
    seen = slowing * direction + (1.0 + along / (1.0 + slowing)) * beta
    return np.asarray(seen * (range_km(vector_km) / (1.0 + along)))


def longitude_latitude_deg(fixed_km: Floats) -> tuple[Floats, Floats]:
    """East longitude (-180 to 180) and latitude of a vector in body-fixed axes."""
    longitude = np.degrees(np.arctan2(fixed_km[1], fixed_km[0]))
    latitude = np.degrees(np.arctan2(fixed_km[2], np.hypot(fixed_km[0], fixed_km[1])))
    return np.asarray(longitude), np.asarray(latitude)


def surface_distance_km(
    first: tuple[float, float], second: tuple[float, float], radius_km: float
) -> float:
    """Length of the great circle between two (latitude_deg, longitude_deg) on a sphere.

    By the haversine, which keeps its digits over metres.
    """
    (phi, lam), (phi2, lam2) = np.radians(first), np.radians(second)
    half = np.sin(0.5 * (phi2 - phi)) ** 2
    half += np.cos(phi) * np.cos(phi2) * np.sin(0.5 * (lam2 - lam)) ** 2
    return float(2.0 * radius_km * np.arcsin(np.sqrt(half)))
