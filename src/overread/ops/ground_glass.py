"""Lung with its vessels wiped out, so that faint, wide opacities stand out. Not whether they are nodules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

CAP_HU = -350.0
"""Above the densest pure ground-glass on the smoothed grid: vessels must not outshine what they cross."""
VESSEL_MM = 4.5
"""In-plane width below which bright structures are wiped out: peripheral vessels and bronchial walls."""


def without_vessels(image_hu: NDArray[np.float32], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """Grey opening in plane of the capped image, lightly smoothed first so that noise is not opened to its minima.

    Parameters
    ----------
    image_hu : (slice, row, column) float32
        Outside of the lung set to the level of lung.
    spacing_mm : (slice, row, column)

    Returns
    -------
    (slice, row, column) float32
        At most `CAP_HU`.
    """
    soft = np.minimum(image_hu, np.float32(CAP_HU))
    for axis in range(3):
        soft = ndi.gaussian_filter1d(soft, 1.2 / spacing_mm[axis], axis=axis, mode="nearest", truncate=2.5)
    widths = {axis: max(3, 2 * round(VESSEL_MM / spacing_mm[axis] / 2) + 1) for axis in (1, 2)}
    for axis, width in widths.items():
        soft = ndi.minimum_filter1d(soft, width, axis=axis, mode="nearest")
    for axis, width in widths.items():
        soft = ndi.maximum_filter1d(soft, width, axis=axis, mode="nearest")
    return soft
