"""Compiled part of the enhancement of volumes: fractional differences along 26 rays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.ops.compiled import compiled
from overread.ops.fractional.kernels import MEAN_PRESERVING, PAPER, SIGNED

Rows = NDArray[np.floating[Any]]


@compiled
def fractional_step_3d(
    block: Rows, order: Rows, rings: int, logs: NDArray[np.float64], mode: int, strength: float, out: Rows
) -> None:
    """Fractional differences of a band of rows of one slice along the 26 rays of a cube.

    With S_ck the sum over the rays of class c of p(k steps) - p, and t_c = exp(-v logs_c), a = sum of c_k t_c S_ck
    holds all modes: signed p + strength a / 26, paper g p + a / 26, mean-preserving p + a / (26 g), raw 26 g p + a,
    where g = 1 + sum of c_k times the mean t of the rays.

    Parameters
    ----------
    block : (2 n + 1, rows + 2 n, columns + 2 n) float
        The band with n more slices, rows and columns on each side.
    order : (rows, columns) or (1, 1) of the type of `block`
    logs : (7,) float64
        Logarithm of the length of a step over the reference length; class 4 z + 2 y + x - 1 of rays that move along
        slice (z), row (y) and column (x).
    out : (rows, columns) of the type of `block`
    """
    kind = block.dtype.type
    n = rings
    height, width = out.shape
    wide = width + 2 * n
    one, share = kind(1.0), kind(1.0 / 26.0)
    sums = np.empty((4, wide), block.dtype)
    ring = np.empty((n + 1, width), block.dtype)
    t, mean, g = np.empty((7, width), block.dtype), np.empty(width, block.dtype), np.empty(width, block.dtype)
    one_order = np.full(width, order[0, 0])
    count = np.array([2.0, 2.0, 4.0, 2.0, 4.0, 4.0, 8.0]).astype(block.dtype)
    for y in range(height):
        v = one_order if order.size == 1 else order[y]
        p, row = block[n, y + n, n : n + width], out[y]
        if y == 0 or order.size > 1:
            for x in range(width):
                mean[x] = 0
            for c in range(7):
                log, weight, many = kind(logs[c]), t[c], count[c] * share
                for x in range(width):
                    weight[x] = np.exp(-v[x] * log)
                for x in range(width):
                    mean[x] += many * weight[x]
        for k in range(1, n + 1):
            now = ring[k]
            near, beside, before = block[n], block[n - k], block[n + k]
            u, d = y + n - k, y + n + k
            flat, rows, slices, corners = sums[0], sums[1], sums[2], sums[3]
            for x in range(wide):
                flat[x] = near[y + n, x]
            for x in range(wide):
                rows[x] = near[u, x] + near[d, x]
            for x in range(wide):
                slices[x] = beside[y + n, x] + before[y + n, x]
            for x in range(wide):
                corners[x] = (beside[u, x] + before[u, x]) + (beside[d, x] + before[d, x])
            for x in range(width):
                now[x] = 0
            for group in range(4):
                line = sums[group]
                left, middle, right = line[n - k : n - k + width], line[n : n + width], line[n + k : n + k + width]
                if group:
                    weight, many = t[2 * group - 1], count[2 * group - 1]
                    for x in range(width):
                        now[x] += weight[x] * (middle[x] - many * p[x])
                weight, many = t[2 * group], count[2 * group]
                for x in range(width):
                    now[x] += weight[x] * ((left[x] + right[x]) - many * p[x])
        total = ring[n]
        for x in range(width):
            g[x] = one
        for k in range(n - 1, 0, -1):  # by Horner's rule, as in two dimensions
            whole, over, inner = kind(k), kind(1.0 / (k + 1)), ring[k]
            for x in range(width):
                total[x] = inner[x] + (whole - v[x]) * over * total[x]
            for x in range(width):
                g[x] = one + (whole - v[x]) * over * g[x]
        for x in range(width):
            g[x] = one - v[x] * g[x] * mean[x]
        if mode == SIGNED:
            factor = kind(strength) * share
            for x in range(width):
                row[x] = p[x] - factor * v[x] * total[x]
        elif mode == PAPER:
            for x in range(width):
                row[x] = g[x] * p[x] - share * v[x] * total[x]
        elif mode == MEAN_PRESERVING:
            for x in range(width):
                row[x] = p[x] - share * v[x] * total[x] / g[x]
        else:
            for x in range(width):
                row[x] = kind(26.0) * g[x] * p[x] - v[x] * total[x]
