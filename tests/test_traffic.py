"""Terminals in common: beams, channels, turns, half duplex, slewing, acquisition and set-up."""

import itertools
from functools import cache
from math import ceil
from pathlib import Path

import numpy as np
import pytest

from sim.environment import Contact, Environment, Hop, compute_environment
from sim.intervals import Intervals
from sim.operations.engine import operate
from sim.operations.runlog import ContactUse, RunLog
from sim.operations.sharing import Terminals
from sim.scenario.loading import load_scenario

FOLDER = Path(__file__).parent / "scenarios"
DISH = "relays.relay.terminals.dish.sharing"
FIRST, SECOND = "first_return:relay.dish", "second_return:relay.dish"


@cache
def _run(name: str, *overrides: str) -> tuple[Environment, RunLog]:
    environment = compute_environment(load_scenario(FOLDER / f"{name}.yaml", overrides))
    return environment, operate(environment)


def _uses(log: RunLog, hop: str) -> list[ContactUse]:
    return [use for use in log.uses if use.hop.startswith(hop)]


def _busy(log: RunLog, hop: str) -> Intervals:
    return Intervals.of((float(use.start_s), float(use.stop_s)) for use in _uses(log, hop))


def _hop(environment: Environment, name: str) -> Hop:
    return next(hop for hop in environment.hops if hop.name == name)


def test_a_dish_does_not_point_at_two_sites_at_once() -> None:
    environment, log = _run("shared_relay")
    first, second = _busy(log, FIRST), _busy(log, SECOND)
    assert first.total_s > 0 and second.total_s > 0
    assert (first & second).total_s == 0.0
    both_open = Intervals.of((c.start_s, c.stop_s) for c in _hop(environment, FIRST).contacts)
    both_open = both_open & Intervals.of(
        (c.start_s, c.stop_s) for c in _hop(environment, SECOND).contacts
    )
    waited = Intervals.of((float(wait.start_s), float(wait.stop_s)) for wait in log.waits)
    assert waited.total_s == both_open.total_s > 10_000


def test_two_beams_serve_both() -> None:
    _, log = _run("shared_relay", f"{DISH}.beams=2")
    assert (_busy(log, FIRST) & _busy(log, SECOND)).total_s > 10_000
    assert not log.waits


def test_users_at_one_place_share_a_beam() -> None:
    _, log = _run("shared_relay", "vehicles.second.place=north")
    assert _busy(log, FIRST) == _busy(log, SECOND)
    assert not log.waits


def test_users_beyond_the_channels_wait() -> None:
    _, log = _run("shared_relay", "vehicles.second.place=north", f"{DISH}.channels=1")
    assert not _uses(log, SECOND)
    assert _busy(log, FIRST).total_s > 10_000
    assert {wait.link for wait in log.waits} == {"second_return"}


def test_one_who_sends_keeps_the_dish_until_its_contact_ends() -> None:
    environment, log = _run("shared_relay")
    assert log.waits
    for wait in log.waits:
        held, wanted = (FIRST, SECOND) if wait.link == "second_return" else (SECOND, FIRST)
        ends = [
            contact.stop_s
            for name in (held, wanted)
            for contact in _hop(environment, name).contacts
            if contact.start_s <= wait.start_s < contact.stop_s
        ]
        assert len(ends) == 2
        assert wait.stop_s == min(ends)


FLOODED = tuple(
    f"vehicles.{name}.activities.survey.data_rate_bps=1000000" for name in ("first", "second")
)


def test_time_division_halves_what_each_of_two_can_send() -> None:
    environment, log = _run("shared_relay", f"{DISH}={{access: time}}", *FLOODED)
    together = [use for use in _uses(log, FIRST) if use.turns == 2]
    alone = [use for use in _uses(log, FIRST) if use.turns == 1]
    assert together and alone
    frame = _hop(environment, FIRST).frames[200_000]
    for uses in (together, alone):
        for use in uses:
            open_s = use.stop_s - use.start_s - use.acquiring_s
            frames = use.rate_bps * open_s / use.turns / frame.bits
            sent = (use.moved_bits + use.lost_bits) / frame.data_bits
            assert sent == pytest.approx(frames, abs=1.0)


