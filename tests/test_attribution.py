"""Waterfalls of a run that a reader can check with a pencil; sums in whole bits."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import DOWN, RETURN, small_environment, small_log

from sim.operations.runlog import ContactUse, RunLog
from sim.results.attribution import (
    CAUSES,
    Fall,
    link_account,
    summed,
    waterfall_table,
    waterfalls,
)
from sim.results.timeline import links_from, routes
from sim.scenario.loading import load_scenario

ENVIRONMENT = small_environment()
SCENARIOS = Path(__file__).parents[1] / "scenarios"


def _fall(log: RunLog, day: int, hop: int) -> Fall:
    found = waterfalls(ENVIRONMENT, log)
    return next(fall for fall in found if (fall.lunar_day, fall.hop) == (day, hop))


def _without_zeros(fall: Fall) -> dict[str, int]:
    return {name: bits for name, bits in fall.losses_bits.items() if bits}


def test_first_hop_of_the_first_lunar_day() -> None:
    fall = _fall(small_log(), 1, 1)
    assert fall.ideal_bits == 1000 * 1000
    assert _without_zeros(fall) == {
        "asleep": 300_000,  # dormant for 300 s
        "out_of_view": 99_000,  # 301 to 400 s; the view is rounded outward
        "rate_below_best": 50_000,  # 100 s at 500 bit/s
        "acquisition": 10_000,  # 10 s
        "rounding": 1_000,  # the second from 300 to 301 s, half of it in view
        # frames: 1250 for 100,000 bits, 500 for 40,000 bits, 2100 for 168,000 bits of data
        "framing": 25_000 + 10_000 + 42_000,
        "retransmission": 8_000,
        "nothing_to_send": (190_000 - 125_000) + (50_000 - 50_000) + (300_000 - 210_000),
    }
    assert fall.carried_bits == 100_000 + 40_000 + 160_000
    assert fall.largest_loss == "asleep"


def test_second_hop_counts_what_was_in_flight() -> None:
    first, second = _fall(small_log(), 1, 2), _fall(small_log(), 2, 2)
    assert _without_zeros(first) == {
        "station_not_allocated": 500_000,
        "framing": 60_000,  # 3000 frames for 240,000 bits
        "nothing_to_send": 200_000,
        "in_flight": 4_000,
    }
    assert first.carried_bits == 236_000
    assert _without_zeros(second) == {
        "framing": 15_000,
        "nothing_to_send": 25_000 + 900_000,  # idle frames, then 900 s off
        "in_flight": -4_000,
    }
    assert second.carried_bits == 64_000


def test_data_dropped_on_board_claim_the_idle_time() -> None:
    log = small_log()
    first, second = log.snapshots["lander"]
    books = replace(first.data, produced=358_000, dropped=50_000, dropped_on_board=50_000)
    lossy = replace(first, data=replace(books, crowded_out=50_000, crowded_out_on_board=50_000))
    log.snapshots["lander"] = [lossy, second]
    losses = _fall(log, 1, 1).losses_bits
    assert losses["recorder_full"] == 50_000
    assert losses["nothing_to_send"] == 155_000 - 50_000
    # what was thrown away or reduced on purpose found room before
    log.snapshots["lander"] = [replace(first, data=books), second]
    assert _fall(log, 1, 1).losses_bits["recorder_full"] == 0


def test_a_frame_that_never_fills_is_framing() -> None:
    """A ninth of one second at 500 bit/s are 55 bit of a frame of 100; there were data to send."""
    log = small_log()
    log.uses[2] = ContactUse(RETURN, 700, 701, 500, 0, 0, 0, 9)
    losses = _fall(log, 1, 1).losses_bits
    assert losses["framing"] == 25_000 + 10_000 + 55


def test_a_shared_terminal_is_busy_for_the_others_turns() -> None:
    log = small_log()
    log.uses[2] = ContactUse(RETURN, 700, 1000, 1000, 80_000, 0, 0, 3)
    losses = _fall(log, 1, 1).losses_bits
    assert losses["busy"] == 200_000
    assert losses["framing"] == 25_000 + 10_000 + 20_000


def test_table_begins_with_the_ideal_and_ends_with_what_was_carried() -> None:
    table = waterfall_table(waterfalls(ENVIRONMENT, small_log()))
    first = table.filter((table["lunar_day"] == 1) & (table["hop"] == 1))
    assert first["step"][0] == "ideal"
    assert first["step"][-1] == "handed_over"
    assert first["bits"][:-1].sum() == first["bits"][-1]
    assert first["position"].is_sorted()


def test_lunar_days_add_up() -> None:
    falls = waterfalls(ENVIRONMENT, small_log())
    total = summed(falls)
    assert len(total) == 2
    assert sum(fall.ideal_bits for fall in total) == sum(fall.ideal_bits for fall in falls)
    assert total[1].losses_bits["in_flight"] == 0


uses = st.lists(
    st.tuples(
        st.integers(0, 60),  # pause before
        st.integers(1, 60),  # length
        st.sampled_from([500, 1000]),
        st.floats(0.0, 1.0),  # share of the frames with data
        st.integers(0, 30),  # acquisition
        st.integers(1, 3),  # turns
    ),
    max_size=25,
)


@given(uses)
def test_steps_add_up_exactly_whatever_was_used(
    drawn: list[tuple[int, int, int, float, int, int]],
) -> None:
    log = small_log()
    rows, clock, moved = [], 0, 0
    for pause, length, rate, share, acquiring, turns in drawn:
        start = clock + pause
        clock = min(start + length, 1000)
        if start >= clock:
            break
        acquired = min(acquiring, clock - start)
        frames = int(rate * (clock - start - acquired) // turns // 100 * share)
        rows.append(ContactUse(RETURN, start, clock, rate, frames * 80, 0, acquired, turns))
        moved += frames * 80
    log.uses[:] = [*rows, *(use for use in log.uses if use.hop == DOWN)]
    fall = _fall(log, 1, 1)
    assert fall.ideal_bits - sum(fall.losses_bits.values()) == moved == fall.carried_bits
    assert all(bits >= 0 for bits in fall.losses_bits.values())


@pytest.mark.parametrize("mode", ["dead", "safe", "napping"])
def test_silent_modes_have_causes_of_their_own(mode: str) -> None:
    log = small_log()
    log.events[0] = log.events[0]._replace(after=mode)
    assert _fall(log, 1, 1).losses_bits[mode] == 300_000


def test_finer_cuts_change_no_sum() -> None:
    log, ends = small_log(), [0, 300, 651, 1000, 2000]
    coarse = link_account(ENVIRONMENT, log, "lander_return", ends)
    fine = link_account(ENVIRONMENT, log, "lander_return", sorted({*ends, *range(0, 2000, 37)}))
    for start_s, stop_s in itertools.combinations(ends, 2):
        for one, other in zip(
            coarse.between(start_s, stop_s), fine.between(start_s, stop_s), strict=True
        ):
            assert np.array_equal(one, other)
    spans = np.array([0, 651]), np.array([300, 2000])
    assert fine.largest(*spans) == coarse.largest(*spans)
    # 300 s of a contact: 65,000 + 0 bits stood idle, 100 s went at half the rate, 35,000 are frames
    assert coarse.largest(*spans)[0] == "nothing_to_send"


def test_every_cause_says_what_it_means() -> None:
    assert all(meaning and meaning[0].islower() for meaning in CAUSES.values())


def test_links_that_carry_commands_are_no_hops_of_the_data() -> None:
    """Chang'e-4's lander and rover send over two hops; three links lead the other way."""
    environment: Any = SimpleNamespace(
        scenario=load_scenario(SCENARIOS / "change4.yaml"),
        hops=[
            SimpleNamespace(link=link, source=source, destination=destination)
            for link, source, destination in (
                ("lander_return", "lander", "queqiao"),
                ("rover_return", "rover", "queqiao"),
                ("relay_return", "queqiao", "kashi"),
                ("jiamusi_command", "jiamusi", "queqiao"),
                ("lander_command", "queqiao", "lander"),
            )
        ],
    )
    assert routes(environment, "lander") == [(1, "lander_return"), (2, "relay_return")]
    assert routes(environment, "rover") == [(1, "rover_return"), (2, "relay_return")]
    assert links_from(environment, "queqiao") == ["relay_return", "lander_command"]
