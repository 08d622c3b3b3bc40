"""More never delivers less with a first-in-first-out plan: rates, contacts, recorders, power.

One lander, one relay and one station on random contact plans; every run's books close in whole
bits. All pairs are compared at the same production.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_cases import HOURS, always, data_of, once, planned

from sim.environment import Contact, Environment, Hop
from sim.operations import operate
from sim.scenario.variants import variant

DURATION_S = HOURS * 3600
SLACK_BITS = 3 * 8840
"""Whole frames: a longer or faster contact may end within another frame, on each of two hops."""

Spans = list[tuple[int, int, int]]


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    """Start, stop and bytes per second of contacts that do not overlap."""
    edges = draw(
        st.lists(st.integers(0, DURATION_S), min_size=2, max_size=12, unique=True).map(sorted)
    )
    pairs = list(pairwise(edges))[::2]
    return [(a, b, draw(st.integers(500, 100_000))) for a, b in pairs]


def _lines(spans: Spans, ends: str) -> list[str]:
    return [f"a contact +{a} +{b} {ends} {rate}" for a, b, rate in spans]


@st.composite
def runs(draw: st.DrawFn, relays_gb: Sequence[float] = (0.001, 0.05, 64)) -> Environment:
    """A small mission: contacts of both hops, production once or always, room on board."""
    rate = draw(st.integers(1_000, 400_000))
    plan = draw(st.sampled_from([always(rate), once(rate, draw(st.integers(1, 90_000)))]))
    room = draw(st.sampled_from([0.001, 0.05, 1, 32]))
    relay = draw(st.sampled_from(relays_gb))
    return planned(
        [*_lines(draw(spans()), "1 2"), *_lines(draw(spans()), "2 3")],
        plan,
        f"vehicles.lander.recorder.capacity_gb={room}",
        f"relays.queqiao.recorder.capacity_gb={relay}",
    )


def _delivered(environment: Environment) -> int:
    """Bits on Earth at the end of the run, once the books are found closed."""
    log = operate(environment)
    data = log.snapshots["lander"][-1].data
    kept = data.on_board + data.in_relays + data.in_flight
    assert data.produced == kept + data.delivered + data.dropped + data.lost
    assert data.handed_over >= data.delivered
    assert data.delivered == sum(delivery.piece.bits for delivery in log.deliveries)
    return data.delivered


def _with_hops(environment: Environment, change: Callable[[Contact], Contact]) -> Environment:
    def changed(hop: Hop) -> Hop:
        contacts = tuple(change(contact) for contact in hop.contacts)
        rates = {rate for c in contacts for steps in c.steps.values() for _, rate in steps}
        frame = next(iter(hop.frames.values()))
        return replace(hop, contacts=contacts, frames=dict.fromkeys(rates, frame))

    return replace(environment, hops=tuple(changed(hop) for hop in environment.hops))


def _edited(environment: Environment, edit: Callable[[dict[str, Any]], None]) -> Environment:
    return replace(environment, scenario=variant(environment.scenario, edit))


_settings = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def _faster(environment: Environment, factor: int, source: str = "") -> Environment:
    """Every contact of a sender, or of all, at a multiple of its rate."""

    def faster(contact: Contact) -> Contact:
        steps = {
            key: tuple((at_s, rate * factor) for at_s, rate in rows)
            for key, rows in contact.steps.items()
        }
        return replace(contact, steps=steps)

    quick = _with_hops(environment, faster).hops
    hops = tuple(
        new if source in ("", old.source) else old
        for new, old in zip(quick, environment.hops, strict=True)
    )
    return replace(environment, hops=hops)


@_settings
@given(runs(relays_gb=[64]), st.integers(2, 5))
def test_higher_rates_never_deliver_less(environment: Environment, factor: int) -> None:
    """Where the relay has room: a faster first hop can flood a small one, and docs say so."""
    assert _delivered(_faster(environment, factor)) >= _delivered(environment) - SLACK_BITS


@_settings
@given(runs(), st.integers(2, 5))
def test_a_faster_downlink_never_delivers_less(environment: Environment, factor: int) -> None:
    quick = _faster(environment, factor, "queqiao")
    assert _delivered(quick) >= _delivered(environment) - SLACK_BITS


def test_a_faster_first_hop_can_flood_a_small_relay() -> None:
    """300 s at 8 Mb/s hold 2.4 Gb for a relay of 0.4 Gb: it refuses what a slow hop leaves on board."""
    slow = planned(
        [
            "a contact +0 +300 1 2 50000",
            "a contact +10000 +20000 1 2 50000",
            "a contact +10000 +20000 2 3 50000",
        ],
        once(400_000, 1_000),
        "relays.queqiao.recorder.capacity_gb=0.01",
    )
    assert _delivered(_faster(slow, 20, "lander")) < _delivered(slow) - SLACK_BITS


@_settings
@given(runs(), st.integers(1, 5000))
def test_longer_contacts_never_deliver_less(environment: Environment, more_s: int) -> None:
    before = _delivered(environment)

    def longer(hop: Hop) -> Hop:
        nexts = [c.start_s for c in hop.contacts[1:]] + [DURATION_S]
        contacts = tuple(
            replace(c, stop_s=min(c.stop_s + more_s, limit))
            for c, limit in zip(hop.contacts, nexts, strict=True)
        )
        return replace(hop, contacts=contacts)

    hops = tuple(longer(hop) for hop in environment.hops)
    assert _delivered(replace(environment, hops=hops)) >= before - SLACK_BITS


@_settings
@given(runs(), st.sampled_from(["vehicles.lander", "relays.queqiao"]), st.floats(0.001, 10.0))
def test_a_larger_recorder_never_delivers_less(
    environment: Environment, asset: str, more_gb: float
) -> None:
    group, name = asset.split(".")

    def larger(data: dict[str, Any]) -> None:
        data[group][name]["recorder"]["capacity_gb"] += more_gb

    assert _delivered(_edited(environment, larger)) >= _delivered(environment) - SLACK_BITS


def _hungry(environment: Environment, capacity_wh: float, isotope_w: float) -> Environment:
    """A lander that needs 1.5 kW, twice what its array gives, and sleeps for good when it is low."""

    def edit(data: dict[str, Any]) -> None:
        lander = data["vehicles"]["lander"]
        lander["battery"]["capacity_wh"] = capacity_wh
        lander["modes"]["working"]["load_w"] = 1500.0
        lander["isotopes"] = {"source": {"electric_w": isotope_w}}
        lander["transitions"] = [
            {"from": "working", "to": "dormant", "when": {"state_of_charge": {"below": 0.2}}},
            {"from": "dormant", "to": "working", "when": {"time_in_mode_s": {"above": 1e7}}},
        ]

    return _edited(environment, edit)


@_settings
@given(runs(), st.integers(20, 20_000), st.integers(20, 20_000), st.floats(0.0, 900.0))
def test_more_energy_never_delivers_less(
    environment: Environment, capacity_wh: int, more_wh: int, more_w: float
) -> None:
    least = _delivered(_hungry(environment, capacity_wh, 1.0))
    stored = _delivered(_hungry(environment, capacity_wh + more_wh, 1.0))
    made = _delivered(_hungry(environment, capacity_wh, 1.0 + more_w))
    assert min(stored, made) >= least - SLACK_BITS


def test_energy_decides_where_it_is_short() -> None:
    environment = planned(
        ["a contact +0 +172800 1 2 1000", "a contact +0 +172800 2 3 125000"], always(8_000)
    )
    least, stored, made = (
        _delivered(_hungry(environment, *power)) for power in ((500, 1), (5000, 1), (500, 500))
    )
    assert least < 0.2 * stored < stored
    assert least < 0.5 * made


@_settings
@given(runs())
def test_more_data_never_delivers_less(environment: Environment) -> None:
    def more(data: dict[str, Any]) -> None:
        data["vehicles"]["lander"]["activities"]["survey"]["data_rate_bps"] *= 2

    assert _delivered(_edited(environment, more)) >= _delivered(environment) - SLACK_BITS


def test_a_priority_can_make_more_into_less() -> None:
    # A contact of 1000 s carries 8 Mb. Until its start, 2 Mb of `late` lie on board beside 8 Mb of
    # `survey`. With survey first, 8 Mb of survey go and nothing of late; the total is the same,
    # but more of the one is less of the other: totals are monotone, products are not.
    environment = planned(
        ["a contact +1000 +2000 1 2 1000", "a contact +3000 +3100 2 3 125000"], once(80_000)
    )

    def late(data: dict[str, Any]) -> None:
        data["vehicles"]["lander"]["activities"]["late"] = {
            "modes": ["working"],
            "duration_s": 100,
            "data_rate_bps": 20_000,
            "priority": 1,
        }

    both = _edited(environment, late)
    by_product: dict[str, int] = {}
    for delivery in operate(both).deliveries:
        by_product[delivery.piece.product] = (
            by_product.get(delivery.piece.product, 0) + delivery.piece.bits
        )
    assert by_product == {"late": 2_000_000, "survey": 896 * 8840 - 2_000_000}
    assert data_of(both).delivered == data_of(environment).delivered
