"""Contact plans in the format of ION: read as the only source of a scenario's contacts.

The format is that of ionrc(5) of NASA's Interplanetary Overlay Network:
`a contact START STOP FROM TO RATE [CONFIDENCE]` with the rate in bytes per second, and
`a range START STOP ONE OTHER DISTANCE` in light seconds, which holds in both directions where ONE
is the lower number. Times are `yyyy/mm/dd-hh:mm:ss` in UTC, or `+SECONDS` after the reference
time: the start of the scenario, unless a line `@ TIME` sets another. Lines that only manage a node
are passed over; what deletes or changes contacts, or has no times, is refused.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.clock import Clock
from sim.constants import SPEED_OF_LIGHT_KM_S
from sim.environment.records import ANY_ATTITUDE, Contact, Frame, Hop, TerminalUse
from sim.errors import ScenarioError, SimError
from sim.intervals import Intervals
from sim.physics.links import Channel
from sim.scenario.radio import channel_of
from sim.scenario.schema import Scenario
from sim.track import Track

Floats = NDArray[np.float64]

BITS_PER_BYTE = 8
_ABSOLUTE = re.compile(r"(\d{4})/(\d{2})/(\d{2})-(\d{2}):(\d{2}):(\d{2})")
_MANAGEMENT = frozenset("1sevm^xli?hq")
_REGISTRATION = "-1"
_CONTACT_WORDS, _RANGE_WORDS = (5, 6), (5,)


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """A line `a contact`; whole seconds since the scenario's start, half-open."""

    line: int
    start_s: int
    stop_s: int
    source: int
    destination: int
    rate_bps: int


@dataclass(frozen=True, slots=True)
class PlannedRange:
    """A line `a range`."""

    line: int
    start_s: int
    stop_s: int
    one: int
    other: int
    distance_s: float
    """Light seconds."""


@dataclass(frozen=True, slots=True)
class ContactPlan:
    """The contacts and ranges of a file, in its order."""

    label: str
    contacts: tuple[PlannedContact, ...]
    ranges: tuple[PlannedRange, ...]


