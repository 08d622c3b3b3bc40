"""SPK and OEM files: written, read by SPICE, Skyfield and farside, and refused when they do not fit."""

from pathlib import Path

import numpy as np
import pytest
import spiceypy as spice
from sky_case import CLOCK, DAY_S, ELLIPSE, orbit, sky
from skyfield.api import load_file
from spice_peer import write_daf

from sim.clock import Clock
from sim.errors import OrbitError
from sim.sky.ephemeris import Ephemeris
from sim.sky.kernels import from_tdb_s, load_kernels, skyfield_time, tdb_s
from sim.sky.orbits import Orbit, write_oem, write_spk
from sim.sky.orbits.spk import TARGET_ID

NODE_KM, BETWEEN_KM = 1e-6, 1e-3
VELOCITY_KM_S = 1e-9  # TDB seconds differ from TT seconds by up to 3.3e-10
STOP_S = 6.0 * DAY_S


@pytest.fixture(scope="module")
def ephemeris() -> Ephemeris:
    return sky(6.0)


@pytest.fixture(scope="module")
def relay(ephemeris: Ephemeris) -> Orbit:
    return orbit(ELLIPSE, ephemeris, 0.0, STOP_S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, relay: Orbit) -> Path:
    place = tmp_path_factory.mktemp("files")
    write_spk(place / "relay.bsp", relay, "relay")
    write_oem(place / "relay.oem", relay, "relay")
    return place


@pytest.fixture(scope="module")
def times() -> np.ndarray:
    return np.sort(np.random.default_rng(3).uniform(1.0, STOP_S - 1.0, 500))


def test_spice_reads_the_spk(folder: Path, relay: Orbit, times: np.ndarray) -> None:
    spice.kclear()
    spice.furnsh(str(folder / "relay.bsp"))
    epochs = tdb_s(CLOCK, times)
    states = np.array([spice.spkgeo(TARGET_ID, et, "J2000", 301)[0] for et in epochs]).T
    spice.kclear()
    assert np.linalg.norm(states[:3] - relay.track(times), axis=0).max() < NODE_KM
    assert np.abs(states[3:] - relay.velocity_km_s(times)).max() < VELOCITY_KM_S


def test_skyfield_reads_the_spk(folder: Path, relay: Orbit, times: np.ndarray) -> None:
    kernel = load_file(str(folder / "relay.bsp"))
    position = kernel.segments[0].at(skyfield_time(load_kernels(), CLOCK, times)).position.km
    kernel.close()
    assert np.linalg.norm(position - relay.track(times), axis=0).max() < NODE_KM


def test_the_oem_holds_the_orbit_and_spice_agrees_between_its_lines(
    folder: Path, relay: Orbit, times: np.ndarray
) -> None:
    lines = (folder / "relay.oem").read_text().splitlines()
    table = [line.split() for line in lines if line[:4].isdigit()]
    states = np.array([[float(cell) for cell in row[1:]] for row in table])
    spice.kclear()
    noon = np.datetime64("2000-01-01T12:00:00", "ns")
    epochs = np.array([(np.datetime64(row[0], "ns") - noon).astype(float) * 1e-9 for row in table])
    at = from_tdb_s(CLOCK, epochs)
    assert np.abs(relay.track(at).T - states[:, :3]).max() < NODE_KM
    count = len(epochs)
    directory = epochs[99:-1:100] if count > 100 else np.empty(0)
    data = np.concatenate([states.ravel(), epochs, directory, [3.0, float(count)]])
    segment = ("oem", (float(epochs[0]), float(epochs[-1])), (-909_500, 301, 1, 13), data)
    write_daf(folder / "oem.bsp", b"DAF/SPK ", 6, segment)
    spice.furnsh(str(folder / "oem.bsp"))
    seen = np.array([spice.spkgeo(-909_500, et, "J2000", 301)[0] for et in tdb_s(CLOCK, times)])
    spice.kclear()
    assert np.linalg.norm(seen[:, :3].T - relay.track(times), axis=0).max() < BETWEEN_KM


