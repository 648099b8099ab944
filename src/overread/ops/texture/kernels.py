"""Compiled parts of texture: co-occurrence at points, sliding co-occurrence, order statistics of windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.ops.compiled import compiled, inlined

Levels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@compiled
def gray_gradient(
    grey: Levels, gradient: Levels, points: NDArray[np.intp], size: NDArray[np.intp], out: Floats
) -> None:
    """The fifteen features of the gray-gradient matrix (Hong 1984) in a window that begins at each point.

    Parameters
    ----------
    grey, gradient : (slice, row, column) uint8
        Levels 0 .. n - 1, padded so that every window fits; level i counts as i + 1.
    points : (n, 3) int
        First voxel of each window.
    size : (3,) int
    out : (n, 15) float64
    """
    high = int(max(grey.max(), gradient.max())) + 1
    table = np.zeros((high, high))
    share = 1.0 / (size[0] * size[1] * size[2])
    rows, columns = np.zeros(high), np.zeros(high)
    for n in range(points.shape[0]):
        table[:] = 0.0
        k0, j0, i0 = points[n, 0], points[n, 1], points[n, 2]
        for k in range(k0, k0 + size[0]):
            for j in range(j0, j0 + size[1]):
                for i in range(i0, i0 + size[2]):
                    table[grey[k, j, i], gradient[k, j, i]] += 1.0
        table *= share
        _gray_gradient_features(table, rows, columns, out[n])


@inlined
def _gray_gradient_features(table: Floats, rows: Floats, columns: Floats, out: Floats) -> None:
    high = table.shape[0]
    out[:] = 0.0
    rows[:] = 0.0
    columns[:] = 0.0
    for a in range(high):
        for b in range(high):
            p = table[a, b]
            if p > 0.0:
                i, j = a + 1.0, b + 1.0
                rows[a] += p
                columns[b] += p
                out[0] += p / (j * j)
                out[1] += p * j * j
                out[4] += p * p
                out[5] += i * p
                out[6] += j * p
                out[12] -= p * np.log(p)
                out[13] += (i - j) ** 2 * p
                out[14] += p / (1.0 + (i - j) ** 2)
    for a in range(high):
        if rows[a] > 0.0:
            out[2] += rows[a] ** 2
            out[7] += (a + 1.0 - out[5]) ** 2 * rows[a]
            out[10] -= rows[a] * np.log(rows[a])
        if columns[a] > 0.0:
            out[3] += columns[a] ** 2
            out[8] += (a + 1.0 - out[6]) ** 2 * columns[a]
            out[11] -= columns[a] * np.log(columns[a])
    out[7], out[8] = np.sqrt(out[7]), np.sqrt(out[8])
    if out[7] * out[8] > 1e-12:
        for a in range(high):
            for b in range(high):
                out[9] += (a + 1.0 - out[5]) * (b + 1.0 - out[6]) * table[a, b]
        out[9] /= out[7] * out[8]


@compiled
def co_occurrence(
    levels: Levels, points: NDArray[np.intp], size: NDArray[np.intp], steps: NDArray[np.intp], out: Floats
) -> None:
    """Six features of the symmetric co-occurrence matrix, all steps in one matrix, in a window at each point.

    Parameters
    ----------
    levels : (slice, row, column) uint8
        0 .. n - 1, padded so that every window fits.
    points : (n, 3) int
        First voxel of each window.
    size : (3,) int
    steps : (s, 3) int
        Both voxels of a pair lie in the window.
    out : (n, 6) float64
        Energy, contrast, correlation, entropy, inverse difference moment, largest share.
    """
    high = int(levels.max()) + 1
    count = np.zeros((high, high))
    for n in range(points.shape[0]):
        count[:] = 0.0
        total = 0.0
        for s in range(steps.shape[0]):
            first = [0, 0, 0]
            last = [0, 0, 0]
            for axis in range(3):
                step = steps[s, axis]
                first[axis] = points[n, axis] + max(0, -step)
                last[axis] = points[n, axis] + size[axis] - max(0, step)
            for k in range(first[0], last[0]):
                for j in range(first[1], last[1]):
                    for i in range(first[2], last[2]):
                        a = levels[k, j, i]
                        b = levels[k + steps[s, 0], j + steps[s, 1], i + steps[s, 2]]
                        count[a, b] += 1.0
                        count[b, a] += 1.0
                        total += 2.0
        _co_occurrence_features(count, total, out[n])


@inlined
def _co_occurrence_features(count: Floats, total: float, out: Floats) -> None:
    high = count.shape[0]
    out[:] = 0.0
    mean, square, product = 0.0, 0.0, 0.0
    if total == 0.0:
        return
    for a in range(high):
        for b in range(high):
            p = count[a, b] / total
            if p > 0.0:
                out[0] += p * p
                out[1] += (a - b) ** 2 * p
                out[3] -= p * np.log(p)
                out[4] += p / (1.0 + (a - b) ** 2)
                out[5] = max(out[5], p)
                mean += a * p
                square += a * a * p
                product += a * b * p
    variance = square - mean * mean
    if variance > 1e-12:
        out[2] = (product - mean * mean) / variance


@compiled
def sliding_co_occurrence(levels: Levels, high: int, half: int, logs: Floats, out: NDArray[np.float32]) -> None:
    """Five maps of the symmetric co-occurrence matrix of four directions, by sliding the window along rows.

    Only the pairs of the column that enters and of the one that leaves are counted; sums run along and start anew in
    each row.

    Parameters
    ----------
    levels : (rows + 2 half, columns + 2 half) uint8
        0 .. high - 1, padded by `half`.
    logs : (c,) float64
        c ln c for every count that can occur.
    out : (5, rows, columns) float32
        Energy, contrast, correlation, entropy, inverse difference moment.
    """
    side = 2 * half + 1
    width = np.uint64(high)
    count = np.zeros(high * high, np.int64)
    inverse = 1.0 / (1.0 + np.arange(high) ** 2)
    pairs = 2 * side * (side - 1) + 2 * (side - 1) * (side - 1)
    total = 2.0 * pairs
    zero: Any = 0
    pair_a, pair_b = np.empty(8 * side, np.uint64), np.empty(8 * side, np.uint64)
    for y in range(out.shape[1]):
        count[:] = 0
        squares, contrast, product, first, second = zero, zero, zero, zero, zero
        entropy, moment = 0.0, 0.0
        for x in range(1 - side, out.shape[2]):
            for sign in (-1, 1):
                if sign < 0:
                    if x <= 0:
                        continue
                    column, near, has_near = x - 1, x, True
                else:
                    column, near = x + side - 1, x + side - 2
                    has_near = near >= max(x, 0)
                n = 0
                for r in range(y, y + side):
                    a = levels[r, column]
                    if r + 1 < y + side:
                        pair_a[n], pair_b[n] = a, levels[r + 1, column]
                        n += 1
                    if has_near:
                        for s in range(max(y, r - 1), min(y + side, r + 2)):
                            pair_a[n], pair_b[n] = a, levels[s, near]
                            n += 1
                for m in range(n):
                    a, b = pair_a[m], pair_b[m]
                    i, j = np.int64(a), np.int64(b)
                    before = count[a * width + b]
                    if i == j:
                        after = before + 2 * sign
                        count[a * width + a] = after
                        squares += after * after - before * before
                        entropy += logs[after] - logs[before]
                    else:
                        after = before + sign
                        count[a * width + b] = after
                        count[b * width + a] = after
                        squares += 2 * (after * after - before * before)
                        entropy += 2.0 * (logs[after] - logs[before])
                    off = abs(i - j)
                    contrast += sign * off * off
                    moment += sign * inverse[off]
                    product += sign * i * j
                    first += sign * (i + j)
                    second += sign * (i * i + j * j)
            if x < 0:
                continue
            mean = first / total
            variance = second / total - mean * mean
            out[0, y, x] = squares / (total * total)
            out[1, y, x] = contrast / pairs
            out[2, y, x] = (product / pairs - mean * mean) / variance if variance > 1e-12 else 0.0
            out[3, y, x] = np.log(total) - entropy / total
            out[4, y, x] = moment / pairs


@compiled
def window_statistics(
    image: NDArray[np.float32], points: NDArray[np.intp], size: NDArray[np.intp], out: Floats
) -> None:
    """Mean, standard deviation, least, largest, median, skewness and excess kurtosis of a window at each point.

    Parameters
    ----------
    image : (slice, row, column) float32, padded so that every window fits
    points : (n, 3) int
        First voxel of each window.
    size : (3,) int
        Of an odd number of voxels.
    out : (n, 7) float64
        Moments of the population; skewness and kurtosis are 0 where all values are equal.
    """
    count = size[0] * size[1] * size[2]
    values = np.empty(count)
    for n in range(points.shape[0]):
        at = 0
        for k in range(points[n, 0], points[n, 0] + size[0]):
            for j in range(points[n, 1], points[n, 1] + size[1]):
                for i in range(points[n, 2], points[n, 2] + size[2]):
                    values[at] = image[k, j, i]
                    at += 1
        mean = values.sum() / count
        second, third, fourth = 0.0, 0.0, 0.0
        for value in values:
            off = value - mean
            second += off * off
            third += off * off * off
            fourth += off * off * off * off
        second, third, fourth = second / count, third / count, fourth / count
        out[n, 0], out[n, 1], out[n, 2], out[n, 3] = mean, np.sqrt(second), values.min(), values.max()
        out[n, 4] = np.median(values)
        flat = second <= 1e-14 * max(1.0, mean * mean)
        out[n, 5] = 0.0 if flat else third / second**1.5
        out[n, 6] = 0.0 if flat else fourth / (second * second) - 3.0
