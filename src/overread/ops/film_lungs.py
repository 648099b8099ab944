"""Lungs of a frontal chest film: preparation, a network's map on a square, two parts and their sides.

Not which network, nor whether the film is a frontal chest film at all: it answers for any picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.film import Box, fit_square, standardise

SIZE = 256
"""Side of the square that the network sees, pixels."""
LEAST_OF_FILM = 0.005
"""A part smaller than this of the film is no lung."""
LEAST_OF_OTHER = 0.1
"""The second part must have this share of the first, or it is a crumb."""
BRIDGE = 0.5
"""Both lungs in one part are cut where the part is less than this of its highest, near the middle."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmLungs:
    """The lung fields of a frontal film.

    Parameters
    ----------
    right, left : (row, column) bool
        The patient's right (left in the picture, as films are shown) and left; empty where none was found.
    """

    right: NDArray[np.bool_]
    left: NDArray[np.bool_]

    @property
    def both(self) -> NDArray[np.bool_]:
        """(row, column) bool."""
        return self.right | self.left


def segment_lungs(film: NDArray[np.generic], run: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> FilmLungs:
    """Lung fields of a film by a network.

    Parameters
    ----------
    film : (row, column)
        Brighter is denser; of any size and range.
    run : callable
        (1, 1, SIZE, SIZE) float32 of a prepared film to a score of lung, 0..1, of the same shape.

    Returns
    -------
    FilmLungs
        On the pixels of the film.
    """
    square, placement = fit_square(standardise(film), SIZE)
    on_square = run(square[None, None])[0, 0]
    return lungs_from_score(placement.map_to_film(on_square, (film.shape[0], film.shape[1])))


def lungs_from_score(score: NDArray[np.floating], *, threshold: float = 0.5) -> FilmLungs:
    """The two largest parts above a threshold, holes filled, told apart by their columns.

    Parameters
    ----------
    score : (row, column)
        0..1, of the whole film; not a probability unless whoever made it says so.

    Returns
    -------
    FilmLungs
        One side is empty where only one part was found and it is not both lungs in one.
    """
    if score.ndim != 2:
        raise UsageError(f"a film is (row, column), got {score.shape}")
    labels, _ = ndi.label(score >= threshold)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")[:2]
    least = max(LEAST_OF_FILM * score.size, LEAST_OF_OTHER * sizes[order[0]])
    parts = [ndi.binary_fill_holes(labels == number) for number in order if sizes[number] >= least]
    if len(parts) == 1:
        parts = _parted(parts[0])
    none = np.zeros(score.shape, dtype=bool)
    if not parts:
        return FilmLungs(none, none)
    if len(parts) == 1:
        middle = score.shape[1] / 2
        return FilmLungs(parts[0], none) if _column(parts[0]) < middle else FilmLungs(none, parts[0])
    first, second = sorted(parts, key=_column)
    return FilmLungs(first, second)


def bounds(inside: NDArray[np.bool_]) -> Box | None:
    """The smallest box around True; None if there is none."""
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return None
    return Box((int(rows[0]), int(rows[-1]) + 1), (int(columns[0]), int(columns[-1]) + 1))


def _column(inside: NDArray[np.bool_]) -> float:
    counts = inside.sum(axis=0)
    return float((counts * np.arange(len(counts))).sum() / counts.sum())


def _parted(inside: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Both lungs that touch, cut at the thinnest column of the middle half; or the one part as it is."""
    box = bounds(inside)
    if box is None:
        return []
    heights = inside.sum(axis=0)[box.columns[0] : box.columns[1]]
    quarter = len(heights) // 4
    middle = heights[quarter : len(heights) - quarter]
    if quarter == 0 or middle.min() >= BRIDGE * min(heights[:quarter].max(), heights[-quarter:].max()):
        return [inside]
    cut = box.columns[0] + quarter + int(middle.argmin())
    first, second = inside.copy(), inside.copy()
    first[:, cut:] = False
    second[:, :cut] = False
    return [first, second]