@pytest.mark.parametrize("kind", ["spk", "oem"])
def test_both_come_back(
    kind: str, folder: Path, relay: Orbit, ephemeris: Ephemeris, times: np.ndarray
) -> None:
    name = "relay.bsp" if kind == "spk" else "relay.oem"
    back = orbit({"kind": kind, "file": name}, ephemeris, 0.0, STOP_S, folder=folder)
    miss = np.linalg.norm(back.track(times) - relay.track(times), axis=0).max()
    assert miss < (NODE_KM if kind == "spk" else BETWEEN_KM)


@pytest.mark.parametrize(("kind", "degree"), [(8, 7), (9, 7), (12, 7), (13, 7), (9, 6), (13, 5)])
def test_tables_of_states_are_interpolated_as_spice_does(
    kind: int, degree: int, folder: Path, relay: Orbit, ephemeris: Ephemeris
) -> None:
    epochs = tdb_s(CLOCK, np.array([0.0, STOP_S]))
    count = 3000
    et = np.linspace(epochs[0], epochs[1], count)
    if kind in (9, 13):
        et[1:-1] += np.random.default_rng(2).uniform(-20.0, 20.0, count - 2)
    at = from_tdb_s(CLOCK, et)
    at = np.clip(at, relay.track.start_s, relay.track.stop_s)
    states = np.concatenate([relay.track(at), relay.velocity_km_s(at)]).T
    window = degree if kind in (8, 9) else (degree + 1) // 2 - 1
    if kind in (8, 12):
        tail = [et[0], et[1] - et[0], window, count]
    else:
        tail = [*et, *et[99:-1:100], window, count]
    data = np.concatenate([states.ravel(), tail])
    path = folder / f"type{kind}_{degree}.bsp"
    segment = ("table", (float(et[0]), float(et[-1])), (-909_600, 301, 1, kind), data)
    write_daf(path, b"DAF/SPK ", 6, segment)
    ours = orbit({"kind": "spk", "file": path.name}, ephemeris, 0.0, STOP_S, folder=folder)
    spice.kclear()
    spice.furnsh(str(path))
    times = np.sort(np.random.default_rng(4).uniform(1.0, STOP_S - 1.0, 200))
    seen = [spice.spkgeo(-909_600, t, "J2000", 301)[0][:3] for t in tdb_s(CLOCK, times)]
    spice.kclear()
    assert np.abs(ours.track(times) - np.transpose(seen)).max() < NODE_KM


def test_an_earth_centred_file_is_told_from_the_moon(
    folder: Path, ephemeris: Ephemeris, times: np.ndarray
) -> None:
    keys = {
        "kind": "keplerian",
        "center": "earth",
        "elements": {"semi_major_axis_km": 42_164, "eccentricity": 0.01, "inclination_deg": 3},
    }
    relay = orbit(keys, ephemeris, 0.0, STOP_S)
    write_spk(folder / "high.bsp", relay, "high")
    write_oem(folder / "high.oem", relay, "high")
    for kind, name in (("spk", "high.bsp"), ("oem", "high.oem")):
        keys = {"kind": kind, "file": name, "center": "earth"}
        back = orbit(keys, ephemeris, 0.0, STOP_S, folder=folder)
        assert np.abs(back.track(times) - relay.track(times)).max() < BETWEEN_KM
        with pytest.raises(OrbitError, match="center: moon"):
            orbit({"kind": kind, "file": name}, ephemeris, 0.0, STOP_S, folder=folder)


OEM = """CCSDS_OEM_VERS = {version}
CREATION_DATE = 2017-01-01T00:00:00
ORIGINATOR = TEST
META_START
OBJECT_NAME = A
OBJECT_ID = 2017-001A
CENTER_NAME = {center}
REF_FRAME = {frame}
TIME_SYSTEM = {scale}
START_TIME = 2016-12-31T23:00:00
STOP_TIME = 2017-01-01T01:00:00
META_STOP
COMMENT a straight line, so that an epoch read wrong is a place read wrong
{rows}
COVARIANCE_START
EPOCH = 2016-12-31T23:30:00
1.0
COVARIANCE_STOP
"""
FIELDS = {"version": "2.0", "center": "MOON", "frame": "ICRF", "scale": "UTC"}


