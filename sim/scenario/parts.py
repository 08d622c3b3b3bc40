"""Named parts: stations, antennas and codes that a scenario takes by `part: NAME`."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.messages import suggestion
from sim.scenario.nodes import Node, compose, plain, read_text

_FOLDER = Path(__file__).parent / "catalogue"


@cache
def groups() -> dict[str, dict[str, Node]]:
    """The parts by group (`stations`, `codes`, ...) and name."""
    found = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        entries = compose(read_text(path), path.name).value
        found[path.stem] = {name: node for name, node in entries.items() if name != "schema"}
    return found


def parts() -> dict[str, Node]:
    """Every part by its name, which is unique across the groups."""
    return {name: node for group in groups().values() for name, node in group.items()}


def group_data(group: str) -> dict[str, Any]:
    """The parts of one group as plain values."""
    return {name: plain(node) for name, node in groups().get(group, {}).items()}


def with_parts(node: Node, label: str, path: tuple[str, ...] = ()) -> Node:
    """The tree with every `part: NAME` replaced by the part; keys beside it override the part's.

    Mappings are merged key by key, except where `kind` differs: that replaces the whole mapping.
    Parts carry the line on which they are named, and the sources of the catalogue.
    """
    if isinstance(node.value, list):
        return replace(node, value=[with_parts(inner, label, path) for inner in node.value])
    if not isinstance(node.value, dict):
        return node
    own = {key: with_parts(inner, label, (*path, key)) for key, inner in node.value.items()}
    if "part" not in own:
        return replace(node, value=own)
    named = own.pop("part")
    part = with_parts(_part(named, label, path), label, path)
    return _merged(_moved(part, named.line, named.origin), replace(node, value=own))


def _part(named: Node, label: str, path: tuple[str, ...]) -> Node:
    """The part that is named; `stations.kashi` takes it from the stations, `antenna` from antennas."""
    fitting = [groups().get(f"{key}s") or groups().get(key) for key in reversed(path[-2:])]
    known = next(filter(None, fitting), None) or parts()
    if isinstance(named.value, str) and named.value in known:
        return known[named.value]
    place = named.origin or f"{label}:{named.line}"
    word = "" if isinstance(named.value, dict | list) else f" '{named.value}'"
    raise ScenarioError(
        f"{place}: {'.'.join((*path, 'part'))}: there is no such part{word}; "
        f"{suggestion(word.strip(), list(known))}"
    )


def _moved(node: Node, line: int, origin: str) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {key: _moved(inner, line, origin) for key, inner in value.items()}
    elif isinstance(value, list):
        value = [_moved(inner, line, origin) for inner in value]
    return replace(node, value=value, line=line, origin=origin)


def _merged(base: Node, own: Node) -> Node:
    if not isinstance(base.value, dict) or not isinstance(own.value, dict):
        return own
    if "kind" in own.value and plain(own).get("kind") != plain(base).get("kind"):
        return own
    entries = dict(base.value)
    for key, inner in own.value.items():
        entries[key] = _merged(entries[key], inner) if key in entries else inner
    return replace(own, value=entries)


def with_part_keys(schema: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of scenarios, with `part` allowed wherever the catalogue has parts."""
    for definition in [schema, *schema["$defs"].values()]:
        for key, rule in definition.get("properties", {}).items():
            if f"{key}s" in groups():
                definition["properties"][key] = {"anyOf": [rule, _part_rule(f"{key}s")]}
            elif key in groups():
                names = rule.get("patternProperties", {})
                names.update(
                    {name: {"anyOf": [inner, _part_rule(key)]} for name, inner in names.items()}
                )
    return schema


def _part_rule(group: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"part": {"enum": list(groups()[group])}},
        "required": ["part"],
        "description": "A part of the catalogue; keys beside `part` override the part's.",
    }
