"""Pictures that look alike: a perceptual hash by cosine transform, and all pairs within a distance.

What is compared is one picture a case, its middle one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

from overread.errors import UsageError

SIDES = {64: 8, 256: 16}
NEAR = {64: 4, 256: 40}
"""Distance up to which two pictures are called alike, by bits.

Of 811 chest films the nearest two of different patients are 56 of 256 bits apart, so 40 calls none alike; with 64 bits
4 pairs are 4 apart. How far copies are apart is in docs/reference/datasets.md.
"""
_PAIRS_AT_ONCE = 2**23


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


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Pairs (i, j, distance) of different groups, i < j, at most `within` bits apart; and the least distance of all
    pairs of different groups, None where there is no such pair."""

    pairs: tuple[tuple[int, int, int], ...]
    nearest: int | None


def near_pairs(
    hashes: NDArray[np.bool_], groups: Sequence[str], within: int, others: NDArray[np.bool_] | None = None
) -> Neighbours:
    """Compare every two hashes of different groups; with `others`, each hash with each later one of those.

    Parameters
    ----------
    hashes, others : (n, bits) bool
    groups : (n,) names
    """
    count, bits = hashes.shape
    signed = np.where(hashes, np.float32(1), np.float32(-1))
    against = signed if others is None else np.where(others, np.float32(1), np.float32(-1))
    _, group = np.unique(groups, return_inverse=True)
    pairs: list[tuple[int, int, int]] = []
    nearest = bits + 1
    step = max(1, _PAIRS_AT_ONCE // max(count, 1))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        apart = np.rint((bits - signed[rows] @ against[start:].T) / 2).astype(np.int16)
        apart[group[rows, None] == group[None, start:]] = bits + 1
        nearest = min(nearest, int(apart.min()))
        pairs += [(start + i, start + j, int(apart[i, j])) for i, j in np.argwhere(apart <= within).tolist() if i < j]
    return Neighbours(tuple(pairs), nearest if nearest <= bits else None)
