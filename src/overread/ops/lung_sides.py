"""Which voxels belong to the right and which to the left lung."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

RIGHT, LEFT = 1, 2
SHRINK_MM = (0.0, 2.5, 5.0, 8.0, 12.0)
LARGE_SHARE = 0.08
ACROSS_SHARE = 0.25
"""A piece of lung with more than this share beyond the midline is taken to be both lungs joined."""


def split_lungs(
    lung: NDArray[np.bool_], spacing_mm: tuple[float, float, float], *, midline_column: float
) -> NDArray[np.uint8]:
    """Label lung voxels 1 (patient's right) or 2 (patient's left).

    Lungs that touch (thin junction lines, or a bridge left by the airway) are shrunk until they part, and each voxel
    goes to the nearer core. Where they never part the midline of the body decides.

    Parameters
    ----------
    lung : (slice, row, column) bool
        Columns to the patient's left, so the right lung has the lower columns.
    midline_column : float
        Column of the middle of the body.
    """
    depth: NDArray[np.float32] | None = None
    for shrink_mm in SHRINK_MM:
        if shrink_mm > 0 and depth is None:
            depth = _depth(lung, spacing_mm)
        cores = _cores(lung if depth is None else depth > shrink_mm, midline_column)
        if cores is None:
            continue
        missing = lung & (cores == 0)
        if missing.any():
            near = ndi.distance_transform_edt(
                cores == 0, sampling=spacing_mm, return_distances=False, return_indices=True
            )
            at = np.nonzero(missing)
            cores[at] = cores[tuple(axis[at] for axis in near)]
        return cores
    columns = np.arange(lung.shape[2])
    return np.where(lung, np.where(columns < midline_column, RIGHT, LEFT), 0).astype(np.uint8)


def _depth(lung: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """Distance to the nearest voxel outside, mm; the ends of the scan do not count as outside."""
    depth: NDArray[np.float32] = ndi.distance_transform_edt(lung, sampling=spacing_mm).astype(np.float32)
    return depth


def _cores(core: NDArray[np.bool_], midline_column: float) -> NDArray[np.uint8] | None:
    """Large components labelled by side; None when one of them lies on both sides of the midline."""
    labels, count = ndi.label(core)
    if count == 0:
        return None
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    low_half = np.bincount(labels[:, :, : max(0, round(midline_column))].ravel(), minlength=count + 1)
    sizes[0] = low_half[0] = 0
    sided = np.zeros(count + 1, dtype=np.uint8)
    for number in np.flatnonzero(sizes >= LARGE_SHARE * sizes.max()):
        right_share = low_half[number] / sizes[number]
        if min(right_share, 1 - right_share) > ACROSS_SHARE:
            return None
        sided[number] = RIGHT if right_share > 0.5 else LEFT
    cores: NDArray[np.uint8] = sided[labels]
    return cores
