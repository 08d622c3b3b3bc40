"""Terminals, links and codes for the tests of the radio physics."""

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from sim.physics.antennas import AntennaParameters
from sim.physics.coding import Code
from sim.physics.links import Channel, LinkParameters
from sim.physics.terminals import TerminalParameters
from sim.scenario.parts import group_data

CONCATENATED = "conv_7_1_2_rs_255_223_i5"


@cache
def codes() -> dict[str, Code]:
    """The codes of the catalogue."""
    entries = {name: {"name": name, **data} for name, data in group_data("codes").items()}
    return TypeAdapter(dict[str, Code]).validate_json(json.dumps(entries))


def antenna(kind: str, **values: Any) -> AntennaParameters:
    """An antenna as a scenario writes it."""
    written = json.dumps({"kind": kind, **values})
    return TypeAdapter(AntennaParameters).validate_json(written)


def terminal(**values: Any) -> TerminalParameters:
    """A terminal as a scenario writes it."""
    return TerminalParameters.model_validate_json(json.dumps(values))


def sender(gain_dbi: float = 0.0, power_w: float = 1.0, **values: Any) -> TerminalParameters:
    """A transmitter behind a constant gain."""
    written = {"antenna": {"kind": "gain", "peak_gain_dbi": gain_dbi}, **values}
    return terminal(transmitter={"power_w": power_w}, **written)


def hearer(gain_dbi: float = 0.0, noise_k: float = 100.0, **values: Any) -> TerminalParameters:
    """A receiver behind a constant gain."""
    written = {"antenna": {"kind": "gain", "peak_gain_dbi": gain_dbi}, **values}
    return terminal(receiver={"noise_temperature_k": noise_k}, **written)


def station(name: str, band: str) -> TerminalParameters:
    """A terminal of a station in the catalogue."""
    return terminal(**group_data("stations")[name]["terminals"][band])


def link(**values: Any) -> LinkParameters:
    """A link as a scenario writes it, with what matters least filled in."""
    written = {"from": "lander.radio", "to": ["relay.dish"], "frequency_hz": 8.4e9}
    if "symbol_rates_sps" not in values:
        written["rates_bps"] = [1000]
    return LinkParameters.model_validate_json(
        json.dumps({**written, "coding": CONCATENATED, **values})
    )


def channel(
    source: TerminalParameters | None = None,
    destination: TerminalParameters | None = None,
    **values: Any,
) -> Channel:
    """A channel between two terminals."""
    return Channel.of(link(**values), source or sender(), destination or hearer(), codes())
