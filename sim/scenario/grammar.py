"""What a model allows at each key path, and the words for it; read from its JSON Schema.

Messages built on it can never name a key that the model does not have.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

_MANY_KEYS = 8


class Grammar:
    """The keys and values that a model allows, by key path; read from its JSON Schema."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._root = model.model_json_schema()
        self._definitions = self._root.get("$defs", {})

    def rule(self, path: Sequence[str | int], data: Any) -> dict[str, Any]:
        """The rule at `path` for what `data` has there; empty where the model has nothing."""
        rule = self.chosen(self._root, data)
        for key in path:
            data = value_at(data, [key])
            rule = self.chosen(self.below(rule, key), data)
        return rule

    def below(self, rule: dict[str, Any], key: str | int) -> dict[str, Any]:
        """The rule of one key or item of what `rule` describes."""
        if isinstance(key, int) or (key.isdigit() and "properties" not in rule):
            first = rule.get("prefixItems", [])
            index = int(key)
            found = first[index] if index < len(first) else rule.get("items")
        else:
            found = rule.get("properties", {}).get(key) or named_rule(rule)
        return found if isinstance(found, dict) else {}

    def chosen(self, rule: dict[str, Any], value: Any) -> dict[str, Any]:
        """The rule itself, behind its references and with the branch that fits the value."""
        rule = self._followed(rule)
        options = rule.get("oneOf") or rule.get("anyOf")
        if not options:
            return rule
        discriminator = rule.get("discriminator")
        if discriminator:
            tag = value.get(discriminator["propertyName"]) if isinstance(value, dict) else None
            reference = discriminator["mapping"].get(tag) if isinstance(tag, str) else None
            return self.chosen({"$ref": reference}, value) if reference else rule
        fitting = [self.chosen(option, value) for option in options]
        same = [option for option in fitting if _fits(option, value)]
        return max(same, key=lambda option: _overlap(option, value)) if same else rule

    def tag_of(self, rule: dict[str, Any], value: Any) -> str | None:
        """The `kind` by which the branch of a discriminated rule is chosen, if it is one."""
        key = self._discriminator(rule).get("propertyName")
        tag = value.get(key) if isinstance(value, dict) else None
        return tag if isinstance(tag, str) else None

    def kinds(self, rule: dict[str, Any]) -> list[str]:
        """The kinds that a rule tells apart."""
        stated = self._discriminator(rule).get("mapping")
        if stated:
            return list(stated)
        options = [self._followed(option) for option in _options(self._followed(rule))]
        found = [option.get("properties", {}).get("kind", {}).get("const") for option in options]
        return [kind for kind in found if kind]

    def choices(self, rule: dict[str, Any]) -> list[str]:
        """The words of a closed set."""
        options = [self._followed(option) for option in _options(self._followed(rule))]
        words = [word for option in options for word in option.get("enum", [option.get("const")])]
        return [str(word) for word in words if word is not None]

    def is_time(self, rule: dict[str, Any]) -> bool:
        """Whether the rule is that of a time in UTC."""
        return any(_is_time(self._followed(option)) for option in _options(self._followed(rule)))

    def allowed(self, rule: dict[str, Any]) -> str:
        """What a rule allows, in words."""
        rule = self._followed(rule)
        if "const" in rule:
            return json.dumps(rule["const"])
        if "enum" in rule:
            return "one of " + ", ".join(str(value) for value in rule["enum"])
        options = rule.get("oneOf") or rule.get("anyOf")
        if options:
            if kinds := self.kinds(rule):
                return f"a mapping of one of the kinds {', '.join(kinds)}"
            words = [self.allowed(option) for option in options if option.get("type") != "null"]
            return " or ".join(dict.fromkeys(words))
        return _type_words(rule)

    def kinds_with(self, rule: dict[str, Any], key: str) -> list[str]:
        """The kinds of a rule that have a key."""
        return [
            kind
            for kind in self.kinds(rule)
            if key in self.chosen(rule, {"kind": kind}).get("properties", {})
        ]

    def _discriminator(self, rule: dict[str, Any]) -> dict[str, Any]:
        """What tells the kinds of a rule apart, also of one that may be left out."""
        for option in _options(self._followed(rule)):
            if "discriminator" in (inner := self._followed(option)):
                return dict(inner["discriminator"])
        return dict(self._followed(rule).get("discriminator", {}))

    def _followed(self, rule: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in rule:
            rule = self._definitions[rule["$ref"].rsplit("/", 1)[1]]
        return rule


@cache
def grammar_of(model: type[BaseModel]) -> Grammar:
    """The grammar of a model, made once."""
    return Grammar(model)


def _options(rule: dict[str, Any]) -> list[dict[str, Any]]:
    return list(rule.get("oneOf") or rule.get("anyOf") or [rule])


def named_rule(rule: dict[str, Any]) -> dict[str, Any] | None:
    """The rule of the values of a mapping with free names, None if the keys are fixed."""
    for inner in rule.get("patternProperties", {}).values():
        return dict(inner)
    inner = rule.get("additionalProperties")
    return inner if isinstance(inner, dict) else None


def value_at(data: Any, path: Sequence[str | int]) -> Any:
    """The value at a key path of plain values or of the values of nodes, None where there is none."""
    for part in path:
        if isinstance(data, dict):
            data = data.get(str(part))
        elif isinstance(data, list) and str(part).isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def _fits(rule: dict[str, Any], value: Any) -> bool:
    if "const" in rule or "enum" in rule:
        return value in rule.get("enum", [rule.get("const")])
    if "discriminator" in rule:
        return isinstance(value, dict)
    wanted = _JSON_TYPES.get(rule.get("type", ""), ())
    return isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))


