"""Volumes and label maps: arrays that never travel without their grid. No algorithm here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import GeometryError
from overread.geometry import Grid, Verdict
from overread.image.source import Source
from overread.image.window import Window


class Intensity(StrEnum):
    """What the values of an image mean. Set by the reader from evidence, never assumed."""

    HU = "[hnsf'U]"
    SUV = "g/ml{SUVbw}"
    ARBITRARY = "1"


def _require_shape(array: NDArray[Any], grid: Grid, what: str) -> None:
    if array.shape != grid.shape:
        raise GeometryError(
            f"the {what} has shape {array.shape} but its grid {grid.shape}",
            way_out="Axes are (slice, row, column); resample or transpose it onto the grid first.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """An image in the patient.

    Parameters
    ----------
    array : (slice, row, column) int16 or float32
        Values in `intensity` (HU for CT).
    grid : Grid
        Same shape as `array`.
    padding : float or None
        Value that marks "outside the scanned field", already turned to air in `array` where the reader knew it.
    """

    array: NDArray[np.generic]
    grid: Grid
    intensity: Intensity
    source: Source = field(default_factory=lambda: Source(kind="array"))
    verdict: Verdict = field(default_factory=Verdict)
    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        _require_shape(self.array, self.grid, "image")


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Integer labels on a grid.

    Parameters
    ----------
    array : (slice, row, column) uint8 or uint16
        0 is background; label n is segment n.
    names : dict
        Label to plain words.
    """

    array: NDArray[np.integer[Any]]
    grid: Grid
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_shape(self.array, self.grid, "label map")

    def volume_mm3(self, label: int) -> float:
        """Volume of the voxels that carry `label`, mm3."""
        return float(np.count_nonzero(self.array == label) * self.grid.voxel_volume_mm3)

    def centroid_lps(self, label: int) -> NDArray[np.float64]:
        """(3,) mean position of the voxels that carry `label`, mm; NaN when there is none."""
        where = np.argwhere(self.array == label)
        return self.grid.to_lps(where.mean(axis=0)) if len(where) else np.full(3, np.nan)
