"""Bright blobs at several scales by the eigenvalues of the Hessian; not whether a blob is a nodule."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

LAPLACIAN_FACTOR = 2.5
"""Blobness l3^2/|l1| cannot exceed a third of the Laplacian; asking for a little less keeps round-off harmless."""
NEIGHBOURS = np.array([(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) != (0, 0, 0)])


@dataclass(frozen=True, slots=True)
class Blobs:
    """Local maxima of blobness, strongest first.

    `index_kji` is (n, 3) float on the array given, `sigma_mm` (n,) the scale, `strength_hu` (n,) the blobness:
    s^2 l3^2 / |l1| with l1 <= l2 <= l3 < 0 the Hessian eigenvalues at scale s (0 for a tube, HU of contrast times
    about 0.4 for a ball at its best scale).
    """

    index_kji: NDArray[np.float64]
    sigma_mm: NDArray[np.float64]
    strength_hu: NDArray[np.float64]


def find_blobs(
    image_hu: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
    *,
    sigmas_mm: tuple[float, ...],
    threshold_hu: float,
    at_most: int,
) -> Blobs:
    """Bright blobs of an image whose background was made even.

    Each scale blurs the last one a little more, and the grid is halved along an axis as soon as the blur allows, so
    the coarse scales cost almost nothing.

    Parameters
    ----------
    image_hu : (slice, row, column) float32
    spacing_mm : (slice, row, column)
    sigmas_mm : tuple of float
        Rising; a ball of diameter d answers best at d / (2 sqrt 3).
    threshold_hu : float
        Least blobness, HU.
    at_most : int
        Only this many of the strongest are kept.
    """
    current, step, origin = image_hu, np.array(spacing_mm), np.zeros(3)
    blurred_to = 0.0
    found: list[tuple[NDArray[np.float64], NDArray[np.float64], float]] = []
    for sigma in sigmas_mm:
        extra = math.sqrt(max(sigma**2 - blurred_to**2, 0.0))
        for axis in range(3):
            current = ndi.gaussian_filter1d(current, extra / step[axis], axis=axis, mode="nearest", truncate=3.0)
        blurred_to = sigma
        halve = [axis for axis in range(3) if sigma >= 2.4 * step[axis] and current.shape[axis] > 16]
        for axis in halve:
            current = np.ascontiguousarray(np.take(current, np.arange(0, current.shape[axis], 2), axis=axis))
            step[axis] *= 2
        at, strength = _maxima(current, step, sigma, threshold_hu)
        found.append((at * (step / np.array(spacing_mm)) + origin, strength, sigma))
    return _strongest(found, spacing_mm, at_most)


def _maxima(
    blurred: NDArray[np.float32], step_mm: NDArray[np.float64], sigma: float, threshold_hu: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Index (n, 3) and blobness (n,) of the local maxima above the threshold, not on the array's faces."""
    nothing = np.zeros((0, 3)), np.zeros(0)
    if min(blurred.shape) < 3:
        return nothing
    inner = blurred[1:-1, 1:-1, 1:-1]
    laplacian = np.zeros(inner.shape, dtype=np.float32)
    for axis in range(3):
        low, high = [slice(1, -1)] * 3, [slice(1, -1)] * 3
        low[axis], high[axis] = slice(0, -2), slice(2, None)
        weight = np.float32(sigma**2 / step_mm[axis] ** 2)
        laplacian += weight * (blurred[tuple(low)] + blurred[tuple(high)] - 2 * inner)
    at = np.argwhere(laplacian < -LAPLACIAN_FACTOR * threshold_hu) + 1
    if not len(at):
        return nothing
    strides = np.array([blurred.shape[1] * blurred.shape[2], blurred.shape[2], 1])
    flat = at @ strides
    values = _blobness(blurred.ravel(), flat, strides, step_mm, sigma)
    volume = np.zeros(blurred.size, dtype=np.float32)
    volume[flat] = values
    strong = values > threshold_hu
    at, flat, values = at[strong], flat[strong], values[strong]
    peak = np.ones(len(flat), dtype=bool)
    for offset in NEIGHBOURS @ strides:
        near = volume[flat + offset]
        # of two equal neighbours the one with the lower index is the peak
        peak &= (values > near) | ((values == near) & (offset > 0))
    return _refine(volume, at[peak], flat[peak], strides), values[peak].astype(np.float64)


