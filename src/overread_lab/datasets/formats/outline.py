"""Areas inside outlines, on the pixels of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_fill_holes
from skimage.draw import line, polygon


def area_of_polygon(rows: ArrayLike, columns: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(row, column) bool: pixels whose centre lies in the polygon. Vertices are in pixels, 0 at the first centre."""
    inside = np.zeros(shape, bool)
    inside[polygon(np.asarray(rows, float), np.asarray(columns, float), shape)] = True
    return inside


def area_with_outline(rows: ArrayLike, columns: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """As `area_of_polygon`, with the pixels that the outline runs through; the vertices are whole pixels."""
    return area_of_polygon(rows, columns, shape) | _outline(rows, columns, shape)


def area_within_outline(rows: ArrayLike, columns: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels that the outline encloses, without those it runs through; the vertices are whole pixels."""
    drawn = _outline(rows, columns, shape)
    enclosed: NDArray[np.bool_] = binary_fill_holes(drawn) & ~drawn
    return enclosed


def _outline(rows: ArrayLike, columns: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Straight lines from vertex to vertex, and back to the first. Raises `IndexError` where they leave the picture."""
    drawn = np.zeros(shape, bool)
    points = np.stack([np.asarray(rows, int), np.asarray(columns, int)], axis=1)
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        drawn[line(*start, *end)] = True
    return drawn
