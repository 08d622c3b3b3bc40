"""The same sky in SPICE: kernels written from a scenario's places and orbits, and its event finder.

SPICE gets the DE421 files of this project, the Moon's mean-Earth frame as NAIF's frame kernel defines
it, sites and stations as fixed points of their frames, the relays as the SPK files that farside
writes, and the Earth's axes sampled from plain Skyfield calls: NAIF's own Earth kernel has another
UT1, which alone moves a station's edges by 0.2 to 0.3 s.
"""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import spiceypy as spice
from jplephem.daf import FTPSTR
from skyfield.framelib import itrs

from sim.clock import Clock
from sim.constants import EARTH_RADIUS_KM, MOON_RADIUS_KM, SUN_RADIUS_KM
from sim.sky.geometry import Site, Station
from sim.sky.kernels import ORIENTATION_NAME, from_tdb_s, load_kernels, skyfield_time, tdb_s
from sim.sky.orbits import Orbit, write_spk
from sim.track import Track

EARTH_FRAME, MOON_FRAME = "EARTH_PEER", "MOON_ME_DE421"
_EARTH_FRAME_ID, _MOON_FRAME_ID = 1_399_001, 31_007
_FRAMES = f"""KPL/FK
\\begindata
FRAME_MOON_PA_DE421 = 31006
FRAME_31006_NAME = 'MOON_PA_DE421'
FRAME_31006_CLASS = 2
FRAME_31006_CLASS_ID = 31006
FRAME_31006_CENTER = 301
FRAME_MOON_ME_DE421 = 31007
FRAME_31007_NAME = 'MOON_ME_DE421'
FRAME_31007_CLASS = 4
FRAME_31007_CLASS_ID = 31007
FRAME_31007_CENTER = 301
TKFRAME_31007_SPEC = 'ANGLES'
TKFRAME_31007_RELATIVE = 'MOON_PA_DE421'
TKFRAME_31007_ANGLES = ( 67.92, 78.56, 0.30 )
TKFRAME_31007_AXES = ( 3, 2, 1 )
TKFRAME_31007_UNITS = 'ARCSECONDS'
FRAME_EARTH_PEER = {_EARTH_FRAME_ID}
FRAME_{_EARTH_FRAME_ID}_NAME = 'EARTH_PEER'
FRAME_{_EARTH_FRAME_ID}_CLASS = 2
FRAME_{_EARTH_FRAME_ID}_CLASS_ID = {_EARTH_FRAME_ID}
FRAME_{_EARTH_FRAME_ID}_CENTER = 399
OBJECT_399_FRAME = 'EARTH_PEER'
OBJECT_301_FRAME = 'MOON_ME_DE421'
BODY10_POLE_RA = ( 286.13, 0.0, 0.0 )
BODY10_POLE_DEC = ( 63.87, 0.0, 0.0 )
BODY10_PM = ( 84.176, 14.1844, 0.0 )
BODY10_RADII = ( {SUN_RADIUS_KM}, {SUN_RADIUS_KM}, {SUN_RADIUS_KM} )
BODY399_POLE_RA = ( 0.0, -0.641, 0.0 )
BODY399_POLE_DEC = ( 90.0, -0.557, 0.0 )
BODY399_PM = ( 190.147, 360.9856235, 0.0 )
BODY301_RADII = ( {MOON_RADIUS_KM}, {MOON_RADIUS_KM}, {MOON_RADIUS_KM} )
BODY399_RADII = ( {EARTH_RADIUS_KM}, {EARTH_RADIUS_KM}, {EARTH_RADIUS_KM} )
"""


