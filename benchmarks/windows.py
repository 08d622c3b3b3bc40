"""A year of windows by this project, by Skyfield's search, by SPICE and by lox-space, side by side.

A far-side site with a mask of 5 deg, a 24-hour ellipse of 200 x 16,000 km and a halo about L2, three
Earth stations with a mask of 10 deg and the Moon in their way, the Sun's centre and upper limb and
the Earth's shadow at the site. `python -m benchmarks.windows` prints a table and, last, one line of JSON.

Seconds of the processor stand beside those of the clock: the first do not depend on what else runs.
BLAS gets one thread, here and for the peers: a second gains nothing, but spins for as long again.
Cost is linear in the span where a line through spans of a quarter to two years fits: what it begins
with is the price of asking at all, some thousand calls of numpy and the sky's margins of ten days.
All get the same trajectories and the same sky: SPICE as SPK and binary PCK files that farside writes,
Skyfield as vector functions, lox-space as states every minute. SPICE and lox-space step by 300 s for
the ellipse and 3,600 s for the halo. Skyfield's `find_discrete`, one function per kind of event as
its documentation shows, needs minutes for a year: it runs over the first 30 days and is scaled to
the year, as it costs the same every day. lox-space knows neither the Moon's principal-axis frames nor
its mean-Earth axes, and the Earth's without nutation here: it does the stations only.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from sky_case import CLOCK, DAY_S, ELLIPSE, HALO, far_side, orbit, sky, stations

from sim.constants import EARTH_RADIUS_KM, MOON_RADIUS_KM, SUN_RADIUS_KM
from sim.sky import windows
from sim.sky.ephemeris import Ephemeris
from sim.sky.kernels import load_kernels, skyfield_time
from sim.sky.shadows import penumbra_deg
from sim.sky.windows import (
    above_mask,
    even_grid,
    intervals_where,
    past_moon,
    relay_grid,
    site_eclipses,
    site_sees_relay,
    station_sees_relay,
    sun_is_lit,
    sun_is_up,
)

Edges = dict[str, np.ndarray]

DAYS = 364.0
STOP_S = DAYS * DAY_S
SKYFIELD_DAYS = 30.0
REPETITIONS = 5
YEARS = (0.25, 0.5, 1.0, 2.0)
STEP_S = {"ellipse": 300.0, "halo": 3600.0}
SAME_S = 60.0  # events of two searches nearer than this are one


class Case:
    """The places and relays of the question, with the evaluations that ours needs."""

    def __init__(self, days: float = DAYS) -> None:
        self.ephemeris = sky(days)
        self.site = far_side(self.ephemeris)
        self.stations = stations(self.ephemeris)
        kinds = {"ellipse": ELLIPSE, "halo": HALO}
        self.relays = {
            name: orbit(keys, self.ephemeris, -DAY_S, (days + 1.0) * DAY_S)
            for name, keys in kinds.items()
        }


Seconds = tuple[float, float]
"""By the clock, and of the processor."""


def timed(function: Callable[[], Any]) -> tuple[Seconds, Any]:
    """The seconds of a call, and what it returns."""
    start, start_cpu = perf_counter(), process_time()
    found = function()
    return (perf_counter() - start, process_time() - start_cpu), found


def fastest(function: Callable[[], Any]) -> tuple[Seconds, Any]:
    """The least seconds of some calls, and what the last returned."""
    runs = [timed(function) for _ in range(REPETITIONS)]
    return (min(run[0][0] for run in runs), min(run[0][1] for run in runs)), runs[-1][1]


def ours(case: Case, stop_s: float = STOP_S) -> Edges:
    """Every kind of event by this project, the ephemeris and all grids made anew."""
    ephemeris = _fresh_sky(stop_s)
    site, ground = far_side(ephemeris), stations(ephemeris)
    found: dict[str, Any] = {}
    for relay, path in case.relays.items():
        track = path.track
        found[f"{relay} site"] = site_sees_relay(site, track, 0.0, stop_s)
        fine = relay_grid(track, 0.0, stop_s, 1800.0)
        coarse = even_grid(0.0, stop_s, 1800.0)
        for name, station in ground.items():
            found[f"{relay} {name} up"] = intervals_where(above_mask(station, track), coarse)
            found[f"{relay} {name} moon"] = intervals_where(past_moon(station, track), fine)
    found["sun"] = sun_is_up(site, 0.0, stop_s)
    level = far_side(ephemeris, 0.0)
    found["limb"] = sun_is_lit(level, 0.0, stop_s)
    found["eclipse"] = site_eclipses(site, 0.0, stop_s)
    return {name: _edges(part.starts_s, part.stops_s, stop_s) for name, part in found.items()}


def ours_at_stations(case: Case) -> Edges:
    """The part that lox-space can do: stations, up and not behind the Moon, both together."""
    ground = stations(_fresh_sky(STOP_S))
    found = {
        f"{relay} {name}": station_sees_relay(station, path.track, 0.0, STOP_S)
        for relay, path in case.relays.items()
        for name, station in ground.items()
    }
    return {name: _edges(part.starts_s, part.stops_s, STOP_S) for name, part in found.items()}


def _fresh_sky(stop_s: float) -> Ephemeris:
    """An ephemeris that has sampled nothing, and no grid kept from before."""
    for made in (even_grid, relay_grid, windows._needed_steps):
        made.cache_clear()
    return sky(stop_s / DAY_S)


def spice(case: Case, folder: Path) -> Edges:
    """The same by SPICE's gfposc and gfoclt."""
    from spice_peer import SpicePeer

    places = {"site": case.site, **case.stations}
    found: Edges = {}
    with SpicePeer(folder, CLOCK, (0.0, STOP_S), places, case.relays) as peer:
        start = perf_counter(), process_time()
        for relay in case.relays:
            step = STEP_S[relay]
            found[f"{relay} site"] = peer.elevation_crossings_s("site", relay, 5.0, step)
            for name in case.stations:
                up = peer.elevation_crossings_s(name, relay, 10.0, 1800.0)
                found[f"{relay} {name} up"] = up
                found[f"{relay} {name} moon"] = peer.occultations_s(name, "MOON", relay, step)
        found["sun"] = peer.elevation_crossings_s("site", "SUN", 0.0, 6.0 * 3600.0, "LT+S")
        found["limb"] = peer.upper_limb_crossings_s("site", 6.0 * 3600.0)
        found["eclipse"] = peer.occultations_s("site", "EARTH", "SUN", 900.0, "ANY", "LT")
        found["seconds"] = np.array([perf_counter() - start[0], process_time() - start[1]])
    return found


