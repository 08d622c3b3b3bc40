"""Every edge of a month against SPICE's event finder and Skyfield's own search."""

from collections.abc import Iterator

import numpy as np
import pytest
from sky_case import CLOCK, DAY_S, ELLIPSE, HALO, far_side, orbit, sky, stations
from skyfield.searchlib import find_discrete
from spice_peer import SpicePeer

from sim.intervals import Intervals
from sim.sky.ephemeris import Ephemeris
from sim.sky.geometry import Site, Station
from sim.sky.kernels import load_kernels, skyfield_time
from sim.sky.orbits import Orbit
from sim.sky.windows import (
    above_mask,
    conjunctions,
    even_grid,
    intervals_where,
    past_moon,
    relay_eclipses,
    relay_grid,
    relays_see_each_other,
    site_eclipses,
    site_sees_relay,
    sun_is_lit,
    sun_is_up,
)

EDGE_S = 0.010
STOP_S = 32.0 * DAY_S  # to 2026-03-05, with the eclipse of 2026-03-03
SPICE_STEP_S = {"halo": 3600.0, "ellipse": 120.0}


@pytest.fixture(scope="module")
def ephemeris() -> Ephemeris:
    return sky(32.0)


@pytest.fixture(scope="module")
def site(ephemeris: Ephemeris) -> Site:
    return far_side(ephemeris)


@pytest.fixture(scope="module")
def ground(ephemeris: Ephemeris) -> dict[str, Station]:
    return stations(ephemeris)


@pytest.fixture(scope="module")
def relays(ephemeris: Ephemeris) -> dict[str, Orbit]:
    kinds = {"halo": HALO, "ellipse": ELLIPSE}
    return {n: orbit(k, ephemeris, -DAY_S, STOP_S + DAY_S) for n, k in kinds.items()}


@pytest.fixture(scope="module")
def ring(ephemeris: Ephemeris) -> Orbit:
    """A relay on a ring about the Earth."""
    height = {"lowest_height_km": 35786, "highest_height_km": 35786, "inclination_deg": 20}
    keys = {"kind": "keplerian", "center": "earth", "frame": "icrf", "elements": height}
    return orbit(keys, ephemeris, -DAY_S, STOP_S + DAY_S)


@pytest.fixture(scope="module")
def spice(
    tmp_path_factory: pytest.TempPathFactory,
    site: Site,
    ground: dict[str, Station],
    relays: dict[str, Orbit],
    ring: Orbit,
) -> Iterator[SpicePeer]:
    folder = tmp_path_factory.mktemp("spice")
    paths = {**relays, "ring": ring}
    with SpicePeer(folder, CLOCK, (0.0, STOP_S), {"site": site, **ground}, paths) as peer:
        yield peer


def test_sunrise_and_sunset(site: Site, spice: SpicePeer) -> None:
    peer = spice.elevation_crossings_s("site", "SUN", 0.0, 6.0 * 3600.0, "LT+S")
    assert len(peer) >= 2
    _same(sun_is_up(site, 0.0, STOP_S), peer)


def test_the_suns_upper_limb(ephemeris: Ephemeris, spice: SpicePeer) -> None:
    peer = spice.upper_limb_crossings_s("site", 6.0 * 3600.0)
    assert len(peer) >= 2
    _same(sun_is_lit(far_side(ephemeris, 0.0), 0.0, STOP_S), peer)


@pytest.mark.parametrize("relay", ["halo", "ellipse"])
def test_a_site_sees_a_relay(
    relay: str, site: Site, relays: dict[str, Orbit], spice: SpicePeer
) -> None:
    peer = spice.elevation_crossings_s("site", relay, 5.0, SPICE_STEP_S[relay])
    _same(site_sees_relay(site, relays[relay].track, 0.0, STOP_S), peer)


@pytest.mark.parametrize("relay", ["halo", "ellipse"])
def test_stations_see_a_relay_past_the_moon(
    relay: str, ground: dict[str, Station], relays: dict[str, Orbit], spice: SpicePeer
) -> None:
    track = relays[relay].track
    for name, station in ground.items():
        risen = intervals_where(above_mask(station, track), even_grid(0.0, STOP_S, 1800.0))
        _same(risen, spice.elevation_crossings_s(name, relay, 10.0, 1800.0))
        free = intervals_where(past_moon(station, track), relay_grid(track, 0.0, STOP_S, 1800.0))
        _same(free, spice.occultations_s(name, "MOON", relay, SPICE_STEP_S[relay]))


@pytest.mark.parametrize("kind", ["ANY", "FULL"])
def test_relays_pass_the_shadows(
    kind: str, ephemeris: Ephemeris, relays: dict[str, Orbit], spice: SpicePeer
) -> None:
    count = 0
    for relay, orbit_of in relays.items():
        for body in ("moon", "earth"):
            ours = relay_eclipses(
                orbit_of.track, ephemeris, 0.0, STOP_S, body, total=kind == "FULL"
            )
            peer = spice.occultations_s(relay, body.upper(), "SUN", SPICE_STEP_S[relay], kind, "LT")
            _same(ours, peer)
            count += len(peer)
    assert count > 10


