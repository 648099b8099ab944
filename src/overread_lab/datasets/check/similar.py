"""Pictures that look alike: a perceptual hash by cosine transform, and all pairs within a distance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from overread.errors import UsageError

SIDES = {64: 8, 256: 16}
NEAR = {64: 4, 256: 24}
"""Distance up to which two pictures are called alike, by bits."""
_ROWS_AT_ONCE = 2048


def perceptual_hash(picture: NDArray[np.float32], bits: int) -> NDArray[np.bool_]:
    """(bits,) signs of the lowest frequencies against their median, without the mean of the picture.

    The picture is brought to a square four times as wide as the block of frequencies kept; so a copy of another size,
    brightness, contrast or JPEG quality keeps nearly all bits, and a crop or a mirror image does not.

    Parameters
    ----------
    picture : (row, column) float32
    bits : int
        64 or 256; else `UsageError`.
    """
    if bits not in SIDES:
        raise UsageError(f"a hash of {bits} bits", way_out="Take 64 or 256.")
    side = SIDES[bits]
    small = np.asarray(Image.fromarray(picture).resize((4 * side, 4 * side), Image.Resampling.BOX), np.float64)
    low = dctn(small, norm="ortho")[: side + 1, : side + 1].ravel()[1 : bits + 1]
    signs: NDArray[np.bool_] = low > np.median(low)
    return signs


def near_pairs(hashes: NDArray[np.bool_], within: int) -> Iterator[tuple[int, int, int]]:
    """Every pair (i, j, distance) with i < j and at most `within` bits apart.

    Parameters
    ----------
    hashes : (n, bits) bool
    """
    count, bits = hashes.shape
    signed = np.where(hashes, np.float32(1), np.float32(-1))
    for start in range(0, count, _ROWS_AT_ONCE):
        apart = np.rint((bits - signed[start : start + _ROWS_AT_ONCE] @ signed[start:].T) / 2).astype(np.int64)
        rows, columns = np.nonzero(apart <= within)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if row < column:
                yield start + row, start + column, int(apart[row, column])
