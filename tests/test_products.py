"""What came late, what is overdue and what is complete, worked out by hand from the pencil run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import DURATION_S, SCENARIO, small_environment, small_log

from sim.environment import Environment
from sim.operations import operate
from sim.operations.runlog import Delivery, RunLog, Waiting
from sim.physics.recorder import Piece
from sim.results import Results
from sim.results.arrivals import arrivals, waiting
from sim.results.products import complete_until_s, products
from sim.scenario.loading import load_scenario
from tests.test_operations import world

GB_BITS = 8e9
SURVEY = "vehicles.lander.activities.survey"


def _with_deadline(hours: float) -> Environment:
    scenario = load_scenario(SCENARIO, [f"{SURVEY}.deadline_h={hours}"])
    return replace(small_environment(), scenario=scenario)


def _piece(
    made: tuple[float, float], bits: int, product: str = "survey", priority: int = 1
) -> Piece:
    return Piece("lander", product, 1, priority, *made, bits)


def _survey(environment: Environment, log: RunLog) -> dict[str, Any]:
    """What became of the lander's survey, before rounding."""
    parts = arrivals(environment, log), waiting(environment, log)
    return products(environment, "lander", *parts)["survey"]


def _facts(environment: Environment, log: RunLog) -> Any:
    """What the summary says of the lander."""
    return Results(environment.scenario, environment, log).summary["vehicles"]["lander"]


# 0.15 h are 540 s. The first piece is 500.2 s old when it begins to arrive and 590.2 s when it ends:
# the last 50.2 of these 90 s are late. The second is 300.2 s old and then ever younger: in time.
LATE_BITS = 236_000 * 50.2 / 90.0


def test_the_late_part_of_a_delivery_is_exact() -> None:
    survey = _survey(_with_deadline(0.15), small_log())
    assert survey["deadline_h"] == 0.15
    assert survey["late_gb"] == pytest.approx(LATE_BITS / GB_BITS)
    assert survey["late_share"] == pytest.approx(LATE_BITS / 300_000)
    assert survey["overdue_gb"] == 0.0


def test_late_volumes_by_lunar_day_add_up_to_all() -> None:
    environment = _with_deadline(0.15)
    results = Results(environment.scenario, environment, small_log())
    assert results.arrived["late_bits"].to_list() == pytest.approx([LATE_BITS, 0.0])
    assert results.lunar_days["late_gb"].to_list() == pytest.approx([LATE_BITS / GB_BITS, 0.0])


def test_without_a_deadline_nothing_is_late() -> None:
    environment = small_environment()
    left = Waiting(_piece((0.0, 10.0), 80), "lander")
    log = replace(small_log(), waiting=[left])
    facts = _facts(environment, log)
    for place in (facts, facts["products"]["survey"], facts["priorities"]["1"]):
        assert (place["late_gb"], place["late_share"], place["overdue_gb"]) == (0.0, None, 0.0)
    assert facts["products"]["survey"]["deadline_h"] is None
    results = Results(environment.scenario, environment, log)
    assert results.lunar_days["late_gb"].to_list() == [0.0, 0.0]


def test_what_is_still_under_way_is_overdue_from_its_deadline_on() -> None:
    # at the end, 2000 s, what was made before 1460 s is older than 540 s
    kept = Waiting(_piece((1000.0, 2000.0), 10_000), "lander")
    log = replace(small_log(), waiting=[kept])
    environment = _with_deadline(0.15)
    assert waiting(environment, log)["overdue_bits"].to_list() == pytest.approx([4_600.0])
    survey = _survey(environment, log)
    assert survey["overdue_gb"] == pytest.approx(4_600 / GB_BITS)
    assert survey["waiting_gb"] == pytest.approx(10_000 / GB_BITS)


def test_a_product_of_which_nothing_arrived_is_told() -> None:
    film = Waiting(_piece((100.0, 200.0), 800_000_000, "film"), "queqiao")
    facts = _facts(small_environment(), replace(small_log(), waiting=[film]))
    found = facts["products"]["film"]
    assert found["delivered_gb"] == 0.0
    assert found["waiting_gb"] == 0.1
    assert found["latency_s"] == {}
    for name in ("last_arrival_utc", "newest_age_at_end_s", "complete_until_utc"):
        assert found[name] is None


