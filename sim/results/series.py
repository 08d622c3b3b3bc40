"""Quantities at any cadence, derived from the changes in the log; exact at each instant."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sim.environment import Environment, Hop
from sim.errors import ResultsError
from sim.operations.runlog import RunLog
from sim.physics.recorder import BITS_PER_GB
from sim.results.loads import load_parts_w
from sim.results.power import Energy
from sim.results.schemas import SERIES, table
from sim.results.timeline import Attitudes, Steps, Whole, mode_spans, return_links, uses_of

Floats = NDArray[np.float64]
Line = tuple[str, str, str, Floats]
"""Asset, quantity, subject and the values."""

_CADENCES_S = (60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_MOST_SAMPLES = 10_000
NO_MARGIN = float("nan")


def cadence_s(duration_s: int) -> int:
    """The finest cadence of a short list that gives no more than 10,000 samples."""
    fitting = (step for step in _CADENCES_S if duration_s <= step * _MOST_SAMPLES)
    return next(fitting, _CADENCES_S[-1])


def sample_times_s(duration_s: int, cadence_s: int) -> Whole:
    """Whole multiples of the cadence in `[0, duration_s)`."""
    if cadence_s < 1:
        raise ResultsError(f"a cadence of {cadence_s} s was asked for; give 1 s or more")
    return np.arange(0, duration_s, cadence_s, dtype=np.int64)


def series(environment: Environment, log: RunLog, cadence_s: int) -> pl.DataFrame:
    """All quantities of all assets at whole multiples of the cadence, long form.

    Sorted by asset and quantity in the order of the scenario, then by time. Values that do not
    exist at an instant, as a margin outside contacts, have no row.
    """
    times = sample_times_s(environment.duration_s, cadence_s)
    parts = []
    for asset, quantity, subject, values in _lines(environment, log, times):
        known = ~np.isnan(values)
        count = int(known.sum())
        parts.append(
            pl.DataFrame(
                {
                    "t_s": times[known],
                    "asset": pl.repeat(asset, count, eager=True),
                    "quantity": pl.repeat(quantity, count, eager=True),
                    "subject": pl.repeat(subject, count, eager=True),
                    "value": values[known],
                }
            )
        )
    return pl.concat(parts) if parts else table(SERIES, [])


def _lines(environment: Environment, log: RunLog, times: Whole) -> Iterator[Line]:
    for vehicle in environment.scenario.vehicles:
        yield from _vehicle_lines(environment, log, vehicle, times)
        yield from _data_lines(environment, log, vehicle, times)
    for relay in environment.scenario.relays:
        yield from _data_lines(environment, log, relay, times)


def _vehicle_lines(
    environment: Environment, log: RunLog, vehicle: str, times: Whole
) -> Iterator[Line]:
    place = environment.places[environment.scenario.vehicles[vehicle].place]
    energy = Energy(environment, log, vehicle)
    whole = times.tolist()
    states = list(energy.states(whole))
    at = times.astype(float)
    yield vehicle, "sun_elevation_deg", "", place.sun_elevation_deg(at)
    yield vehicle, "array_power_w", "", np.array(energy.array_power_w(whole))
    load = np.array(energy.load_w(whole))
    yield vehicle, "load_w", "", load
    for part, watts in load_parts_w(environment, log, vehicle, times, load).items():
        yield vehicle, "load_part_w", part, watts
    yield vehicle, "state_of_charge", "", np.array([state.state_of_charge for state in states])
    heat = environment.scenario.vehicles[vehicle].heat
    for index, node in enumerate(heat.nodes if heat is not None else {}):
        kelvin = [state.temperatures_k[index] for state in states]
        yield vehicle, "temperature_k", node, np.array(kelvin)
    spans = mode_spans(environment, log, vehicle)
    awake = Steps.of((span.start_s, int(span.is_awake)) for span in spans)
    yield vehicle, "awake", "", awake.at(times).astype(float)
    yield vehicle, "delivered_gb", "", _delivered_gb(log, vehicle, times)


def _data_lines(environment: Environment, log: RunLog, asset: str, times: Whole) -> Iterator[Line]:
    levels = log.levels.get(asset, [])
    if levels and environment.scenario.assets[asset].recorder is not None:  # type: ignore[union-attr]
        rows = np.array([(level.t_s, level.on_board_bits) for level in levels], dtype=float)
        yield asset, "on_board_gb", "", np.interp(times, rows[:, 0], rows[:, 1]) / BITS_PER_GB
    for link in return_links(environment, asset):
        yield asset, "rate_bps", link, _used_rate_bps(environment, log, link, times)
        margin = _margin_db(environment, log, link, times)
        if not np.isnan(margin).all():
            yield asset, "margin_db", link, margin


def _delivered_gb(log: RunLog, vehicle: str, times: Whole) -> Floats:
    """Received on Earth by each time; evenly between the instants of each piece."""
    rows = [
        (d.arrived_start_s, d.arrived_stop_s, d.piece.bits)
        for d in log.deliveries
        if d.piece.origin == vehicle
    ]
    total = np.zeros(len(times))
    if not rows:
        return total
    start, stop, bits = np.array(rows, dtype=float).T
    order = np.argsort(stop, kind="stable")
    done = np.concatenate([[0.0], np.cumsum(bits[order])])
    total = done[np.searchsorted(stop[order], times, side="right")]
    first, last = np.searchsorted(times, start, side="right"), np.searchsorted(times, stop)
    for index in np.flatnonzero(first < last):  # pieces that are arriving at a sample
        inside = slice(first[index], last[index])
        share = (times[inside] - start[index]) / (stop[index] - start[index])
        total[inside] += bits[index] * share
    return np.asarray(total / BITS_PER_GB)


def _used_rate_bps(environment: Environment, log: RunLog, link: str, times: Whole) -> Floats:
    """Rate of the link while it is on, else 0."""
    pairs: list[tuple[int, int]] = []
    for use in uses_of(environment, log, link):
        pairs += [(use.start_s, use.rate_bps), (use.stop_s, 0)]
    return Steps.of(sorted(pairs, key=lambda pair: pair[0])).at(times).astype(float)


def _margin_db(environment: Environment, log: RunLog, link: str, times: Whole) -> Floats:
    """Margin of the rate in use, before any reserve; none while the link is off."""
    margin = np.full(len(times), NO_MARGIN)
    for hop in environment.hops_of(link):
        attitudes = Attitudes.of(log, hop.source)
        for rate, chosen in _in_use(hop, log, times):
            margin[chosen] = margin_db(hop, rate, times[chosen], attitudes)
    return margin


def _in_use(hop: Hop, log: RunLog, times: Whole) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each rate that a hop was used at, and which of the times it was in use."""
    by_rate: dict[int, list[NDArray[np.intp]]] = {}
    for use in log.uses:
        if use.hop == hop.name:
            first, last = np.searchsorted(times, [use.start_s, use.stop_s])
            by_rate.setdefault(use.rate_bps, []).append(np.arange(first, last))
    for rate, parts in by_rate.items():
        chosen = np.concatenate(parts)
        if len(chosen):
            yield rate, chosen


def margin_db(hop: Hop, rate_bps: int, t_s: Whole, attitudes: Attitudes) -> Floats:
    """Margin of a rate on a hop in the attitude of then; NaN where it is not known."""
    margin = np.full(len(t_s), NO_MARGIN)
    if not hop.carrier_to_noise_dbhz or rate_bps not in hop.required_dbhz:
        return margin
    ratios = hop.carrier_to_noise_dbhz
    present = attitudes.index.at(t_s)
    for index, name in enumerate(attitudes.names):
        chosen = present == index
        if chosen.any():
            ratio = ratios.get(name) or next(iter(ratios.values()))
            margin[chosen] = ratio(t_s[chosen].astype(float)) - hop.required_dbhz[rate_bps]
    return margin
