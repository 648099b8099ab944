"""Compiled part of the local dimension: volumes between the blankets of a grey surface, in windows around knots."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.ops.compiled import compiled, inlined

Bytes = NDArray[np.uint8]
SCALES = 5


@compiled
def blanket_volumes(
    image: NDArray[Any],
    rows: NDArray[np.intp],
    first_row: NDArray[np.intp],
    first_column: NDArray[np.intp],
    window: int,
    low: float,
    scale: float,
    out: NDArray[np.floating[Any]],
) -> None:
    """Volume between the blankets of Peleg et al. 1984 at scales 1 .. 5, summed over square windows.

    Upper and lower blanket of scale e grow from those of e - 1 by one grey level or to the extreme of the 4-neighbours,
    whichever is further. Grey values are first laid over 0 .. 255 by `low` and `scale`, clipped and rounded. Kept are
    the upper blanket less e and the lower plus e, which stay within a byte: 64 of them go into one instruction. All
    sums are whole numbers, so nothing depends on their order.

    Parameters
    ----------
    image : (row, column) real
    rows : (h,) int
        Which rows of `image` to walk, mirrored at its edges; SCALES more at each end than are summed over.
    first_row, first_column : (r,), (m,) int
        First row and column of each window, counted without those.
    out : (SCALES, r, m) float
    """
    height, columns = rows.size, image.shape[1]
    halo = window // 2 + SCALES
    width = columns + 2 * halo
    upper, lower = np.empty((SCALES + 1, 3, width), np.uint8), np.empty((SCALES + 1, 3, width), np.uint8)
    gaps = np.zeros((SCALES, window, width), np.uint8)  # the last rows of each scale
    sums, tally = np.zeros((SCALES, width), np.uint16), np.empty(width + 1, np.int32)  # down the columns; and along
    done = np.zeros(SCALES, np.intp)
    line = np.empty(columns, out.dtype)
    for r in range(height):
        grey = upper[0, r % 3]
        _to_bytes(image[rows[r]], low, scale, line, grey[halo : halo + columns])
        for x in range(1, halo + 1):
            grey[halo - x] = grey[halo + x]
            grey[halo + columns - 1 + x] = grey[halo + columns - 1 - x]
        lower[0, r % 3][:] = grey
        for e in range(1, SCALES + 1):
            at = r - e  # the row that level e can now fill: its neighbours of level e - 1 are known
            if at < e:
                break
            high, deep = upper[e, at % 3], lower[e, at % 3]
            _grow(upper[e - 1], high, at)
            _shrink(lower[e - 1], deep, at)
            y = at - SCALES
            if y < 0 or at >= height - SCALES:
                continue
            column, gap = sums[e - 1], gaps[e - 1, y % window]
            if y >= window:
                for x in range(width):
                    column[x] -= gap[x]
            for x in range(width):
                gap[x] = high[x] - deep[x]
            for x in range(width):
                column[x] += gap[x]
            k = done[e - 1]
            if k < first_row.size and y == first_row[k] + window - 1:
                row = out[e - 1, k]
                whole = np.int32(0)
                for x in range(width):
                    tally[x] = whole
                    whole += np.int32(column[x])
                tally[width] = whole
                added = np.int32(2 * e * window * window)
                for m in range(row.size):
                    start = first_column[m] + SCALES
                    row[m] = tally[start + window] - tally[start] + added
                done[e - 1] = k + 1


@inlined
def _to_bytes(source: NDArray[Any], low: float, scale: float, line: NDArray[np.floating[Any]], out: Bytes) -> None:
    kind = line.dtype.type
    start, factor, half, least, most = kind(low), kind(scale), kind(0.5), kind(0.0), kind(255.0)
    for x in range(line.size):
        line[x] = source[x]
    for x in range(line.size):
        out[x] = np.uint8(np.int32(min(max((line[x] - start) * factor, least), most) + half))


@inlined
def _grow(before: Bytes, now: Bytes, at: int) -> None:
    """Upper blanket of the next scale in row `at`; `before` and the rows of `now` are kept modulo 3."""
    width = now.size - 2
    up, here, down = before[(at - 1) % 3], before[at % 3], before[(at + 1) % 3]
    left, middle, right, inner = here[:width], here[1 : width + 1], here[2:], now[1 : width + 1]
    above, below = up[1 : width + 1], down[1 : width + 1]
    one = np.uint8(1)
    for x in range(width):
        most = max(max(left[x], right[x]), max(above[x], below[x]))
        inner[x] = max(middle[x], np.uint8(max(most, one) - one))
    now[0], now[width + 1] = here[0], here[width + 1]


@inlined
def _shrink(before: Bytes, now: Bytes, at: int) -> None:
    """Lower blanket, as `_grow`."""
    width = now.size - 2
    up, here, down = before[(at - 1) % 3], before[at % 3], before[(at + 1) % 3]
    left, middle, right, inner = here[:width], here[1 : width + 1], here[2:], now[1 : width + 1]
    above, below = up[1 : width + 1], down[1 : width + 1]
    one, last = np.uint8(1), np.uint8(254)
    for x in range(width):
        least = min(min(left[x], right[x]), min(above[x], below[x]))
        inner[x] = min(middle[x], np.uint8(min(least, last) + one))
    now[0], now[width + 1] = here[0], here[width + 1]
