"""A whole scenario written back as YAML, every value with its source as a comment."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from sim.scenario.nodes import scalar
from sim.scenario.schema import Scenario

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z")


def resolved_yaml(scenario: Scenario, folder: Path | None = None) -> str:
    """The scenario as it was run: parts and tables filled in, defaults named, overrides applied.

    Keys that are empty are left out; files are named relative to `folder`, where the text will
    stand, if it is not beside the scenario. Loading the text gives an equal scenario.
    """
    data = scenario.model_dump(mode="json", by_alias=True)
    if folder is not None:
        data = _renamed(data, os.path.relpath(scenario.folder, folder))
    return "".join(f"{line}\n" for line in _lines(data, (), scenario.sources, ""))


def _renamed(data: Any, way: str) -> Any:
    """The data with every `file` led by the way from the new folder to the scenario's."""
    if isinstance(data, list):
        return [_renamed(item, way) for item in data]
    if not isinstance(data, dict):
        return data
    return {
        key: PurePath(way, value).as_posix()
        if key == "file" and isinstance(value, str)
        else _renamed(value, way)
        for key, value in data.items()
    }


def assumed_inputs(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Key paths of the inputs that are assumed, by the reason that the scenario gives."""
    found: dict[str, list[str]] = {}
    for path, text in sources.items():
        if text.startswith("assumed"):
            found.setdefault(text.removeprefix("assumed").lstrip(": "), []).append(path)
    return found


def _lines(
    data: Mapping[str, Any], path: tuple[str, ...], sources: Mapping[str, str], indent: str
) -> Iterator[str]:
    for key, value in data.items():
        inner = (*path, key)
        if value is None or value in ({}, []):
            continue
        if isinstance(value, dict):
            body = list(_lines(value, inner, sources, indent + "  "))
            yield from [f"{indent}{key}:", *body] if body else [f"{indent}{key}: {{}}"]
        elif isinstance(value, list) and any(_has_mapping(item) for item in value):
            yield f"{indent}{key}:"
            for index, item in enumerate(value):
                yield from _item_lines(item, (*inner, str(index)), sources, indent + "  ")
        else:
            source = sources.get(".".join(inner))
            yield f"{indent}{key}: {_text(value)}" + (f"  # {source}" if source else "")


def _item_lines(
    item: Any, path: tuple[str, ...], sources: Mapping[str, str], indent: str
) -> Iterator[str]:
    if not isinstance(item, dict):
        yield f"{indent}- {_text(item)}"
        return
    marker = f"{indent}- "
    for line in _lines(item, path, sources, indent + "  "):
        yield marker + line[len(marker) :]
        marker = indent + "  "


def _has_mapping(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_mapping(item) for item in value)
    return isinstance(value, dict)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_text(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and scalar(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
