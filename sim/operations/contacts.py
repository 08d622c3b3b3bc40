"""Who talks to whom: contacts open and close, channels choose a destination, relays take turns."""

from collections.abc import Callable, Generator, Sequence
from math import ceil, inf
from typing import Any

import simpy

from sim.environment import ANY_ATTITUDE, Environment, Hop
from sim.operations.channels import Channel
from sim.operations.offers import Offers, Options, contact_at, edges_s
from sim.operations.policies import Option, chosen
from sim.operations.runlog import Event, RunLog, Wait
from sim.operations.sharing import Terminals, contended_links
from sim.operations.transport import Network, Node

_NOTHING = (None, False)
_SETTLING_S = 2  # longer than any light time to the Moon and back


Sight = tuple[object, bool]
"""What a channel would choose, or may choose from, and whether data come in."""


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
        self._offers: dict[str, dict[str, Offers]] = {hop.link: {} for hop in environment.hops}
        self._channels = [(node, channel) for node in network.order for channel in node.channels]
        self._alarm_s = inf
        self._seen: list[Sight] = []
        """What the channels chose by when they last chose."""
        self._contended = contended_links(channel.hops for _, channel in self._channels)
        self._terminals = Terminals(environment)
        self._waiting: dict[str, int] = {}
        """Since when a link waits for a free terminal."""

    def follow_contacts(self) -> Generator[simpy.Event, Any, None]:
        """The SimPy process that stops wherever the sky may change a choice."""
        edges: set[int] = set()
        for _, channel in self._channels:
            rates_matter = self._links[channel.link].choose == "highest_rate"
            edges |= edges_s(channel.hops, rates_matter, channel.link in self._contended)
        for edge in sorted(edges):
            if edge >= self.environment.duration_s:
                return
            yield self.clock.timeout(edge - self.clock.now)
            self.refresh()

    def open_contact(self, link: str, now: int) -> tuple[str, int] | None:
        """The contact over a link that is open now, as (hop, start); None if there is none."""
        for hop in self.environment.hops_over(link):
            contact = contact_at(hop, now)
            if contact is not None:
                return hop.name, contact.start_s
        return None

    def refresh(self, asking: str = "") -> None:
        """Let every channel choose again if what it chooses by has changed.

        Assets other than `asking` are told whose transmitters have gone on or off.
        """
        now = int(self.clock.now)
        if self._sights(now) != self._seen:
            self._choose(now, asking)
            self._seen = self._sights(now)

    def _sights(self, now: int) -> list[Sight]:
        """What the choice of each channel depends on.

        Where data flow, a queue is looked at as it was last settled: when it runs empty is
        foreseen, so that no instant has to be settled in which nothing changes.
        """
        return [
            (self._wish(node, channel, now), node.is_fed)
            if node.may_transmit and node.has_data
            else _NOTHING
            for node, channel in self._channels
        ]

    def _wish(self, node: Node, channel: Channel, now: int) -> object:
        """What the channel would choose now, or may choose from where others compete with it.

        Its rate is no part of it: a channel follows the rates of its contact by itself.
        """
        options = self._options(node, channel, now)
        if channel.link in self._contended:
            return options
        option = chosen(options, channel.hop, self._links[channel.link].choose)
        return None if option is None else (option.hop, option.contact, self._attitude(node))

    def _choose(self, now: int, asking: str) -> None:
        """Settle, then let every channel choose again."""
        self.network.settle(now)
        self._terminals.release(
            (channel.hop, channel.contact, now) for _, channel in self._channels if channel.is_on
        )
        changed = [
            node.name for node, channel in self._channels if self._retune(node, channel, now)
        ]
        changed += [
            node.name
            for node, channel in self._channels
            if channel.link in self._waiting and self._retune(node, channel, now)
        ]  # those after them in the order may have let a terminal go
        changed += [
            node.name
            for node, channel in self._channels
            if channel.link in self._contended
            and channel.hop is not None
            and channel.take_turns(self._terminals.turns(channel.hop))
        ]
        for name in dict.fromkeys(changed):
            if name != asking and name in self.listeners:
                self.listeners[name]()
        self._arm(now)

    def _retune(self, node: Node, channel: Channel, now: int) -> bool:
        """One channel's choice; whether its transmitter went on or off."""
        was_on, before = channel.is_on, channel.hop
        may_send = node.may_transmit and node.has_data
        if before is None and not (may_send or channel.link in self._waiting):
            return False
        self._terminals.unhold(before)
        option = None
        waits = False
        if may_send:
            offers = self._options(node, channel, now)
            free: Sequence[Option] = offers
            if channel.link in self._contended:
                free = [offer for offer in offers if self._terminals.has_place(offer.hop, now)]
            waits = bool(offers) and not free
            option = chosen(free, before, self._links[channel.link].choose)
        self._note_wait(channel.link, waits, now)
        if option is None:
            channel.turn_off()
        else:
            pointed_s = self._terminals.pointed_s(option.hop, option.contact, now)
            channel.tune(option.hop, option.contact, self._attitude(node), now, pointed_s)
            self._terminals.take(option.hop)
        if before is not channel.hop:
            self._note(node, channel, before, now)
        return was_on != channel.is_on

    def _options(self, node: Node, channel: Channel, now: int) -> Options:
        """What the channel is offered now in the attitude of its node."""
        attitude = self._attitude(node)
        offers = self._offers[channel.link]
        if attitude not in offers:
            offers[attitude] = Offers(channel.hops, attitude)
        return offers[attitude].at(now)

    def _attitude(self, node: Node) -> str:
        """Attitude of a vehicle now; relays have one."""
        return self.attitudes.get(node.name, ANY_ATTITUDE)

    def _note_wait(self, link: str, waits: bool, now: int) -> None:
        since_s = self._waiting.get(link)
        if waits and since_s is None:
            self._waiting[link] = now
        elif not waits and since_s is not None:
            del self._waiting[link]
            if now > since_s:
                self.log.waits.append(Wait(link, since_s, now))

    def close(self) -> None:
        """Write down what still goes on at the end of the run."""
        for link in list(self._waiting):
            self._note_wait(link, False, self.environment.duration_s)

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
        sending = [node for node, channel in self._channels if channel.is_on]
        empty_s = min((_empty_s(node, now) for node in sending), default=inf)
        if empty_s < min(
            self._alarm_s if self._alarm_s > now else inf, self.environment.duration_s
        ):
            self._alarm_s = empty_s
            self.clock.process(self._come_back(int(empty_s)))

    def _come_back(self, at_s: int) -> Generator[simpy.Event, Any, None]:
        yield self.clock.timeout(at_s - self.clock.now)
        self._seen = []  # time alone has emptied a queue
        self.refresh()


def _empty_s(node: Node, now: int) -> float:
    """When the node has nothing left to send; never while data come in or it sends none."""
    if node.is_fed or not node.has_data:
        return inf
    if node.awaits_data:
        return now + _SETTLING_S
    empty_s = node.reaches_s(0.0, "falling", now)
    return ceil(empty_s) + 1 if empty_s < inf else inf
