"""Transitions that would follow each other for ever at one instant."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import NamedTuple

from sim.scenario.assets import VehicleParameters
from sim.scenario.behaviour import Transition
from sim.scenario.conditions import Limit, NodeLimit

_NUMBERS = (
    "array_power_w",
    "sun_elevation_deg",
    "sun_azimuth_deg",
    "state_of_charge",
    "recorder_fill",
    "temperature_k",
    "lunar_day",
)
_WORDS = ("sun", "phase")


class _Together(NamedTuple):
    """What several conditions ask for at the same instant, by quantity."""

    ranges: dict[str, tuple[float, float]]
    words: dict[str, str]


_NOTHING = _Together({}, {})


def check_circles(vehicle: VehicleParameters) -> None:
    """Refuse transitions that lead back to their start while all their conditions hold.

    Only where that is certain: with plain limits, without holds, and with nothing earlier in the
    file that could lead out of the circle. The others are found when they happen.
    """
    for transition in vehicle.transitions:
        for path, together in _paths(vehicle, [transition], _NOTHING):
            if path[-1].to == transition.from_ and _stays(vehicle, path, together):
                modes = " to ".join([step.from_ for step in path] + [transition.from_])
                raise ValueError(
                    f"transitions: {modes} is a circle that would turn for ever at one instant, "
                    f"{_said(together)}; let the conditions exclude each other, or give one a "
                    "hold_s or a limit on time_in_mode_s"
                )


def _paths(
    vehicle: VehicleParameters, path: list[Transition], together: _Together
) -> Iterator[tuple[list[Transition], _Together]]:
    """Ways on from one transition through others, as long as all can hold at the same instant."""
    joint = _joint(vehicle, path[-1], together)
    if joint is None:
        return
    yield path, joint
    for following in vehicle.transitions:
        visited = [step.from_ for step in path]
        if following.from_ == path[-1].to and following.from_ not in visited:
            yield from _paths(vehicle, [*path, following], joint)


def _joint(
    vehicle: VehicleParameters, transition: Transition, together: _Together
) -> _Together | None:
    """What a transition asks for beside others; None if it takes time or excludes one of them."""
    when = transition.when
    if when.any or when.time_in_mode_s or when.utc or when.contact or when.done:
        return None
    ranges, words = dict(together.ranges), dict(together.words)
    for name in _NUMBERS:
        limit = getattr(when, name)
        if limit is None:
            continue
        key = _key(vehicle, transition, name, limit)
        low, high = ranges.get(key, (-inf, inf))
        low = max(low, -inf if limit.above is None else limit.above)
        high = min(high, inf if limit.below is None else limit.below)
        if limit.hold_s > 0.0 or low >= high:
            return None
        ranges[key] = low, high
    for name in _WORDS:
        word = getattr(when, name)
        if word is not None and words.setdefault(name, word) != word:
            return None
    return _Together(ranges, words)


def _key(vehicle: VehicleParameters, transition: Transition, name: str, limit: Limit) -> str:
    """Quantities that are not the same in two modes or of two nodes are told apart."""
    if isinstance(limit, NodeLimit):
        return f"{name} of {limit.node}"
    mode = vehicle.modes.get(transition.from_)
    return (
        f"{name} in {mode.attitude}" if name == "array_power_w" and mode and mode.attitude else name
    )


def _stays(vehicle: VehicleParameters, path: Sequence[Transition], together: _Together) -> bool:
    """Whether nothing earlier in the file could lead out of a circle."""
    for step in path:
        for other in vehicle.transitions:
            if other is step:
                break
            is_plain = not other.when.any and _joint(vehicle, other, _NOTHING) is not None
            if other.from_ == step.from_ and (
                not is_plain or _joint(vehicle, other, together) is not None
            ):
                return False
    return True


def _said(together: _Together) -> str:
    """The instant at which all conditions hold, in words."""
    parts = [f"{name} {word}" for name, word in together.words.items()]
    for name, (low, high) in together.ranges.items():
        ends = [f"above {low:g}"] if low > -inf else []
        ends += [f"below {high:g}"] if high < inf else []
        parts.append(f"{name} {' and '.join(ends)}")
    return f"with {', '.join(parts)}" if parts else "always"
