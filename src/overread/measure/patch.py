"""A small part of the scan around a seed, refined by splines, and how a scanner would picture a shape drawn on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.special import ndtr

from overread.geometry import Grid

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
FINE_MM = (0.25, 0.8)
"""Smallest and largest spacing of the refined grid, mm."""
FINE_VOXELS_ACROSS = 96


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Part of an image and its refined copy.

    Parameters
    ----------
    box : three slices
        Where the patch lies in the whole image.
    coarse : (slice, row, column) float32
        HU as scanned.
    fine : (slice, row, column) float32
        Cubic spline of `coarse`; each voxel is cut into `factor` parts along each axis.
    spacing_mm : (slice, row, column)
        Of `coarse`; the first is the distance between slices along their normal.
    grid : Grid
        Of `coarse`.
    touches : bool
        The patch was cut by the edge of the image.
    """

    box: tuple[slice, slice, slice]
    coarse: Float
    fine: Float
    spacing_mm: tuple[float, float, float]
    factor: tuple[int, int, int]
    grid: Grid
    touches: bool

    @property
    def fine_mm(self) -> tuple[float, float, float]:
        """Spacing of `fine`, mm."""
        k, j, i = (s / f for s, f in zip(self.spacing_mm, self.factor, strict=True))
        return k, j, i

    @property
    def fine_voxel_mm3(self) -> float:
        """Volume of one voxel of `fine`."""
        return self.grid.voxel_volume_mm3 / math.prod(self.factor)

    def fine_to_index(self, fine_kji: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 3) indices of `fine` to indices of the whole image."""
        start = np.array([part.start for part in self.box], dtype=np.float64)
        return np.asarray((fine_kji + 0.5) / np.array(self.factor) - 0.5 + start)

    def index_to_fine(self, index_kji: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 3) indices of the whole image to indices of `fine`."""
        start = np.array([part.start for part in self.box], dtype=np.float64)
        return np.asarray((np.asarray(index_kji) - start + 0.5) * np.array(self.factor) - 0.5)

    def spread(self, coarse: NDArray[np.generic]) -> NDArray[np.generic]:
        """An array of `coarse` repeated onto `fine`."""
        out = coarse
        for axis, n in enumerate(self.factor):
            out = np.repeat(out, n, axis=axis)
        return out

    def around(self, inside: Bool, margin_mm: float) -> Patch:
        """The smallest patch that holds all of `inside` (on `fine`) and `margin_mm` more, in whole coarse voxels."""
        parts = []
        for axis in range(3):
            seen = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis))) // self.factor[axis]
            margin = math.ceil(margin_mm / self.spacing_mm[axis])
            low, high = max(int(seen[0]) - margin, 0), min(int(seen[-1]) + 1 + margin, self.coarse.shape[axis])
            parts.append(slice(low, high))
        here = (parts[0], parts[1], parts[2])
        box = [slice(b.start + p.start, b.start + p.stop) for b, p in zip(self.box, here, strict=True)]
        start = (here[0].start, here[1].start, here[2].start)
        coarse = np.ascontiguousarray(self.coarse[here])
        shape = (coarse.shape[0], coarse.shape[1], coarse.shape[2])
        near = replace(self, box=(box[0], box[1], box[2]), coarse=coarse, grid=self.grid.crop(start, shape))
        return replace(near, fine=np.ascontiguousarray(self.fine[self.fine_box(near)]))

    def fine_box(self, near: Patch) -> tuple[slice, slice, slice]:
        """Where the refined grid of a patch inside this one lies in this one's."""
        parts = [
            slice((n.start - b.start) * f, (n.stop - b.start) * f)
            for n, b, f in zip(near.box, self.box, self.factor, strict=True)
        ]
        return parts[0], parts[1], parts[2]

    def gather(self, fine: Float) -> Float:
        """Means of an array of `fine` over the parts of each voxel of `coarse`."""
        k, j, i = (n // f for n, f in zip(fine.shape, self.factor, strict=True))
        parts = fine.reshape(k, self.factor[0], j, self.factor[1], i, self.factor[2])
        return np.asarray(parts.mean(axis=(1, 3, 5)), dtype=np.float32)


def along(matrix: NDArray[np.floating], array: NDArray[np.floating], axis: int) -> Float:
    """`matrix` (m, n) applied to the axis of length n."""
    moved = np.tensordot(matrix, array, axes=(1, axis))
    return np.moveaxis(moved, 0, axis).astype(np.float32, copy=False)


def refine(coarse: Float, factor: tuple[int, int, int]) -> Float:
    """Cubic spline through `coarse`, each voxel cut into `factor` parts; half a voxel at the ends is held constant."""
    fine = np.asarray(coarse, dtype=np.float32)
    for axis, parts in enumerate(factor):
        count = fine.shape[axis]
        if parts == 1 or count == 1:
            fine = np.repeat(fine, parts, axis=axis)
            continue
        where = np.clip((np.arange(count * parts) + 0.5) / parts - 0.5, 0, count - 1)
        weights = make_interp_spline(np.arange(count), np.eye(count), k=min(3, count - 1))(where)
        fine = along(weights.astype(np.float32), fine, axis)
    return np.ascontiguousarray(fine)


def cut_patch(image: NDArray[np.generic], grid: Grid, seed_kji: NDArray[np.float64], half_mm: float) -> Patch:
    """The cube of `half_mm` about a seed, cut off at the edges of the image.

    Parameters
    ----------
    image : (slice, row, column)
        HU; NaN must have been refused before.
    """
    spacing = (grid.slice_gap_mm, *grid.spacing_mm[1:])
    box, touches = [], False
    for seed, step, size in zip(seed_kji, spacing, grid.shape, strict=True):
        low, high = round(seed - half_mm / step), round(seed + half_mm / step) + 1
        touches |= low < 0 or high > size
        box.append(slice(max(low, 0), min(high, size)))
    place = (box[0], box[1], box[2])
    coarse = np.ascontiguousarray(image[place], dtype=np.float32)
    fine_mm = float(np.clip(2 * half_mm / FINE_VOXELS_ACROSS, *FINE_MM))
    parts = [max(1, round(step / fine_mm)) for step in spacing]
    factor = (parts[0], parts[1], parts[2])
    start = (place[0].start, place[1].start, place[2].start)
    shape = (coarse.shape[0], coarse.shape[1], coarse.shape[2])
    return Patch(place, coarse, refine(coarse, factor), spacing, factor, grid.crop(start, shape), touches)


def aperture(count: int, parts: int, step_mm: float, sigma_mm: float, width_mm: float) -> Float:
    """(count, count * parts) weights of fine cells in each voxel along one axis.

    The response is a Gaussian of `sigma_mm` convolved with a box of `width_mm` and with the fine cell; beyond the
    ends the object is held constant, so every row sums to 1.
    """
    centres = (np.arange(count) + 0.5) * step_mm
    cells = (np.arange(count * parts) + 0.5) * step_mm / parts
    away = cells[None, :] - centres[:, None]
    sigma = max(sigma_mm, 1e-3)
    weights = ndtr((away + width_mm / 2) / sigma) - ndtr((away - width_mm / 2) / sigma)
    lost_low = ndtr((centres - width_mm / 2) * -1 / sigma)
    lost_high = ndtr(((count * step_mm - centres) - width_mm / 2) * -1 / sigma)
    inside = weights.sum(axis=1, keepdims=True)
    weights = weights / np.maximum(inside, 1e-12) * (1 - np.clip(lost_low + lost_high, 0, 1))[:, None]
    weights[:, 0] += lost_low
    weights[:, -1] += lost_high
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Scanner:
    """The point spread of a scan.

    Parameters
    ----------
    sigma_mm : float
        In-plane blur (sd), without the pixel box.
    slice_sigma_mm, slice_width_mm : float
        Slice profile: Gaussian sd convolved with a box.
    """

    sigma_mm: float
    slice_sigma_mm: float
    slice_width_mm: float

    def picture(self, occupancy: Float, patch: Patch) -> Float:
        """What the scan would show of `occupancy` (0..1 on the refined grid), on the coarse grid."""
        shape, parts, step = patch.coarse.shape, patch.factor, patch.spacing_mm
        out = along(aperture(shape[2], parts[2], step[2], self.sigma_mm, step[2]), occupancy, 2)
        out = along(aperture(shape[1], parts[1], step[1], self.sigma_mm, step[1]), out, 1)
        return along(aperture(shape[0], parts[0], step[0], self.slice_sigma_mm, self.slice_width_mm), out, 0)
