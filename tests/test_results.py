"""Tables of the pencil run: every number worked out by hand, times in whole seconds."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import DURATION_S, small_environment, small_log

from sim.errors import ResultsError
from sim.operations.runlog import Flow
from sim.physics.bus import advance, initial_state
from sim.results import Results
from sim.results.power import Energy
from sim.results.schemas import TABLES, rounded
from sim.results.series import cadence_s
from sim.scenario.variants import variant

GB_BITS = 8e9


@pytest.fixture(scope="module")
def results() -> Results:
    environment = small_environment()
    return Results(environment.scenario, environment, small_log())


def _day(results: Results, number: int) -> dict[str, object]:
    return results.lunar_days.filter(pl.col("lunar_day") == number).row(0, named=True)


def test_every_table_has_the_columns_of_its_schema(results: Results) -> None:
    for name, columns in TABLES.items():
        frame = results.series(500) if name == "series" else results.table(name)
        assert frame.columns == [column.name for column in columns]
        assert len(frame) > 0


def test_sleep_and_wake(results: Results) -> None:
    first, second = _day(results, 1), _day(results, 2)
    assert (first["sleep_s"], first["wake_s"]) == (400, 700)
    assert (first["sleep_cause"], first["wake_cause"]) == ("sun_elevation_deg", "array_power_w")
    assert first["awake_h"] == pytest.approx(700 / 3600)
    assert (second["sleep_s"], second["wake_s"]) == (None, None)
    assert second["wake_utc"] is None
    assert first["wake_utc"] == "2030-01-05T00:11:40Z"


def test_energy_and_night(results: Results) -> None:
    first = _day(results, 1)
    assert first["stored_change_wh"] == pytest.approx((30 * 400 - 20 * 700) / 3600)
    assert first["state_of_charge_at_sunset"] == pytest.approx((5 + 10 * 350 / 3600) / 10)
    # from sunset at 350 s to the wake at 700 s the battery gains for 50 s and then holds
    assert first["night_margin_wh"] == pytest.approx(5 + 10 * 350 / 3600)
    assert first["night_margin_h"] == pytest.approx((5 + 10 * 350 / 3600) / 20)
    assert first["state_of_charge_at_wake"] == pytest.approx((5 + 10 * 400 / 3600) / 10)


def test_capacity_counts_the_time_in_which_the_mode_transmits(results: Results) -> None:
    first = _day(results, 1)
    # awake and in contact: 0-200 s at 1000, 200-300 s at 500, 700-1000 s at 1000 bit/s
    assert first["capacity_gb"] == pytest.approx((200_000 + 50_000 + 300_000) / GB_BITS)
    assert first["contact_h"] == pytest.approx((300 + 349) / 3600)
    assert first["transmit_h"] == pytest.approx(600 / 3600)
    assert first["link_used_h"] == pytest.approx(600 / 3600)
    assert first["ceiling_gb"] == pytest.approx(1_000_000 / GB_BITS)


def test_data_of_a_lunar_day(results: Results) -> None:
    first, second = _day(results, 1), _day(results, 2)
    bits = {
        name: round(float(str(value)) * GB_BITS)
        for name, value in first.items()
        if name.endswith("_gb")
    }
    assert bits["produced_gb"] == 308_000
    assert bits["handed_over_gb"] == 300_000
    assert bits["lost_gb"] == 8_000
    assert bits["delivered_gb"] == 236_000
    assert bits["delivered_of_this_day_gb"] == 300_000
    assert bits["in_relay_gb"] == 60_000
    assert round(float(str(second["delivered_gb"])) * GB_BITS) == 64_000
    assert second["delivered_of_this_day_gb"] == 0


def test_passes(results: Results) -> None:
    passes = results.passes
    assert passes["aos_s"].to_list() == [0, 500, 651]
    first = passes.row(0, named=True)
    assert (first["lowest_rate_bps"], first["highest_rate_bps"], first["rate_steps"]) == (
        500,
        1000,
        1,
    )
    assert first["capacity_gb"] == pytest.approx(250_000 / GB_BITS)
    assert first["moved_gb"] == pytest.approx(140_000 / GB_BITS)
    assert first["used_h"] == pytest.approx(300 / 3600)
    assert passes["local_solar_time_h"].to_list() == pytest.approx([0.0, 12.0, 12 + 12 * 151 / 500])


def test_windows(results: Results) -> None:
    windows = results.windows
    assert windows["start_s"].is_sorted()
    views = windows.filter((pl.col("kind") == "view") & (pl.col("link") == "lander_return"))
    assert views["stop_s"].to_list() == [300.5, 2000.0]
    light = windows.filter(pl.col("kind") == "light")
    assert light["start_s"].to_list() == [100.0, 1100.0]


def test_events_begin_with_the_modes_at_the_start(results: Results) -> None:
    first = results.events.row(0, named=True)
    assert (first["event"], first["after"], first["cause"]) == ("mode", "working", "start")
    assert results.events["t_s"].is_sorted()


def test_series_are_exact_between_changes(results: Results) -> None:
    series = results.series(100)
    charge = series.filter(pl.col("quantity") == "state_of_charge")["value"].to_list()
    assert len(charge) == DURATION_S // 100
    assert charge[3] == pytest.approx((5 + 10 * 300 / 3600) / 10)
    assert charge[6] == pytest.approx((5 + 10 * 400 / 3600) / 10)
    relay = series.filter((pl.col("asset") == "queqiao") & (pl.col("quantity") == "on_board_gb"))
    assert relay["value"][8] == pytest.approx(140_000 / GB_BITS * (1 - 300 / 600))
    delivered = series.filter(pl.col("quantity") == "delivered_gb")["value"].to_list()
    assert delivered[7] == pytest.approx(236_000 * (700 - 500.2) / 490 / GB_BITS)
    assert delivered[-1] == pytest.approx(300_000 / GB_BITS)


def test_a_finer_cadence_changes_no_value(results: Results) -> None:
    fine, coarse = results.series(50), results.series(100)
    joined = coarse.join(fine, on=["t_s", "asset", "quantity", "subject"], how="left")
    assert joined["value_right"].null_count() == 0
    assert (joined["value"] - joined["value_right"]).abs().max() < 1e-12  # type: ignore[operator]


loads_w = st.lists(st.floats(0.0, 90.0), min_size=1, max_size=8)


@settings(max_examples=60)
@given(loads_w, st.sampled_from([None, 0.6]), st.integers(10, 90))
def test_charge_at_many_instants_is_that_at_each(
    loads: list[float], recovery: float | None, step_s: int
) -> None:
    """A battery that fills, empties, cuts off and recovers, looked at all at once and in turn."""
    environment = small_environment()
    battery = {"capacity_wh": 1.0, "cutoff_state_of_charge": 0.2, "charge_efficiency": 0.9}

    def edit(data: dict[str, Any]) -> None:
        data["vehicles"]["lander"]["battery"] |= battery | {"recovery_state_of_charge": recovery}

    environment = replace(environment, scenario=variant(environment.scenario, edit))
    lander = environment.scenario.vehicles["lander"]
    state, flows, edges = initial_state(lander), [], np.linspace(0, DURATION_S, len(loads) + 1)
    for load_w, start_s, stop_s in zip(
        loads, edges.astype(int), edges[1:].astype(int), strict=False
    ):
        flows.append(Flow(int(start_s), state, load_w, ""))
        track = environment.array_power_w["lander", ""]
        state = advance(lander, state, load_w, track, int(start_s), int(stop_s))
    energy = Energy(environment, replace(small_log(), flows={"lander": flows}), "lander")
    times = np.arange(0, DURATION_S, step_s)
    charge, temperatures_k = energy.stores(times)
    in_turn = [state.state_of_charge for state in energy.states(times.tolist())]
    # cut-off and recovery are found to 1e-7 s, in which 90 W move 2.5e-9 of 1 Wh; there are up to
    # 52 of them, since 0.4 Wh take 24 s to drain at 60 W and 53 s to fill at 27 W
    assert charge == pytest.approx(in_turn, abs=52 * 2.5e-9)
    assert temperatures_k.shape == (0, len(times))


def test_cadence_grows_with_the_run() -> None:
    assert cadence_s(3600) == 60
    assert cadence_s(14 * 2_551_443) == 3600
    assert cadence_s(10**10) == 86400


def test_no_cadence_under_a_second(results: Results) -> None:
    with pytest.raises(ResultsError, match="cadence of -1 s"):
        results.series(-1)


def test_lowest_energy_between_two_instants(results: Results) -> None:
    energy = Energy(results.environment, results.log, "lander")
    least_wh, load_w = energy.lowest(400, 1000)
    assert least_wh == pytest.approx(5 + 10 * 400 / 3600 - 20 * 300 / 3600)
    assert load_w == 20.0


def test_rounding_leaves_no_negative_zero() -> None:
    columns = TABLES["series"]
    frame = pl.DataFrame(
        {"t_s": [0], "asset": ["a"], "quantity": ["q"], "subject": [""], "value": [-1e-9]}
    )
    assert str(rounded(frame, columns)["value"][0]) == "0.0"
