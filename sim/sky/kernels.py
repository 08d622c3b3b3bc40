"""The ephemeris, the Moon's orientation and the Earth's, opened by path and never downloaded."""

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jplephem.pck import PCK
from numpy.typing import ArrayLike, NDArray
from skyfield.data import iers
from skyfield.jpllib import SpiceKernel
from skyfield.planetarylib import Frame
from skyfield.timelib import Time, Timescale

from sim.cache import file_digest
from sim.clock import Clock
from sim.constants import DAY_S
from sim.errors import KernelError
from sim.sky.frames import principal_to_mean_earth

Floats = NDArray[np.float64]

J2000_JD = 2_451_545.0
ORIENTATION_NAME = "moon_pa_de421_1900-2050.bpc"
ORIENTATION_PATH = Path(__file__).parent / "data" / ORIENTATION_NAME
_MOON = 301
_MEASURED = ord("I")  # the finals table's mark of a measured value; "P" is a predicted one
_MARK_COLUMN = 57  # of UT1 - UTC in that table


@dataclass(frozen=True, eq=False)
class Kernels:
    """Everything that says where bodies are and how they are turned."""

    timescale: Timescale
    """Skyfield's time scale with measured UT1 and polar motion."""

    planets: SpiceKernel
    """DE421: `planets["moon"]`, `planets["earth"]`, `planets["sun"]`."""

    moon_pa: Frame
    """The Moon's principal axes, DE421: the axes of its gravity field."""

    moon_me: Frame
    """The Moon's mean-Earth axes, DE421: the axes of latitude and longitude."""

    paths: dict[str, Path]
    """The files, by name."""

    first_tt_s: float
    """First instant that all kernels cover; TT seconds since J2000."""

    last_tt_s: float
    """Last instant that all kernels cover."""

    last_measured_utc: str
    """Last day of measured UT1 and polar motion; later ones are predicted."""

    last_predicted_utc: str
    """Last day of the table; later, polar motion stands still and UT1 follows its long-term trend."""

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each file, by name."""
        return {name: file_digest(path) for name, path in sorted(self.paths.items())}


@cache
def load_kernels() -> Kernels:
    """The kernels, opened once per process; 0.1 s."""
    paths = {name: _packaged(name) for name in ("de421.bsp", "finals2000A.all")}
    paths[ORIENTATION_NAME] = ORIENTATION_PATH
    try:
        planets = SpiceKernel(str(paths["de421.bsp"]))
        orientation = PCK.open(str(ORIENTATION_PATH)).segments[0]
        timescale, measured_mjd, predicted_mjd = _timescale(paths["finals2000A.all"])
    except (OSError, ValueError) as error:
        raise KernelError(f"a kernel is not readable ({error}); install farside again") from None
    segments = [segment.spk_segment for segment in planets.segments]
    first_s = max(orientation.initial_second, *(s.start_second for s in segments))
    last_s = min(orientation.final_second, *(s.end_second for s in segments))
    return Kernels(
        timescale=timescale,
        planets=planets,
        moon_pa=Frame(_MOON, orientation, None),
        moon_me=Frame(_MOON, orientation, principal_to_mean_earth()),
        paths=paths,
        first_tt_s=first_s + 1.0,  # TDB and TT differ by at most 2 ms
        last_tt_s=last_s - 1.0,
        last_measured_utc=_midnight_utc(measured_mjd),
        last_predicted_utc=_midnight_utc(predicted_mjd),
    )


def skyfield_time(kernels: Kernels, clock: Clock, t_s: ArrayLike) -> Time:
    """Skyfield's time of one `t_s` or many; whole days and their fraction kept apart, good to 1 ns."""
    seconds = np.asarray(t_s, dtype=float)
    start_day, start_rest_s = divmod(clock.start_tt_s, DAY_S)
    days, rest_s = np.divmod(seconds + start_rest_s, DAY_S)
    whole, fraction = np.asarray(J2000_JD + start_day + days), np.asarray(rest_s / DAY_S)
    return Time(kernels.timescale, whole[()], fraction[()])


def tdb_s(clock: Clock, t_s: Floats) -> Floats:
    """TDB seconds since J2000 of times (N,); a double of today holds them to 0.1 us."""
    return np.asarray(t_s + clock.start_tt_s + tdb_minus_tt_s(clock, t_s))


def from_tdb_s(clock: Clock, since_j2000_s: Floats) -> Floats:
    """`t_s` of TDB seconds since J2000 (N,); TDB gains 3e-10 on TT, so one step is exact."""
    guess = since_j2000_s - clock.start_tt_s
    return np.asarray(guess - tdb_minus_tt_s(clock, guess))


def tdb_minus_tt_s(clock: Clock, t_s: Floats) -> Floats:
    """TDB less TT at times (N,), below 2 ms."""
    t = skyfield_time(load_kernels(), clock, t_s)
    return np.asarray(DAY_S * (t.tdb_fraction - t.tt_fraction))


def require_covered(clock: Clock, start_s: float, stop_s: float) -> None:
    """Raise `KernelError` where the kernels do not cover `[start_s, stop_s]`."""
    kernels = load_kernels()
    first, last = clock.start_tt_s + start_s, clock.start_tt_s + stop_s
    if first < kernels.first_tt_s or last > kernels.last_tt_s:
        raise KernelError(
            f"the sky is needed from {clock.utc(start_s)} to {clock.utc(stop_s)}, but the Moon's "
            "orientation is known from 1900-01-01 to 2050-12-31 only; choose dates within, 30 days "
            "from the ends"
        )


def ut1_remark(clock: Clock, stop_s: float) -> str | None:
    """What Earth-station edges of a run that ends at `stop_s` rest on, where not on measured UT1."""
    kernels = load_kernels()
    if stop_s <= clock.seconds(kernels.last_measured_utc):
        return None
    measured, predicted = kernels.last_measured_utc[:10], kernels.last_predicted_utc[:10]
    text = f"edges at Earth stations rest on predicted UT1 and polar motion after {measured}"
    if stop_s > clock.seconds(kernels.last_predicted_utc):
        text += f", on UT1's long-term trend and a pole at rest after {predicted}"
    return f"{text}; they move by 1.1 s for each second that UT1 is wrong"


def _packaged(name: str) -> Path:
    spec = find_spec("skyfield_data")
    path = Path(spec.origin).parent / "data" / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise KernelError(
            f"{name} is missing from the package skyfield-data; run pip install skyfield-data"
        )
    return path


def _timescale(path: Path) -> tuple[Timescale, float, float]:
    """The time scale of a finals2000A table, and its last measured and last predicted day (MJD)."""
    with path.open("rb") as stream:
        table = iers.parse_x_y_dut1_from_finals_all(stream)
        stream.seek(0)
        marks = [line[_MARK_COLUMN] for line in stream if len(line) > _MARK_COLUMN]
    measured = sum(mark == _MEASURED for mark in marks)
    daily_tt, delta_t, leap_dates, leap_offsets = iers.build_timescale_arrays(
        table["utc_mjd"], table["dut1"]
    )
    timescale = Timescale((daily_tt, delta_t), leap_dates, leap_offsets)
    iers.install_polar_motion_table(timescale, table)
    return timescale, float(table["utc_mjd"][measured - 1]), float(table["utc_mjd"][-1])


def _midnight_utc(mjd: float) -> str:
    day = np.datetime64("1858-11-17") + np.timedelta64(int(mjd), "D")
    return f"{day}T00:00:00Z"
