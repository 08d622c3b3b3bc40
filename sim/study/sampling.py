"""Samples of uncertain quantities from seeded streams: one for each quantity, by its key path.

A further quantity, or more samples by the method `random`, leave all values as they were.
"""

from typing import Annotated, Any, Literal, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.stats import norm, qmc

from sim.parameters import Count, Parameters, Positive

Floats = NDArray[np.float64]


class Uniform(Parameters):
    """Evenly between two values."""

    kind: Literal["uniform"]
    low: float
    high: float
    whole: bool = False
    """Rounded to whole numbers, as rates and counts are."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_order(self.low, self.high)
        return self

    def at(self, share: Floats) -> list[Any]:
        """The quantiles of shares in (0, 1)."""
        return _plain(self.low + share * (self.high - self.low), self.whole)


class LogUniform(Parameters):
    """Evenly between the logarithms of two values."""

    kind: Literal["log_uniform"]
    low: Positive
    high: Positive
    whole: bool = False

    @model_validator(mode="after")
    def _rises(self) -> Self:
        _check_order(self.low, self.high)
        return self

    def at(self, share: Floats) -> list[Any]:
        """The quantiles of shares in (0, 1)."""
        return _plain(self.low * (self.high / self.low) ** share, self.whole)


class Normal(Parameters):
    """A normal distribution, cut at limits where they are given."""

    kind: Literal["normal"]
    mean: float
    deviation: Positive
    low: float | None = None
    high: float | None = None
    whole: bool = False

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low is not None and self.high is not None:
            _check_order(self.low, self.high)
        return self

    def at(self, share: Floats) -> list[Any]:
        """The quantiles of shares in (0, 1) of what lies between the limits."""
        law = norm(self.mean, self.deviation)
        low = 0.0 if self.low is None else float(law.cdf(self.low))
        high = 1.0 if self.high is None else float(law.cdf(self.high))
        return _plain(np.asarray(law.ppf(low + share * (high - low))), self.whole)


class Choice(Parameters):
    """One of some values, each as likely."""

    kind: Literal["choice"]
    values: Annotated[list[Any], Field(min_length=1)]

    def at(self, share: Floats) -> list[Any]:
        """The values at shares in (0, 1)."""
        index = (share * len(self.values)).astype(int)
        return [self.values[min(i, len(self.values) - 1)] for i in index.tolist()]


Distribution = Annotated[Uniform | LogUniform | Normal | Choice, Field(discriminator="kind")]


class SampleParameters(Parameters):
    """How many samples of which quantities."""

    count: Annotated[int, Field(ge=1)]
    seed: Count = 1
    method: Literal["random", "latin_hypercube"] = "random"
    """Independent draws, or one draw in each of `count` equal shares of every quantity."""
    of: Annotated[dict[str, Distribution], Field(min_length=1)]
    """Distribution of the value at each key path."""


def samples(parameters: SampleParameters) -> list[dict[str, Any]]:
    """The drawn values by key path, one mapping per sample."""
    columns = {
        path: distribution.at(_shares(parameters, path))
        for path, distribution in parameters.of.items()
    }
    return [{path: column[i] for path, column in columns.items()} for i in range(parameters.count)]


def _shares(parameters: SampleParameters, path: str) -> Floats:
    stream = np.random.default_rng(np.random.SeedSequence([parameters.seed, crc32(path.encode())]))
    if parameters.method == "latin_hypercube":
        cube = qmc.LatinHypercube(1, rng=stream)
        return np.asarray(cube.random(parameters.count)[:, 0])
    return stream.random(parameters.count)


def _check_order(low: float, high: float) -> None:
    if low >= high:
        raise ValueError(f"low {low} is not below high {high}")


def _plain(values: Floats, whole: bool) -> list[Any]:
    return [round(value) for value in values.tolist()] if whole else values.tolist()
