"""Scenarios that measures look at: loaded, computed and run once each, when first asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sim.environment import Environment, compute_environment
from sim.operations import RunLog, operate
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario
from sim.scenario.shipped import example_paths

Progress = Callable[[str, float], None]
Key = tuple[str, tuple[str, ...]]


@dataclass
class Cases:
    """Shipped scenarios by name, each with overrides `PATH=VALUE`."""

    cache: bool = True
    _environments: dict[Key, Environment] = field(default_factory=dict)
    _logs: dict[Key, RunLog] = field(default_factory=dict)

    def scenario(self, name: str, overrides: Sequence[str] = ()) -> Scenario:
        """A shipped scenario."""
        return load_scenario(example_paths()[name], overrides)

    def environment(self, name: str, overrides: Sequence[str] = ()) -> Environment:
        """Its sky, contacts and power."""
        key = (name, tuple(overrides))
        if key not in self._environments:
            scenario = self.scenario(name, overrides)
            self._environments[key] = compute_environment(scenario, cache=self.cache)
        return self._environments[key]

    def log(self, name: str, overrides: Sequence[str] = ()) -> RunLog:
        """What happens in it."""
        key = (name, tuple(overrides))
        if key not in self._logs:
            self._logs[key] = operate(self.environment(name, overrides))
        return self._logs[key]
