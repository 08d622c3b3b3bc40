"""What-if: values put into the tree of a scenario by key path, before it is validated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.grammar import Grammar, named_rule, value_at
from sim.scenario.messages import suggestion, unknown_key
from sim.scenario.nodes import Node, compose_value, plain, planted
from sim.scenario.parts import with_parts

SOURCE = "set for this run"
"""Source of a value that was put in by hand, unless it says its own after `#`."""


def with_overrides(
    tree: Node, overrides: Sequence[str] | Mapping[str, Any], label: str, grammar: Grammar
) -> Node:
    """The tree with each override put in; a path that the model does not have is an error.

    Overrides are texts `PATH=VALUE`, the value a YAML scalar or flow collection, or a mapping of
    paths to plain values. A list index is a part of the path: `transitions.0.to`.
    """
    for path, node in _assignments(overrides):
        expanded = plain(with_parts(tree, label))
        _check_path(path, expanded, grammar, node.origin)
        tree = _put(tree, path, node)
    return tree


def _assignments(
    overrides: Sequence[str] | Mapping[str, Any],
) -> Iterator[tuple[list[str], Node]]:
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            yield path.split("."), planted(value, 0, SOURCE, f"override {path}")
        return
    for text in [overrides] if isinstance(overrides, str) else overrides:
        path, sign, value = text.partition("=")
        if not sign or not path.strip():
            raise ScenarioError(
                f"--set {text}: write PATH=VALUE, as in vehicles.rover.place=crater"
            )
        origin = f"--set {text}"
        yield path.strip().split("."), _stamped(compose_value(value, origin), origin)


def _stamped(node: Node, origin: str) -> Node:
    value, source = node.value, ""
    if isinstance(value, dict):
        value = {key: _stamped(inner, origin) for key, inner in value.items()}
    elif isinstance(value, list):
        value = [_stamped(inner, origin) for inner in value]
    else:
        source = node.source or SOURCE
    return Node(value, 0, source, origin)


def _check_path(path: list[str], data: Any, grammar: Grammar, origin: str) -> None:
    rule: dict[str, Any] = grammar.rule((), data)
    for depth, key in enumerate(path):
        is_last = depth + 1 == len(path)
        place = ".".join(path[:depth])
        problem = _step_problem(key, data, rule, is_last)
        if problem:
            raise ScenarioError(f"{origin}: {place + ': ' if place else ''}{problem}")
        rule = grammar.below(rule, key)
        data = value_at(data, [key])
        rule = grammar.chosen(rule, data)


def _step_problem(key: str, data: Any, rule: dict[str, Any], is_last: bool) -> str:
    """Why `key` cannot follow here, or nothing."""
    if "properties" in rule:
        known = [*rule["properties"], "part", "file"]
        return "" if key in known else unknown_key(key, list(rule["properties"]))
    if named_rule(rule) is not None:
        names = list(data) if isinstance(data, dict) else []
        return "" if key in names or is_last else f"there is no '{key}'; {suggestion(key, names)}"
    if isinstance(data, list):
        if key.isdigit() and int(key) < len(data):
            return ""
        return f"'{key}' is not an item; the list has the items 0 to {len(data) - 1}"
    if data is not None and not isinstance(data, dict):
        return f"this is a value; there is no key '{key}' below it"
    return ""


def _put(tree: Node, path: list[str], node: Node) -> Node:
    key, rest = path[0], path[1:]
    if isinstance(tree.value, list):
        items = list(tree.value)
        items[int(key)] = _put(items[int(key)], rest, node) if rest else node
        return replace(tree, value=items)
    entries = dict(tree.value) if isinstance(tree.value, dict) else {}
    empty = Node({}, tree.line, "", node.origin)
    entries[key] = _put(entries.get(key, empty), rest, node) if rest else node
    return replace(tree, value=entries)
