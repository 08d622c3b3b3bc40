"""What stands in the way: limbs, discs and shadows of the Moon, the Earth and the Sun.

Vectors are (3,) or (3, N) in kilometres along any common axes. Signed quantities are positive in
the condition that they are named after and cross zero smoothly at its edge.
"""

import numpy as np
from numpy.typing import NDArray

from sim.constants import SUN_RADIUS_KM
from sim.sky.directions import angle_deg, elevation_deg, range_km

Floats = NDArray[np.float64]


def limb_clearance_km(first_km: Floats, second_km: Floats, radius_km: float) -> Floats:
    """How far the line between two points passes the limb of a sphere at the origin.

    Negative where the sphere blocks the line; the nearest point of the line between the two counts,
    so that a body behind either end blocks nothing.
    """
    along = second_km - first_km
    length2 = np.einsum("i...,i...->...", along, along)
    share = np.clip(-np.einsum("i...,i...->...", first_km, along) / length2, 0.0, 1.0)
    return np.asarray(range_km(first_km + share * along) - radius_km)


def disc_radius_deg(vector_km: Floats, radius_km: float) -> Floats:
    """Angular radius of a sphere at a vector; 90 from its surface."""
    return np.asarray(np.degrees(np.arcsin(np.minimum(1.0, radius_km / range_km(vector_km)))))


def penumbra_deg(sun_km: Floats, body_km: Floats, radius_km: float) -> Floats:
    """Overlap of the discs of the Sun and a body seen from the origin; positive in its penumbra."""
    reach = disc_radius_deg(sun_km, SUN_RADIUS_KM) + disc_radius_deg(body_km, radius_km)
    return np.asarray(reach - angle_deg(sun_km, body_km))


def umbra_deg(sun_km: Floats, body_km: Floats, radius_km: float) -> Floats:
    """How deep the Sun's disc lies behind a body's; positive in its umbra."""
    reach = disc_radius_deg(body_km, radius_km) - disc_radius_deg(sun_km, SUN_RADIUS_KM)
    return np.asarray(reach - angle_deg(sun_km, body_km))


def sun_fraction(sun_km: Floats, body_km: Floats, radius_km: float) -> Floats:
    """Share of the Sun's disc, 0 to 1, that a body's disc leaves free; both seen from the origin.

    Discs are plane circles, which holds to 1e-4 while the body is smaller than 15 deg.
    """
    sun, body = disc_radius_deg(sun_km, SUN_RADIUS_KM), disc_radius_deg(body_km, radius_km)
    return np.asarray(1.0 - _overlap(sun, body, angle_deg(sun_km, body_km)) / (np.pi * sun**2))


def sun_fraction_above(sun_local_km: Floats, mask_deg: Floats) -> Floats:
    """Share of the Sun's disc, 0 to 1, above a mask that is level across the disc."""
    height = elevation_deg(sun_local_km) - mask_deg
    share = np.clip(height / disc_radius_deg(sun_local_km, SUN_RADIUS_KM), -1.0, 1.0)
    return np.asarray(0.5 + (np.arcsin(share) + share * np.sqrt(1.0 - share**2)) / np.pi)


def sun_earth_probe_deg(sun_km: Floats, earth_km: Floats, probe_km: Floats) -> Floats:
    """Angle at the Earth between the Sun and a probe; vectors from one origin."""
    return angle_deg(sun_km - earth_km, probe_km - earth_km)


def sun_probe_earth_deg(sun_km: Floats, earth_km: Floats, probe_km: Floats) -> Floats:
    """Angle at a probe between the Sun and the Earth; vectors from one origin."""
    return angle_deg(sun_km - probe_km, earth_km - probe_km)


def _overlap(first: Floats, second: Floats, apart: Floats) -> Floats:
    """Common area of two circles by their radii and the distance of their centres."""
    small, large = np.minimum(first, second), np.maximum(first, second)
    d = np.clip(apart, large - small + 1e-15, large + small)
    to_small = (d**2 + small**2 - large**2) / (2.0 * d)
    to_large = d - to_small
    area = small**2 * np.arccos(np.clip(to_small / small, -1.0, 1.0))
    area += large**2 * np.arccos(np.clip(to_large / large, -1.0, 1.0))
    area -= d * np.sqrt(np.maximum(0.0, small**2 - to_small**2))
    area = np.where(apart >= large + small, 0.0, area)
    return np.where(apart <= large - small, np.pi * small**2, area)
