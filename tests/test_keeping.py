"""What the environment keeps: the same as computed anew, by exactly what it depends on."""

import os
from pathlib import Path

import numpy as np
import pytest

from sim import cache
from sim.environment import Environment, compute_environment
from sim.scenario.loading import load_scenario

CASES = {
    "minimal.yaml": ("span.lunar_days=1",),
    "change5.yaml": (),  # phases, a vehicle in flight, thermal nodes
    "change7_south_pole.yaml": ("span.lunar_days=1",),  # a horizon from a file, relays, bodies
}


def _environment(scenarios: Path, name: str, *more: str, keep: bool = True) -> Environment:
    scenario = load_scenario(scenarios / name, [*CASES[name], *more])
    return compute_environment(scenario, cache=keep)


def _kept(folder: Path) -> dict[str, int]:
    layers = ("sky", "rates", "light")
    return {layer: len(list((folder / layer).glob("*.npz"))) for layer in layers}


def _assert_same(first: Environment, second: Environment) -> None:
    assert [hop.contacts for hop in first.hops] == [hop.contacts for hop in second.hops]
    assert [hop.too_short for hop in first.hops] == [hop.too_short for hop in second.hops]
    assert [hop.geometric for hop in first.hops] == [hop.geometric for hop in second.hops]
    for name, sky in first.places.items():
        assert sky.lunar_days == second.places[name].lunar_days
        assert (sky.lit, sky.rising) == (second.places[name].lit, second.places[name].rising)
    assert len(_tracks(first)) == len(_tracks(second))
    for one, other in zip(_tracks(first), _tracks(second), strict=True):
        assert one.error == other.error
        assert np.array_equal(one.edges_s, other.edges_s)
        assert np.array_equal(one.coefficients, other.coefficients)
        assert one.coefficients.strides == other.coefficients.strides


def _tracks(environment: Environment) -> list:  # type: ignore[type-arg]
    return [
        *environment.array_power_w.values(),
        *environment.ground_temperature_k.values(),
        *(hop.light_time_s for hop in environment.hops),
        *(
            track
            for tracks in environment.heat.values()
            for track in (tracks.sunlight_w_m2, *tracks.absorbed_w.values())
        ),
        *(sky.sun_elevation_deg for sky in environment.places.values()),
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    compiled = Path(os.environ["FARSIDE_CACHE_DIR"]) / "compiled"
    compiled.mkdir(parents=True, exist_ok=True)
    (tmp_path / "compiled").symlink_to(compiled)  # machine code need not be made anew
    monkeypatch.setenv("FARSIDE_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_cold_warm_and_without_are_the_same(repository: Path, folder: Path, name: str) -> None:
    scenarios = repository / "scenarios"
    without = _environment(scenarios, name, keep=False)
    assert sum(_kept(folder).values()) == 0
    cold = _environment(scenarios, name)
    kept = _kept(folder)
    assert all(kept.values())
    warm = _environment(scenarios, name)
    assert _kept(folder) == kept
    _assert_same(without, cold)
    _assert_same(cold, warm)


def test_each_layer_is_kept_by_what_it_depends_on(repository: Path, folder: Path) -> None:
    scenarios = repository / "scenarios"
    _environment(scenarios, "minimal.yaml")
    before = _kept(folder)
    _environment(scenarios, "minimal.yaml", "vehicles.lander.battery.capacity_wh=1234")
    assert _kept(folder) == before
    _environment(
        scenarios, "minimal.yaml", "relays.queqiao.terminals.s_helix.transmitter.power_w=9"
    )
    louder = _kept(folder)
    assert (louder["sky"], louder["light"]) == (before["sky"], before["light"])
    assert louder["rates"] == before["rates"] + 1
    _environment(scenarios, "minimal.yaml", "places.crater.height_m=-100")
    higher = _kept(folder)
    assert all(higher[layer] > louder[layer] for layer in louder)


def test_a_foreign_file_is_made_anew(repository: Path, folder: Path) -> None:
    scenarios = repository / "scenarios"
    first = _environment(scenarios, "minimal.yaml")
    for layer in ("sky", "rates", "light"):
        for path in (folder / layer).glob("*.npz"):
            with path.open("wb") as stream:
                np.savez(stream, other=np.zeros(3))
    _assert_same(first, _environment(scenarios, "minimal.yaml"))
    path = next((folder / "rates").glob("*.npz"))
    path.write_bytes(b"damaged")
    cache.messages.clear()
    _assert_same(first, _environment(scenarios, "minimal.yaml"))
    assert any(str(path) in message for message in cache.messages)
    cache.messages.clear()
