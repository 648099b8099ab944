"""Trachea and main bronchi, followed slice by slice from the top; not the small bronchi."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

SEED_AREA_MM2 = (50.0, 800.0)
"""Cross-section of a trachea: adults 150-400 mm2, with room for children and for tracheomegaly."""
LUMEN_HU = -850.0
MIDLINE_MM = 40.0


def follow_airway(
    coarse_hu: NDArray[np.float32],
    body_column: float,
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.bool_]:
    """Lumen of the trachea and main bronchi.

    Starts at a round piece of air near the midline that soft tissue surrounds, in the upper half of the scan, and
    follows it downward while each piece stays narrow; a piece that opens into lung ends its branch.

    Parameters
    ----------
    coarse_hu : (slice, row, column) float32
        HU on a grid of about 2 mm, slices to the head, columns to the left; air outside the body set to 0 HU.
    body_column : float
        Column of the midline.

    Returns
    -------
    (slice, row, column) bool
        All False when no trachea was found.
    """
    airway = np.zeros(coarse_hu.shape, dtype=bool)
    start = _seed(coarse_hu, body_column, spacing_mm)
    if start is None:
        return airway
    top, piece = start
    airway[top] = piece
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    for k in (*range(top - 1, -1, -1), *range(top + 1, coarse_hu.shape[0])):
        before = airway[k + 1] if k < top else airway[k - 1]
        if not before.any():
            continue
        airway[k] = _next_pieces(coarse_hu[k] < LUMEN_HU, before, pixel_mm2)
    return airway


def _seed(
    coarse_hu: NDArray[np.float32], body_column: float, spacing_mm: tuple[float, float, float]
) -> tuple[int, NDArray[np.bool_]] | None:
    """Highest slice, among the upper half, with a trachea-like piece that two more slices below confirm."""
    slices = coarse_hu.shape[0]
    for k in range(slices - 1, slices // 2, -1):
        piece = _trachea_like(coarse_hu[k], body_column, spacing_mm)
        below = _trachea_like(coarse_hu[k - 1], body_column, spacing_mm)
        if piece is not None and below is not None and (piece & below).sum() > 0.5 * min(piece.sum(), below.sum()):
            return k, piece
    return None


def _trachea_like(
    plane_hu: NDArray[np.float32], body_column: float, spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_] | None:
    labels, count = ndi.label(plane_hu < -500)
    pixel_mm2 = spacing_mm[1] * spacing_mm[2]
    best: tuple[float, NDArray[np.bool_]] | None = None
    for number, box in enumerate(ndi.find_objects(labels), start=1):
        piece = labels[box] == number
        area = float(piece.sum() * pixel_mm2)
        height, width = piece.shape[0] * spacing_mm[1], piece.shape[1] * spacing_mm[2]
        column = box[1].start + np.nonzero(piece)[1].mean()
        off = abs(column - body_column) * spacing_mm[2]
        lumen = float(np.percentile(plane_hu[box][piece], 10))
        compact = area / (height * width)
        narrow = max(height, width) < 2.2 * min(height, width)
        if SEED_AREA_MM2[0] <= area <= SEED_AREA_MM2[1] and off < MIDLINE_MM and lumen < -900 and narrow:
            merit = compact - off / 100
            if compact > 0.55 and (best is None or merit > best[0]):
                best = (merit, labels == number)
    return None if best is None or count == 0 else best[1]


def _next_pieces(dark: NDArray[np.bool_], before: NDArray[np.bool_], pixel_mm2: float) -> NDArray[np.bool_]:
    """Pieces of `dark` under the airway of the slice before that did not open into something wide."""
    labels, _ = ndi.label(dark)
    found = np.zeros(dark.shape, dtype=bool)
    area_before = float(before.sum() * pixel_mm2)
    for number in np.unique(labels[before]):
        if number == 0:
            continue
        piece = labels == number
        area = float(piece.sum() * pixel_mm2)
        if area <= 1.5 * area_before + 40.0 and area <= 1.5 * SEED_AREA_MM2[1]:
            found |= piece
    return found
