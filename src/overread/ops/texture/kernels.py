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
    count = np.zeros((high, high), np.int64)
    sums = np.zeros(6)  # of squared counts, c ln c, (i - j)^2, 1 / (1 + (i - j)^2), i j twice; i + j, i^2 + j^2 below
    ends = np.zeros(2)
    pairs = 2 * side * (side - 1) + 2 * (side - 1) * (side - 1)
    total = 2.0 * pairs
    for y in range(out.shape[1]):
        count[:] = 0
        sums[:] = 0.0
        ends[:] = 0.0
        for column in range(side):
            _column(levels, y, column, 0, side, 1, count, sums, ends, logs)
        for x in range(out.shape[2]):
            if x > 0:
                _column(levels, y, x - 1, x - 1, side, -1, count, sums, ends, logs)
                _column(levels, y, x + side - 1, x, side, 1, count, sums, ends, logs)
            mean, square = ends[0] / total, ends[1] / total
            variance = square - mean * mean
            out[0, y, x] = sums[0] / (total * total)
            out[1, y, x] = sums[2] / pairs
            out[2, y, x] = (sums[4] / pairs - mean * mean) / variance if variance > 1e-12 else 0.0
            out[3, y, x] = np.log(total) - sums[1] / total
            out[4, y, x] = sums[3] / pairs


@inlined
def _column(
    levels: Levels,
    top: int,
    column: int,
    left: int,
    side: int,
    sign: int,
    count: NDArray[np.int64],
    sums: Floats,
    ends: Floats,
    logs: Floats,
) -> None:
    """Add (1) or remove (-1) the pairs of a column with itself and with its one neighbour inside the window.

    An entering column pairs with the one to its left, a leaving one, which is the leftmost, with that to its right.
    """
    near = column - 1 if sign > 0 else column + 1
    has_near = near >= left if sign > 0 else True
    for r in range(top, top + side):
        a = levels[r, column]
        if r + 1 < top + side:
            _pair(a, levels[r + 1, column], sign, count, sums, ends, logs)
        if has_near:
            _pair(a, levels[r, near], sign, count, sums, ends, logs)
            if r + 1 < top + side:
                _pair(a, levels[r + 1, near], sign, count, sums, ends, logs)
            if r > top:
                _pair(a, levels[r - 1, near], sign, count, sums, ends, logs)


@inlined
def _pair(a: Any, b: Any, sign: int, count: NDArray[np.int64], sums: Floats, ends: Floats, logs: Floats) -> None:
    i, j = np.int64(a), np.int64(b)
    before = count[i, j]
    if i == j:
        after = before + 2 * sign
        count[i, i] = after
        sums[0] += after * after - before * before
        sums[1] += logs[after] - logs[before]
    else:
        after = before + sign
        count[i, j] = after
        count[j, i] = after
        sums[0] += 2 * (after * after - before * before)
        sums[1] += 2.0 * (logs[after] - logs[before])
    off = (i - j) * (i - j)
    sums[2] += sign * off
    sums[3] += sign / (1.0 + off)
    sums[4] += sign * i * j
    ends[0] += sign * (i + j)
    ends[1] += sign * (i * i + j * j)


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
