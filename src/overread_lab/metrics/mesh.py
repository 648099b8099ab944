"""Surface distances by area: each triangle of a surface counts by its size, so no voxel pattern is favoured.

Another reading of the figures of `surface`, and always named `*_mesh`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import Score
from overread_lab.metrics.surface import Mask, checked_pair

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MeshDistances:
    """From the middle of each triangle of one surface to the nearest point of the other, with the triangle's area.

    Parameters
    ----------
    a_to_b, b_to_a : (triangle,) float
        In the unit of the spacing.
    area_a, area_b : (triangle,) float
        In its square.
    """

    a_to_b: Values
    b_to_a: Values
    area_a: Values
    area_b: Values
    diagonal: float
    both_empty: bool
    missed: bool

    def _or_stand_in(self) -> Score | None:
        if self.both_empty:
            return Score(0.0, note="both_empty")
        return Score(self.diagonal, note="missed") if self.missed else None

    @property
    def hd95_mesh(self) -> Score:
        """max of the two distances beyond which 5 % of a surface lie."""
        worst = [_percentile(d, w, 0.95) for d, w in ((self.a_to_b, self.area_a), (self.b_to_a, self.area_b)) if d.size]
        return self._or_stand_in() or Score(max(worst))

    @property
    def assd_mesh(self) -> Score:
        """Mean distance over both surfaces, by area."""
        total = self.area_a.sum() + self.area_b.sum()
        moved = (self.a_to_b * self.area_a).sum() + (self.b_to_a * self.area_b).sum()
        return self._or_stand_in() or Score(float(moved / total))

    def surface_dice_mesh(self, tolerance: float) -> Score:
        """Share of the area of both surfaces within `tolerance` of the other. Both empty: 1; one empty: 0."""
        if not (math.isfinite(tolerance) and tolerance >= 0):
            raise UsageError(f"tolerance is {tolerance}, expected 0 or more")
        if self.both_empty or self.missed:
            return Score(1.0, note="both_empty") if self.both_empty else Score(0.0, note="missed")
        near = self.area_a[self.a_to_b <= tolerance].sum() + self.area_b[self.b_to_a <= tolerance].sum()
        return Score(float(near / (self.area_a.sum() + self.area_b.sum())))


def _percentile(distance: Values, weight: Values, share: float) -> float:
    """Least distance within which `share` of the weight lies."""
    order = np.argsort(distance)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(distance[order][min(int(np.searchsorted(reached, share)), len(order) - 1)])


def mesh_distances(a: Mask, b: Mask, *, spacing: Sequence[float]) -> MeshDistances:
    """Distances between the 0.5 surfaces (marching cubes) of two (slice, row, column) bool masks of one shape.

    The nearest point is sought among vertices and middles of the other's triangles: at most a third of a voxel's
    diagonal too far. A surface at the edge of the array is closed there.
    """
    step, diagonal = checked_pair(a, b, spacing)
    if a.ndim != 3:
        raise UsageError(f"masks have {a.ndim} axes, expected 3", way_out="Use surface_distances for pictures.")
    nothing = np.array([], dtype=np.float64)
    if not a.any() or not b.any():
        both = not a.any() and not b.any()
        return MeshDistances(nothing, nothing, nothing, nothing, diagonal, both, not both)
    from scipy.spatial import cKDTree  # noqa: PLC0415  (not needed to print help)

    (points_a, middle_a, area_a), (points_b, middle_b, area_b) = (_surface(one, step) for one in (a, b))
    to_b, _ = cKDTree(np.concatenate([points_b, middle_b])).query(middle_a)
    to_a, _ = cKDTree(np.concatenate([points_a, middle_a])).query(middle_b)
    return MeshDistances(to_b, to_a, area_a, area_b, diagonal, both_empty=False, missed=False)


def _surface(inside: Mask, step: Values) -> tuple[Values, Values, Values]:
    """Vertices, middles of triangles, areas."""
    from skimage.measure import marching_cubes  # noqa: PLC0415

    vertices, faces, _, _ = marching_cubes(np.pad(inside, 1).astype(np.float32), 0.5, spacing=tuple(step))
    corners = vertices[faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    return vertices.astype(np.float64), corners.mean(axis=1), area
