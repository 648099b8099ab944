"""One way to prepare a projection film for a network, for training and run time alike: tone, frame, square."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread.errors import UsageError

FLAT_SD = 0.02
"""A row or column at the edge whose values vary less than this (of 0..1) shows nothing: collimation, a white frame."""
MOST_FRAME = 0.35
"""No more of a side than this is ever taken for frame."""


def standardise(film: NDArray[np.generic]) -> NDArray[np.float32]:
    """Tone of a film: its 1st percentile becomes 0 and its 99th 1, clipped.

    Parameters
    ----------
    film : (row, column)
        Brighter is denser; values that are no number count as the least.

    Returns
    -------
    (row, column) float32
        0..1; all 0 where every value is the same.
    """
    values = np.asarray(film, dtype=np.float32)
    if values.ndim != 2:
        raise UsageError(f"a film is (row, column), got {values.shape}")
    known = values[np.isfinite(values)]
    if not known.size:
        return np.zeros(values.shape, np.float32)
    low, high = (float(v) for v in np.percentile(known, (1, 99)))
    if not high > low:
        return np.zeros(values.shape, np.float32)
    filled = np.where(np.isfinite(values), values, np.float32(low))
    scaled: NDArray[np.float32] = np.clip((filled - np.float32(low)) / np.float32(high - low), 0, 1)
    return scaled


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of a film: rows and columns [first, last)."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    def of(self, film: NDArray[Any]) -> NDArray[Any]:
        """That part of a film, a view."""
        part: NDArray[Any] = film[self.rows[0] : self.rows[1], self.columns[0] : self.columns[1]]
        return part


def without_frame(film: NDArray[np.float32]) -> Box:
    """The film without what shows nothing at its edges; at most `MOST_FRAME` of a side goes.

    Parameters
    ----------
    film : (row, column) float32
        From `standardise`.
    """
    rows = _trimmed(film.std(axis=1))
    columns = _trimmed(film[rows[0] : rows[1]].std(axis=0))
    return Box(rows, columns)


def _trimmed(spread: NDArray[np.float32]) -> tuple[int, int]:
    count = len(spread)
    limit = int(MOST_FRAME * count)
    shows = spread >= FLAT_SD
    if not shows.any():
        return 0, count
    first, last = int(shows.argmax()), count - int(shows[::-1].argmax())
    return min(first, limit), max(last, count - limit)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a film lies in a square of pixels: pixel (r, c) of the film is at `offset + scale * (r, c)`, by centres.

    Parameters
    ----------
    box : Box
        The part of the film that was placed.
    scale : float
        Pixels of the square for one of the film; the same along both axes, so that nothing is stretched.
    top, left : float
        In pixels of the square.
    """

    box: Box
    scale: float
    top: int
    left: int
    size: int

    def to_film(self, points_rc: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(n, 2) points of the square, (row, column), as points of the whole film."""
        corner = np.array([self.box.rows[0], self.box.columns[0]], dtype=np.float64)
        inner = (np.asarray(points_rc, dtype=np.float64) + 0.5 - (self.top, self.left)) / self.scale - 0.5
        return inner + corner

    def to_square(self, points_rc: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(n, 2) points of the whole film as points of the square."""
        corner = np.array([self.box.rows[0], self.box.columns[0]], dtype=np.float64)
        start = np.array([self.top, self.left], dtype=np.float64)
        points: NDArray[np.float64] = (
            (np.asarray(points_rc, dtype=np.float64) - corner + 0.5) * self.scale + start - 0.5
        )
        return points

    def map_to_film(self, square: NDArray[np.floating[Any]], shape: tuple[int, int]) -> NDArray[np.float32]:
        """(row, column) of the whole film from a map on the square, bilinear; 0 outside the box."""
        rows, columns = self.inner
        inner = np.ascontiguousarray(square[self.top : self.top + rows, self.left : self.left + columns], np.float32)
        height, width = self.box.shape
        part = Image.fromarray(inner).resize((width, height), Image.Resampling.BILINEAR)
        whole = np.zeros(shape, np.float32)
        self.box.of(whole)[...] = np.asarray(part)
        return whole

    @property
    def inner(self) -> tuple[int, int]:
        """(rows, columns) of the square that show the film."""
        height, width = self.box.shape
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))