def _rows(epochs: list[str], start_s: list[float]) -> str:
    """Along a line at 1 km/s from 5,000 km at the first epoch."""
    return "\n".join(
        f"{epoch} {5000.0 + t - start_s[0]:.6f} 1000.0 0.0 1.0 0.0 0.0"
        for epoch, t in zip(epochs, start_s, strict=True)
    )


@pytest.mark.parametrize("version", ["2.0", "3.0"])
@pytest.mark.parametrize(
    ("scale", "first"),
    [
        ("UTC", "2016-12-31T23:59:00"),
        ("TAI", "2016-12-31T23:59:36"),
        ("TT", "2017-001T00:00:08.184"),
        ("TDB", "2017-01-01T00:00:08.184"),
        ("GPS", "2016-12-31T23:59:17"),
    ],
)
def test_every_time_scale_across_a_leap_second(
    version: str, scale: str, first: str, tmp_path: Path
) -> None:
    clock = Clock.starting("2016-12-31T23:59:00Z")
    ephemeris = sky(1.0, 2.0, clock)
    if scale == "UTC":  # the day has 86,401 seconds: 60 s on stands 23:59:60
        epochs = ["2016-12-31T23:59:00", "2016-12-31T23:59:60", "2017-01-01T00:00:59"]
        epochs += ["2017-01-01T00:01:59", "2017-01-01T00:02:59"]
    else:
        begin = np.datetime64("2017-01-01" if "001T" in first else first[:10], "ms")
        hour, minute, second = first.split("T")[1].split(":")
        begin += np.timedelta64(
            round((int(hour) * 60 + int(minute)) * 60e3 + float(second) * 1e3), "ms"
        )
        epochs = [str(begin + np.timedelta64(60_000 * i, "ms")) for i in range(5)]
        if "001T" in first:
            epochs[0] = first
    rows = _rows(epochs, [60.0 * i for i in range(5)])
    text = OEM.format(**{**FIELDS, "scale": scale, "version": version}, rows=rows)
    (tmp_path / "line.oem").write_text(text)
    found = orbit({"kind": "oem", "file": "line.oem"}, ephemeris, 0.01, 239.0, folder=tmp_path)
    for t_s in (1.0, 60.0, 61.0, 200.0):
        since_first_s = t_s
        if scale == "TDB":
            noon = np.datetime64("2000-01-01T12:00:00.000", "ms")
            label_s = (np.datetime64(first, "ms") - noon).astype(float) * 1e-3
            since_first_s = float(tdb_s(clock, np.array([t_s]))[0]) - label_s
            assert abs(since_first_s - t_s) > 1e-5
        assert found.track(t_s)[0] == pytest.approx(5000.0 + since_first_s, abs=1e-6)


LINE = _rows(
    [f"2016-12-31T23:{m:02d}:00" for m in (10, 20, 30, 40, 50)], [600.0 * i for i in range(5)]
)


