"""Smooth displacement that makes two images alike in local contrast (demons on local correlation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.errors import UsageError
from overread.ops.register.affine import AffineMap

Image = NDArray[np.floating[Any]]
Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DemonsPlan:
    """Parameters of `fit_demons`.

    Parameters
    ----------
    strides : tuple of int
        The displacement is found on every so many voxels, coarse first.
    steps : tuple of int
        At each stride.
    window : int
        Side of the cube in which contrast is compared, voxels of that stride, odd.
    longest : float
        Of one step, in voxels of that stride.
    update_sigma, field_sigma : float
        A step, and after it the whole displacement, are smoothed by a Gaussian of this, in voxels of that stride.
    least_sd : float
        Contrast below this (in units of the values) counts as flat and moves nothing.
    """

    strides: tuple[int, ...] = (2, 1)
    steps: tuple[int, ...] = (25, 25)
    window: int = 5
    longest: float = 0.5
    update_sigma: float = 1.0
    field_sigma: float = 0.8
    least_sd: float = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class DemonsFit:
    """A displacement on the fixed image.

    Parameters
    ----------
    displacement : (3, slice, row, column) float32
        Voxels along (slice, row, column): x of the fixed image lies at place(x + displacement(x)) in the moving one.
    place : AffineMap
    correlation : (slice, row, column) float32
        Local correlation at the end, -1 to 1; 0 in flat places.
    """

    displacement: Field
    place: AffineMap
    correlation: NDArray[np.float32]

    def bring(self, moving: Image, *, order: int = 1) -> NDArray[np.float32]:
        """An image on the moving grid, seen on the fixed grid; the edge value beyond it."""
        return _bring(moving.astype(np.float32), self.displacement, self.place, order=order)

    def back(self, points: NDArray[np.floating[Any]], *, rounds: int = 12, enough: float = 0.02) -> NDArray[np.float64]:
        """Where (3, ...) indices of the moving image come from in the fixed one, by fixed-point iteration.

        Right to a tenth of a voxel where the displacement does not fold; the edge value of the displacement goes on
        beyond the fixed image. A round that moves 999 of 1000 points by less than `enough` voxels is the last.
        """
        inverse = self.place.inverse()
        wanted = np.tensordot(inverse.matrix, points, axes=1)
        wanted += inverse.offset.reshape(3, *([1] * (points.ndim - 1)))
        found: NDArray[np.float64] = wanted.copy()
        for _ in range(rounds):
            moved = [ndi.map_coordinates(one, found, order=1, mode="nearest") for one in self.displacement]
            before, found = found, wanted - np.stack(moved)
            if np.count_nonzero(np.abs(found - before).max(axis=0) > enough) <= found[0].size / 1000:
                break
        return found


def fit_demons(
    fixed: Image, moving: Image, place: AffineMap, *, weight: Image | None = None, plan: DemonsPlan | None = None
) -> DemonsFit:
    """Find the displacement that, after `place`, makes `moving` look like `fixed`.

    Parameters
    ----------
    fixed, moving : (slice, row, column) real
        Of one isotropic spacing, in one scale of about 0 to 1.
    place : AffineMap
        From indices of `fixed` to those of `moving` (`fit_affine`).
    weight : same shape as `fixed`, 0 to 1
        Scales the steps; 0 moves nothing by itself.

    Raises
    ------
    UsageError
        Not three axes, an even window, or values that are not finite.

    Notes
    -----
    Both images are reduced to local mean 0 and deviation 1; the demons of Thirion 1998 (as Cachier et al. 1999 bound
    their step) then drive the moving one, scaled by the local correlation (as Lorenzi et al. 2013 do).
    """
    plan = plan or DemonsPlan()
    if fixed.ndim != 3 or moving.ndim != 3 or plan.window % 2 == 0:
        raise UsageError(
            f"images of {fixed.shape} and {moving.shape} with a window of {plan.window}, expected 3-D, odd"
        )
    if not (np.isfinite(fixed).all() and np.isfinite(moving).all()):
        raise UsageError("an image holds values that are not finite", way_out="Replace them first.")
    still, driven = fixed.astype(np.float32), moving.astype(np.float32)
    allowed = np.ones(fixed.shape, np.float32) if weight is None else weight.astype(np.float32)
    field: Field | None = None
    for stride, steps in zip(plan.strides, plan.steps, strict=True):
        level = _Level.of(still, allowed, stride)
        field = np.zeros((3, *level.fixed.shape), np.float32) if field is None else _resized(field, level.fixed.shape)
        for _ in range(steps):
            field = level.step(field, driven, place, plan)
    if field is None or field.shape[1:] != fixed.shape:
        raise UsageError(f"strides are {plan.strides}, expected to end with 1")
    warped = _bring(driven, field, place)
    correlation = _contrast(still, warped, plan)[2]
    return DemonsFit(field, place, correlation)


def jacobian_determinant(displacement: Field) -> NDArray[np.float32]:
    """(slice, row, column) volume growth of x + displacement(x); 0 or less where it folds."""
    grown = np.stack([np.stack(np.gradient(one), axis=-1) for one in displacement], axis=-2)
    grown += np.eye(3, dtype=grown.dtype)
    found: NDArray[np.float32] = np.linalg.det(grown).astype(np.float32)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The fixed image at one stride; the displacement is in voxels of stride 1 throughout."""

    fixed: NDArray[np.float32]
    weight: NDArray[np.float32]
    stride: int

    @classmethod
    def of(cls, fixed: NDArray[np.float32], weight: NDArray[np.float32], stride: int) -> _Level:
        if stride == 1:
            return cls(fixed, weight, 1)
        smooth = ndi.gaussian_filter(fixed, stride / 2, mode="nearest")
        return cls(smooth[::stride, ::stride, ::stride], weight[::stride, ::stride, ::stride], stride)

    def step(self, field: Field, moving: NDArray[np.float32], place: AffineMap, plan: DemonsPlan) -> Field:
        source = moving if self.stride == 1 else ndi.gaussian_filter(moving, self.stride / 2, mode="nearest")
        warped = _bring(source, field, place, stride=self.stride)
        residual, scale, _ = _contrast(self.fixed, warped, plan)
        slopes = np.stack([np.gradient(warped, axis=axis) for axis in range(3)]) * scale
        steep = np.einsum("akji,akji->kji", slopes, slopes)
        residual *= self.weight
        # |step| <= longest whatever the residual: r g / (g^2 + r^2 / (4 longest^2))
        step = slopes * (residual / (steep + residual**2 / (4 * plan.longest**2) + 1e-6))
        moved = []
        for before, part in zip(field, step, strict=True):
            after = before + self.stride * ndi.gaussian_filter(part, plan.update_sigma, mode="nearest")
            moved.append(ndi.gaussian_filter(after, plan.field_sigma, mode="nearest"))
        out: Field = np.stack(moved)
        return out


