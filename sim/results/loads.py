"""What a vehicle's load is made of: its mode, activities, transmitters, units, and the converter."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sim.environment import Environment
from sim.operations.runlog import RunLog
from sim.physics.loads import unit_load_w
from sim.results.timeline import ModeSpan, Whole, mode_spans, return_links, uses_of

Floats = NDArray[np.float64]
Span = tuple[int, int]

_NOTHING_W = 1e-9


def load_parts_w(
    environment: Environment, log: RunLog, vehicle: str, times_s: Whole, load_w: Floats
) -> dict[str, Floats]:
    """The parts of the load at whole rising times (N,), by name; their sum is `load_w`.

    `mode` is the mode's own load, a unit has the load of its state, the transmitter of a link its
    load while it is on and not shed; `converter` is the rest.
    """
    parts = {
        name: values for name, values in _parts(environment, log, vehicle, times_s) if values.any()
    }
    rest = load_w - sum(parts.values(), np.zeros(len(times_s)))
    if np.abs(rest).max(initial=0.0) > _NOTHING_W:
        parts["converter"] = rest
    return parts


def _parts(
    environment: Environment, log: RunLog, vehicle: str, times_s: Whole
) -> Iterator[tuple[str, Floats]]:
    parameters = environment.scenario.vehicles[vehicle]
    spans = mode_spans(environment, log, vehicle)
    base = {str(mode): float(own.load_w) for mode, own in parameters.modes.items()}
    yield "mode", _by_mode(spans, base, times_s)
    for name, unit in parameters.units.items():
        loads = {mode: unit_load_w(unit, mode) for mode in {span.mode for span in spans}}
        shed = event_spans(environment, log, vehicle, "shed", name, "shed")
        yield name, _by_mode(spans, loads, times_s) * (1.0 - _inside(shed, times_s))
    for name, activity in parameters.activities.items():
        runs = activity_spans(environment, log, vehicle, name)
        yield name, activity.load_w * _inside(runs, times_s)
    for link in return_links(environment, vehicle):
        transmitter = environment.scenario.terminal(
            environment.scenario.links[link].from_
        ).transmitter
        if transmitter is not None:
            on = [(use.start_s, use.stop_s) for use in uses_of(environment, log, link)]
            yield link, transmitter.load_w * _inside(on, times_s)


def activity_spans(
    environment: Environment, log: RunLog, vehicle: str, activity: str
) -> list[Span]:
    """When an activity ran."""
    return event_spans(environment, log, vehicle, "activity", activity, "running")


def event_spans(
    environment: Environment, log: RunLog, vehicle: str, kind: str, subject: str, state: str
) -> list[Span]:
    """When something of a vehicle was in a state, from its events of one kind."""
    spans: list[Span] = []
    since_s: int | None = None
    for event in log.events:
        if (event.asset, event.event, event.subject) != (vehicle, kind, subject):
            continue
        if event.after == state:
            since_s = event.t_s
        elif since_s is not None:
            spans.append((since_s, event.t_s))
            since_s = None
    return spans if since_s is None else [*spans, (since_s, environment.duration_s)]


def _by_mode(spans: list[ModeSpan], loads_w: dict[str, float], times_s: Whole) -> Floats:
    starts = np.array([span.start_s for span in spans])
    values = np.array([loads_w.get(span.mode, 0.0) for span in spans])
    return np.asarray(values[np.searchsorted(starts, times_s, side="right") - 1])


def _inside(spans: list[Span], times_s: Whole) -> Floats:
    """1 inside the spans, which do not overlap, and 0 outside."""
    starts = np.array([start for start, _ in spans])
    stops = np.array([stop for _, stop in spans])
    begun = np.searchsorted(np.sort(starts), times_s, side="right")
    ended = np.searchsorted(np.sort(stops), times_s, side="right")
    return np.asarray((begun - ended).astype(float))