class SpicePeer:
    """SPICE loaded with places and relays; use it as a context, since SPICE is one per process."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        span_s: tuple[float, float],
        places: Mapping[str, Site | Station],
        relays: Mapping[str, Orbit],
    ) -> None:
        self.clock, self.span_s = clock, span_s
        self.ids: dict[str, int] = {}
        spice.kclear()
        text = _FRAMES
        for index, (name, place) in enumerate(places.items(), start=1):
            text += self._place(folder, name, place, index)
        (folder / "peer.tf").write_text(text + "\\begintext\n")
        kernels = load_kernels()
        for path in (
            kernels.paths["de421.bsp"],
            kernels.paths[ORIENTATION_NAME],
            folder / "peer.tf",
        ):
            spice.furnsh(str(path))
        if any(isinstance(place, Station) for place in places.values()):
            _write_earth(folder / "earth.bpc", clock, span_s)
            spice.furnsh(str(folder / "earth.bpc"))
        for name in places:
            spice.furnsh(str(folder / f"{name}.bsp"))
        for index, (name, orbit) in enumerate(relays.items(), start=1):
            self.ids[name] = -909_100 - index
            write_spk(folder / f"{name}.bsp", orbit, name, self.ids[name])
            spice.furnsh(str(folder / f"{name}.bsp"))

    def __enter__(self) -> "SpicePeer":
        return self

    def __exit__(self, *_: object) -> None:
        spice.kclear()

    def elevation_crossings_s(
        self, place: str, target: str, elevation_deg: float, step_s: float, correction: str = "NONE"
    ) -> np.ndarray:
        """Times at which a target crosses an elevation at a place; by gfposc."""
        result = spice.cell_double(200_000)
        spice.gfposc(
            target if target in ("SUN", "MOON", "EARTH") else str(self.ids[target]),
            f"{place.upper()}_TOPO",
            correction,
            str(self.ids[place]),
            "LATITUDINAL",
            "LATITUDE",
            ">",
            np.radians(elevation_deg),
            0.0,
            step_s,
            100_000,
            self._window(),
            result,
        )
        return self._edges(result)

    def occultations_s(
        self,
        observer: str,
        front: str,
        back: str,
        step_s: float,
        kind: str = "ANY",
        correction: str = "NONE",
    ) -> np.ndarray:
        """Times at which a body begins or ceases to cover another; by gfoclt."""
        result = spice.cell_double(200_000)
        # The Earth is a sphere here, whose axes do not matter.
        frames = {"MOON": MOON_FRAME, "EARTH": "IAU_EARTH", "SUN": "IAU_SUN"}
        is_point = back not in frames
        spice.gfoclt(
            kind,
            front,
            "ELLIPSOID",
            frames[front],
            str(self.ids[back]) if is_point else back,
            "POINT" if is_point else "ELLIPSOID",
            "" if is_point else frames[back],
            correction,
            str(self.ids[observer]),
            step_s,
            self._window(),
            result,
        )
        return self._edges(result)

    def upper_limb_crossings_s(self, place: str, step_s: float) -> np.ndarray:
        """Times at which the Sun's upper limb crosses 0 deg at a place; by gfuds, LT+S."""
        frame, number = f"{place.upper()}_TOPO", str(self.ids[place])

        @spice.utils.callbacks.SpiceUDFUNS
        def height_rad(et: float) -> float:
            vector, _ = spice.spkpos("SUN", et, frame, "LT+S", number)
            distance = float(np.sqrt(vector @ vector))
            return float(np.arcsin(vector[2] / distance) + np.arcsin(SUN_RADIUS_KM / distance))

        @spice.utils.callbacks.SpiceUDFUNB
        def is_falling(function: object, et: float) -> bool:
            return bool(spice.uddc(function, et, 60.0))

        result = spice.cell_double(20_000)
        spice.gfuds(height_rad, is_falling, ">", 0.0, 0.0, step_s, 10_000, self._window(), result)
        return self._edges(result)

    def sun_conjunctions_s(
        self, observer: str, target: str, limit_deg: float, step_s: float
    ) -> np.ndarray:
        """Times at which the Sun comes within an angle of a target, or leaves it; by gfuds.

        The Sun by LT+S, the target geometric, which gfsep cannot mix.
        """
        here = str(self.ids[observer])
        there = target if target in ("MOON", "EARTH") else str(self.ids[target])

        @spice.utils.callbacks.SpiceUDFUNS
        def apart_rad(et: float) -> float:
            sun, _ = spice.spkpos("SUN", et, "J2000", "LT+S", here)
            seen, _ = spice.spkpos(there, et, "J2000", "NONE", here)
            return float(spice.vsep(sun, seen))

        @spice.utils.callbacks.SpiceUDFUNB
        def is_falling(function: object, et: float) -> bool:
            return bool(spice.uddc(function, et, 10.0))

        result = spice.cell_double(20_000)
        limit = np.radians(limit_deg)
        spice.gfuds(apart_rad, is_falling, "<", limit, 0.0, step_s, 10_000, self._window(), result)
        return self._edges(result)

    def local_km(self, place: str, target: str, t_s: float, correction: str) -> np.ndarray:
        """A target in the local east, north and up of a place."""
        et = float(tdb_s(self.clock, np.array([t_s]))[0])
        name = target if target in ("SUN", "MOON", "EARTH") else str(self.ids[target])
        frame = f"{place.upper()}_TOPO"
        north, west, up = spice.spkpos(name, et, frame, correction, str(self.ids[place]))[0]
        return np.array([-west, north, up])

    def _window(self) -> object:
        window = spice.cell_double(2)
        first, last = tdb_s(self.clock, np.array(self.span_s))
        spice.wninsd(float(first), float(last), window)
        return window

    def _edges(self, result: object) -> np.ndarray:
        """All edges but those at the ends of the span."""
        pairs = [spice.wnfetd(result, i) for i in range(spice.wncard(result))]
        edges = np.array(pairs, dtype=float).ravel()
        first, last = tdb_s(self.clock, np.array(self.span_s))
        inside = edges[(edges > first + 1e-3) & (edges < last - 1e-3)]
        return from_tdb_s(self.clock, inside) if len(inside) else inside

    def _place(self, folder: Path, name: str, place: Site | Station, index: int) -> str:
        """The frame kernel's text of a place; its SPK of one fixed point beside it."""
        is_site = isinstance(place, Site)
        body = 301 if is_site else 399
        number = body * 1000 + index
        self.ids[name] = number
        lat, lon = place.parameters.latitude_deg, place.parameters.longitude_deg
        if is_site:
            point = np.array(spice.latrec(place.radius_km, np.radians(lon), np.radians(lat)))
        else:
            point = np.array(place.vector_function.itrs_xyz.km)
        first, last = tdb_s(self.clock, np.array(self.span_s)) + np.array([-1e6, 1e6])
        state = [*point, 0.0, 0.0, 0.0]
        data = np.array([*state, *state, first, last - first, 1.0, 2.0])
        frame = _MOON_FRAME_ID if is_site else _EARTH_FRAME_ID
        segment = (name, (first, last), (number, body, frame, 8), data)
        write_daf(folder / f"{name}.bsp", b"DAF/SPK ", 6, segment)
        relative = MOON_FRAME if is_site else EARTH_FRAME
        return f"""
FRAME_{name.upper()}_TOPO = {1_400_000 + index}
FRAME_{1_400_000 + index}_NAME = '{name.upper()}_TOPO'
FRAME_{1_400_000 + index}_CLASS = 4
FRAME_{1_400_000 + index}_CLASS_ID = {1_400_000 + index}
FRAME_{1_400_000 + index}_CENTER = {number}
TKFRAME_{1_400_000 + index}_SPEC = 'ANGLES'
TKFRAME_{1_400_000 + index}_RELATIVE = '{relative}'
TKFRAME_{1_400_000 + index}_ANGLES = ( {-lon!r}, {-(90.0 - lat)!r}, 180.0 )
TKFRAME_{1_400_000 + index}_AXES = ( 3, 2, 3 )
TKFRAME_{1_400_000 + index}_UNITS = 'DEGREES'
"""