def read_plan(path: Path, clock: Clock) -> ContactPlan:
    """The contact plan of a file; `ScenarioError` with file and line for what cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path} is not a text in UTF-8; a contact plan is a text") from None
    return parse_plan(text, str(path), clock)


def parse_plan(text: str, label: str, clock: Clock) -> ContactPlan:
    """The contact plan of a text; `label` names it in messages."""
    reader = _Reader(clock)
    for number, line in enumerate(text.splitlines(), 1):
        try:
            reader.read(number, line.split())
        except SimError as error:
            raise ScenarioError(f"{label}:{number}: {error}") from None
    _check_overlaps(reader.contacts, label)
    return ContactPlan(label, tuple(reader.contacts), tuple(reader.ranges))


class _Reader:
    """Takes the lines of a plan one after the other."""

    def __init__(self, clock: Clock) -> None:
        self.contacts: list[PlannedContact] = []
        self.ranges: list[PlannedRange] = []
        self._clock = clock
        self._reference_s = 0

    def read(self, number: int, words: Sequence[str]) -> None:
        """One line; raises `SimError`, without the place, where it is malformed."""
        if not words or words[0].startswith("#"):
            return
        if words[0] == "@":
            self._reference_s = self._time_s(_only(words[1:], "time"))
        elif words[:2] == ["a", "contact"]:
            self._contact(number, words[2:])
        elif words[:2] == ["a", "range"]:
            self._range(number, words[2:])
        elif words[0] not in _MANAGEMENT:
            raise SimError(
                f"'{' '.join(words[:2])}' is not a line of a contact plan; it takes 'a contact', "
                "'a range', '@' and comments"
            )

    def _contact(self, number: int, words: Sequence[str]) -> None:
        if len(words) not in _CONTACT_WORDS:
            raise SimError(
                f"'a contact' takes START STOP FROM TO RATE [CONFIDENCE], not {len(words)} values"
            )
        if words[0] == _REGISTRATION:
            return  # the node is a member of the region: no time, no data
        if words[1] == "0":
            raise SimError("a hypothetical contact (stop time 0) has no times; leave it out")
        start_s, stop_s = self._span_s(words)
        source, destination = _node(words[2]), _node(words[3])
        if source == destination:
            raise SimError(f"node {source} has a contact with itself")
        rate = _whole(words[4], "a rate in bytes per second")
        if rate < 1:
            raise SimError("the rate is 0 bytes per second; it must be above 0")
        if len(words) == _CONTACT_WORDS[1]:
            _confidence(words[5])
        row = start_s, stop_s, source, destination, rate * BITS_PER_BYTE
        self.contacts.append(PlannedContact(number, *row))

    def _range(self, number: int, words: Sequence[str]) -> None:
        if len(words) not in _RANGE_WORDS:
            raise SimError(
                f"'a range' takes START STOP ONE OTHER DISTANCE, not {len(words)} values"
            )
        distance_s = _number(words[4], "a distance in light seconds")
        row = *self._span_s(words), _node(words[2]), _node(words[3]), distance_s
        self.ranges.append(PlannedRange(number, *row))

    def _span_s(self, words: Sequence[str]) -> tuple[int, int]:
        start_s, stop_s = self._time_s(words[0]), self._time_s(words[1])
        if stop_s <= start_s:
            raise SimError(f"it stops at {words[1]}, not after its start at {words[0]}")
        return start_s, stop_s

    def _time_s(self, word: str) -> int:
        if word.startswith("+"):
            return self._reference_s + _whole(word[1:], "a number of seconds")
        match = _ABSOLUTE.fullmatch(word)
        if match is None:
            raise SimError(f"'{word}' is not a time; write +SECONDS or yyyy/mm/dd-hh:mm:ss")
        year, month, day, hour, minute, second = match.groups()
        return self._clock.seconds(f"{year}-{month}-{day}T{hour}:{minute}:{second}Z")


def _only(words: Sequence[str], what: str) -> str:
    if len(words) != 1:
        raise SimError(f"'@' takes one {what}, not {len(words)} values")
    return words[0]


def _whole(word: str, what: str) -> int:
    if not (word.isascii() and word.isdecimal()):
        raise SimError(f"'{word}' is not {what}; write a whole number")
    return int(word)


def _node(word: str) -> int:
    number = _whole(word, "a node number")
    if number < 1:
        raise SimError("node numbers begin with 1")
    return number


def _number(word: str, what: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0.0):
        raise SimError(f"'{word}' is not {what}; write a number of 0 or more")
    return value


def _confidence(word: str) -> None:
    if not 0.0 < _number(word, "a confidence") <= 1.0:
        raise SimError(f"the confidence {word} is not above 0 and at most 1")


def _check_overlaps(contacts: Sequence[PlannedContact], label: str) -> None:
    """ION does not allow contacts of the same two nodes, in one direction, to overlap."""
    ordered = sorted(contacts, key=lambda c: (c.source, c.destination, c.start_s, c.line))
    for before, after in pairwise(ordered):
        same = (before.source, before.destination) == (after.source, after.destination)
        if same and after.start_s < before.stop_s:
            raise ScenarioError(
                f"{label}:{after.line}: the contact of nodes {after.source} and "
                f"{after.destination} overlaps that of line {before.line}"
            )


def planned_hops(scenario: Scenario, duration_s: int) -> tuple[Hop, ...]:
    """The hops of every link of a scenario, with the contacts of its plan and no geometry.

    A contact belongs to the one link that goes from one of its nodes to the other; contacts of
    nodes that no link joins are left out. Raises `ScenarioError` where the plan does not fit.
    """
    if scenario.contact_plan is None:
        return ()
    plan = read_plan(scenario.folder / scenario.contact_plan.file, scenario.clock)
    numbers = scenario.node_numbers
    _check_nodes(plan, numbers)
    _check_relays(scenario)
    taken: dict[tuple[int, int], str] = {}
    hops = []
    for name, link in scenario.links.items():
        for to in link.to:
            ends = scenario.resolved_end(link.from_), scenario.resolved_end(to)
            pair = _numbered(ends[0][0], numbers), _numbered(ends[1][0], numbers)
            if pair in taken:
                raise ScenarioError(
                    f"links.{name} and links.{taken[pair]} both go from {ends[0][0]} to "
                    f"{ends[1][0]}; a contact plan names assets only, so keep one of them"
                )
            taken[pair] = name
            hops.append(_hop(scenario, name, ends, plan, pair, duration_s))
    return tuple(hops)


def _check_relays(scenario: Scenario) -> None:
    """A plan joins nodes that store and forward; what is only repeated has no line in it."""
    for name, relay in scenario.relays.items():
        if relay.recorder is None:
            raise ScenarioError(
                f"relays.{name} has no recorder and repeats what it hears, which a contact plan "
                "cannot say; give it a recorder, or leave contact_plan out and give it an orbit"
            )


def _numbered(asset: str, numbers: dict[str, int]) -> int:
    if asset not in numbers:
        raise ScenarioError(f"contact_plan.nodes has no number for '{asset}', which has a link")
    return numbers[asset]


def _check_nodes(plan: ContactPlan, numbers: dict[str, int]) -> None:
    known = {number: name for name, number in numbers.items()}
    listed = ", ".join(f"{number} {name}" for number, name in sorted(known.items()))
    for contact in plan.contacts:
        for node in (contact.source, contact.destination):
            if node not in known:
                raise ScenarioError(
                    f"{plan.label}:{contact.line}: node {node} is no asset; there are {listed}; "
                    "number them under contact_plan.nodes"
                )


def _hop(
    scenario: Scenario,
    name: str,
    ends: tuple[tuple[str, str], tuple[str, str]],
    plan: ContactPlan,
    pair: tuple[int, int],
    duration_s: int,
) -> Hop:
    link = scenario.links[name]
    mine = [c for c in plan.contacts if (c.source, c.destination) == pair]
    contacts = tuple(_joined(mine, duration_s))
    light_time_s = _light_time_s(plan, pair, contacts, duration_s)
    channel = channel_of(scenario, name, link, f"{ends[1][0]}.{ends[1][1]}")
    rates = sorted({c.rate_bps for c in mine}) or [int(channel.rates_bps[0])]
    return Hop(
        link=name,
        source=ends[0][0],
        source_terminal=ends[0][1],
        destination=ends[1][0],
        destination_terminal=ends[1][1],
        geometric=Intervals.of((c.window_start_s, c.window_stop_s) for c in contacts),
        served=Intervals.between(0.0, float(duration_s)),
        contacts=contacts,
        best_rate_bps=rates[-1],
        range_km=lambda t_s: light_time_s(t_s) * SPEED_OF_LIGHT_KM_S,
        light_time_s=light_time_s,
        frames={rate: _frame(channel, rate) for rate in rates},
        uses=(
            TerminalUse(*ends[0], "sends", ends[1][0], link.frequency_hz, _nowhere),
            TerminalUse(*ends[1], "receives", ends[0][0], link.frequency_hz, _nowhere),
        ),
    )


def _frame(channel: Channel, rate_bps: int) -> Frame:
    """The frame of the mode whose rate is nearest; plans round to bytes per second."""
    mode = min(channel.modes, key=lambda mode: abs(mode.rate_bps - rate_bps))
    return Frame(mode.code.frame_bits, mode.code.frame_bits - channel.link.framing.overhead_bits)


def _nowhere(t_s: Floats) -> Floats:
    """A plan knows no directions."""
    return np.full((3, *np.shape(t_s)), np.nan)


def _joined(planned: Sequence[PlannedContact], duration_s: int) -> Iterator[Contact]:
    """Contacts within the run; lines that touch are one contact whose rate changes."""
    steps: list[tuple[int, int]] = []
    stop_s = 0
    for line in sorted(planned, key=lambda c: c.start_s):
        first, last = max(line.start_s, 0), min(line.stop_s, duration_s)
        if first >= last:
            continue
        if steps and first > stop_s:
            yield _contact(steps, stop_s)
            steps = []
        if not steps or steps[-1][1] != line.rate_bps:
            steps.append((first, line.rate_bps))
        stop_s = last
    if steps:
        yield _contact(steps, stop_s)


def _contact(steps: Sequence[tuple[int, int]], stop_s: int) -> Contact:
    start_s = steps[0][0]
    return Contact(start_s, stop_s, float(start_s), float(stop_s), {ANY_ATTITUDE: tuple(steps)})


def _light_time_s(
    plan: ContactPlan, pair: tuple[int, int], contacts: Sequence[Contact], duration_s: int
) -> Track:
    """Light time as steps; each contact must lie within ranges, which may not overlap."""
    rows = sorted(_ranges(plan, pair), key=lambda row: row.start_s)
    for before, after in pairwise(rows):
        if after.start_s < before.stop_s:
            raise ScenarioError(
                f"{plan.label}:{after.line}: the range of nodes {pair[0]} and {pair[1]} overlaps "
                f"that of line {before.line}"
            )
    known = Intervals.of((float(row.start_s), float(row.stop_s)) for row in rows)
    for contact in contacts:
        gap = Intervals.between(contact.window_start_s, contact.window_stop_s) - known
        if len(gap):
            raise ScenarioError(
                f"{plan.label}: no range of nodes {pair[0]} and {pair[1]} holds at "
                f"+{gap.starts_s[0]:.0f}, when they have a contact; add 'a range'"
            )
    return _steps([(row.start_s, row.stop_s, row.distance_s) for row in rows], duration_s)


def _ranges(plan: ContactPlan, pair: tuple[int, int]) -> list[PlannedRange]:
    """The ranges of two nodes in their direction, else those that the other direction implies."""
    direct = [row for row in plan.ranges if (row.one, row.other) == pair]
    if direct or pair[0] < pair[1]:
        return direct
    return [row for row in plan.ranges if (row.other, row.one) == pair]


def _steps(rows: Sequence[tuple[int, int, float]], duration_s: int) -> Track:
    """A track of steps through the run, and over its end; the last value holds between rows."""
    stop_s = float(duration_s)
    starts = {0.0: rows[0][2] if rows else 0.0}
    for start_s, row_stop_s, value in rows:
        if start_s < duration_s and row_stop_s > 0:
            starts[max(float(start_s), 0.0)] = value
    edges = [*sorted(starts), stop_s]
    values = np.array([starts[edge] for edge in edges[:-1]])
    return Track.made(np.array(edges), values[:, None], 0.0)
