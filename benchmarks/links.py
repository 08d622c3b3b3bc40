"""A year of one link at 60 s: Pt/N0 with the Moon's and the Sun's noise, and the rate that closes.

`python -m benchmarks.links` prints one line of JSON: the best of five repetitions, in seconds.
"""

import json
import sys
from time import perf_counter
from typing import Any

import numpy as np

REPETITIONS = 5
INSTANTS = 526_000


def year() -> tuple[Any, Any]:
    """A channel from a lander to a relay's dish, and its geometry at every minute of a year."""
    from sim.physics.coding import Code
    from sim.physics.links import Channel, LinkGeometry, LinkParameters
    from sim.physics.terminals import TerminalParameters
    from sim.scenario.parts import group_data

    name = "conv_7_1_2_rs_255_223_i5"
    code = Code.model_validate_json(json.dumps({"name": name, **group_data("codes")[name]}))
    lander = {
        "antenna": {
            "kind": "patch",
            "peak_gain_dbi": 15,
            "beamwidth_deg": 40,
            "pointing": {"kind": "fixed", "error_deg": 1},
        },
        "transmitter": {"power_w": 2},
    }
    relay = {
        "antenna": {"kind": "parabola", "diameter_m": 4.2},
        "receiver": {"noise_temperature_k": 250, "adds": ["moon", "sun", "sky"]},
    }
    link = {
        "from": "lander.x_band",
        "to": ["relay.x_dish"],
        "frequency_hz": 8.47e9,
        "coding": name,
        "rates_bps": [1400, 50_000, 280_000, 555_000],
    }
    source, destination = (
        TerminalParameters.model_validate_json(json.dumps(end)) for end in (lander, relay)
    )
    parameters = LinkParameters.model_validate_json(json.dumps(link))
    channel = Channel.of(parameters, source, destination, {name: code})
    phase = np.arange(INSTANTS) * 60.0 * 2.0 * np.pi / (14.8 * 86_400.0)
    geometry = LinkGeometry(
        range_km=63_000.0 + 16_000.0 * np.sin(phase),
        source_off_axis_deg=15.0 + 10.0 * np.sin(1.3 * phase),
        moon_angle_deg=1.2 + 0.2 * np.sin(phase),
        moon_radius_deg=np.degrees(np.arcsin(1737.4 / (63_000.0 + 16_000.0 * np.sin(phase)))),
        sun_angle_deg=90.0 + 89.0 * np.sin(0.5 * phase),
        sun_radius_deg=0.267,
    )
    return channel, geometry


def main() -> int:
    """Print the measurement."""
    from sim.physics.links import closing_rate_bps

    channel, geometry = year()
    seconds = []
    for _ in range(REPETITIONS):
        start = perf_counter()
        rates = closing_rate_bps(channel, geometry)
        seconds.append(perf_counter() - start)
    print(
        json.dumps(
            {
                "benchmark": "links",
                "ours_s": round(min(seconds), 3),
                "instants": len(rates),
                "rates_bps": np.unique(rates).tolist(),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
