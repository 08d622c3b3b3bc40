"""The scenarios that come with farside: in the wheel beside this file, in a clone in `scenarios/`."""

from pathlib import Path

from sim.errors import ScenarioError
from sim.scenario.messages import suggestion
from sim.scenario.nodes import read_text

_SHIPPED = Path(__file__).parent / "examples"
_CLONED = Path(__file__).parents[2] / "scenarios"


def example_paths() -> dict[str, Path]:
    """The shipped scenarios by name."""
    folder = _SHIPPED if _SHIPPED.is_dir() else _CLONED
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def example_text(name: str) -> str:
    """The YAML text of a shipped scenario, comments and all."""
    paths = example_paths()
    if name not in paths:
        raise ScenarioError(f"there is no example '{name}'; {suggestion(name, list(paths))}")
    return read_text(paths[name])


def example_headlines() -> dict[str, str]:
    """The first comment of each shipped scenario by name."""
    return {
        name: read_text(path).partition("\n")[0].lstrip("# ")
        for name, path in example_paths().items()
    }
