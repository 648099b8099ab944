"""Outlines of a mask in one slice, as polylines between pixel centres. For drawing only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

Polyline = NDArray[np.float64]


def _without_straight_points(line: Polyline) -> Polyline:
    """Drop points that lie on the straight line between their neighbours."""
    steps = np.diff(line, axis=0)
    turns = np.abs(steps[1:, 0] * steps[:-1, 1] - steps[1:, 1] * steps[:-1, 0]) > 1e-9
    kept: Polyline = line[np.concatenate([[True], turns, [True]])]
    return kept


def outlines(inside: NDArray[np.bool_]) -> list[Polyline]:
    """Closed polylines half-way between the pixels inside and those outside.

    Parameters
    ----------
    inside : (row, column) bool

    Returns
    -------
    list of (n, 2) float
        (row, column) in pixels, a pixel centre at the integer; the first point is repeated at the end.
    """
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return []
    crop = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    padded = np.pad(crop, 1).astype(np.float64)
    shift = np.array([rows[0] - 1, columns[0] - 1], dtype=np.float64)
    return [_without_straight_points(line + shift) for line in find_contours(padded, 0.5)]
