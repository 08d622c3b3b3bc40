"""What vehicles live on: the power budget, the energy of each lunar day, and how nights are survived."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from sim.environment import Environment
from sim.operations.runlog import RunLog
from sim.results.arrivals import arrivals
from sim.results.loads import load_parts_w
from sim.results.power import Energy
from sim.results.schemas import LUNAR_DAYS, rounded
from sim.results.tables import lunar_days
from sim.results.timeline import mode_events

_HOUR_S = 3600.0
_KEYS = ("lunar_day", "asset")
ENERGY = (
    *_KEYS,
    *("generated_wh", "demanded_wh", "used_wh", "spilled_wh", "lost_wh"),
    *("stored_change_wh", "unmet_wh", "lowest_state_of_charge"),
)
"""Columns of the energy balance, of those of lunar days."""
NIGHTS = (
    *_KEYS,
    *("sunset_utc", "state_of_charge_at_sunset", "night_margin_wh", "night_margin_h"),
    *("wake_utc", "wake_cause", "state_of_charge_at_wake", "sleep_utc", "sleep_cause"),
)
"""Columns of sleep, night and wake, of those of lunar days; a night belongs to the day before it."""
_DARK = (
    *("lunar_day", "asset", "sunset_utc", "sunrise_utc", "dark_h", "used_wh", "lost_wh"),
    *("self_discharge_wh", "battery_gave_wh", "generated_wh", "spilled_wh", "unmet_wh"),
)
_BUDGET = ("asset", "part", "highest_w", "on_h", "energy_wh")


class PowerReport(NamedTuple):
    """The power of every vehicle of a run."""

    budget: pl.DataFrame
    """By part of the load: its highest power, how long it was on, and what it asked for."""
    days: pl.DataFrame
    """The lunar days, but for what limits the data."""
    dark: pl.DataFrame
    """The nights from sunset to sunrise that the run holds whole, self-discharge being part of
    the losses: used + lost = what the battery gave + generated - spilled."""
    sentence: str


def power_report(environment: Environment, log: RunLog) -> PowerReport:
    """Budget, energy and nights of a run; what limits its data is not asked."""
    left_out = ("largest_loss", "limited_by", "ceiling_gb", "late_gb")
    columns = [column for column in LUNAR_DAYS if column.name not in left_out]
    arrived = arrivals(environment, log)
    days = rounded(lunar_days(environment, log, [], {}, arrived).drop(left_out), columns)
    vehicles = environment.scenario.vehicles
    rows = [row for name in vehicles for row in _budget(environment, log, name, days)]
    budget = pl.DataFrame(rows, schema=list(_BUDGET), orient="row")
    clauses = [
        _clause(
            name,
            days.filter(pl.col("asset") == name),
            _death(environment, log, name),
            _emptied(environment, log, name),
        )
        for name in vehicles
    ]
    nights = [row for name in vehicles for row in _dark(environment, log, name)]
    dark = pl.DataFrame(nights, schema=list(_DARK), orient="row")
    return PowerReport(budget, days, dark, "; ".join(clauses))


def _dark(
    environment: Environment, log: RunLog, vehicle: str
) -> Iterator[tuple[int | str | float, ...]]:
    """From each sunset to the following sunrise, where the run holds both."""
    energy, utc = Energy(environment, log, vehicle), environment.clock.utc
    for day, following in pairwise(environment.lunar_days(vehicle)):
        if day.sunset_s is None or following.sunrise_s is None:
            continue
        start_s, stop_s = int(day.sunset_s), int(following.sunrise_s)
        if start_s < 0 or stop_s > environment.duration_s:
            continue
        books = energy.books(start_s, stop_s)
        yield (
            *(day.number, vehicle, utc(start_s)[:16], utc(stop_s)[:16]),
            (stop_s - start_s) / _HOUR_S,
            *(books[name] for name in ("used_wh", "lost_wh", "leaked_wh")),
            -books["stored_wh"],
            *(books[name] for name in ("generated_wh", "spilled_wh", "unmet_wh")),
        )


def _budget(
    environment: Environment, log: RunLog, vehicle: str, days: pl.DataFrame
) -> Iterator[tuple[str, str, float | None, float | None, float]]:
    """The parts of the load, exact: every part changes only where the log has a new flow."""
    energy = Energy(environment, log, vehicle)
    times = np.unique([flow.t_s for flow in energy.flows])
    spans = np.diff(np.append(times, environment.duration_s))
    load = np.array(energy.load_w(times.tolist()))
    total = 0.0
    for name, watts in load_parts_w(environment, log, vehicle, times, load).items():
        asked = float(watts @ spans) / _HOUR_S
        total += asked
        on_h = float(spans[watts != 0.0].sum()) / _HOUR_S
        yield vehicle, name, float(watts[np.abs(watts).argmax()]), on_h, asked
    demanded = float(days.filter(pl.col("asset") == vehicle)["demanded_wh"].sum())
    if demanded - total > 1e-6 * max(demanded, 1.0):
        yield vehicle, "heaters", None, None, demanded - total


def _death(environment: Environment, log: RunLog, vehicle: str) -> tuple[str, str] | None:
    deaths = (event for event in mode_events(log, vehicle) if event.after == "dead")
    return next(((environment.clock.utc(e.t_s), e.cause) for e in deaths), None)


def _emptied(environment: Environment, log: RunLog, vehicle: str) -> list[str]:
    """When the battery reached its cut-off, each time."""
    events = (e for e in log.events if (e.asset, e.event) == (vehicle, "battery"))
    return [environment.clock.utc(e.t_s) for e in events if e.after == "empty"]


def _clause(
    vehicle: str, days: pl.DataFrame, death: tuple[str, str] | None, emptied: Sequence[str]
) -> str:
    """How one vehicle got through its nights."""
    if death is not None:
        return f"{vehicle} dies at {death[0]} ({death[1].replace('_', ' ')})"
    rows = days.rows(named=True)
    begun = [row for row in rows if row["night_margin_wh"] is not None]
    empty = [row["lunar_day"] for row in begun if row["night_margin_wh"] <= 0.0]
    if empty:
        when = f" at {emptied[0]}" if emptied else ""
        return (
            f"{vehicle}'s battery reaches its cut-off in {len(empty)} of {_nights(len(begun))}, first"
            f"{when} after lunar day {empty[0]}"
        )
    whole = [row for row in begun if _ends(row, rows)]
    if not whole:
        return f"{vehicle} sees no night to its end in this run"
    worst = min(whole, key=lambda row: float(row["night_margin_wh"]))
    hours = worst["night_margin_h"]
    carries = "with everything off" if hours is None else f"{_size(hours)} h of its load then"
    return (
        f"{vehicle} lives through {_nights(len(whole))}, with {_size(worst['night_margin_wh'])} Wh or "
        f"more over the cut-off, {carries}, the least after lunar day {worst['lunar_day']}"
    )


def _ends(night: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether the run holds the sunrise after a night."""
    rises = [row["sunrise_s"] for row in rows if row["lunar_day"] > night["lunar_day"]]
    return any(rise_s is not None and rise_s < rows[-1]["stop_s"] for rise_s in rises)


def _nights(count: int) -> str:
    return f"{count} night{'s' * (count != 1)}"


def _size(value: float) -> str:
    return f"{value:,.1f}" if value < 100.0 else f"{value:,.0f}"
