"""The world around the vehicles, made before the clock starts and read-only after."""

from sim.environment.compute import compute_environment
from sim.environment.records import (
    ANY_ATTITUDE,
    Contact,
    Environment,
    Hop,
    LunarDay,
    PlaceSky,
)

__all__ = [
    "ANY_ATTITUDE",
    "Contact",
    "Environment",
    "Hop",
    "LunarDay",
    "PlaceSky",
    "compute_environment",
]
