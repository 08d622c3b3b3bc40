"""The run in numbers: what came back of what was possible, how late, at what cost, limited by what."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.environment import Environment, Hop
from sim.operations.runlog import ContactUse, Event, RunLog
from sim.results.attribution import Fall, summed
from sim.results.series import margin_db
from sim.results.timeline import Attitudes, gigabytes, mode_events, uses_of
from sim.results.verification import Closure, books

Floats = NDArray[np.float64]

PERCENTILES = (50, 90, 95, 99, 100)
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
) -> dict[str, Any]:
    """The summary of a run, ready for JSON; floats rounded to a millionth.

    `limits` has the constraint that binds, by vehicle; `arrived` what reached the Earth.
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
                arrived.filter(pl.col("origin") == name),
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
) -> dict[str, Any]:
    mine = [fall for fall in falls if fall.vehicle == vehicle]
    total = _totals(days)
    last = log.snapshots[vehicle][-1].data if log.snapshots[vehicle] else None
    delivered = total["delivered_gb"]
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
        "wh_per_gb": total["used_wh"] / delivered if delivered else None,
        "lowest_state_of_charge": days["lowest_state_of_charge"].min(),
        "least_night_margin_wh": days["night_margin_wh"].min(),
        "least_night_margin_h": days["night_margin_h"].min(),
        "peak_recorder_fill": days["peak_recorder_fill"].max(),
        "latency_s": latencies_s(arrived),
        "latency_by_priority_s": _by_priority(arrived),
        "products": _products(environment, arrived),
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
    return f"{gb:.1f}" if gb >= 10.0 else f"{gb:.2f}"


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


def latencies_s(arrived: pl.DataFrame) -> dict[str, float]:
    """Percentiles, by volume, of the time from making to reception on Earth; empty if none.

    `arrived` has the columns of `ARRIVALS`; within each row latency grows or falls evenly.
    """
    if arrived.is_empty():
        return {}
    first, last = (
        (arrived[f"arrived_{end}_s"] - arrived[f"made_{end}_s"]).to_numpy()
        for end in ("start", "stop")
    )
    mixture = _Mixture(np.minimum(first, last), np.maximum(first, last), arrived["bits"].to_numpy())
    return {f"p{p}": mixture.quantile(p / 100.0) for p in PERCENTILES}


class _Mixture:
    """Even distributions between `lower` and `upper` (N,), weighed; points where the two agree."""

    def __init__(self, lower: Floats, upper: Floats, weight: NDArray[np.int64]) -> None:
        self._lower, self._weight = lower, weight
        self._is_point = upper == lower
        self._length = np.where(self._is_point, 1.0, upper - lower)
        self._edges: list[float] = np.unique(np.concatenate([lower, upper])).tolist()

    def quantile(self, share: float) -> float:
        """The least value up to which at least a share of the weight lies; exact.

        Between two edges the weight grows evenly, so that only they are searched.
        """
        edges, wanted = self._edges, share * float(self._weight.sum())
        index = min(bisect_left(edges, wanted, key=self._up_to), len(edges) - 1)
        at = self._below(edges[index])
        if index == 0 or wanted >= at:
            return edges[index]
        before = self._up_to(edges[index - 1])
        part = (wanted - before) / (at - before)
        return edges[index - 1] + part * (edges[index] - edges[index - 1])

    def _up_to(self, value: float) -> float:
        return self._sum(value, value >= self._lower)

    def _below(self, value: float) -> float:
        return self._sum(value, value > self._lower)

    def _sum(self, value: float, is_passed: NDArray[np.bool_]) -> float:
        even = np.clip((value - self._lower) / self._length, 0.0, 1.0)
        return float((self._weight * np.where(self._is_point, is_passed, even)).sum())


def _by_priority(arrived: pl.DataFrame) -> dict[str, dict[str, float]]:
    groups = arrived.partition_by("priority", as_dict=True)
    return {str(priority): latencies_s(rows) for (priority,), rows in sorted(groups.items())}


def _products(environment: Environment, arrived: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """What arrived of each activity's data: how much, the last when, how old, how late."""
    groups = arrived.partition_by("product", as_dict=True)
    return {
        str(product): _product(environment, rows) for (product,), rows in sorted(groups.items())
    }


def _product(environment: Environment, arrived: pl.DataFrame) -> dict[str, Any]:
    last_s, newest_s = (
        float(arrived[name].to_numpy().max()) for name in ("arrived_stop_s", "made_stop_s")
    )
    return {
        "delivered_gb": gigabytes(int(arrived["bits"].sum())),
        "last_arrival_utc": environment.clock.utc(last_s),
        "newest_age_at_end_s": environment.duration_s - newest_s,
        "latency_s": latencies_s(arrived),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, _DECIMALS) + 0.0 if isinstance(value, float) else value
