"""Files that a scenario names under `file:`: relative to it, with their SHA-256 kept.

A CSV named where the model has no key `file` is read here, column by column, into the keys of the
same names, so that physics and sky get their tables as parameters.
"""

import csv
from pathlib import Path
from typing import Any

from sim.cache import file_digest
from sim.errors import ScenarioError
from sim.scenario.grammar import Grammar
from sim.scenario.nodes import Node, plain, read_text, scalar


class NamedFiles:
    """Reads the files that one scenario names; `digests` fills as it goes."""

    def __init__(self, folder: Path, label: str, grammar: Grammar) -> None:
        self._folder = folder
        self._label = label
        self._grammar = grammar
        self.digests: dict[str, str] = {}
        """SHA-256 by the name that the scenario gives."""

    def filled(self, tree: Node) -> Node:
        """The tree with every table read in."""
        return self._filled(tree, self._grammar.rule((), None), plain(tree), ())

    def _filled(self, node: Node, rule: dict[str, Any], data: Any, path: tuple[str, ...]) -> Node:
        rule = self._grammar.chosen(rule, data)
        if isinstance(node.value, list):
            items = [
                self._filled(
                    inner, self._grammar.below(rule, index), data[index], (*path, str(index))
                )
                for index, inner in enumerate(node.value)
            ]
            return Node(items, node.line, node.source, node.origin)
        if not isinstance(node.value, dict):
            return node
        entries = {
            key: self._filled(inner, self._grammar.below(rule, key), data[key], (*path, key))
            for key, inner in node.value.items()
        }
        named = entries.get("file")
        if named is not None and isinstance(named.value, str):
            file = self._checked(named, ".".join((*path, "file")))
            if "file" not in rule.get("properties", {}) and file.suffix.lower() == ".csv":
                del entries["file"]
                entries.update(_columns(file, named))
        return Node(entries, node.line, node.source, node.origin)

    def _checked(self, named: Node, key_path: str) -> Path:
        path: Path = self._folder / str(named.value)
        place = f"{named.origin or f'{self._label}:{named.line}'}: {key_path}"
        try:
            if not path.is_file():
                raise ScenarioError(
                    f"{place}: there is no file '{named.value}'; name it relative to the scenario"
                )
            self.digests[named.value] = file_digest(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ScenarioError(f"{place}: '{named.value}' cannot be read: {reason}") from None
        return path


def _is_cell(cell: object) -> bool:
    """Numbers, and times with their zone, may stand in a table."""
    return isinstance(cell, int | float) or (isinstance(cell, str) and cell.endswith("Z"))


def _columns(path: Path, named: Node) -> dict[str, Node]:
    """The columns of a CSV by the names in its first row; lines that begin with # are left out."""
    lines = read_text(path).splitlines()
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    if len(numbered) < 2:
        raise ScenarioError(
            f"{path} has no rows; the first names the columns, the others are numbers"
        )
    header = [name.strip() for name in next(csv.reader([numbered[0][1]]))]
    columns: dict[str, list[Node]] = {name: [] for name in header}
    for number, line in numbered[1:]:
        cells = [scalar(cell.strip()) for cell in next(csv.reader([line]))]
        if len(cells) != len(header) or not all(map(_is_cell, cells)):
            raise ScenarioError(
                f"{path}:{number}: '{line}' is not a row of {len(header)} numbers "
                f"({', '.join(header)})"
            )
        for name, cell in zip(header, cells, strict=True):
            columns[name].append(Node(cell, named.line, origin=named.origin))
    source = named.source or f"file {named.value}"
    return {
        name: Node(
            [Node(c.value, c.line, source, c.origin) for c in cells], named.line, "", named.origin
        )
        for name, cells in columns.items()
    }
