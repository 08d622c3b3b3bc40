"""Links of whole scenarios: bent pipes, ways over the ground, variable coding, what the environment says."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim.environment import (
    Contact,
    Environment,
    Hop,
    assumed_terminal_values,
    compute_environment,
    link_series_over,
    rate_needs,
)
from sim.environment.stage import set_stage
from sim.errors import ScenarioError
from sim.operations.commands import Uplink
from sim.operations.engine import operate
from sim.operations.runlog import DataCounts
from sim.physics.coding import required_eb_n0_db, sync_loss_db
from sim.physics.links import threshold_dbhz
from sim.scenario.loading import load_scenario
from sim.scenario.radio import scenario_link_warnings

FOLDER = Path(__file__).parent / "scenarios"
WITH_MEMORY = "relays.pipe.recorder={capacity_gb: 8}"


@cache
def _environment(name: str, *overrides: str) -> Environment:
    return compute_environment(load_scenario(FOLDER / f"{name}.yaml", overrides))


def _hop(environment: Environment, name: str) -> Hop:
    return next(hop for hop in environment.hops if hop.name == name)


def _times(contacts: tuple[Contact, ...]) -> list[int]:
    spans = [np.linspace(c.start_s, c.stop_s - 1, 40).astype(int) for c in contacts]
    return [int(t_s) for t_s in np.concatenate(spans)]


def _rate_at(hop: Hop, t_s: int) -> int:
    return max((contact.rate_bps(t_s, "") for contact in hop.contacts), default=0)


def _books(environment: Environment, vehicle: str) -> DataCounts:
    return operate(environment).snapshots[vehicle][-1].data


# Bent pipes


@pytest.mark.parametrize("station", ["kashi", "neuquen"])
def test_a_bent_pipe_is_never_better_than_its_worse_hop(station: str) -> None:
    straight = _environment("bent_pipe", WITH_MEMORY)
    first, second = _hop(straight, "up:pipe.dish"), _hop(straight, f"down:{station}.s_band")
    whole = _hop(_environment("bent_pipe"), f"up:{station}.s_band via pipe.omni")
    assert whole.contacts
    for t_s in _times(whole.contacts):
        at = np.array([float(t_s)])
        parts = [float(hop.carrier_to_noise_dbhz[""](at)[0]) for hop in (first, second)]
        both = float(whole.carrier_to_noise_dbhz[""](at)[0])
        # the two hops have the same rates, code and rule, so that each alone could do at least this
        assert _rate_at(whole, t_s) <= min(_rate_at(first, t_s), _rate_at(second, t_s))
        added = sum(10.0 ** (-0.1 * part) for part in parts)
        assert both == pytest.approx(-10.0 * np.log10(added), abs=1e-9)
        assert both < min(parts)


def test_a_bent_pipe_is_open_only_while_both_its_hops_are() -> None:
    straight, bent = _environment("bent_pipe", WITH_MEMORY), _environment("bent_pipe")
    for station in ("kashi", "neuquen"):
        whole = _hop(bent, f"up:{station}.s_band via pipe.omni")
        first, second = _hop(straight, "up:pipe.dish"), _hop(straight, f"down:{station}.s_band")
        assert whole.geometric == first.geometric & second.geometric
        at = np.array(_times(whole.contacts), dtype=float)
        assert whole.range_km(at) == pytest.approx(first.range_km(at) + second.range_km(at))


def test_commands_go_out_over_the_pipe_and_data_come_in() -> None:
    names = [hop.name for hop in _environment("bent_pipe").hops]
    assert names == [
        "up:kashi.s_band via pipe.omni",
        "up:neuquen.s_band via pipe.omni",
        "commands:lander.low_gain via pipe.voice",
    ]
    assert _hop(_environment("bent_pipe"), names[2]).contacts


def test_commands_over_a_pipe_arrive_after_its_whole_way() -> None:
    environment = _environment("bent_pipe")
    (hop,) = environment.hops_over("onward")
    assert hop.name == "commands:lander.low_gain via pipe.voice"
    assert environment.hops_over("commands") == (hop,)
    assert environment.hops_of("onward") == ()
    uplink = Uplink.of(environment, ("commands", "onward"))
    assert uplink is not None
    first = hop.contacts[0]
    assert uplink.starts_s[0] == first.start_s
    light_s = float(hop.range_km(np.array([0.0]))[0]) / 299_792.458
    assert uplink.light_time_s == pytest.approx(light_s, rel=1e-6)


def test_nothing_stays_in_a_pipe() -> None:
    environment = _environment("bent_pipe")
    log = operate(environment)
    books = log.snapshots["lander"][-1].data
    assert books.delivered > 1e8
    assert books.in_relays == 0
    assert all(level.on_board_bits == 0 for level in log.levels["pipe"])
    assert books.produced == (
        books.on_board + books.in_flight + books.delivered + books.dropped + books.lost
    )


def test_a_pipe_without_a_way_on_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"links\.up: there is no route on from 'pipe'"):
        load_scenario(FOLDER / "bent_pipe.yaml", ["links.down.from=lander.x_band"])


# Over the ground


def test_a_rover_reaches_its_lander_by_hand_calculation() -> None:
    environment = _environment("over_the_ground")
    hop = _hop(environment, "local:lander.uhf")
    (contact,) = hop.contacts
    assert (contact.start_s, contact.stop_s) == (0, environment.duration_s)
    apart_km = 2.0 * 1737.4015 * np.sin(np.radians(0.09) / 2.0)
    at = np.array([0.0, 1e5])
    assert hop.range_km(at) == pytest.approx([apart_km, apart_km], rel=1e-9)
    # two rays: 40 log d - 20 log(h1 h2), since 2.73 km is beyond the break point of 38 m
    loss_db = 40.0 * np.log10(apart_km * 1e3) - 40.0 * np.log10(1.5)
    ratio = -20.0 - loss_db - 10.0 * np.log10(300.0) + 228.599
    assert hop.carrier_to_noise_dbhz[""](at) == pytest.approx([ratio, ratio], abs=0.01)
    link, code = environment.scenario.links["local"], environment.scenario.codes
    closing = [
        rate
        for rate in hop.frames
        if threshold_dbhz(link, code[link.coding[0]], rate) <= ratio  # 3 dB over the required
    ]
    assert contact.steps[""] == ((0, max(closing)),)


def test_vehicles_at_one_place_stand_a_metre_apart() -> None:
    hop = _hop(_environment("over_the_ground", "vehicles.rover.place=landing"), "local:lander.uhf")
    ratio = float(hop.carrier_to_noise_dbhz[""](np.array([0.0]))[0])
    by_hand = -20.0 - 20.0 * np.log10(4.0 * np.pi * 4e8 / 299_792_458.0) - 24.771 + 228.599
    assert ratio == pytest.approx(by_hand, abs=0.01)
    assert hop.contacts[0].steps[""] == ((0, 2_048_000),)


def test_a_rover_over_the_horizon_is_not_heard() -> None:
    assert not _hop(
        _environment("over_the_ground", "vehicles.rover.place=far"), "local:lander.uhf"
    ).contacts


def test_a_rovers_data_come_home_through_lander_and_relay() -> None:
    books = _books(_environment("over_the_ground"), "rover")
    assert books.delivered > 0.9 * books.produced
    assert books.handed_over + books.on_board + books.lost_on_first_hop == books.produced


# Straight to the Earth


def test_multipath_takes_its_allowance_by_elevation() -> None:
    clear = _hop(_environment("direct_to_earth", "links.home.fade=null"), "home:kashi.s_band")
    faded = _hop(_environment("direct_to_earth"), "home:kashi.s_band")
    at = np.array(_times(clear.contacts), dtype=float)
    assert faded.from_source_km is not None
    east, north, up = faded.from_source_km(at)
    elevation = np.degrees(np.arctan2(up, np.hypot(east, north)))
    lost = clear.carrier_to_noise_dbhz[""](at) - faded.carrier_to_noise_dbhz[""](at)
    assert lost == pytest.approx(6.0 * np.clip(1.0 - elevation / 20.0, 0.0, 1.0), abs=1e-9)
    assert lost.max() > 1.0


def test_each_mode_has_the_frame_of_its_own_code() -> None:
    environment = _environment("direct_to_earth")
    hop = _hop(environment, "home:kashi.s_band")
    sizes = {rate: frame.bits for rate, frame in hop.frames.items()}
    assert set(sizes.values()) == {1784, 8920, 7136}
    overhead = environment.scenario.links["home"].framing.overhead_bits
    assert all(frame.bits - frame.data_bits == overhead for frame in hop.frames.values())
    codes, link = environment.scenario.codes, environment.scenario.links["home"]
    for rate, needed in hop.required_dbhz.items():
        code = next(c for c in (codes[n] for n in link.coding) if c.frame_bits == sizes[rate])
        by_hand = required_eb_n0_db(code) + sync_loss_db(code) + 10.0 * np.log10(rate)
        assert needed == pytest.approx(by_hand + link.modulation.implementation_loss_db)


def test_whole_frames_of_the_mode_are_moved() -> None:
    environment = _environment("direct_to_earth")
    hop = _hop(environment, "home:kashi.s_band")
    uses = operate(environment).uses
    assert uses
    for use in uses:
        assert use.moved_bits + use.lost_bits <= (
            use.rate_bps * (use.stop_s - use.start_s) // hop.frames[use.rate_bps].bits
            * hop.frames[use.rate_bps].data_bits
        )  # fmt: skip


# What a user is told


def test_needs_say_what_closes_a_rate_everywhere() -> None:
    scenario = load_scenario(FOLDER / "bent_pipe.yaml")
    stage = set_stage(scenario)
    needs = rate_needs(scenario, "lander", "pipe", stage=stage)
    assert [need.rate_bps for need in needs] == [1000, 5000, 10000, 15000, 20000, 40000]
    assert all(a.always.spare_db > b.always.spare_db for a, b in pairwise(needs))
    last = needs[-1]
    assert last.closes_share < 1.0
    watts = 5.0 * 10.0 ** (0.1 * (last.always.needed_eirp_dbw - last.always.eirp_dbw) + 0.001)
    stronger = load_scenario(
        FOLDER / "bent_pipe.yaml",
        [f"vehicles.lander.terminals.x_band.transmitter.power_w={watts:.6f}"],
    )
    assert rate_needs(stronger, "lander", "pipe", stage=stage)[-1].closes_share == 1.0


def test_what_is_assumed_of_a_link_is_listed_with_its_reason() -> None:
    scenario = load_scenario(Path(__file__).parents[1] / "scenarios" / "change4.yaml")
    found = assumed_terminal_values(scenario, "lander", "queqiao")
    assert "vehicles.lander.terminals.x_band.transmitter.power_w" in found
    assert "relays.queqiao.terminals.x_dish.receiver.noise_temperature_k" in found
    assert all("terminals" in path or path.startswith("links.lander_return.") for path in found)


def test_a_series_over_a_pass_follows_its_terms() -> None:
    scenario = load_scenario(FOLDER / "direct_to_earth.yaml")
    series = link_series_over(scenario, "lander", "kashi", "pass", "2030-01-05T12:00Z", count=200)
    assert series.visible.all()
    assert sum(series.terms_db.values()) == pytest.approx(series.carrier_to_noise_dbhz)
    assert next(iter(series.movers_db())) == "fade"
    with pytest.raises(ScenarioError, match="'long' is neither 'pass' nor a number of days"):
        link_series_over(scenario, "lander", "kashi", "long", "2030-01-05T12:00Z")


def test_a_way_with_a_stop_is_told_by_its_parts() -> None:
    scenario = load_scenario(FOLDER / "bent_pipe.yaml")
    with pytest.raises(ScenarioError, match="ask for 'lander' to 'pipe' and for 'pipe' to 'kashi'"):
        rate_needs(scenario, "lander", "kashi")


def test_a_recalled_code_and_a_wide_band_are_warnings() -> None:
    scenario = load_scenario(FOLDER / "direct_to_earth.yaml")
    assert list(scenario_link_warnings(scenario)) == [
        "links.home: link from 'lander.s_band': the curve of 'ldpc_c2_8160_7136' is recalled"
    ]
    wide = load_scenario(
        FOLDER / "direct_to_earth.yaml", ["links.home.symbol_rates_sps=[200000000]"]
    )
    assert any("MHz" in warning for warning in scenario_link_warnings(wide))
