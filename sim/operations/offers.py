"""What links are offered over time: the destinations that can be reached, and at which rates."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sim.environment import Contact, Hop
from sim.operations.policies import Option

Options = tuple[Option, ...]


class Offers:
    """The options of a link's hops in one attitude, in the order of the hops, as they change."""

    def __init__(self, hops: Sequence[Hop], attitude: str) -> None:
        changes: dict[int, dict[int, Option | None]] = {}
        for place, hop in enumerate(hops):
            for start_s, option in _steps(hop, attitude):
                changes.setdefault(start_s, {})[place] = option
        self._edges_s = sorted(changes)
        self._options: list[Options] = [()]
        """Before the first edge, and from each edge on."""
        now: list[Option | None] = [None] * len(hops)
        for edge_s in self._edges_s:
            for place, option in changes[edge_s].items():
                now[place] = option
            self._options.append(tuple([option for option in now if option is not None]))

    def at(self, now_s: int) -> Options:
        """What is on offer now; the same object until it changes."""
        return self._options[bisect_right(self._edges_s, now_s)]


def _steps(hop: Hop, attitude: str) -> Iterator[tuple[int, Option | None]]:
    """From when on a hop offers what; None while it offers nothing."""
    for contact in hop.contacts:
        for start_s, rate_bps, frame_loss in contact.steps_in(attitude):
            yield start_s, Option(hop, contact, rate_bps, frame_loss) if rate_bps else None
        yield contact.stop_s, None


def edges_s(hops: Sequence[Hop], rates_matter: bool, are_contended: bool) -> set[int]:
    """Every instant at which the choice among some hops may change, in any attitude.

    Rates matter to a choice only where there is one: while another hop is open, or others compete.
    """
    found: set[int] = set()
    for hop in hops:
        for contact in hop.contacts:
            found |= {contact.start_s, contact.stop_s}
            for steps in contact.steps.values():
                found |= {
                    start_s
                    for (_, before_bps), (start_s, rate_bps) in pairwise(steps)
                    if before_bps == 0
                    or rate_bps == 0
                    or are_contended
                    or (rates_matter and _is_another_open(hops, hop, start_s))
                }
    return found


def _is_another_open(hops: Sequence[Hop], hop: Hop, now_s: int) -> bool:
    return any(other is not hop and contact_at(other, now_s) is not None for other in hops)


def contact_at(hop: Hop, now_s: int) -> Contact | None:
    """The contact of a hop that is open now."""
    index = bisect_right(hop.contacts, now_s, key=lambda contact: contact.start_s) - 1
    if index < 0 or now_s >= hop.contacts[index].stop_s:
        return None
    return hop.contacts[index]
