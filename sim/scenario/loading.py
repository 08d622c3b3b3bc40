"""From a file to a validated scenario: read, override, fill in parts and tables, validate."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sim.errors import KernelError, ScenarioError, SimError
from sim.physics.coding import Code
from sim.physics.links import Channel
from sim.scenario.files import NamedFiles
from sim.scenario.grammar import grammar_of
from sim.scenario.messages import first_error, suggestion
from sim.scenario.nodes import Node, compose, plain, read_text, sources
from sim.scenario.overrides import with_overrides
from sim.scenario.parts import group_data, with_part_keys, with_parts
from sim.scenario.schema import Scenario
from sim.sky.kernels import require_covered


def load_scenario(path: str | Path, overrides: Sequence[str] | Mapping[str, Any] = ()) -> Scenario:
    """The scenario of a YAML file, with overrides by key path put in before it is validated.

    Overrides are texts `PATH=VALUE`, or a mapping of paths to values. Raises `ScenarioError` with
    one line that says where, what and what is allowed.
    """
    path = Path(path)
    label = str(path)
    grammar = grammar_of(Scenario)
    tree = compose(read_text(path), label)
    tree = with_overrides(tree, overrides, label, grammar)
    files = NamedFiles(path.parent, label, grammar)
    tree = files.filled(with_parts(tree, label))
    scenario = _validated(tree, label)
    scenario._path = path
    scenario._sources = sources(tree)
    scenario._file_digests = files.digests
    scenario._codes = _codes()
    _check_links(scenario, tree, label)
    _check_dates(scenario, tree, label)
    return scenario


def _validated(tree: Node, label: str) -> Scenario:
    try:
        return Scenario.model_validate_json(json.dumps(plain(tree)))
    except ValidationError as error:
        raise ScenarioError(first_error(error, tree, label, Scenario)) from None
    except SimError as error:
        raise ScenarioError(f"{label}: {error}") from None


@cache
def _codes() -> dict[str, Code]:
    """The channel codes of the catalogue, by name."""
    codes = TypeAdapter(dict[str, Code])
    entries = {name: {"name": name, **data} for name, data in group_data("codes").items()}
    return codes.validate_json(json.dumps(entries))


def _check_links(scenario: Scenario, tree: Node, label: str) -> None:
    """Every link has known codes, and a frequency and a rate that its ends and codes can have."""
    for name, link in scenario.links.items():
        for code in link.coding:
            if code not in _codes():
                path = ("links", name, "coding")
                problem = f"there is no code '{code}'; {suggestion(code, list(_codes()))}"
                raise ScenarioError(f"{_place(tree, path, label)}: {problem}")
        for end in link.to:
            try:
                ends = scenario.terminal(link.from_), scenario.terminal(end)
                Channel.of(link, *ends, _codes(), end)
            except ValueError as error:
                place = _place(tree, ("links", name), label)
                raise ScenarioError(f"{place}: {error}") from None


def _check_dates(scenario: Scenario, tree: Node, label: str) -> None:
    """The start and a stated end lie where the kernels know the sky."""
    stated = {("start_utc",): scenario.start_utc, ("span", "end_utc"): scenario.span.end_utc}
    for path, utc in stated.items():
        if utc is not None:
            at_s = float(scenario.clock.seconds(utc))
            try:
                require_covered(scenario.clock, at_s, at_s)
            except KernelError as error:
                raise KernelError(f"{_place(tree, path, label)}: {error}") from None


def _place(tree: Node, path: Sequence[str], label: str) -> str:
    """File, line and key path of what stands in the file."""
    node = tree
    for key in path:
        node = node.value[key]
    return f"{node.origin or f'{label}:{node.line}'}: {'.'.join(path)}"


def scenario_schema() -> str:
    """JSON Schema of a scenario file as text, named parts and files of tables included."""
    schema = Scenario.model_json_schema()
    schema["title"] = "farside scenario"
    return json.dumps(with_part_keys(schema), indent=2)