@pytest.mark.parametrize("limit_deg", [2.0, 6.0])
def test_the_sun_comes_near_what_antennas_look_at(
    limit_deg: float,
    ephemeris: Ephemeris,
    site: Site,
    ground: dict[str, Station],
    relays: dict[str, Orbit],
    spice: SpicePeer,
) -> None:
    """Near the new Moon of 2026-02-17 from the Earth, near the full Moons beside it towards it."""
    tracks = {name: relay.track for name, relay in relays.items()}
    from_earth = {**tracks, "MOON": lambda t_s: np.zeros((3, len(t_s)))}
    cases = [(n, at, name, seen) for n, at in ground.items() for name, seen in from_earth.items()]
    towards = {**tracks, "site": site}
    cases += [(name, at, "EARTH", ephemeris.earth_km) for name, at in towards.items()]
    count = 0
    for name, at, target, seen in cases:
        ours = conjunctions(at, seen, ephemeris, limit_deg, 0.0, STOP_S)
        peer = spice.sun_conjunctions_s(name, target, limit_deg, 1800.0)
        _same(ours, peer)
        count += len(peer)
    assert count >= (14 if limit_deg == 2.0 else 28)


def test_relays_see_each_other_past_the_moon_and_the_earth(
    ephemeris: Ephemeris, relays: dict[str, Orbit], spice: SpicePeer
) -> None:
    halo, ellipse = (relays[name].track for name in ("halo", "ellipse"))
    hidden = spice.occultations_s("halo", "MOON", "ellipse", 120.0)
    assert len(hidden) >= 10
    assert len(spice.occultations_s("halo", "EARTH", "ellipse", 600.0)) == 0
    _same(relays_see_each_other(halo, ellipse, ephemeris, 0.0, STOP_S), hidden)


def test_relays_about_both_bodies_lose_each_other_behind_both(
    ephemeris: Ephemeris, relays: dict[str, Orbit], ring: Orbit, spice: SpicePeer
) -> None:
    ellipse = relays["ellipse"].track
    seen = relays_see_each_other(ring.track, ellipse, ephemeris, 0.0, STOP_S)
    ours = _edges(seen)
    hidden = [spice.occultations_s("ring", body, "ellipse", 120.0) for body in ("MOON", "EARTH")]
    assert min(map(len, hidden)) >= 10
    peer = np.concatenate(hidden)
    assert np.abs(peer[:, None] - ours).min(axis=0).max() < EDGE_S
    # where one body hides it while the other does, there is no edge
    alone = np.abs(peer[:, None] - ours).min(axis=1) > EDGE_S
    assert 0 < alone.sum() == len(peer) - len(ours)
    assert not seen.contains(peer[alone] - 1.0).any()
    assert not seen.contains(peer[alone] + 1.0).any()


def test_the_eclipse_of_march_2026_at_the_site(site: Site, spice: SpicePeer) -> None:
    for kind in ("ANY", "FULL"):
        peer = spice.occultations_s("site", "EARTH", "SUN", 900.0, kind, "LT")
        assert len(peer) == 2
        _same(site_eclipses(site, 0.0, STOP_S, total=kind == "FULL"), peer)


def test_directions_are_those_of_spice(
    site: Site, ground: dict[str, Station], relays: dict[str, Orbit], spice: SpicePeer
) -> None:
    for t_s in (1.0e5, 1.3e6, 2.5e6):
        sun = spice.local_km("site", "SUN", t_s, "LT+S")
        ours = site.sun_local_km(t_s)
        turned = np.linalg.norm(np.cross(sun, ours)) / (sun @ sun)
        assert np.degrees(turned) < 1e-7
        for name, relay in relays.items():
            seen = spice.local_km("site", name, t_s, "NONE")
            assert site.local_km(t_s, relay.track) == pytest.approx(seen, abs=1e-5)
            seen = spice.local_km("ksh", name, t_s, "NONE")
            assert ground["ksh"].local_km(t_s, relay.track) == pytest.approx(seen, abs=1e-3)


def test_a_station_agrees_with_skyfields_own_search(
    ground: dict[str, Station], relays: dict[str, Orbit]
) -> None:
    kernels, station, relay = load_kernels(), ground["jms"], relays["halo"]
    days = 4.0
    moon, earth = kernels.planets["moon"], kernels.planets["earth"]
    difference = (moon + relay.vector_function) - (earth + station.vector_function)

    def is_risen(t: object) -> object:
        return difference.at(t).altaz()[0].degrees > 10.0

    is_risen.step_days = 0.1  # type: ignore[attr-defined]
    first, last = (skyfield_time(kernels, CLOCK, t) for t in (0.0, days * DAY_S))
    found, _ = find_discrete(first, last, is_risen)
    peer = (found.whole - first.whole) * DAY_S + (found.tt_fraction - first.tt_fraction) * DAY_S
    ours = intervals_where(above_mask(station, relay.track), even_grid(0.0, days * DAY_S, 1800.0))
    assert len(peer) >= 6
    _same(ours, peer, days * DAY_S)


def _edges(found: Intervals, stop_s: float = STOP_S) -> np.ndarray:
    edges = np.sort(np.concatenate([found.starts_s, found.stops_s]))
    return edges[(edges > 1e-3) & (edges < stop_s - 1e-3)]


def _same(ours: Intervals, peer: np.ndarray, stop_s: float = STOP_S) -> None:
    edges = _edges(ours, stop_s)
    assert len(edges) == len(peer)
    assert np.abs(edges - peer).max(initial=0.0) < EDGE_S
