"""Keplerian elements, the axes that they are counted in, and two-body motion."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from sim.constants import EARTH_GM_KM3_S2, EARTH_RADIUS_KM, MOON_GM_KM3_S2, MOON_RADIUS_KM
from sim.errors import OrbitError
from sim.parameters import Parameters, Positive
from sim.sky.ephemeris import Ephemeris
from sim.sky.orbits.orbit import Center

Floats = NDArray[np.float64]
AngleDeg = Annotated[float, Field(ge=-360.0, le=360.0)]
Axes = Literal["mean_earth", "icrf", "moon_orbit"]
GM_KM3_S2: dict[Center, float] = {"moon": MOON_GM_KM3_S2, "earth": EARTH_GM_KM3_S2}
RADIUS_KM: dict[Center, float] = {"moon": MOON_RADIUS_KM, "earth": EARTH_RADIUS_KM}


class ElementsParameters(Parameters):
    """A closed two-body orbit: its size by two heights, or by axis and eccentricity."""

    lowest_height_km: float | None = None
    """Of the perilune (perigee) above the sphere of 1737.4 km (6378.137 km)."""
    highest_height_km: float | None = None
    semi_major_axis_km: Positive | None = None
    eccentricity: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    inclination_deg: Annotated[float, Field(ge=0.0, le=180.0)]
    ascending_node_deg: AngleDeg = 0.0
    argument_of_perilune_deg: AngleDeg = 0.0
    """90 puts the apolune over the south."""
    mean_anomaly_deg: AngleDeg = 0.0
    """At the epoch; 0 at the perilune."""

    @model_validator(mode="after")
    def _has_one_size(self) -> Self:
        heights = self.lowest_height_km is not None, self.highest_height_km is not None
        axis = self.semi_major_axis_km is not None, self.eccentricity is not None
        if not (all(heights) and not any(axis)) and not (all(axis) and not any(heights)):
            raise ValueError(
                "give either lowest_height_km and highest_height_km, or semi_major_axis_km and "
                "eccentricity"
            )
        if all(heights) and self.lowest_height_km > self.highest_height_km:  # type: ignore[operator]
            raise ValueError(
                f"lowest_height_km {self.lowest_height_km:g} is above highest_height_km "
                f"{self.highest_height_km:g}"
            )
        return self

    def size(self, center: Center) -> tuple[float, float]:
        """Semi-major axis in km and eccentricity."""
        if self.semi_major_axis_km is not None and self.eccentricity is not None:
            return self.semi_major_axis_km, self.eccentricity
        low = RADIUS_KM[center] + (self.lowest_height_km or 0.0)
        high = RADIUS_KM[center] + (self.highest_height_km or 0.0)
        return 0.5 * (low + high), (high - low) / (high + low)


def require_clear(parameters: ElementsParameters, center: Center) -> None:
    """Raise `OrbitError` where the perilune lies inside the body."""
    axis_km, eccentricity = parameters.size(center)
    height_km = axis_km * (1.0 - eccentricity) - RADIUS_KM[center]
    if height_km <= 0.0:
        raise OrbitError(
            f"the orbit's lowest point lies {-height_km:.1f} km inside the {center}; raise "
            "lowest_height_km, or lower the eccentricity"
        )


def period_s(semi_major_axis_km: float, center: Center = "moon") -> float:
    """Time of one turn."""
    return float(2.0 * np.pi * np.sqrt(semi_major_axis_km**3 / GM_KM3_S2[center]))


def orbit_axes(frame: Axes, ephemeris: Ephemeris, epoch_s: float) -> Floats:
    """Axes that elements or a state are given in, as they stand at the epoch, to ICRF; (3, 3).

    `mean_earth`: the Moon's equator and prime meridian; `moon_orbit`: z along the momentum of the
    Moon's orbit, x towards the Earth.
    """
    if frame == "icrf":
        return np.eye(3)
    if frame == "mean_earth":
        return ephemeris.rotation(epoch_s).T
    earth, rate = ephemeris.earth_km(epoch_s), ephemeris.earth_km.derivative(epoch_s)
    pole = np.cross(earth, rate)
    x, z = earth / np.linalg.norm(earth), pole / np.linalg.norm(pole)
    return np.column_stack([x, np.cross(z, x), z])


def kepler_states(
    parameters: ElementsParameters, center: Center, since_epoch_s: ArrayLike
) -> tuple[Floats, Floats]:
    """Position (km) and velocity (km/s) in the elements' axes; (3,) or (3, N)."""
    axis_km, e = parameters.size(center)
    rate = np.sqrt(GM_KM3_S2[center] / axis_km**3)
    mean = np.radians(parameters.mean_anomaly_deg) + rate * np.asarray(since_epoch_s, dtype=float)
    anomaly = eccentric_anomaly(mean, e)
    minor = np.sqrt(1.0 - e**2)
    cos, sin = np.cos(anomaly), np.sin(anomaly)
    zero = np.zeros_like(cos)
    position = axis_km * np.array([cos - e, minor * sin, zero])
    velocity = axis_km * rate / (1.0 - e * cos) * np.array([-sin, minor * cos, zero])
    turn = _perifocal_axes(parameters)
    return np.tensordot(turn, position, axes=1), np.tensordot(turn, velocity, axes=1)