def skyfield(case: Case) -> Edges:
    """The same by find_discrete with Skyfield's own objects, over the first days only."""
    from skyfield.searchlib import find_discrete

    kernels = load_kernels()
    moon, earth, sun = (kernels.planets[name] for name in ("moon", "earth", "sun"))
    site = moon + case.site.vector_function
    first, last = (skyfield_time(kernels, CLOCK, t) for t in (0.0, SKYFIELD_DAYS * DAY_S))
    found: Edges = {}

    def search(name: str, function: Callable[[Any], Any], step_days: float) -> None:
        function.step_days = step_days  # type: ignore[attr-defined]
        times, _ = find_discrete(first, last, function)
        found[name] = (times.whole - first.whole) * DAY_S + (
            times.tt_fraction - first.tt_fraction
        ) * DAY_S

    def behind(path: Any, station: Any) -> Callable[[Any], Any]:
        def passes(t: Any) -> Any:
            here = (station - moon).at(t).position.km
            there = (path - moon).at(t).position.km
            way = there - here
            share = np.clip(-(here * way).sum(0) / (way * way).sum(0), 0.0, 1.0)
            return np.sqrt(((here + share * way) ** 2).sum(0)) > MOON_RADIUS_KM

        return passes

    fine = {"ellipse": 2.0 / 1440.0, "halo": 30.0 / 1440.0}
    for relay, of in case.relays.items():
        path = moon + of.vector_function
        seen = path - site
        search(f"{relay} site", lambda t, s=seen: s.at(t).altaz()[0].degrees > 5.0, fine[relay])
        for name, place in case.stations.items():
            station = earth + place.vector_function
            up = path - station
            step = max(fine[relay], 5.0 / 1440.0)
            search(f"{relay} {name} up", lambda t, s=up: s.at(t).altaz()[0].degrees > 10.0, step)
            search(f"{relay} {name} moon", behind(path, station), fine[relay])

    def sunlight(t: Any) -> Any:
        return site.at(t).observe(sun).apparent(deflectors=()).altaz()

    def limb(t: Any) -> Any:
        altitude, _, distance = sunlight(t)
        return altitude.degrees + np.degrees(np.arcsin(SUN_RADIUS_KM / distance.km)) > 0.0

    def shadow(t: Any) -> Any:
        at = site.at(t)
        vectors = (at.observe(sun).position.km, at.observe(earth).position.km)
        return penumbra_deg(*vectors, EARTH_RADIUS_KM) > 0.0

    search("sun", lambda t: sunlight(t)[0].degrees > 0.0, 0.25)
    search("limb", limb, 0.25)
    search("eclipse", shadow, 10.0 / 1440.0)
    return found


