"""Exactly 61 features of each voxel near a rough shape: intensity, neighbourhood, texture and place (HX 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.anisotropy import require_spacing
from overread.ops.texture.cooccurrence import (
    CO_OCCURRENCE,
    GRAY_GRADIENT,
    at_points,
    co_occurrence_features,
    gray_gradient_features,
    mirrored,
    to_levels,
)
from overread.ops.texture.kernels import window_statistics
from overread.runtime import Runtime

Floats = NDArray[np.float64]
FLAT_WINDOW, DEEP_WINDOW = (1, 9, 9), (5, 7, 7)
"""(slices, rows, columns); names end in _2 and _3."""
REACH = 12
"""Voxels beyond which nothing changes a feature: the widest filter is a Gaussian of sigma 2, cut at 4 sigma."""
_FIRST, _SECOND = (-0.5, 0.0, 0.5), (1.0, -2.0, 1.0)
"""Differences rather than derived Gaussians, whose cut tails turn the mean of an image into curvature."""
FEATURES: tuple[str, ...] = (
    "intensity",
    "mean_2",
    "sd_2",
    "min_2",
    "max_2",
    "median_2",
    "skew_2",
    "kurtosis_2",
    "gauss_1",
    "dog_12",
    "sobel_column",
    "sobel_row",
    "gradient_2",
    "hessian_large",
    "hessian_small",
    *(f"ggcm_2_{name}" for name in GRAY_GRADIENT),
    *(f"ggcm_3_{name}" for name in GRAY_GRADIENT),
    *(f"glcm_3_{name}" for name in CO_OCCURRENCE),
    "mean_3",
    "sd_3",
    "gradient_3",
    "laplacian_3",
    "median_3",
    "x",
    "y",
    "z",
    "phi_mm",
    "centre_distance",
)
"""HX name the number and gray-gradient co-occurrence only; this list is overread's reading."""


@dataclass(frozen=True, slots=True, eq=False)
class RoughShape:
    """A rough segmentation as the features need it.

    Parameters
    ----------
    phi_mm : (slice, row, column) float
        Signed distance to its surface, positive inside.
    spacing_mm : (slice, row, column)
        The longest at most ten times the shortest.
    """

    phi_mm: NDArray[np.floating[Any]]
    spacing_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        require_spacing(self.spacing_mm, self.phi_mm.shape, way_out="Resample image and shape first.")

    def box(self) -> tuple[slice, slice, slice]:
        """The smallest box that holds the inside.

        Raises
        ------
        UsageError
            Nothing is inside.
        """
        where = np.argwhere(self.phi_mm > 0)
        if not len(where):
            raise UsageError("the rough shape is empty", way_out="Check the level set or its start.")
        low, high = where.min(axis=0), where.max(axis=0) + 1
        return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def voxel_features(
    image: NDArray[Any], rough: RoughShape, points: NDArray[np.intp], *, runtime: Runtime | None = None
) -> NDArray[np.float32]:
    """(n, 61) float32, in the order of `FEATURES`.

    Names in _2 are of the slice (9 x 9 pixels; Gaussians, Sobel and Hessian in pixels), names in _3 of the volume
    (7 x 7 x 5 voxels; gradient and Laplacian per mm). Levels for co-occurrence: 16 of grey between percentiles 1 and 99
    of the rough box, 16 of the gradient between 0 and its percentile 99 there. x, y, z run from -1 to 1 along columns,
    rows and slices of the rough box; centre_distance is in radii of the ball of equal volume.

    Parameters
    ----------
    image : (slice, row, column) real
        In one intensity scale for all cases that are compared: normalise MR first.
    points : (n, 3) int
        Voxels to describe, usually a band around the rough surface.

    Raises
    ------
    UsageError
        Shapes differ, the rough shape is empty, a value near it is not finite, or a window does not fit.
    """
    if image.shape != rough.phi_mm.shape or image.ndim != 3:
        raise UsageError(f"an image of {image.shape} and a rough shape of {rough.phi_mm.shape}, expected one 3-D shape")
    points = np.asarray(points, dtype=np.intp).reshape(-1, 3)
    out = np.empty((len(points), len(FEATURES)), np.float32)
    if not len(points):
        return out
    if points.min() < 0 or (points >= image.shape).any():
        raise UsageError(f"a point lies outside the image of {image.shape}")
    box = rough.box()
    part = _around(image.shape, points, box)
    values = image[part].astype(np.float32)
    if not np.isfinite(values).all():
        raise UsageError("the image holds values that are not finite near the shape", way_out="Replace them first.")
    origin = np.array([one.start for one in part])
    inner = tuple(slice(b.start - o, b.stop - o) for b, o in zip(box, origin, strict=True))
    near, at = points - origin, tuple((points - origin).T)
    runtime = runtime or Runtime()
    columns: dict[str, NDArray[Any]] = {"intensity": values[at]}
    columns |= _neighbourhood(values, near, runtime)
    columns |= _filters(values, at, rough.spacing_mm)
    columns |= _texture(values, near, inner, rough.spacing_mm, runtime)
    columns |= _place(rough, points, box)
    for n, name in enumerate(FEATURES):
        out[:, n] = columns[name]
    return out


