"""Summaries: what came back of what was possible, how late, and in one sentence."""

import pytest
from small_runs import small_environment, small_log

from sim.operations.runlog import Delivery
from sim.physics.recorder import Piece
from sim.results import Results
from sim.results.metrics import latencies_s

SECOND_TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def summary() -> dict[str, object]:
    environment = small_environment()
    return Results(environment.scenario, environment, small_log()).summary


def _delivery(made: tuple[float, float], arrived: tuple[float, float], bits: int) -> Delivery:
    return Delivery(Piece("lander", "survey", 1, 1, *made, bits), "kashi", *arrived)


def test_latency_of_one_even_piece() -> None:
    # the first bit is 10 s old when it arrives, the last one 30 s: even between them
    found = latencies_s([_delivery((0.0, 100.0), (10.0, 130.0), 1000)])
    assert found["p50"] == pytest.approx(20.0, abs=SECOND_TOLERANCE)
    assert found["p90"] == pytest.approx(28.0, abs=SECOND_TOLERANCE)
    assert found["p100"] == 30.0


def test_latency_is_weighted_by_volume() -> None:
    young = _delivery((0.0, 10.0), (1.0, 11.0), 900)
    old = _delivery((0.0, 10.0), (500.0, 510.0), 100)
    found = latencies_s([young, old])
    assert found["p50"] == pytest.approx(1.0, abs=SECOND_TOLERANCE)
    assert found["p95"] == pytest.approx(500.0, abs=SECOND_TOLERANCE)


def test_no_deliveries_have_no_latency() -> None:
    assert latencies_s([]) == {}


def test_the_sentence_of_a_vehicle(summary: dict[str, dict[str, dict[str, object]]]) -> None:
    lander = summary["vehicles"]["lander"]
    assert str(lander["sentence"]).startswith(
        "lander delivered 0.00 GB of 0.00 GB possible, limited by "
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
