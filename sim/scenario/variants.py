"""Another scenario from one that is loaded: a changed dump, validated again as a whole."""

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from sim.errors import ScenarioError
from sim.scenario.schema import Scenario

Edit = Callable[[dict[str, Any]], None]
"""Changes the plain values of a scenario in place, keys as in YAML."""


def variant(scenario: Scenario, edit: Edit) -> Scenario:
    """The scenario after `edit`; sources, folder, digests and codes stay those of the original.

    Raises `ScenarioError` where the result is none.
    """
    data = json.loads(scenario.model_dump_json(by_alias=True, exclude_unset=True))
    edit(data)
    try:
        changed = Scenario.model_validate_json(json.dumps(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"])
        raise ScenarioError(f"{scenario.path}: a variant fails: {place}: {first['msg']}") from None
    changed._sources = scenario._sources
    changed._path = scenario._path
    changed._file_digests = scenario._file_digests
    changed._codes = scenario._codes
    return changed
