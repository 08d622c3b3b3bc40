"""The one YAML door: a text becomes a tree of nodes that know their line and their source.

The grammar is YAML's, the scalars are those of the YAML 1.2 core schema (`1e6` is a number, `on`
and `12:30:00` are texts), and what makes a file hard to read is refused by name: anchors, aliases,
tags, merge keys, several documents, doubled keys, deep nesting.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from sim.errors import ScenarioError

LARGEST_BYTES = 1_000_000
DEEPEST = 20

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_COMMENT = re.compile(r"(?:^|\s)#\s*(.*?)\s*$")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_LONGEST_INTEGER = 250  # digits; longer ones may be no float either

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    `value` is None, a bool, int, float or str, a dict of nodes by key, or a list of nodes. `line`
    counts from 1 and is that of the key where there is one. `source` is the comment on the line of
    a scalar. `origin` says where the value comes from if not from a line of the file.
    """

    value: Any
    line: int
    source: str = ""
    origin: str = ""


def read_text(path: Path) -> str:
    """The text of a file of the user's: UTF-8, at most 1 MB, and not empty."""
    try:
        if not path.is_file():
            raise ScenarioError(_why_no_file(path))
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ScenarioError(f"{str(path)!r} is not the name of a file") from None
    if len(content) > LARGEST_BYTES:
        raise ScenarioError(f"{path} is larger than 1 MB; a scenario is a short text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(
            f"{path} is not a text in UTF-8 (byte {error.start} is {content[error.start]:#04x}); "
            "save it as UTF-8"
        ) from None
    if "\0" in text:
        raise ScenarioError(f"{path} is binary (it has a zero byte); a scenario is a YAML text")
    return text


def _why_no_file(path: Path) -> str:
    if path.is_dir():
        inner = path / "scenario.yaml"
        hint = f"; did you mean {inner}?" if inner.is_file() else "; name the YAML file in it"
        return f"{path} is a folder, not a scenario{hint}"
    if path.exists():
        return f"{path} is not a regular file; a scenario is a YAML text"
    return f"{path} does not exist"


def compose(text: str, label: str) -> Node:
    """The tree of a text; `label` names the file in messages. Raises `ScenarioError`."""
    events = _events(text, label)
    if not events:
        raise ScenarioError(f"{label} is empty; 'farside example minimal' prints one to start from")
    if not isinstance(events[0], yaml.MappingStartEvent):
        line = events[0].start_mark.line + 1
        _refuse(label, line, "this is not a mapping of keys to values, 'key: value'")
    return _Composer(text, label, events).root()


def compose_value(text: str, label: str) -> Node:
    """The node of a single value of any kind, as `--set` takes it; nothing is null."""
    events = _events(text, label)
    return _Composer(text, label, events).root() if events else Node(None, 1)


