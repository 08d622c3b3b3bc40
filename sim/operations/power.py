"""The energy and heat of one vehicle in operation: what it draws, and when a store passes a level."""

from collections.abc import Iterable
from math import ceil

from sim.environment import Environment
from sim.operations.conditions import Watch
from sim.operations.runlog import Flow, RunLog
from sim.physics import bus
from sim.physics.solar import power_share
from sim.physics.thermal import HeatTracks
from sim.scenario.conditions import Limit
from sim.track import Track

_FULL = 1.0 - 1e-9
_FLUTTER = 0.01  # of the charge: what a full or empty battery must move before it is said again
_LIMITS = (
    ("survival_minimum_k", "below"),
    ("operating_minimum_k", "below"),
    ("operating_maximum_k", "above"),
    ("survival_maximum_k", "above"),
)


class PowerSupply:
    """Arrays, battery and thermal nodes of a vehicle between changes of its load or attitude."""

    def __init__(self, name: str, environment: Environment, log: RunLog, attitude: str) -> None:
        self.name = name
        self.environment = environment
        self.parameters: bus.PowerParameters = environment.scenario.vehicles[name]
        self.state = bus.initial_state(self.parameters)
        self.load_w = 0.0
        self.attitude = attitude
        self.drives = 0
        """Drives so far, each of which raises dust."""
        self._since_s = 0
        self._is_alive = True
        self._share = self._worn_share = 1.0
        self._share_after: tuple[int, int] | None = None
        """Drives and lunar days after which the arrays' share was last worked out."""
        self._flows = log.flows[name]

    @property
    def array_power_w(self) -> Track:
        """Of clean new arrays in the present attitude."""
        return self.environment.array_power_w[self.name, self.attitude]

    @property
    def heat(self) -> HeatTracks | None:
        """What sky and ground do to the nodes in the present attitude."""
        return self.environment.heat.get((self.name, self.attitude))

    def settle(self, now_s: int) -> None:
        """Move the stores up to now."""
        if now_s > self._since_s:
            self.state = bus.advance(
                self.parameters,
                self.state,
                self.load_w,
                self.array_power_w,
                self._since_s,
                now_s,
                array_share=self._share,
                heat=self.heat,
            )
            self._since_s = now_s

    def draw(self, now_s: int, load_w: float, attitude: str, lunar_days: int) -> None:
        """From now on draw `load_w` in an attitude; settled before."""
        share = self._share_left(lunar_days)
        changed = (load_w, attitude, share) != (self.load_w, self.attitude, self._share)
        self.load_w, self.attitude, self._share = load_w, attitude, share
        if changed or not self._flows:
            self._flows.append(Flow(now_s, self.state, load_w, attitude, share, self._is_alive))

    def die(self) -> None:
        """From now on nothing is switched on any more."""
        self.parameters = bus.lifeless(self.parameters)
        self._is_alive = False

    def close_books(self) -> bus.BusState:
        """The state with the books since the last closing; new books are opened, cells age."""
        closed = self.state
        self.state = bus.aged(self.parameters, bus.opened(closed))
        return closed

    def value(self, watch: Watch) -> float:
        """State of charge, or a node's temperature."""
        if watch.quantity == "temperature_k":
            nodes = self.parameters.heat.nodes if self.parameters.heat else {}
            return self.state.temperatures_k[list(nodes).index(watch.node)]
        return self.state.state_of_charge

    def first_crossing_s(
        self, watches: Iterable[Watch], now_s: int, until_s: float
    ) -> float | None:
        """When the first watched store passes a level if nothing changes before `until_s`."""
        levels = [level for watch in watches for level in watch.levels]
        return bus.first_crossing_s(
            self.parameters,
            self.state,
            self.load_w,
            self.array_power_w,
            now_s,
            until_s,
            levels,
            array_share=self._share,
            heat=self.heat,
        )

    def alarms(self) -> dict[str, Watch]:
        """What is always watched, by what to call it: a full or empty battery, limits of nodes."""
        empty = self.parameters.battery.cutoff_state_of_charge + 1e-9
        watches = {
            "battery full": Watch("state_of_charge", "", Limit(above=_FULL, hysteresis=_FLUTTER)),
            "battery empty": Watch("state_of_charge", "", Limit(below=empty, hysteresis=_FLUTTER)),
        }
        nodes = self.parameters.heat.nodes if self.parameters.heat else {}
        for node, parameters in nodes.items():
            for limit, side in _LIMITS:
                level = getattr(parameters, limit)
                if level is not None:
                    bounds = Limit.model_validate({side: float(level), "hysteresis": 0.5})
                    watches[f"{node} {limit}"] = Watch("temperature_k", node, bounds)
        return watches

    def _share_left(self, lunar_days: int) -> float:
        """What dust and ageing have left of the arrays' power, weighted by their size."""
        use = self.drives, lunar_days
        if use != self._share_after:
            self._share_after, self._worn_share = use, self._worn(lunar_days)
        return self._worn_share

    def _worn(self, lunar_days: int) -> float:
        arrays = self.parameters.arrays.values()
        size = sum(array.area_m2 * array.efficiency for array in arrays)
        if not size:
            return 1.0
        left = sum(
            array.area_m2 * array.efficiency * power_share(array, 0, self.drives, lunar_days)
            for array in arrays
        )
        return left / size


def whole_second(crossing_s: float, now_s: int) -> int:
    """The first whole second at or after a crossing, and after now."""
    return max(ceil(crossing_s), now_s + 1)