def test_half_duplex_shares_with_what_goes_out() -> None:
    over_one_dish = (
        "links.down.from=relay.dish",
        "links.down.to=[kashi.x_band, neuquen.x_band]",
        "links.down.frequency_hz=8.4e9",
        *FLOODED,
    )
    _, full = _run("shared_relay", f"{DISH}={{channels: 1, beams: 2}}", *over_one_dish)
    _, half = _run(
        "shared_relay", f"{DISH}={{channels: 1, beams: 2, duplex: half}}", *over_one_dish
    )
    assert {use.turns for use in full.uses} == {1}
    both = _busy(half, FIRST) & _busy(half, "down:")
    assert both.total_s > 10_000
    for use in half.uses:
        middle = np.array([0.5 * (use.start_s + use.stop_s)])
        hearing = (_busy(half, FIRST) | _busy(half, SECOND)).contains(middle)[0]
        sending = _busy(half, "down:").contains(middle)[0]
        assert use.turns == (2 if hearing and sending else 1)


def test_acquisition_begins_anew_with_each_contact_and_each_rate() -> None:
    environment, log = _run("bent_pipe")
    changes = 0
    for hop in environment.hops:
        for contact in hop.contacts:
            uses = [use for use in _uses(log, hop.name) if use.start_s in _span(contact)]
            for before, after in itertools.pairwise(uses):
                if before.rate_bps != after.rate_bps:
                    assert after.acquiring_s == 30
                    changes += 1
            assert not uses or uses[0].acquiring_s == 30
    assert changes >= 2


def _span(contact: Contact) -> range:
    return range(contact.start_s, contact.stop_s)


def test_a_station_sets_up_once_its_contact_has_begun() -> None:
    environment, log = _run("shared_relay")
    firsts = 0
    for hop in environment.hops_of("down"):
        for contact in hop.contacts:
            uses = [use for use in _uses(log, hop.name) if use.start_s in _span(contact)]
            if uses:
                ready_s = uses[0].start_s + uses[0].acquiring_s
                assert ready_s == max(uses[0].start_s, contact.start_s + 600) + 20
                firsts += 1
    assert firsts >= 2


def test_a_gimbal_turns_before_it_hears_another_site() -> None:
    environment, _ = _run("shared_relay")
    first, second = _hop(environment, FIRST), _hop(environment, SECOND)
    contact = next(
        c for c in second.contacts if any(o.start_s < c.start_s < o.stop_s for o in first.contacts)
    )
    before = next(o for o in first.contacts if o.start_s < contact.start_s < o.stop_s)
    now = contact.start_s
    terminals = Terminals(environment)
    assert terminals.pointed_s(second, contact, now) == now
    terminals.release([(first, before, now)])
    turns = []
    for use in (first.uses[1], second.uses[1]):
        east, north, up = use.other_end_km(np.array([float(now)]))[:, 0]
        turns.append(
            (
                np.degrees(np.arctan2(east, north)),
                np.degrees(np.arcsin(up / np.linalg.norm([east, north, up]))),
            )
        )
    azimuth = abs(turns[1][0] - turns[0][0])
    turn_deg = max(min(azimuth, 360.0 - azimuth), abs(turns[1][1] - turns[0][1]))
    assert terminals.pointed_s(second, contact, now) - now == ceil(turn_deg / 0.1)
    assert terminals.pointed_s(second, contact, now + 10_000) == now + 10_000


@pytest.mark.parametrize(
    "overrides",
    [(), (f"{DISH}.beams=2",), (f"{DISH}={{access: time}}", *FLOODED)],
    ids=["one beam", "two beams", "in turn"],
)
def test_books_close_however_terminals_are_shared(overrides: tuple[str, ...]) -> None:
    _, log = _run("shared_relay", *overrides)
    for name in ("first", "second"):
        data = log.snapshots[name][-1].data
        assert data.produced == (
            data.on_board
            + data.in_relays
            + data.in_flight
            + data.delivered
            + data.dropped
            + data.lost
        )
