"""Horizons from digital elevation models of the Moon, read with the extra `rasterio`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.constants import MOON_RADIUS_KM
from sim.errors import MissingExtraError, TerrainError

Floats = NDArray[np.float64]

_HEIGHT_TOLERANCE_M = 100.0
_RADIUS_TOLERANCE_M = 3_000.0  # models on the IAU sphere, the mean sphere and the ellipsoid pass
_STEP_SHARE = 0.5  # of a pixel; and of the azimuth step's width, farther out
_RAYS_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class ElevationModel:
    """Heights above the sphere of 1737.4 km on the grid of a map projection."""

    path: Path
    heights_m: Floats
    """(rows, columns); NaN where the model says nothing."""
    to_map: Any
    """Longitudes and latitudes in degrees to map coordinates."""
    to_pixel: Any
    """Map coordinates to columns and rows, 0.5 at the middle of the first pixel."""
    pixel_m: float

    def height_m(self, longitude_deg: Floats, latitude_deg: Floats) -> Floats:
        """Height at many points, bilinear; NaN outside the model."""
        east, north = self.to_map(longitude_deg, latitude_deg)
        column, row = (v - 0.5 for v in self.to_pixel(east, north))
        left, top = np.floor(column).astype(int), np.floor(row).astype(int)
        rows, columns = self.heights_m.shape
        inside = (left >= 0) & (top >= 0) & (left < columns - 1) & (top < rows - 1)
        left, top = np.where(inside, left, 0), np.where(inside, top, 0)
        x, y, z = column - left, row - top, self.heights_m
        upper = z[top, left] * (1.0 - x) + z[top, left + 1] * x
        lower = z[top + 1, left] * (1.0 - x) + z[top + 1, left + 1] * x
        return np.asarray(np.where(inside, upper * (1.0 - y) + lower * y, np.nan))


def read_elevation_model(path: Path) -> ElevationModel:
    """A GeoTIFF in any projection of the Moon; heights in metres, its scale and offset applied."""
    try:
        import rasterio  # noqa: PLC0415 - an extra
        from rasterio.errors import RasterioError  # noqa: PLC0415
        from rasterio.warp import transform  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(
            "a horizon of kind dem needs rasterio; run pip install 'farside[terrain]'"
        ) from None
    try:
        with rasterio.open(path) as source:
            band = source.read(1, masked=True).astype(float)
            heights = band.filled(np.nan) * source.scales[0] + source.offsets[0]
            crs, affine = source.crs, source.transform
    except (RasterioError, OSError) as error:
        raise TerrainError(f"the elevation model {path} is not readable: {error}") from None
    if crs is None:
        raise TerrainError(f"the elevation model {path} does not say its projection")
    _require_moon(path, crs)
    sphere = rasterio.crs.CRS.from_proj4(f"+proj=longlat +R={MOON_RADIUS_KM * 1e3} +no_defs")

    def to_map(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
        east, north = transform(sphere, crs, longitude.ravel(), latitude.ravel())
        return (
            np.asarray(east, dtype=float).reshape(longitude.shape),
            np.asarray(north, dtype=float).reshape(longitude.shape),
        )

    inverse = ~affine

    def to_pixel(east: Floats, north: Floats) -> tuple[Floats, Floats]:
        return (
            inverse.a * east + inverse.b * north + inverse.c,
            inverse.d * east + inverse.e * north + inverse.f,
        )

    width = float(np.hypot(affine.a, affine.d))
    metres = np.radians(width) * MOON_RADIUS_KM * 1e3 if crs.is_geographic else width
    return ElevationModel(path, heights, to_map, to_pixel, metres)


def model_horizon(
    path: Path,
    search_radius_km: float,
    azimuth_step_deg: float,
    *,
    latitude_deg: float,
    longitude_deg: float,
    height_m: float,
    above_ground_m: float,
) -> tuple[Floats, Floats]:
    """Azimuths and the highest terrain along each, with the Moon's curvature.

    The eye stands `above_ground_m` over the model's own ground; terrain beyond the search radius
    is not looked at. Raises `TerrainError` where the model does not cover the circle.
    """
    model = read_elevation_model(path)
    ground_m = float(model.height_m(np.array([longitude_deg]), np.array([latitude_deg]))[0])
    where = f"latitude_deg {latitude_deg:g}, longitude_deg {longitude_deg:g}"
    if not np.isfinite(ground_m):
        raise TerrainError(f"the elevation model {path} does not cover the site at {where}")
    if abs(ground_m - height_m) > _HEIGHT_TOLERANCE_M:
        raise TerrainError(
            f"the elevation model {path} has its ground at {ground_m:.0f} m at {where}, but the "
            f"place's height_m is {height_m:.0f}; they may differ by {_HEIGHT_TOLERANCE_M:.0f} m"
        )
    eye_m = ground_m + above_ground_m
    azimuths = np.arange(0.0, 360.0 - 1e-9, azimuth_step_deg)
    distances = _distances_m(model.pixel_m, 1e3 * search_radius_km, np.radians(azimuth_step_deg))
    highest = [
        _ray_elevations_deg(model, latitude_deg, longitude_deg, eye_m, rays, distances)
        for rays in np.array_split(azimuths, max(1, len(azimuths) // _RAYS_AT_ONCE))
    ]
    return azimuths, np.concatenate(highest)


def _distances_m(pixel_m: float, radius_m: float, step_rad: float) -> Floats:
    """Distances looked at: half a pixel apart, and no closer than half of what a ray stands for."""
    distances = [pixel_m]
    while distances[-1] < radius_m:
        distances.append(distances[-1] + _STEP_SHARE * max(pixel_m, distances[-1] * step_rad))
    return np.asarray(np.minimum(np.array(distances), radius_m))


def _ray_elevations_deg(
    model: ElevationModel,
    latitude_deg: float,
    longitude_deg: float,
    eye_m: float,
    azimuths_deg: Floats,
    distances_m: Floats,
) -> Floats:
    radius_m = 1e3 * MOON_RADIUS_KM
    arc = distances_m / radius_m
    azimuth, latitude = np.radians(azimuths_deg)[:, None], np.radians(latitude_deg)
    sine = np.sin(latitude) * np.cos(arc) + np.cos(latitude) * np.sin(arc) * np.cos(azimuth)
    there = np.arcsin(np.clip(sine, -1.0, 1.0))
    east = np.sin(azimuth) * np.sin(arc) * np.cos(latitude)
    longitude = longitude_deg + np.degrees(
        np.arctan2(east, np.cos(arc) - np.sin(latitude) * np.sin(there))
    )
    longitude = (longitude + 180.0) % 360.0 - 180.0
    terrain_m = model.height_m(longitude, np.degrees(there))
    missing = np.isnan(terrain_m)
    if missing.any():
        nearest = float(distances_m[np.argmax(missing.any(axis=0))])
        raise TerrainError(
            f"the elevation model {model.path} ends {nearest * 1e-3:.1f} km from the site; lower "
            "search_radius_km, or take a larger model"
        )
    top, eye = radius_m + terrain_m, radius_m + eye_m
    elevation = np.arctan2(top * np.cos(arc) - eye, top * np.sin(arc))
    return np.asarray(np.degrees(elevation.max(axis=1)))


def _require_moon(path: Path, crs: Any) -> None:
    given = crs.to_dict()
    radius = given.get("R", given.get("a"))
    if radius is None or abs(float(radius) - 1e3 * MOON_RADIUS_KM) > _RADIUS_TOLERANCE_M:
        raise TerrainError(
            f"the elevation model {path} lies on a body of radius {radius} m; the Moon's is "
            f"{1e3 * MOON_RADIUS_KM:.0f} m"
        )
