"""Horizons: how high the sky begins in each direction, from a constant, a table or a terrain model."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from sim.errors import TerrainError
from sim.parameters import Parameters, Positive

Floats = NDArray[np.float64]
_COLUMNS = ["azimuth_deg", "elevation_deg"]


class ConstantHorizon(Parameters):
    """The same elevation all around."""

    kind: Literal["constant"]
    elevation_deg: Annotated[float, Field(ge=-90.0, lt=90.0)]
    """Elevation above the local horizontal plane below which nothing is seen."""


class TableHorizon(Parameters):
    """A mask as a CSV file with the columns azimuth_deg and elevation_deg."""

    kind: Literal["table"]
    file: str
    """Path relative to the scenario; azimuths rise from 0 to below 360, in between it is linear."""


class ModelHorizon(Parameters):
    """A mask computed from a digital elevation model (GeoTIFF, any projection of the Moon)."""

    kind: Literal["dem"]
    file: str
    """Path relative to the scenario; heights in metres above the sphere of 1737.4 km."""
    search_radius_km: Positive = 100.0
    """How far terrain is looked at; the model must reach that far all around."""
    azimuth_step_deg: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
    """Step of the mask; the terrain is looked at along each azimuth only."""


HorizonParameters = Annotated[
    ConstantHorizon | TableHorizon | ModelHorizon, Field(discriminator="kind")
]


@dataclass(frozen=True, eq=False)
class Horizon:
    """The elevation at which the sky begins, linear between azimuths and periodic.

    `azimuths_deg` (N,) rise from 0 or more to below 360; one entry is a constant mask.
    """

    azimuths_deg: Floats
    elevations_deg: Floats

    def elevation_deg(self, azimuth_deg: ArrayLike) -> Floats:
        """Elevation of the mask at one azimuth or many."""
        azimuth = np.asarray(azimuth_deg, dtype=float)
        if self.is_constant:
            return np.full(azimuth.shape, self.elevations_deg[0])
        return np.asarray(np.interp(azimuth, self.azimuths_deg, self.elevations_deg, period=360.0))

    @property
    def is_constant(self) -> bool:
        """Whether the mask is the same all around."""
        return len(self.azimuths_deg) == 1

    @property
    def lowest_deg(self) -> float:
        """Its lowest elevation."""
        return float(self.elevations_deg.min())

    @property
    def highest_deg(self) -> float:
        """Its highest elevation."""
        return float(self.elevations_deg.max())


def compute_horizon(
    parameters: HorizonParameters,
    folder: Path,
    *,
    latitude_deg: float,
    longitude_deg: float,
    height_m: float,
    above_ground_m: float,
) -> Horizon:
    """The mask of a site; `height_m` is the ground's, files are relative to `folder`.

    Raises `TerrainError` for a file that is not a mask or does not fit the site.
    """
    if isinstance(parameters, ConstantHorizon):
        return _horizon([0.0], [parameters.elevation_deg])
    if isinstance(parameters, TableHorizon):
        return read_horizon(folder / parameters.file)
    from sim.sky.elevation_models import model_horizon  # noqa: PLC0415 - needs rasterio

    azimuths, elevations = model_horizon(
        folder / parameters.file,
        parameters.search_radius_km,
        parameters.azimuth_step_deg,
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        height_m=height_m,
        above_ground_m=above_ground_m,
    )
    return _horizon(azimuths, elevations)


def read_horizon(path: Path) -> Horizon:
    """A mask from a CSV file; lines that begin with # are comments."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TerrainError(f"the mask {path} is not readable: {error}") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = list(csv.reader(lines))
    if not rows or [name.strip() for name in rows[0]] != _COLUMNS:
        raise TerrainError(f"the mask {path} must begin with the line {','.join(_COLUMNS)}")
    try:
        table = np.array([[float(cell) for cell in row] for row in rows[1:]], dtype=float)
    except ValueError as error:
        raise TerrainError(f"the mask {path} holds something else than numbers: {error}") from None
    if table.ndim != 2 or table.shape[1] != 2 or not np.isfinite(table).all():
        raise TerrainError(f"the mask {path} needs two numbers in each line after the first")
    return _checked(path, table[:, 0], table[:, 1])


def _checked(path: Path, azimuths: Floats, elevations: Floats) -> Horizon:
    if len(azimuths) > 1 and azimuths[-1] == 360.0 and azimuths[0] == 0.0:
        if elevations[0] != elevations[-1]:
            raise TerrainError(
                f"the mask {path} gives {elevations[0]:g} deg at azimuth 0 and "
                f"{elevations[-1]:g} deg at 360; they are one direction"
            )
        azimuths, elevations = azimuths[:-1], elevations[:-1]
    falls = np.flatnonzero(np.diff(azimuths) <= 0.0)
    if len(falls):
        here = int(falls[0])
        raise TerrainError(
            f"the mask {path} has azimuth {azimuths[here + 1]:g} after {azimuths[here]:g}; "
            "sort its lines by azimuth, each once"
        )
    if azimuths[0] < 0.0 or azimuths[-1] >= 360.0:
        raise TerrainError(f"the mask {path} has azimuths outside 0 to 360")
    if np.abs(elevations).max() >= 90.0:
        raise TerrainError(f"the mask {path} has elevations outside -90 to 90")
    return _horizon(azimuths, elevations)


def _horizon(azimuths_deg: ArrayLike, elevations_deg: ArrayLike) -> Horizon:
    azimuths, elevations = np.array(azimuths_deg, float), np.array(elevations_deg, float)
    azimuths.flags.writeable = elevations.flags.writeable = False
    return Horizon(azimuths, elevations)
