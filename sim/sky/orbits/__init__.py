"""Trajectories of relays: parameters of every kind, and the one call that computes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

import sim
from sim import cache as store
from sim.constants import DAY_S
from sim.parameters import Parameters, Utc
from sim.sky.ephemeris import Ephemeris, compute_ephemeris
from sim.sky.kernels import load_kernels
from sim.sky.orbits.elements import (
    Axes,
    ElementsParameters,
    kepler_states,
    orbit_axes,
    period_s,
    require_clear,
)
from sim.sky.orbits.halo import (
    HaloParameters,
    NrhoParameters,
    compute_halo,
    compute_nrho,
    reach_s,
)
from sim.sky.orbits.oem import OemParameters, read_oem, write_oem
from sim.sky.orbits.orbit import Center, Orbit
from sim.sky.orbits.propagated import PropagatedParameters, compute_propagated
from sim.sky.orbits.spk import SpkParameters, read_spk, write_spk
from sim.track import Track

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]

_FORMAT = 3  # of what is kept between runs
_LAYER = "orbits"


class KeplerianParameters(Parameters):
    """A two-body orbit, for sketches."""

    kind: Literal["keplerian"]
    center: Center = "moon"
    elements: ElementsParameters
    frame: Axes = "mean_earth"
    """Axes of the elements, as they stand at the epoch."""
    epoch_utc: Utc | None = None
    """The start of the scenario if left out."""


OrbitParameters = Annotated[
    KeplerianParameters
    | PropagatedParameters
    | HaloParameters
    | NrhoParameters
    | SpkParameters
    | OemParameters,
    Field(discriminator="kind"),
]


def compute_orbit(
    parameters: OrbitParameters,
    ephemeris: Ephemeris,
    start_s: float,
    stop_s: float,
    *,
    folder: Path,
    cache: bool = True,
    progress: Progress | None = None,
) -> Orbit:
    """The trajectory in `[start_s, stop_s]`; files that it names are relative to `folder`.

    Integrated kinds are kept in the user's cache folder, by a digest of all that they depend on.
    Raises `OrbitError` for a trajectory that cannot be made or read.
    """
    span_s = np.array([start_s, stop_s], dtype=float)
    key = _digest(parameters, ephemeris, span_s, folder)
    if isinstance(parameters, KeplerianParameters):
        return _keplerian(parameters, ephemeris, span_s, key)
    if isinstance(parameters, SpkParameters | OemParameters):
        sky = _reaching(ephemeris, start_s, stop_s)
        if isinstance(parameters, SpkParameters):
            track, own = read_spk(parameters, sky, start_s, stop_s, folder)
        else:
            track, own = read_oem(parameters, sky, start_s, stop_s, folder)
        return Orbit(track, ephemeris.clock, key, {}, parameters.center, own)
    kept = store.load(_LAYER, key) if cache else None
    orbit = None if kept is None else _restored(kept, ephemeris, key)
    if orbit is not None:
        return orbit

    def tell(fraction: float) -> None:
        if progress is not None:
            progress(f"integrating the {parameters.kind} orbit", fraction)

    tell(0.0)
    track, facts = _integrated(parameters, ephemeris, span_s, folder, tell)
    orbit = Orbit(track, ephemeris.clock, key, facts)
    if cache:
        store.store(_LAYER, key, _arrays(orbit))
    tell(1.0)
    return orbit


def _integrated(
    parameters: PropagatedParameters | HaloParameters | NrhoParameters,
    ephemeris: Ephemeris,
    span_s: Floats,
    folder: Path,
    tell: Callable[[float], None],
) -> tuple[Track, dict[str, float]]:
    epoch_s = _epoch_s(parameters, ephemeris)
    first_s, last_s = min(epoch_s, span_s[0]), max(epoch_s, span_s[1])
    if isinstance(parameters, PropagatedParameters):
        wide = _reaching(ephemeris, first_s, last_s)
        return compute_propagated(parameters, wide, epoch_s, span_s, folder)
    reach = reach_s(parameters)
    if isinstance(parameters, HaloParameters):
        wide = _reaching(ephemeris, first_s - reach, last_s + reach)
        return compute_halo(parameters, wide, epoch_s, span_s)
    wide = _reaching(ephemeris, span_s[0] - reach, span_s[1] + reach)
    return compute_nrho(parameters, wide, epoch_s, span_s, tell)


def _keplerian(
    parameters: KeplerianParameters, ephemeris: Ephemeris, span_s: Floats, key: str
) -> Orbit:
    center, epoch_s = parameters.center, _epoch_s(parameters, ephemeris)
    require_clear(parameters.elements, center)
    axes = orbit_axes(parameters.frame, _reaching(ephemeris, epoch_s, epoch_s), epoch_s)

    def position_km(t_s: Floats) -> Floats:
        position, _ = kepler_states(parameters.elements, center, t_s - epoch_s)
        return np.asarray(axes @ position)

    turn_s = period_s(parameters.elements.size(center)[0], center)
    own = Track.within(position_km, span_s[0], span_s[1], turn_s / 8.0, 14, 1e-7)
    facts = {"period_d": turn_s / DAY_S}
    if center == "moon":
        return Orbit(own, ephemeris.clock, key, facts)
    track = Track.within(
        lambda t: own(t) + ephemeris.earth_km(t), span_s[0], span_s[1], turn_s / 8.0, 14, 1e-7
    )
    return Orbit(track, ephemeris.clock, key, facts, center, own)


def _epoch_s(parameters: Any, ephemeris: Ephemeris) -> float:
    epoch_utc = parameters.epoch_utc
    return 0.0 if epoch_utc is None else float(ephemeris.clock.seconds(epoch_utc))


def _reaching(ephemeris: Ephemeris, start_s: float, stop_s: float) -> Ephemeris:
    """An ephemeris that covers the span as well: the given one where it does."""
    if ephemeris.start_s <= start_s and stop_s <= ephemeris.stop_s:
        return ephemeris
    first, last = min(ephemeris.start_s, start_s), max(ephemeris.stop_s, stop_s)
    return compute_ephemeris(ephemeris.clock, first, last)


def _digest(parameters: Any, ephemeris: Ephemeris, span_s: Floats, folder: Path) -> str:
    files = [getattr(parameters, "file", None), getattr(_gravity(parameters), "file", None)]
    paths = [folder / name for name in files if name is not None]
    return store.digest(
        {
            "format": _FORMAT,
            "version": sim.__version__,
            "parameters": parameters.model_dump(mode="json"),
            "files": [store.file_digest(path) for path in paths if path.is_file()],
            "start_tai_s": ephemeris.clock.start_tai_s,
            "span_s": span_s.tolist(),
            "sky_s": [ephemeris.start_s, ephemeris.stop_s],
            "kernels": load_kernels().digests,
        }
    )


def _gravity(parameters: Any) -> Any:
    return getattr(parameters, "gravity", None)


def _arrays(orbit: Orbit) -> dict[str, NDArray[Any]]:
    return {
        "edges_s": orbit.track.edges_s,
        "coefficients": orbit.track.coefficients,
        "error": np.array(orbit.track.error),
        "fact_names": np.array(list(orbit.facts), dtype=np.str_),
        "facts": np.array(list(orbit.facts.values()), dtype=float),
    }


def _restored(kept: dict[str, NDArray[Any]], ephemeris: Ephemeris, key: str) -> Orbit | None:
    """The orbit of arrays that were kept; None where they are not what `_arrays` makes."""
    try:
        edges, table = kept["edges_s"], kept["coefficients"]
        if table.ndim != 3 or table.shape[0] != len(edges) - 1 or table.shape[2] != 3:
            return None
        track = Track.made(edges, table, float(kept["error"]))
        names, values = kept["fact_names"].tolist(), kept["facts"].tolist()
    except (KeyError, ValueError, TypeError):
        return None
    return Orbit(track, ephemeris.clock, key, dict(zip(names, values, strict=True)))


__all__ = [
    "KeplerianParameters",
    "OemParameters",
    "Orbit",
    "OrbitParameters",
    "SpkParameters",
    "compute_orbit",
    "write_oem",
    "write_spk",
]