def write_daf(
    path: Path,
    kind: bytes,
    integers: int,
    segment: tuple[str, tuple[float, float], tuple[int, ...], np.ndarray],
) -> None:
    """An SPK (6 integers) or binary PCK (5) with one segment; NAIF's DAF Required Reading."""
    name, span, labels, data = segment
    begin = 3 * 128 + 1
    end = begin + len(data) - 1
    header = struct.pack(
        "<8sii60siii8s603s28s297s",
        kind, 2, integers, b"peer".ljust(60), 2, 2, end + 1, b"LTL-IEEE", b"", FTPSTR, b"",
    )  # fmt: skip
    summary = struct.pack("<ddd", 0.0, 0.0, 1.0)
    summary += struct.pack(f"<dd{integers}i", *span, *labels, begin, end)
    body = data.astype("<f8").tobytes()
    body += b"\0" * (-len(body) % 1024)
    label = name.encode().ljust(1024)
    path.write_bytes(header + summary.ljust(1024, b"\0") + label + body)


def _write_earth(path: Path, clock: Clock, span_s: tuple[float, float]) -> None:
    """Skyfield's ITRS as a binary PCK of type 2: node, tilt and spin in pieces of six hours."""
    first, last = tdb_s(clock, np.array(span_s)) + np.array([-86400.0, 86400.0])
    count = int(np.ceil((last - first) / 21_600.0))
    edges = first + 21_600.0 * np.arange(count + 1)
    nodes = Track.nodes(edges, 11)
    matrix = itrs.rotation_at(skyfield_time(load_kernels(), clock, from_tdb_s(clock, nodes)))
    node = np.arctan2(matrix[2, 0], -matrix[2, 1])
    tilt = np.arctan2(np.hypot(matrix[2, 0], matrix[2, 1]), matrix[2, 2])
    spin = np.arctan2(matrix[0, 2], matrix[1, 2])
    order = np.argsort(nodes)
    angles = np.array([node, tilt, spin])
    angles[:, order] = np.unwrap(angles[:, order], axis=1)
    series = Track.through(angles, edges, 11).coefficients.transpose(0, 2, 1).reshape(count, -1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    records = np.column_stack([middles, np.full(count, 10_800.0), series])
    data = np.concatenate([records.ravel(), [first, 21_600.0, records.shape[1], count]])
    segment = ("EARTH_PEER", (first, float(edges[-1])), (_EARTH_FRAME_ID, 1, 2), data)
    write_daf(path, b"DAF/PCK ", 5, segment)
