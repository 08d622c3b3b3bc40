"""Energy of a vehicle at any instant and through its nights, from the log by the same `advance`."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.environment import Environment
from sim.operations.runlog import Flow, RunLog, Snapshot
from sim.physics.bus import BusState, PowerParameters, advance, aged, opened
from sim.results.timeline import ModeSpan

_HOUR_S = 3600.0
_BOOKS = ("generated_wh", "used_wh", "spilled_wh", "lost_wh", "leaked_wh", "unmet_wh")


class Energy:
    """The stores and loads of one vehicle as functions of time."""

    def __init__(self, environment: Environment, log: RunLog, vehicle: str) -> None:
        self.parameters = environment.scenario.vehicles[vehicle]
        self.flows = _with_ageing(self.parameters, log.flows[vehicle], log.snapshots[vehicle])
        self._environment = environment
        self._vehicle = vehicle
        self._starts_s = np.array([flow.t_s for flow in self.flows], dtype=np.int64)

    def states(self, times_s: Sequence[int]) -> list[BusState]:
        """The state at each of some rising times; its books are of no use."""
        first = np.maximum(np.searchsorted(self._starts_s, times_s, side="right") - 1, 0)
        found: list[BusState] = []
        for index in dict.fromkeys(first.tolist()):
            a, b = np.searchsorted(first, [index, index + 1]).tolist()
            flow = self.flows[index]
            find = self._halved if self.parameters.is_linear else self._in_turn
            found += find(flow, flow.state, flow.t_s, times_s[a:b])
        return found

    def _in_turn(
        self, flow: Flow, state: BusState, since_s: int, times_s: Sequence[int]
    ) -> list[BusState]:
        found = []
        for t_s in times_s:
            state = self._moved(flow, state, since_s, t_s)
            since_s = t_s
            found.append(state)
        return found

    def _halved(
        self, flow: Flow, state: BusState, since_s: int, times_s: Sequence[int]
    ) -> list[BusState]:
        """The same, with one look at spans in which the battery stays full, or nothing flows."""
        end = self._moved(flow, opened(state), since_s, times_s[-1])
        is_full = end.lowest_state_of_charge == 1.0
        if len(times_s) == 1 or is_full or end.generated_wh == end.demanded_wh == 0.0:
            return [end] * len(times_s)
        middle = len(times_s) // 2
        head = self._halved(flow, state, since_s, times_s[:middle])
        return head + self._halved(flow, head[-1], times_s[middle - 1], times_s[middle:])

    def state(self, t_s: int) -> BusState:
        """The state at one instant."""
        return self.states([t_s])[0]

    def load_w(self, times_s: Sequence[int]) -> list[float]:
        """The load that is connected at each time."""
        index = np.maximum(np.searchsorted(self._starts_s, times_s, side="right") - 1, 0)
        loads = np.array([flow.load_w for flow in self.flows])
        return [float(load) for load in loads[index]]

    def array_power_w(self, times_s: Sequence[int]) -> list[float]:
        """What the arrays can give at each time in the attitude of then."""
        times = np.asarray(times_s, dtype=float)
        index = np.maximum(np.searchsorted(self._starts_s, times, side="right") - 1, 0)
        power = np.zeros(len(times))
        names = np.array([flow.attitude for flow in self.flows])[index]
        for attitude in dict.fromkeys(names.tolist()):
            chosen = names == attitude
            track = self._environment.array_power_w[self._vehicle, attitude]
            power[chosen] = track(times[chosen])
        power *= np.array([flow.array_share for flow in self.flows])[index]
        return [float(watts) for watts in power]

    def lowest(self, start_s: int, stop_s: int) -> tuple[float, float]:
        """The least energy in the battery between two instants, and the load connected then."""
        state, since_s = opened(self.state(start_s)), start_s
        least, load_w = state.stored_wh, self.load_w([start_s])[0]
        first = max(int(np.searchsorted(self._starts_s, start_s, side="right")) - 1, 0)
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
        first = max(int(np.searchsorted(self._starts_s, start_s, side="right")) - 1, 0)
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
            self.parameters,
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
