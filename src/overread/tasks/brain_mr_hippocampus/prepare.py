"""From an image as it came to one grid for all: axial, 1 mm, values from 0 to 1; and answers back onto its own grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.geometry import Grid
from overread.image import Volume
from overread.tasks._shared.axial import axial
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan

STEP_MM = 1.0
_AS_GOOD_AS_MM = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The image on the grid of the task.

    Parameters
    ----------
    values : (slice, row, column) float32
        0 to 1 between the percentiles of the plan; slices to the head, rows to the back, columns to the left.
    grid : Grid
        1 mm, right-angled.
    """

    values: NDArray[np.float32]
    grid: Grid


def prepare(image: Volume, plan: HippocampusPlan) -> Region:
    """Turn, resample where the spacing is not 1 mm (linear), scale by percentiles."""
    turned = axial(image)
    values = turned.array.astype(np.float32)
    grid = turned.grid
    if max(abs(s - STEP_MM) for s in grid.spacing_mm) > _AS_GOOD_AS_MM:
        wanted = _one_mm(grid)
        values = sample(values, wanted, grid)
        grid = wanted
    low, high = np.percentile(values, plan.percentiles)
    scaled = np.clip((values - low) / max(float(high - low), 1e-12), 0, 1)
    return Region(scaled.astype(np.float32), grid)


def _one_mm(grid: Grid) -> Grid:
    spacing = np.array(grid.spacing_mm)
    shape = np.maximum(np.floor((np.array(grid.shape) - 1) * spacing / STEP_MM + 1e-6).astype(int) + 1, 1)
    affine = grid.affine_lps.copy()
    affine[:3, :3] = affine[:3, :3] / spacing * STEP_MM
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def sample(values: NDArray[Any], onto: Grid, grid: Grid) -> NDArray[np.float32]:
    """`values` on `grid` seen on another grid, linear; the edge value beyond it."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in onto.shape), indexing="ij"), axis=-1)
    at = np.moveaxis(grid.to_index(onto.to_lps(index)), -1, 0)
    found: NDArray[np.float32] = ndi.map_coordinates(
        values.astype(np.float32), at, order=1, mode="nearest", output=np.float32
    )
    return found
