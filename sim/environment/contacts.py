"""Links in time: when the two ends see each other, when they serve, and at which rate."""

from collections.abc import Callable, Iterator, Mapping
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from sim.constants import MOON_RADIUS_KM, SPEED_OF_LIGHT_KM_S
from sim.environment.ends import End, depends_on_attitude
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
    ends = stage.ends[source], stage.ends[destination]
    span = 0.0, float(stage.duration_s)
    geometric = visible(ends[0].at, ends[1].at, stage.ephemeris, *span)
    served = stage.service[source] & stage.service[destination]
    windows = geometric & served
    grid = _grid_s(ends[0].at, ends[1].at, *span)
    finders = {
        key: RateFinder(channel, *ends, stage.ephemeris, attitude)
        for key, attitude in _attitudes(scenario, source, channel).items()
    }
    steps = {key: finder.steps(windows, grid) for key, finder in finders.items()}
    contacts, too_short = _contacts(windows, steps)

    def range_km(t_s: Floats) -> Floats:
        return np.asarray(
            np.linalg.norm(ends[0].position_km(t_s) - ends[1].position_km(t_s), axis=0)
        )

    return Hop(
        link=name,
        source=source,
        source_terminal=source_terminal,
        destination=destination,
        destination_terminal=terminal,
        geometric=geometric,
        served=served,
        contacts=contacts,
        best_rate_bps=int(channel.rates_bps[-1]),
        range_km=range_km,
        light_time_s=_light_time_s(range_km, stage.duration_s),
        frame_bits=channel.codes[0].frame_bits,
        frame_data_bits=channel.codes[0].frame_bits - link.framing.overhead_bits,
        too_short=too_short,
        from_source_km=_seen_from(*ends),
        from_destination_km=_seen_from(*reversed(ends)),
        carrier_to_noise_dbhz={
            key: finder.carrier_to_noise_dbhz for key, finder in finders.items()
        },
        required_dbhz={
            mode.rate_bps: required_dbhz(link, mode.code, mode.rate_bps) for mode in channel.modes
        },
    )


def _seen_from(observer: End, target: End) -> Callable[[Floats], Floats] | None:
    """Where one end stands over the horizon of the other; None where that is in space."""
    if isinstance(observer.at, Orbit):
        return None
    return lambda t_s: observer.local_km(t_s, target.position_km(t_s))


At = Site | Station | Orbit


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
) -> tuple[tuple[Contact, ...], tuple[tuple[float, float], ...]]:
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
    return tuple(contacts), tuple(too_short)


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


def _light_time_s(range_km: object, duration_s: int) -> Track:
    count = max(1, ceil(duration_s / _LIGHT_TIME_PIECE_S))
    edges = np.linspace(0.0, float(duration_s), count + 1)
    return Track.fit(lambda t: range_km(t) / SPEED_OF_LIGHT_KM_S, edges, _LIGHT_TIME_DEGREE)  # type: ignore[operator]
