"""What an unpublished phase or node may change: the same question asked eight times around."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.validation.cases import Cases

Progress = Callable[[str, float], None]
_TURNS = 8

QUESTIONS = (
    ("change4", "relays.queqiao.orbit.phase_deg", "lander_return", "span={lunar_days: 3}"),
    ("change4", "relays.queqiao.orbit.phase_deg", "rover_return", "span={lunar_days: 3}"),
    (
        "change6",
        "relays.queqiao_2.orbit.elements.mean_anomaly_deg",
        "lander_return",
        "span={end_utc: 2024-06-03T23:38:10Z}",
    ),
    (
        "change7_south_pole",
        "relays.queqiao_2.orbit.elements.ascending_node_deg",
        "lander_return",
        "span={lunar_days: 1}",
    ),
    (
        "lusee_night",
        "relays.pathfinder.orbit.elements.mean_anomaly_deg",
        "user_return",
        "span={duration_h: 720}",
    ),
)
"""Scenario, key path of the angle, link whose view and capacity are asked for, shorter span."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One question and its answers, an angle each."""

    scenario: str
    path: str
    link: str
    angles_deg: tuple[float, ...]
    view: tuple[float, ...]
    """Share of the time in which the relay is in view."""
    capacity_gb: tuple[float, ...]
    """What the link could carry in its contacts in 29.53 days, used all the time."""

    @property
    def sentence(self) -> str:
        """The spread in one line of a list."""
        return (
            f"- `{self.scenario}`, `{self.path}` from 0 to 315 deg: the relay is in view of "
            f"`{self.link}` {100 * min(self.view):.2f} to {100 * max(self.view):.2f} % of the time; "
            f"the link could carry {min(self.capacity_gb):.2f} to {max(self.capacity_gb):.2f} GB in "
            "29.53 days"
        )


def phase_spread(
    scenarios: Sequence[str] = (), *, cache: bool = True, progress: Progress | None = None
) -> list[Spread]:
    """The spread of each question about the named scenarios, all if none is named."""
    asked = [q for q in QUESTIONS if not scenarios or q[0] in scenarios]
    cases = Cases(cache)
    spreads = []
    for index, (scenario, path, link, span) in enumerate(asked):
        if progress is not None:
            progress(f"{scenario} spread", index / len(asked))
        angles = tuple(360.0 * turn / _TURNS for turn in range(_TURNS))
        answers = [_answer(cases, scenario, link, (span, f"{path}={a:g}")) for a in angles]
        view, capacity = zip(*answers, strict=True)
        spreads.append(Spread(scenario, path, link, angles, view, capacity))
    return spreads


def _answer(
    cases: Cases, scenario: str, link: str, overrides: tuple[str, ...]
) -> tuple[float, float]:
    """Share of the time in view, and capacity in GB scaled to a mean lunar day."""
    environment = cases.environment(scenario, overrides)
    hop = environment.hops_of(link)[0]
    attitude = next(iter(hop.contacts[0].steps)) if hop.contacts else ""
    bits = sum(contact.capacity_bit(attitude) for contact in hop.contacts)
    lunar_days = environment.duration_s / (29.53059 * 86400.0)
    return hop.geometric.total_s / environment.duration_s, bits / 8e9 / lunar_days
