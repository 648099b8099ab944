"""An ellipsoid with a soft edge whose volume and centroid are known without sampling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.geometry import Grid

Point = tuple[float, float, float]
EDGE_MM = 3.0


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid with its axes along x, y and z, and an edge 3 mm wide, as a soft kernel draws it.

    Half of the contrast lies exactly on the ellipsoid; the edge lets linear interpolation between slices find it.
    """

    centre_lps: Point
    semi_axes_mm: Point

    @property
    def volume_mm3(self) -> float:
        """Volume within half contrast, mm3."""
        a, b, c = self.semi_axes_mm
        return 4 / 3 * np.pi * a * b * c

    def share_on(self, grid: Grid) -> NDArray[np.float64]:
        """(slice, row, column) from 0 outside to 1 inside, at the voxel centres of any grid, sheared ones too."""
        index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
        away = grid.to_lps(index) - self.centre_lps
        way = np.linalg.norm(away / self.semi_axes_mm, axis=-1)  # 1 at the surface
        outside_mm = np.linalg.norm(away, axis=-1) * (1 - 1 / np.maximum(way, 1e-9))
        return np.asarray(np.clip(0.5 - outside_mm / EDGE_MM, 0, 1))
