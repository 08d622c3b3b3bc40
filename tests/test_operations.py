"""Runs that a pencil can follow, and books that close whatever happens."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.environment import Contact, Environment
from sim.errors import SimError
from sim.operations import RunLog, operate
from sim.scenario.loading import load_scenario
from sim.track import Track
from tests.small_runs import SCENARIO, small_environment

Window = tuple[int, int]


def world(
    overrides: Sequence[str] = (),
    up: Sequence[Window] = ((100, 400), (1200, 1400)),
    down: Sequence[Window] = ((300, 500), (1500, 1600)),
    rate_bps: int = 1000,
) -> Environment:
    """Two lunar days of 1000 s with these contacts; frames of 100 bits carry 80 of user data."""
    environment = small_environment()
    scenario = load_scenario(
        SCENARIO, ["vehicles.lander.activities.survey.data_rate_bps=800", *overrides]
    )
    hops = tuple(
        replace(
            hop,
            contacts=tuple(
                Contact(a, b, float(a), float(b), {"": ((a, rate_bps),)}) for a, b in windows
            ),
        )
        for hop, windows in zip(environment.hops, (up, down), strict=True)
    )
    return replace(environment, scenario=scenario, hops=hops)


def test_two_contacts_by_hand() -> None:
    """Made: 800 bit/s for 2000 s. Sent by the lander: 10 frames of 80 bit a second in its contacts,
    300 s and 200 s, so 240,000 + 160,000. Sent by the relay: 200 s and 100 s of 800 bit/s, so
    160,000 + 80,000; it holds the rest."""
    log = operate(world())
    first, second = log.snapshots["lander"]
    assert second.data.produced == 800 * 2000
    assert second.data.handed_over == 240_000 + 160_000
    assert second.data.on_board == 1_600_000 - 400_000
    assert second.data.delivered == 160_000 + 80_000
    assert second.data.in_relays == 400_000 - 240_000
    assert second.data.in_flight == second.data.dropped == second.data.lost == 0
    # until 1000 s: 800,000 made, 240,000 sent, 160,000 of them on Earth
    assert (first.data.produced, first.data.handed_over, first.data.delivered) == (
        800_000,
        240_000,
        160_000,
    )
    # the oldest first: what the station got was all made in the first lunar day
    assert dict(second.data.delivered_by_day) == {1: 240_000}


def test_first_bit_arrives_one_light_time_after_the_relay_sends_it() -> None:
    log = operate(world())
    assert log.deliveries[0].piece.made_start_s == 0.0
    # 0.2 s from the relay to the Earth; the relay's contact opens at 300 s
    assert log.deliveries[0].arrived_start_s == pytest.approx(300.2, abs=1e-9)
    assert log.deliveries[-1].arrived_stop_s == pytest.approx(1600.2, abs=1e-9)


def test_products_made_at_once_share_the_link_and_do_not_wait_for_each_other() -> None:
    """Two products of 400 bit/s on a link of 800 bit/s, nothing else happening for 2000 s: all but
    the last 0.2 s of both, 160 bit, has reached the relay, and the Earth 0.2 s later still."""
    two = (
        "vehicles.lander.activities={a: {modes: [working], repeat: always, data_rate_bps: 400}, "
        "b: {modes: [working], repeat: always, data_rate_bps: 400}}"
    )
    data = operate(world([two], up=[(0, 2000)], down=[(0, 2000)])).snapshots["lander"][-1].data
    assert data.handed_over == 1_600_000
    assert data.in_flight + data.in_relays == pytest.approx(160, abs=80 * 4)


def test_frame_that_needs_exactly_the_window_fits() -> None:
    """A contact of one second carries ten frames; 800 bit fill them exactly."""
    log = operate(world(up=[(50, 51)], down=[(60, 61)]))
    assert log.snapshots["lander"][-1].data.delivered == 800


def test_full_recorder_refuses_new_data() -> None:
    """A recorder of 100,000 bit is full after 125 s without contact and stays so."""
    log = operate(world(["vehicles.lander.recorder.capacity_gb=0.0000125"], up=[], down=[]))
    data = log.snapshots["lander"][-1].data
    assert (data.on_board, data.dropped_on_board) == (100_000, 1_500_000)


def lossy(environment: Environment, number: int, share: float) -> Environment:
    """The same with a share of the frames lost on one hop."""
    hops = list(environment.hops)
    contacts = tuple(replace(c, losses={"": (share,)}) for c in hops[number].contacts)
    hops[number] = replace(hops[number], contacts=contacts)
    return replace(environment, hops=tuple(hops))


def test_link_without_retransmission_loses_and_with_it_repeats() -> None:
    whole = world(up=[(0, 2000)], down=[(0, 2000)])
    lost = operate(lossy(whole, 0, 0.25)).snapshots["lander"][-1].data
    assert lost.lost == lost.produced // 4
    again = world(
        [
            "vehicles.lander.activities.survey.data_rate_bps=400",
            "links.lander_return.retransmit=true",
        ],
        up=[(0, 2000)],
        down=[(0, 2000)],
    )
    repeated = operate(lossy(again, 0, 0.25)).snapshots["lander"][-1].data
    assert repeated.lost == 0
    assert repeated.delivered >= repeated.produced - 2 * 400  # all but the last seconds


def test_losses_fall_on_all_products_alike() -> None:
    """A quarter of the frames, and of each of two products made at once, important or not."""
    two = (
        "vehicles.lander.activities={a: {modes: [working], repeat: always, data_rate_bps: 200}, "
        "b: {modes: [working], repeat: always, data_rate_bps: 600, priority: 9}}"
    )
    log = operate(lossy(world([two], up=[(0, 1000)], down=[(1000, 2000)]), 0, 0.25))
    made_bits = {"a": 200_000, "b": 600_000}
    for product, bits in made_bits.items():
        came = sum(d.piece.bits for d in log.deliveries if d.piece.product == product)
        assert came == pytest.approx(0.75 * bits, abs=80)


def test_repeated_frame_comes_a_round_trip_later() -> None:
    """The relay holds 80,000 bit, 1000 frames, and a quarter of what it sends is lost: the Earth
    has 750 frames 0.2 s after they were sent and 250 after three times 0.2 s."""
    once = (
        "vehicles.lander.activities.survey={modes: [working], duration_s: 100, data_rate_bps: 800}"
    )
    runs = world([once, "links.relay_return.retransmit=true"], up=[(0, 100)], down=[(200, 400)])
    log = operate(lossy(runs, 1, 0.25))
    first, late = log.deliveries
    assert (first.arrived_start_s, late.arrived_start_s) == pytest.approx((200.2, 200.6))
    assert (first.piece.bits, late.piece.bits) == pytest.approx((60_000, 20_000), abs=80)
    # 1333 frames of 100 bit at 1000 bit/s
    assert late.arrived_stop_s == pytest.approx(200.6 + 133.3, abs=0.2)


@pytest.mark.parametrize(("retransmit", "dropped_bits"), [("true", 20_000), ("false", 0)])
def test_sender_keeps_what_is_not_acknowledged(retransmit: str, dropped_bits: int) -> None:
    """A recorder of 100,000 bit and light times of 100 s. 120,000 bit are made until 150 s, 40,000
    are sent from 100 s to 150 s. A sender that keeps copies of these has room for 20,000 of the
    40,000 that are made meanwhile; one that does not has room for all."""
    runs = world(
        [
            "vehicles.lander.activities.survey={modes: [working], duration_s: 150, data_rate_bps: 800}",
            "vehicles.lander.recorder.capacity_gb=0.0000125",
            f"links.lander_return.retransmit={retransmit}",
        ],
        up=[(100, 150), (400, 1000)],
        down=[(0, 2000)],
    )
    far = Track.constant(100.0, 0.0, 2000.0)
    hops = tuple(replace(hop, light_time_s=far) for hop in runs.hops)
    data = operate(replace(runs, hops=hops)).snapshots["lander"][-1].data
    assert data.dropped_on_board == dropped_bits
    assert data.delivered == 120_000 - dropped_bits


def test_important_data_made_during_a_contact_go_before_a_backlog() -> None:
    """80,000 bit of low priority wait when a contact of 50 s, 40,000 bit, opens; 400 bit/s of high
    priority are made from then on: 20,000 of them go, and 20,000 of the others."""
    two = (
        "vehicles.lander.activities={"
        "low: {modes: [working], duration_s: 100, data_rate_bps: 800, priority: 9}, "
        "high: {modes: [working], repeat: always, data_rate_bps: 400, priority: 1, "
        "when: {contact: lander_return}}}"
    )
    log = operate(world([two], up=[(100, 150)], down=[(1000, 2000)]))
    came = {d.piece.product: 0 for d in log.deliveries}
    for delivery in log.deliveries:
        came[delivery.piece.product] += delivery.piece.bits
    assert came == {"high": 20_000, "low": 20_000}


def test_wake_is_found_to_the_second_and_said() -> None:
    """30 W until 400 s, none until 1000 s, 30 W after: asleep below 10 W, awake above."""
    log = operate(
        world(
            [
                "vehicles.lander.transitions=["
                "{from: working, to: dormant, when: {array_power_w: {below: 10}}}, "
                "{from: dormant, to: working, when: {array_power_w: {above: 10, hold_s: 60}}}]"
            ]
        )
    )
    modes = [(e.t_s, e.after, e.cause) for e in log.events if e.event == "mode"]
    assert modes == [(400, "dormant", "array_power_w"), (1060, "working", "array_power_w")]


def test_circle_that_only_the_run_can_see_is_one_clear_error() -> None:
    cycle = (
        "vehicles.lander.transitions=["
        "{from: working, to: dormant, when: {contact: lander_return}}, "
        "{from: dormant, to: working, when: {state_of_charge: {above: 0}}}]"
    )
    with pytest.raises(
        SimError, match=r"lander changes its mode for ever at .*from .* to .*exclude"
    ):
        operate(world([cycle]))


def test_state_of_charge_is_watched_to_the_second() -> None:
    """10 Wh with 5 Wh in it; 60 W of load on 30 W of array takes 30 W out: 2.5 Wh are left after
    300 s, which is a charge of 0.25. Asleep it gains 0.833 Wh until 400 s and, from 1000 s on, the
    5.667 Wh that are missing to 9 Wh in 680 s."""
    log = operate(
        world(
            [
                "vehicles.lander.battery={capacity_wh: 10, initial_state_of_charge: 0.5}",
                "vehicles.lander.modes={working: {load_w: 60}, dormant: {load_w: 0}}",
                "vehicles.lander.activities.survey.load_w=0",
                "vehicles.lander.transitions=["
                "{from: working, to: dormant, when: {state_of_charge: {below: 0.25}}}, "
                "{from: dormant, to: working, when: {state_of_charge: {above: 0.9}}}]",
            ]
        )
    )
    modes = [(e.t_s, e.after) for e in log.events if e.event == "mode"]
    assert modes == [(300, "dormant"), (1680, "working")]


def test_activity_that_is_cut_drops_its_data_where_it_says_so() -> None:
    cut = (
        "vehicles.lander.activities={shot: {modes: [working], repeat: once, duration_s: 600, "
        "data_rate_bps: 100, when_cut: discard, when: {array_power_w: {above: 10}}}}"
    )
    log = operate(world([cut], up=[], down=[]))
    data = log.snapshots["lander"][-1].data
    assert (data.produced, data.dropped_on_board, data.on_board) == (40_000, 40_000, 0)


def test_sequence_must_come_over_the_forward_link_first() -> None:
    """400 bit at 100 bit/s, the slower of the two links, take 4 s from the opening at 100 s, and
    twice 0.2 s of light: 105 s. Two uplinks to the relay are alternatives, of which one is open."""
    commanded = [
        "vehicles.lander.terminals.x_band.receiver={noise_temperature_k: 500}",
        "relays.queqiao.terminals.x_dish.transmitter={power_w: 5}",
        "links.forward={from: queqiao.x_dish, to: [lander.x_band], frequency_hz: 8.45e9, "
        "coding: conv_7_1_2_rs_255_223_i5, rates_bps: [100]}",
        "relays.queqiao.terminals.s_command={antenna: {kind: gain, peak_gain_dbi: 0}, "
        "receiver: {noise_temperature_k: 800}}",
        "links.uplink={from: kashi.s_band, to: [queqiao.s_command], frequency_hz: 2.05e9, "
        "coding: conv_7_1_2_rs_255_223_i5, rates_bps: [1000]}",
        "vehicles.lander.commanded_by=[uplink, forward]",
        "vehicles.lander.activities={turn: {modes: [working], repeat: once, duration_s: 10, "
        "command_bit: 400}}",
    ]
    environment = world(commanded)
    up = environment.hops[0]
    forward = replace(
        up,
        link="forward",
        source="queqiao",
        source_terminal="x_dish",
        destination="lander",
        destination_terminal="x_band",
        uses=(),
        contacts=(Contact(100, 900, 100.0, 900.0, {"": ((100, 100),)}),),
        frames={100: next(iter(up.frames.values()))},
    )
    uplink = replace(
        forward,
        link="uplink",
        source="kashi",
        destination="queqiao",
        contacts=(Contact(0, 900, 0.0, 900.0, {"": ((0, 1000),)}),),
    )
    silent = replace(uplink, source_terminal="other", contacts=())
    log = operate(replace(environment, hops=(*environment.hops, forward, silent, uplink)))
    starts = [e.t_s for e in log.events if e.event == "activity" and e.after == "running"]
    assert starts == [105]


def closes(log: RunLog) -> None:
    """The books of the contract, to the bit."""
    for snapshot in log.snapshots["lander"]:
        data = snapshot.data
        assert data.produced == (
            data.on_board + data.handed_over + data.dropped_on_board + data.lost_on_first_hop
        )
        assert data.produced == (
            data.on_board
            + data.in_relays
            + data.in_flight
            + data.delivered
            + data.dropped
            + data.lost
        )
        energy = snapshot.bus
        assert energy.demanded_wh == pytest.approx(energy.used_wh + energy.unmet_wh, rel=1e-9)


windows = st.lists(st.integers(0, 1990), min_size=0, max_size=8, unique=True).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@settings(max_examples=60, deadline=None)
@given(
    up=windows,
    down=windows,
    rate_bps=st.integers(1, 5000),
    made_bps=st.integers(0, 5000),
    capacity_bits=st.integers(8, 2_000_000),
    overflow=st.sampled_from(["refuse", "drop_oldest", "drop_lowest_priority"]),
    loss=st.floats(0.0, 1.0),
    retransmit=st.booleans(),
)
def test_books_close_to_the_bit(
    up: list[Window],
    down: list[Window],
    rate_bps: int,
    made_bps: int,
    capacity_bits: int,
    overflow: str,
    loss: float,
    retransmit: bool,
) -> None:
    environment = world(
        [
            f"vehicles.lander.activities.survey.data_rate_bps={made_bps}",
            f"vehicles.lander.recorder={{capacity_gb: {capacity_bits / 8e9!r}, overflow: {overflow}}}",
            f"links.lander_return.retransmit={str(retransmit).lower()}",
        ],
        up,
        down,
        rate_bps,
    )
    frame = next(iter(environment.hops[0].frames.values()))
    hops = tuple(
        replace(
            hop,
            frames={rate_bps: frame},
            contacts=tuple(replace(c, losses={"": (loss,)}) for c in hop.contacts),
        )
        for hop in environment.hops
    )
    closes(operate(replace(environment, hops=hops)))


def test_activity_that_never_ran_says_why() -> None:
    never = (
        "vehicles.lander.activities={noon: {modes: [working], repeat: once, duration_s: 60, "
        "when: {sun_elevation_deg: {above: 80}}}, late: {modes: [working], repeat: once, "
        "duration_s: 60, start_when: {done: noon}}}"
    )
    events = operate(world([never])).events
    said = {e.subject: e.cause for e in events if e.after == "never ran"}
    assert said == {
        "noon": "sun_elevation_deg never held",
        "late": "its conditions never held together",
    }


@pytest.mark.parametrize(
    ("overflow", "made_s"), [("refuse", (0.0, 500.0)), ("drop_oldest", (500.0, 1000.0))]
)
def test_full_recorder_keeps_the_oldest_or_the_newest(
    overflow: str, made_s: tuple[float, float]
) -> None:
    """400,000 bit of the 800,000 made in 1000 s find room; nothing happens meanwhile."""
    log = operate(
        world(
            [
                "vehicles.lander.recorder={capacity_gb: 0.00005, overflow: " + overflow + "}",
                "vehicles.lander.activities.survey="
                "{modes: [working], duration_s: 1000, data_rate_bps: 800}",
            ],
            up=[(1000, 1600)],
            down=[(1000, 2000)],
        )
    )
    pieces = [delivery.piece for delivery in log.deliveries]
    assert min(piece.made_start_s for piece in pieces) == pytest.approx(made_s[0])
    assert max(piece.made_stop_s for piece in pieces) == pytest.approx(made_s[1])
    assert sum(piece.bits for piece in pieces) == 400_000


def test_what_is_made_now_goes_at_once_when_the_backlog_is_through() -> None:
    """400 bit/s from 0 s on a link of 800 bit/s that opens at 100 s: 40,000 bit take 50 s, what is
    made meanwhile another 50 s, and from 200 s on data are two light times of 0.2 s old."""
    log = operate(
        world(
            ["vehicles.lander.activities.survey.data_rate_bps=400"],
            up=[(100, 1000)],
            down=[(0, 2000)],
        )
    )
    waited, fresh = log.deliveries[:2]
    assert (waited.piece.made_start_s, waited.piece.made_stop_s) == pytest.approx((0.0, 200.0))
    assert (waited.arrived_start_s, waited.arrived_stop_s) == pytest.approx((100.4, 200.4))
    assert fresh.arrived_start_s - fresh.piece.made_start_s == pytest.approx(0.4)
    assert fresh.arrived_stop_s - fresh.piece.made_stop_s == pytest.approx(0.4)
