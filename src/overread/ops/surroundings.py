"""Where in the lung a point lies: how deep, how much wall and soft tissue is around. Numbers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.ops.pool import block_mean, pool_factors
from overread.ops.rays import RayField

TISSUE_HU = -500.0
GRID_MM = 3.0
SURROUNDINGS: tuple[str, ...] = (
    "depth_mm",
    "tissue_8mm",
    "tissue_16mm",
    "outside_8mm",
    "outside_16mm",
    "outside_30mm",
    "level_16mm",
    "wall_outward",
    "wall_up",
    "lateral",
)


def surroundings(field: RayField, index_kji: NDArray[np.float64]) -> NDArray[np.float32]:
    """(n, 10) float32 in the order of `SURROUNDINGS` at `index_kji` (n, 3) of the field.

    depth_mm is the distance to the nearest voxel outside the lung; tissue is the share of lung denser than -500 HU,
    outside the share that is not lung, level the mean HU of lung, each under a Gaussian of that sigma. wall_outward and
    wall_up say in which direction there is less lung: away from the middle of the chest (ribs) or towards it
    (mediastinum), up (+) or down, per 16 mm. lateral is 0 in the middle of the chest and 1 at its sides.
    """
    factors = pool_factors(field.spacing_mm, target_mm=GRID_MM)
    spacing = [s * f for s, f in zip(field.spacing_mm, factors, strict=True)]
    inside = block_mean(field.inside, factors)
    tissue = block_mean((field.image_hu > TISSUE_HU).astype(np.float32), factors)
    level = block_mean(field.image_hu, factors)
    depth = ndi.distance_transform_edt(inside > 0.5, sampling=spacing).astype(np.float32)

    def blur(array: NDArray[np.float32], sigma_mm: float, edge: str) -> NDArray[np.float32]:
        for axis in range(3):
            array = ndi.gaussian_filter1d(
                array, sigma_mm / spacing[axis], axis=axis, mode="nearest" if axis == 0 else edge, truncate=2.5
            )
        return array

    maps = [depth, blur(tissue, 8, "constant")]
    maps.append(blur(maps[1], (16**2 - 8**2) ** 0.5, "constant"))
    maps.append(1 - blur(inside, 8, "constant"))
    maps.append(1 - blur(1 - maps[3], (16**2 - 8**2) ** 0.5, "constant"))
    maps.append(1 - blur(1 - maps[4], (30**2 - 16**2) ** 0.5, "constant"))
    maps.append(blur(level, 16, "nearest"))
    centre, half_width = _middle(inside > 0.5)
    slope = [16 * _gradient(maps[4], axis, spacing[axis]) for axis in range(3)]
    at = (index_kji + 0.5) / np.array(factors) - 0.5

    def sample(array: NDArray[np.float32]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = ndi.map_coordinates(
            array, at.T, order=1, mode="nearest", prefilter=False, output=np.float64
        )
        return values

    off = (at[:, 1:] - centre) * np.array(spacing[1:])
    away = off / np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1.0)
    up, back, left = (sample(g) for g in slope)
    columns = [sample(m) for m in maps]
    columns += [back * away[:, 0] + left * away[:, 1], up, np.abs(off[:, 1]) / (half_width * spacing[2])]
    return np.stack(columns, axis=1).astype(np.float32)


def _gradient(array: NDArray[np.float32], axis: int, step_mm: float) -> NDArray[np.float32]:
    """Slope along one axis, per mm; 0 along an axis of one voxel."""
    if array.shape[axis] < 2:
        return np.zeros_like(array)
    slope: NDArray[np.float32] = np.gradient(array, step_mm, axis=axis)
    return slope


def _middle(inside: NDArray[np.bool_]) -> tuple[NDArray[np.float64], float]:
    """(row, column) of the middle of the chest, and half its width in voxels."""
    columns = np.flatnonzero(np.asarray(inside.any(axis=(0, 1))))
    rows = np.flatnonzero(np.asarray(inside.any(axis=(0, 2))))
    if not len(columns):
        return np.array([inside.shape[1] / 2, inside.shape[2] / 2]), inside.shape[2] / 2
    middle = np.array([(rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2])
    return middle, max(1.0, (columns[-1] - columns[0]) / 2)
