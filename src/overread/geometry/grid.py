"""A regular grid of voxel centres in the patient. It holds no pixels and decides nothing about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import GeometryError


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Shape and affine of a volume.

    Parameters
    ----------
    shape : (slices, rows, columns)
        Number of voxels along each axis.
    affine_lps : (4, 4) float64
        Maps (k, j, i, 1) to (x, y, z, 1) in mm, LPS, at voxel centres. May be sheared (tilted gantry).

    Raises
    ------
    GeometryError
        Empty shape, or an affine that is not finite or not invertible.
    """

    shape: tuple[int, int, int]
    affine_lps: NDArray[np.float64]

    def __post_init__(self) -> None:
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GeometryError(f"the affine must be 4 x 4 and finite, got {affine.tolist()}")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GeometryError(f"a grid needs (slices, rows, columns) of at least 1, got {self.shape}")
        if not np.array_equal(affine[3], (0, 0, 0, 1)) or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise GeometryError(f"the affine does not place voxels in space: {affine.tolist()}")
        affine.flags.writeable = False
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "affine_lps", affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring centres along (slice, row, column), mm.

        On a sheared grid the first is the distance along the oblique slice step; see `slice_gap_mm`.
        """
        k, j, i = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(k), float(j), float(i)

    @property
    def slice_normal(self) -> NDArray[np.float64]:
        """(3,) unit vector across the slices, pointing to higher k."""
        normal = np.cross(self.affine_lps[:3, 2], self.affine_lps[:3, 1])
        normal /= np.linalg.norm(normal)
        return normal if normal @ self.affine_lps[:3, 0] > 0 else -normal

    @property
    def slice_gap_mm(self) -> float:
        """Distance between neighbouring slices measured along their normal, mm."""
        return float(self.slice_normal @ self.affine_lps[:3, 0])

    @property
    def shear_deg(self) -> float:
        """Angle between the slice step and the slice normal, degrees; 0 when orthogonal."""
        step = self.affine_lps[:3, 0]
        return float(np.degrees(np.arccos(np.clip(self.slice_gap_mm / np.linalg.norm(step), -1, 1))))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, mm3: the determinant, right also for sheared grids."""
        return float(abs(np.linalg.det(self.affine_lps[:3, :3])))

    def to_lps(self, index_kji: ArrayLike) -> NDArray[np.float64]:
        """(..., 3) float indices (k, j, i) to (..., 3) points (x, y, z) in mm, LPS."""
        return np.asarray(index_kji, dtype=np.float64) @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3]

    def to_index(self, points_lps: ArrayLike) -> NDArray[np.float64]:
        """(..., 3) points (x, y, z) in mm, LPS to (..., 3) float indices (k, j, i)."""
        shifted = np.asarray(points_lps, dtype=np.float64) - self.affine_lps[:3, 3]
        return shifted @ np.linalg.inv(self.affine_lps[:3, :3]).T

    def crop(self, start: tuple[int, int, int], shape: tuple[int, int, int]) -> Grid:
        """The part of this grid that begins at index `start`; may reach outside (padding)."""
        affine = self.affine_lps.copy()
        affine[:3, 3] = self.to_lps(start)
        return Grid(shape, affine)

    def permute(self, axes: tuple[int, int, int], flips: tuple[bool, bool, bool] = (False, False, False)) -> Grid:
        """The same voxels after `array.transpose(axes)` and then a flip of each flagged new axis."""
        affine = self.affine_lps.copy()
        affine[:3, :3] = affine[:3, list(axes)]
        shape = tuple(self.shape[a] for a in axes)
        for axis, flipped in enumerate(flips):
            if flipped:
                affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
                affine[:3, axis] *= -1
        return Grid((shape[0], shape[1], shape[2]), affine)

    def same_place(self, other: Grid, *, within_mm: float = 1e-3) -> bool:
        """Whether both have the same shape and no corner differs by more than `within_mm`."""
        if self.shape != other.shape:
            return False
        k, j, i = self.shape
        corners = np.array([(a, b, c) for a in (0, k - 1) for b in (0, j - 1) for c in (0, i - 1)], dtype=np.float64)
        return bool(np.linalg.norm(self.to_lps(corners) - other.to_lps(corners), axis=1).max() <= within_mm)


def axial_grid(
    shape: tuple[int, int, int],
    *,
    spacing_mm: tuple[float, float, float],
    origin_lps: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Grid:
    """An axial grid: columns run to the patient's left, rows to the back, slices to the head.

    Parameters
    ----------
    shape, spacing_mm : (slice, row, column)
        Voxels and mm.
    origin_lps : (x, y, z)
        Centre of voxel (0, 0, 0), mm.
    """
    k, j, i = spacing_mm
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = k, j, i, 1.0
    affine[:3, 3] = origin_lps
    return Grid(shape, affine)