def _contrast(
    fixed: NDArray[np.float32], warped: NDArray[np.float32], plan: DemonsPlan
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Residual of local contrast, 1 / local deviation of the moving image, and local correlation."""

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = ndi.uniform_filter(values, plan.window, mode="nearest")
        return found

    a, b = fixed - mean(fixed), warped - mean(warped)
    floor = np.float32(plan.least_sd**2)
    aa, bb, ab = mean(a * a) + floor, mean(b * b) + floor, mean(a * b) + floor  # equal images: 1, 0
    scale: NDArray[np.float32] = np.asarray(1 / np.sqrt(bb), np.float32)
    correlation: NDArray[np.float32] = np.asarray(ab / np.sqrt(aa * bb), np.float32)
    residual: NDArray[np.float32] = np.asarray(a / np.sqrt(aa) - correlation * b * scale, np.float32)
    return residual, scale, correlation


def _bring(
    moving: NDArray[np.float32], field: Field, place: AffineMap, *, order: int = 1, stride: int = 1
) -> NDArray[np.float32]:
    shape = field.shape[1:]
    lines = [np.arange(n, dtype=np.float32) * stride for n in shape]
    seen = field + np.stack(np.meshgrid(*lines, indexing="ij"))
    at = np.tensordot(place.matrix.astype(np.float32), seen, axes=1)
    at += place.offset.astype(np.float32)[:, None, None, None]
    found: NDArray[np.float32] = ndi.map_coordinates(moving, at, order=order, mode="nearest", output=np.float32)
    return found


def _resized(field: Field, shape: tuple[int, ...]) -> Field:
    """The displacement on a finer grid that begins at the same voxel."""
    ratio = [max(1, round(n / m)) for n, m in zip(shape, field.shape[1:], strict=True)]
    at = np.stack(np.meshgrid(*(np.arange(n) / r for n, r in zip(shape, ratio, strict=True)), indexing="ij"))
    return np.stack([ndi.map_coordinates(one, at, order=1, mode="nearest") for one in field]).astype(np.float32)
