"""Loads, nights and batteries of LuSEE-Night and Blue Ghost."""

from collections.abc import Iterator
from math import nan

from sim.environment import LunarDay
from sim.operations.runlog import Flow
from sim.physics.bus import BusState
from sim.validation.cases import Cases

_PUBLISHED_NIGHT_H = 354.0
_LUSEE, _VEHICLE = "lusee_night", "lusee"


def night_load_w(cases: Cases, which: str) -> float:
    """`least` or `largest` load of LuSEE-Night in the third night of the run."""
    loads = [flow.load_w for flow, _, _ in _night_flows(cases, 3)]
    return min(loads) if which == "least" else max(loads)


def night_energy_wh(cases: Cases, lunar_day: str) -> float:
    """Energy of the loads at the bus from sunset to sunrise, for a night of 354 h."""
    flows = list(_night_flows(cases, int(lunar_day)))
    seconds = sum(stop - start for _, start, stop in flows)
    joules = sum(flow.load_w * (stop - start) for flow, start, stop in flows)
    return joules / seconds * _PUBLISHED_NIGHT_H


def night_data_gb(cases: Cases, lunar_day: str) -> float:
    """Data that LuSEE-Night makes from sunset to sunrise, for a night of 354 h."""
    vehicle = cases.scenario(_LUSEE).vehicles[_VEHICLE]
    science = vehicle.activities["night_science"].rate_bps
    always = vehicle.activities["housekeeping"].rate_bps
    flows = list(_night_flows(cases, int(lunar_day)))
    quiet_w = min(flow.load_w for flow, _, _ in flows)
    seconds = sum(stop - start for _, start, stop in flows)
    busy = sum(stop - start for flow, start, stop in flows if flow.load_w > quiet_w + 1.0)
    return (busy / seconds * science + always) * _PUBLISHED_NIGHT_H * 3600.0 / 8e9


def night_discharge(cases: Cases, lunar_day: str) -> float:
    """Share of the battery's charge that a night takes, losses and self-discharge included."""
    first, last = _night(cases, int(lunar_day))
    states = [_state_near(cases, t_s) for t_s in (first, last)]
    return states[0].state_of_charge - states[1].state_of_charge


def lowest_charge(cases: Cases, scenario: str, vehicle: str) -> float:
    """Lowest state of charge of the run."""
    snapshots = cases.log(scenario).snapshots[vehicle]
    return min(snapshot.bus.lowest_state_of_charge for snapshot in snapshots)


def last_data_time(cases: Cases, scenario: str, vehicle: str) -> float:
    """Time at which a vehicle sent for the last time."""
    environment, log = cases.environment(scenario), cases.log(scenario)
    own = {hop.name for hop in environment.hops if hop.source == vehicle}
    ends = [use.stop_s for use in log.uses if use.hop in own]
    return environment.clock.start_tai_s + float(max(ends)) if ends else nan


def _night(cases: Cases, lunar_day: int) -> tuple[float, float]:
    """From the sunset of a lunar day to the sunrise of the next."""
    days = {day.number: day for day in cases.environment(_LUSEE).lunar_days(_VEHICLE)}
    return _sunset_s(days[lunar_day]), _sunrise_s(days[lunar_day + 1])


def _sunset_s(day: LunarDay) -> float:
    return nan if day.sunset_s is None else day.sunset_s


def _sunrise_s(day: LunarDay) -> float:
    return nan if day.sunrise_s is None else day.sunrise_s


def _night_flows(cases: Cases, lunar_day: int) -> Iterator[tuple[Flow, float, float]]:
    """Flows of a night with the times between which each holds, the first minutes left out."""
    first, last = _night(cases, lunar_day)
    flows = cases.log(_LUSEE).flows[_VEHICLE]
    stops = [flow.t_s for flow in flows[1:]] + [cases.environment(_LUSEE).duration_s]
    for flow, stop in zip(flows, stops, strict=True):
        start_s, stop_s = max(flow.t_s, first + 60.0), min(stop, last)
        if stop_s > start_s:
            yield flow, start_s, stop_s


def _state_near(cases: Cases, t_s: float) -> BusState:
    """The state at the first change of load after a time."""
    flows = cases.log(_LUSEE).flows[_VEHICLE]
    return next(flow.state for flow in flows if flow.t_s >= t_s)


MEASURES = (
    night_load_w,
    night_energy_wh,
    night_data_gb,
    night_discharge,
    lowest_charge,
    last_data_time,
)
