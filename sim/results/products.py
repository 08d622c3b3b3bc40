"""What became of each product and priority: how much came, how late, and up to when all of it."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from sim.environment import Environment
from sim.physics.recorder import BITS_PER_GB
from sim.results.latency import latencies_s
from sim.results.timeline import gigabytes


def products(
    environment: Environment, vehicle: str, arrived: pl.DataFrame, left: pl.DataFrame
) -> dict[str, dict[str, Any]]:
    """By activity of one vehicle, whose data these are; without those that left nothing."""
    activities = environment.scenario.vehicles[vehicle].activities
    return {
        str(name): {
            **facts,
            "deadline_h": activities[name].deadline_h if name in activities else None,
        }
        for name, facts in _grouped(environment, "product", arrived, left).items()
    }


def priorities(
    environment: Environment, arrived: pl.DataFrame, left: pl.DataFrame
) -> dict[str, dict[str, Any]]:
    """The same by priority of the data."""
    found = _grouped(environment, "priority", arrived, left)
    return {str(name): facts for name, facts in found.items()}


def timeliness(arrived: pl.DataFrame, left: pl.DataFrame) -> dict[str, float | None]:
    """What came after its deadline and what is overdue at the end; its share of what has one."""
    due_bits = int(arrived.drop_nulls("late_bits")["bits"].sum())
    late_bits, overdue_bits = (
        float(part[name].fill_null(0.0).to_numpy().sum())
        for part, name in ((arrived, "late_bits"), (left, "overdue_bits"))
    )
    return {
        "late_gb": late_bits / BITS_PER_GB,
        "late_share": late_bits / due_bits if due_bits else None,
        "overdue_gb": overdue_bits / BITS_PER_GB,
    }


def _grouped(
    environment: Environment, column: str, arrived: pl.DataFrame, left: pl.DataFrame
) -> Mapping[Any, dict[str, Any]]:
    """Facts for each value of a column, in their order."""
    came, stayed = (part.partition_by(column, as_dict=True) for part in (arrived, left))
    return {
        key[0]: _facts(environment, came.get(key, arrived.clear()), stayed.get(key, left.clear()))
        for key in sorted({*came, *stayed})
    }


def _facts(environment: Environment, arrived: pl.DataFrame, left: pl.DataFrame) -> dict[str, Any]:
    complete_s = complete_until_s(arrived, left)
    return {
        "delivered_gb": gigabytes(int(arrived["bits"].sum())),
        "last_arrival_utc": _utc(environment, _last(arrived, "arrived_stop_s")),
        "newest_age_at_end_s": _age(environment, _last(arrived, "made_stop_s")),
        "latency_s": latencies_s(arrived),
        "waiting_gb": gigabytes(int(left["bits"].sum())),
        "complete_until_utc": _utc(environment, complete_s),
        "complete_age_at_end_s": _age(environment, complete_s),
        **timeliness(arrived, left),
    }


def complete_until_s(arrived: pl.DataFrame, left: pl.DataFrame) -> float | None:
    """The newest instant of making up to which nothing is under way any more.

    Every bit made up to then has arrived, but for those that were dropped or lost and never will;
    None where nothing older than all that is under way has arrived.
    """
    first_s = _first(left)
    whole = arrived if first_s is None else arrived.filter(pl.col("made_start_s") < first_s)
    newest_s = _last(whole, "made_stop_s")
    return newest_s if newest_s is None or first_s is None else min(newest_s, first_s)


def _first(left: pl.DataFrame) -> float | None:
    return None if left.is_empty() else float(left["made_start_s"].to_numpy().min())


def _last(arrived: pl.DataFrame, column: str) -> float | None:
    return None if arrived.is_empty() else float(arrived[column].to_numpy().max())


def _utc(environment: Environment, t_s: float | None) -> str | None:
    return None if t_s is None else environment.clock.utc(t_s)


def _age(environment: Environment, t_s: float | None) -> float | None:
    return None if t_s is None else environment.duration_s - t_s
