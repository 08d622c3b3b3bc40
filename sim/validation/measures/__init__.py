"""The functions that compute what the published figures are compared with, by name.

Each takes the cases and the arguments of its row as texts, and returns a number in the row's unit;
a time as TAI seconds of `sim.clock`, NaN where what was asked for did not happen.
"""

from collections.abc import Callable

from sim.validation.measures.data import MEASURES as DATA
from sim.validation.measures.energy import MEASURES as ENERGY
from sim.validation.measures.ground import MEASURES as GROUND
from sim.validation.measures.orbits import MEASURES as ORBITS
from sim.validation.measures.radio import MEASURES as RADIO
from sim.validation.measures.sky import MEASURES as SKY
from sim.validation.measures.wakes import MEASURES as WAKES

Measure = Callable[..., float]

MEASURES: dict[str, Measure] = {
    measure.__name__: measure
    for domain in (SKY, ORBITS, WAKES, RADIO, ENERGY, DATA, GROUND)
    for measure in domain
}
"""Every measure by the name that `published.csv` uses."""

__all__ = ["MEASURES", "Measure"]
