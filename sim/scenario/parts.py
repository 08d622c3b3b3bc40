"""Named parts: stations, antennas and codes that a scenario takes by `part: NAME`."""

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


def with_parts(node: Node, label: str, key: str = "") -> Node:
    """The tree with every `part: NAME` replaced by the part; keys beside it override the part's.

    Mappings are merged key by key, except where `kind` differs: that replaces the whole mapping.
    Parts carry the line on which they are named, and the sources of the catalogue.
    """
    if isinstance(node.value, list):
        items = [with_parts(inner, label, key) for inner in node.value]
        return Node(items, node.line, node.source, node.origin)
    if not isinstance(node.value, dict):
        return node
    own = {name: with_parts(inner, label, name) for name, inner in node.value.items()}
    if "part" not in own:
        return Node(own, node.line, node.source, node.origin)
    named = own.pop("part")
    part = with_parts(_part(named, label, key), label)
    placed = _moved(part, named.line, named.origin)
    return _merged(placed, Node(own, node.line, node.source, node.origin))


def _part(named: Node, label: str, key: str) -> Node:
    known = parts()
    if isinstance(named.value, str) and named.value in known:
        return known[named.value]
    place = named.origin or f"{label}:{named.line}"
    choice = groups().get(key + "s") or known
    raise ScenarioError(
        f"{place}: part: there is no part '{named.value}'; {suggestion(str(named.value), [*choice])}"
    )


def _moved(node: Node, line: int, origin: str) -> Node:
    if isinstance(node.value, dict):
        inner = {key: _moved(item, line, origin) for key, item in node.value.items()}
        return Node(inner, line, node.source, origin)
    if isinstance(node.value, list):
        items = [_moved(item, line, origin) for item in node.value]
        return Node(items, line, node.source, origin)
    return Node(node.value, line, node.source, origin)


def _merged(base: Node, own: Node) -> Node:
    if not isinstance(base.value, dict) or not isinstance(own.value, dict):
        return own
    if "kind" in own.value and plain(own).get("kind") != plain(base).get("kind"):
        return own
    entries = dict(base.value)
    for key, inner in own.value.items():
        entries[key] = _merged(entries[key], inner) if key in entries else inner
    return Node(entries, own.line, own.source, own.origin)
