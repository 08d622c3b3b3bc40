"""farside: how lunar surface missions live and what they send home.

The public names are loaded on first use, so that `import sim` costs nothing.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Environment": "sim.environment",
    "LinkBudget": "sim.environment",
    "Results": "sim.results",
    "Scenario": "sim.scenario.schema",
    "SimError": "sim.errors",
    "compare": "sim.study.comparison",
    "compute_environment": "sim.environment",
    "explain": "sim.study.explanation",
    "link_budget": "sim.environment",
    "load_results": "sim.results",
    "load_scenario": "sim.scenario.loading",
    "run": "sim.running",
    "run_study": "sim.study.runs",
    "write_report": "sim.report",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - the table above is the list
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute '{name}'")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
