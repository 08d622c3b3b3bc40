"""Where the panels of a figure stand: above each other, as high as asked for, nothing cut off.

Matplotlib's constrained layout measures everything twice and draws everything once more without
ink, which took half of the time of a figure. Here each thing that can stand out of a panel is
measured once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

_EDGE_INCHES = 0.06
_TITLE_INCHES = 0.3
_GAP_INCHES = 0.1


class _Room(NamedTuple):
    """Pixels that something takes beside a panel."""

    left: float = 0.0
    right: float = 0.0
    below: float = 0.0
    above: float = 0.0


def place_panels(figure: Figure) -> None:
    """Share the height of a figure among its rows of panels; labels, legends and title find room.

    Heights of rows are in the ratios of their grid. Heights come first, because the numbers beside
    a panel depend on how high it is. All in pixels of the figure's own resolution, so that what is
    measured is what is drawn.
    """
    rows = [_row(axis) for axis in figure.axes]
    around = [_room(axis, _words(axis)) for axis in figure.axes]
    bottoms, heights = _stacked(figure, rows, around)
    width_px, height_px = figure.bbox.size
    for axis, row in zip(figure.axes, rows, strict=True):
        axis.set_position((0.1, bottoms[row] / height_px, 0.8, heights[row] / height_px))
    around += [_room(axis, [axis.yaxis.get_tightbbox()]) for axis in figure.axes]
    edge = _EDGE_INCHES * figure.dpi
    left = (max(room.left for room in around) + edge) / width_px
    right = (max(room.right for room in around) + edge) / width_px
    for axis in figure.axes:
        box = axis.get_position()
        axis.set_position((left, box.y0, 1.0 - left - right, box.height))


def _row(axis: Axes) -> int:
    place = axis.get_subplotspec()
    return 0 if place is None else place.rowspan.start


def _share(axis: Axes) -> float:
    """Of a panel's row, of the height of all."""
    grid = axis.get_gridspec()
    ratios: Any = [1.0] if grid is None else grid.get_height_ratios()
    return float(ratios[_row(axis)])


def _stacked(
    figure: Figure, rows: Sequence[int], around: Sequence[_Room]
) -> tuple[dict[int, float], dict[int, float]]:
    """Bottom and height of each row in pixels, the last row at the bottom."""
    shares = dict(zip(rows, map(_share, figure.axes), strict=True))
    over, under = dict.fromkeys(shares, 0.0), dict.fromkeys(shares, 0.0)
    for row, room in zip(rows, around, strict=True):
        over[row] = max(over[row], room.above)
        under[row] = max(under[row], room.below)
    gap, edge = _GAP_INCHES * figure.dpi, _EDGE_INCHES * figure.dpi
    taken = _TITLE_INCHES * figure.dpi + 2.0 * edge + gap * (len(shares) - 1)
    free = figure.bbox.height - taken - sum(over.values()) - sum(under.values())
    heights = {row: free * share / sum(shares.values()) for row, share in shares.items()}
    bottoms: dict[int, float] = {}
    level = edge
    for row in sorted(shares, reverse=True):
        bottoms[row] = level + under[row]
        level = bottoms[row] + heights[row] + over[row] + gap
    return bottoms, heights


def _room(axis: Axes, boxes: Iterable[Bbox | None]) -> _Room:
    """What stands out of a panel on each side."""
    panel = axis.get_window_extent()
    whole = Bbox.union([panel, *(box for box in boxes if box is not None and box.width > 0.0)])
    left, right = panel.x0 - whole.x0, whole.x1 - panel.x1
    return _Room(left, right, below=panel.y0 - whole.y0, above=whole.y1 - panel.y1)


def _words(axis: Axes) -> Iterator[Bbox | None]:
    """The dates or numbers below, the legend, and texts that take part."""
    if axis.xaxis.get_visible():
        yield axis.xaxis.get_tightbbox()
    for artist in (*axis.texts, axis.get_legend()):
        if artist is not None and artist.get_visible() and artist.get_in_layout():
            yield artist.get_window_extent()
