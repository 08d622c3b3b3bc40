"""Writes lunar_frame.csv: the Moon's mean-Earth axes at eleven epochs, by SPICE.

Run once with `python tests/data/make_lunar_frame.py`; the table is kept, so that the frame is held
against SPICE also where spiceypy is not installed.
"""

import csv
import sys
from pathlib import Path

import spiceypy as spice

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from spice_peer import _FRAMES, MOON_FRAME  # noqa: E402

from sim.sky.kernels import ORIENTATION_PATH  # noqa: E402

YEARS = (1975, 1990, 2000, 2007, 2013, 2019, 2024, 2026, 2030, 2040, 2049)


def main() -> None:
    """Write the table: TDB seconds since J2000 and the nine elements, row by row."""
    kernel = HERE / "frames.tf"
    kernel.write_text(_FRAMES + "\\begintext\n")
    spice.furnsh(str(kernel))
    spice.furnsh(str(ORIENTATION_PATH))
    with (HERE / "lunar_frame.csv").open("w", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["tdb_s", *(f"m{i}{j}" for i in range(3) for j in range(3))])
        for year in YEARS:
            tdb_s = (year - 2000) * 365.25 * 86400.0 + 12_345.0
            matrix = spice.pxform("J2000", MOON_FRAME, tdb_s)
            table.writerow([repr(tdb_s), *(repr(float(v)) for v in matrix.ravel())])
    spice.kclear()
    kernel.unlink()


if __name__ == "__main__":
    main()
