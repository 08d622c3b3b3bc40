"""Energy of a vehicle at any instant and through its nights, from the log by the same `advance`."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.environment import Environment
from sim.operations.runlog import Flow, RunLog, Snapshot
from sim.physics.battery import ConstantBatteryParameters
from sim.physics.bus import BusState, PowerParameters, advance, aged, lifeless, opened
from sim.physics.linear import LinearSpan, linear_spans, stored_after_wh
from sim.results.timeline import ModeSpan, Whole
from sim.track import Track

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_HOUR_S = 3600.0
_BOOKS = ("generated_wh", "used_wh", "spilled_wh", "lost_wh", "leaked_wh", "unmet_wh")


class Energy:
    """The stores and loads of one vehicle as functions of time."""

    def __init__(self, environment: Environment, log: RunLog, vehicle: str) -> None:
        self.parameters = environment.scenario.vehicles[vehicle]
        self._lifeless = lifeless(self.parameters)
        self.flows = _with_ageing(self.parameters, log.flows[vehicle], log.snapshots[vehicle])
        self._environment = environment
        self._vehicle = vehicle
        self._starts_s = np.array([flow.t_s for flow in self.flows], dtype=np.int64)
        self._array_shares = np.array([flow.array_share for flow in self.flows])

    def state(self, t_s: int) -> BusState:
        """The state at one instant; its books are of no use."""
        return self.states([t_s])[0]

    def states(self, times_s: Sequence[int]) -> list[BusState]:
        """The state at each of some rising times; its books are of no use."""
        found: list[BusState] = []
        last, since_s = -1, 0
        for t_s, index in zip(times_s, self._index(times_s).tolist(), strict=True):
            flow = self.flows[index]
            state, since_s = (found[-1], since_s) if index == last else (flow.state, flow.t_s)
            found.append(self._moved(flow, state, since_s, t_s))
            last, since_s = index, t_s
        return found

    def stores(self, times_s: Whole) -> tuple[Floats, Floats]:
        """State of charge (N,) and kelvin of the thermal nodes (nodes, N) at rising times (N,)."""
        battery = self.parameters.battery
        if self.parameters.heat is None and isinstance(battery, ConstantBatteryParameters):
            return self._linear_charge(battery, times_s), np.empty((0, len(times_s)))
        states = self.states(times_s.tolist())
        charge = np.array([state.state_of_charge for state in states])
        return charge, np.array([state.temperatures_k for state in states]).T

    def _linear_charge(self, battery: ConstantBatteryParameters, times_s: Whole) -> Floats:
        """All times at once, from the spans in which the battery only gains or only gives."""
        index = self._index(times_s)
        spans = [span for flow in np.unique(index).tolist() for span in self._spans(battery, flow)]
        columns = np.array([(p.start_s, p.level_w, p.stored_before_wh) for p in spans])
        row = np.searchsorted(columns[:, 0], times_s, side="right") - 1
        start_s, level_w, before_wh = columns[row].T
        made_j = np.empty(len(times_s))
        for chosen, track in self._tracks(index):
            made_j[chosen] = track.integral(start_s[chosen], times_s[chosen])
        net_j = self._array_shares[index] * made_j - level_w * (times_s - start_s)
        capacity_wh = np.array([flow.state.capacity_wh for flow in self.flows])[index]
        stored_wh = stored_after_wh(battery, capacity_wh, before_wh, net_j / _HOUR_S)
        return np.asarray(stored_wh / capacity_wh)

    def _spans(self, battery: ConstantBatteryParameters, index: int) -> Iterator[LinearSpan]:
        flow, stop_s = self.flows[index], self._environment.duration_s
        if index + 1 < len(self.flows):
            stop_s = self.flows[index + 1].t_s
        track = self._environment.array_power_w[self._vehicle, flow.attitude]
        return linear_spans(
            self.parameters,
            battery,
            flow.state,
            flow.load_w,
            track,
            flow.array_share,
            flow.t_s,
            stop_s,
        )

    def load_w(self, times_s: Sequence[int] | Whole) -> Floats:
        """The load that is connected at each time (N,)."""
        return np.array([flow.load_w for flow in self.flows])[self._index(times_s)]

    def array_power_w(self, times_s: Sequence[int] | Whole) -> Floats:
        """What the arrays can give at each time (N,) in the attitude of then."""
        index, times = self._index(times_s), np.asarray(times_s, dtype=float)
        power = np.empty(len(times))
        for chosen, track in self._tracks(index):
            power[chosen] = track(times[chosen])
        return np.asarray(power * self._array_shares[index])

    def _index(self, times_s: Sequence[int] | Whole) -> Indices:
        """The flow that holds at each time."""
        return np.maximum(np.searchsorted(self._starts_s, times_s, side="right") - 1, 0)

    def _tracks(self, index: Indices) -> Iterator[tuple[NDArray[np.bool_], Track]]:
        """For each attitude, which of some flows have it, and the arrays' power in it."""
        names = np.array([flow.attitude for flow in self.flows])[index]
        for attitude in dict.fromkeys(names.tolist()):
            yield names == attitude, self._environment.array_power_w[self._vehicle, attitude]

    def lowest(self, start_s: int, stop_s: int) -> tuple[float, float]:
        """The least energy in the battery between two instants, and the load connected then."""
        state, since_s = opened(self.state(start_s)), start_s
        least, load_w = state.stored_wh, float(self.load_w([start_s])[0])
        first = int(self._index([start_s])[0])
        for index in range(first, len(self.flows)):
            is_last = index + 1 == len(self.flows)
            until_s = stop_s if is_last else min(self.flows[index + 1].t_s, stop_s)
            if until_s > since_s:
                state = self._moved(self.flows[index], opened(state), since_s, until_s)
                stored_wh = state.lowest_state_of_charge * state.capacity_wh
                if stored_wh < least:
                    least, load_w = stored_wh, self.flows[index].load_w
                since_s = until_s
            if until_s >= stop_s:
                break
        return least, load_w

    def books(self, start_s: int, stop_s: int) -> dict[str, float]:
        """What went where between two instants by the name of its book; `stored_wh` is the change."""
        first = int(self._index([start_s])[0])
        sums = dict.fromkeys((*_BOOKS, "stored_wh"), 0.0)
        for index in range(first, len(self.flows)):
            flow = self.flows[index]
            if flow.t_s >= stop_s:
                break
            is_last = index + 1 == len(self.flows)
            until_s = stop_s if is_last else min(self.flows[index + 1].t_s, stop_s)
            begin_s = max(flow.t_s, start_s)
            state = self._moved(flow, flow.state, flow.t_s, begin_s)
            moved = self._moved(flow, opened(state), begin_s, until_s)
            for name in _BOOKS:
                sums[name] += getattr(moved, name)
            sums["stored_wh"] += moved.stored_wh - state.stored_wh
        return sums

    def _moved(self, flow: Flow, state: BusState, start_s: float, stop_s: float) -> BusState:
        if stop_s <= start_s:
            return state
        track = self._environment.array_power_w[self._vehicle, flow.attitude]
        return advance(
            self.parameters if flow.is_alive else self._lifeless,
            state,
            flow.load_w,
            track,
            start_s,
            stop_s,
            array_share=flow.array_share,
            heat=self._environment.heat.get((self._vehicle, flow.attitude)),
        )


