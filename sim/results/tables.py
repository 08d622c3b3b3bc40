"""The tables of a run, from its environment and its log; columns as in `sim.results.schemas`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.clock import Clock
from sim.environment import Environment, LunarDay
from sim.operations.runlog import Event, RunLog
from sim.physics.recorder import BITS_PER_GB
from sim.results.arrivals import summed_up
from sim.results.attribution import Fall
from sim.results.capacity import FirstHop
from sim.results.power import Energy, awake_s, night_after
from sim.results.schemas import EVENTS, LUNAR_DAYS, table
from sim.results.timeline import (
    DayBooks,
    ModeSpan,
    day_books,
    gigabytes,
    mode_events,
    mode_spans,
)
from sim.scenario.behaviour import AWAKE

Floats = NDArray[np.float64]
_HOUR_S = 3600.0
_DAY_S = 86400.0


def lunar_days(
    environment: Environment,
    log: RunLog,
    falls: Sequence[Fall],
    limits: Mapping[tuple[str, int], str],
    arrived: pl.DataFrame,
) -> pl.DataFrame:
    """A row for each lunar day and vehicle, clipped to the run; sorted by day, then by file.

    `limits` has the constraint that binds, by vehicle and lunar day; `arrived` what reached the
    Earth.
    """
    rows = [
        row
        for vehicle in environment.scenario.vehicles
        for row in _vehicle_rows(
            environment, log, vehicle, falls, limits, arrived.filter(origin=vehicle)
        )
    ]
    rows.sort(key=lambda row: int(row["lunar_day"]))
    return table(LUNAR_DAYS, {c.name: [row[c.name] for row in rows] for c in LUNAR_DAYS})


def events(environment: Environment, log: RunLog) -> pl.DataFrame:
    """Every change, in the order of time; at one instant in the order in which they happened.

    The mode of each vehicle at the start is its first row.
    """
    vehicles = environment.scenario.vehicles.items()
    first = [Event(0, name, "mode", "", "", v.initial_mode, "start") for name, v in vehicles]
    columns = zip(*(*first, *log.events), strict=True)
    rows: dict[str, Sequence[Any]] = dict(zip(Event._fields, columns, strict=True))
    return table(EVENTS, rows | {"utc": environment.clock.labels(rows["t_s"])})


def _vehicle_rows(
    environment: Environment,
    log: RunLog,
    vehicle: str,
    falls: Sequence[Fall],
    limits: Mapping[tuple[str, int], str],
    arrived: pl.DataFrame,
) -> Iterator[dict[str, Any]]:
    days = {day.number: day for day in environment.lunar_days(vehicle)}
    books = day_books(environment, log, vehicle)
    spans = mode_spans(environment, log, vehicle)
    energy = Energy(environment, log, vehicle)
    link = FirstHop(environment, log, vehicle, spans)
    changes = mode_events(log, vehicle)
    late = summed_up(arrived, "late_bits")
    by_day = books[-1].closing.data.delivered_by_day if books else {}
    for book in books:
        day, following = days[book.number], days.get(book.number + 1)
        mine = [f for f in falls if f.vehicle == vehicle and f.lunar_day == book.number]
        yield {
            **_sky(environment.clock, day, book, environment),
            **_sleep(environment.clock, changes, spans, book, energy),
            **_energy(book),
            **_data(book, by_day.get(book.number, 0)),
            **link.columns(book),
            **_night(energy, day, _night_end_s(changes, day, following, environment.duration_s)),
            **_limits(mine, limits.get((vehicle, book.number))),
            **_ratios(environment, log, vehicle, book),
            "late_gb": _late_gb(book, *late),
        }


def _utc(clock: Clock, t_s: float | None) -> str | None:
    return None if t_s is None else clock.utc(t_s)


def _sky(
    clock: Clock, day: LunarDay, book: DayBooks, environment: Environment
) -> dict[str, object]:
    place = environment.scenario.vehicles[book.vehicle].place
    lit = environment.places[place].lit.clip(book.start_s, book.stop_s)
    row: dict[str, object] = {
        "lunar_day": book.number,
        "asset": book.vehicle,
        "start_s": book.start_s,
        "stop_s": book.stop_s,
        "lit_h": lit.total_s / _HOUR_S,
    }
    for name in ("sunrise", "sunset", "first_light", "last_light"):
        t_s = getattr(day, f"{name}_s")
        row[f"{name}_s"], row[f"{name}_utc"] = t_s, _utc(clock, t_s)
    return row


def _sleep(
    clock: Clock,
    changes: Sequence[Event],
    spans: Sequence[ModeSpan],
    book: DayBooks,
    energy: Energy,
) -> dict[str, object]:
    inside = [event for event in changes if book.start_s <= event.t_s < book.stop_s]
    wakes = [e for e in inside if e.before not in AWAKE and e.after in AWAKE]
    sleeps = [e for e in inside if e.before in AWAKE and e.after not in AWAKE]
    wake, sleep = (wakes[0] if wakes else None), (sleeps[-1] if sleeps else None)
    return {
        "wake_s": wake.t_s if wake else None,
        "wake_utc": _utc(clock, wake.t_s if wake else None),
        "wake_cause": wake.cause if wake else None,
        "sleep_s": sleep.t_s if sleep else None,
        "sleep_utc": _utc(clock, sleep.t_s if sleep else None),
        "sleep_cause": sleep.cause if sleep else None,
        "awake_h": awake_s(spans, book.start_s, book.stop_s) / _HOUR_S,
        "state_of_charge_at_wake": energy.state(wake.t_s).state_of_charge if wake else None,
    }


def _energy(book: DayBooks) -> dict[str, object]:
    bus = book.bus
    names = ("demanded_wh", "generated_wh", "used_wh", "spilled_wh", "lost_wh", "unmet_wh")
    return {
        **{name: getattr(bus, name) for name in names},
        "stored_change_wh": bus.stored_wh - book.stored_before_wh,
        "lowest_state_of_charge": bus.lowest_state_of_charge,
    }


def _data(book: DayBooks, delivered_of_this_day: int) -> dict[str, object]:
    after = book.closing.data
    return {
        "produced_gb": gigabytes(book.bits("produced")),
        "delivered_gb": gigabytes(book.bits("delivered")),
        "delivered_of_this_day_gb": gigabytes(delivered_of_this_day),
        "handed_over_gb": gigabytes(book.bits("handed_over")),
        "dropped_gb": gigabytes(book.bits("dropped_on_board")),
        "lost_gb": gigabytes(book.bits("lost_on_first_hop")),
        "on_board_gb": gigabytes(after.on_board),
        "in_relay_gb": gigabytes(after.in_relays),
    }


def _late_gb(book: DayBooks, times_s: Floats, late_bits: Floats) -> float:
    """What came late in one lunar day, from the bits that had come late by each time."""
    before, until = np.searchsorted(times_s, [book.start_s, book.stop_s], side="right")
    return float(late_bits[until] - late_bits[before]) / BITS_PER_GB


def _night_end_s(
    changes: Sequence[Event], day: LunarDay, following: LunarDay | None, duration_s: int
) -> int:
    """The first wake after sunset, else the next local noon, else the end of the run."""
    noon_s = duration_s if following is None else min(int(following.noon_s), duration_s)
    wakes = (event.t_s for event in changes if event.after in AWAKE and event.before not in AWAKE)
    return min((t_s for t_s in wakes if t_s > (day.sunset_s or 0.0)), default=noon_s)


def _night(energy: Energy, day: LunarDay, end_s: int) -> dict[str, object]:
    night = night_after(energy, day.sunset_s, end_s)
    return {
        "state_of_charge_at_sunset": night.state_of_charge_at_sunset if night else None,
        "night_margin_wh": night.margin_wh if night else None,
        "night_margin_h": night.margin_h if night else None,
    }


def _limits(falls: Sequence[Fall], limit: str | None) -> dict[str, object]:
    first = [fall for fall in falls if fall.hop == 1]
    widest = max(first, key=lambda fall: fall.ideal_bits, default=None)
    return {
        "largest_loss": widest.largest_loss if widest else None,
        "limited_by": limit if first else None,
        "ceiling_gb": gigabytes(sum(fall.ideal_bits for fall in first)),
    }


def _ratios(
    environment: Environment, log: RunLog, vehicle: str, book: DayBooks
) -> dict[str, object]:
    delivered = book.bits("delivered")
    recorder = environment.scenario.vehicles[vehicle].recorder
    levels = [
        level.on_board_bits
        for level in log.levels[vehicle]
        if book.start_s <= level.t_s <= book.stop_s
    ]
    opening = 0 if book.opening is None else book.opening.data.on_board
    peak = max([opening, book.closing.data.on_board, *levels])
    per_day = book.bits("handed_over") * _DAY_S / max(book.stop_s - book.start_s, 1)
    return {
        "peak_recorder_fill": peak / recorder.capacity_bit if recorder else None,
        "backlog_days": book.closing.data.on_board / per_day if per_day else None,
        "wh_per_gb": book.bus.used_wh / gigabytes(delivered) if delivered else None,
    }
