"""Connected regions of a small array: the one at a seed, its border, its contact with another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.measure.patch import Bool

ALL_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


def nearest_dense(
    dense: Bool, seed: NDArray[np.float64], spacing: tuple[float, float, float], reach_mm: float
) -> tuple[int, ...] | None:
    """Index of the dense voxel nearest to a seed, or None beyond `reach_mm`."""
    where = np.argwhere(dense)
    if not len(where):
        return None
    away = np.linalg.norm((where - seed) * np.array(spacing), axis=1)
    best = int(np.argmin(away))
    return tuple(int(n) for n in where[best]) if away[best] <= reach_mm else None


def component_near(
    inside: Bool, seed: NDArray[np.float64], spacing: tuple[float, float, float], reach_mm: float
) -> Bool | None:
    """The 26-connected component with most voxels within `reach_mm` of a seed; None where there is none."""
    labels, _ = ndi.label(inside, structure=ALL_NEIGHBOURS)
    parts = []
    for centre, step, size in zip(seed, spacing, inside.shape, strict=True):
        low, high = int((centre * step - reach_mm) / step), int((centre * step + reach_mm) / step) + 2
        parts.append(slice(min(max(low, 0), size - 1), max(min(high, size), 1)))
    here = labels[parts[0], parts[1], parts[2]]
    where = np.argwhere(here > 0)
    corner = np.array([part.start for part in parts])
    close = np.linalg.norm((where + corner - seed) * np.array(spacing), axis=1) <= reach_mm
    if not close.any():
        return None
    counts = np.bincount(here[tuple(where[close].T)])
    return np.asarray(labels == int(np.argmax(counts)))


def component_of(inside: Bool, voxel: tuple[int, ...]) -> Bool:
    """The 26-connected component that holds `voxel`."""
    labels, _ = ndi.label(inside, structure=ALL_NEIGHBOURS)
    return np.asarray(labels == labels[voxel])


def reaches_border(inside: Bool) -> bool:
    """Whether any voxel lies on the border of the array."""
    return any(bool(np.take(inside, end, axis=axis).any()) for axis in range(3) for end in (0, -1))


def contact_mm2(inside: Bool, others: Bool, spacing: tuple[float, float, float]) -> float:
    """Area of the faces between two touching sets, corrected for the staircase (mean over directions: 2/3)."""
    area = 0.0
    for axis in range(3):
        a = np.take(inside, range(inside.shape[axis] - 1), axis=axis) & np.take(
            others, range(1, inside.shape[axis]), axis=axis
        )
        b = np.take(others, range(inside.shape[axis] - 1), axis=axis) & np.take(
            inside, range(1, inside.shape[axis]), axis=axis
        )
        face = float(np.prod(spacing)) / spacing[axis]
        area += face * (np.count_nonzero(a) + np.count_nonzero(b))
    return area * 2 / 3
