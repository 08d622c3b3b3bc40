"""What is wrong with a scenario, in one line: where, the key path, the value, what is allowed."""

import difflib
import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from sim.scenario.grammar import Grammar, grammar_of, value_at
from sim.scenario.nodes import Node, plain, scalar

UNITS = {
    "s": "seconds",
    "h": "hours",
    "m": "metres",
    "km": "kilometres",
    "mm": "millimetres",
    "m2": "square metres",
    "px": "pixels",
    "m_s": "metres per second",
    "km_s": "kilometres per second",
    "deg": "degrees",
    "deg_s": "degrees per second",
    "w": "watts",
    "w_m2": "watts per square metre",
    "w_k": "watts per kelvin",
    "w_k4": "watts per kelvin to the fourth",
    "j_k": "joules per kelvin",
    "wh": "watt-hours",
    "a": "amperes",
    "ah": "ampere-hours",
    "v": "volts",
    "ohm": "ohms",
    "k": "kelvin",
    "kg": "kilograms",
    "kg_m3": "kilograms per cubic metre",
    "hz": "hertz",
    "sps": "symbols per second",
    "bps": "bits per second",
    "bit": "bits",
    "gb": "gigabytes of 1e9 bytes",
    "db": "decibels",
    "db_deg2": "decibels per degree squared",
    "dbi": "decibels over an isotropic antenna",
    "dbw": "decibels over one watt",
    "dbhz": "decibel-hertz",
    "db_k": "decibels per kelvin",
    "utc": "UTC",
}
"""What the suffix of a name says about its unit."""

_NAME_RULE = "a name begins with a small letter and has small letters, digits and _ only"
_TIME_RULE = "write YYYY-MM-DDTHH:MM[:SS]Z, with the Z that says UTC"
_KEY_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(?=[: ])")
_HEMISPHERE = re.compile(r"[\d.]+ ?(deg|°)? ?[NSEWnsew]")
_LONGEST_VALUE = 60
_MANY_WORDS = 12

Path = tuple[str | int, ...]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, if one is like it at all."""
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def suggestion(word: str, known: Sequence[str]) -> str:
    """`did you mean 'x'?`, or what there is to choose from."""
    close = nearest(word, known)
    if close:
        return f"did you mean '{close}'?"
    return f"there is {_listed(known)}"


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(words[:_MANY_WORDS]) + (", ..." if len(words) > _MANY_WORDS else "")
    return shown or "none"


def unknown_key(key: str, known: Sequence[str]) -> str:
    """What to write instead of a key that there is not; `known` are the keys not yet given."""
    if ":" in key:
        name, _, value = key.partition(":")
        return f"write a space after the colon, '{name}: {value}'"
    right = _right_name(key, known)
    unit = _unit(right) if right else None
    if right and unit:
        stem = right.removesuffix(f"_{unit}")
        if key == stem:
            return f"the unit is missing; the key is '{right}', in {UNITS[unit]}"
        if key.startswith(stem + "_"):
            return f"the unit is wrong; the key is '{right}', in {UNITS[unit]}"
    close = nearest(key, known)
    rest = f"did you mean '{close}'?" if close else f"not yet given: {_listed(known)}"
    return f"there is no key '{key}' here; {rest}"


def first_error(error: ValidationError, tree: Node, label: str, model: type[BaseModel]) -> str:
    """The first of pydantic's errors in the order of the file, and how many more there are."""
    reader = _Reader(tree, grammar_of(model))
    faults = _without_echoes([reader.fault(entry) for entry in error.errors()])
    faults.sort(key=lambda fault: (fault.node.line, fault.kind == "missing"))
    first = faults[0]
    place = first.node.origin or f"{label}:{first.node.line}"
    path = ".".join(str(part) for part in first.path)
    words = " ".join(reader.words(first, faults).split())
    rest = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    if not path:
        return f"{place}: {words}{rest}"
    return f"{place}: {path}{' ' if first.goes_on else ': '}{words}{rest}"