def fit_square(film: NDArray[np.float32], size: int, box: Box | None = None) -> tuple[NDArray[np.float32], Placement]:
    """A film, or a part of it, in the middle of a black square, neither stretched nor cut.

    Parameters
    ----------
    film : (row, column) float32
    size : int
        Side of the square, pixels.

    Returns
    -------
    (size, size) float32, Placement
        Averaged where it becomes smaller; the placement leads back.
    """
    box = box or Box((0, film.shape[0]), (0, film.shape[1]))
    height, width = box.shape
    if min(height, width) < 2 or size < 2:
        raise UsageError(f"a film of {height} x {width} pixels does not fit a square of {size}")
    scale = size / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    part = np.ascontiguousarray(box.of(film), dtype=np.float32)
    small = Image.fromarray(part).resize((columns, rows), Image.Resampling.BILINEAR)
    top, left = (size - rows) // 2, (size - columns) // 2
    square = np.zeros((size, size), np.float32)
    square[top : top + rows, left : left + columns] = np.asarray(small)
    return square, Placement(box, scale, top, left, size)


LONGEST = 256
"""Films are reduced to this many pixels along the longer side: finer detail tells scanners and files apart."""
MARGIN = 0.04
"""Share of each side that is cut off within the frame: words and marks stand there."""
CODING = 75
"""Every film goes through a JPEG file of this quality: how it was coded before tells its source no more."""
VARIANTS = ((0.0, 1.0, 1.0), (0.06, 1.0, 1.0), (0.0, 0.75, 1.12), (0.03, 1.35, 0.9), (0.1, 1.0, 1.0))
"""(share cut from each side, exponent of the tone, width against height) of the copies whose answers are averaged."""


def harmonise(film: NDArray[np.generic]) -> NDArray[np.float32]:
    """A film with the frame and an outer margin off, its tone standardised, in little detail and coded anew.

    Returns
    -------
    (row, column) float32
        0..1 in 256 steps, `LONGEST` pixels along the longer side unless it is smaller; not stretched.
    """
    return harmonise_placed(film)[0]


def harmonise_placed(film: NDArray[np.generic]) -> tuple[NDArray[np.float32], Box]:
    """As `harmonise`, and the part of the film that it shows."""
    tone = standardise(film)
    inner = without_frame(tone)
    cut = cut_box(inner.shape, MARGIN)
    box = Box(
        (inner.rows[0] + cut.rows[0], inner.rows[0] + cut.rows[1]),
        (inner.columns[0] + cut.columns[0], inner.columns[0] + cut.columns[1]),
    )
    return recode(reduce_film(standardise(np.asarray(box.of(tone))), LONGEST), CODING), box


def recode(film: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
    """(row, column) float32 of 0..1 after a JPEG file of that quality."""
    stream = io.BytesIO()
    Image.fromarray(np.rint(film * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream), np.float32) / np.float32(255)


def reduce_film(film: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """(row, column) float32 with at most `longest` pixels along the longer side, averaged."""
    height, width = film.shape
    scale = longest / max(height, width)
    return film if scale >= 1 else _resized(film, max(1, round(height * scale)), max(1, round(width * scale)))


def _resized(film: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    part = np.ascontiguousarray(film, dtype=np.float32)
    return np.asarray(Image.fromarray(part).resize((columns, rows), Image.Resampling.BILINEAR))


def in_cells(film: NDArray[np.floating[Any]], cells: int) -> NDArray[np.float32]:
    """(cells, cells) means of a (row, column) film of any shape."""
    part = np.ascontiguousarray(film, dtype=np.float32)
    return np.asarray(Image.fromarray(part).resize((cells, cells), Image.Resampling.BOX))


def cut_box(shape: tuple[int, ...], share: float) -> Box:
    """What is left of (rows, columns) without that share of each side."""
    rows, columns = (int(share * n) for n in shape)
    return Box((rows, shape[0] - rows), (columns, shape[1] - columns))


def variants(film: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """(variant, 1, size, size) float32: the copies of a harmonised film that a network looks at.

    Parameters
    ----------
    film : (row, column) float32
        From `harmonise`.
    """
    copies = []
    for share, tone, aspect in VARIANTS:
        part = np.power(cut_box(film.shape, share).of(film), np.float32(tone))
        if aspect != 1:
            part = _resized(part, *aspect_shape(part.shape, aspect))
        copies.append(fit_square(part, size)[0])
    return np.stack(copies)[:, None]


def aspect_shape(shape: tuple[int, ...], aspect: float) -> tuple[int, int]:
    """(rows, columns) of a film that is stretched to `aspect` times its width."""
    return shape[0], max(2, round(shape[1] * aspect))
