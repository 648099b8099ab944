"""What tells a mirrored frontal film: how the two halves of the box around the lungs differ. The heart has a side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.ops.film import in_cells, standardise
from overread.ops.film_lungs import FilmLungs, bounds

CELLS = 24
NUMBERS = CELLS * CELLS // 2
LEAST_SIDE = CELLS // 2
"""Pixels along each side of the box around the lungs; less shows too little."""


def half_differences(film: NDArray[np.generic], lungs: FilmLungs) -> NDArray[np.float64] | None:
    """(NUMBERS,): the left half of the picture less the mirrored right half; the mirrored film gives the negative.

    Returns
    -------
    array or None
        In standard deviations of the box; None where two lungs are not found.
    """
    box = bounds(lungs.both)
    if box is None or not lungs.right.any() or not lungs.left.any() or min(box.shape) < LEAST_SIDE:
        return None
    part: NDArray[Any] = np.ascontiguousarray(box.of(film))
    cells = in_cells(standardise(part), CELLS).astype(np.float64)
    even = (cells - cells.mean()) / (cells.std() + 1e-3)
    return np.asarray((even - even[:, ::-1])[:, : CELLS // 2].ravel())
