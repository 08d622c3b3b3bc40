"""Every test has a cache folder of the session's own, never the user's."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("farside", deadline=None, derandomize=True)
settings.load_profile("farside")

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    os.environ["FARSIDE_CACHE_DIR"] = str(base / "farside-cache")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds scenarios, scripts and docs."""
    return REPOSITORY


@pytest.fixture(scope="session")
def change4(repository: Path) -> Any:
    """Chang'e-4's first fourteen lunar days, run once."""
    from sim.running import run
    from sim.scenario.loading import load_scenario

    return run(load_scenario(repository / "scenarios" / "change4.yaml"))
