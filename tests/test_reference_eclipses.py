"""Every eclipse of four years at a site on the Moon against SPICE, and against the calendar."""

from pathlib import Path

import numpy as np
import pytest
from sky_case import DAY_S, place, sky
from spice_peer import SpicePeer

from sim.clock import Clock
from sim.sky.geometry import Site
from sim.sky.windows import site_eclipses

EDGE_S = 0.010
CLOCK = Clock.starting("2025-01-01T00:00Z")
STOP_S = 1461.0 * DAY_S
# Days of lunar eclipses with an umbra; NASA's Five Millennium Catalog (Espenak and Meeus 2009).
UMBRAL_DAYS = ["2025-03-14", "2025-09-07", "2026-03-03", "2026-08-28", "2028-01-12", "2028-07-06"]
UMBRAL_DAYS += ["2028-12-31"]


def test_every_eclipse_of_four_years(tmp_path: Path) -> None:
    around = sky(1461.0, 10.0, CLOCK)
    keys = {"latitude_deg": 60.0, "longitude_deg": -30.0, "height_m": -1500}
    site = Site.of(place(body="moon", **keys), around, Path())
    found = {kind: site_eclipses(site, 0.0, STOP_S, kind == "FULL") for kind in ("ANY", "FULL")}
    with SpicePeer(tmp_path, CLOCK, (0.0, STOP_S), {"near": site}, {}) as peer:
        for kind, ours in found.items():
            edges = peer.occultations_s("near", "EARTH", "SUN", 1800.0, kind, "LT")
            mine = np.sort(np.concatenate([ours.starts_s, ours.stops_s]))
            assert mine == pytest.approx(edges, abs=EDGE_S)
    days = {CLOCK.utc(float(start))[:10] for start in found["ANY"].starts_s}
    assert set(UMBRAL_DAYS) <= days
    assert len(found["FULL"]) >= 4
