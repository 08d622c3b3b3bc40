"""Rates in time: steps are roots, losses are means, and nothing narrow is missed."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.environment.contacts import visible
from sim.environment.rates import RateFinder, RateStep, Section
from sim.environment.stage import Stage, set_stage
from sim.intervals import Intervals
from sim.physics.coding import frame_error_rate
from sim.physics.links import eb_n0_db
from sim.scenario.loading import load_scenario
from sim.scenario.radio import channel_of
from sim.sky.orbits import Orbit
from sim.sky.windows import even_grid, relay_grid

FOLDER = Path(__file__).parent / "scenarios"
EDGE_S = 0.06
RATIO_DB = 1e-4
MEAN = 0.003


def _finder(
    name: str, link: str, overrides: Mapping[str, Any]
) -> tuple[Stage, Section, RateFinder, Intervals]:
    scenario = load_scenario(FOLDER / f"{name}.yaml", overrides)
    stage = set_stage(scenario)
    parameters = scenario.links[link]
    source, destination = (
        stage.itineraries[scenario.resolved_end(end)[0]][0].end
        for end in (parameters.from_, parameters.to[0])
    )
    channel = channel_of(scenario, link, parameters, parameters.to[0])
    section = Section(channel, source, destination)
    finder = RateFinder([section], stage.ephemeris, None)
    views = visible(source.at, destination.at, stage.ephemeris, 0.0, float(stage.duration_s))
    return stage, section, finder, views


def _steps(finder: RateFinder, stage: Stage, views: Intervals) -> list[list[RateStep]]:
    relay = stage.itineraries["pipe"][0].end.at
    assert isinstance(relay, Orbit)
    return finder.steps(views, relay_grid(relay.track, 0.0, float(stage.duration_s), 3600.0))


LADDER = {
    "relays.pipe.orbit.elements.eccentricity": 0.6,
    "relays.pipe.orbit.elements.argument_of_perilune_deg": 300,
    "links.up.rates_bps": [int(10_000 * 1.15**step) for step in range(25)],
}


def test_each_step_is_where_a_threshold_is_crossed() -> None:
    stage, section, finder, views = _finder("bent_pipe", "up", LADDER)
    found = 0
    for (start_s, _), rows in zip(views, _steps(finder, stage, views), strict=True):
        assert rows[0].start_s == pytest.approx(start_s, abs=1e-6)
        at = np.array([row.start_s for row in rows[1:]])
        if len(at):
            ratios = finder.carrier_to_noise_dbhz(at)
            nearest = np.abs(ratios[:, None] - section.channel.thresholds_dbhz).min(axis=1)
            assert nearest.max() < RATIO_DB
            found += len(at)
    assert found >= 40


def test_rates_are_the_highest_that_close_at_every_second() -> None:
    stage, section, finder, views = _finder("bent_pipe", "up", LADDER)
    channel = section.channel
    for (start_s, stop_s), rows in zip(views, _steps(finder, stage, views), strict=True):
        times = np.arange(start_s, stop_s, 7.0)
        starts = np.array([row.start_s for row in rows])
        rates = np.array([row.rate_bps for row in rows])
        mine = rates[np.searchsorted(starts, times, side="right") - 1]
        ratios = finder.carrier_to_noise_dbhz(times)
        best = channel.rates_bps[np.searchsorted(channel.thresholds_dbhz, ratios, side="right")]
        away = np.abs(times[:, None] - starts).min(axis=1) > EDGE_S
        assert np.array_equal(mine[away], best[away])


def test_hysteresis_delays_rises_only() -> None:
    stage, section, finder, views = _finder(
        "bent_pipe", "up", {**LADDER, "links.up.hysteresis_db": 0.5}
    )
    thresholds = section.channel.thresholds_dbhz
    rises = 0
    for rows in _steps(finder, stage, views):
        for before, after in itertools.pairwise(rows):
            ratio = float(finder.carrier_to_noise_dbhz(np.array([after.start_s]))[0])
            held = max(before.rate_bps, after.rate_bps)
            level = thresholds[list(section.channel.rates_bps[1:]).index(held)]
            above = 0.5 if after.rate_bps > before.rate_bps else 0.0
            assert ratio == pytest.approx(level + above, abs=RATIO_DB)
            rises += after.rate_bps > before.rate_bps
    assert rises >= 20


def test_expected_losses_are_the_means_of_the_steps() -> None:
    # without a reserve the error rate moves through decades within a step
    stage, section, finder, views = _finder(
        "bent_pipe", "up", {**LADDER, "links.up.margin_db": -0.4}
    )
    channel = section.channel
    modes = {mode.rate_bps: mode for mode in channel.modes}
    checked = 0
    for (_, stop_s), rows in zip(views, _steps(finder, stage, views), strict=True):
        stops = [row.start_s for row in rows[1:]] + [stop_s]
        for row, end_s in zip(rows, stops, strict=True):
            if row.rate_bps == 0:
                assert row.frame_loss == 0.0
                continue
            times = np.linspace(row.start_s, end_s, 20_001)
            mode = modes[row.rate_bps]
            eb_n0 = eb_n0_db(
                channel.link, mode.code, finder.carrier_to_noise_dbhz(times), mode.rate_bps
            )
            mean = float(np.trapezoid(frame_error_rate(mode.code, eb_n0), times)) / (
                end_s - row.start_s
            )
            assert row.frame_loss == pytest.approx(mean, rel=MEAN)
            checked += mean > 1e-5
    assert checked >= 20


def test_the_sun_passing_behind_is_not_missed_between_looks() -> None:
    # the annular eclipse of 2030-06-01 about 06:30 UTC, seen by a dish that follows the Moon
    stage, section, finder, views = _finder(
        "direct_to_earth",
        "home",
        {
            "start_utc": "2030-05-31T12:00:00Z",
            "span.duration_h": 36,
            "links.home.fade": None,
            "links.home.coding": "turbo_1784_1_2",
            "links.home.symbol_rates_sps": [1000, 8000, 32000, 128000, 512000],
        },
    )
    coarse = finder.steps(views, even_grid(0.0, float(stage.duration_s), 3600.0))
    rates = {row.rate_bps for rows in coarse for row in rows}
    assert len(rates) >= 3
    for (start_s, stop_s), rows in zip(views, coarse, strict=True):
        times = np.arange(start_s, stop_s, 30.0)
        ratios = finder.carrier_to_noise_dbhz(times)
        lowest = section.channel.rates_bps[
            np.searchsorted(section.channel.thresholds_dbhz, ratios, side="right")
        ].min()
        assert min(row.rate_bps for row in rows) == lowest
