"""Local fractal dimension of a grey surface by the blanket method, and the map of orders that HX derive from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.ops.fractional.kernels_blanket import SCALES, blanket_volumes
from overread.ops.fractional.plan import HIGHEST, LOWEST, Reading
from overread.runtime import Runtime

Floats = NDArray[np.floating[Any]]
BAND = 256
"""Rows to a task; 26 more are walked for the window and the blankets."""
SAMPLE = 65_536
"""Percentiles of larger images are those of this many evenly strewn pixels: of noise they are off by .02 sd."""


@dataclass(frozen=True, slots=True, eq=False)
class DimensionMap:
    """Dimension of the grey surface, 2 (a plane) to 3 (noise), on knots that include the first and last pixel.

    Parameters
    ----------
    values : (m, k) float
    rows, columns : (m,), (k,) int
        Where the knots lie in the image.
    """

    values: Floats
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]


def grey_range(image: NDArray[Any]) -> tuple[float, float]:
    """Percentiles 0.5 and 99.5, between which grey values are laid over 0 .. 255."""
    flat = image.ravel()
    if flat.size > SAMPLE:
        flat = flat[:: -(-flat.size // SAMPLE)]
    low, high = np.percentile(flat, (0.5, 99.5))
    return float(low), float(high)


def dimension_map(
    image: NDArray[Any],
    *,
    window: int = 17,
    step: int = 1,
    grey: tuple[float, float] | None = None,
    runtime: Runtime | None = None,
) -> DimensionMap:
    """Dimension in the square of `window` pixels around each knot.

    D = 2 - slope of log A_e on log e, e = 2 .. 5, where A_e = (V_e - V_{e-1}) / 2 and V_e is the volume between the
    blankets of grey levels, which are whole: 0 .. 255. Mirrored at the edges; clipped to 2 .. 3. On fractional Brownian
    surfaces of 2.1 / 2.5 / 2.9 it reads about 2.15 / 2.5 / 2.8. Source: Peleg et al. 1984, IEEE PAMI 6(4): 518-523.

    Parameters
    ----------
    image : (row, column) real
        More than window / 2 + 5 pixels on each side.
    step : int
        Distance of the knots in pixels.
    grey : (low, high), optional
        Values that become 0 and 255; by default `grey_range(image)`. The blanket adds grey levels, so the dimension
        depends on them: give the slices of one volume the same.

    Raises
    ------
    UsageError
        The image is too small for the window, or the ends of its grey range are no numbers.
    """
    halo = window // 2 + SCALES
    if min(image.shape) <= halo:
        raise UsageError(
            f"the image has {image.shape[0]} x {image.shape[1]} pixels, a window of {window} needs more than {halo}"
            " on each side",
            way_out="Give a smaller window, or one order for the whole image (order=0.6).",
        )
    low, high = grey_range(image) if grey is None else grey
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UsageError(f"grey values from {low} to {high}, expected finite ones", way_out="Replace NaN and infinity.")
    kind = np.float64 if image.dtype == np.float64 else np.float32
    knots = [_knots(size, step) for size in image.shape]
    values = np.empty((knots[0].size, knots[1].size), kind)
    # an image of one grey value is a plane whatever the scale
    scale = 255 / (high - low) if high > low else 0.0
    weight = _slope_weights().astype(kind)

    def measure(band: slice) -> None:
        at = knots[0][band]
        reach = np.arange(at[0] - halo, at[-1] + halo + 1)
        volume = np.empty((SCALES, at.size, knots[1].size), kind)
        blanket_volumes(image, _mirror(reach, image.shape[0]), at - at[0], knots[1], window, low, scale, volume)
        area = np.log((volume[1:] - volume[:-1]) * kind(0.5 / (window * window)))
        slope = weight[0] * area[0]
        for one, two in zip(weight[1:], area[1:], strict=True):
            slope += one * two
        np.clip(2 - slope, 2, 3, out=values[band])

    per_band = max(1, BAND // step)
    bands = [slice(n, min(n + per_band, len(knots[0]))) for n in range(0, len(knots[0]), per_band)]
    (runtime or Runtime()).map(measure, bands)
    return DimensionMap(values, knots[0], knots[1])


def order_of(dimension: Floats, reading: Reading = Reading.SURFACE) -> Floats:
    """Orders 0.45 to 0.85 of dimensions: y = 0.45 + 0.5 (w - 1.5), w held to 1.5 .. 2.3 (HX equation 1).

    Parameters
    ----------
    dimension : any shape, float, 2 .. 3
    reading : Reading
        What w is.
    """
    if reading is Reading.QUANTILE:
        low, high = np.percentile(dimension, (5, 95))
        w = 1.5 + 0.8 * (dimension - low) / (high - low) if high > low else np.full_like(dimension, 1.5)
    else:
        w = dimension - {Reading.SURFACE: 0.5, Reading.LITERAL: 0.0, Reading.PROFILE: 1.0}[reading]
    order: Floats = np.clip(LOWEST + 0.5 * (w - 1.5), LOWEST, HIGHEST).astype(dimension.dtype)
    return order


def _slope_weights() -> NDArray[np.float64]:
    """(4,) such that weights @ log A is the least-squares slope on log e, e = 2 .. 5."""
    x = np.log(np.arange(2, SCALES + 1))
    x -= x.mean()
    weights: NDArray[np.float64] = x / (x @ x)
    return weights


def _knots(size: int, step: int) -> NDArray[np.intp]:
    """Positions about `step` apart, first and last pixel among them, the same counted from either end."""
    count = max(2, -(-(size - 1) // step) + 1)
    if count % 2 != size % 2:
        count += 1
    count = min(count, size)
    half = np.arange((count + 1) // 2) * (size - 1) // (count - 1)
    knots = np.concatenate([half, (size - 1 - half[::-1])[count % 2 :]])
    return knots.astype(np.intp)


def _mirror(index: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """Indices folded into 0 .. size - 1 at the edge pixels, which are not doubled."""
    folded = np.abs(index)
    return np.where(folded >= size, 2 * (size - 1) - folded, folded).astype(np.intp)
