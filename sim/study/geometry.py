"""What the environment of a scenario depends on, so that variants which share it compute it once."""

from typing import Any

from sim.cache import digest
from sim.scenario.schema import Scenario

_NOT_SKY = frozenset(("name", "title", "seed", "frame_loss"))
_NOT_SKY_OF_VEHICLE = frozenset(
    ("battery", "recorder", "transitions", "activities", "initial_mode", "isotopes", "mass_kg")
)


def geometry_digest(scenario: Scenario) -> str:
    """Digest of a scenario without what only operations look at.

    What is not known to be operations' own counts as geometry: a digest that differs costs time,
    one that agrees where it should not would give wrong results.
    """
    data = scenario.model_dump(mode="json", by_alias=True, exclude=set(_NOT_SKY))
    data["vehicles"] = {name: _vehicle(given) for name, given in data["vehicles"].items()}
    for relay in data["relays"].values():
        relay["recorder"] = relay["recorder"] is not None  # without one it repeats
    return digest([data, str(scenario.folder), dict(scenario.file_digests)])


def _vehicle(given: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in given.items() if key not in _NOT_SKY_OF_VEHICLE}
    kept["modes"] = {mode: value.get("attitude") for mode, value in given["modes"].items()}
    return kept
