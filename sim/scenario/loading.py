"""From a file to a validated scenario: read, override, fill in parts and tables, validate."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sim.errors import ScenarioError, SimError
from sim.physics.coding import Code
from sim.scenario.files import NamedFiles
from sim.scenario.grammar import Grammar
from sim.scenario.messages import first_error, suggestion
from sim.scenario.nodes import Node, compose, plain, read_text, sources
from sim.scenario.overrides import with_overrides
from sim.scenario.parts import group_data, with_part_keys, with_parts
from sim.scenario.schema import Scenario


def load_scenario(path: str | Path, overrides: Sequence[str] | Mapping[str, Any] = ()) -> Scenario:
    """The scenario of a YAML file, with overrides by key path put in before it is validated.

    Overrides are texts `PATH=VALUE`, or a mapping of paths to values. Raises `ScenarioError` with
    one line that says where, what and what is allowed.
    """
    path = Path(path)
    label = str(path)
    grammar = _grammar()
    tree = compose(read_text(path), label)
    tree = with_overrides(tree, overrides, label, grammar)
    files = NamedFiles(path.parent, label, grammar)
    tree = files.filled(with_parts(tree, label))
    scenario = _validated(tree, label)
    scenario._path = path
    scenario._sources = sources(tree)
    scenario._file_digests = files.digests
    scenario._codes = _codes()
    _check_codes(scenario, tree, label)
    return scenario


def _validated(tree: Node, label: str) -> Scenario:
    try:
        return Scenario.model_validate_json(json.dumps(plain(tree)))
    except ValidationError as error:
        raise ScenarioError(first_error(error, tree, label, Scenario)) from None
    except SimError as error:
        raise ScenarioError(f"{label}: {error}") from None


@cache
def _grammar() -> Grammar:
    return Grammar(Scenario)


@cache
def _codes() -> dict[str, Code]:
    """The channel codes of the catalogue, by name."""
    codes = TypeAdapter(dict[str, Code])
    entries = {name: {"name": name, **data} for name, data in group_data("codes").items()}
    return codes.validate_json(json.dumps(entries))


def _check_codes(scenario: Scenario, tree: Node, label: str) -> None:
    for name, link in scenario.links.items():
        for code in link.coding:
            if code not in _codes():
                node = tree.value["links"].value[name].value["coding"]
                place = node.origin or f"{label}:{node.line}"
                raise ScenarioError(
                    f"{place}: links.{name}.coding: there is no code '{code}'; "
                    f"{suggestion(code, list(_codes()))}"
                )


def scenario_schema() -> str:
    """JSON Schema of a scenario file as text, named parts and files of tables included."""
    schema = Scenario.model_json_schema()
    schema["title"] = "farside scenario"
    return json.dumps(with_part_keys(schema), indent=2)
