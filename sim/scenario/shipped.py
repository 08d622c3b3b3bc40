"""The scenarios that come with farside: in the wheel beside this file, in a clone in `scenarios/`."""

from pathlib import Path

from sim.cache import replace_file
from sim.errors import ScenarioError
from sim.scenario.loading import load_scenario
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


def write_example(name: str, folder: Path) -> list[Path]:
    """Write a shipped scenario and the files that it names into a folder; returns what is there.

    Raises `ScenarioError` rather than change a file that says something else already.
    """
    text = example_text(name)
    source = example_paths()[name]
    contents = {source.name: text.encode()}
    for named in load_scenario(source).file_digests:
        contents[named] = (source.parent / named).read_bytes()
    for file, content in contents.items():
        path = folder / file
        if path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise ScenarioError(f"{path} is there already and differs; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScenarioError(f"{folder} cannot be made: {error.strerror}") from None
    for file, content in contents.items():
        replace_file(folder / file, content)
    return [folder / file for file in contents]


def named_files(name: str) -> list[str]:
    """The files that a shipped scenario names."""
    return list(load_scenario(example_paths()[name]).file_digests)


def example_headlines() -> dict[str, str]:
    """The first comment of each shipped scenario by name."""
    return {
        name: read_text(path).partition("\n")[0].lstrip("# ")
        for name, path in example_paths().items()
    }
