"""Gray-gradient and co-occurrence features: in windows around chosen voxels, or as maps of a whole picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.ops.texture.kernels import co_occurrence, gray_gradient, sliding_co_occurrence
from overread.runtime import Runtime

Floats = NDArray[np.float64]
LEVELS = 16
BLOCK = 2048
BAND = 32
GRAY_GRADIENT = (
    "small_gradient_dominance",
    "large_gradient_dominance",
    "grey_nonuniformity",
    "gradient_nonuniformity",
    "energy",
    "grey_mean",
    "gradient_mean",
    "grey_sd",
    "gradient_sd",
    "correlation",
    "grey_entropy",
    "gradient_entropy",
    "entropy",
    "inertia",
    "inverse_difference_moment",
)
"""T1 .. T15 of Hong 1984, entropies in nats."""
CO_OCCURRENCE = ("energy", "contrast", "correlation", "entropy", "inverse_difference_moment", "largest")
MAPS = CO_OCCURRENCE[:5]
THIRTEEN = np.array(
    [(k, j, i) for k in (-1, 0, 1) for j in (-1, 0, 1) for i in (-1, 0, 1) if (k, j, i) > (0, 0, 0)], dtype=np.intp
)
"""One of each pair of opposite steps to the 26 neighbours."""


def to_levels(values: NDArray[Any], low: float, high: float, *, levels: int = LEVELS) -> NDArray[np.uint8]:
    """Levels 0 .. `levels` - 1 of equal width between `low` and `high`; beyond them the first and the last.

    All become 0 where `low` is not below `high`.
    """
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    scaled = np.floor((values.astype(np.float64) - low) * (levels / (high - low)))
    return np.clip(scaled, 0, levels - 1).astype(np.uint8)


def gray_gradient_features(
    grey: NDArray[np.uint8],
    gradient: NDArray[np.uint8],
    points: NDArray[np.intp],
    size: tuple[int, int, int],
    *,
    runtime: Runtime | None = None,
) -> Floats:
    """(n, 15) features, in the order of `GRAY_GRADIENT`, of the window of `size` around each point.

    Parameters
    ----------
    grey, gradient : (slice, row, column) uint8
        Levels from 0, of one shape (`to_levels`); mirrored at the edges.
    points : (n, 3) int
        Voxels.
    size : (slices, rows, columns)
        Odd.

    Raises
    ------
    UsageError
        Shapes differ, or the window is even or reaches past the image on both sides.
    """
    if grey.shape != gradient.shape:
        raise UsageError(f"grey levels of {grey.shape} and gradient levels of {gradient.shape}, expected one shape")
    ready = [_padded(one, size) for one in (grey, gradient)]

    def run(block: NDArray[np.intp], out: Floats) -> None:
        gray_gradient(ready[0], ready[1], block, np.array(size), out)

    return at_points(run, points, len(GRAY_GRADIENT), runtime)


def co_occurrence_features(
    levels: NDArray[np.uint8],
    points: NDArray[np.intp],
    size: tuple[int, int, int],
    *,
    steps: NDArray[np.intp] = THIRTEEN,
    runtime: Runtime | None = None,
) -> Floats:
    """(n, 6) features, in the order of `CO_OCCURRENCE`, of the window of `size` around each point.

    The matrix is symmetric and holds the pairs of all `steps` together ("merged" of the IBSI), so a direction with
    fewer pairs in the window counts less. Both voxels of a pair lie in the window. Correlation is 0 where all levels
    are equal.

    Raises
    ------
    UsageError
        The window is even or reaches past the image on both sides.
    """
    ready = _padded(levels, size)

    def run(block: NDArray[np.intp], out: Floats) -> None:
        co_occurrence(ready, block, np.array(size), steps, out)

    return at_points(run, points, len(CO_OCCURRENCE), runtime)


def co_occurrence_maps(
    levels: NDArray[np.uint8], *, window: int = 7, runtime: Runtime | None = None
) -> dict[str, NDArray[np.float32]]:
    """Maps of a picture, by name as in `MAPS`: the four directions at distance 1, symmetric, in one matrix.

    Equal to scikit-image's `graycomatrix` of each window, summed over its four angles.

    Parameters
    ----------
    levels : (row, column) uint8
        Levels from 0; mirrored at the edges.
    window : int
        Side in pixels, odd, at least 3.

    Raises
    ------
    UsageError
        Not such a picture or window.
    """
    if levels.ndim != 2 or window < 3:
        raise UsageError(f"levels of {levels.shape} with a window of {window}, expected (row, column) and 3 or more")
    padded = _padded(levels[None], (1, window, window))[0]
    high = int(levels.max()) + 1
    counts = np.arange(1, 2 * (4 * window * window) + 1)
    logs = np.concatenate([[0.0], counts * np.log(counts)])
    out = np.empty((len(MAPS), *levels.shape), np.float32)
    half = window // 2

    def run(start: int) -> None:
        end = min(start + BAND, len(levels))
        part = np.empty((len(MAPS), end - start, levels.shape[1]), np.float32)
        sliding_co_occurrence(padded[start : end + 2 * half], high, half, logs, part)
        out[:, start:end] = part

    (runtime or Runtime()).map(run, range(0, len(levels), BAND))
    return dict(zip(MAPS, out, strict=True))


def at_points(
    kernel: Callable[[NDArray[np.intp], Floats], None],
    points: NDArray[np.intp],
    columns: int,
    runtime: Runtime | None,
) -> Floats:
    """Run a kernel over blocks of points; the blocks do not depend on the number of threads."""
    points = np.ascontiguousarray(points, dtype=np.intp)
    out = np.empty((len(points), columns))
    blocks = [slice(n, n + BLOCK) for n in range(0, len(points), BLOCK)]
    (runtime or Runtime()).map(lambda block: kernel(points[block], out[block]), blocks)
    return out


def _padded(levels: NDArray[np.uint8], size: tuple[int, int, int]) -> NDArray[np.uint8]:
    if levels.dtype != np.uint8 or levels.ndim != 3:
        raise UsageError(f"levels are {levels.ndim}-D {levels.dtype}, expected 3-D uint8", way_out="Use to_levels.")
    return mirrored(levels, size)


def mirrored(values: NDArray[Any], size: tuple[int, int, int]) -> NDArray[Any]:
    """Padded by half a window so that the window around voxel n begins at n; mirrored without doubling the edge.

    Raises
    ------
    UsageError
        The window is even, or larger than twice the image.
    """
    half = [n // 2 for n in size]
    if any(n % 2 == 0 or n < 1 for n in size) or any(h >= n for h, n in zip(half, values.shape, strict=True) if h):
        raise UsageError(
            f"a window of {size} for an image of {values.shape}, expected odd and less than twice the image",
            way_out="Give a smaller window.",
        )
    return np.ascontiguousarray(np.pad(values, [(h, h) for h in half], mode="reflect"))
