"""The run in numbers: what came back of what was possible, how late, at what cost, limited by what."""

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.environment import Environment, Hop
from sim.operations.runlog import ContactUse, Event, RunLog
from sim.results.attribution import Fall, summed
from sim.results.latency import latencies_s
from sim.results.products import priorities, products, timeliness
from sim.results.series import margin_db
from sim.results.timeline import Attitudes, gigabytes, mode_events, uses_of
from sim.results.verification import Closure, books

Floats = NDArray[np.float64]

WORDS = {
    "plan": "the plan",
    "awake": "the time awake",
    "power": "power",
    "geometry": "the time in view",
    "relay": "the relay",
    "station": "the ground stations",
    "link": "the link's rate",
    "storage": "storage",
    "several": "several constraints together",
}
"""The constraints as they stand in a sentence."""
_HOUR_S = 3600.0
_DECIMALS = 6
_MARGIN_STEP_S = 7200


def summary(
    environment: Environment,
    log: RunLog,
    days: pl.DataFrame,
    falls: Sequence[Fall],
    found: Sequence[Closure],
    limits: Mapping[str, str],
    arrived: pl.DataFrame,
    left: pl.DataFrame,
) -> dict[str, Any]:
    """The summary of a run, ready for JSON; floats rounded to a millionth.

    `limits` has the constraint that binds, by vehicle; `arrived` what reached the Earth, and `left`
    what did not.
    """
    scenario, clock = environment.scenario, environment.clock
    content = {
        "name": scenario.name,
        "title": scenario.title,
        "start_utc": clock.utc(0),
        "stop_utc": clock.utc(environment.duration_s),
        "duration_s": environment.duration_s,
        "lunar_days": sorted(set(days["lunar_day"].to_list())),
        "books": books(found),
        "open_books": [closure.name for closure in found if not closure.closes],
        "balances_checked": len(found),
        "vehicles": {
            name: _vehicle(
                environment,
                log,
                days.filter(pl.col("asset") == name),
                falls,
                name,
                limits[name],
                arrived.filter(origin=name),
                left.filter(origin=name),
            )
            for name in scenario.vehicles
        },
        "relays": {name: _relay(environment, log, name) for name in scenario.relays},
        "links": {name: _link(environment, log, name) for name in scenario.links},
    }
    rounded: dict[str, Any] = _rounded(content)
    return rounded


def _vehicle(
    environment: Environment,
    log: RunLog,
    days: pl.DataFrame,
    falls: Sequence[Fall],
    vehicle: str,
    limit: str,
    arrived: pl.DataFrame,
    left: pl.DataFrame,
) -> dict[str, Any]:
    mine = [fall for fall in falls if fall.vehicle == vehicle]
    total = _totals(days)
    last = log.snapshots[vehicle][-1].data if log.snapshots[vehicle] else None
    delivered = total["delivered_gb"]
    classes = priorities(environment, arrived, left)
    death = next((e for e in mode_events(log, vehicle) if e.after == "dead"), None)
    return {
        "sentence": _sentence(vehicle, total, limit if mine else None)
        + (f"; it died at {environment.clock.utc(death.t_s)} ({_words(death)})" if death else ""),
        **total,
        "limited_by": limit,
        "largest_loss": _widest(summed(mine)),
        "dropped_in_relays_gb": gigabytes(last.dropped - last.dropped_on_board) if last else 0.0,
        "lost_after_first_hop_gb": gigabytes(last.lost - last.lost_on_first_hop) if last else 0.0,
        "in_flight_gb": gigabytes(last.in_flight) if last else 0.0,
        "on_board_gb": gigabytes(last.on_board) if last else 0.0,
        "in_relay_gb": gigabytes(last.in_relays) if last else 0.0,
        **timeliness(arrived, left),
        "wh_per_gb": total["used_wh"] / delivered if delivered else None,
        "lowest_state_of_charge": days["lowest_state_of_charge"].min(),
        "least_night_margin_wh": days["night_margin_wh"].min(),
        "least_night_margin_h": days["night_margin_h"].min(),
        "peak_recorder_fill": days["peak_recorder_fill"].max(),
        "latency_s": latencies_s(arrived),
        "latency_by_priority_s": {name: found["latency_s"] for name, found in classes.items()},
        "products": products(environment, vehicle, arrived, left),
        "priorities": classes,
        "activities": {
            activity: log.activity_runs.get((vehicle, activity), 0)
            for activity in environment.scenario.vehicles[vehicle].activities
        },
        "driven_m": _done(environment, log, vehicle, "distance_m"),
        "sampled_kg": _done(environment, log, vehicle, "sample_kg"),
        "died_utc": environment.clock.utc(death.t_s) if death else None,
    }


