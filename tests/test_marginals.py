"""One more hour, decibel, gigabyte, watt and station hour, against what a pencil says."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from plan_cases import MINIMAL, always, data_of, once, planned

from sim.environment import Environment, compute_environment
from sim.environment.stage import set_stage
from sim.intervals import Intervals
from sim.operations import operate
from sim.scenario.loading import load_scenario
from sim.scenario.variants import variant
from sim.study.marginals import (
    changes,
    marginal_table,
    one_more_decibel,
    one_more_gigabyte,
    one_more_hour_awake,
    one_more_station_hour,
    one_more_watt,
)

WIDE = ["a contact +0 +172800 1 2 1000", "a contact +0 +172800 2 3 2000"]


def _edited(environment: Environment, **lander: Any) -> Environment:
    def edit(data: dict[str, Any]) -> None:
        data["vehicles"]["lander"].update(lander)

    return replace(environment, scenario=variant(environment.scenario, edit))


def test_an_hour_awake_is_an_hour_of_data() -> None:
    sleepy = [
        {"from": "working", "to": "dormant", "when": {"time_in_mode_s": {"above": 7200}}},
        {"from": "dormant", "to": "working", "when": {"time_in_mode_s": {"above": 1e7}}},
    ]
    environment = _edited(planned(WIDE, always(4000)), transitions=sleepy)
    before, after = data_of(environment), data_of(one_more_hour_awake(environment, "lander"))
    assert before.produced == 7200 * 4000
    assert after.produced == 10800 * 4000


def test_a_gigabyte_keeps_a_gigabyte() -> None:
    # 30 Gb made in 3000 s, room for 8 Gb, and a contact for all of it a day later
    contacts = ["a contact +86400 +172000 1 2 500000", "a contact +86400 +172800 2 3 1000000"]
    room = "vehicles.lander.recorder.capacity_gb=1"
    environment = planned(contacts, once(10_000_000, 3000), room)
    assert data_of(environment).delivered == 8_000_000_000
    assert data_of(one_more_gigabyte(environment, "lander")).delivered == 16_000_000_000
    assert data_of(one_more_gigabyte(environment, "queqiao")).delivered == 8_000_000_000


def test_a_watt_is_a_watt_hour_in_each_hour() -> None:
    environment = planned(WIDE, always(4000))
    books = [
        operate(e).snapshots["lander"][-1].bus.generated_wh
        for e in (environment, one_more_watt(environment, "lander"))
    ]
    assert books[1] - books[0] == pytest.approx(48.0, rel=1e-6)


def test_a_station_hour_is_an_hour_after_each_pass() -> None:
    # allocated from 01:00 to 02:00 of each day; in view all the time
    environment = planned(
        ["a contact +0 +172800 1 2 1000", "a contact +3600 +7200 2 3 100"],
        always(4000),
        "stations.kashi.allocated={daily_utc_h: [[1, 2]]}",
    )
    always_s = Intervals.between(0.0, 172800.0)
    served = Intervals.of([(3600.0, 7200.0), (90000.0, 93600.0)])
    hop = environment.hops[1]
    again = replace(hop.contacts[0], start_s=90000, stop_s=93600, window_start_s=90000.0,
                    window_stop_s=93600.0, steps={"": ((90000, 800),)})  # fmt: skip
    hop = replace(hop, geometric=always_s, served=served, contacts=(*hop.contacts, again))
    environment = replace(environment, hops=(environment.hops[0], hop))
    longer = one_more_station_hour(environment, "kashi").hops[1]
    assert [(c.start_s, c.stop_s) for c in longer.contacts] == [(3600, 10800), (90000, 97200)]
    # half as much again would be 800 b/s in two hours more; frames take their headers
    gain = data_of(replace(environment, hops=(environment.hops[0], longer)))
    more = gain.delivered - data_of(environment).delivered
    assert more == pytest.approx(2 * 3600 * 800 * 8840 / 8920, abs=2 * 8840)


MISSED_DB = 0.5


def test_a_decibel_is_a_higher_rate_where_one_was_just_missed() -> None:
    # With a transmitter that misses 555 kb/s by half a decibel the link carries 280 kb/s for an
    # hour; a decibel more, and it carries 555 kb/s.
    short, at_s = "span={duration_h: 1}", np.array([1800.0])
    hop = compute_environment(load_scenario(MINIMAL, [short])).hops[0]
    ratio = next(iter(hop.carrier_to_noise_dbhz.values()))(at_s)[0]
    spare_db = float(ratio) - hop.required_dbhz[555_000] - 3.0  # the margin that the link needs
    power = 20.0 * 10.0 ** (-(spare_db + MISSED_DB) / 10.0)
    path = "vehicles.lander.terminals.x_band.transmitter.power_w"
    scenario = load_scenario(MINIMAL, [short, f"{path}={power}"])
    environment = compute_environment(scenario)
    louder = one_more_decibel(environment, "lander_return", set_stage(scenario))
    rates = [e.hops[0].contacts[0].rate_bps(1800, "") for e in (environment, louder)]
    assert rates == [280_000, 555_000]
    assert louder.hops[1] is environment.hops[1]


def test_every_unit_that_a_scenario_has_a_place_for() -> None:
    environment = planned(WIDE, always(4000))
    names = [(change.one_more, change.subject) for change in changes(environment)]
    assert names == [
        ("hour awake", "lander"),
        ("gigabyte", "lander"),
        ("gigabyte", "queqiao"),
        ("watt", "lander"),
    ]
    told: list[float] = []
    table = marginal_table(
        environment, operate(environment), progress=lambda _, fraction: told.append(fraction)
    )
    assert table["one_more"].to_list() == [name for name, _ in names]
    assert table.select(pl.col("gain_gb").abs().max()).item() == 0.0
    assert told == sorted(told)
