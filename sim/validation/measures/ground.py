"""Temperatures of the lunar ground."""

from functools import cache

import numpy as np

from sim.physics.regolith import GroundDay, RegolithParameters, ground_day
from sim.validation.cases import Cases

SOILS = {
    "highland": RegolithParameters(),
    "mare": RegolithParameters(albedo=0.06),
    "change4": RegolithParameters(
        density_surface_kg_m3=471.0,
        conductivity_surface_w_m_k=1.53e-3,
        conductivity_depth_w_m_k=9.37e-3,
        scale_height_m=0.46,
    ),
}
"""Hayne et al. 2017 with its two albedos (0.06 at the Apollo sites), and the soil at the Chang'e-4
site, whose scale height follows from 471 kg/m3 at the surface and 824 on average over 30 cm; Xiao et
al. 2022."""


def ground_temperature_k(cases: Cases, soil: str, latitude_deg: str, which: str) -> float:
    """Temperature of the surface: `noon`, `midnight`, `minimum`, `maximum` or `mean`."""
    day = _day(soil, float(latitude_deg))
    surface = day.temperature_k[:, 0]
    match which:
        case "noon":
            return float(day.at_phase(np.array(0.5)))
        case "midnight":
            return float(day.at_phase(np.array(0.0)))
        case "minimum":
            return float(surface.min())
        case "maximum":
            return float(surface.max())
        case _:
            return float(surface.mean())


def ground_mean_at_depth_k(cases: Cases, soil: str, latitude_deg: str, depth_m: str) -> float:
    """Mean temperature over a lunar day at a depth, linear between the layers."""
    day = _day(soil, float(latitude_deg))
    return float(np.interp(float(depth_m), day.depth_m, day.temperature_k.mean(axis=0)))


@cache
def _day(soil: str, latitude_deg: float) -> GroundDay:
    return ground_day(SOILS[soil], latitude_deg)


MEASURES = (ground_temperature_k, ground_mean_at_depth_k)