def _sentence(vehicle: str, total: dict[str, Any], limit: str | None) -> str:
    if limit is None:
        return f"{vehicle} has no link to send over"
    delivered, possible = _size(total["delivered_gb"]), _size(total["capacity_gb"])
    return (
        f"{vehicle} delivered {delivered} GB of {possible} GB possible, limited by {WORDS[limit]}"
    )


def _words(event: Event) -> str:
    return event.cause.replace("_", " ")


def _done(environment: Environment, log: RunLog, vehicle: str, what: str) -> float:
    """Sum over the completed runs of a quantity of activities."""
    activities = environment.scenario.vehicles[vehicle].activities.items()
    runs = log.activity_runs
    return sum(runs.get((vehicle, name), 0) * float(getattr(a, what)) for name, a in activities)


def _totals(days: pl.DataFrame) -> dict[str, float]:
    names = [
        *("delivered_gb", "capacity_gb", "ceiling_gb", "produced_gb", "handed_over_gb"),
        *("dropped_gb", "lost_gb", "awake_h", "contact_h", "transmit_h", "link_used_h"),
        *("demanded_wh", "generated_wh", "used_wh", "spilled_wh", "lost_wh"),
        *("stored_change_wh", "unmet_wh"),
    ]
    return {name: float(days[name].sum()) for name in names}


def _widest(falls: Sequence[Fall]) -> str | None:
    first = [fall for fall in falls if fall.hop == 1]
    return max(first, key=lambda fall: fall.ideal_bits).largest_loss if first else None


def _size(gb: float) -> str:
    """A volume to be read: three figures, or one decimal of what is large."""
    if gb >= 10.0:
        return f"{gb:.1f}"
    decimals = 2 if gb >= 1.0 or gb <= 0.0 else min(2 - floor(log10(gb)), 9)
    return f"{gb:.{decimals}f}"


def _relay(environment: Environment, log: RunLog, relay: str) -> dict[str, Any]:
    recorder = environment.scenario.relays[relay].recorder
    levels = log.levels.get(relay, [])
    peak = max((level.on_board_bits for level in levels), default=0)
    return {
        "peak_on_board_gb": gigabytes(peak),
        "peak_recorder_fill": peak / recorder.capacity_bit if recorder else None,
        "on_board_gb": gigabytes(levels[-1].on_board_bits) if levels else 0.0,
    }


def _link(environment: Environment, log: RunLog, link: str) -> dict[str, Any]:
    uses = uses_of(environment, log, link)
    seconds: dict[int, int] = {}
    for use in uses:
        seconds[use.rate_bps] = seconds.get(use.rate_bps, 0) + use.stop_s - use.start_s
    lowest = [
        _lowest_margin_db(
            hop,
            [use for use in uses if use.hop == hop.name],
            Attitudes.of(log, hop.source),
        )
        for hop in environment.hops_of(link)
    ]
    margins = [margin for margin in lowest if margin is not None]
    return {
        "moved_gb": gigabytes(sum(use.moved_bits for use in uses)),
        "lost_gb": gigabytes(sum(use.lost_bits for use in uses)),
        "used_h": sum(seconds.values()) / _HOUR_S,
        "used_h_by_rate_bps": {str(rate): seconds[rate] / _HOUR_S for rate in sorted(seconds)},
        "lowest_margin_db": min(margins, default=None),
    }


def _lowest_margin_db(hop: Hop, uses: Sequence[ContactUse], attitudes: Attitudes) -> float | None:
    """Lowest margin of a hop in use, sampled every two hours and at the ends of each use."""
    times = [np.append(np.arange(u.start_s, u.stop_s, _MARGIN_STEP_S), u.stop_s - 1) for u in uses]
    if not times:
        return None
    rates = np.repeat([use.rate_bps for use in uses], [len(part) for part in times])
    margin = margin_db(hop, rates, np.concatenate(times), attitudes)
    return None if np.isnan(margin).all() else float(np.nanmin(margin))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, _DECIMALS) + 0.0 if isinstance(value, float) else value
