"""Bodies as signed levels on a coarse grid, and their values on the fine planes of a scene. No anatomy here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.phantoms.scene import Axes, Scene

Field = NDArray[np.float32]
"""(slice, row, column) float32 on the coarse nodes: below 0 inside a body, mm from its surface nearby."""


@dataclass(frozen=True, slots=True)
class CoarseGrid:
    """Nodes at every n-th voxel of a scene, one node beyond its end: linear interpolation reaches every voxel.

    `ratio` is (slice, row, column): how many fine voxels lie between two nodes.
    """

    fine_shape: tuple[int, int, int]
    step_mm: tuple[float, float, float]
    first_lps: tuple[float, float, float]
    ratio: tuple[int, int, int]

    @classmethod
    def over(cls, scene: Scene, *, node_mm: float = 2.8) -> CoarseGrid:
        """Nodes about `node_mm` apart."""
        k, j, i = (max(1, round(node_mm / step)) for step in scene.step_mm)
        fine = (scene.hu.shape[0], scene.hu.shape[1], scene.hu.shape[2])
        return cls(fine, scene.step_mm, scene.first_lps, (k, j, i))

    @property
    def node_mm(self) -> tuple[float, float, float]:
        """Distance between nodes along (slice, row, column), mm."""
        k, j, i = (n * step for n, step in zip(self.ratio, self.step_mm, strict=True))
        return k, j, i

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of nodes along (slice, row, column)."""
        k, j, i = ((n - 1) // r + 2 for n, r in zip(self.fine_shape, self.ratio, strict=True))
        return k, j, i

    def axes(self) -> Axes:
        """Coordinates of the nodes, mm, shaped to broadcast."""
        lines = [
            (np.arange(n) * step + self.first_lps[axis]).astype(np.float32)
            for n, step, axis in zip(self.shape, self.node_mm, (2, 1, 0), strict=True)
        ]
        return Axes(lines[0][:, None, None], lines[1][None, :, None], lines[2][None, None, :])

    def plane(self, field: Field, k: int) -> NDArray[np.float32]:
        """(row, column) values of a field on fine slice `k`."""
        node, rest = divmod(k, self.ratio[0])
        share = np.float32(rest / self.ratio[0])
        plane = field[node] if rest == 0 else field[node] * (1 - share) + field[node + 1] * share
        return _stretch(_stretch(plane, self.ratio[1], self.fine_shape[1]).T, self.ratio[2], self.fine_shape[2]).T

    def at(self, field: Field, points_lps: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...,) values of a field at (..., 3) points, by the same linear interpolation; beyond the nodes the edge."""
        index = (points_lps - np.array(self.first_lps)) / np.array(self.node_mm[::-1])
        flat = index[..., ::-1].reshape(-1, 3).T
        values = ndi.map_coordinates(field.astype(np.float64), flat, order=1, mode="nearest")
        return np.asarray(values.reshape(points_lps.shape[:-1]))

    def distance_like(self, field: Field) -> Field:
        """The field over the length of its gradient: near its zero it measures mm."""
        slopes = [np.gradient(field, step, axis=axis) for axis, step in enumerate(self.node_mm)]
        steepness = np.sqrt(sum(slope * slope for slope in slopes))
        return np.asarray(field / np.maximum(steepness, 0.05), dtype=np.float32)


def _stretch(plane: NDArray[np.float32], ratio: int, size: int) -> NDArray[np.float32]:
    """Linear interpolation between rows: (n, m) to (size, m), `ratio` rows for each."""
    if ratio == 1:
        return plane[:size]
    out = np.empty((plane.shape[0] - 1, ratio, plane.shape[1]), dtype=np.float32)
    rise = (plane[1:] - plane[:-1]) * np.float32(1 / ratio)
    out[:, 0] = plane[:-1]
    for n in range(1, ratio):
        np.add(out[:, n - 1], rise, out=out[:, n])
    return out.reshape(-1, plane.shape[1])[:size]


def smooth_union(a: Field, b: Field, radius_mm: float) -> Field:
    """Both bodies with their crease filled by a fillet of about `radius_mm`."""
    blend = np.clip(0.5 + 0.5 * (b - a) / np.float32(radius_mm), 0, 1)
    return np.asarray(b + (a - b) * blend - np.float32(radius_mm) * blend * (1 - blend), dtype=np.float32)


def superellipse(u: NDArray[Any], v: NDArray[Any], power: float) -> Field:
    """(|u|^p + |v|^p)^(1/p): 1 on the rim, growing linearly outwards."""
    return np.asarray((np.abs(u) ** power + np.abs(v) ** power) ** (1 / power), dtype=np.float32)


def ellipsoid_level(
    axes: Axes,
    centre: tuple[float, float, float],
    semi_mm: tuple[float, float, float],
    turn: NDArray[np.float64] | None = None,
) -> Field:
    """Level of an ellipsoid; the columns of `turn` (3, 3) are its own axes in LPS."""
    x, y, z = axes.x - np.float32(centre[0]), axes.y - np.float32(centre[1]), axes.z - np.float32(centre[2])
    own = np.eye(3) if turn is None else turn
    total: Field = np.zeros((1, 1, 1), dtype=np.float32)
    for n in range(3):
        a, b, c = (np.float32(v / semi_mm[n]) for v in own[:, n])
        along = x * a + y * b + z * c
        total = total + along * along
    length = np.sqrt(total)
    return np.asarray((length - 1) * np.float32(min(semi_mm)), dtype=np.float32)


def add_path(
    total: Field,
    axes: Axes,
    points: NDArray[np.float64],
    radii: NDArray[np.float64],
    *,
    around_mm: float,
    fillet_mm: float,
) -> None:
    """Join a tube `around_mm` wider than (n, 3) points with (n,) radii say to a body, in place, with a fillet.

    Only the box that the tube can change is worked on.
    """
    reach = float(radii.max()) + around_mm + fillet_mm + 1
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    spans = []
    for line, axis in ((axes.z.ravel(), 2), (axes.y.ravel(), 1), (axes.x.ravel(), 0)):
        spans.append(slice(int(np.searchsorted(line, low[axis])), int(np.searchsorted(line, high[axis], side="right"))))
    k, j, i = spans
    if min(s.stop - s.start for s in spans) > 0:
        near = Axes(axes.z[k], axes.y[:, j], axes.x[:, :, i])
        total[k, j, i] = smooth_union(
            total[k, j, i], path_level(near, points, radii) - np.float32(around_mm), fillet_mm
        )


def path_level(axes: Axes, points: NDArray[np.float64], radii: NDArray[np.float64]) -> Field:
    """Level of a tube through (n, 3) points with (n,) radii."""
    best: Field | None = None
    for n in range(len(points) - 1):
        start, along = points[n], points[n + 1] - points[n]
        dx, dy, dz = (a - np.float32(s) for a, s in zip((axes.x, axes.y, axes.z), start, strict=True))
        ax, ay, az = (np.float32(c / (along @ along)) for c in along)
        t = np.clip(dx * ax + dy * ay + dz * az, 0, 1)
        sx, sy, sz = (np.float32(c) for c in along)
        away = np.sqrt((dx - t * sx) ** 2 + (dy - t * sy) ** 2 + (dz - t * sz) ** 2)
        level = away - (np.float32(radii[n]) + t * np.float32(radii[n + 1] - radii[n]))
        best = level if best is None else np.minimum(best, level)
    if best is None:
        raise ValueError("a path needs at least two points")
    return np.asarray(best, dtype=np.float32)
