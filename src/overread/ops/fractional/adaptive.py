"""Adaptive fractional differential enhancement (HX 2.2): texture is differentiated by as much as its dimension asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.despeckle import lee, srad
from overread.ops.fractional.dimension import DimensionMap, dimension_map, grey_range, order_of
from overread.ops.fractional.kernels import MEAN_PRESERVING, PAPER, RAW, SIGNED, fractional_step, spread
from overread.ops.fractional.kernels_3d import fractional_step_3d
from overread.ops.fractional.plan import LOWEST, Despeckle, Diagonal, Domain, EnhancePlan, Mode
from overread.ops.fractional.volume import logs_of_steps
from overread.runtime import Runtime

Floats = NDArray[np.floating[Any]]
_MODES = {Mode.SIGNED: SIGNED, Mode.PAPER: PAPER, Mode.MEAN_PRESERVING: MEAN_PRESERVING, Mode.RAW: RAW}
_TYPES = (np.uint8, np.int8, np.uint16, np.int16, np.int32, np.float32, np.float64)
BAND = 64
GUARD = 1.5
_NORMAL_MAD = 0.6744897501960817


@dataclass(frozen=True, slots=True)
class Range:
    """What storing values in an integer type would cost: `clipped_share` of the pixels lie outside its range."""

    low: float
    high: float
    clipped_share: float


def enhance(
    image: NDArray[Any],
    plan: EnhancePlan | None = None,
    *,
    spacing_mm: tuple[float, float, float] | None = None,
    runtime: Runtime | None = None,
) -> Floats:
    """The enhanced image, not clipped, in the unit of its values; each slice of a stack on its own, or in 3-D.

    Parameters
    ----------
    image : (row, column) or (slice, row, column), 8, 16 or 32-bit integer, float32 or float64
        Finite. The slices of a stack share one grey range for the dimension.
    plan : EnhancePlan
        Mode `RAW` and `PAPER` change the mean, see there.
    spacing_mm : (slice, row, column), optional
        Distance of voxel centres; needed for, and only used by, a plan of three dimensions.

    Returns
    -------
    same shape, float32; float64 if the image is
        The same to the last bit for any number of threads.

    Raises
    ------
    UsageError
        Not such an image, values that are not finite, negative values where logarithms or speckle are asked for, an
        image smaller than the template or the window, or three dimensions without a volume and its spacing, or with
        slices more than ten times as far apart as pixels.
    """
    plan = plan or EnhancePlan()
    stack = _require_image(image, plan)
    runtime = runtime or Runtime()
    kind = np.float64 if image.dtype == np.float64 else np.float32
    if plan.despeckle is not Despeckle.NONE:
        stack = despeckled(stack, plan.despeckle, runtime).astype(kind)
    grey = None if plan.order is not None else grey_range(stack)
    out = np.empty(stack.shape, kind)
    if plan.dimensions == 3:
        logs = logs_of_steps(image.shape, spacing_mm, plan)
        for k, target in enumerate(out):
            orders = None if grey is None else _orders(stack[k], plan, grey, runtime)
            _step_3d(stack, k, orders, (plan, logs), (target, runtime))
        return out
    for plane, target in zip(stack, out, strict=True):
        orders = None if grey is None else _orders(plane, plan, grey, runtime)
        _step(plane, orders, plan, target, runtime)
    return out.reshape(image.shape)


def order_map(image: NDArray[Any], plan: EnhancePlan | None = None, *, runtime: Runtime | None = None) -> Floats:
    """The order that `enhance` gives each pixel of one image, 0.45 to 0.85; (row, column) float.

    Raises
    ------
    UsageError
        As `enhance`; a stack is refused.
    """
    plan = plan or EnhancePlan()
    stack = _require_image(image, plan)
    if image.ndim != 2:
        raise UsageError("an order map is of one image", way_out="Give one slice.")
    if plan.despeckle is not Despeckle.NONE:
        stack = despeckled(stack, plan.despeckle, runtime or Runtime())
    kind = np.float64 if image.dtype == np.float64 else np.float32
    out = np.empty(image.shape, kind)
    if plan.order is not None:
        out[:] = plan.order
        return out
    orders = _orders(stack[0], plan, grey_range(stack), runtime or Runtime())
    for band in _bands(len(out)):
        out[band] = orders.band(band, kind)
    return out


def would_clip(values: Floats, dtype: type[np.integer[Any]]) -> Range:
    """How values lie against the range of an integer type."""
    limits = np.iinfo(dtype)
    low, high = float(values.min()), float(values.max())
    outside = np.count_nonzero((values < limits.min) | (values > limits.max))
    return Range(low, high, outside / values.size)


@dataclass(frozen=True, slots=True, eq=False)
class _Orders:
    """Orders on knots or pixels, interpolated band by band."""

    values: Floats
    row_at: NDArray[np.float64]
    first: NDArray[np.int32]
    share: NDArray[np.float64]

    @classmethod
    def of(cls, values: Floats, found: DimensionMap) -> _Orders:
        height, width = found.rows[-1] + 1, found.columns[-1] + 1
        row_at = np.interp(np.arange(height), found.rows, np.arange(len(found.rows)))
        column_at = np.interp(np.arange(width), found.columns, np.arange(len(found.columns)))
        first = column_at.astype(np.int32)
        return cls(values, row_at, first, column_at - first)

    def band(self, band: slice, kind: type[np.floating[Any]]) -> Floats:
        """(rows, columns) orders of a band."""
        out = np.empty((band.stop - band.start, self.first.size), kind)
        spread(self.values.astype(kind), self.row_at[band].astype(kind), self.first, self.share.astype(kind), out)
        return out


def _orders(plane: NDArray[Any], plan: EnhancePlan, grey: tuple[float, float], runtime: Runtime) -> _Orders:
    step = 1 if plan.noise_guard else plan.map_step  # the guard is drawn on every pixel
    found = dimension_map(plane, window=plan.window, step=step, grey=grey, runtime=runtime)
    values = order_of(found.values, plan.reading)
    if plan.noise_guard:
        values = np.where(_is_flat(plane, plan.window), values.dtype.type(LOWEST), values)
    return _Orders.of(values, found)


def _is_flat(plane: NDArray[Any], window: int) -> NDArray[np.bool_]:
    """Where the local standard deviation is below 1.5 times that of the noise."""
    values = plane.astype(np.float64)
    values -= values.mean()
    mean = ndi.uniform_filter(values, window, mode="mirror")
    variance = ndi.uniform_filter(values**2, window, mode="mirror") - mean**2
    flat: NDArray[np.bool_] = variance < (GUARD * noise_sd(plane)) ** 2
    return flat


def noise_sd(plane: NDArray[Any]) -> float:
    """Standard deviation of white noise in an image, from the median of its diagonal Laplacian.

    The Laplacian of four diagonal neighbours has sqrt(20) times the sd of the noise and hardly sees smooth structure.
    Squares of 7 x 7 pixels of one value, and two pixels about them, are left out: a background that was cut away holds
    no noise.

    Parameters
    ----------
    plane : (row, column) real
    """
    p = plane.astype(np.float64)
    laplacian = p[:-2, :-2] + p[:-2, 2:] + p[2:, :-2] + p[2:, 2:] - 4 * p[1:-1, 1:-1]
    constant = ndi.maximum_filter(p, 7) == ndi.minimum_filter(p, 7)
    alive = ~ndi.maximum_filter(constant, 11)[1:-1, 1:-1]
    return float(np.median(np.abs(laplacian[alive])) / (_NORMAL_MAD * np.sqrt(20))) if alive.any() else 0.0


def _step(plane: NDArray[Any], orders: _Orders | None, plan: EnhancePlan, out: Floats, runtime: Runtime) -> None:
    kind = out.dtype.type
    n = plan.rings
    mode, metric = _MODES[plan.mode], plan.diagonal is Diagonal.METRIC

    def band_of(band: slice) -> None:
        block = _with_rows(plane, band, n).astype(kind, copy=False)
        if plan.domain is Domain.LOG:
            block = np.log1p(block)
        order = np.full((1, 1), plan.order, kind) if orders is None else orders.band(band, kind)
        fractional_step(np.ascontiguousarray(block), order, n, metric, mode, plan.strength, out[band])
        if plan.domain is Domain.LOG:
            np.expm1(out[band], out=out[band])

    runtime.map(band_of, _bands(len(plane)))


def despeckled(stack: NDArray[Any], how: Despeckle, runtime: Runtime) -> NDArray[np.float32]:
    """(slice, row, column) with each slice filtered on its own; raises `UsageError` where a value is below 0."""
    run = lee if how is Despeckle.LEE else srad
    return np.stack(runtime.map(run, list(stack)))


def _step_3d(
    stack: NDArray[Any],
    k: int,
    orders: _Orders | None,
    how: tuple[EnhancePlan, NDArray[np.float64]],
    to: tuple[Floats, Runtime],
) -> None:
    """One slice along 26 rays, mirrored at all faces of the volume."""
    (plan, logs), (out, runtime) = how, to
    kind, n, last = out.dtype.type, plan.rings, len(stack) - 1
    at = np.abs(np.arange(k - n, k + n + 1))
    near = stack[np.where(at > last, 2 * last - at, at)].astype(kind)
    if plan.domain is Domain.LOG:
        near = np.log1p(near)
    padded = np.pad(near, ((0, 0), (n, n), (n, n)), mode="reflect")

    def band_of(band: slice) -> None:
        order = np.full((1, 1), plan.order, kind) if orders is None else orders.band(band, kind)
        block = padded[:, band.start : band.stop + 2 * n]
        fractional_step_3d(block, order, n, logs, _MODES[plan.mode], plan.strength, out[band])
        if plan.domain is Domain.LOG:
            np.expm1(out[band], out=out[band])

    runtime.map(band_of, _bands(len(out)))


def _bands(height: int) -> list[slice]:
    return [slice(start, min(start + BAND, height)) for start in range(0, height, BAND)]


def _with_rows(plane: NDArray[Any], band: slice, n: int) -> NDArray[Any]:
    """The rows of a band and n more on either side, mirrored at the first and last row."""
    if band.start >= n and band.stop + n <= len(plane):
        return plane[band.start - n : band.stop + n]
    index = np.abs(np.arange(band.start - n, band.stop + n))
    last = len(plane) - 1
    return plane[np.where(index > last, 2 * last - index, index)]


def _require_image(image: NDArray[Any], plan: EnhancePlan) -> NDArray[Any]:
    """The image as a stack of slices."""
    if image.ndim not in (2, 3) or image.size == 0:
        raise UsageError(
            f"an image is (row, column) or (slice, row, column), got {image.shape}",
            way_out="Turn colour into grey first (Radiograph.grey).",
        )
    if image.dtype.newbyteorder("=") not in _TYPES:
        names = ", ".join(np.dtype(t).name for t in _TYPES)
        raise UsageError(f"the image is of {image.dtype}, expected one of {names}", way_out="Convert it, e.g. float32.")
    if min(image.shape[-2:]) <= plan.rings:
        raise UsageError(
            f"the image has {image.shape[-2]} x {image.shape[-1]} pixels, {plan.rings} rings need more than"
            f" {plan.rings} on each side",
            way_out="Give fewer rings.",
        )
    lowest, highest = float(image.min()), float(image.max())
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise UsageError("the image holds values that are not finite", way_out="Replace NaN and infinity first.")
    if plan.domain is Domain.LOG and lowest < 0:
        raise UsageError(
            f"the log domain takes values of 0 or more, the lowest is {lowest:g}", way_out="Use domain='linear'."
        )
    stack = image if image.ndim == 3 else image[None]
    return stack.astype(stack.dtype.newbyteorder("="), copy=False)
