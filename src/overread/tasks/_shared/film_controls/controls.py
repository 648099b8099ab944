"""The outer frame of a film alone, and a film of 16 x 16 pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME_SHARE = 0.12
"""Of each side of the square is left; the same for every film, since a hole in the shape of the lungs tells it."""
THUMBNAIL = 16
GREY = 0.5


def frame_only(squares: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 1, size, size) of 0..1 with everything grey but the outer 12 % of each side of what the film fills.

    The black bars that make a film square are not film: the frame is that of the film itself.
    """
    found = squares.copy()
    for square in found[:, 0]:
        rows, columns = (np.flatnonzero(square.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            continue
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        down, across = round(FRAME_SHARE * (bottom - top)), round(FRAME_SHARE * (right - left))
        square[top + down : bottom - down, left + across : right - across] = GREY
    return found


def thumbnails(squares: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 256) mean grey values of 16 x 16 blocks of (n, 1, size, size) squares; `size` is a multiple of 16."""
    n, _, size, _ = squares.shape
    block = size // THUMBNAIL
    means: NDArray[np.float32] = squares.reshape(n, THUMBNAIL, block, THUMBNAIL, block).mean(axis=(2, 4))
    return means.reshape(n, -1)
