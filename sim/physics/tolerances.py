"""What a design value may turn out to be: favourable and adverse tolerances and their statistics.

Tolerances are in dB of margin, favourable positive and adverse negative, about the design value.
Means and variances as in the design control tables of CCSDS 401.0-B, section 4.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from sim.parameters import NonNegative, Parameters

Distribution = Literal["triangular", "uniform", "gaussian"]


class Tolerance(Parameters):
    """How far one term may lie from its design value, and how it is spread."""

    favourable_db: NonNegative = 0.0
    adverse_db: Annotated[float, Field(le=0.0)] = 0.0
    distribution: Distribution = "triangular"

    @property
    def mean_db(self) -> float:
        """Mean less the design value."""
        total = self.favourable_db + self.adverse_db
        return {"triangular": total / 3.0, "uniform": total / 2.0, "gaussian": total / 2.0}[
            self.distribution
        ]

    @property
    def variance_db2(self) -> float:
        """Variance."""
        f, a = self.favourable_db, self.adverse_db
        match self.distribution:
            case "triangular":
                return (f * f + a * a - f * a) / 18.0
            case "uniform":
                return (f - a) ** 2 / 12.0
            case "gaussian":
                return ((f - a) / 6.0) ** 2


class ToleranceParameters(Parameters):
    """The tolerance of every term of a budget; the defaults are assumed, typical of the practice."""

    transmit_power: Tolerance = Tolerance(favourable_db=0.5, adverse_db=-0.5)
    transmit_loss: Tolerance = Tolerance(favourable_db=0.1, adverse_db=-0.1, distribution="uniform")
    transmit_gain: Tolerance = Tolerance(favourable_db=0.5, adverse_db=-0.5)
    transmit_pointing: Tolerance = Tolerance(favourable_db=0.1, adverse_db=-0.2)
    path_loss: Tolerance = Tolerance()
    polarisation: Tolerance = Tolerance(favourable_db=0.1, adverse_db=-0.1, distribution="uniform")
    atmosphere: Tolerance = Tolerance(distribution="gaussian")
    fade: Tolerance = Tolerance()
    other_loss: Tolerance = Tolerance()
    receive_gain: Tolerance = Tolerance(favourable_db=0.2, adverse_db=-0.2)
    receive_pointing: Tolerance = Tolerance(favourable_db=0.1, adverse_db=-0.1)
    noise: Tolerance = Tolerance(favourable_db=0.3, adverse_db=-0.3, distribution="gaussian")
    modulation: Tolerance = Tolerance(favourable_db=0.1, adverse_db=-0.1)
    implementation: Tolerance = Tolerance(favourable_db=0.2, adverse_db=-0.2)
    required: Tolerance = Tolerance()

    def by_term(self) -> dict[str, Tolerance]:
        """Every tolerance by the name of its term."""
        return {name: getattr(self, name) for name in type(self).model_fields}


def mean_shift_db(tolerances: ToleranceParameters) -> float:
    """Mean margin less the design margin."""
    return sum(tolerance.mean_db for tolerance in tolerances.by_term().values())


def sigma_db(tolerances: ToleranceParameters) -> float:
    """Standard deviation of the margin: the terms are independent."""
    return float(np.sqrt(sum(term.variance_db2 for term in tolerances.by_term().values())))
