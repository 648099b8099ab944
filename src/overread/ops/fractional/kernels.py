"""Compiled parts of the enhancement: the fractional step, and interpolation of the order map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.ops.compiled import compiled, inlined

Rows = NDArray[np.floating[Any]]
SIGNED, PAPER, MEAN_PRESERVING, RAW = 0, 1, 2, 3


def fractional_step(block: Rows, order: Rows, rings: int, metric: bool, mode: int, strength: float, out: Rows) -> None:
    """Fractional differences of a band of rows, the order given for each pixel.

    Parameters
    ----------
    block : (rows + 2 n, columns) float
        The band with n more rows above and below.
    order : (rows, columns) or (1, 1) of the type of `block`
    out : (rows, columns) of the type of `block`
    """
    if mode == SIGNED and rings == 2 and not metric and out.shape[1] > 4:
        _two_rings(block, order, strength, out)
    else:
        _any_plan(block, order, rings, metric, mode, strength, out)


@compiled
def _any_plan(block: Rows, order: Rows, rings: int, metric: bool, mode: int, strength: float, out: Rows) -> None:
    """`fractional_step` of any plan.

    With A_k the sum of the four cells k steps away along rows and columns and D_k that along the diagonals,
    a = sum of c_k ((A_k - 4 p) + t (D_k - 4 p)), t = 1 or 2^(-v/2), holds all modes: signed p + strength a / 8, paper
    g p + a / 8, mean-preserving p + a / (8 g), raw 8 g p + a, where g = 1 + (1 + t) / 2 sum of c_k.
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


@compiled
def _two_rings(block: Rows, order: Rows, strength: float, out: Rows) -> None:
    """The usual plan in one pass over five rows: the operations of `_any_plan` in their order, so the same bits."""
    kind = block.dtype.type
    one, half, eight, factor = kind(1.0), kind(0.5), kind(8.0), kind(strength * 0.125)
    width = out.shape[1]
    w, last = width - 4, width - 1
    one_order = np.full(width, order[0, 0])
    for y in range(out.shape[0]):
        v = one_order if order.size == 1 else order[y]
        a2, a1, p, b1, b2, row = block[y], block[y + 1], block[y + 2], block[y + 3], block[y + 4], out[y]
        p0, p1, p2, p3, p4 = p[:w], p[1 : w + 1], p[2 : w + 2], p[3 : w + 3], p[4 : w + 4]
        al, am, ar, bl, bm, br = (a1[1 : w + 1], a1[2 : w + 2], a1[3 : w + 3], b1[1 : w + 1], b1[2 : w + 2],
                                  b1[3 : w + 3])  # fmt: skip
        cl, cm, cr, dl, dm, dr = a2[:w], a2[2 : w + 2], a2[4 : w + 4], b2[:w], b2[2 : w + 2], b2[4 : w + 4]
        inner, order_here = row[2 : w + 2], v[2 : w + 2]
        for x in range(w):
            near = (p1[x] + p3[x]) + (am[x] + bm[x]) + ((al[x] + bl[x]) + (ar[x] + br[x])) - eight * p2[x]
            far = (p0[x] + p4[x]) + (cm[x] + dm[x]) + ((cl[x] + dl[x]) + (cr[x] + dr[x])) - eight * p2[x]
            inner[x] = p2[x] - factor * order_here[x] * (near + (one - order_here[x]) * half * far)
        for x in (0, 1, last - 1, last):
            l1, r1, l2, r2 = abs(x - 1), last - abs(last - x - 1), abs(x - 2), last - abs(last - x - 2)
            near = (p[l1] + p[r1]) + (a1[x] + b1[x]) + ((a1[l1] + b1[l1]) + (a1[r1] + b1[r1])) - eight * p[x]
            far = (p[l2] + p[r2]) + (a2[x] + b2[x]) + ((a2[l2] + b2[l2]) + (a2[r2] + b2[r2])) - eight * p[x]
            row[x] = p[x] - factor * v[x] * (near + (one - v[x]) * half * far)


@inlined
def _mirror_ends(line: Rows, n: int) -> None:
    """Fill the n entries at either end from those inside, mirrored at the first and last pixel."""
    last = line.size - 1 - n
    for k in range(1, n + 1):
        line[n - k] = line[n + k]
        line[last + k] = line[last - k]


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
