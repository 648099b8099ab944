"""What tells whether lungs are cut off: where a network sees lung when nothing plain lies beside the film.

A network for lung fields draws back from the black that pads a film to a square, so that a cut lung seems whole. Here
the frame is taken off and the film goes on beyond its edges as it ends there. Whether lungs are cut off a head learns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from overread.ops.film import Box, fit_square, in_cells, standardise, without_frame
from overread.ops.film_lungs import SIZE

CELLS, COARSE = 32, 8
"""Rows and columns of a map of lung, and of the coarse one, whatever the shape of the film."""
PAD = 0.12
"""The film goes on by this share of each of its sides."""
SIDES = ("top", "right", "bottom", "left")
"""Of the picture, in the order in which a quarter turn to the left brings each to the top."""
DEPTHS = (0, 1, 2, 4)
NTH = 6
"""Cell of a row of which the score is taken beside the highest: so many cells wide lung has to be."""
NUMBERS = len(SIDES) * (3 * len(DEPTHS) + 4) + 2 * COARSE**2
"""Length of `cut_numbers`."""


def cut_numbers(
    film: NDArray[np.generic], run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float64]:
    """(NUMBERS,): lung at and near each edge of a film, and coarse maps of lung and of the film.

    Parameters
    ----------
    film : (row, column)
        Brighter is denser; of any size and range.
    run : callable
        (1, 1, SIZE, SIZE) float32 of a prepared film to a score of lung, 0..1, of the same shape.
    """
    tone = standardise(film)
    inner: NDArray[np.float32] = np.ascontiguousarray(without_frame(tone).of(tone))
    lung = lung_map(inner, run)
    numbers: list[float] = []
    whole = float(lung.sum()) + 1e-3
    for turn in range(len(SIDES)):
        turned = np.rot90(lung, turn)
        for depth in DEPTHS:
            row = turned[depth]
            numbers += [float(row.max()), float(row.mean()), float(np.sort(row)[-NTH])]
        shows = (turned > 0.5).any(axis=1)
        numbers += [float(turned[:1].sum()) / whole, float(turned[:3].sum()) / whole]
        numbers += [float(shows.argmax()) / CELLS, float(shows.any())]
    coarse = lung.reshape(COARSE, CELLS // COARSE, COARSE, CELLS // COARSE).mean(axis=(1, 3))
    return np.array([*numbers, *coarse.ravel(), *in_cells(standardise(inner), COARSE).ravel()])


def lung_map(
    film: NDArray[np.float32], run: Callable[[NDArray[np.float32]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """(CELLS, CELLS) scores of lung, 0..1, over a (row, column) film of 0..1 without its frame."""
    more = [round(PAD * n) for n in film.shape]
    square, place = fit_square(np.pad(film, [(n, n) for n in more], mode="edge"), SIZE)
    corners = np.array([[-0.5, -0.5], np.array(film.shape) - 0.5]) + more
    first, last = np.rint(place.to_square(corners) + 0.5).astype(int)
    box = Box((int(first[0]), int(last[0])), (int(first[1]), int(last[1])))
    return in_cells(box.of(run(square[None, None])[0, 0]), CELLS)
