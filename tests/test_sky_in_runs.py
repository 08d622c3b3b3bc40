"""The sky through the whole chain: leap seconds, files of orbits, terrain, service of relays."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import rasterio
import spiceypy as spice
from rasterio.transform import from_origin
from sky_case import DAY_S, HALO, orbit, sky
from skyfield.api import wgs84
from test_terrain import RADIUS_M

from sim import cli
from sim.clock import Clock
from sim.constants import MOON_GM_KM3_S2
from sim.environment import compute_environment
from sim.intervals import Intervals
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario
from sim.sky.kernels import ORIENTATION_NAME, load_kernels, tdb_s
from sim.sky.orbits import Orbit
from sim.sky.windows import relay_eclipses

MINIMAL = (Path(__file__).parents[1] / "scenarios" / "minimal.yaml").read_text()
EDGE_S = 0.010
SERVICE_S = 0.05
CLOCK = Clock.starting("2016-12-30T12:00:00Z")
HOURS = 72
SITE_DEG = (-45.4446, 177.5991)


@pytest.fixture(scope="module")
def halo() -> Orbit:
    return orbit(HALO, sky(3.0, 40.0, CLOCK), 0.0, 3.0 * DAY_S)


def _oem(halo: Orbit, version: str = "2.0", scale: str = "UTC", hours: float = HOURS) -> str:
    """Rows of ten minutes, in UTC or TDB."""
    times = np.arange(0.0, hours * 3600.0 + 1.0, 600.0)
    noon = np.datetime64("2000-01-01T12:00:00", "ns")
    if scale == "UTC":
        labels = [CLOCK.utc(float(t))[:-1] for t in times]
    else:
        nanoseconds = np.round(tdb_s(CLOCK, times) * 1e9).astype("timedelta64[ns]")
        labels = [str(noon + step) for step in nanoseconds]
        labels[0] = str(noon + nanoseconds[0] - np.timedelta64(1000, "ns"))  # covers the start
        labels[-1] = str(noon + nanoseconds[-1] + np.timedelta64(1000, "ns"))
    states = np.concatenate([halo.track(times), halo.velocity_km_s(times)]).T
    rows = [
        f"{label} " + " ".join(f"{value:.9f}" for value in state)
        for label, state in zip(labels, states, strict=True)
    ]
    head = (
        f"CCSDS_OEM_VERS = {version}\nCREATION_DATE = 2016-12-01T00:00:00\nORIGINATOR = TEST\n"
        "META_START\nOBJECT_NAME = RELAY\nOBJECT_ID = 2018-045A\nCENTER_NAME = MOON\n"
        f"REF_FRAME = ICRF\nTIME_SYSTEM = {scale}\nSTART_TIME = {labels[0]}\n"
        f"STOP_TIME = {labels[-1]}\nMETA_STOP\n"
    )
    return head + "\n".join(rows) + "\n"


def _with_file(folder: Path, orbit_keys: str) -> str:
    """The smallest scenario across the last leap second, its relay from a file."""
    begin, end = MINIMAL.index("    orbit:\n"), MINIMAL.index("    recorder: {capacity_gb: 64}")
    text = f"{MINIMAL[:begin]}    orbit: {orbit_keys}\n{MINIMAL[end:]}"
    text = text.replace("2030-01-05T00:00:00Z", "2016-12-30T12:00:00Z")
    text = text.replace("{lunar_days: 2}", f"{{duration_h: {HOURS}}}")
    (folder / "case.yaml").write_text(text)
    return str(folder / "case.yaml")


def _with_oem(folder: Path, oem: str) -> str:
    """The same with an OEM beside it."""
    (folder / "relay.oem").write_text(oem)
    return _with_file(folder, "{kind: oem, file: relay.oem}")


# --- across a leap second ------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "scale"), [("2.0", "TDB"), ("3.0", "UTC")])
def test_a_run_across_a_leap_second_by_an_oem(
    version: str, scale: str, halo: Orbit, tmp_path: Path
) -> None:
    path = _with_oem(tmp_path, _oem(halo, version, scale))
    assert cli.main(["run", path, "--out", str(tmp_path / "out")]) == cli.DONE
    windows = pl.read_csv(tmp_path / "out" / "windows.csv")
    # 72 h of SI seconds from noon end a second before noon by the labels of UTC.
    assert windows["stop_utc"].max() == "2017-01-02T11:59:59Z"
    seen = windows.filter((pl.col("kind") == "view") & (pl.col("observer") == "kashi"))
    edges = [
        (label, second)
        for edge in ("start", "stop")
        for label, second in seen.select(f"{edge}_utc", f"{edge}_s").iter_rows()
        if 0.0 < second < HOURS * 3600.0
    ]
    assert sum(label > "2017" for label, _ in edges) >= 3
    assert sum(label < "2017" for label, _ in edges) >= 2
    for label, second in edges:
        assert abs(_altitude_rate(halo, label, second)) < EDGE_S
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["remarks"] == []  # UT1 of 2017 is measured
    assert manifest["books"] == "closed"


def _altitude_rate(halo: Orbit, label: str, second: float) -> float:
    """Seconds by which plain Skyfield puts the crossing of Kashi's mask elsewhere."""
    kernels = load_kernels()
    year, month, day = (int(part) for part in label[:10].split("-"))
    hour, minute, whole = (int(part) for part in label[11:19].split(":"))
    rest = second - round(second)
    times = kernels.timescale.utc(year, month, day, hour, minute, whole + rest + np.array([0, 1.0]))
    moon, earth = kernels.planets["moon"], kernels.planets["earth"]
    station = load_scenario(_minimal_path()).stations["kashi"].place
    assert station is not None
    ground = earth + wgs84.latlon(station.latitude_deg, station.longitude_deg, station.height_m)
    height = ((moon + halo.vector_function) - ground).at(times).altaz()[0].degrees
    mask = station.horizon.elevation_deg  # type: ignore[union-attr]
    return float((height[0] - mask) / (height[1] - height[0]))


