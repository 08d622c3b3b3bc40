"""Choices, as pure functions of what is on offer."""

from collections.abc import Sequence
from typing import NamedTuple

from sim.environment import Contact, Hop


class Option(NamedTuple):
    """A destination that could be used now."""

    hop: Hop
    contact: Contact
    rate_bps: int
    frame_loss: float = 0.0
    """Expected share of frames lost."""


def chosen(options: Sequence[Option], current: Hop | None, policy: str) -> Option | None:
    """The option that a policy takes; None where there is none.

    `highest_rate` leaves the current destination only for a higher rate, `longest_pass` takes the
    contact that ends last, `in_order` the first of the link's destinations. Ties go to the current
    one, then to the order in the file.
    """
    if not options:
        return None
    if policy == "in_order" or len(options) == 1:
        return options[0]
    if policy == "longest_pass":
        return max(options, key=lambda option: (option.contact.stop_s, option.hop is current))
    return max(options, key=lambda option: (option.rate_bps, option.hop is current))
