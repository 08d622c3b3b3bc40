"""Bodies and physical constants, each with its source."""

MOON_RADIUS_KM = 1737.4
"""Radius of the reference sphere of heights on the Moon; IAU WGCCRE 2015 (Archinal et al. 2018)."""

EARTH_RADIUS_KM = 6378.137
"""Equatorial radius of the Earth, WGS84; the disc of the Earth in eclipses and occultations."""

SUN_RADIUS_KM = 695_700.0
"""Nominal solar radius, IAU 2015 resolution B3."""

ASTRONOMICAL_UNIT_KM = 149_597_870.7
"""IAU 2012 resolution B2."""

MOON_GM_KM3_S2 = 4902.80011
"""Gravitational parameter of the Moon, DE421 (Folkner, Williams, Boggs 2009)."""

EARTH_GM_KM3_S2 = 398_600.436233
"""Gravitational parameter of the Earth, DE421."""

SUN_GM_KM3_S2 = 132_712_440_040.944
"""Gravitational parameter of the Sun, DE421."""

SPEED_OF_LIGHT_KM_S = 299_792.458
"""Speed of light in vacuum, exact (SI)."""

BOLTZMANN_DBW_HZ_K = -228.5991672
"""Boltzmann's constant 1.380649e-23 J/K (SI, exact) as 10 log10."""

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8
"""Stefan-Boltzmann constant, CODATA 2018."""

SOLAR_IRRADIANCE_W_M2 = 1361.0
"""Total solar irradiance at one astronomical unit; Kopp and Lean 2011, as in Hayne et al. 2017."""

SYNODIC_MONTH_S = 29.53059 * 86400.0
"""Mean synodic month: the mean length of a lunar day."""

DAY_S = 86400.0
"""Seconds of a day."""
