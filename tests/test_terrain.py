"""Masks from constants, tables and elevation models, and what they refuse."""

import builtins
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pydantic import ValidationError
from rasterio.transform import from_origin
from sky_case import place, sky

from sim.constants import MOON_RADIUS_KM
from sim.errors import MissingExtraError, TerrainError
from sim.sky.geometry import Site
from sim.sky.terrain import read_horizon

RADIUS_M = 1e3 * MOON_RADIUS_KM
SITE = {"body": "moon", "latitude_deg": 10.0, "longitude_deg": 20.0, "height_m": 0.0}
CYLINDRICAL = f"+proj=eqc +lat_ts=0 +lon_0=0 +R={RADIUS_M} +units=m +no_defs"
POLAR = f"+proj=stere +lat_0=-90 +lon_0=0 +k=1 +R={RADIUS_M} +units=m +no_defs"


def horizon(keys: dict, folder: Path, **site: object):  # type: ignore[no-untyped-def]
    return Site.of(place(**{**SITE, **site}, horizon=keys), sky(1.0), folder).horizon


def test_a_constant_mask() -> None:
    mask = horizon({"kind": "constant", "elevation_deg": 7.5}, Path())
    assert mask.elevation_deg([0.0, 123.0]).tolist() == [7.5, 7.5]
    assert (mask.lowest_deg, mask.highest_deg, mask.is_constant) == (7.5, 7.5, True)