def _with_ageing(
    parameters: PowerParameters, flows: Sequence[Flow], snapshots: Sequence[Snapshot]
) -> list[Flow]:
    """The flows, and one where each lunar day ends and the battery has aged."""
    starts = [flow.t_s for flow in flows]
    found = list(flows)
    for snapshot in snapshots[:-1]:
        index = bisect_right(starts, snapshot.t_s) - 1
        if index >= 0 and starts[index] < snapshot.t_s:
            state = aged(parameters, opened(snapshot.bus))
            found.append(flows[index]._replace(t_s=snapshot.t_s, state=state))
    return sorted(found, key=lambda flow: flow.t_s)


@dataclass(frozen=True, slots=True)
class Night:
    """How a vehicle got through the night after one sunset."""

    state_of_charge_at_sunset: float
    margin_wh: float
    """Least energy over the cut-off, from sunset to the wake, or to noon where it sleeps never."""
    margin_h: float | None
    """How much longer that would have carried the load of then; None without a load."""


def night_after(energy: Energy, sunset_s: float | None, end_s: int) -> Night | None:
    """The night from a sunset to its end; None where the run does not hold both."""
    if sunset_s is None or not 0.0 <= sunset_s < end_s:
        return None
    at_sunset = energy.state(int(sunset_s))
    stored_wh, load_w = energy.lowest(int(sunset_s), end_s)
    battery = energy.parameters.battery
    margin_wh = stored_wh - battery.cutoff_state_of_charge * at_sunset.capacity_wh
    efficiency = getattr(battery, "discharge_efficiency", 1.0)
    return Night(
        state_of_charge_at_sunset=at_sunset.state_of_charge,
        margin_wh=margin_wh,
        margin_h=margin_wh * efficiency / load_w if load_w > 0.0 else None,
    )


def awake_s(spans: Sequence[ModeSpan], start_s: int, stop_s: int) -> int:
    """Time awake between two instants."""
    return sum(
        max(0, min(span.stop_s, stop_s) - max(span.start_s, start_s))
        for span in spans
        if span.is_awake
    )
