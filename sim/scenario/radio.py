"""The links of a scenario as the channels of physics, and what looks odd about them."""

from collections.abc import Iterator

from sim.errors import ScenarioError
from sim.physics.links import Channel, link_warnings
from sim.scenario.assets import LinkInUse
from sim.scenario.schema import Scenario


def channel_of(scenario: Scenario, name: str, link: LinkInUse, to: str) -> Channel:
    """The physics of a link to one of its destinations; `ScenarioError` where the ends do not fit."""
    try:
        return Channel.of(
            link, scenario.terminal(link.from_), scenario.terminal(to), scenario.codes, to
        )
    except ValueError as error:
        raise ScenarioError(f"{scenario.path}: links.{name}: {error}") from None


def scenario_warnings(scenario: Scenario) -> Iterator[str]:
    """What is unusual about a scenario, and allowed; each said once."""
    senders = {scenario.resolved_end(link.from_)[0] for link in scenario.links.values()}
    for name, vehicle in scenario.vehicles.items():
        if vehicle.recorder is not None and name not in senders and scenario.contact_plan is None:
            yield f"vehicles.{name} is the source of no link; what it records stays on board"
    yield from scenario_link_warnings(scenario)


def scenario_link_warnings(scenario: Scenario) -> Iterator[str]:
    """What is unusual about the links of a scenario, and allowed; each said once."""
    for name, link in scenario.links.items():
        found = [
            warning
            for to in link.to
            for warning in link_warnings(channel_of(scenario, name, link, to))
        ]
        yield from (f"links.{name}: {warning}" for warning in dict.fromkeys(found))