def _events(text: str, label: str) -> list[Any]:
    try:
        return list(_checked(yaml.parse(text, Loader=_Loader), label))
    except UnicodeEncodeError:
        raise ScenarioError(f"{label!r} is not a text in UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        lines = _LINE_BREAK.split(text)
        hint = _hint(error.problem or "", lines[min(line, len(lines) - 1)])
        _refuse(label, line + 1, f"this is not YAML: {error.problem}{hint}")
    except yaml.reader.ReaderError as error:
        line = len(_LINE_BREAK.findall(text[: error.position])) + 1
        character = error.character if isinstance(error.character, int) else ord(error.character)
        _refuse(label, line, f"the character U+{character:04X} is not allowed in YAML")


def scalar(text: str) -> bool | int | float | str | None:
    """The value of a plain scalar by the core schema of YAML 1.2 (section 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text) and len(text) < _LONGEST_INTEGER:
        return _exact(int(text))
    if _OTHER_BASE.fullmatch(text) and len(text) < _LONGEST_INTEGER:
        return _exact(int(text, 0))
    if _FLOAT.fullmatch(text) or _INFINITY.fullmatch(text):
        return float(text.replace(".i", "i").replace(".I", "I"))
    return text


def _exact(value: int) -> int | float:
    """An integer, or a float where arrays could not hold it exactly."""
    return value if abs(value) <= 2**53 else float(value)


def plain(node: Node) -> Any:
    """The tree as plain Python values."""
    if isinstance(node.value, dict):
        return {key: plain(inner) for key, inner in node.value.items()}
    if isinstance(node.value, list):
        return [plain(inner) for inner in node.value]
    return node.value


def planted(value: Any, line: int, source: str = "", origin: str = "") -> Node:
    """Plain Python values as a tree that stands at one place."""
    if isinstance(value, dict):
        inner = {str(key): planted(item, line, source, origin) for key, item in value.items()}
        return Node(inner, line, source, origin)
    if isinstance(value, list | tuple):
        return Node([planted(item, line, source, origin) for item in value], line, source, origin)
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    if isinstance(value, int) and not isinstance(value, bool):
        value = _exact(value)
    elif not isinstance(value, float | str | bool | None):
        value = str(value)
    return Node(value, line, source, origin)


def sources(node: Node) -> dict[str, str]:
    """Source of each value by its key path; the items of a list of scalars share the list's."""
    return {".".join(path): text for path, text in _sources(node, ())}


def _sources(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(node.value, dict):
        for key, inner in node.value.items():
            yield from _sources(inner, (*path, key))
    elif isinstance(node.value, list) and any(_has_mapping(inner) for inner in node.value):
        for index, inner in enumerate(node.value):
            yield from _sources(inner, (*path, str(index)))
    elif texts := dict.fromkeys(_texts(node)):
        yield path, "; ".join(texts)


def _has_mapping(node: Node) -> bool:
    if isinstance(node.value, list):
        return any(_has_mapping(inner) for inner in node.value)
    return isinstance(node.value, dict)


def _texts(node: Node) -> Iterator[str]:
    if isinstance(node.value, list):
        for inner in node.value:
            yield from _texts(inner)
    elif node.source:
        yield node.source


def _refuse(label: str, line: int, message: str) -> NoReturn:
    place = label if label.startswith("--set ") else f"{label}:{line}"
    raise ScenarioError(f"{place}: {message}")


def _hint(problem: str, line: str) -> str:
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "; indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "; check the indentation, and quote a text that has a colon in it"
    if "',' or" in problem:
        return "; a bracket above is not closed"
    if "expected" in problem:
        return "; check the indentation of this line and of those above it"
    return ""


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _checked(events: Iterator[Any], label: str) -> Iterator[Any]:
    """The events between the document's start and end; what the contract refuses, refused."""
    documents = depth = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                _refuse(label, line, "a second document begins; a scenario is one document")
            if event.tags or event.version not in (None, (1, 2)):
                _refuse(label, line, "a directive is not allowed; the file is read as YAML 1.2")
        if isinstance(event, yaml.AliasEvent):
            _refuse(label, line, f"the alias '*{event.anchor}' is not allowed; write the value out")
        if getattr(event, "anchor", None):
            _refuse(label, line, f"the anchor '&{event.anchor}' is not allowed; leave it out")
        if getattr(event, "tag", None):
            _refuse(label, line, f"the tag '{_short(event.tag)}' is not allowed; leave it out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            _refuse(label, line, f"keys are nested more than {DEEPEST} deep")
        if isinstance(
            event, yaml.CollectionStartEvent | yaml.CollectionEndEvent | yaml.ScalarEvent
        ):
            yield event


class _Composer:
    """Builds the tree from the events of one document."""

    def __init__(self, text: str, label: str, events: list[Any]) -> None:
        self._lines = _LINE_BREAK.split(text)
        self._label = label
        self._events = iter(events)
        self._ends: dict[int, int] = {}
        for event in events:
            line, column = _comment_place(event)
            self._ends[line] = max(self._ends.get(line, 0), column)

    def root(self) -> Node:
        """The whole document."""
        event = next(self._events)
        return self._node(event, event.start_mark.line, "")

    def _node(self, event: Any, line: int, inherited: str) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            value = scalar(event.value) if event.implicit[0] else event.value
            source = self._comment(_comment_place(event)[0]) or inherited
            return Node(value, line + 1, source)
        if isinstance(event, yaml.MappingStartEvent):
            return Node(self._mapping(inherited), line + 1)
        return Node(self._sequence(line, inherited, bool(event.flow_style)), line + 1)

    def _mapping(self, inherited: str) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = event.start_mark.line
            if not isinstance(event, yaml.ScalarEvent):
                _refuse(self._label, line + 1, "a key is a word, not a list or a mapping")
            key = event.value
            if key == "<<":
                _refuse(
                    self._label, line + 1, "the merge key '<<' is not allowed; write the keys out"
                )
            if key in entries:
                first = entries[key].line
                _refuse(
                    self._label, line + 1, f"the key '{key}' stands twice, first in line {first}"
                )
            entries[key] = self._node(next(self._events), line, inherited)
        return entries

    def _sequence(self, line: int, inherited: str, is_flow: bool) -> list[Node]:
        if not is_flow:
            inherited = self._comment(line) or inherited
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, event.start_mark.line, inherited))
        if not is_flow:
            return items
        closing = self._comment(_comment_place(event)[0]) or inherited
        return [
            Node(item.value, item.line, closing)
            if not item.source and not isinstance(item.value, dict | list)
            else item
            for item in items
        ]

    def _comment(self, line: int) -> str:
        match = _COMMENT.search(self._lines[line][self._ends.get(line, 0) :])
        return match.group(1) if match else ""


def _comment_place(event: yaml.Event) -> tuple[int, int]:
    """Line and column after which a comment on the event can stand."""
    is_block = isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">")
    mark: Any = event.start_mark if is_block else event.end_mark
    return mark.line, mark.column
