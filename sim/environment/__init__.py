"""The world around the vehicles, made before the clock starts and read-only after."""

from sim.environment.budgets import LinkSeries, link_budget, link_series, link_series_over
from sim.environment.compute import compute_environment
from sim.environment.needs import (
    RateNeeds,
    assumed_terminal_values,
    rate_needs,
)
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
from sim.environment.sightings import Sighting
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
    "RateNeeds",
    "Sighting",
    "TerminalUse",
    "assumed_terminal_values",
    "compute_environment",
    "link_budget",
    "link_series",
    "link_series_over",
    "rate_needs",
]