def lox(case: Case) -> Edges:
    """The stations' part by lox-space: up and not behind the Moon, edges of both together."""
    import lox_space as lx

    begin = lx.Time.from_two_part_julian_date("TAI", 2451545.0, CLOCK.start_tai_s / DAY_S)
    grounds = [
        lx.GroundStation(
            name,
            lx.EllipsoidLocation(
                "IAU_EARTH",
                longitude=of.parameters.longitude_deg * lx.deg,
                latitude=of.parameters.latitude_deg * lx.deg,
                altitude=1e-3 * of.parameters.height_m * lx.km,
            ),
            min_elevation=10.0 * lx.deg,
        )
        for name, of in case.stations.items()
    ]
    ephemeris = lx.SPK(str(load_kernels().paths["de421.bsp"]))
    crafts = {}
    for relay, of in case.relays.items():
        times = np.arange(0.0, STOP_S + 1.0, 60.0 if relay == "ellipse" else 1800.0)
        rows = np.concatenate([times[None], 1e3 * of.track(times), 1e3 * of.velocity_km_s(times)]).T
        path = lx.Trajectory.from_numpy(begin, rows, origin="Moon", frame="ICRF")
        crafts[relay] = lx.Spacecraft(relay, path.to_origin("Earth", ephemeris))
    found: Edges = {}
    start = perf_counter(), process_time()
    for relay, craft in crafts.items():
        end = begin + lx.TimeDelta(STOP_S - 120.0)
        scenario = lx.Scenario(begin, end, spacecraft=[craft], ground_stations=grounds)
        step = lx.TimeDelta(STEP_S[relay] if relay == "ellipse" else 1800.0)
        analysis = lx.VisibilityAnalysis(scenario, occulting_bodies=["Moon"], step=step)
        results = analysis.compute(ephemeris)
        for name in case.stations:
            pairs = results.intervals(name, relay)
            edges = [float(e - begin) for pair in pairs for e in (pair.start(), pair.end())]
            found[f"{relay} {name}"] = np.array(edges)
    found["seconds"] = np.array([perf_counter() - start[0], process_time() - start[1]])
    return found


