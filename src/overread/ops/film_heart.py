"""Widths of heart and chest on a frontal film, from its lung fields: the two lines of the cardiothoracic ratio.

The heart's right and left edges are where the lungs are narrowest towards the middle above the corner of heart and
diaphragm, the chest's where the lungs are widest. Each edge is moved to the steepest change of brightness nearby, since
lung fields drawn by a network end a little outside or inside of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.ops.film_lungs import FilmLungs

REACH = 0.035
"""An edge is looked for within this share of the film's width on either side of the lung field's."""
UPPER = 0.3
"""Share of a lung's height, from its top, in which the heart is not looked for."""
ROWS = 5
"""Rows above and below that are averaged to find an edge."""
SMOOTH_PX = 2.0

Line = tuple[tuple[float, float], tuple[float, float]]
"""Two points (row, column) in pixels of the film."""


@dataclass(frozen=True, slots=True)
class HeartAndChest:
    """Two level lines; the heart's ends are its right and left edges, which lie at different heights.

    Parameters
    ----------
    heart, chest : Line
        From the patient's right to the left.
    """

    heart: Line
    chest: Line

    @property
    def ratio(self) -> float:
        """Width of the heart by that of the chest, both along the columns."""
        (_, first), (_, last) = self.heart
        (_, right), (_, left) = self.chest
        return (last - first) / (left - right)


def heart_and_chest(film: NDArray[np.generic], lungs: FilmLungs) -> HeartAndChest | None:
    """Both widths on an upright frontal film; None where a lung is missing or the lines make no sense.

    Parameters
    ----------
    film : (row, column)
        Brighter where denser.
    """
    if not lungs.right.any() or not lungs.left.any():
        return None
    values = np.asarray(film, dtype=np.float64)
    reach = max(2, round(REACH * values.shape[1]))
    right_row, right_edge = _heart_edge(lungs.right, towards=+1)
    left_row, left_edge = _heart_edge(lungs.left, towards=-1)
    row, outer_right, outer_left = _widest(lungs.both)
    first = _steepest(values, right_row, right_edge, (+1, reach))
    last = _steepest(values, left_row, left_edge, (-1, reach))
    begin = _steepest(values, row, outer_right, (-1, reach))
    end = _steepest(values, row, outer_left, (+1, reach))
    if not begin < first < last < end:
        return None
    middle = (right_row + left_row) / 2
    heart = ((middle, float(first)), (middle, float(last)))
    return HeartAndChest(heart, ((float(row), float(begin)), (float(row), float(end))))


def _heart_edge(lung: NDArray[np.bool_], *, towards: int) -> tuple[int, int]:
    """(row, column) where the side of a lung that faces the middle is farthest from it, above the diaphragm's corner.

    `towards` is +1 where the middle lies at higher columns. The corner is the point farthest down and to the middle.
    """
    rows, columns = np.nonzero(lung)
    corner = int(rows[np.argmax(rows + towards * columns)])
    top = int(rows.min())
    looked_at = np.arange(int(top + UPPER * (corner - top)), corner + 1)
    inner = [np.flatnonzero(lung[row])[-1 if towards > 0 else 0] if lung[row].any() else -1 for row in looked_at]
    known = np.array(inner) >= 0
    faces = np.where(known, np.array(inner) * towards, np.iinfo(np.int64).max)
    at = int(faces.argmin())
    return int(looked_at[at]), int(inner[at])


def _widest(both: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Row, first and last column where both lungs together are widest."""
    first = both.argmax(axis=1)
    last = both.shape[1] - 1 - both[:, ::-1].argmax(axis=1)
    width = np.where(both.any(axis=1), last - first, -1)
    row = int(width.argmax())
    return row, int(first[row]), int(last[row])


def _steepest(film: NDArray[np.float64], row: int, column: int, how: tuple[int, int]) -> int:
    """Column near `column` where brightness rises fastest in the direction (+1 or -1) given with the reach."""
    direction, reach = how
    band = film[max(0, row - ROWS) : row + ROWS + 1].mean(axis=0)
    rise = np.gradient(ndi.gaussian_filter1d(band, SMOOTH_PX)) * direction
    low, high = max(1, column - reach), min(len(rise) - 2, column + reach)
    return low + int(np.argmax(rise[low : high + 1]))