def _blobness(
    image: NDArray[np.float32],
    flat: NDArray[np.intp],
    strides: NDArray[np.intp],
    step_mm: NDArray[np.float64],
    sigma: float,
) -> NDArray[np.float32]:
    """s^2 l3^2 / |l1| at flat indices; 0 unless all eigenvalues are negative."""
    here = image[flat].astype(np.float64)
    straight = [
        (image[flat + s] + image[flat - s] - 2 * here) * (sigma / step) ** 2
        for s, step in zip(strides, step_mm, strict=True)
    ]
    mixed = []
    for a, b in ((0, 1), (0, 2), (1, 2)):
        s, t = strides[a], strides[b]
        cross = image[flat + s + t].astype(np.float64) + image[flat - s - t] - image[flat + s - t] - image[flat - s + t]
        mixed.append(cross * sigma**2 / (4 * step_mm[a] * step_mm[b]))
    low, _, high = symmetric_eigenvalues(tuple(straight), tuple(mixed))
    return np.where(high < 0, high**2 / np.maximum(-low, 1e-9), 0.0).astype(np.float32)


def symmetric_eigenvalues(
    straight: tuple[NDArray[np.float64], ...], mixed: tuple[NDArray[np.float64], ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, rising, of symmetric 3 x 3 matrices given by (xx, yy, zz) and (xy, xz, yz), in closed form."""
    (xx, yy, zz), (xy, xz, yz) = straight, mixed
    mean = (xx + yy + zz) / 3
    a, b, c = xx - mean, yy - mean, zz - mean
    spread = np.sqrt(np.maximum((a**2 + b**2 + c**2 + 2 * (xy**2 + xz**2 + yz**2)) / 6, 1e-30))
    half_det = (a * (b * c - yz**2) - xy * (xy * c - yz * xz) + xz * (xy * yz - b * xz)) / (2 * spread**3)
    angle = np.arccos(np.clip(half_det, -1, 1)) / 3
    high = mean + 2 * spread * np.cos(angle)
    low = mean + 2 * spread * np.cos(angle + 2 * np.pi / 3)
    return low, 3 * mean - low - high, high


def _refine(
    volume: NDArray[np.float32], at: NDArray[np.intp], flat: NDArray[np.intp], strides: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Sub-voxel peak by a parabola along each axis, moved at most half a voxel."""
    moved = at.astype(np.float64)
    for axis, stride in enumerate(strides):
        low, here, high = (volume[flat + n * stride].astype(np.float64) for n in (-1, 0, 1))
        bend = low + high - 2 * here
        moved[:, axis] += np.clip(np.where(bend < 0, (low - high) / np.where(bend < 0, 2 * bend, 1), 0), -0.5, 0.5)
    return moved


def _strongest(
    found: list[tuple[NDArray[np.float64], NDArray[np.float64], float]],
    spacing_mm: tuple[float, float, float],
    at_most: int,
) -> Blobs:
    """All scales together, strongest first; a weaker peak inside half the radius of a stronger one is dropped."""
    at = np.concatenate([f[0] for f in found])
    strength = np.concatenate([f[1] for f in found])
    sigma = np.concatenate([np.full(len(f[1]), f[2]) for f in found])
    order = np.lexsort((at[:, 2], at[:, 1], at[:, 0], -strength))
    points = at * np.array(spacing_mm)
    kept: list[int] = []
    centres, reach = np.zeros((at_most, 3)), np.zeros(at_most)
    for n in order:
        count = len(kept)
        if count == at_most:
            break
        away = np.linalg.norm(centres[:count] - points[n], axis=1)
        if count == 0 or not (away < np.maximum(reach[:count], 0.6 * sigma[n])).any():
            centres[count], reach[count] = points[n], max(1.5, 0.9 * sigma[n])
            kept.append(int(n))
    return Blobs(at[kept], sigma[kept], strength[kept])