def _complete_until_s(log: RunLog) -> float | None:
    environment = small_environment()
    return complete_until_s(arrivals(environment, log), waiting(environment, log))


@pytest.mark.parametrize(
    ("left", "complete_s"),
    [
        ([], 1000.0),  # all that was made has come
        ([(400.0, 500.0)], 400.0),  # younger data have come already, and do not count
        ([(300.0, 400.0)], 300.0),  # in the middle of a piece that has come
        ([(1200.0, 2000.0)], 1000.0),  # nothing was made between 1000 and 1200 s
        ([(600.0, 700.0), (100.0, 200.0)], 100.0),  # the oldest of what waits counts
        ([(0.0, 10.0)], None),
    ],
)
def test_complete_is_what_nothing_older_waits_for(
    left: Sequence[tuple[float, float]], complete_s: float | None
) -> None:
    log = replace(small_log(), waiting=[Waiting(_piece(made, 80), "lander") for made in left])
    assert _complete_until_s(log) == complete_s


def test_two_contacts_by_hand() -> None:
    """800 bit/s are made for 2000 s; the relay sends 200 s and 100 s of them to the Earth.

    What was made until 200 s arrives 300.2 s after it was made, what was made from 200 to 300 s
    1300.2 s after. The relay holds what was made from 300 to 500 s, the lander all the rest.
    With a deadline of 0.25 h, 900 s, the second contact brings late data, and what was made between
    300 and 1100 s is overdue at the end.
    """
    environment = world([f"{SURVEY}.deadline_h=0.25"])
    log = operate(environment)
    survey = _survey(environment, log)
    assert survey["late_gb"] == pytest.approx(80_000 / GB_BITS)
    assert survey["late_share"] == pytest.approx(80_000 / 240_000)
    assert survey["overdue_gb"] == pytest.approx(640_000 / GB_BITS)
    assert survey["waiting_gb"] == pytest.approx(1_360_000 / GB_BITS)
    assert survey["complete_until_utc"] == environment.clock.utc(300)
    assert survey["complete_age_at_end_s"] == pytest.approx(1700.0, abs=1e-3)
    assert survey["latency_s"]["p50"] == pytest.approx(300.2, abs=1e-3)
    assert survey["latency_s"]["p90"] == pytest.approx(1300.2, abs=1e-3)
    facts = _facts(environment, log)
    assert facts["late_gb"] == facts["products"]["survey"]["late_gb"] == 0.00001
    held = waiting(environment, log).group_by("asset").agg(pl.col("bits").sum()).sort("asset")
    assert held.rows() == [("lander", 1_200_000), ("queqiao", 160_000)]


ages = st.integers(0, 5000)


@given(ages, ages, ages)
def test_late_parts_are_those_of_many_bits(first: int, last: int, before: int) -> None:
    """Against a thousand bits looked at one by one."""
    deadline_s = before + 0.5
    piece = _piece((0.0, 100.0), 1000)
    delivery = Delivery(piece, "kashi", first, 100.0 + last, "relay_return")
    log = replace(small_log(), deliveries=[delivery])
    found = arrivals(_with_deadline(deadline_s / 3600.0), log)["late_bits"][0]
    shares = [(number + 0.5) / 1000.0 for number in range(1000)]
    late = sum(first + (last - first) * share > deadline_s for share in shares)
    assert found == pytest.approx(late, abs=1.0)


def test_priorities_are_told_apart() -> None:
    log = small_log()
    urgent = Delivery(_piece((0.0, 100.0), 1000, "alarm", 0), "kashi", 10.0, 110.0, "relay_return")
    left = Waiting(_piece((1000.0, DURATION_S), 10_000), "lander")
    facts = _facts(
        small_environment(), replace(log, deliveries=[*log.deliveries, urgent], waiting=[left])
    )
    assert list(facts["priorities"]) == ["0", "1"]
    assert facts["priorities"]["0"]["latency_s"]["p100"] == 10.0
    assert facts["priorities"]["0"]["complete_age_at_end_s"] == DURATION_S - 100.0
    assert facts["priorities"]["1"]["complete_age_at_end_s"] == 1000.0
