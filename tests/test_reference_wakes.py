"""Wakes and noon naps in the run of `change4.yaml` against the bulletins of 2019."""

from typing import Any

import numpy as np
import pytest

from sim.clock import tai_seconds
from sim.constants import DAY_S
from sim.results import Results
from sim.validation.measures.wakes import bulletins

ROVER_RMS_H = 2.5
LANDER_RMS_H = 2.0
NAP_S = 1.0 * DAY_S
NAP_OF_CALIBRATION_S = 600.0
BEIJING_S = 8 * 3600.0

ANNOUNCED = {"rover": ("dormant", "waking"), "lander": ("waking", "working")}
"""The change of mode that a bulletin announces: the rover's own wake, the lander's normal state."""
MORNING_S = 5 * DAY_S


def _changes_s(results: Results, vehicle: str, before: str, after: str) -> list[float]:
    """Instants of a change of mode, in TAI seconds."""
    return [
        float(results.clock.start_tai_s + event.t_s)
        for event in results.log.events
        if (event.asset, event.event, event.before, event.after) == (vehicle, "mode", before, after)
    ]


def _announced_s(vehicle: str) -> dict[int, float]:
    """Wakes of the calibration by lunar day, all of 2019."""
    key = ("wake", vehicle, "calibration")
    found = {b.lunar_day: b for b in bulletins() if (b.event, b.vehicle, b.use) == key}
    assert {b.utc[:4] for b in found.values()} == {"2019"}
    return {day: float(tai_seconds(b.utc)) for day, b in found.items()}


def _rms_h(late_s: Any) -> float:
    return float(np.sqrt(np.mean(np.square(late_s)))) / 3600.0


def _late_s(results: Results, vehicle: str) -> list[float]:
    changes = _changes_s(results, vehicle, *ANNOUNCED[vehicle])
    return [min((t - told for t in changes), key=abs) for told in _announced_s(vehicle).values()]


@pytest.mark.parametrize(
    ("vehicle", "wakes", "limit_h"), [("rover", 5, ROVER_RMS_H), ("lander", 6, LANDER_RMS_H)]
)
def test_wakes_of_2019(change4: Results, vehicle: str, wakes: int, limit_h: float) -> None:
    late_s = _late_s(change4, vehicle)
    assert len(late_s) == wakes
    assert _rms_h(late_s) <= limit_h


@pytest.mark.parametrize("vehicle", ["rover", "lander"])
def test_naive_rules_do_worse(change4: Results, vehicle: str) -> None:
    """The best fixed hours after sunrise, and the mean elevation of the Sun, on the same wakes."""
    days = {day.number: day for day in change4.environment.lunar_days(vehicle)}
    elevation = change4.environment.places["von_karman"].sun_elevation_deg
    start_s = change4.clock.start_tai_s
    rises = {number: days[number].sunrise_s for number in _announced_s(vehicle)}
    told = {number: t_s - start_s for number, t_s in _announced_s(vehicle).items()}
    after = np.array([told[number] - rises[number] for number in told])
    level = float(np.mean([elevation.at(t_s) for t_s in told.values()]))
    by_level = [
        float(elevation.crossings(level, rises[n], rises[n] + MORNING_S)[0]) - told[n] for n in told
    ]
    model = _rms_h(_late_s(change4, vehicle))
    assert model < _rms_h(after - after.mean())
    assert model < _rms_h(by_level)


def _off_s(t_s: float, beijing_date: str) -> float:
    """How far an instant is outside a whole day in Beijing."""
    begin_s = tai_seconds(f"{beijing_date}T00:00Z") - BEIJING_S
    return max(begin_s - t_s, t_s - begin_s - DAY_S, 0.0)


def _naps(results: Results) -> list[tuple[float, float]]:
    return list(
        zip(
            _changes_s(results, "rover", "working", "napping"),
            _changes_s(results, "rover", "napping", "working"),
            strict=True,
        )
    )


def test_the_nap_of_lunar_day_4_is_where_it_was_calibrated(change4: Results) -> None:
    begin_s, end_s = _naps(change4)[3]
    assert _off_s(begin_s, "2019-04-02") == 0.0
    assert end_s == pytest.approx(tai_seconds("2019-04-08T14:04Z"), abs=NAP_OF_CALIBRATION_S)


def test_naps_of_lunar_days_1_and_2_follow_within_a_day(change4: Results) -> None:
    """5 to 10 January 2019 (Xinhua), from 4 February 2019 (CGTN)."""
    (first, first_end), (second, _) = _naps(change4)[:2]
    assert _off_s(first, "2019-01-05") <= NAP_S
    assert _off_s(first_end, "2019-01-10") <= NAP_S
    assert _off_s(second, "2019-02-04") <= NAP_S


def test_both_vehicles_nap_and_wake_in_all_lunar_days(change4: Results) -> None:
    assert len(_naps(change4)) == 14
    for vehicle, change in ANNOUNCED.items():
        assert len(_changes_s(change4, vehicle, *change)) == 13
