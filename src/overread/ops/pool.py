"""Coarser grids by block means: less noise, fewer voxels, the same place in the patient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def pool_factors(spacing_mm: tuple[float, float, float], *, target_mm: float) -> tuple[int, int, int]:
    """How many voxels along (slice, row, column) make one block of about `target_mm`; at least 1 each."""
    a, b, c = (max(1, round(target_mm / s)) for s in spacing_mm)
    return a, b, c


def block_mean(array: NDArray[Any], factors: tuple[int, int, int]) -> NDArray[np.float32]:
    """Mean over blocks of `factors` voxels; the last block of an axis may be smaller (mean of what there is).

    Parameters
    ----------
    array : (slice, row, column) number
        Any real type; int16 sums are exact.
    factors : (slice, row, column)
        Voxels in a block.

    Returns
    -------
    (ceil(n / factor), ...) float32
        Block (a, b, c) is centred at index factor * (a + 1/2) - 1/2 of `array` except for a cut last block.
    """
    total: NDArray[Any] = array
    for axis in (1, 2, 0):
        factor = factors[axis]
        if factor > 1:
            total = _sum_blocks(total, axis, factor)
    result = total.astype(np.float32)
    for axis, factor in enumerate(factors):
        rest = array.shape[axis] % factor
        shape = [1, 1, 1]
        shape[axis] = result.shape[axis]
        divisor = np.full(shape, factor, dtype=np.float32)
        if rest:
            divisor.flat[-1] = rest
        if factor > 1:
            result /= divisor
    return result


def _sum_blocks(array: NDArray[Any], axis: int, factor: int) -> NDArray[Any]:
    kind = np.int32 if array.dtype.kind in "iub" else np.float32
    index: list[slice] = [slice(None)] * 3
    index[axis] = slice(0, None, factor)
    total = array[tuple(index)].astype(kind)
    for offset in range(1, factor):
        index[axis] = slice(offset, None, factor)
        part = array[tuple(index)]
        target: list[slice] = [slice(None)] * 3
        target[axis] = slice(0, part.shape[axis])
        total[tuple(target)] += part
    return total


def spread_blocks(array: NDArray[Any], factors: tuple[int, int, int], shape: tuple[int, ...]) -> NDArray[Any]:
    """Repeat each block value over its voxels: the inverse shape of `block_mean`, nearest-block values."""
    result = array
    for axis in (0, 1, 2):
        if factors[axis] > 1:
            result = np.repeat(result, factors[axis], axis=axis)
    return np.ascontiguousarray(result[: shape[0], : shape[1], : shape[2]])