def test_a_table_is_linear_and_closes_over_north(tmp_path: Path) -> None:
    text = "# surveyed\nazimuth_deg,elevation_deg\n10,1\n90,5\n\n350,3\n"
    (tmp_path / "mask.csv").write_text(text)
    mask = horizon({"kind": "table", "file": "mask.csv"}, tmp_path)
    assert mask.elevation_deg([10.0, 50.0, 0.0, 360.0, 355.0, -5.0]) == pytest.approx(
        [1.0, 3.0, 2.0, 2.0, 2.5, 2.5]
    )
    (tmp_path / "closed.csv").write_text("azimuth_deg,elevation_deg\n0,1\n180,3\n360,1\n")
    assert read_horizon(tmp_path / "closed.csv").elevation_deg(270.0) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("azimuth_deg,elevation_deg\n90,1\n10,2\n", "azimuth 10 after 90"),
        ("azimuth_deg,elevation_deg\n90,1\n90,2\n", "azimuth 90 after 90"),
        ("azimuth_deg,elevation_deg\n0,1\n360,2\n", "one direction"),
        ("azimuth_deg,elevation_deg\n-5,1\n", "outside 0 to 360"),
        ("azimuth_deg,elevation_deg\n5,95\n", "outside -90 to 90"),
        ("azimuth_deg,elevation_deg\n5,high\n", "something else than numbers"),
        ("azimuth_deg,elevation_deg\n5,1,2\n", "two numbers"),
        ("azimuth_deg,elevation_deg\n", "two numbers"),
        ("azimuth_deg,elevation_deg\n5,nan\n", "two numbers"),
        ("az,el\n5,1\n", "must begin with the line"),
        ("", "must begin with the line"),
        (None, "not readable"),
    ],
)
def test_a_table_that_is_no_mask_is_refused(text: str | None, words: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "mask.csv").write_text(text)
    with pytest.raises(TerrainError, match=words) as caught:
        horizon({"kind": "table", "file": "mask.csv"}, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_mask_over_ninety_degrees_is_no_parameter() -> None:
    with pytest.raises(ValidationError):
        place(**SITE, horizon={"kind": "constant", "elevation_deg": 90.0})


def test_a_flat_moon_dips_with_the_height_of_the_eye(tmp_path: Path) -> None:
    _write(tmp_path / "flat.tif", CYLINDRICAL, _cylindrical(lambda east, north: 0.0 * east))
    keys = {"kind": "dem", "file": "flat.tif", "search_radius_km": 20, "azimuth_step_deg": 5}
    mask = horizon(keys, tmp_path, above_ground_m=50.0)
    dip = -np.degrees(np.arccos(RADIUS_M / (RADIUS_M + 50.0)))
    assert mask.elevations_deg == pytest.approx(np.full(72, dip), abs=2e-3)


@pytest.mark.parametrize("projection", ["cylindrical", "polar"])
def test_a_wall_stands_where_it_is(projection: str, tmp_path: Path) -> None:
    """A ring of 1,000 m at 15 km in the east, its height by hand with the Moon's curvature."""
    is_polar = projection == "polar"
    latitude = -89.0 if is_polar else 10.0
    site = {"latitude_deg": latitude}
    lat, lon = np.radians([latitude, 20.0])

    def wall(there_lat: np.ndarray, there_lon: np.ndarray) -> np.ndarray:
        cosine = np.sin(lat) * np.sin(there_lat)
        cosine += np.cos(lat) * np.cos(there_lat) * np.cos(there_lon - lon)
        distance = RADIUS_M * np.arccos(np.clip(cosine, -1.0, 1.0))
        east = np.sin(there_lon - lon) * np.cos(there_lat)
        north = np.cos(lat) * np.sin(there_lat)
        north -= np.sin(lat) * np.cos(there_lat) * np.cos(there_lon - lon)
        azimuth = np.degrees(np.arctan2(east, north)) % 360.0
        is_wall = (np.abs(distance - 15_000.0) < 400.0) & (np.abs(azimuth - 90.0) < 30.0)
        return np.where(is_wall, 1000.0, 0.0)

    path = tmp_path / "wall.tif"
    _write(
        path, POLAR if is_polar else CYLINDRICAL, _polar(wall) if is_polar else _geographic(wall)
    )
    keys = {"kind": "dem", "file": "wall.tif", "search_radius_km": 24, "azimuth_step_deg": 2}
    mask = horizon(keys, tmp_path, **site)
    arc = 14_650.0 / RADIUS_M
    top = RADIUS_M + 1000.0
    expected = np.degrees(np.arctan2(top * np.cos(arc) - RADIUS_M, top * np.sin(arc)))
    assert mask.elevation_deg([70.0, 90.0, 110.0]) == pytest.approx(np.full(3, expected), abs=0.06)
    assert mask.elevation_deg([0.0, 180.0, 270.0]).max() < 0.01


def test_a_model_with_scale_and_offset_means_metres(tmp_path: Path) -> None:
    grid = _cylindrical(lambda east, north: 0.0 * east + 40.0)
    _write(tmp_path / "scaled.tif", CYLINDRICAL, grid, scale=0.5, offset=-20.0)
    keys = {"kind": "dem", "file": "scaled.tif", "search_radius_km": 5, "azimuth_step_deg": 10}
    assert horizon(keys, tmp_path, height_m=0.0).highest_deg < 0.01


@pytest.mark.parametrize(
    ("site", "keys", "words"),
    [
        ({"latitude_deg": 60.0}, {}, "does not cover the site"),
        ({}, {"search_radius_km": 60}, "lower search_radius_km"),
        ({"height_m": 500.0}, {}, "height_m is 500"),
        ({}, {"file": "none.tif"}, "not readable"),
        ({}, {"file": "earth.tif"}, "the Moon's is"),
        ({}, {"file": "holed.tif"}, "ends"),
        ({}, {"file": "nowhere.tif"}, "does not say its projection"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(
    site: dict, keys: dict, words: str, tmp_path: Path
) -> None:
    flat = _cylindrical(lambda east, north: 0.0 * east)
    _write(tmp_path / "flat.tif", CYLINDRICAL, flat)
    _write(tmp_path / "earth.tif", CYLINDRICAL.replace(str(RADIUS_M), "6371000"), flat)
    holed = flat.copy()
    holed[100:110, 300:310] = -9999.0
    _write(tmp_path / "holed.tif", CYLINDRICAL, holed)
    _write(tmp_path / "nowhere.tif", None, flat)
    usual = {"kind": "dem", "file": "flat.tif", "search_radius_km": 20, "azimuth_step_deg": 5}
    with pytest.raises(TerrainError, match=words) as caught:
        horizon({**usual, **keys}, tmp_path, **site)
    assert "\n" not in str(caught.value)


def test_without_the_extra_the_pip_line_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.startswith("rasterio"):
            raise ImportError(name)
        return usual(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'farside\[terrain\]'"):
        horizon({"kind": "dem", "file": "flat.tif"}, tmp_path)


SIZE, PIXEL_M = 500, 100.0
EAST_M, NORTH_M = RADIUS_M * np.radians(20.0), RADIUS_M * np.radians(10.0)


def _axes(east_m: float, north_m: float) -> tuple[np.ndarray, np.ndarray]:
    offsets = (np.arange(SIZE) + 0.5 - SIZE / 2) * PIXEL_M
    east, north = np.meshgrid(east_m + offsets, north_m - offsets)
    return east, north


def _cylindrical(heights) -> np.ndarray:  # type: ignore[no-untyped-def]
    return np.asarray(heights(*_axes(EAST_M, NORTH_M)))


def _geographic(heights) -> np.ndarray:  # type: ignore[no-untyped-def]
    return _cylindrical(lambda east, north: heights(north / RADIUS_M, east / RADIUS_M))


def _polar_origin() -> tuple[float, float]:
    reach = 2.0 * RADIUS_M * np.tan(0.5 * np.radians(1.0))
    return reach * np.sin(np.radians(20.0)), reach * np.cos(np.radians(20.0))


def _polar(heights) -> np.ndarray:  # type: ignore[no-untyped-def]
    east, north = _axes(*_polar_origin())
    colatitude = 2.0 * np.arctan(np.hypot(east, north) / (2.0 * RADIUS_M))
    return np.asarray(heights(colatitude - 0.5 * np.pi, np.arctan2(east, north)))


def _write(
    path: Path, proj4: str | None, heights: np.ndarray, scale: float = 1.0, offset: float = 0.0
) -> None:
    east, north = _polar_origin() if proj4 == POLAR else (EAST_M, NORTH_M)
    half = 0.5 * SIZE * PIXEL_M
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=SIZE,
        width=SIZE,
        count=1,
        dtype="float32",
        nodata=-9999.0,
        crs=None if proj4 is None else rasterio.crs.CRS.from_proj4(proj4),
        transform=from_origin(east - half, north + half, PIXEL_M, PIXEL_M),
    ) as target:
        target.write(heights.astype("float32"), 1)
        target.scales, target.offsets = (scale,), (offset,)