@dataclass(frozen=True, slots=True)
class _Fault:
    kind: str
    path: Path
    """Key path; of a missing key, that of the mapping that lacks it."""
    node: Node
    value: Any
    key: str = ""
    """The missing or unknown key, or the key that tells the kind."""
    stated: str = ""
    """The words of a check of ours."""
    goes_on: bool = False
    """Whether these words go on after the key path, as in `place 'x' is not among`."""

    @property
    def is_type(self) -> bool:
        return self.kind.endswith("_type")


def _without_echoes(faults: list[_Fault]) -> list[_Fault]:
    """Leave out what only follows from another fault: branches of a union, keys that are renamed."""
    kept: list[_Fault] = []
    for fault in faults:
        others = [other for other in faults if other is not fault]
        is_branch = fault.is_type and any(
            other.path[: len(fault.path)] == fault.path
            and not (other.is_type and other.path == fault.path)
            for other in others
        )
        is_repeated = any(
            other.path == fault.path and other.key == fault.key and (other.is_type or not fault.key)
            for other in kept
        )
        is_renamed = fault.kind == "missing" and any(
            other.kind == "extra_forbidden"
            and other.path[:-1] == fault.path
            and _right_name(other.key, [fault.key])
            for other in others
        )
        # pydantic counts an item that is wrong as missing from its list
        is_counted = fault.kind == "too_short" and any(
            other.path[: len(fault.path)] == fault.path for other in others
        )
        if not (is_branch or is_repeated or is_renamed or is_counted):
            kept.append(fault)
    return kept


class _Reader:
    """Turns pydantic's errors into places in the file and words."""

    def __init__(self, tree: Node, grammar: Grammar) -> None:
        self._tree = tree
        self._data = plain(tree)
        self._grammar = grammar

    def fault(self, entry: Any) -> _Fault:
        """The place of one error."""
        kind, context = entry["type"], entry.get("ctx", {})
        path, node = self._located(entry["loc"])
        if kind == "value_error":
            return _stated_fault(str(context["error"]), path, node)
        if kind.startswith("union_tag"):
            key = str(context["discriminator"]).strip("'")
            key = key if value_at(node.value, [key]) else "kind"
            if not isinstance(node.value, dict):
                return _Fault("model_type", path, node, entry["input"])
            if key in node.value:
                kind, path, node = "union_tag_invalid", (*path, key), node.value[key]
            return _Fault(kind, path, node, entry["input"], key)
        if kind in ("missing", "extra_forbidden") or entry["loc"][-1:] == ("[key]",):
            return _Fault(kind, path, node, entry["input"], str(entry["loc"][-1]))
        return _Fault(kind, path, node, entry["input"])

    def words(self, fault: _Fault, faults: list[_Fault]) -> str:
        """What is wrong there and what is allowed."""
        rule = self._rule(fault.path)
        match fault.kind:
            case "value_error":
                words = fault.stated
            case "extra_forbidden":
                words = self._unknown_key(fault, faults)
            case "missing":
                chosen = self._grammar.chosen(rule, value_at(self._data, fault.path))
                allowed = self._grammar.allowed(self._grammar.below(chosen, fault.key))
                words = f"the key '{fault.key}' is missing; it is {allowed}"
            case "union_tag_not_found":
                kinds = self._grammar.kinds(rule)
                words = f"the key '{fault.key}' is missing; it is one of {', '.join(kinds)}"
            case "union_tag_invalid":
                words = _unknown_word(
                    fault.node.value, self._grammar.kinds(self._rule(fault.path[:-1]))
                )
            case "literal_error" if fault.key == "[key]":
                rule = self._grammar.rule(fault.path[:-1], self._data)
                words = _unknown_word(fault.value, rule.get("propertyNames", {}).get("enum", []))
            case "literal_error":
                words = _unknown_word(fault.value, self._grammar.choices(rule))
            case "string_pattern_mismatch":
                is_time = self._grammar.is_time(rule)
                what, how = ("time", _TIME_RULE) if is_time else ("name", _NAME_RULE)
                words = f"{_shown(fault.value)} is not a {what}; {how}"
            case _:
                words = _wrong_value(fault, self._grammar.allowed(rule))
        return words

    def _located(self, loc: Sequence[str | int]) -> tuple[Path, Node]:
        """Key path and node of a location, which also names the branches of unions."""
        path: list[str | int] = []
        node, rule = self._tree, self._grammar.rule((), None)
        for index, part in enumerate(loc):
            data = value_at(self._data, path)
            if part == self._grammar.tag_of(rule, data) and index + 1 < len(loc):
                rule = self._grammar.chosen(rule, data)
                continue
            inner = value_at(node.value, [part])
            if isinstance(inner, Node):
                rule = self._grammar.below(self._grammar.chosen(rule, data), part)
                node = inner
                path.append(part)
        return tuple(path), node

    def _rule(self, path: Path) -> dict[str, Any]:
        """The rule at `path`, before a branch of it is chosen."""
        if not path:
            return self._grammar.rule((), self._data)
        return self._grammar.below(self._grammar.rule(path[:-1], self._data), path[-1])

    def _unknown_key(self, fault: _Fault, faults: list[_Fault]) -> str:
        mapping = fault.path[:-1]
        given = set(value_at(self._data, mapping))
        known = self._grammar.rule(mapping, self._data).get("properties", {})
        others = self._grammar.kinds_with(self._rule(mapping), fault.key)
        if others:
            kind = value_at(self._data, [*mapping, "kind"])
            return f"kind {kind} has no key '{fault.key}'; kind {' or '.join(others)} has"
        return unknown_key(fault.key, [key for key in known if key not in given])


