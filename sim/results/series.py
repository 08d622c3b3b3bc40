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
from sim.results.sights import read_only
from sim.results.timeline import Attitudes, Steps, Whole, links_from, mode_spans, uses_of

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
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


def series(
    environment: Environment, log: RunLog, cadence_s: int, arrived: pl.DataFrame
) -> pl.DataFrame:
    """All quantities of all assets at whole multiples of the cadence, long form.

    `arrived` is what reached the Earth.
    Sorted by asset and quantity in the order of the scenario, then by time. Values that do not
    exist at an instant, as a margin outside contacts, have no row.
    """
    times = sample_times_s(environment.duration_s, cadence_s)
    lines = [
        (*names, ~np.isnan(values), values)
        for *names, values in _lines(environment, log, times, arrived)
    ]
    if not lines:
        return table(SERIES, [])
    *names, known, values = zip(*lines, strict=True)
    counts = [int(is_known.sum()) for is_known in known]
    of_line = pl.Series(np.repeat(np.arange(len(lines)), counts))
    return pl.DataFrame(
        {
            "t_s": np.concatenate([times[is_known] for is_known in known]),
            **{
                column: pl.Series(texts).gather(of_line)
                for column, texts in zip(("asset", "quantity", "subject"), names, strict=True)
            },
            "value": np.concatenate(
                [v[is_known] for is_known, v in zip(known, values, strict=True)]
            ),
        }
    )


def _lines(
    environment: Environment, log: RunLog, times: Whole, arrived: pl.DataFrame
) -> Iterator[Line]:
    for vehicle in environment.scenario.vehicles:
        yield from _vehicle_lines(environment, log, vehicle, times)
        yield vehicle, "delivered_gb", "", _delivered_gb(arrived, vehicle, times)
        yield from _data_lines(environment, log, vehicle, times)
    for relay in environment.scenario.relays:
        yield from _data_lines(environment, log, relay, times)


def _vehicle_lines(
    environment: Environment, log: RunLog, vehicle: str, times: Whole
) -> Iterator[Line]:
    place = environment.places[environment.scenario.vehicles[vehicle].place]
    energy = Energy(environment, log, vehicle)
    yield vehicle, "sun_elevation_deg", "", place.sun_elevation_deg(times.astype(float))
    yield vehicle, "array_power_w", "", energy.array_power_w(times)
    load = energy.load_w(times)
    yield vehicle, "load_w", "", load
    for part, watts in load_parts_w(environment, log, vehicle, times, load).items():
        yield vehicle, "load_part_w", part, watts
    charge, temperatures_k = energy.stores(times)
    yield vehicle, "state_of_charge", "", charge
    heat = environment.scenario.vehicles[vehicle].heat
    for node, kelvin in zip(heat.nodes if heat is not None else (), temperatures_k, strict=True):
        yield vehicle, "temperature_k", node, kelvin
    spans = mode_spans(environment, log, vehicle)
    awake = Steps.of((span.start_s, int(span.is_awake)) for span in spans)
    yield vehicle, "awake", "", awake.at(times).astype(float)


def _data_lines(environment: Environment, log: RunLog, asset: str, times: Whole) -> Iterator[Line]:
    levels = log.levels.get(asset, [])
    if levels and environment.scenario.assets[asset].recorder is not None:  # type: ignore[union-attr]
        rows = np.array([(level.t_s, level.on_board_bits) for level in levels], dtype=float)
        yield asset, "on_board_gb", "", np.interp(times, rows[:, 0], rows[:, 1]) / BITS_PER_GB
    for link in links_from(environment, asset):
        yield asset, "rate_bps", link, _used_rate_bps(environment, log, link, times)
        margin = _margin_db(environment, log, link, times)
        if not np.isnan(margin).all():
            yield asset, "margin_db", link, margin


def _delivered_gb(arrived: pl.DataFrame, vehicle: str, times: Whole) -> Floats:
    """Received on Earth by each time; evenly between the instants of each piece."""
    mine = arrived.filter(pl.col("origin") == vehicle).sort("arrived_stop_s", maintain_order=True)
    start, stop, bits = (
        mine[name].to_numpy() for name in ("arrived_start_s", "arrived_stop_s", "bits")
    )
    done = np.append(0, np.cumsum(bits)).astype(float)
    total = done[np.searchsorted(stop, times, side="right")]
    first, last = np.searchsorted(times, start, side="right"), np.searchsorted(times, stop)
    sample, piece = _runs(first, last)  # pieces that are arriving at a sample
    share = (times[sample] - start[piece]) / (stop - start)[piece]
    np.add.at(total, sample, bits[piece] * share)
    return np.asarray(total / BITS_PER_GB)


def _runs(first: Indices, last: Indices) -> tuple[Indices, Indices]:
    """Every index from each `first` up to each `last` (N,), and of which of the N it is."""
    counts = np.maximum(last - first, 0)
    of_run = np.repeat(np.arange(len(counts)), counts)
    return np.arange(len(of_run)) + (first - np.cumsum(counts) + counts)[of_run], of_run


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
        uses = [(u.start_s, u.stop_s, u.rate_bps) for u in log.uses if u.hop == hop.name]
        start, stop, rate = np.array(uses, dtype=np.int64).reshape(-1, 3).T
        chosen, use = _runs(np.searchsorted(times, start), np.searchsorted(times, stop))
        attitudes = Attitudes.of(log, hop.source)
        margin[chosen] = margin_db(hop, rate[use], times[chosen], attitudes)
    return margin


def margin_db(hop: Hop, rate_bps: Whole, t_s: Whole, attitudes: Attitudes) -> Floats:
    """Margin of rates (N,) on a hop at times (N,) in the attitude of then; NaN where not known."""
    ratio = np.full(len(t_s), NO_MARGIN)
    present = attitudes.index.at(t_s)
    for index, name in enumerate(attitudes.names if hop.carrier_to_noise_dbhz else ()):
        chosen = present == index
        if chosen.any():
            ratios = hop.carrier_to_noise_dbhz
            find = ratios.get(name) or next(iter(ratios.values()))
            ratio[chosen] = find(read_only(t_s[chosen].astype(float)))
    rates, of_rate = np.unique(rate_bps, return_inverse=True)
    required = np.array([hop.required_dbhz.get(rate, NO_MARGIN) for rate in rates.tolist()])
    return np.asarray(ratio - required[of_rate])