def gradient_per_mm(values: NDArray[np.float32], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """Magnitude of the gradient per mm by central differences, one-sided at the edges; 0 along an axis of one voxel."""
    total = np.zeros(values.shape, np.float32)
    for axis, spacing in enumerate(spacing_mm):
        if values.shape[axis] > 1:
            total += np.gradient(values, spacing, axis=axis) ** 2
    return np.sqrt(total)


def _around(
    shape: tuple[int, ...], points: NDArray[np.intp], box: tuple[slice, slice, slice]
) -> tuple[slice, slice, slice]:
    low = np.minimum(points.min(axis=0), [one.start for one in box]) - REACH
    high = np.maximum(points.max(axis=0) + 1, [one.stop for one in box]) + REACH
    a, b, c = (slice(max(0, int(first)), min(n, int(end))) for first, end, n in zip(low, high, shape, strict=True))
    return a, b, c


def _neighbourhood(values: NDArray[np.float32], near: NDArray[np.intp], runtime: Runtime) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    names = ("mean", "sd", "min", "max", "median", "skew", "kurtosis")
    for ending, size, wanted in (("2", FLAT_WINDOW, names), ("3", DEEP_WINDOW, ("mean", "sd", "median"))):
        ready = mirrored(values, size)

        def run(block: NDArray[np.intp], out: Floats, ready: Any = ready, size: Any = size) -> None:
            window_statistics(ready, block, np.array(size), out)

        table = at_points(run, near, len(names), runtime)
        found |= {f"{name}_{ending}": table[:, names.index(name)] for name in wanted}
    return found


def _filters(
    values: NDArray[np.float32], at: tuple[NDArray[np.intp], ...], spacing_mm: tuple[float, float, float]
) -> dict[str, NDArray[Any]]:
    one, two = (ndi.gaussian_filter(values, (0, s, s)) for s in (1.0, 2.0))
    column, row = (_sobel(values, axis) for axis in (2, 1))
    flat, deep = (ndi.gaussian_filter(values, sigma) for sigma in ((0, 1.5, 1.5), 1.5))
    rr, cc = (ndi.correlate1d(flat, _SECOND, axis=axis, mode="mirror") for axis in (1, 2))
    rc = ndi.correlate1d(ndi.correlate1d(flat, _FIRST, axis=1, mode="mirror"), _FIRST, axis=2, mode="mirror")
    half, root = (rr + cc) / 2, np.hypot((rr - cc) / 2, rc)
    sign = np.where(half >= 0, 1, -1)
    laplacian = np.zeros(values.shape, np.float32)
    for axis, spacing in enumerate(spacing_mm):
        laplacian += ndi.correlate1d(deep, _SECOND, axis=axis, mode="mirror") / spacing**2
    return {
        "gauss_1": one[at],
        "dog_12": (one - two)[at],
        "sobel_column": np.abs(column)[at],
        "sobel_row": np.abs(row)[at],
        "gradient_2": np.hypot(column, row)[at],
        "hessian_large": (half + sign * root)[at],
        "hessian_small": (half - sign * root)[at],
        "gradient_3": gradient_per_mm(values, spacing_mm)[at],
        "laplacian_3": laplacian[at],
    }


def _sobel(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Sobel within slices, per pixel: (1 2 1) / 4 across, half the central difference along."""
    across = ndi.correlate1d(values, [0.25, 0.5, 0.25], axis=3 - axis, mode="mirror")
    slope: NDArray[np.float32] = ndi.correlate1d(across, _FIRST, axis=axis, mode="mirror")
    return slope


def _texture(
    values: NDArray[np.float32],
    near: NDArray[np.intp],
    box: tuple[slice, ...],
    spacing_mm: tuple[float, float, float],
    runtime: Runtime,
) -> dict[str, NDArray[Any]]:
    grey = to_levels(values, *np.percentile(values[box], (1, 99)))
    flat = np.hypot(_sobel(values, 2), _sobel(values, 1))
    deep = gradient_per_mm(values, spacing_mm)
    found: dict[str, NDArray[Any]] = {}
    for ending, size, slope in (("2", FLAT_WINDOW, flat), ("3", DEEP_WINDOW, deep)):
        levels = to_levels(slope, 0.0, float(np.percentile(slope[box], 99)))
        table = gray_gradient_features(grey, levels, near, size, runtime=runtime)
        found |= {f"ggcm_{ending}_{name}": table[:, n] for n, name in enumerate(GRAY_GRADIENT)}
    table = co_occurrence_features(grey, near, DEEP_WINDOW, runtime=runtime)
    return found | {f"glcm_3_{name}": table[:, n] for n, name in enumerate(CO_OCCURRENCE)}


def _place(rough: RoughShape, points: NDArray[np.intp], box: tuple[slice, slice, slice]) -> dict[str, NDArray[Any]]:
    inside = np.argwhere(rough.phi_mm > 0)
    spacing = np.array(rough.spacing_mm)
    radius = (3 * len(inside) * float(np.prod(spacing)) / (4 * np.pi)) ** (1 / 3)
    away = np.linalg.norm((points - inside.mean(axis=0)) * spacing, axis=1) / radius
    found: dict[str, NDArray[Any]] = {"phi_mm": rough.phi_mm[tuple(points.T)], "centre_distance": away}
    for name, axis in (("z", 0), ("y", 1), ("x", 2)):
        first, last = box[axis].start, box[axis].stop - 1
        found[name] = (2 * points[:, axis] - first - last) / max(last - first, 1)
    return found