def eccentric_anomaly(mean_rad: Floats, eccentricity: float) -> Floats:
    """Solution of Kepler's equation to 1e-15 rad, by Newton's method from pi where e is large."""
    turns = np.round(mean_rad / (2.0 * np.pi)) * 2.0 * np.pi
    mean = mean_rad - turns
    anomaly = mean + np.copysign(0.85 * eccentricity, mean)  # Danby 1987
    for _ in range(50):
        error = anomaly - eccentricity * np.sin(anomaly) - mean
        change = error / (1.0 - eccentricity * np.cos(anomaly))
        anomaly = anomaly - change
        if np.max(np.abs(change), initial=0.0) < 1e-15:
            break
    return np.asarray(anomaly + turns)


def frozen_eccentricity(inclination_deg: float) -> float:
    """Eccentricity of a frozen ellipse about the Moon under the Earth's pull: a first guess.

    `inclination_deg` from the plane of the Moon's orbit, 39.2 to 140.8; e2 = 1 - 5/3 cos2 i (Ely
    2005, Journal of the Astronautical Sciences 53, 301-316), argument of perilune 90 or 270 deg.
    """
    square = 1.0 - 5.0 / 3.0 * np.cos(np.radians(inclination_deg)) ** 2
    if square <= 0.0:
        raise OrbitError(
            f"an ellipse inclined by {inclination_deg:g} deg does not freeze; inclinations from "
            "39.3 to 140.7 deg to the Moon's orbit do"
        )
    return float(np.sqrt(square))


def frozen_elements(
    period_h: float, inclination_deg: float, ascending_node_deg: float = 0.0
) -> ElementsParameters:
    """Elements in `moon_orbit` axes of a frozen ellipse with its apolune over the south."""
    axis_km = (MOON_GM_KM3_S2 * (period_h * 3600.0 / (2.0 * np.pi)) ** 2) ** (1.0 / 3.0)
    elements = ElementsParameters(
        semi_major_axis_km=float(axis_km),
        eccentricity=frozen_eccentricity(inclination_deg),
        inclination_deg=inclination_deg,
        ascending_node_deg=ascending_node_deg,
        argument_of_perilune_deg=90.0,
    )
    require_clear(elements, "moon")
    return elements


def _perifocal_axes(parameters: ElementsParameters) -> Floats:
    node, tilt, argument = np.radians(
        [
            parameters.ascending_node_deg,
            parameters.inclination_deg,
            parameters.argument_of_perilune_deg,
        ]
    )
    cn, sn, ct, st = np.cos(node), np.sin(node), np.cos(tilt), np.sin(tilt)
    ca, sa = np.cos(argument), np.sin(argument)
    return np.array(
        [
            [cn * ca - sn * sa * ct, -cn * sa - sn * ca * ct, sn * st],
            [sn * ca + cn * sa * ct, -sn * sa + cn * ca * ct, -cn * st],
            [sa * st, ca * st, ct],
        ]
    )
