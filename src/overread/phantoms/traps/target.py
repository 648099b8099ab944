"""One object of known volume and place, painted on any grid, and found again at half its contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.geometry import Grid
from overread.image import Intensity, Volume
from overread.phantoms.ellipsoid import Ellipsoid, Point

INSIDE_HU, OUTSIDE_HU = 201.0, 0.0
"""Half contrast lies between two whole HU, so that rounding moves no voxel across it."""


@dataclass(frozen=True, slots=True)
class Target(Ellipsoid):
    """The object of a trap: 13.9 mL to the patient's left."""

    centre_lps: Point = (22.0, -14.0, 31.0)
    semi_axes_mm: Point = (17.0, 13.0, 15.0)

    def paint(self, grid: Grid) -> Volume:
        """The object in HU."""
        hu = OUTSIDE_HU + (INSIDE_HU - OUTSIDE_HU) * self.share_on(grid)
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
    affine[:3, 3] = np.add(target.centre_lps, (3.3, -1.9, 1.7)) - middle  # no voxel centre falls on a plane of symmetry
    return Grid(shape, affine)
