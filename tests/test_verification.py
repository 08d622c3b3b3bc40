"""The books close for a run that is right, and each balance opens for the error that it is there for."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from small_runs import small_environment, small_log

from sim.operations.runlog import RunLog
from sim.results.attribution import waterfalls
from sim.results.verification import Closure, books, closures

ENVIRONMENT = small_environment()


def _closures(log: RunLog) -> list[Closure]:
    return closures(ENVIRONMENT, log, waterfalls(ENVIRONMENT, log))


def _open(log: RunLog) -> set[str]:
    return {closure.name for closure in _closures(log) if not closure.closes}


def test_a_right_run_closes() -> None:
    found = _closures(small_log())
    assert _open(small_log()) == set()
    assert books(found) == "closed"
    # per lunar day two of energy, one of data, two waterfalls; for the run five of data
    assert len(found) == 2 * 5 + 5


def _bus(log: RunLog, **changes: float) -> None:
    first, second = log.snapshots["lander"]
    log.snapshots["lander"] = [replace(first, bus=first.bus._replace(**changes)), second]


def _data(log: RunLog, **changes: int) -> None:
    first, second = log.snapshots["lander"]
    log.snapshots["lander"] = [first, replace(second, data=replace(second.data, **changes))]


def _deliver_less(log: RunLog) -> None:
    last = log.deliveries[-1]
    log.deliveries[-1] = last._replace(piece=last.piece._replace(bits=last.piece.bits - 1))


def _move_more(log: RunLog) -> None:
    log.uses[0] = log.uses[0]._replace(moved_bits=100_001)


@pytest.mark.parametrize(
    ("spoil", "balance"),
    [
        (lambda log: _bus(log, generated_wh=3.3334), "generated"),
        (lambda log: _bus(log, spilled_wh=1e-6), "generated"),
        (lambda log: _bus(log, unmet_wh=1e-6), "demanded"),
        (lambda log: _data(log, on_board=1), "on board + produced"),
        (lambda log: _data(log, produced=308_001), "produced"),
        (lambda log: _data(log, in_flight=-1), "produced"),
        (lambda log: _data(log, delivered_by_day={1: 299_999}), "days of making"),
        (_deliver_less, "stations received"),
        (_move_more, "sum over its contacts"),
    ],
)
def test_each_balance_finds_its_error(spoil: Callable[[RunLog], None], balance: str) -> None:
    log = small_log()
    spoil(log)
    assert any(balance in name for name in _open(log))
    assert books(_closures(log)) == "open"


def test_energy_may_differ_by_rounding_only() -> None:
    log = small_log()
    generated = log.snapshots["lander"][0].bus.generated_wh
    _bus(log, generated_wh=generated * (1.0 + 1e-10))
    assert not any("generated" in name for name in _open(log))
