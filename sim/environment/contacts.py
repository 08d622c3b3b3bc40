"""Links in time: when the two ends see each other, when they serve, and at which rate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from sim.constants import MOON_RADIUS_KM, SPEED_OF_LIGHT_KM_S
from sim.environment.ends import At, End, depends_on_attitude
from sim.environment.itineraries import Function, meetings, piecewise
from sim.environment.rates import RateFinder, Step
from sim.environment.records import ANY_ATTITUDE, Contact, Hop
from sim.environment.stage import Stage
from sim.errors import ScenarioError
from sim.intervals import Intervals
from sim.physics.links import Channel, required_dbhz
from sim.physics.propagation import horizon_km
from sim.physics.solar import AttitudeParameters
from sim.scenario.assets import LinkInUse, VehicleParameters
from sim.scenario.schema import Scenario
from sim.sky.directions import surface_distance_km
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Site, Station
from sim.sky.orbits import Orbit
from sim.sky.windows import (
    even_grid,
    relay_grid,
    relays_see_each_other,
    site_sees_relay,
    site_sees_station,
    station_sees_relay,
)
from sim.track import Track

Floats = NDArray[np.float64]
_LIGHT_TIME_PIECE_S = 6 * 3600.0
_LIGHT_TIME_DEGREE = 7
_GRID_STEP_S = 3600.0


def link_hops(stage: Stage, name: str, link: LinkInUse) -> Iterator[Hop]:
    """The hops of one link, one for each destination in the order of the file."""
    for to in link.to:
        yield _hop(stage, name, link, to)


def _hop(stage: Stage, name: str, link: LinkInUse, to: str) -> Hop:
    scenario = stage.scenario
    (source, source_terminal), (destination, terminal) = (
        scenario.resolved_end(link.from_),
        scenario.resolved_end(to),
    )
    channel = channel_of(scenario, name, link, to)
    legs = [
        _Leg(stage, channel, source, *meeting)
        for meeting in meetings(stage.itineraries[source], stage.itineraries[destination])
    ]
    served = stage.service[source] & stage.service[destination]
    contacts: list[Contact] = []
    too_short: list[tuple[float, float]] = []
    for leg in legs:
        found = leg.contacts(served)
        contacts += found[0]
        too_short += found[1]
    range_km = _over(legs, lambda leg: leg.range_km)
    return Hop(
        link=name,
        source=source,
        source_terminal=source_terminal,
        destination=destination,
        destination_terminal=terminal,
        geometric=Intervals.of(pair for leg in legs for pair in leg.geometric),
        served=served,
        contacts=tuple(contacts),
        best_rate_bps=int(channel.rates_bps[-1]),
        range_km=range_km,
        light_time_s=_light_time_s(range_km, stage.duration_s),
        frame_bits=channel.codes[0].frame_bits,
        frame_data_bits=channel.codes[0].frame_bits - link.framing.overhead_bits,
        too_short=tuple(too_short),
        from_source_km=_horizon_view(stage, source, destination),
        from_destination_km=_horizon_view(stage, destination, source),
        carrier_to_noise_dbhz={
            key: _over(legs, lambda leg, key=key: leg.finders[key].carrier_to_noise_dbhz)  # type: ignore[misc]
            for key in (legs[0].finders if legs else ())
        },
        required_dbhz={
            mode.rate_bps: required_dbhz(link, mode.code, mode.rate_bps) for mode in channel.modes
        },
    )


class _Leg:
    """A hop while both its ends stay where they are."""

    def __init__(
        self,
        stage: Stage,
        channel: Channel,
        source: str,
        start_s: float,
        stop_s: float,
        first: End,
        second: End,
    ) -> None:
        self.start_s, self.stop_s = start_s, stop_s
        self.ends = first, second
        self.geometric = visible(first.at, second.at, stage.ephemeris, start_s, stop_s)
        self.finders = {
            key: RateFinder(channel, first, second, stage.ephemeris, attitude)
            for key, attitude in _attitudes(stage.scenario, source, channel).items()
        }

    def contacts(self, served: Intervals) -> tuple[list[Contact], list[tuple[float, float]]]:
        """Contacts while both ends serve, and the windows that are too short."""
        windows = self.geometric & served
        grid = _grid_s(self.ends[0].at, self.ends[1].at, self.start_s, self.stop_s)
        steps = {key: finder.steps(windows, grid) for key, finder in self.finders.items()}
        return _contacts(windows, steps)

    def range_km(self, t_s: Floats) -> Floats:
        """Distance between the ends at times (N,)."""
        first, second = (end.position_km(t_s) for end in self.ends)
        return np.asarray(np.linalg.norm(first - second, axis=0))


def _over(legs: Sequence[_Leg], function: Callable[[_Leg], Function]) -> Function:
    """A function of time that each leg gives its part of."""
    if not legs:
        return lambda t_s: np.full(np.shape(t_s), np.nan)
    return piecewise([(leg.start_s, leg.stop_s, function(leg)) for leg in legs])


def _horizon_view(stage: Stage, observer: str, target: str) -> Function | None:
    """Where one asset stands over the horizon of the other; None where that is ever in space."""
    if any(isinstance(stay.end.at, Orbit) for stay in stage.itineraries[observer]):
        return None
    parts = [
        (start_s, stop_s, _seen_from(here, there))
        for start_s, stop_s, here, there in meetings(
            stage.itineraries[observer], stage.itineraries[target]
        )
    ]
    return piecewise(parts) if parts else None


def _seen_from(observer: End, target: End) -> Function:
    return lambda t_s: observer.local_km(t_s, target.position_km(t_s))


def visible(
    first: At, second: At, ephemeris: Ephemeris, start_s: float, stop_s: float
) -> Intervals:
    """When two ends see each other: over their masks and past the Moon and the Earth."""
    span = start_s, stop_s
    match first, second:
        case Site(), Orbit():
            found = site_sees_relay(first, second.track, *span)
        case Station(), Orbit():
            found = station_sees_relay(first, second.track, *span)
        case Site(), Station():
            found = site_sees_station(first, second, *span)
        case Orbit(), Orbit():
            found = relays_see_each_other(first.track, second.track, ephemeris, *span)
        case Site(), Site():
            found = _over_the_ground(first, second, *span)
        case (Orbit(), Site() | Station()) | (Station(), Site()):
            found = visible(second, first, ephemeris, *span)
        case _:
            found = Intervals.none()  # two stations: no link through the Earth
    return found


def _over_the_ground(first: Site, second: Site, start_s: float, stop_s: float) -> Intervals:
    """Two places on the Moon: always or never, by the horizon distances of both antenna heights."""
    points = [(p.latitude_deg, p.longitude_deg) for p in (first.parameters, second.parameters)]
    apart_km = surface_distance_km(points[0], points[1], MOON_RADIUS_KM)
    heights_m = np.array([site.parameters.above_ground_m for site in (first, second)])
    is_near = apart_km <= float(np.sum(horizon_km(heights_m)))
    return Intervals.between(start_s, stop_s) if is_near else Intervals.none()


def _grid_s(first: At, second: At, start_s: float, stop_s: float) -> Floats:
    """Instants that follow the faster of the two ends."""
    grid = even_grid(start_s, stop_s, _GRID_STEP_S)
    for end in (first, second):
        if isinstance(end, Orbit):
            grid = np.union1d(grid, relay_grid(end.track, start_s, stop_s, _GRID_STEP_S))
    return grid


def channel_of(scenario: Scenario, name: str, link: LinkInUse, to: str) -> Channel:
    """The physics of a link to one of its destinations; `ScenarioError` where the ends do not fit."""
    try:
        return Channel.of(
            link, scenario.terminal(link.from_), scenario.terminal(to), scenario.codes, to
        )
    except ValueError as error:
        raise ScenarioError(f"{scenario.path}: links.{name}: {error}") from None


def _attitudes(
    scenario: Scenario, source: str, channel: Channel
) -> dict[str, AttitudeParameters | None]:
    """The attitudes in which the rate differs; only antennas that the body holds depend on it."""
    vehicle = scenario.vehicles.get(source)
    if not isinstance(vehicle, VehicleParameters) or not depends_on_attitude(channel.source):
        return {ANY_ATTITUDE: None}
    names = {mode.attitude or ANY_ATTITUDE for mode in vehicle.modes.values()}
    level = AttitudeParameters()
    return {name: vehicle.attitudes.get(name, level) for name in sorted(names)}


def _contacts(
    windows: Intervals, steps: Mapping[str, list[list[Step]]]
) -> tuple[list[Contact], list[tuple[float, float]]]:
    """Windows cut to where some attitude has a rate, in whole seconds; and those that hold none."""
    contacts: list[Contact] = []
    too_short: list[tuple[float, float]] = []
    for index, (start_s, stop_s) in enumerate(windows):
        by_attitude = {key: rows[index] for key, rows in steps.items()}
        usable = _usable(by_attitude, start_s, stop_s)
        for open_s, close_s in usable:
            first, last = ceil(open_s), floor(close_s)
            if first >= last:
                too_short.append((open_s, close_s))
                continue
            whole = {key: _whole(rows, first, last) for key, rows in by_attitude.items()}
            contacts.append(Contact(first, last, open_s, close_s, whole))
    return contacts, too_short


def _usable(steps: Mapping[str, list[Step]], start_s: float, stop_s: float) -> Intervals:
    pairs = []
    for rows in steps.values():
        stops = [at_s for at_s, _ in rows[1:]] + [stop_s]
        pairs += [(at, stop) for (at, rate), stop in zip(rows, stops, strict=True) if rate > 0]
    return Intervals.of(pairs).clip(start_s, stop_s)


def _whole(rows: list[Step], first: int, last: int) -> tuple[tuple[int, int], ...]:
    """Steps in whole seconds: a rate goes up late and down early, by less than a second."""
    whole: list[tuple[int, int]] = []
    before = 0
    for at_s, rate in rows:
        edge = min(max(ceil(at_s) if rate > before else floor(at_s), first), last)
        before = rate
        while whole and whole[-1][0] >= edge:
            whole.pop()
        if edge < last and (not whole or whole[-1][1] != rate):
            whole.append((edge, rate))
    return tuple(whole)


def _light_time_s(range_km: Function, duration_s: int) -> Track:
    count = max(1, ceil(duration_s / _LIGHT_TIME_PIECE_S))
    edges = np.linspace(0.0, float(duration_s), count + 1)
    return Track.fit(lambda t: range_km(t) / SPEED_OF_LIGHT_KM_S, edges, _LIGHT_TIME_DEGREE)
