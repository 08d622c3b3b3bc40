"""The contract's page says what the code does, and the code does nothing that it does not say."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import typer.main

from sim import cli
from sim.results.schemas import TABLES, WINDOW_KINDS
from sim.scenario.behaviour import Mode
from sim.scenario.conditions import Condition
from sim.scenario.grammar import Grammar
from sim.scenario.messages import UNITS
from sim.scenario.schema import Scenario

PAGE = (Path(__file__).parents[1] / "docs" / "contract.md").read_text()


def _listed(marker: str, until: str = "\n\n") -> list[str]:
    """The words in backquotes after a marker of the page."""
    _, _, rest = PAGE.partition(f"<!-- {marker} -->\n")
    return re.findall(r"`([^`]+)`", rest.partition(until)[0])


def test_every_suffix_is_a_unit_and_every_unit_a_suffix() -> None:
    assert sorted(_listed("suffixes")) == sorted(f"_{unit}" for unit in UNITS)


def _is_number(rule: dict[str, Any]) -> bool:
    inner = [*rule.get("anyOf", []), *rule.get("prefixItems", []), rule.get("items")]
    return rule.get("type") in ("number", "integer") or any(
        _is_number(option) for option in inner if isinstance(option, dict)
    )


def test_every_number_of_a_scenario_has_its_unit_or_is_named() -> None:
    schema = Scenario.model_json_schema()
    keys = {
        key
        for definition in [schema, *schema["$defs"].values()]
        for key, rule in definition.get("properties", {}).items()
        if _is_number(rule)
    }
    bare = {key for key in keys if not any(key.endswith(f"_{unit}") for unit in UNITS)}
    assert bare == set(_listed("numbers without a unit", "\n\nAzimuth"))


def test_keys_quantities_and_modes() -> None:
    assert _listed("root keys")[1:] == list(Grammar(Scenario).rule((), {})["properties"])
    assert _listed("quantities") == list(Condition.model_fields)
    assert _listed("modes") == list(get_args(Mode))


def test_columns() -> None:
    lines = PAGE.partition("<!-- columns -->\n")[2].partition("\n\n")[0].splitlines()
    stated = {words[0]: words[1:] for words in (re.findall(r"`([^`]+)`", line) for line in lines)}
    assert stated == {name: [column.name for column in table] for name, table in TABLES.items()}


def test_kinds_of_windows() -> None:
    named = [word for word in _listed("window kinds") if not word.startswith("farside")]
    assert named == list(WINDOW_KINDS)


def test_verbs_and_options() -> None:
    command = typer.main.get_command(cli.app)
    assert sorted(command.commands) == sorted(_listed("verbs"))  # type: ignore[attr-defined]
    options = {
        name
        for verb in command.commands.values()  # type: ignore[attr-defined]
        for parameter in verb.params
        for name in parameter.opts
        if name.startswith("--")
    }
    assert set(_listed("options")) == options - {"--help", "--parts"}


def test_exit_codes() -> None:
    stated = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, flags=re.MULTILINE)]
    assert stated == [
        cli.DONE,
        cli.REFUSED,
        cli.USAGE,
        cli.BOOKS_OPEN,
        cli.UNCONFIRMED,
        cli.DEFECT,
        cli.INTERRUPTED,
    ]


@pytest.mark.parametrize("word", ["issue", "prototype", "/work"])
def test_the_page_stands_for_itself(word: str) -> None:
    assert word not in PAGE