@pytest.mark.parametrize(
    ("changes", "rows", "words"),
    [
        ({"center": "MARS BARYCENTER"}, LINE, "CENTER_NAME = MARS BARYCENTER"),
        ({"center": "EARTH"}, LINE, "CENTER_NAME = EARTH, but center: moon"),
        ({"frame": "ITRF2000"}, LINE, "REF_FRAME = ITRF2000"),
        ({"scale": "MET"}, LINE, "TIME_SYSTEM = MET"),
        ({"version": "1.0"}, LINE, "CCSDS_OEM_VERS = 1.0"),
        ({}, LINE.replace("2016-12-31T23:30:00", "31 Dec 2016"), "line 16"),
        (
            {},
            LINE.replace("2016-12-31T23:30:00", "2016-12-31T23:50:00"),
            "later than the one before",
        ),
        ({}, LINE.replace("5000.000000", "five"), "line 14"),
        ({}, LINE.replace("2016-12-31T23:10:00", "2016-12-10T23:10:00"), "gap from 2016-12-10"),
        ({}, LINE.replace("1000.0", "10.0").replace("5000", "500"), "hits the moon at"),
        ({}, "", "two states or more"),
    ],
)
def test_an_oem_that_does_not_fit_is_refused(
    changes: dict, rows: str, words: str, tmp_path: Path
) -> None:
    ephemeris = sky(1.0, 40.0, Clock.starting("2016-12-31T23:00:00Z"))
    (tmp_path / "bad.oem").write_text(OEM.format(**{**FIELDS, **changes}, rows=rows))
    with pytest.raises(OrbitError, match=words) as caught:
        orbit({"kind": "oem", "file": "bad.oem"}, ephemeris, 700.0, 2900.0, folder=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "span_s", "words"),
    [
        ({"file": "relay.bsp", "center": "earth"}, (0.0, DAY_S), "about the centre 301"),
        ({"file": "relay.bsp", "target": -5}, (0.0, DAY_S), "no body -5"),
        ({"file": "none.bsp"}, (0.0, DAY_S), "not readable"),
        ({"file": "relay.oem"}, (0.0, DAY_S), "no SPK file: it begins with 'CCSDS_OE'"),
        ({"file": "relay.bsp"}, (0.0, 7.0 * DAY_S), "runs from 2026-02-01T00:00:00Z to 2026-02-07"),
        ({"file": "frame.bsp"}, (0.0, DAY_S), "frame 17"),
        ({"file": "type.bsp"}, (0.0, DAY_S), "type 21"),
        ({"file": "sun.bsp"}, (0.0, DAY_S), "about the centre 10"),
    ],
)
def test_an_spk_that_does_not_fit_is_refused(
    keys: dict, span_s: tuple[float, float], words: str, folder: Path, ephemeris: Ephemeris
) -> None:
    span = (0.0, 1e9)
    for name, center, frame, kind in (
        ("frame", 301, 17, 2),
        ("type", 301, 1, 21),
        ("sun", 10, 1, 2),
    ):
        data = np.zeros(20)
        write_daf(
            folder / f"{name}.bsp", b"DAF/SPK ", 6, (name, span, (-9, center, frame, kind), data)
        )
    with pytest.raises(OrbitError, match=words) as caught:
        orbit({"kind": "spk", **keys}, ephemeris, *span_s, folder=folder)
    assert "\n" not in str(caught.value)


def test_a_file_with_a_hole_is_refused(folder: Path, relay: Orbit, ephemeris: Ephemeris) -> None:
    keys = {"kind": "spk", "file": "holed.bsp"}
    _two_segments(folder / "holed.bsp", relay, 2.0 * DAY_S, 3.0 * DAY_S)
    with pytest.raises(OrbitError, match="gap from 2026-02-03T00:00:00Z to 2026-02-04T00:00:00Z"):
        orbit(keys, ephemeris, 0.0, STOP_S, folder=folder)
    _two_segments(folder / "whole.bsp", relay, 3.0 * DAY_S, 3.0 * DAY_S)
    whole = orbit({**keys, "file": "whole.bsp"}, ephemeris, 0.0, STOP_S, folder=folder)
    times = np.linspace(0.0, STOP_S, 200)
    assert np.abs(whole.track(times) - relay.track(times)).max() < NODE_KM


def _two_segments(path: Path, relay: Orbit, first_stop_s: float, second_start_s: float) -> None:
    """An SPK of two segments, written by SPICE itself."""
    path.unlink(missing_ok=True)
    handle = spice.spkopn(str(path), "two", 0)
    for begin, end in ((0.0, first_stop_s), (second_start_s, STOP_S)):
        at = np.linspace(begin, end, int((end - begin) / 30.0) + 1)
        states = np.concatenate([relay.track(at), relay.velocity_km_s(at)]).T.copy()
        et = tdb_s(CLOCK, at)
        spice.spkw13(handle, -909_700, 301, "J2000", et[0], et[-1], "two", 7, len(et), states, et)
    spice.spkcls(handle)
