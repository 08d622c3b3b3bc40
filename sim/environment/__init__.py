"""The world around the vehicles, made before the clock starts and read-only after."""

from sim.environment.budgets import LinkSeries, link_budget, link_series
from sim.environment.compute import compute_environment
from sim.environment.records import (
    ANY_ATTITUDE,
    Contact,
    Environment,
    Frame,
    Hop,
    LunarDay,
    PlaceSky,
    TerminalUse,
)
from sim.physics.budgets import LinkBudget

__all__ = [
    "ANY_ATTITUDE",
    "Contact",
    "Environment",
    "Frame",
    "Hop",
    "LinkBudget",
    "LinkSeries",
    "LunarDay",
    "PlaceSky",
    "TerminalUse",
    "compute_environment",
    "link_budget",
    "link_series",
]
