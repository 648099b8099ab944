"""Where in the lungs a point lies: side and zone. Lobes are not told apart: fissures are not segmented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.findings import Laterality
from overread.geometry import Grid

ZONES = ("upper", "middle", "lower")


@dataclass(frozen=True, slots=True)
class LungExtent:
    """Height range of each lung, mm along z (head is positive), from the labelled lung field."""

    z_mm: dict[Laterality, tuple[float, float]]
    complete: bool


def lung_extent(sides: NDArray[np.uint8], grid: Grid) -> LungExtent:
    """Extent of each lung.

    Parameters
    ----------
    sides : (slice, row, column) uint8
        1 in the right lung, 2 in the left, 0 elsewhere.

    Notes
    -----
    `complete` is False when lung reaches the first or last slice: zones are then thirds of what was scanned.
    """
    z_mm: dict[Laterality, tuple[float, float]] = {}
    for label, side in ((1, Laterality.RIGHT), (2, Laterality.LEFT)):
        slices = np.flatnonzero((sides == label).any(axis=(1, 2)))
        if len(slices):
            ends = [_centre_z(grid, int(k)) for k in (slices[0], slices[-1])]
            z_mm[side] = (min(ends), max(ends))
    return LungExtent(z_mm, complete=not (sides[0].any() or sides[-1].any()))


def _centre_z(grid: Grid, k: int) -> float:
    return float(grid.to_lps((k, (grid.shape[1] - 1) / 2, (grid.shape[2] - 1) / 2))[2])


def side_of(sides: NDArray[np.uint8], index_kji: NDArray[np.float64], *, reach: int = 8) -> Laterality | None:
    """The lung that holds most voxels around an index, within `reach` pixels in its slice; None if there is none."""
    k, j, i = np.clip(np.rint(index_kji).astype(int), 0, np.array(sides.shape) - 1)
    around = sides[k, max(0, j - reach) : j + reach + 1, max(0, i - reach) : i + reach + 1]
    right, left = int((around == 1).sum()), int((around == 2).sum())
    if right == left:
        return None
    return Laterality.RIGHT if right > left else Laterality.LEFT


def zone_of(extent: LungExtent, side: Laterality | None, z_mm: float) -> str:
    """ "upper", "middle" or "lower" third of the scanned height of that lung; "" if the side is not known."""
    if side is None or side not in extent.z_mm:
        return ""
    low, high = extent.z_mm[side]
    share = 0.5 if high == low else (high - z_mm) / (high - low)
    return ZONES[min(2, max(0, int(share * 3)))]
