"""The Earth's atmosphere on a path to a ground station: attenuation and its own noise.

Flat layers: the path grows as 1/sin(elevation), within 1 % of a curved atmosphere above 10 deg and
4 % at 5 deg; lower elevations are taken as 2 deg.
"""

from itertools import pairwise
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from sim.parameters import Fraction, NonNegative, Parameters

Floats = NDArray[np.float64]

_LOWEST_DEG = 2.0


class AtmosphereParameters(Parameters):
    """Zenith attenuation of one station and band by weather: the share of time that is no worse."""

    weather: Fraction = 0.9
    """Cumulative distribution (CD) of the weather that links are computed for."""
    distribution: Annotated[tuple[Fraction, ...], Field(min_length=1)]
    zenith_attenuation_db: Annotated[tuple[NonNegative, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        if len(self.distribution) != len(self.zenith_attenuation_db):
            raise ValueError(
                f"the atmosphere has {len(self.distribution)} values of distribution and "
                f"{len(self.zenith_attenuation_db)} of zenith_attenuation_db; give one each"
            )
        if any(after <= before for before, after in pairwise(self.distribution)):
            raise ValueError("the atmosphere's distribution is not sorted; sort its rows")
        if not self.distribution[0] <= self.weather <= self.distribution[-1]:
            raise ValueError(
                f"weather {self.weather:g} is outside the atmosphere's rows from "
                f"{self.distribution[0]:g} to {self.distribution[-1]:g}; choose one inside"
            )
        return self


def zenith_attenuation_db(atmosphere: AtmosphereParameters) -> float:
    """Attenuation straight up in the chosen weather, linear between the rows."""
    rows = atmosphere.zenith_attenuation_db
    return float(np.interp(atmosphere.weather, atmosphere.distribution, rows))


def attenuation_db(atmosphere: AtmosphereParameters | None, elevation_deg: ArrayLike) -> Floats:
    """Attenuation along the path: A(zenith) / sin(elevation); DSN 810-005 module 105, any shape."""
    elevation = np.maximum(np.asarray(elevation_deg, dtype=float), _LOWEST_DEG)
    if atmosphere is None:
        return np.zeros(elevation.shape)
    return np.asarray(zenith_attenuation_db(atmosphere) / np.sin(np.radians(elevation)))


def mean_temperature_k(weather: float) -> float:
    """Effective physical temperature of the atmosphere: 255 + 25 CD; DSN 810-005 module 105."""
    return 255.0 + 25.0 * weather


def atmosphere_noise_k(atmosphere: AtmosphereParameters, elevation_deg: ArrayLike) -> Floats:
    """Noise that the atmosphere radiates into the antenna: Tp (1 - 1/L); DSN 810-005 module 105."""
    through = transmission(atmosphere, elevation_deg)
    return mean_temperature_k(atmosphere.weather) * (1.0 - through)


def transmission(atmosphere: AtmosphereParameters | None, elevation_deg: ArrayLike) -> Floats:
    """Share of the power that passes: 1/L."""
    return np.asarray(10.0 ** (-0.1 * attenuation_db(atmosphere, elevation_deg)))
