"""Some questions are axial by definition: turn an image so that its first axis runs along the patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from overread.geometry import Grid, orient, orientation_of
from overread.image import LabelMap, Volume

AXIAL = "SPL"


def axial(image: Volume) -> Volume:
    """The same voxels with (slice, row, column) to head, back and left; the image itself where it lies so already.

    Flips are undone too, so that all 48 ways to store an image give the same numbers.
    """
    if orientation_of(image.grid) == AXIAL:
        return image
    array, grid = orient(image.array, image.grid, AXIAL)
    return replace(image, array=np.ascontiguousarray(array), grid=grid)


def turned_back(segments: LabelMap, grid: Grid) -> LabelMap:
    """Labels found on the turned image, on the grid of the image as it came."""
    if segments.grid is grid:
        return segments
    array, _ = orient(segments.array, segments.grid, orientation_of(grid))
    return LabelMap(np.ascontiguousarray(array), grid, segments.names)
