"""Compiled parts of the enhancement: the fractional step, the blanket volumes, interpolation of the order map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.ops.compiled import compiled, inlined

Rows = NDArray[np.floating[Any]]
SIGNED, PAPER, MEAN_PRESERVING, RAW = 0, 1, 2, 3


@compiled
def fractional_step(block: Rows, order: Rows, rings: int, metric: bool, mode: int, strength: float, out: Rows) -> None:
    """Fractional differences of a band of rows, the order given for each pixel.

    With A_k the sum of the four cells k steps away along rows and columns and D_k that along the diagonals,
    a = sum of c_k ((A_k - 4 p) + t (D_k - 4 p)), t = 1 or 2^(-v/2), holds all modes: signed p + strength a / 8, paper
    g p + a / 8, mean-preserving p + a / (8 g), raw 8 g p + a, where g = 1 + (1 + t) / 2 sum of c_k.

    Parameters
    ----------
    block : (rows + 2 n, columns) float
        The band with n more rows above and below.
    order : (rows, columns) or (1, 1) of the type of `block`
    out : (rows, columns) of the type of `block`
    """
    kind = block.dtype.type
    one, half, eighth, four, eight = kind(1.0), kind(0.5), kind(0.125), kind(4.0), kind(8.0)
    factor, two = kind(strength * 0.125), kind(2.0)
    n = rings
    height, width = out.shape
    here, sides = np.empty(width + 2 * n, block.dtype), np.empty(width + 2 * n, block.dtype)
    g, t = np.empty(width, block.dtype), np.empty(width, block.dtype)
    ring = np.empty((n + 1, width), block.dtype)  # ring[k]: its eight cells less eight times the centre
    one_order = np.full(width, order[0, 0])
    p, middle, total = here[n : n + width], sides[n : n + width], ring[n]
    for y in range(height):
        v = one_order if order.size == 1 else order[y]
        row, source = out[y], block[y + n]
        for x in range(width):
            p[x] = source[x]
        _mirror_ends(here, n)
        if metric:
            for x in range(width):
                t[x] = two ** (-half * v[x])
        for k in range(1, n + 1):
            above, below, now = block[y + n - k], block[y + n + k], ring[k]
            for x in range(width):
                middle[x] = above[x] + below[x]
            _mirror_ends(sides, n)
            left, right = here[n - k : n - k + width], here[n + k : n + k + width]
            slant, other = sides[n - k : n - k + width], sides[n + k : n + k + width]
            if metric:
                for x in range(width):
                    now[x] = t[x] * ((slant[x] + other[x]) - four * p[x])
                for x in range(width):
                    now[x] += (left[x] + right[x]) + middle[x] - four * p[x]
            else:
                for x in range(width):
                    now[x] = (left[x] + right[x]) + middle[x] + (slant[x] + other[x]) - eight * p[x]
        # sum of c_k ring_k = -v (ring_1 + (1 - v) / 2 (ring_2 + (2 - v) / 3 (ring_3 + ..)))
        for k in range(n - 1, 0, -1):
            whole, over, inner = kind(k), kind(1.0 / (k + 1)), ring[k]
            for x in range(width):
                total[x] = inner[x] + (whole - v[x]) * over * total[x]
        if mode == SIGNED:
            for x in range(width):
                row[x] = p[x] - factor * v[x] * total[x]
            continue
        for x in range(width):
            g[x] = one
        for k in range(n - 1, 0, -1):
            whole, over = kind(k), kind(1.0 / (k + 1))
            for x in range(width):
                g[x] = one + (whole - v[x]) * over * g[x]
        if metric:
            for x in range(width):
                g[x] = one - (one + t[x]) * half * v[x] * g[x]
        else:
            for x in range(width):
                g[x] = one - v[x] * g[x]
        if mode == PAPER:
            for x in range(width):
                row[x] = g[x] * p[x] - eighth * v[x] * total[x]
        elif mode == MEAN_PRESERVING:
            for x in range(width):
                row[x] = p[x] - eighth * v[x] * total[x] / g[x]
        else:
            for x in range(width):
                row[x] = eight * g[x] * p[x] - v[x] * total[x]


@inlined
def _mirror_ends(line: Rows, n: int) -> None:
    """Fill the n entries at either end from those inside, mirrored at the first and last pixel."""
    last = line.size - 1 - n
    for k in range(1, n + 1):
        line[n - k] = line[n + k]
        line[last + k] = line[last - k]


@compiled
def blanket_sums(
    image: NDArray[Any],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    knots: NDArray[np.intp],
    window: int,
    low: float,
    scale: float,
    out: Rows,
) -> None:
    """Volume between the blankets of Peleg et al. 1984 at scales 1 .. 5, summed along rows in a window.

    Upper and lower blanket of scale e grow from those of e - 1 by one grey level or to the extreme of the 4-neighbours,
    whichever is further. Grey values are first laid over 0 .. 255 by `low` and `scale` and clipped.

    Parameters
    ----------
    image : (row, column) real
    rows, columns : (h,), (w,) int
        Which rows and columns of `image` to walk, mirrored at its edges, five more at each end than are summed over.
    knots : (m,) int
        First column of each window, counted without those five.
    out : (5, h - 10, m) float
    """
    height, width = rows.size, columns.size
    kind = out.dtype.type
    one, most = kind(1.0), kind(255.0)
    start, factor = kind(low), kind(scale)
    upper = np.empty((6, 3, width), out.dtype)
    lower = np.empty((6, 3, width), out.dtype)
    total, pairs = np.empty(width, out.dtype), np.empty((2, width), out.dtype)
    for r in range(height):
        source, u, b = image[rows[r]], upper[0, r % 3], lower[0, r % 3]
        for x in range(width):
            u[x] = source[columns[x]]
        for x in range(width):
            u[x] = min(max((u[x] - start) * factor, kind(0.0)), most)
        for x in range(width):
            b[x] = u[x]
        for e in range(1, 6):
            at = r - e  # the row that level e can now fill: its neighbours of level e - 1 are known
            if at < e:
                break
            _grow(upper[e - 1], upper[e, at % 3], at, one)
            _shrink(lower[e - 1], lower[e, at % 3], at, one)
            if 5 <= at < height - 5:
                high, deep, gap = upper[e, at % 3], lower[e, at % 3], pairs[0]
                for x in range(width):
                    gap[x] = high[x] - deep[x]
                _window_sums(pairs, total, window)
                row = out[e - 1, at - 5]
                for m in range(knots.size):
                    row[m] = total[knots[m] + 5]


@compiled
def slopes(sums: Rows, at: NDArray[np.intp], window: int, weights: NDArray[np.float64], out: Rows) -> None:
    """Dimension 2 - slope of log A_e on log e from the sums of `blanket_sums`, clipped to 2 .. 3.

    Parameters
    ----------
    sums : (5, h, m) float
    at : (r,) int
        First row of the window of each row of `out`.
    weights : (4,) float64
        The slope is weights @ log A, A_e = (V_e - V_{e-1}) / 2, e = 2 .. 5.
    out : (r, m) float
    """
    volume = np.empty((sums.shape[0], sums.shape[2]), sums.dtype)
    kind = sums.dtype.type
    per_pixel = kind(0.5 / (window * window))
    for r in range(at.size):
        for e in range(sums.shape[0]):
            total = volume[e]
            for m in range(total.size):
                total[m] = 0
            for k in range(at[r], at[r] + window):
                _add_to(total, sums[e, k])
        for m in range(out.shape[1]):
            slope = 0.0
            for e in range(weights.size):
                slope += weights[e] * np.log((volume[e + 1, m] - volume[e, m]) * per_pixel)
            out[r, m] = min(max(2.0 - slope, 2.0), 3.0)


@inlined
def _grow(before: Rows, now: Rows, at: int, one: Any) -> None:
    """Upper blanket of the next scale in row `at`; `before` and the rows of `now` are kept modulo 3."""
    width = now.size
    up, here, down = before[(at - 1) % 3], before[at % 3], before[(at + 1) % 3]
    left, middle, right, inner = here[: width - 2], here[1 : width - 1], here[2:], now[1 : width - 1]
    above, below = up[1 : width - 1], down[1 : width - 1]
    for x in range(width - 2):
        inner[x] = max(max(max(left[x], right[x]), max(above[x], below[x])), middle[x] + one)
    now[0], now[width - 1] = here[0], here[width - 1]


@inlined
def _shrink(before: Rows, now: Rows, at: int, one: Any) -> None:
    """Lower blanket, as `_grow`."""
    width = now.size
    up, here, down = before[(at - 1) % 3], before[at % 3], before[(at + 1) % 3]
    left, middle, right, inner = here[: width - 2], here[1 : width - 1], here[2:], now[1 : width - 1]
    above, below = up[1 : width - 1], down[1 : width - 1]
    for x in range(width - 2):
        inner[x] = min(min(min(left[x], right[x]), min(above[x], below[x])), middle[x] - one)
    now[0], now[width - 1] = here[0], here[width - 1]


@inlined
def _window_sums(pairs: Rows, total: Rows, window: int) -> None:
    """total[x] = pairs[0, x] + .. + pairs[0, x + window - 1] by doubling; the last window - 1 entries are void."""
    length, offset, turn = 1, 0, 0
    for x in range(total.size):
        total[x] = 0
    while True:
        source, target = pairs[turn], pairs[1 - turn]
        if window & length:
            _add_to(total, source[offset:])
            offset += length
        if 2 * length > window:
            break
        _add(source, source[length:], target)
        turn = 1 - turn
        length *= 2


@inlined
def _add_to(total: Rows, part: Rows) -> None:
    for x in range(part.size):
        total[x] += part[x]


@inlined
def _add(one: Rows, other: Rows, out: Rows) -> None:
    for x in range(other.size):
        out[x] = one[x] + other[x]


@compiled
def spread(values: Rows, row_at: Rows, first: NDArray[np.int32], share: Rows, out: Rows) -> None:
    """Bilinear interpolation of a map from its knots to a band of rows.

    Parameters
    ----------
    values : (m, k) float
    row_at : (rows,) float
        Position of each row among the m knots.
    first, share : (columns,)
        Knot at or before each column, and how far the column is towards the next one, 0 .. 1.
    out : (rows, columns) float
    """
    width, last = out.shape[1], values.shape[0] - 1
    knots = np.empty(values.shape[1] + 1, out.dtype)
    lines, held = np.empty((2, width), out.dtype), np.full(2, -1)  # two rows of knots, spread along the columns
    for y in range(out.shape[0]):
        above = min(int(row_at[y]), last)
        for k in (above, min(above + 1, last)):
            if held[k % 2] == k:
                continue
            held[k % 2] = k
            for x in range(values.shape[1]):
                knots[x] = values[k, x]
            knots[values.shape[1]] = knots[values.shape[1] - 1]
            line = lines[k % 2]
            for x in range(width):
                line[x] = knots[first[x]] + share[x] * (knots[first[x] + 1] - knots[first[x]])
        upper, lower, part, row = (
            lines[above % 2],
            lines[min(above + 1, last) % 2],
            out.dtype.type(row_at[y] - above),
            out[y],
        )
        for x in range(width):
            row[x] = upper[x] + part * (lower[x] - upper[x])