def _overlap(rule: dict[str, Any], value: Any) -> int:
    return len(set(rule.get("properties", {})) & set(value)) if isinstance(value, dict) else 0


def _type_words(rule: dict[str, Any]) -> str:
    match rule.get("type"):
        case "number":
            words = "a number" + _range_words(rule)
        case "integer":
            words = "a whole number" + _range_words(rule)
        case "string":
            words = "a time YYYY-MM-DDTHH:MM[:SS]Z" if _is_time(rule) else "a text"
            words = "a name" if words == "a text" and "pattern" in rule else words
        case "boolean":
            words = "true or false"
        case "array":
            words = "a list" + _length_words(rule)
        case "object" if "properties" in rule:
            keys = list(rule["properties"])
            shown = ", ".join(keys[:_MANY_KEYS]) + (", ..." if len(keys) > _MANY_KEYS else "")
            words = f"a mapping with the keys {shown}"
        case "object":
            words = "a mapping of names"
        case _:
            words = "another value"
    return words


def _is_time(rule: dict[str, Any]) -> bool:
    return "T\\d{2}" in str(rule.get("pattern", ""))


def _range_words(rule: dict[str, Any]) -> str:
    lower, upper = rule.get("minimum"), rule.get("maximum")
    above, below = rule.get("exclusiveMinimum"), rule.get("exclusiveMaximum")
    if lower is not None and upper is not None:
        return f" from {lower:g} to {upper:g}"
    words = [
        f"at least {lower:g}" if lower is not None else "",
        f"above {above:g}" if above is not None else "",
        f"at most {upper:g}" if upper is not None else "",
        f"below {below:g}" if below is not None else "",
    ]
    stated = [word for word in words if word]
    joint = " of " if stated and stated[0].startswith("at") else " "
    return joint + " and ".join(stated) if stated else ""


def _length_words(rule: dict[str, Any]) -> str:
    lower, upper = rule.get("minItems"), rule.get("maxItems")
    if lower is not None and lower == upper:
        return f" of {lower}"
    if lower is not None:
        return f" of {lower} or more"
    return f" of at most {upper}" if upper is not None else ""
