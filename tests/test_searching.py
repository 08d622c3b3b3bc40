"""Roots and extrema are found all together, grazing ones between grid points included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.searching import extrema, peak, roots

GRID = np.linspace(0.0, 1000.0, 101)


def test_all_roots_of_a_wave() -> None:
    found = roots(lambda t: np.sin(2.0 * np.pi * t / 90.0 + 0.1), GRID)
    expected = [(k * np.pi - 0.1) * 90.0 / (2.0 * np.pi) for k in range(1, 23)]
    assert found == pytest.approx(expected, abs=1e-4)


@given(st.floats(1.0, 999.0), st.floats(0.2, 4.9))
@settings(max_examples=100, deadline=None)
def test_a_dip_narrower_than_the_step_is_found(middle: float, half: float) -> None:
    if min(middle, 1000.0 - middle) < 20.0:
        return
    found = roots(lambda t: ((t - middle) / half) ** 2 - 1.0, GRID, 1e-4)
    assert found == pytest.approx([middle - half, middle + half], abs=1e-3)


def test_a_near_miss_is_none() -> None:
    assert len(roots(lambda t: (t - 503.0) ** 2 + 1e-3, GRID)) == 0


def test_a_steep_edge_costs_few_calls() -> None:
    calls = []

    def edge(t: np.ndarray) -> np.ndarray:
        calls.append(len(t))
        return np.tanh((t - 412.345) * 50.0)

    assert roots(edge, GRID) == pytest.approx([412.345], abs=1e-4)
    assert len(calls) < 40


def test_extrema_are_the_maxima() -> None:
    found = extrema(lambda t: np.cos(2.0 * np.pi * (t - 7.0) / 250.0), GRID, 0.01)
    assert found == pytest.approx([7.0, 257.0, 507.0, 757.0], abs=0.05)


def test_a_peak_lies_in_its_bracket() -> None:
    found = peak(lambda t: -((t - 33.0) ** 2), np.array([0.0, 40.0]), np.array([50.0, 60.0]), 1e-3)
    assert found == pytest.approx([33.0, 40.0], abs=2e-3)
