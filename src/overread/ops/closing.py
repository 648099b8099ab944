"""Closing of a lung mask by a ball in mm, wider where it meets the ribs; not which voxels are lung."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

COSTAL_COSINE = 0.3
"""In-plane cosine between "out of the lung" and "away from the mediastinum" from which a wall counts as ribs."""


def close_lung(
    lung: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    *,
    radius_mm: float,
    costal_radius_mm: float,
    medial_rc: tuple[float, float],
) -> NDArray[np.bool_]:
    """Close a lung by a ball of `radius_mm`, and by `costal_radius_mm` where the wall faces the ribs; fill holes.

    The wide closing keeps large nodules that sit on the ribs; at the mediastinum it would swallow the hilum.

    Parameters
    ----------
    lung : (slice, row, column) bool
        Aerated voxels of one lung, rows to the back, columns to the left.
    spacing_mm : (slice, row, column)
    medial_rc : (row, column)
        In-plane index of the middle of the chest, from which ribs lie outward.

    Returns
    -------
    (slice, row, column) bool
        Contains `lung`.
    """
    if not lung.any():
        return lung.copy()
    reach = [int(np.ceil(costal_radius_mm / s)) + 1 for s in spacing_mm]
    wide = np.pad(lung, [(r, r) for r in reach])  # room for the dilated lung: a closing then never trims its ends
    outer = ndi.distance_transform_edt(~wide, sampling=spacing_mm).astype(np.float32)
    closed = ndi.distance_transform_edt(outer <= radius_mm, sampling=spacing_mm) > radius_mm
    inner = ndi.distance_transform_edt(outer <= costal_radius_mm, sampling=spacing_mm).astype(np.float32)
    extra = (inner > costal_radius_mm) & ~closed
    at = np.argwhere(extra)
    centre = (medial_rc[0] + reach[1], medial_rc[1] + reach[2])
    costal = at[_faces_ribs(inner, at, spacing_mm, centre)]
    closed[tuple(costal.T)] = True
    closed |= wide
    core = tuple(slice(r, r + n) for r, n in zip(reach, lung.shape, strict=True))
    return np.stack([ndi.binary_fill_holes(plane) for plane in closed[core]])


def _faces_ribs(
    inner: NDArray[np.float32],
    at: NDArray[np.intp],
    spacing_mm: tuple[float, float, float],
    centre_rc: tuple[float, float],
) -> NDArray[np.bool_]:
    """Whether the way out of the mask at each index points away from the middle of the chest."""
    if not len(at):
        return np.zeros(0, dtype=bool)
    slope = np.empty((len(at), 3))
    for axis in range(3):
        step = np.eye(3, dtype=np.intp)[axis]
        top = np.minimum(at + step, np.array(inner.shape) - 1)
        low = np.maximum(at - step, 0)
        slope[:, axis] = (inner[tuple(top.T)] - inner[tuple(low.T)]) / (2 * spacing_mm[axis])
    out = -slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
    away = (at[:, 1:] - np.array(centre_rc)) * np.array(spacing_mm[1:])
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    faces: NDArray[np.bool_] = (out[:, 1:] * away).sum(axis=1) > COSTAL_COSINE
    return faces
