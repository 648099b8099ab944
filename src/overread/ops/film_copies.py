"""From the copies of a film that a network looks at back to the film: a coarse map on each becomes one map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.errors import UsageError
from overread.ops.film import VARIANTS, Box, aspect_shape, cut_box, fit_square


def copies_to_film(
    maps: NDArray[np.float32], size: int, harmonised: tuple[int, int], box: Box, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Mean over the copies of `overread.ops.film.variants` of what a map on each says at each pixel of the film.

    Parameters
    ----------
    maps : (variant, row, column) float32
        Cells that share each square evenly; any number of rows and columns.
    size : int
        Side of the square, pixels.
    harmonised : (rows, columns)
        Of the film that the copies were made of, from `harmonise_placed`.
    box : Box
        The part of the film that it shows.
    shape : (rows, columns)
        Of the film.

    Returns
    -------
    (row, column) float32
        In pixels of the film, bilinear between the centres of the cells; 0 where a copy does not show the film.

    Raises
    ------
    UsageError
        There is not one map for each copy.
    """
    if maps.ndim != 3 or len(maps) != len(VARIANTS):
        raise UsageError(f"maps are {maps.shape}, expected ({len(VARIANTS)}, row, column)")
    mean = np.zeros(harmonised, np.float32)
    for cells, (share, _, aspect) in zip(maps, VARIANTS, strict=True):
        shown = cut_box(harmonised, share)
        _, placed = fit_square(np.zeros(aspect_shape(shown.shape, aspect), np.float32), size)
        square = _resized(cells, (size, size))
        part = Box((placed.top, placed.top + placed.inner[0]), (placed.left, placed.left + placed.inner[1]))
        shown.of(mean)[...] += _resized(np.asarray(part.of(square)), shown.shape) / np.float32(len(maps))
    whole = np.zeros(shape, np.float32)
    box.of(whole)[...] = _resized(mean, box.shape)
    return whole


def _resized(values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
