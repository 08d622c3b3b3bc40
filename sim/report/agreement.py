"""Figures of published against simulated values."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim.report.style import BLUE, GREY, NIGHT, ORANGE, VERMILION, legend, new_figure

_FARTHEST = 3.0  # tolerances; what lies beyond is drawn at the edge
_ROW_INCHES = 0.15
_KIND_COLOURS = {"prediction": BLUE, "cross-check": ORANGE}


def agreement_figure(
    names: Sequence[str], ratios: Sequence[float], kinds: Sequence[str], passes: Sequence[bool]
) -> Figure:
    """Difference over tolerance, a row each; what fails is red, other kinds than two are grey."""
    rows = len(names)
    figure, axes = new_figure(1, "Published against simulated", height=0.9 + _ROW_INCHES * rows)
    axis = axes[0]
    axis.axvspan(-1.0, 1.0, color=NIGHT, linewidth=0, zorder=0)
    place = np.arange(rows)[::-1]
    for kind in dict.fromkeys(kinds):
        for passed in (True, False):
            mine = [i for i in range(rows) if kinds[i] == kind and passes[i] is passed]
            colour = _KIND_COLOURS.get(kind, GREY) if passed else VERMILION
            axis.scatter(
                np.clip([ratios[i] for i in mine], -_FARTHEST, _FARTHEST),
                place[mine],
                s=16,
                color=colour,
                marker="o" if passed else "X",
                label=kind if passed else "fails",
            )
    axis.set_yticks(place, names, fontsize=6)
    axis.set_ylim(-1.0, rows)
    axis.set_xlim(-_FARTHEST - 0.2, _FARTHEST + 0.2)
    axis.set_xlabel("difference / tolerance; beyond 3 drawn at 3")
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axis.legend(
        list(unique.values()),
        list(unique),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(unique),
        fontsize=8,
        frameon=False,
    )
    return figure


def wakes_figure(
    vehicles: Sequence[str],
    lunar_days: Sequence[Sequence[int]],
    late_h: Sequence[Sequence[float]],
    used: Sequence[Sequence[bool]],
) -> Figure:
    """Simulated less announced wakes by lunar day, a panel for each vehicle.

    `used` says which bulletins set the threshold; the others are predictions.
    """
    figure, axes = new_figure(len(vehicles), "Wakes of Chang'e-4: simulated less announced")
    for axis, vehicle, days, late, knob in zip(
        axes, vehicles, lunar_days, late_h, used, strict=True
    ):
        axis.axhline(0.0, color=GREY, linewidth=0.8)
        for is_used, colour, label in ((True, GREY, "calibration"), (False, BLUE, "prediction")):
            mine = [i for i, flag in enumerate(knob) if flag is is_used]
            axis.scatter(
                [days[i] for i in mine], [late[i] for i in mine], color=colour, label=label
            )
        axis.set_ylabel(f"{vehicle}\nhours late")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        legend(axis, numbered=False)
    axes[-1].set_xlabel("lunar day")
    return figure


__all__ = ["Figure", "agreement_figure", "wakes_figure"]
