"""Signed distance to a level surface, sub-voxel; and which object each point of space is nearest to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.measure.patch import Bool, Float


@dataclass(frozen=True, slots=True, eq=False)
class Distance:
    """Signed distance field.

    Parameters
    ----------
    mm : (slice, row, column) float32
        Below 0 inside.
    nearest : (3, slice, row, column) int32
        Index of the nearest inside voxel that has a neighbour outside.
    across : (slice, row, column) float32
        Square of the slice component of the surface normal there.
    """

    mm: Float
    nearest: NDArray[np.int32]
    across: Float


def rim_of(inside: Bool) -> Bool:
    """Inside voxels with a face neighbour outside; the edge of the array does not count as outside."""
    return np.asarray(inside & ~ndi.binary_erosion(inside, border_value=1))


def level_distance(field: Float, inside: Bool, level: float, spacing_mm: tuple[float, float, float]) -> Distance | None:
    """Distance to the surface field == level of the set `inside` (a union of components of field > level).

    Each rim voxel is moved on to the surface along the gradient, at most one voxel. None where there is no rim.
    """
    rim = rim_of(inside)
    where = np.argwhere(rim)
    if not len(where):
        return None
    spacing = np.array(spacing_mm)
    slope = _gradient_at(field, where, spacing)
    steep = np.maximum(np.linalg.norm(slope, axis=1), 1e-6)
    depth = np.clip((field[rim] - level) / steep, 0.0, 1.2 * float(spacing.max()))
    normal = -slope / steep[:, None]
    points = where * spacing + normal * depth[:, None]
    nearest = ndi.distance_transform_edt(~rim, sampling=spacing_mm, return_distances=False, return_indices=True)
    slot = np.zeros(field.shape, dtype=np.int32)
    slot[rim] = np.arange(len(where), dtype=np.int32)
    which = slot[tuple(nearest)]
    axes = [np.arange(n, dtype=np.float32) * np.float32(s) for n, s in zip(field.shape, spacing, strict=True)]
    square = np.zeros(field.shape, dtype=np.float32)
    near = points.astype(np.float32)
    for axis, values in enumerate(axes):
        shape = [1, 1, 1]
        shape[axis] = len(values)
        square += (values.reshape(shape) - near[:, axis][which]) ** 2
    mm = np.sqrt(square)
    mm[inside] *= -1
    across = (normal[:, 0] ** 2).astype(np.float32)[which]
    return Distance(mm, nearest, across)


def _gradient_at(field: Float, where: NDArray[np.int64], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) central differences per mm at the voxels `where`."""
    slope = np.empty((len(where), 3))
    for axis in range(3):
        low, high = where.copy(), where.copy()
        low[:, axis] = np.maximum(low[:, axis] - 1, 0)
        high[:, axis] = np.minimum(high[:, axis] + 1, field.shape[axis] - 1)
        step = np.maximum(high[:, axis] - low[:, axis], 1) * spacing[axis]
        slope[:, axis] = (field[tuple(high.T)] - field[tuple(low.T)]) / step
    return slope
