"""Links in time: when the two ends see each other, when they serve, and at which rate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from itertools import pairwise, product
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.constants import MOON_RADIUS_KM, SPEED_OF_LIGHT_KM_S
from sim.environment.ends import At, End, depends_on_attitude
from sim.environment.itineraries import Function, meetings, piecewise
from sim.environment.keeping import (
    CONTACTS,
    TRACKS,
    WINDOWS,
    Contacts,
    arrays_digest,
    end_inputs,
    inputs_of,
)
from sim.environment.rates import RateFinder, RateStep, Section
from sim.environment.records import ANY_ATTITUDE, Contact, Frame, Hop, TerminalUse
from sim.environment.stage import Stage
from sim.intervals import Intervals
from sim.physics.links import Channel, required_dbhz
from sim.physics.propagation import horizon_km
from sim.physics.solar import AttitudeParameters
from sim.scenario.assets import LinkInUse, VehicleParameters
from sim.scenario.radio import channel_of
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
    """The hops of one link, for each destination in the order of the file.

    A relay without a recorder repeats: the hop goes on over the relay's own links, to stations if
    it comes from a vehicle and away from them if it comes from one. The relay's links are then
    parts of such hops and have none of their own.
    """
    if _repeats(stage.scenario, stage.scenario.resolved_end(link.from_)[0]):
        return
    for to in link.to:
        for way in _ways(stage.scenario, ((name, to),)):
            yield _hop(stage, name, way)


Way = tuple[tuple[str, str], ...]
"""Links and the ends that they reach, in the order of the signal."""


def _repeats(scenario: Scenario, asset: str) -> bool:
    relay = scenario.relays.get(asset)
    return relay is not None and relay.recorder is None


def _ways(scenario: Scenario, way: Way) -> Iterator[Way]:
    """A way as far as repeaters carry it; none where the last has nowhere to send."""
    to = way[-1][1]
    relay = scenario.resolved_end(to)[0]
    if not _repeats(scenario, relay):
        yield way
        return
    passed = {scenario.resolved_end(end)[0] for _, end in way}
    source = scenario.resolved_end(scenario.links[way[0][0]].from_)[0]
    goes_out = source in scenario.stations
    for onward, link in scenario.links.items():
        if scenario.resolved_end(link.from_)[0] != relay:
            continue
        for end in link.to:
            asset = scenario.resolved_end(end)[0]
            fits = asset in scenario.relays or (asset in scenario.stations) != goes_out
            if fits and asset not in passed and asset != source:
                yield from _ways(scenario, (*way, (onward, end)))


def _hop(stage: Stage, name: str, way: Way) -> Hop:
    scenario = stage.scenario
    links = [scenario.links[link] for link, _ in way]
    channels = [
        channel_of(scenario, key, link, to) for (key, to), link in zip(way, links, strict=True)
    ]
    froms = [scenario.resolved_end(link.from_) for link in links]
    tos = [scenario.resolved_end(to) for _, to in way]
    assets = [froms[0][0], *(asset for asset, _ in tos)]
    served = reduce(Intervals.__and__, (stage.service[asset] for asset in assets))
    legs = list(_legs(stage, channels, assets))
    contacts: list[Contact] = []
    too_short: list[tuple[float, float]] = []
    for leg in legs:
        found = leg.contacts(served)
        contacts += found[0]
        too_short += found[1]
    channel, range_km = channels[0], _over(legs, lambda leg: leg.range_km)
    overhead_bits = channel.link.framing.overhead_bits
    return Hop(
        link=name,
        source=assets[0],
        source_terminal=froms[0][1],
        destination=assets[-1],
        destination_terminal=tos[-1][1],
        geometric=Intervals.of(pair for leg in legs for pair in leg.geometric),
        served=served,
        contacts=tuple(contacts),
        best_rate_bps=int(channel.rates_bps[-1]),
        range_km=range_km,
        light_time_s=_light_time_s(stage, legs, range_km),
        frames={
            mode.rate_bps: Frame(mode.code.frame_bits, mode.code.frame_bits - overhead_bits)
            for mode in channel.modes
        },
        uses=tuple(_uses(stage, links, froms, tos)),
        via=tuple(f"{asset}.{terminal}" for asset, terminal in froms[1:]),
        onward=tuple(link for link, _ in way[1:]),
        too_short=tuple(too_short),
        from_source_km=horizon_view(stage, assets[0], assets[1]),
        from_destination_km=horizon_view(stage, assets[-1], assets[-2]),
        carrier_to_noise_dbhz={
            key: _over(legs, lambda leg, key=key: leg.finders[key].carrier_to_noise_dbhz)  # type: ignore[misc]
            for key in (legs[0].finders if legs else ())
        },
        required_dbhz={
            mode.rate_bps: required_dbhz(channel.link, mode.code, mode.rate_bps)
            for mode in channel.modes
        },
    )


def _uses(
    stage: Stage,
    links: Sequence[LinkInUse],
    froms: Sequence[tuple[str, str]],
    tos: Sequence[tuple[str, str]],
) -> Iterator[TerminalUse]:
    for link, here, there in zip(links, froms, tos, strict=True):
        source, destination, frequency_hz = here[0], there[0], link.frequency_hz
        towards, back = _view(stage, source, destination), _view(stage, destination, source)
        yield TerminalUse(*here, "sends", destination, frequency_hz, towards)
        yield TerminalUse(*there, "receives", source, frequency_hz, back)


class _Leg:
    """A hop while all its ends stay where they are."""

    def __init__(
        self, stage: Stage, sections: Sequence[Section], start_s: float, stop_s: float
    ) -> None:
        self.start_s, self.stop_s = start_s, stop_s
        self.sections = sections
        self._keeper, self._ephemeris = stage.keeper, stage.ephemeris
        self.geometric = stage.keeper.value("sky", self.inputs, WINDOWS, self._view)
        first = sections[0]
        self._attitudes = _attitudes(stage.scenario, first.source.asset, first.channel)
        self.finders = {
            key: RateFinder(sections, stage.ephemeris, attitude)
            for key, attitude in self._attitudes.items()
        }

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """What its geometry depends on."""
        ends = [s.source for s in self.sections] + [self.sections[-1].destination]
        return {"ends": [end_inputs(end) for end in ends], "span_s": [self.start_s, self.stop_s]}

    def _view(self) -> Intervals:
        span = self.start_s, self.stop_s
        views = (
            visible(s.source.at, s.destination.at, self._ephemeris, *span) for s in self.sections
        )
        return reduce(Intervals.__and__, views)

    def contacts(self, served: Intervals) -> Contacts:
        """Contacts while all ends serve, and the windows that are too short."""
        windows = self.geometric & served
        inputs = {
            **self.inputs,
            "windows": arrays_digest(windows.starts_s, windows.stops_s),
            "channels": [_channel_inputs(section.channel) for section in self.sections],
            "attitudes": inputs_of(self._attitudes),
        }
        return self._keeper.value("rates", inputs, CONTACTS, lambda: self._found(windows))

    def _found(self, windows: Intervals) -> Contacts:
        grids = (
            _grid_s(s.source.at, s.destination.at, self.start_s, self.stop_s) for s in self.sections
        )
        grid = reduce(np.union1d, grids)
        steps = {key: finder.steps(windows, grid) for key, finder in self.finders.items()}
        return _contacts(windows, steps)

    def range_km(self, t_s: Floats) -> Floats:
        """Distance along the way at times (N,)."""
        paths = (s.source.position_km(t_s) - s.destination.position_km(t_s) for s in self.sections)
        return np.asarray(sum(np.linalg.norm(path, axis=0) for path in paths))


def _legs(stage: Stage, channels: Sequence[Channel], assets: Sequence[str]) -> Iterator[_Leg]:
    """The spans in which every asset of a way stays where it is."""
    stays = [stage.itineraries[asset] for asset in assets]
    for chain in product(*stays):
        start_s = max(stay.start_s for stay in chain)
        stop_s = min(stay.stop_s for stay in chain)
        if start_s < stop_s:
            sections = [
                Section(channel, here.end, there.end)
                for channel, (here, there) in zip(channels, pairwise(chain), strict=True)
            ]
            yield _Leg(stage, sections, start_s, stop_s)


def _over(legs: Sequence[_Leg], function: Callable[[_Leg], Function]) -> Function:
    """A function of time that each leg gives its part of."""
    if not legs:
        return lambda t_s: np.full(np.shape(t_s), np.nan)
    return piecewise([(leg.start_s, leg.stop_s, function(leg)) for leg in legs])


def horizon_view(stage: Stage, observer: str, target: str) -> Function | None:
    """Where one asset stands over the horizon of the other; None where that is ever in space."""
    if any(isinstance(stay.end.at, Orbit) for stay in stage.itineraries[observer]):
        return None
    return _view(stage, observer, target) if _meet(stage, observer, target) else None


def _view(stage: Stage, observer: str, target: str) -> Function:
    """One asset in the axes of the other."""
    parts = [
        (start_s, stop_s, _seen_from(here, there))
        for start_s, stop_s, here, there in _meet(stage, observer, target)
    ]
    return piecewise(parts) if parts else lambda t_s: np.full((3, *np.shape(t_s)), np.nan)


def _meet(stage: Stage, observer: str, target: str) -> list[tuple[float, float, End, End]]:
    return meetings(stage.itineraries[observer], stage.itineraries[target])


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
    """Instants that follow the faster of the two ends, at most an hour apart."""
    orbits = [end.track for end in (first, second) if isinstance(end, Orbit)]
    grids = [relay_grid(track, start_s, stop_s, _GRID_STEP_S) for track in orbits]
    return reduce(np.union1d, grids or [even_grid(start_s, stop_s, _GRID_STEP_S)])


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


def _channel_inputs(channel: Channel) -> dict[str, Any]:
    """All that a channel is made of."""
    ends = {"link": channel.link, "from": channel.source, "to": channel.destination}
    return inputs_of(ends | {f"code {code.name}": code for code in channel.codes})


def _contacts(windows: Intervals, steps: Mapping[str, list[list[RateStep]]]) -> Contacts:
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
            rates = {
                key: tuple((at_s, rate) for at_s, rate, _ in rows) for key, rows in whole.items()
            }
            losses = {key: tuple(loss for _, _, loss in rows) for key, rows in whole.items()}
            contacts.append(Contact(first, last, open_s, close_s, rates, losses))
    return contacts, too_short


def _usable(steps: Mapping[str, list[RateStep]], start_s: float, stop_s: float) -> Intervals:
    pairs = []
    for rows in steps.values():
        stops = [row.start_s for row in rows[1:]] + [stop_s]
        pairs += [
            (row.start_s, stop) for row, stop in zip(rows, stops, strict=True) if row.rate_bps > 0
        ]
    return Intervals.of(pairs).clip(start_s, stop_s)


def _whole(rows: list[RateStep], first: int, last: int) -> list[tuple[int, int, float]]:
    """Steps in whole seconds: a rate goes up late and down early, by less than a second."""
    whole: list[tuple[int, int, float]] = []
    before = 0
    for at_s, rate, loss in rows:
        edge = min(max(ceil(at_s) if rate > before else floor(at_s), first), last)
        before = rate
        while whole and whole[-1][0] >= edge:
            whole.pop()
        if edge < last and (not whole or whole[-1][1] != rate):
            whole.append((edge, rate, loss))
    return whole


def _light_time_s(stage: Stage, legs: Sequence[_Leg], range_km: Function) -> Track:
    count = max(1, ceil(stage.duration_s / _LIGHT_TIME_PIECE_S))
    edges = np.linspace(0.0, float(stage.duration_s), count + 1)

    def fitted() -> tuple[Track]:
        return (Track.fit(lambda t: range_km(t) / SPEED_OF_LIGHT_KM_S, edges, _LIGHT_TIME_DEGREE),)

    inputs = {"light time of": [leg.inputs for leg in legs], "duration_s": stage.duration_s}
    return stage.keeper.value("sky", inputs, TRACKS, fitted)[0]
