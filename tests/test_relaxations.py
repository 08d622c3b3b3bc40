"""What binds is what brings most when it is lifted: one small mission for every constraint."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plan_cases import HOURS, always, data_of, once, planned

from sim.environment import Contact, Environment, Hop, compute_environment
from sim.intervals import Intervals
from sim.operations import operate
from sim.results.limits import SEVERAL, limits
from sim.results.openings import at_best_rate, opened
from sim.results.relaxations import RELAXATIONS, delivered_bits, gains, relaxation_table
from sim.running import run
from sim.scenario.loading import load_scenario
from sim.scenario.variants import variant

DURATION_S = HOURS * 3600
TWO_AT_A_STATION = Path(__file__).parent / "scenarios" / "two_at_a_station.yaml"
WIDE = ["a contact +0 +172800 1 2 1000", "a contact +0 +172800 2 3 2000"]
"""8 kb/s from the lander to the relay and 16 kb/s on to the Earth, all the time."""


def _word(environment: Environment) -> str:
    return limits(environment, operate(environment)).run["lander"]


def _gain_gb(environment: Environment, name: str) -> float:
    table = relaxation_table(environment, operate(environment))
    return float(table.filter(pl.col("relaxation") == name)["gain_gb"].sum())


def _edited(environment: Environment, lander: dict[str, Any]) -> Environment:
    def edit(data: dict[str, Any]) -> None:
        data["vehicles"]["lander"].update(lander)

    return replace(environment, scenario=variant(environment.scenario, edit))


def test_little_data_is_the_plan() -> None:
    early = ["a contact +0 +160000 1 2 1000", WIDE[1]]
    environment = planned(early, once(100_000))
    assert _word(environment) == "plan"
    # 8 kb/s of frames of 8920 bits with 8840 of data, less the 10 Mb that were made anyway
    more = 160_000 * 8000 * 8840 / 8920 - 1e7
    assert _gain_gb(environment, "plan") == pytest.approx(more / 8e9, rel=1e-3)


def test_a_small_recorder_is_storage() -> None:
    # 800 Mb made at once, room for 8 Mb, and long after it a contact for 577 Mb: with room they
    # all go, and no other data could bring more
    contacts = ["a contact +100000 +172000 1 2 1000", "a contact +100000 +172800 2 3 2000"]
    room = "vehicles.lander.recorder.capacity_gb=0.001"
    assert _word(planned(contacts, once(80_000, 10_000), room)) == "storage"


def test_a_small_partition_is_storage() -> None:
    contacts = ["a contact +100000 +172000 1 2 1000", "a contact +100000 +172800 2 3 2000"]
    room = (
        "vehicles.lander.recorder={capacity_gb: 10, "
        "partitions: {film: {capacity_gb: 0.001, products: [survey]}}}"
    )
    assert _word(planned(contacts, once(80_000, 10_000), room)) == "storage"


def _in_view(environment: Environment, hop: int, view: Intervals, served: Intervals) -> Environment:
    """One hop with its view and service as they would be with geometry."""
    hops = list(environment.hops)
    hops[hop] = replace(hops[hop], geometric=view, served=served)
    return replace(environment, hops=tuple(hops))


_ALWAYS = Intervals.between(0.0, DURATION_S)
_SHORT = Intervals.between(1000.0, 3000.0)


def _open(environment: Environment, hop: int) -> Environment:
    """A hop whose only contact is from 1000 to 3000 s."""
    old = environment.hops[hop]
    rate = old.best_rate_bps
    contact = Contact(1000, 3000, 1000.0, 3000.0, {"": ((1000, rate),)})
    hops = list(environment.hops)
    hops[hop] = replace(old, contacts=(contact,), geometric=_SHORT)
    return replace(environment, hops=tuple(hops))


def test_a_short_view_is_geometry() -> None:
    environment = _open(planned(WIDE, always(4000)), 0)
    assert _word(environment) == "geometry"


def test_a_relay_out_of_service_is_the_relay() -> None:
    environment = _in_view(_open(planned(WIDE, always(4000)), 0), 0, _ALWAYS, _SHORT)
    assert _word(environment) == "relay"


def test_a_station_that_is_not_allocated_is_the_station() -> None:
    allocated = "stations.kashi.allocated={daily_utc_h: [[0.2778, 0.8333]]}"  # 1000 to 3000 s
    environment = _open(planned(WIDE, always(4000), allocated), 1)
    environment = _in_view(environment, 1, _ALWAYS, _SHORT)
    assert _word(environment) == "station"


def test_a_low_rate_is_the_link() -> None:
    slow = ["a contact +0 +172700 1 2 100", "a contact +172700 +172800 1 2 9000", WIDE[1]]
    environment = planned(slow, always(6000))
    assert _word(environment) == "link"


_SLEEPY = [
    {"from": "working", "to": "dormant", "when": {"time_in_mode_s": {"above": 3600}}},
    {"from": "dormant", "to": "working", "when": {"time_in_mode_s": {"above": 36000}}},
]


def test_sleep_is_time_awake() -> None:
    environment = _edited(planned(WIDE, always(8000)), {"transitions": _SLEEPY})
    assert _word(environment) == "awake"


def test_an_empty_battery_is_power() -> None:
    lander: dict[str, Any] = {
        "modes": {"dormant": {"load_w": 0}, "working": {"load_w": 1500, "transmit": True}},
        "battery": {"capacity_wh": 100, "initial_state_of_charge": 1.0},
        "transitions": [
            {"from": "working", "to": "dormant", "when": {"state_of_charge": {"below": 0.2}}},
            {"from": "dormant", "to": "working", "when": {"state_of_charge": {"above": 0.9}}},
        ],
    }
    assert _word(_edited(planned(WIDE, always(8000)), lander)) == "power"


def test_a_run_that_was_cut_could_have_made_more() -> None:
    """One survey through the first day is cut by sleep and counts as done; awake it goes on."""
    contacts = ["a contact +40000 +90000 1 2 1000", "a contact +80000 +150000 2 3 1500"]
    environment = _edited(planned(contacts, once(7900, 50_000)), {"transitions": _SLEEPY})
    assert _word(environment) == "awake"


def test_a_full_station_is_the_station(tmp_path: Path) -> None:
    """The station hears one lander at a time; the other waits until the first has gone."""
    plan = tmp_path / "plan.ion"
    pairs = [("1 3", 30_000), ("2 3", 36_000)]
    plan.write_text(
        "".join(f"a contact +0 +{stop_s} {pair} 1000\n" for pair, stop_s in pairs)
        + "".join(f"a range +0 +36000 {pair} 1.3\n" for pair, _ in pairs)
    )
    overrides = [f"contact_plan={{file: {plan}}}", "span={duration_h: 10}"]
    environment = compute_environment(load_scenario(TWO_AT_A_STATION, overrides))
    assert limits(environment, operate(environment)).run["second"] == "station"


def test_where_nothing_alone_helps_it_is_several() -> None:
    # no contact on either hop: a wider view brings the lander's data to the relay only
    environment = planned(["a contact +0 +1 1 2 1", "a contact +0 +1 2 3 1"], always(4000))
    closed = tuple(
        replace(hop, contacts=(), served=Intervals.none(), geometric=Intervals.none())
        for hop in environment.hops
    )
    assert _word(replace(environment, hops=closed)) == SEVERAL


@pytest.mark.parametrize("rate_bps", [100, 4000, 8000, 20_000])
@pytest.mark.parametrize("room_gb", [0.001, 1])
def test_what_is_left_out_would_not_have_won(rate_bps: int, room_gb: float) -> None:
    contacts = ["a contact +40000 +90000 1 2 1000", "a contact +80000 +150000 2 3 1500"]
    environment = _edited(
        planned(contacts, always(rate_bps), f"vehicles.lander.recorder.capacity_gb={room_gb}"),
        {"transitions": _SLEEPY},
    )
    log = operate(environment)
    base = sum(delivered_bits(log).values())
    by_name = {
        relaxation.name: sum(delivered_bits(operate(relaxation.relax(environment))).values()) - base
        for relaxation in RELAXATIONS
    }
    found = {
        relaxation.name: sum(gain.gain_bits for gain in gains(environment, log, [relaxation]))
        for relaxation in RELAXATIONS
    }
    assert found == by_name
    assert _word(environment) == max(by_name, key=lambda name: by_name[name])


def test_a_run_says_what_binds_in_each_lunar_day() -> None:
    environment = planned(WIDE, always(100))
    results = run(environment.scenario, environment)
    assert results.lunar_days["limited_by"].to_list() == ["plan"]
    assert results.summary["vehicles"]["lander"]["limited_by"] == "plan"
    assert results.summary["vehicles"]["lander"]["sentence"].endswith("limited by the plan")


# Wider windows.


def _hop(contacts: Sequence[Contact], view: Intervals, served: Intervals = _ALWAYS) -> Hop:
    hop = planned(WIDE).hops[0]
    return replace(hop, contacts=tuple(contacts), geometric=view, served=served)


def _contact(start_s: int, *steps: tuple[int, int], stop_s: int) -> Contact:
    losses = {"": tuple(0.1 * index for index in range(len(steps)))}
    return Contact(start_s, stop_s, float(start_s), float(stop_s), {"": steps}, losses)


def test_added_time_has_the_rate_of_the_nearest_edge() -> None:
    first = _contact(100, (100, 1000), (150, 3000), stop_s=200)
    second = _contact(500, (500, 2000), stop_s=600)
    view = Intervals.of([(100.0, 200.0), (500.0, 600.0)])
    wide = opened(_hop([first, second], view), _ALWAYS, _ALWAYS, 1000)
    (contact,) = wide.contacts
    assert contact.steps[""] == ((0, 1000), (150, 3000), (500, 2000))
    assert contact.losses[""] == (0.0, 0.1, 0.0)
    assert (contact.start_s, contact.stop_s) == (0, 1000)


def test_time_in_view_at_which_no_rate_closes_stays_closed() -> None:
    contact = _contact(100, (100, 1000), stop_s=200)
    hop = _hop([contact], Intervals.between(100.0, 300.0))
    wide = opened(hop, _ALWAYS, _ALWAYS, 1000)
    assert [(c.start_s, c.stop_s) for c in wide.contacts] == [(0, 200), (300, 1000)]


def test_seconds_lost_to_rounding_are_won_where_windows_join() -> None:
    pair = [
        Contact(101, 200, 100.4, 200.5, {"": ((101, 1000),)}),
        Contact(201, 300, 200.5, 300.2, {"": ((201, 1000),)}),
    ]
    hop = _hop(pair, Intervals.between(100.4, 300.2))
    wide = opened(hop, hop.geometric, hop.served, 1000)
    (contact,) = wide.contacts
    assert contact.capacity_bit("") == 199 * 1000


def test_a_hop_without_contacts_gets_its_best_rate() -> None:
    wide = opened(_hop([], Intervals.none()), _ALWAYS, _ALWAYS, 1000)
    (contact,) = wide.contacts
    assert contact.capacity_bit("") == 1000 * wide.best_rate_bps


def test_the_best_rate_holds_whenever_both_ends_see_and_serve() -> None:
    contact = _contact(100, (100, 10), stop_s=200)
    hop = _hop([contact], Intervals.between(50.5, 400.0), Intervals.between(0.0, 300.0))
    (best,) = at_best_rate(hop, 1000).contacts
    assert best.steps[""] == ((51, hop.best_rate_bps),)
    assert best.stop_s == 300


def test_a_relaxed_run_leaves_the_first_as_it_was() -> None:
    environment = planned(WIDE, always(4000))
    before = data_of(environment)
    limits(environment, operate(environment))
    assert data_of(environment) == before
