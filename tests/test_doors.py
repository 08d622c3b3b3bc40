"""Each outside package comes in by one door only."""

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "sim"

DOORS = {
    "yaml": ("scenario/nodes.py",),
    "skyfield": ("sky/",),
    "skyfield_data": ("sky/",),
    "jplephem": ("sky/",),
    "rasterio": ("sky/",),
    "numba": ("compiled.py",),
    "simpy": ("operations/",),
    "polars": ("results/", "report/", "study/", "validation/"),
    "matplotlib": ("report/",),
    "plotly": ("report/",),
    "cloudpickle": ("study/",),
    "dask": ("study/",),
    "distributed": ("study/",),
    "typer": ("cli/",),
    "rich": ("cli/",),
    "platformdirs": ("cache.py",),
}


@cache
def _imported(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", DOORS)
def test_a_package_comes_in_by_its_door(package: str) -> None:
    users = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if package in _imported(path)
    }
    assert {user for user in users if not user.startswith(DOORS[package])} == set()


def test_physics_opens_no_file() -> None:
    for path in (SOURCE / "physics").glob("*.py"):
        text = path.read_text()
        assert "open(" not in text, path.name
        assert "pathlib" not in text, path.name
