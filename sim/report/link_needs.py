"""What the links of a run ask of their terminals, as rows of a table."""

from collections.abc import Iterator
from typing import Any

from sim.environment import rate_needs
from sim.environment.stage import Stage, set_stage
from sim.errors import ScenarioError
from sim.scenario.schema import Scenario

HEADER = (
    *("link", "to", "rate, kb/s", "closes, % of view", "spare, dB"),
    *("EIRP has, dBW", "EIRP needs, dBW", "G/T has, dB/K", "G/T needs, dB/K", "spare at worst, dB"),
)
_RATES = 4
"""Highest rates shown of each link."""


def link_needs_rows(scenario: Scenario) -> list[list[Any]]:
    """For the highest rates of each link: what the terminals have, and need for 99 % of the view."""
    stage = set_stage(scenario)
    return [
        row
        for name, link in scenario.links.items()
        for to in link.to
        for row in _rows(scenario, stage, name, link.from_, to)
    ]


def _rows(scenario: Scenario, stage: Stage, name: str, from_: str, to: str) -> Iterator[list[Any]]:
    try:
        needs = rate_needs(scenario, from_, to, stage=stage)
    except ScenarioError:
        yield [name, to, "never in view", *[""] * (len(HEADER) - 3)]
        return
    for need in needs[: -_RATES - 1 : -1]:
        mostly = need.mostly
        figures = (
            *(100.0 * need.closes_share, mostly.spare_db, mostly.eirp_dbw, mostly.needed_eirp_dbw),
            *(mostly.g_over_t_db_k, mostly.needed_g_over_t_db_k, need.always.spare_db),
        )
        yield [name, to, f"{need.rate_bps / 1e3:g}", *(f"{figure:.1f}" for figure in figures)]