def main() -> None:
    """Print the table and the line of JSON."""
    case = Case()
    ours(case)
    print("              clock   processor")
    ours_s, mine = fastest(lambda: ours(case))
    events = sum(map(len, mine.values()))
    _say("farside", ours_s, f"{events} events in {DAYS:.0f} d")
    fixed_s, per_year_s = _linearity()
    with tempfile.TemporaryDirectory() as folder:
        peer = spice(case, Path(folder))
    spice_s = tuple(peer.pop("seconds").tolist())
    _say("spice", spice_s, f"{sum(map(len, peer.values()))} events")
    worst, lines = _compared(mine, peer, STOP_S)
    print("\n".join(f"  {line}" for line in lines))
    part_s, plain = timed(lambda: skyfield(case))
    share = DAYS / SKYFIELD_DAYS
    skyfield_s = part_s[0] * share, part_s[1] * share
    count = sum(map(len, plain.values()))
    _say("skyfield", skyfield_s, f"scaled from {SKYFIELD_DAYS:.0f} d with {count} events")
    worst_plain, lines = _compared(mine, plain, SKYFIELD_DAYS * DAY_S)
    print("\n".join(f"  {line}" for line in lines))
    part, at_stations = fastest(lambda: ours_at_stations(case))
    _say("farside", part, f"{sum(map(len, at_stations.values()))} edges, stations only")
    lox_s = _lox_seconds(case)
    line = {
        "benchmark": "windows",
        "ours_s": round(ours_s[0], 3),
        "fixed_s": round(fixed_s, 3),
        "per_year_s": round(per_year_s, 3),
        "peers_s": {
            "spice": round(spice_s[0], 2),
            "skyfield": round(skyfield_s[0], 1),
            "lox": lox_s,
        },
        "events": events,
        "worst_difference_s": round(max(worst, worst_plain), 4),
    }
    print(json.dumps(line))


def _linearity() -> tuple[float, float]:
    """Processor seconds of asking at all and of each year, by the line through four spans.

    Least squares of relative distances; all four are searched on the same trajectories of two years.
    """
    case = Case(max(YEARS) * DAYS)
    ours(case, STOP_S)
    took = [fastest(lambda y=years: ours(case, y * STOP_S))[0] for years in YEARS]
    seconds = np.array([processor for _, processor in took])
    line = np.column_stack([np.ones(len(YEARS)), YEARS])
    (fixed_s, per_year_s), *_ = np.linalg.lstsq(line / seconds[:, None], np.ones(len(YEARS)))
    off = np.abs((line @ [fixed_s, per_year_s]) / seconds - 1.0).max()
    for years, (clock, processor) in zip(YEARS, took, strict=True):
        _say("", (clock, processor), f"{years:g} years")
    print(
        f"  {fixed_s:.3f} s and {per_year_s:.3f} s a year: this line passes the four by "
        f"{100.0 * off:.0f} % at most"
    )
    return float(fixed_s), float(per_year_s)


def _say(name: str, seconds: Seconds, text: str) -> None:
    print(f"{name:10s} {seconds[0]:8.3f} s {seconds[1]:8.3f} s  {text}")


def _lox_seconds(case: Case) -> float | None:
    try:
        runs = [lox(case) for _ in range(REPETITIONS)]
    except Exception as error:
        print(f"lox        did not run: {type(error).__name__}: {error}")
        return None
    wall, processor = np.min([run.pop("seconds") for run in runs], axis=0).tolist()
    _say("lox", (wall, processor), f"{sum(map(len, runs[-1].values()))} edges, stations only")
    return round(wall, 3)


def _edges(starts_s: np.ndarray, stops_s: np.ndarray, stop_s: float) -> np.ndarray:
    edges = np.sort(np.concatenate([starts_s, stops_s]))
    return edges[(edges > 1e-3) & (edges < stop_s - 1e-3)]


def _compared(mine: Edges, peer: Edges, stop_s: float) -> tuple[float, list[str]]:
    """The largest difference of an event that both found, and what only one found."""
    worst, lines = 0.0, []
    for name, times in peer.items():
        ours_here = mine[name][mine[name] < stop_s - 1e-3]
        only_us = [t for t in ours_here if not len(times) or np.abs(times - t).min() > SAME_S]
        near = [np.abs(ours_here - t).min() if len(ours_here) else np.inf for t in times]
        only_peer = sum(gap > SAME_S for gap in near)
        both = [gap for gap in near if gap <= SAME_S]
        worst = max(worst, max(both, default=0.0))
        if only_us or only_peer:
            gaps = np.diff(only_us[:2])
            hint = f", the first two {gaps[0]:.0f} s apart" if len(gaps) else ""
            lines.append(f"{name}: {len(only_us)} only here{hint}, {only_peer} only there")
    return worst, lines


if __name__ == "__main__":
    main()
