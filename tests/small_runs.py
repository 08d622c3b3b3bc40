"""A run small enough for a pencil: one lander, one relay, one station, two lunar days of 1000 s.

All rates are 1000 bit/s at best; a transfer frame has 100 bits, 80 of them user data.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.environment import Contact, Environment, Hop, LunarDay, PlaceSky
from sim.environment.records import Frame, TerminalUse
from sim.intervals import Intervals
from sim.operations.runlog import (
    ContactUse,
    DataCounts,
    Delivery,
    Event,
    Flow,
    Level,
    RunLog,
    Snapshot,
)
from sim.physics.bus import BusState
from sim.physics.recorder import Piece
from sim.scenario.loading import load_scenario
from sim.track import Track

SCENARIO = Path(__file__).parents[1] / "scenarios" / "minimal.yaml"
DURATION_S = 2000
Floats = NDArray[np.float64]
FRAME = Frame(100, 80)
RETURN, DOWN = "lander_return:queqiao.x_dish", "relay_return:kashi.s_band"


def small_environment() -> Environment:
    """Sun up from 100 to 350 s of each lunar day; 30 W of array power from 0 to 400 s and 1000 on."""
    scenario = load_scenario(
        SCENARIO,
        [
            "vehicles.lander.battery.capacity_wh=10",
            "vehicles.lander.battery.initial_state_of_charge=0.5",
            "vehicles.lander.battery.charge_efficiency=1.0",
            "vehicles.lander.battery.discharge_efficiency=1.0",
            "stations.kashi.allocated={periods: [{after: 2030-01-05T00:08:20Z}]}",
        ],
    )
    days = tuple(
        LunarDay(
            number, a, a + 1000.0, a + 500.0, a + 100.0, a + 350.0, a + 100.0, a + 350.0, 250.0
        )
        for number, a in ((1, 0.0), (2, 1000.0))
    )
    lit = Intervals.of((day.start_s + 100.0, day.start_s + 350.0) for day in days)
    sky = PlaceSky(
        Track.constant(10.0, 0.0, DURATION_S),
        Track.constant(90.0, 0.0, DURATION_S),
        days,
        lit,
        Intervals.of((day.start_s, day.noon_s) for day in days),
    )
    power = Track.made([0.0, 400.0, 1000.0, 2000.0], [[30.0], [0.0], [30.0]], 0.0)
    return Environment(
        scenario=scenario,
        clock=scenario.clock,
        duration_s=DURATION_S,
        places={"crater": sky},
        hops=(_lander_hop(), _relay_hop()),
        array_power_w={("lander", ""): power},
    )


def _overhead(t_s: Floats) -> Floats:
    return np.array([0.0, 0.0, 60_000.0])[:, None] * np.ones(np.shape(t_s))


def _hop(link: str, ends: tuple[str, str, str, str], view: Intervals, contacts: object) -> Hop:
    return Hop(
        link=link,
        source=ends[0],
        source_terminal=ends[1],
        destination=ends[2],
        destination_terminal=ends[3],
        geometric=view,
        served=Intervals.between(0.0, DURATION_S),
        contacts=tuple(contacts),  # type: ignore[call-overload]
        best_rate_bps=1000,
        range_km=lambda t_s: np.full(np.shape(t_s), 60_000.0),
        light_time_s=Track.constant(0.2, 0.0, DURATION_S),
        frames={1000: FRAME, 500: FRAME},
        uses=(
            TerminalUse(ends[0], ends[1], "sends", ends[2], 8.47e9, _overhead),
            TerminalUse(ends[2], ends[3], "receives", ends[0], 8.47e9, _overhead),
        ),
    )


def _lander_hop() -> Hop:
    """In view for [0, 300.5) and [650.5, 2000); 500 bit/s from 200 s to 300 s."""
    first = Contact(0, 300, 0.0, 300.5, {"": ((0, 1000), (200, 500))})
    second = Contact(651, 2000, 650.5, 2000.0, {"": ((651, 1000),)})
    view = Intervals.of([(0.0, 300.5), (650.5, 2000.0)])
    return _hop("lander_return", ("lander", "x_band", "queqiao", "x_dish"), view, [first, second])


def _relay_hop() -> Hop:
    """In view all the time; the station works for the mission from 500 s on."""
    contact = Contact(500, 2000, 500.0, 2000.0, {"": ((500, 1000),)})
    ends = "queqiao", "s_helix", "kashi", "s_band"
    hop = _hop("relay_return", ends, Intervals.between(0.0, DURATION_S), [contact])
    return replace(hop, served=Intervals.between(500.0, DURATION_S))


def _mode(t_s: int, before: str, after: str, cause: str) -> Event:
    return Event(t_s, "lander", "mode", "", before, after, cause)


def small_log() -> RunLog:
    """Works for 400 s, sleeps for 300 s, works to the end.

    First lunar day: 300,000 bits go to the relay, 8,000 more are lost; the station gets 240,000,
    of which 4,000 were in flight when the lunar day ended. Second: nothing is made; 60,000 + 4,000
    arrive. Energy of the first lunar day: 30 W for 400 s = 3.333 Wh; loads of 20 W while working
    (700 s) take 3.889 Wh: the battery gives 0.5556 Wh.
    """
    state = BusState(stored_wh=5.0, capacity_wh=10.0, lowest_state_of_charge=0.5)
    first = BusState(
        stored_wh=5.0 + 30.0 * 400 / 3600 - 20.0 * 700 / 3600,
        capacity_wh=10.0,
        generated_wh=30.0 * 400 / 3600,
        demanded_wh=20.0 * 700 / 3600,
        used_wh=20.0 * 700 / 3600,
        lowest_state_of_charge=(5.0 + 10.0 * 400 / 3600 - 20.0 * 300 / 3600) / 10.0,
    )
    second = BusState(
        stored_wh=first.stored_wh + 10.0 * 1000 / 3600,
        capacity_wh=10.0,
        generated_wh=30.0 * 1000 / 3600,
        demanded_wh=20.0 * 1000 / 3600,
        used_wh=20.0 * 1000 / 3600,
        lowest_state_of_charge=first.stored_wh / 10.0,
    )
    at_night = state._replace(stored_wh=5.0 + 10.0 * 400 / 3600)
    made = 308_000
    after_first = DataCounts(
        produced=made,
        handed_over=300_000,
        delivered=236_000,
        lost=8_000,
        in_relays=60_000,
        in_flight=4_000,
        delivered_by_day={1: 236_000},
        lost_on_first_hop=8_000,
    )
    after_second = replace(
        after_first,
        delivered=300_000,
        in_relays=0,
        in_flight=0,
        delivered_by_day={1: 300_000},
    )
    whole = Piece("lander", "survey", 1, 1, 0.0, 400.0, 236_000)
    rest = Piece("lander", "survey", 1, 1, 700.0, 1000.0, 64_000)
    return RunLog(
        events=[
            _mode(400, "working", "dormant", "sun_elevation_deg"),
            _mode(700, "dormant", "working", "array_power_w"),
        ],
        flows={
            "lander": [
                Flow(0, state, 20.0, ""),
                Flow(400, at_night, 0.0, ""),
                Flow(700, at_night, 20.0, ""),
            ]
        },
        levels={
            "lander": [Level(0, 0)],
            "queqiao": [Level(0, 0), Level(500, 140_000), Level(1100, 0)],
        },
        deliveries=[
            Delivery(whole, "kashi", 500.2, 990.2, "relay_return"),
            Delivery(rest, "kashi", 1000.2, 1100.2, "relay_return"),
        ],
        uses=[
            ContactUse(RETURN, 0, 200, 1000, 100_000, 0, 10),
            ContactUse(RETURN, 200, 300, 500, 40_000, 0),
            ContactUse(RETURN, 700, 1000, 1000, 160_000, 8_000),
            ContactUse(DOWN, 500, 1000, 1000, 240_000, 0),
            ContactUse(DOWN, 1000, 1100, 1000, 60_000, 0),
        ],
        snapshots={
            "lander": [
                Snapshot(1000, 1, first, after_first),
                Snapshot(2000, 2, second, after_second),
            ]
        },
    )
