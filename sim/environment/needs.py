"""What the terminals of a link would need for each of its rates to close."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.environment.budgets import LinkView
from sim.environment.stage import Stage
from sim.errors import ScenarioError
from sim.physics.budgets import LinkNeeds, link_needs
from sim.physics.links import carrier_to_noise_dbhz
from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]
_LOOKS = 20_000
_COMMON = 0.99
"""Share of the time in view that a rate should close for most uses; the rest is the Sun's, or an edge."""


@dataclass(frozen=True, slots=True)
class RateNeeds:
    """One rate of a link over the whole run, while the ends see each other."""

    rate_bps: int
    always: LinkNeeds
    """At the worst instant."""
    mostly: LinkNeeds
    """At the instant that 99 % of the time in view is better than."""
    closes_share: float
    """Share of the time in view in which the rate closes."""


def rate_needs(
    scenario: Scenario, source: str, destination: str, *, stage: Stage | None = None
) -> list[RateNeeds]:
    """What the terminals have and need, for each rate of a link, while the ends see each other.

    Judged at 20,000 instants of the run and, where the Sun passes behind, every two minutes.
    """
    view = LinkView.of(scenario, source, destination, stage)
    looks = list(view.looks(_LOOKS))
    if not looks:
        raise ScenarioError(f"{source} and {destination} never see each other in this run")
    ratios = np.concatenate([carrier_to_noise_dbhz(view.channel, g) + 0.0 * t for t, _, g in looks])
    times, spans = (np.concatenate([look[part] for look in looks]) for part in (0, 1))
    order = np.argsort(ratios)
    shares = np.cumsum(spans[order]) / np.sum(spans)
    worst, common = order[0], order[int(np.searchsorted(shares, 1.0 - _COMMON))]
    always, mostly = (view.geometry(times[[index]]) for index in (worst, common))
    return [
        RateNeeds(
            mode.rate_bps,
            link_needs(view.channel, always, mode.rate_bps),
            link_needs(view.channel, mostly, mode.rate_bps),
            float(np.sum(spans[ratios >= mode.threshold_dbhz]) / np.sum(spans)),
        )
        for mode in view.channel.modes
    ]


def assumed_terminal_values(scenario: Scenario, source: str, destination: str) -> dict[str, str]:
    """Values of a link and of its two terminals that the scenario calls assumed, with the reason."""
    name, to = LinkView.link_between(scenario, source, destination)
    prefixes = [f"links.{name}."]
    for end in (scenario.links[name].from_, to):
        asset, terminal = scenario.resolved_end(end)
        prefixes += [
            f"{group}.{asset}.terminals.{terminal}." for group in ("vehicles", "relays", "stations")
        ]
    return {
        path: text.removeprefix("assumed").lstrip(": ")
        for path, text in scenario.sources.items()
        if text.startswith("assumed")
        and path.startswith(tuple(prefixes))
        and not path.endswith((".kind", ".load_w"))
    }
