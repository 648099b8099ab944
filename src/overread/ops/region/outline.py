"""Outlines of a reader to masks: polygons and circles, by pixel centres. Not whether the outline is right."""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError

Mask = NDArray[np.bool_]


class Crossing(StrEnum):
    """What to do with an outline that crosses itself."""

    REFUSE = "refuse"
    EVEN_ODD = "even-odd"


def mask_of_polygon(points_rc: ArrayLike, shape: tuple[int, int], *, crossing: Crossing = Crossing.REFUSE) -> Mask:
    """Pixels whose centre lies inside a closed outline, by the even-odd rule.

    Parameters
    ----------
    points_rc : (n, 2) float
        Corners (row, column), pixel centres at whole numbers; the last joins the first. Three or more.
    shape : (rows, columns)

    Returns
    -------
    (row, column) bool
        A centre exactly on an edge is inside where it is on a left or an upper edge.

    Raises
    ------
    UsageError
        Fewer than three points, no area, not finite, a point outside the image, or an outline that crosses itself.
    """
    points = _require_points(points_rc, shape)
    if Crossing(crossing) is Crossing.REFUSE and (crossed := _first_crossing(points)) is not None:
        raise UsageError(
            f"the outline crosses itself: edge {crossed[0]} and edge {crossed[1]} (from 0)",
            way_out="Draw it again, or fill it by the even-odd rule (crossing='even-odd').",
        )
    inside = np.zeros(shape, bool)
    (r0, c0), (r1, c1) = points, np.roll(points, -1, axis=1)
    low, high = np.minimum(r0, r1), np.maximum(r0, r1)
    columns = np.arange(shape[1])
    for row in range(max(0, math.ceil(points[0].min())), min(shape[0] - 1, math.floor(points[0].max())) + 1):
        cut = (low <= row) & (row < high)
        at = np.sort(c0[cut] + (row - r0[cut]) * (c1[cut] - c0[cut]) / (r1[cut] - r0[cut]))
        inside[row] = np.searchsorted(at, columns, side="right") % 2 == 1
    return inside


def mask_of_circle(centre_rc: tuple[float, float], radius_px: float, shape: tuple[int, int]) -> Mask:
    """Pixels whose centre lies at most `radius_px` from `centre_rc`.

    Raises
    ------
    UsageError
        The radius is not above 0, or no part of the circle lies in the image.
    """
    if not (math.isfinite(radius_px) and radius_px > 0 and all(map(math.isfinite, centre_rc))):
        raise UsageError(f"a circle of radius {radius_px} at {centre_rc}, expected finite and above 0")
    row, column = np.ogrid[: shape[0], : shape[1]]
    inside: Mask = (row - centre_rc[0]) ** 2 + (column - centre_rc[1]) ** 2 <= radius_px**2
    if not inside.any():
        raise UsageError(
            f"the circle at row {centre_rc[0]:g}, column {centre_rc[1]:g} holds no pixel of an image of"
            f" {shape[0]} x {shape[1]}",
            way_out="Check whether its rows are counted from the bottom.",
        )
    return inside


def _require_points(points_rc: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """(2, n) rows and columns."""
    points = np.asarray(points_rc, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise UsageError(f"an outline is three or more (row, column) points, got an array of {points.shape}")
    if not np.isfinite(points).all():
        raise UsageError("the outline holds points that are not finite")
    outside = ((points < -0.5) | (points > np.array(shape) - 0.5)).any(axis=1)
    if outside.any():
        row, column = points[outside][0]
        raise UsageError(
            f"{np.count_nonzero(outside)} of {len(points)} points lie outside the image of {shape[0]} x {shape[1]}"
            f" pixels, the first at row {row:g}, column {column:g}",
            way_out="Check the order of the coordinates, and from which corner rows are counted.",
        )
    if np.linalg.matrix_rank(points - points[0], tol=1e-9) < 2:
        raise UsageError("the outline has no area", way_out="Give three points that are not on one line.")
    return points.T


def _first_crossing(points: NDArray[np.float64]) -> tuple[int, int] | None:
    """The first two edges, not neighbours, that cross in their insides; touching in a point is no crossing."""
    start, end = points, np.roll(points, -1, axis=1)
    count = points.shape[1]

    def side(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
        turn: NDArray[np.float64] = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        return turn

    for n in range(count - 2):
        a, b = start[:, n, None], end[:, n, None]
        c, d = start[:, n + 2 :], end[:, n + 2 :]
        crosses = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
        if crosses.any():
            return n, n + 2 + int(np.argmax(crosses))
    return None
