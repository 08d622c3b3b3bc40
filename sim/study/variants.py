"""What a study varies: a grid of values and samples of quantities, over the key paths of a scenario."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from sim.errors import StudyError
from sim.parameters import Count, Name, Parameters
from sim.scenario.loading import load_scenario
from sim.scenario.messages import first_error
from sim.scenario.nodes import compose, plain, read_text
from sim.scenario.schema import Scenario
from sim.scenario.variants import variant
from sim.study.sampling import SampleParameters, samples

Values = Mapping[str, Any]
"""Values by key path."""


class StudyParameters(Parameters):
    """A study as one YAML file describes it: every grid point with every sample."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    scenario: str
    """The scenario's file, relative to the study's."""
    set_: dict[str, Any] = Field(default_factory=dict, alias="set")
    """Values by key path that all variants have."""
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    """Values by key path; every combination is run, the last path changing fastest."""
    sample: SampleParameters | None = None
    relaxations: bool = False
    """Whether each variant is run again with its constraints lifted, to say what limits it."""
    most: Count = 10_000
    """A study of more variants is refused."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One run of a study."""

    number: int
    values: Values
    scenario: Scenario


def load_study(path: str | Path) -> StudyParameters:
    """The study of a YAML file; raises `SimError` with one line that says where and what."""
    label = str(path)
    tree = compose(read_text(Path(path)), label)
    try:
        study = StudyParameters.model_validate_json(json.dumps(plain(tree)))
    except ValidationError as error:
        raise StudyError(first_error(error, tree, label, StudyParameters)) from None
    _check(study, label)
    return study


def _check(study: StudyParameters, label: str) -> None:
    sampled = list(study.sample.of) if study.sample is not None else []
    for path in study.grid:
        if path in sampled:
            raise StudyError(f"{label}: '{path}' stands under both grid and sample; keep one")
    count = _count(study)
    if count > study.most:
        raise StudyError(
            f"{label}: {count} variants are more than {study.most}; vary less, or raise 'most'"
        )


def _count(study: StudyParameters) -> int:
    count = study.sample.count if study.sample is not None else 1
    for values in study.grid.values():
        count *= len(values)
    return count


def variants(study: StudyParameters, path: str | Path) -> list[Variant]:
    """Every variant of a study whose file is `path`, validated; numbered from 1.

    Raises `SimError` for a key path that the scenario does not have and for a value that it does
    not allow.
    """
    points = list(_points(study))
    file = Path(path).parent / study.scenario
    base = load_scenario(file, {**study.set_, **points[0]})
    found = []
    for number, values in enumerate(points, 1):
        scenario = variant(base, lambda data, values=values: _put_all(data, values))  # type: ignore[misc]
        found.append(Variant(number, values, scenario))
    return found


def _points(study: StudyParameters) -> Iterator[Values]:
    drawn = samples(study.sample) if study.sample is not None else [{}]
    for combination in itertools.product(*study.grid.values()):
        for sample in drawn:
            yield {**dict(zip(study.grid, combination, strict=True)), **sample}


def _put_all(data: dict[str, Any], values: Values) -> None:
    for path, value in values.items():
        _put(data, path.split("."), value)


def _put(data: Any, path: list[str], value: Any) -> None:
    """Set a value at a key path of plain data; a digit indexes a list."""
    *above, last = path
    for key in above:
        data = data[int(key)] if isinstance(data, list) else data.setdefault(key, {})
    if isinstance(data, list):
        data[int(last)] = value
    else:
        data[last] = value
