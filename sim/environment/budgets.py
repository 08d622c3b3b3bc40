"""The budget of any link at any instant, and its margin over a span."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.constants import DAY_S
from sim.environment.contacts import visible
from sim.environment.ends import End, link_geometry
from sim.environment.itineraries import meetings
from sim.environment.rates import Section, finer_near_sun
from sim.environment.stage import Stage, instant_s, set_stage
from sim.errors import ScenarioError
from sim.intervals import Intervals
from sim.physics.budgets import LinkBudget
from sim.physics.budgets import link_budget as budget_of
from sim.physics.links import (
    Channel,
    LinkGeometry,
    closing_rate_bps,
    required_dbhz,
    terms_db,
)
from sim.physics.solar import AttitudeParameters
from sim.scenario.radio import channel_of
from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]
_STILL_DB = 0.01


@dataclass(frozen=True, eq=False)
class LinkSeries:
    """A link over time, all arrays (N,)."""

    t_s: Floats
    visible: NDArray[np.bool_]
    range_km: Floats
    carrier_to_noise_dbhz: Floats
    margin_db: Floats
    """Of the highest rate that closes, or of the lowest where none does."""
    rate_bps: NDArray[np.int64]
    terms_db: dict[str, Floats]
    """Every term of Pt/N0."""
    needed_margin_db: float
    """Margin that a rate must have by the link's rule to close."""

    def movers_db(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest value of each term that moves while in view, the widest first."""
        chosen = self.visible if self.visible.any() else np.ones(len(self.t_s), dtype=bool)
        ends = {
            name: (float(np.min(values[chosen])), float(np.max(values[chosen])))
            for name, values in self.terms_db.items()
        }
        moving = {name: pair for name, pair in ends.items() if pair[1] - pair[0] >= _STILL_DB}
        return dict(sorted(moving.items(), key=lambda item: item[1][0] - item[1][1]))


def link_budget(
    scenario: Scenario,
    source: str,
    destination: str,
    at_utc: str,
    *,
    rate_bps: int | None = None,
    stage: Stage | None = None,
) -> LinkBudget:
    """The design control table of the link from one asset or terminal to another at a time.

    `source` and `destination` are ends of a link of the scenario, `ASSET` or `ASSET.TERMINAL`.
    Without a rate: the highest that closes. Whether the ends see each other is one of the facts of
    the budget. Raises `ScenarioError` where no link joins the two, or the time is outside the run.
    """
    return LinkView.of(scenario, source, destination, stage).budget(at_utc, rate_bps)


def link_series(
    scenario: Scenario,
    source: str,
    destination: str,
    t_s: Floats,
    *,
    stage: Stage | None = None,
) -> LinkSeries:
    """The link's margin, rate and terms at times (N,) since the start."""
    return LinkView.of(scenario, source, destination, stage).series(t_s)


def link_series_over(
    scenario: Scenario,
    source: str,
    destination: str,
    over: str,
    at_utc: str,
    *,
    count: int = 2000,
    stage: Stage | None = None,
) -> LinkSeries:
    """The link over the `pass` at a time of the run, or over a number of days from then on."""
    view = LinkView.of(scenario, source, destination, stage)
    return view.series(view.times_s(over, at_utc, count))


@dataclass(frozen=True, eq=False)
class LinkView:
    """One link to one destination on its stage."""

    stage: Stage
    channel: Channel
    source: str
    destination: str
    to: str
    attitude: AttitudeParameters | None

    @classmethod
    def of(
        cls, scenario: Scenario, source: str, destination: str, stage: Stage | None = None
    ) -> "LinkView":
        """The first link of the file between the two ends."""
        name, to = cls.link_between(scenario, source, destination)
        link = scenario.links[name]
        stage = stage or set_stage(scenario)
        from_asset, to_asset = scenario.resolved_end(link.from_)[0], scenario.resolved_end(to)[0]
        for asset in (from_asset, to_asset):
            if asset not in stage.itineraries:
                raise ScenarioError(
                    f"'{asset}' has no orbit or place, only a contact plan; a budget needs one"
                )
        vehicle = scenario.vehicles.get(from_asset)
        attitude = None
        if vehicle is not None:
            key = vehicle.modes[vehicle.initial_mode].attitude or ""
            attitude = vehicle.attitudes.get(key, AttitudeParameters())
        return cls(stage, channel_of(scenario, name, link, to), from_asset, to_asset, to, attitude)

    @staticmethod
    def link_between(scenario: Scenario, source: str, destination: str) -> tuple[str, str]:
        """Name and destination end of the first link of the file between two ends."""
        return _link_between(scenario, source, destination)

    def geometry(self, t_s: Floats) -> LinkGeometry:
        """Ranges, angles and their rates at times (N,), while both ends stay where they are."""
        start_s, stop_s, first, second = self._meeting(float(t_s[0]))
        if float(t_s[-1]) > stop_s:
            clock = self.stage.scenario.clock
            raise ScenarioError(
                f"{self.source} or {self.destination} moves between {clock.utc(start_s)} and "
                f"{clock.utc(float(t_s[-1]))}; ask for spans within a phase"
            )
        ends = (first, self.channel.source), (second, self.channel.destination)
        return link_geometry(*ends, self.stage.ephemeris, t_s, self.attitude, with_rates=True)

    def looks(self, count: int) -> Iterator[tuple[Floats, Floats, LinkGeometry]]:
        """About `count` instants of the run with the ends in view, their spans, and the geometry.

        Even, but closer where the Sun passes behind.
        """
        itineraries = self.stage.itineraries
        for start_s, stop_s, first, second in meetings(
            itineraries[self.source], itineraries[self.destination]
        ):
            share = (stop_s - start_s) / self.stage.duration_s
            times = np.linspace(start_s, stop_s - 1e-3, max(2, round(count * share)))
            section = Section(self.channel, first, second)
            times = finer_near_sun(section, self.stage.ephemeris, times)
            seen = self.visible(start_s, stop_s).contains(times)
            if seen.any():
                yield times[seen], np.gradient(times)[seen], self.geometry(times[seen])

    def pass_at(self, at_utc: str) -> tuple[float, float]:
        """The view that goes on at a time of the run, or the next; `ScenarioError` if none comes."""
        at_s, clock = self._seconds(at_utc), self.stage.scenario.clock
        itineraries = self.stage.itineraries
        found = meetings(itineraries[self.source], itineraries[self.destination])
        for start_s, stop_s, _, _ in found:
            for first_s, last_s in self.visible(start_s, stop_s):
                if last_s > at_s:
                    return first_s, last_s
        raise ScenarioError(
            f"{self.source} and {self.destination} do not see each other after {clock.utc(at_s)}; "
            "ask for an earlier time"
        )

    def times_s(self, over: str, at_utc: str, count: int) -> Floats:
        """Even instants over the `pass` at a time, or over a number of days from it on."""
        if over == "pass":
            start_s, stop_s = self.pass_at(at_utc)
            return np.linspace(start_s + 0.1, stop_s - 0.1, count)
        try:
            days = float(over)
        except ValueError:
            days = np.nan
        if not 0.0 < days <= 10_000.0:
            raise ScenarioError(
                f"'{over}' is neither 'pass' nor a number of days; give one of them"
            )
        start_s = self._seconds(at_utc)
        stop_s = min(start_s + days * DAY_S, self.stage.duration_s)
        if stop_s <= start_s:
            raise ScenarioError(f"the run ends at {at_utc}; ask for an earlier time")
        return np.linspace(start_s, stop_s, count)

    def visible(self, start_s: float, stop_s: float) -> Intervals:
        """When the two ends see each other."""
        _, _, first, second = self._meeting(start_s)
        return visible(first.at, second.at, self.stage.ephemeris, start_s, stop_s)

    def _meeting(self, at_s: float) -> tuple[float, float, End, End]:
        itineraries = self.stage.itineraries
        found = meetings(itineraries[self.source], itineraries[self.destination])
        return next((meeting for meeting in reversed(found) if meeting[0] <= at_s), found[0])

    def budget(self, at_utc: str, rate_bps: int | None = None) -> LinkBudget:
        """The design control table at a time of the run."""
        at_s = self._seconds(at_utc)
        try:
            budget = budget_of(
                self.channel, _scalar(self.geometry(np.array([at_s]))), rate_bps, self.to
            )
        except ValueError as error:
            raise ScenarioError(str(error)) from None
        last_s = min(at_s + 1.0, float(self.stage.duration_s))
        start_s = min(at_s, last_s - 1.0)
        seen = float(len(self.visible(start_s, last_s)) > 0)
        return replace(budget, facts=(("in_view", seen, ""), *budget.facts))

    def series(self, t_s: Floats) -> LinkSeries:
        """Margin, rate and terms at times (N,)."""
        geometry = self.geometry(t_s)
        terms = {
            name: np.broadcast_to(value + 0.0, t_s.shape)
            for name, value in terms_db(self.channel, geometry).items()
        }
        ratio = np.asarray(sum(terms.values()))
        rates = closing_rate_bps(self.channel, geometry)
        link, modes = self.channel.link, self.channel.modes
        required = np.array([required_dbhz(link, mode.code, mode.rate_bps) for mode in modes])
        chosen = np.searchsorted(self.channel.rates_bps, rates)
        margin = ratio - required[np.maximum(chosen - 1, 0)]
        last_s = min(float(t_s.max()) + 1.0, float(self.stage.duration_s))
        seen = self.visible(float(t_s.min()), last_s)
        return LinkSeries(
            t_s,
            seen.contains(t_s),
            np.asarray(geometry.range_km),
            ratio,
            margin,
            rates,
            terms,
            modes[0].threshold_dbhz - float(required[0]),
        )

    def _seconds(self, at_utc: str) -> float:
        return instant_s(self.stage.scenario.clock, at_utc, self.stage.duration_s)


def _scalar(geometry: LinkGeometry) -> LinkGeometry:
    """A geometry of one instant as plain numbers."""
    values = {name: getattr(geometry, name) for name in LinkGeometry.__slots__}
    numbers: dict[str, Any] = {
        name: None if value is None else float(np.ravel(value)[0]) for name, value in values.items()
    }
    return LinkGeometry(**numbers)


def _link_between(scenario: Scenario, source: str, destination: str) -> tuple[str, str]:
    """Name and destination end of the first link that joins two ends."""
    for name, link in scenario.links.items():
        for to in link.to:
            if _names(scenario, link.from_, source) and _names(scenario, to, destination):
                return name, to
    for first in scenario.links.values():
        for to in first.to:
            relay = scenario.resolved_end(to)[0]
            if _names(scenario, first.from_, source) and any(
                scenario.resolved_end(link.from_)[0] == relay
                and any(_names(scenario, end, destination) for end in link.to)
                for link in scenario.links.values()
            ):
                raise ScenarioError(
                    f"no link goes from '{source}' to '{destination}' without a stop: ask for "
                    f"'{source}' to '{relay}' and for '{relay}' to '{destination}'"
                )
    pairs = ", ".join(f"{link.from_} to {to}" for link in scenario.links.values() for to in link.to)
    raise ScenarioError(
        f"no link goes from '{source}' to '{destination}'; {scenario.path.name} has {pairs or 'none'}"
    )


def _names(scenario: Scenario, end: str, given: str) -> bool:
    asset, terminal = scenario.resolved_end(end)
    return given in (asset, f"{asset}.{terminal}", end)