def _stated_fault(words: str, path: Path, node: Node) -> _Fault:
    """A check of ours may begin with the key path, from where it is made to where the fault is."""
    match = _KEY_PATH.match(words)
    reached: list[str | int] = []
    inner = node
    for part in match.group().split(".") if match else ():
        found = value_at(inner.value, [part])
        if not isinstance(found, Node):
            return _Fault("value_error", path, node, None, stated=words)
        inner = found
        reached.append(part)
    rest = words[match.end() :] if match else words
    goes_on = bool(match) and rest.startswith(" ")
    return _Fault(
        "value_error", (*path, *reached), inner, None, stated=rest.lstrip(": "), goes_on=goes_on
    )


def _wrong_value(fault: _Fault, allowed: str) -> str:
    value, shown = fault.value, _shown(fault.value)
    if fault.kind == "finite_number":
        return f"{_number_words(value)} is not a finite number; it is {allowed}"
    if value is None:
        return f"nothing is given; it is {allowed}"
    if isinstance(value, str) and "number" in allowed:
        if isinstance(scalar(value), int | float):
            return f"{shown} is a text; leave the quotes out, it is {allowed}"
        if re.match(r"[-+.\d]", value):
            is_side = _HEMISPHERE.fullmatch(value)
            how = "south and west are negative" if is_side else "the key tells the unit"
            return f"{shown} is not a number; write only {allowed} ({how})"
    if fault.kind in ("too_short", "too_long"):
        return f"{len(value)} are given; it is {allowed}"
    is_other = fault.is_type or fault.kind == "int_from_float"
    return f"{shown} is not {'' if is_other else 'allowed; it is '}{allowed}"


def _number_words(value: Any) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return "-infinity" if isinstance(value, float) and value < 0 else "infinity"


def _right_name(key: str, known: Sequence[str]) -> str | None:
    """The known key that is meant: the same stem with another unit or none, else the nearest."""
    for name in known:
        unit = _unit(name)
        stem = name.removesuffix(f"_{unit}") if unit else None
        if stem and re.fullmatch(re.escape(stem) + r"(_[a-z0-9]{1,5}(_[a-z0-9]{1,2})?)?", key):
            return name
    return nearest(key, known)


def _unit(name: str) -> str | None:
    fitting = [unit for unit in UNITS if name.endswith("_" + unit)]
    return max(fitting, key=len) if fitting else None


def _unknown_word(given: Any, known: Sequence[str]) -> str:
    if len(known) == 1:
        return f"{_shown(given)} is not allowed; it is {known[0]}"
    close = nearest(str(given), known)
    meant = f"did you mean '{close}'? " if close else ""
    return f"there is no {_shown(given)}; {meant}it is one of {', '.join(known)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = f"'{value}'" if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