def _minimal_path() -> Path:
    return Path(__file__).parents[1] / "scenarios" / "minimal.yaml"


def test_a_run_of_2030_says_once_that_ut1_is_predicted(tmp_path: Path) -> None:
    words = ["run", str(_minimal_path()), "--set", "span={duration_h: 24}"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == cli.DONE
    text = (tmp_path / "out" / "manifest.json").read_text()
    (remark,) = json.loads(text)["remarks"]
    assert "predicted UT1" in remark
    assert load_kernels().last_measured_utc[:10] in remark
    assert text.count("UT1") == 3  # one sentence: predicted, its trend, how much it moves an edge


# --- files that do not fit -----------------------------------------------------------------------


def _without(lines: slice) -> Callable[[str], str]:
    def cut(text: str) -> str:
        rows = text.splitlines()
        del rows[lines]
        return "\n".join(rows) + "\n"

    return cut


def _with_cell(word: str) -> Callable[[str], str]:
    """Another word for a position in the tenth row of states."""

    def change(text: str) -> str:
        rows = text.splitlines()
        cells = rows[22].split()
        rows[22] = " ".join([cells[0], word, *cells[2:]])
        return "\n".join(rows) + "\n"

    return change


@pytest.mark.parametrize("version", ["2.0", "3.0"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("= MOON", "= EARTH"), "CENTER_NAME = EARTH, but center: moon was said"),
        (("= MOON", "= MARS"), "CENTER_NAME = MARS is not read; only MOON and EARTH are"),
        (("CENTER_NAME = MOON\n", ""), "do not say CENTER_NAME, which is needed"),
        (("= ICRF", "= ITRF2014"), "REF_FRAME = ITRF2014 is not read; only ICRF"),
        (("= UTC", "= MRT"), "TIME_SYSTEM = MRT is not read; only UTC, TAI, TT, TDB, GPS are"),
        (_without(slice(40, 380)), "has a gap from 2016-12-30T16:30:00Z to 2017-01-02T01:19:59Z"),
        (_without(slice(-60, None)), "runs from 2016-12-30T12:00:00Z to 2017-01-02T01:59:59Z, but"),
        (("CCSDS_OEM_VERS", "OEM"), "does not say CCSDS_OEM_VERS"),
        (("CCSDS_OEM_VERS = ", "CCSDS_OEM_VERS = 1"), "versions 2.0 and 3.0 in KVN are read"),
        (("META_START\n", ""), "line 11: 'META_STOP' has no place there in an OEM"),
        (("META_STOP", "INTERPOLATION_DEGREE = 7.5\nMETA_STOP"), "whole number from 1 to 27"),
        (_with_cell("nan"), "line 23: a state needs a time and six numbers"),
    ],
)
def test_an_oem_that_does_not_fit_stops_check_and_run_alike(
    version: str,
    change: tuple[str, str] | Callable[[str], str],
    words: str,
    halo: Orbit,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = _oem(halo, version)
    text = text.replace(*change) if isinstance(change, tuple) else change(text)
    path = _with_oem(tmp_path, text)
    for command in (["check", path], ["run", path, "--out", str(tmp_path / "out")]):
        assert cli.main(command) == cli.REFUSED
        printed = capsys.readouterr()
        assert words in printed.err
        assert printed.err.count("\n") == 1
        assert printed.out == ""
    assert not (tmp_path / "out").exists()


SPK_START_S, SPK_STOP_S = -3600.0, HOURS * 3600.0 + 3600.0
BODY = -909_700


def _spk(
    path: Path,
    halo: Orbit,
    spans: tuple[tuple[float, float], ...] = ((SPK_START_S, SPK_STOP_S),),
    center: int = 301,
    frame: str = "J2000",
    kind: int = 13,
) -> None:
    """A file as SPICE writes it: a segment for each span, states every ten minutes."""
    handle = spice.spkopn(str(path), "relay", 0)
    for begin, end in spans:
        at = np.linspace(begin, end, int((end - begin) / 600.0) + 1)
        states = np.concatenate([halo.track(at), halo.velocity_km_s(at)]).T.copy()
        et = tdb_s(CLOCK, at)
        head = handle, BODY, center, frame, et[0], et[-1], "relay"
        if kind == 13:
            spice.spkw13(*head, 7, len(et), states, et)
        else:
            spice.spkw05(*head, MOON_GM_KM3_S2, len(et), states, et)
    spice.spkcls(handle)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def _spoilt(path: Path) -> None:
    words = np.frombuffer(path.read_bytes(), dtype="<f8").copy()
    words[3 * 128 + 100] = np.nan  # in the first of the states
    path.write_bytes(words.tobytes())


def _another_kernel(path: Path) -> None:
    path.write_bytes(load_kernels().paths[ORIENTATION_NAME].read_bytes())


@pytest.fixture(scope="module")
def wide_halo() -> Orbit:
    return orbit(HALO, sky(3.0, 40.0, CLOCK), SPK_START_S, SPK_STOP_S)


def test_a_relay_from_a_file_of_spice(wide_halo: Orbit, tmp_path: Path) -> None:
    path = _with_file(tmp_path, "{kind: spk, file: relay.bsp}")
    _spk(tmp_path / "relay.bsp", wide_halo)
    assert cli.main(["check", path]) == cli.DONE
    found = compute_environment(load_scenario(path))
    expected = compute_environment(load_scenario(_with_oem(tmp_path, _oem(wide_halo))))
    for ours, theirs in zip(found.hops, expected.hops, strict=True):
        assert ours.geometric.starts_s == pytest.approx(theirs.geometric.starts_s, abs=EDGE_S)
        assert ours.geometric.stops_s == pytest.approx(theirs.geometric.stops_s, abs=EDGE_S)


@pytest.mark.parametrize(
    ("changes", "keys", "words"),
    [
        (
            {"center": 399},
            "",
            "about the centre 399, but center: moon (301) was said; write center: earth",
        ),
        (
            {},
            ", center: earth",
            "about the centre 301, but center: earth (399) was said; write center: moon",
        ),
        ({"center": 3}, "", "centre 3, which is not read; only the Moon (301) and the Earth (399)"),
        ({"frame": "ECLIPJ2000"}, "", "in the frame 17 (ECLIPJ2000); only J2000 (ICRF), frame 1"),
        ({"kind": 5}, "", "has a segment of type 5; the types 2, 3, 8, 9, 12 and 13 are read"),
        (
            {"spans": ((SPK_START_S, DAY_S), (2 * DAY_S, SPK_STOP_S))},
            "",
            "has a gap from 2016-12-31T12:00:00Z to 2017-01-01T11:59:59Z; fill it, or split the run",
        ),
        (
            {"spans": ((SPK_START_S, DAY_S),)},
            "",
            "runs from 2016-12-30T11:00:00Z to 2016-12-31T12:00:00Z, but the orbit is needed from "
            "2016-12-30T12:00:00Z to 2017-01-02T11:59:59Z; take a longer file or a shorter run",
        ),
        ({"spans": ((DAY_S, SPK_STOP_S),)}, "", "runs from 2016-12-31T12:00:00Z to"),
        ({}, ", target: -5", f"holds no body -5, but [{BODY}]"),
        (_cut, "", "is cut off: body"),
        (_spoilt, "", "is damaged: the numbers of body"),
        (_another_kernel, "", "is no SPK file: it begins with 'DAF/PCK', not with 'DAF/SPK'"),
        (None, "", "there is no file 'relay.bsp'; name it relative to the scenario"),
    ],
)
def test_an_spk_that_does_not_fit_stops_check_run_and_windows_alike(
    changes: dict[str, Any] | Callable[[Path], None] | None,
    keys: str,
    words: str,
    wide_halo: Orbit,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, file = (
        _with_file(tmp_path, f"{{kind: spk, file: relay.bsp{keys}}}"),
        tmp_path / "relay.bsp",
    )
    if changes is not None:
        _spk(file, wide_halo, **(changes if isinstance(changes, dict) else {}))
    if callable(changes):
        changes(file)
    for command in (
        ["check", path],
        ["run", path, "--out", str(tmp_path / "out")],
        ["windows", path],
    ):
        assert cli.main(command) == cli.REFUSED
        printed = capsys.readouterr()
        assert words in printed.err
        assert printed.err.count("\n") == 1
        assert printed.out == ""
    assert not (tmp_path / "out").exists()


def test_check_reads_masks_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = MINIMAL.replace("{kind: constant, elevation_deg: 5}", "{kind: table, file: mask.csv}")
    (tmp_path / "case.yaml").write_text(text)
    (tmp_path / "mask.csv").write_text("azimuth_deg,elevation_deg\n90,1\n10,2\n")
    assert cli.main(["check", str(tmp_path / "case.yaml")]) == cli.REFUSED
    assert "azimuth 10 after 90" in capsys.readouterr().err


# --- all kinds at once ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario with an ellipse that serves by rules, a near-rectilinear orbit and a terrain."""
    place = tmp_path_factory.mktemp("all")
    _terrain(place / "dem.tif")
    begin, vehicles = MINIMAL.index("  queqiao:\n    orbit:"), MINIMAL.index("vehicles:\n")
    radio = MINIMAL[MINIMAL.index("    recorder: {capacity_gb: 64}") : vehicles]
    relays = f"""  queqiao:
    orbit:
      kind: propagated
      elements: {{lowest_height_km: 2000, highest_height_km: 14200, inclination_deg: 62.4,
        argument_of_perilune_deg: 90, ascending_node_deg: 90}}
    works_in_eclipse: false
    outages: {{upkeep: {{first_utc: 2026-03-01T06:00Z, every_h: 96, duration_h: 6}}}}
    share: 0.5
    allocated: {{daily_utc_h: [[2, 22]]}}
{radio}  gateway:
    orbit: {{kind: nrho}}
{radio}"""
    down = MINIMAL[MINIMAL.index("  relay_return:") :]
    down = down.replace("relay_return", "gateway_return").replace("queqiao.s", "gateway.s")
    mask = "{kind: dem, file: dem.tif, search_radius_km: 100, azimuth_step_deg: 2}"
    text = MINIMAL[:begin] + relays + MINIMAL[vehicles:] + down
    for old, new in (
        ("to: [queqiao.x_dish]", "to: [queqiao.x_dish, gateway.x_dish]"),
        ("{kind: constant, elevation_deg: 5}", mask),
        ("2030-01-05T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("{lunar_days: 2}", "{duration_h: 720}"),
        ("{part: kashi_35m}", "{part: kashi_35m, allocated: {daily_utc_h: [[20, 8]]}}"),
    ):
        text = text.replace(old, new)
    (place / "all.yaml").write_text(text)
    return place


def _terrain(path: Path) -> None:
    """A plain at the site's height with one hill of 3.5 km, 27 km to the south-east."""
    step, count = 2000.0, 181
    x = (np.arange(count) - count // 2) * step
    east, north = np.meshgrid(x, -x)
    height = -5935.0 + 3500.0 * np.exp(-(((east - 25e3) ** 2 + (north + 10e3) ** 2) / 64e6))
    crs = f"+proj=stere +lat_0={SITE_DEG[0]} +lon_0={SITE_DEG[1]} +k=1 +R={RADIUS_M} +units=m"
    corner = from_origin(x[0] - 0.5 * step, -x[0] + 0.5 * step, step, step)
    shape = {"width": count, "height": count, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=corner, **shape) as file:
        file.write(height.astype("float32"), 1)


@pytest.fixture(scope="module")
def scenario(folder: Path) -> Scenario:
    return load_scenario(folder / "all.yaml")


def test_windows_of_all_kinds_at_once(folder: Path) -> None:
    words = ["windows", str(folder / "all.yaml"), "--csv", str(folder / "w.csv")]
    words += ["--conjunction-deg", "8"]
    assert cli.main([*words, "--plot", str(folder / "w.png")]) == cli.DONE
    assert (folder / "w.png").stat().st_size > 50_000
    rows = pl.read_csv(folder / "w.csv")
    views = rows.filter(pl.col("kind") == "view").group_by("observer", "target").len()
    joined = {
        (observer, target) for observer in ("lander", "kashi") for target in ("queqiao", "gateway")
    }
    assert {row[:2] for row in views.iter_rows()} == joined | {("queqiao", "gateway")}
    # no link joins the relays: a view of its own, by distance alone
    between = rows.filter(pl.col("observer") == "queqiao", pl.col("target") == "gateway")
    assert between["link"].null_count() == len(between) > 5
    assert between["start_elevation_deg"].null_count() == len(between)
    assert (between["culmination_range_km"] <= between["start_range_km"] + 1e-6).all()
    near = rows.filter(pl.col("kind") == "conjunction").group_by("observer", "target").len()
    from_earth = {("kashi", target) for target in ("moon", "queqiao", "gateway")}
    towards = {(observer, "earth") for observer in ("crater", "queqiao", "gateway")}
    assert {row[:2] for row in near.iter_rows()} == from_earth | towards
    least = rows.filter(pl.col("kind") == "conjunction")["sun_angle_deg"]
    assert 0.0 < least.min() < least.max() < 8.0
    assert rows.filter(pl.col("kind") != "conjunction")["sun_angle_deg"].null_count() > 100
    shadows = rows.filter(pl.col("kind") == "eclipse").group_by("observer", "target").len()
    counts = {row[:2]: row[2] for row in shadows.iter_rows()}
    assert counts[("crater", "earth")] == 1  # 2026-03-03
    assert counts[("queqiao", "moon")] > 3
    seen = rows.filter((pl.col("kind") == "view") & (pl.col("observer") == "lander"))
    inner = seen.filter(pl.col("start_s") > 0.0)
    in_front = inner.filter(pl.col("start_azimuth_deg").is_between(100.0, 124.0))
    beside = inner.filter(~pl.col("start_azimuth_deg").is_between(85.0, 140.0))
    assert in_front["start_elevation_deg"].min() > 2.0  # it rises behind the hill
    assert beside["start_elevation_deg"].abs().max() < 1.0  # and elsewhere from the plain


def test_service_cuts_the_contacts(scenario: Scenario) -> None:
    environment = compute_environment(scenario)
    stop_s = float(environment.duration_s)
    days = np.arange(-1.0, 31.0) * DAY_S
    by_hand = Intervals.of((day + 2.0 * 3600.0, day + 22.0 * 3600.0) for day in days)
    starts = 6.0 * 3600.0 + 4.0 * DAY_S * np.arange(8)
    by_hand = by_hand - Intervals.of((start, start + 6.0 * 3600.0) for start in starts)
    by_hand = by_hand & Intervals.of((3600.0 * h, 3600.0 * h + 1800.0) for h in range(720))
    up = next(
        h for h in environment.hops if h.link == "lander_return" and h.destination == "queqiao"
    )
    relay = scenario.relays["queqiao"].orbit
    assert relay is not None
    around = sky(30.0, 31.0, scenario.clock)
    track = orbit(relay.model_dump(mode="json"), around, 0.0, stop_s).track
    shadows = relay_eclipses(track, around, 0.0, stop_s, "moon")
    shadows = shadows | relay_eclipses(track, around, 0.0, stop_s, "earth")
    free = up.geometric.clip(0.0, stop_s) & by_hand
    lost_s = free.total_s - (free - shadows).total_s
    assert lost_s > 1000.0  # 200 times the tolerance below: without the shadows it would fail
    _alike(Intervals.of((c.window_start_s, c.window_stop_s) for c in up.contacts), free - shadows)
    at_night = Intervals.of((day + 20.0 * 3600.0, day + 32.0 * 3600.0) for day in days)
    down = next(h for h in environment.hops if h.link == "gateway_return")
    allowed = down.geometric.clip(0.0, stop_s) & at_night
    _alike(Intervals.of((c.window_start_s, c.window_stop_s) for c in down.contacts), allowed)


def _alike(contacts: Intervals, expected: Intervals) -> None:
    """The same but for a part of a second at each edge."""
    tolerance_s = 2.0 * SERVICE_S * (len(expected) + 1)
    assert (contacts - expected).total_s < tolerance_s
    assert (expected - contacts).total_s < tolerance_s
    assert contacts.total_s > 100.0 * tolerance_s
