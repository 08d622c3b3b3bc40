"""Which way data flow: return links towards the Earth, forward links towards vehicles."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sim.scenario.assets import LinkInUse, RelayParameters, StationParameters, VehicleParameters


class Linked(Protocol):
    """Assets and the links between them, as a scenario has them."""

    @property
    def links(self) -> Mapping[str, LinkInUse]:
        """By name."""

    @property
    def stations(self) -> Mapping[str, StationParameters]:
        """By name."""

    @property
    def relays(self) -> Mapping[str, RelayParameters]:
        """By name."""

    @property
    def vehicles(self) -> Mapping[str, VehicleParameters]:
        """By name."""

    def resolved_end(self, end: str) -> tuple[str, str]:
        """Asset and terminal of a link end."""


def return_links(scenario: Linked) -> Mapping[str, LinkInUse]:
    """The links that carry data towards the Earth, by name.

    A link from a station, or from a relay to a vehicle, is a forward link: it carries commands.
    """
    return {name: link for name, link in scenario.links.items() if not is_forward(scenario, link)}


def is_forward(scenario: Linked, link: LinkInUse) -> bool:
    """Whether a link carries commands to vehicles and not their data."""
    source, _ = scenario.resolved_end(link.from_)
    if source in scenario.stations:
        return True
    ends = [scenario.resolved_end(end)[0] for end in link.to]
    return source in scenario.relays and all(end in scenario.vehicles for end in ends)


def check_routes(scenario: Linked) -> None:
    """Raise `ValueError` where data would run in a circle, or into a relay that leads nowhere."""
    onward: dict[str, list[tuple[str, str]]] = {}
    for name, link in return_links(scenario).items():
        source, _ = scenario.resolved_end(link.from_)
        onward.setdefault(source, []).extend(
            (name, scenario.resolved_end(end)[0]) for end in link.to
        )
    for vehicle in scenario.vehicles:
        _follow(scenario, onward, vehicle, ())


def _follow(
    scenario: Linked,
    onward: Mapping[str, list[tuple[str, str]]],
    asset: str,
    before: tuple[str, ...],
) -> None:
    if asset in before:
        circle = " to ".join([*before[before.index(asset) :], asset])
        raise ValueError(f"links: data would run in a circle, from {circle}; take one link out")
    for name, destination in onward.get(asset, ()):
        if destination in scenario.stations:
            continue
        if destination not in onward:
            raise ValueError(
                f"links.{name}: there is no route on from '{destination}', which has no link "
                "towards a station; give it one"
            )
        _follow(scenario, onward, destination, (*before, asset))


def check_commands(scenario: Linked, vehicle: str, links: Sequence[str]) -> None:
    """Raise `ValueError` unless the links that command a vehicle lead from a station to it."""
    if not links:
        return
    ends = {
        name: {scenario.resolved_end(end)[0] for end in scenario.links[name].to} for name in links
    }
    for name in links:
        source, _ = scenario.resolved_end(scenario.links[name].from_)
        if source not in scenario.stations and not any(
            source in reached for reached in ends.values()
        ):
            raise ValueError(
                f"vehicles.{vehicle}.commanded_by: '{name}' starts at '{source}', to which none of "
                "the others leads and which is no station; name every link from a station on"
            )
    if not any(vehicle in reached for reached in ends.values()):
        raise ValueError(
            f"vehicles.{vehicle}.commanded_by: none of {', '.join(links)} leads to '{vehicle}'; "
            "name every link from a station to it"
        )
