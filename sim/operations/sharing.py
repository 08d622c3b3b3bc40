"""Terminals in common: channels, beams, turns, and the time that they need for another direction."""

from collections.abc import Iterable, Sequence
from math import ceil, isnan

import numpy as np

from sim.environment import Contact, Environment, Hop, TerminalUse
from sim.physics.antennas import (
    FixedPointing,
    GainAntenna,
    GimbalPointing,
    half_power_beamwidth_deg,
    separation_deg,
    slew_s,
)
from sim.physics.terminals import TerminalParameters

Key = tuple[str, str]


class Terminals:
    """Who uses which terminal now, and who used it last.

    A link keeps its terminals until its contact ends or it has nothing left to send; others take
    what is free, upstream links first, else in the order of the file. Directions are compared when something
    changes, not while users drift apart within a contact; the attitude of a vehicle is left out,
    because it turns both directions alike.
    """

    def __init__(self, environment: Environment) -> None:
        self._assets = environment.scenario.assets
        self._stations = environment.scenario.stations
        self._now: dict[Key, list[TerminalUse]] = {}
        self._held: list[Hop] = []
        self._last: dict[Key, tuple[TerminalUse, Contact, int]] = {}

    def release(self, uses: Iterable[tuple[Hop | None, Contact | None, int]]) -> None:
        """Let everybody go; `uses` says which hops were at work until now.

        Places of those whose contact goes on are held until they choose again.
        """
        self._now.clear()
        self._held = []
        for hop, contact, now in uses:
            if hop is not None and contact is not None:
                for use in hop.uses:
                    self._last[_key(use)] = use, contact, now
                if contact.stop_s > now:
                    self._held.append(hop)

    def take(self, hop: Hop) -> None:
        """Put the terminals of a hop to work."""
        for use in hop.uses:
            self._now.setdefault(_key(use), []).append(use)

    def unhold(self, hop: Hop | None) -> None:
        """Let the place of a hop go, because its link chooses now."""
        if self._held:
            self._held = [held for held in self._held if held is not hop]

    def has_place(self, hop: Hop, now: int) -> bool:
        """Whether every terminal of a hop has a channel and a beam left for it."""
        held = [use for other in self._held for use in other.uses]
        return all(self._takes(use, held, now) for use in hop.uses)

    def _takes(self, use: TerminalUse, held: Sequence[TerminalUse], now: int) -> bool:
        key = _key(use)
        others = self._now.get(key, [])
        if held:
            others = others + [other for other in held if _key(other) == key]
        if not others:
            return True
        terminal = self._terminal(use)
        sharing = terminal.sharing
        if sharing.access == "time":
            return True  # each has the whole terminal in its turn
        if sum(other.role == use.role for other in others) >= sharing.channels:
            return False
        beams = _beams(terminal)
        if beams is None or len(others) < beams:  # even if each had a beam of its own
            return True
        if any(self._in_one_beam(use, other, now) for other in others):
            return True
        leaders: list[TerminalUse] = []
        for other in others:
            if not any(self._in_one_beam(other, leader, now) for leader in leaders):
                leaders.append(other)
        return len(leaders) < beams

    def _in_one_beam(self, use: TerminalUse, leader: TerminalUse, now: int) -> bool:
        if use.other_end == leader.other_end:
            return True
        antenna = self._terminal(use).antenna
        highest_hz = max(use.frequency_hz, leader.frequency_hz)
        apart = separation_deg(*_direction_deg(use, now), *_direction_deg(leader, now))
        return float(apart) <= 0.5 * half_power_beamwidth_deg(antenna, highest_hz)

    def turns(self, hop: Hop) -> int:
        """Users that share a hop in turn at its busiest terminal, itself counted."""
        return max(self._turns(use) for use in hop.uses)

    def _turns(self, use: TerminalUse) -> int:
        users = self._now[_key(use)]
        sharing = self._terminal(use).sharing
        alike = sum(user.role == use.role for user in users)
        other = len(users) - alike
        if sharing.access == "frequency":
            alike, other = 1, min(other, 1)
        return alike + (other if sharing.duplex == "half" else 0)

    def pointed_s(self, hop: Hop, contact: Contact, now: int) -> int:
        """When all terminals of a hop look along it and are set up, from now on."""
        return max(self._pointed_s(use, contact, now) for use in hop.uses)

    def _pointed_s(self, use: TerminalUse, contact: Contact, now: int) -> int:
        """A terminal that is free turns ahead of the contact; a station sets up once it has begun."""
        key = _key(use)
        if self._now.get(key):
            return now
        last = self._last.get(key)
        if last is not None and last[0] is use and last[1] is contact:
            return now
        ready_s = 0 if last is None else self._turned_s(use, *last, now)
        station = self._stations.get(use.asset)
        if station is not None:
            ready_s = max(ready_s, contact.start_s) + station.setup_s
        return max(now, ready_s)

    def _turned_s(
        self, use: TerminalUse, before: TerminalUse, _: Contact, left_s: int, now: int
    ) -> int:
        """When a gimbal has turned away from what it looked at until `left_s`."""
        pointing = self._terminal(use).antenna.pointing
        if before.other_end == use.other_end or not isinstance(pointing, GimbalPointing):
            return left_s
        turn_s = slew_s(pointing, *_direction_deg(before, left_s), *_direction_deg(use, now))
        return left_s + (0 if isnan(turn_s) else ceil(turn_s))  # a contact plan has no directions

    def _terminal(self, use: TerminalUse) -> TerminalParameters:
        return self._assets[use.asset].terminals[use.terminal]


def contended_links(hops_by_link: Iterable[Sequence[Hop]]) -> set[str]:
    """The links that use some terminal which another link uses too."""
    users: dict[Key, set[str]] = {}
    for hops in hops_by_link:
        for hop in hops:
            for use in hop.uses:
                users.setdefault(_key(use), set()).add(hop.link)
    return {link for links in users.values() if len(links) > 1 for link in links}


def _key(use: TerminalUse) -> Key:
    return use.asset, use.terminal


def _beams(terminal: TerminalParameters) -> int | None:
    """Directions at the same time; none where the antenna sets no limit."""
    antenna = terminal.antenna
    if terminal.sharing.beams is not None:
        return terminal.sharing.beams
    is_even = isinstance(antenna, GainAntenna) and antenna.beamwidth_deg is None
    return None if is_even or isinstance(antenna.pointing, FixedPointing) else 1


def _direction_deg(use: TerminalUse, t_s: int) -> tuple[float, float]:
    """Azimuth and elevation of the other end in the terminal's own axes."""
    east, north, up = use.other_end_km(np.array([float(t_s)]))[:, 0]
    return (
        float(np.degrees(np.arctan2(east, north))),
        float(np.degrees(np.arctan2(up, np.hypot(east, north)))),
    )
