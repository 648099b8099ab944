"""One object of known volume and place, painted on any grid, and found again at half its contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.geometry import Grid
from overread.image import Intensity, Volume

Point = tuple[float, float, float]
INSIDE_HU, OUTSIDE_HU = 200.0, 0.0
EDGE_MM = 3.0


@dataclass(frozen=True, slots=True)
class Target:
    """An ellipsoid with its axes along x, y and z, and an edge 3 mm wide, as a soft kernel draws it.

    Half contrast lies exactly on the ellipsoid, so volume and centroid are known without any sampling; the edge lets
    linear interpolation between slices find the surface.
    """

    centre_lps: Point = (22.0, -14.0, 31.0)
    semi_axes_mm: Point = (17.0, 13.0, 15.0)

    @property
    def volume_mm3(self) -> float:
        """Volume within half contrast, mm3."""
        a, b, c = self.semi_axes_mm
        return 4 / 3 * np.pi * a * b * c

    def paint(self, grid: Grid) -> Volume:
        """The object in HU at the voxel centres of any grid, sheared ones too."""
        index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
        away = grid.to_lps(index) - self.centre_lps
        radius_mm = np.linalg.norm(away, axis=-1)
        share = np.linalg.norm(away / self.semi_axes_mm, axis=-1)  # of the way to the surface
        outside_mm = radius_mm * (1 - 1 / np.maximum(share, 1e-9))
        hu = OUTSIDE_HU + (INSIDE_HU - OUTSIDE_HU) * np.clip(0.5 - outside_mm / EDGE_MM, 0, 1)
        return Volume(np.rint(hu).astype(np.int16), grid, Intensity.HU)

    def errors(self, array: NDArray[Any], grid: Grid) -> tuple[float, float]:
        """How far an image is from the truth: volume error in %, distance of the centroid in mm.

        -100 % and infinity where nothing is brighter than half contrast.
        """
        inside = np.argwhere(array >= (INSIDE_HU + OUTSIDE_HU) / 2)
        if not len(inside):
            return -100.0, float("inf")
        volume_mm3 = len(inside) * grid.voxel_volume_mm3
        off = grid.to_lps(inside.mean(axis=0)) - self.centre_lps
        return 100 * (volume_mm3 / self.volume_mm3 - 1), float(np.linalg.norm(off))


TARGET = Target()


def stack_grid(
    target: Target = TARGET,
    *,
    row: Point = (1.0, 0.0, 0.0),
    column: Point = (0.0, 1.0, 0.0),
    step: Point | None = None,
    spacing_mm: Point = (1.5, 1.2, 1.2),
) -> Grid:
    """Slices all around a target, a little off its centre: 36 of 48 x 52 pixels at 1.2 mm, more where these are finer.

    Parameters
    ----------
    row, column : (x, y, z)
        Unit vectors along rising column and row index.
    step : (x, y, z), optional
        Direction from slice to slice, of any length; the normal if left out. Slices are `spacing_mm[0]` apart along
        the normal, whatever the step.
    spacing_mm : (slice, row, column)
    """
    normal = np.cross(row, column)
    way = normal if step is None else np.asarray(step) / abs(float(np.dot(normal, step)))
    shape = (36, round(48 * 1.2 / spacing_mm[1]), round(52 * 1.2 / spacing_mm[2]))
    affine = np.eye(4)
    affine[:3, :3] = np.stack([way, column, row], axis=1) * spacing_mm
    middle = affine[:3, :3] @ (np.array(shape) / 2)
    affine[:3, 3] = np.add(target.centre_lps, (3.0, -2.0, 1.5)) - middle
    return Grid(shape, affine)
