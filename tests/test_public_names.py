"""`import sim` costs nothing, and every public name is there when it is asked for."""

import json
import subprocess
import sys

import sim

HEAVY = {
    *("numpy", "scipy", "skyfield", "jplephem", "simpy", "pydantic", "polars", "numba"),
    *("matplotlib", "plotly", "dask", "distributed", "yaml", "rich", "typer", "rasterio"),
}


def _loaded_by(code: str) -> set[str]:
    """Packages that a fresh Python has loaded after `code`."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def test_import_loads_none_of_the_heavy_packages() -> None:
    assert _loaded_by("import sim") & HEAVY == set()


def test_every_public_name_is_there() -> None:
    assert sim.__all__ == sorted(sim.__all__)
    for name in sim.__all__:
        assert getattr(sim, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(sim, "load_scenarios")


def test_check_and_schema_never_load_numba_nor_what_draws() -> None:
    code = "from sim.cli import main\nmain(['check', 'scenarios/minimal.yaml'])\nmain(['schema'])"
    assert _loaded_by(code) & {"numba", "simpy", "matplotlib", "polars", "dask", "plotly"} == set()


def test_help_loads_nothing_heavy() -> None:
    loaded = _loaded_by("from sim.cli import main\nmain(['--help'])")
    assert loaded & (HEAVY - {"typer", "rich"}) == set()
