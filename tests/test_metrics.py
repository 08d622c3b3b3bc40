"""Summaries: what came back of what was possible, how late, and in one sentence."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import small_environment, small_log

from sim.operations.runlog import Delivery
from sim.physics.recorder import Piece
from sim.results import Results
from sim.results.arrivals import arrivals
from sim.results.latency import latencies_s

SECOND_TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def summary() -> dict[str, object]:
    environment = small_environment()
    return Results(environment.scenario, environment, small_log()).summary


def _delivery(made: tuple[float, float], arrived: tuple[float, float], bits: int) -> Delivery:
    return Delivery(Piece("lander", "survey", 1, 1, *made, bits), "kashi", *arrived)


def _arrived(*deliveries: Delivery) -> pl.DataFrame:
    return arrivals(small_environment(), replace(small_log(), deliveries=list(deliveries)))


def test_latency_of_one_even_piece() -> None:
    # the first bit is 10 s old when it arrives, the last one 30 s: even between them
    found = latencies_s(_arrived(_delivery((0.0, 100.0), (10.0, 130.0), 1000)))
    assert found["p50"] == pytest.approx(20.0, abs=SECOND_TOLERANCE)
    assert found["p90"] == pytest.approx(28.0, abs=SECOND_TOLERANCE)
    assert found["p100"] == 30.0


def test_latency_is_weighted_by_volume() -> None:
    young = _delivery((0.0, 10.0), (1.0, 11.0), 900)
    old = _delivery((0.0, 10.0), (500.0, 510.0), 100)
    found = latencies_s(_arrived(young, old))
    assert found["p50"] == pytest.approx(1.0, abs=SECOND_TOLERANCE)
    assert found["p95"] == pytest.approx(500.0, abs=SECOND_TOLERANCE)


def test_equal_latencies_are_found_to_the_last_digit() -> None:
    # a tenth is 7 s old, all the rest 9 s: no even part anywhere
    found = latencies_s(
        _arrived(_delivery((0.0, 10.0), (7.0, 17.0), 1), _delivery((0.0, 10.0), (9.0, 19.0), 9))
    )
    assert found == {"p50": 9.0, "p90": 9.0, "p95": 9.0, "p99": 9.0, "p100": 9.0}


ages = st.floats(0.0, 1e6).map(lambda age: round(age, 1))


@given(st.lists(st.tuples(ages, ages, st.integers(1, 10**12)), min_size=1, max_size=12))
def test_percentiles_split_the_volume(drawn: list[tuple[float, float, int]]) -> None:
    found = latencies_s(
        _arrived(*(_delivery((0.0, 1.0), (a, 1.0 + b), bits) for a, b, bits in drawn))
    )
    total = sum(bits for *_, bits in drawn)

    def younger(age_s: float) -> float:
        """Bits that are no older than an age."""
        return sum(bits * _share(min(a, b), max(a, b), age_s) for a, b, bits in drawn)

    for name, age_s in found.items():
        wanted = int(name[1:]) / 100.0 * total
        assert younger(age_s + 1e-6) >= wanted * (1.0 - 1e-9)
        assert younger(age_s - 1e-6) <= wanted * (1.0 + 1e-9)


def _share(lower: float, upper: float, value: float) -> float:
    if value >= upper:
        return 1.0
    return 0.0 if value <= lower else (value - lower) / (upper - lower)


def test_no_deliveries_have_no_latency() -> None:
    assert latencies_s(_arrived()) == {}


def test_the_sentence_of_a_vehicle(summary: dict[str, dict[str, dict[str, object]]]) -> None:
    """Awake, the link could carry 200 s and 1300 s at 1000 bit/s and 100 s at 500: 1.55 Mbit."""
    lander = summary["vehicles"]["lander"]
    assert str(lander["sentence"]).startswith(
        "lander delivered 0.0000375 GB of 0.000194 GB possible, limited by "
    )
    assert lander["largest_loss"] == "nothing_to_send"
    assert lander["delivered_gb"] == pytest.approx(300_000 / 8e9, abs=1e-6)


def test_hours_by_rate(summary: dict[str, dict[str, dict[str, object]]]) -> None:
    link = summary["links"]["lander_return"]
    assert link["used_h_by_rate_bps"] == {"500": round(100 / 3600, 6), "1000": round(500 / 3600, 6)}
    assert link["lowest_margin_db"] is None


def test_relay_peak(summary: dict[str, dict[str, dict[str, object]]]) -> None:
    assert summary["relays"]["queqiao"]["peak_on_board_gb"] == pytest.approx(
        140_000 / 8e9, abs=1e-6
    )


def test_books_are_in_the_summary(summary: dict[str, object]) -> None:
    assert summary["books"] == "closed"
    assert summary["open_books"] == []
