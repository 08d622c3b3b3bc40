"""Who talks to whom: contacts open and close, channels choose a destination, relays take turns."""

from bisect import bisect_right
from collections.abc import Callable, Generator
from math import ceil, inf
from typing import Any

import simpy

from sim.environment import ANY_ATTITUDE, Contact, Environment, Hop
from sim.operations.policies import Option, chosen
from sim.operations.runlog import Event, RunLog
from sim.operations.transport import Channel, Network, Node

_SETTLING_S = 2  # longer than any light time to the Moon and back


class Schedule:
    """The contacts of one hop, found by time."""

    def __init__(self, hop: Hop) -> None:
        self.hop = hop
        self._starts = [contact.start_s for contact in hop.contacts]

    def at(self, now_s: int) -> Contact | None:
        """The contact that is open now."""
        index = bisect_right(self._starts, now_s) - 1
        if index < 0 or now_s >= self.hop.contacts[index].stop_s:
            return None
        return self.hop.contacts[index]


class Traffic:
    """All channels of a run: at every change each one chooses its destination and its rate."""

    def __init__(
        self, environment: Environment, clock: simpy.Environment, network: Network, log: RunLog
    ) -> None:
        self.environment = environment
        self.clock = clock
        self.network = network
        self.log = log
        self.attitudes: dict[str, str] = {}
        """Attitude of each vehicle now."""
        self.listeners: dict[str, Callable[[], None]] = {}
        """What to call when the transmitters of an asset have changed."""
        self._links = environment.scenario.links
        self._schedules = {hop.name: Schedule(hop) for hop in environment.hops}
        self._channels = [(node, channel) for node in network.order for channel in node.channels]
        self._alarm_s = inf

    def follow_contacts(self) -> Generator[simpy.Event, Any, None]:
        """The SimPy process that stops at every edge of a contact or of a rate."""
        duration_s = self.environment.duration_s
        for edge in sorted(e for e in self._edges() if e < duration_s):
            yield self.clock.timeout(edge - self.clock.now)
            self.refresh()

    def _edges(self) -> set[int]:
        return {
            edge
            for hop in self.environment.hops
            for contact in hop.contacts
            for edge in (
                contact.stop_s,
                *(start for steps in contact.steps.values() for start, _ in steps),
            )
        }

    def open_contact(self, link: str, now: int) -> tuple[str, int] | None:
        """The contact of a link that is open now, as (hop, start); None if there is none."""
        for hop in self.environment.hops_of(link):
            contact = self._schedules[hop.name].at(now)
            if contact is not None:
                return hop.name, contact.start_s
        return None

    def refresh(self, asking: str = "") -> None:
        """Settle, then let every channel choose again; assets other than `asking` are told."""
        now = int(self.clock.now)
        self.network.settle(now)
        taken: dict[tuple[str, str], int] = {}
        changed = [
            node.name for node, channel in self._channels if self._retune(node, channel, now, taken)
        ]
        for name in dict.fromkeys(changed):
            if name != asking and name in self.listeners:
                self.listeners[name]()
        self._arm(now)

    def _retune(
        self, node: Node, channel: Channel, now: int, taken: dict[tuple[str, str], int]
    ) -> bool:
        """One channel's choice; whether its transmitter went on or off."""
        was_on, before = channel.is_on, channel.hop
        option = None
        if node.may_transmit and node.has_data:
            option = chosen(self._options(node, channel, now, taken), before, self._policy(channel))
        if option is None:
            channel.is_on = False
            channel.tune(None, None, 0, now)
        else:
            ready_s = channel.ready_s
            if before is not option.hop or channel.contact is not option.contact:
                ready_s = now + self._acquisition_s(channel, option.hop)
            channel.is_on = True
            channel.tune(option.hop, option.contact, option.rate_bps, ready_s)
            taken[_end(option.hop)] = taken.get(_end(option.hop), 0) + 1
        if before is not channel.hop:
            self._note(node, channel, before, now)
        return was_on != channel.is_on

    def _policy(self, channel: Channel) -> str:
        return self._links[channel.link].choose

    def _acquisition_s(self, channel: Channel, hop: Hop) -> int:
        station = self.environment.scenario.stations.get(hop.destination)
        return ceil(self._links[channel.link].acquisition_s) + (station.setup_s if station else 0)

    def _options(
        self, node: Node, channel: Channel, now: int, taken: dict[tuple[str, str], int]
    ) -> list[Option]:
        attitude = self.attitudes.get(node.name, ANY_ATTITUDE)
        options = []
        for hop in channel.hops:
            contact = self._schedules[hop.name].at(now)
            if contact is None or not self._has_place(hop, taken):
                continue
            rate = contact.rate_bps(now, attitude)
            if rate > 0:
                options.append(Option(hop, contact, rate))
        return options

    def _has_place(self, hop: Hop, taken: dict[tuple[str, str], int]) -> bool:
        asset = self.environment.scenario.assets[hop.destination]
        sharing = asset.terminals[hop.destination_terminal].sharing
        return taken.get(_end(hop), 0) < (1 if sharing.access == "time" else sharing.channels)

    def _note(self, node: Node, channel: Channel, before: Hop | None, now: int) -> None:
        after = channel.hop
        self.log.events.append(
            Event(
                now,
                node.name,
                "link",
                channel.link,
                before.destination if before else "",
                after.destination if after else "",
                f"{channel.rate_bps} bps" if after else "",
            )
        )

    def _arm(self, now: int) -> None:
        """Come back when a queue runs empty, so that its transmitter goes off in time."""
        empty_s = min((_empty_s(node, now) for node, _ in self._channels), default=inf)
        if empty_s < min(
            self._alarm_s if self._alarm_s > now else inf, self.environment.duration_s
        ):
            self._alarm_s = empty_s
            self.clock.process(self._come_back(int(empty_s)))

    def _come_back(self, at_s: int) -> Generator[simpy.Event, Any, None]:
        yield self.clock.timeout(at_s - self.clock.now)
        self.refresh()


def _end(hop: Hop) -> tuple[str, str]:
    return hop.destination, hop.destination_terminal


def _empty_s(node: Node, now: int) -> float:
    """When the node has nothing left to send; never while data come in or it sends none."""
    if node.is_fed or not node.has_data:
        return inf
    if node.awaits_data:
        return now + _SETTLING_S
    if node.recorder is None:
        return inf
    rate = sum(channel.data_rate_bps for channel in node.channels if channel.ready_s <= now)
    if rate <= 0.0 or node.recorder.used_bits == 0:
        return inf
    return now + ceil(node.recorder.used_bits / rate) + 1
