"""An ideal, axis-aligned scene in HU and painting bodies into it with soft edges. No anatomy, no scanner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from overread.geometry import Grid, axial_grid

Box = tuple[slice, slice, slice]
Point = tuple[float, float, float]


class Axes(NamedTuple):
    """Coordinates of a box in mm, LPS, shaped to broadcast to (slice, row, column); float32."""

    z: NDArray[np.float32]
    y: NDArray[np.float32]
    x: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What there is, before any scanner: mean HU of each fine voxel of an axial grid.

    Parameters
    ----------
    hu : (slice, row, column) float32
        Painted in place.
    step_mm : (slice, row, column)
    first_lps : (x, y, z)
        Centre of voxel (0, 0, 0), mm.
    """

    hu: NDArray[np.float32]
    step_mm: tuple[float, float, float]
    first_lps: Point

    @property
    def grid(self) -> Grid:
        """The grid of the fine voxels."""
        k, j, i = self.hu.shape
        return axial_grid((k, j, i), spacing_mm=self.step_mm, origin_lps=self.first_lps)

    def box(self, low_lps: Any, high_lps: Any) -> Box:
        """The voxels between two corners (x, y, z), clipped to the scene; may be empty."""
        spans = []
        for n, axis in enumerate((2, 1, 0)):
            step, first, size = self.step_mm[n], self.first_lps[axis], self.hu.shape[n]
            start = min(max(int(np.floor((low_lps[axis] - first) / step)), 0), size)
            stop = min(max(int(np.ceil((high_lps[axis] - first) / step)) + 1, start), size)
            spans.append(slice(start, stop))
        return spans[0], spans[1], spans[2]

    def axes(self, box: Box | None = None) -> Axes:
        """Coordinates of a box, or of the whole scene."""
        spans = box or (slice(None), slice(None), slice(None))
        lines = []
        for n, axis in enumerate((2, 1, 0)):
            line = np.arange(self.hu.shape[n])[spans[n]] * self.step_mm[n] + self.first_lps[axis]
            lines.append(line.astype(np.float32))
        return Axes(lines[0][:, None, None], lines[1][None, :, None], lines[2][None, None, :])

    def paint(self, box: Box, share: NDArray[np.float32], hu: float) -> None:
        """Replace `share` (0..1, the shape of `box`) of each voxel by material of `hu`."""
        view = self.hu[box]
        view += share * (np.float32(hu) - view)

    def raise_to(self, box: Box, share: NDArray[np.float32], hu: float, *, over_hu: float) -> None:
        """Add a denser body that lies in material of `over_hu`: pieces that overlap do not thicken each other."""
        view = self.hu[box]
        np.maximum(view, np.float32(over_hu) + share * np.float32(hu - over_hu), out=view, where=share > 0)

    def lower_to(self, box: Box, share: NDArray[np.float32], hu: float, *, under_hu: float) -> None:
        """Hollow out a thinner body inside material of `under_hu`; the mirror of `raise_to`."""
        view = self.hu[box]
        np.minimum(view, np.float32(under_hu) + share * np.float32(hu - under_hu), out=view, where=share > 0)

    def fill_air(
        self, box: Box, share: NDArray[np.float32], hu: float, *, lung_hu: float, solid_hu: float = 40.0
    ) -> None:
        """Put material where there is air: `share` of the air of each voxel, so tissue already there stays."""
        view = self.hu[box]
        air = np.clip((np.float32(solid_hu) - view) / np.float32(solid_hu - lung_hu), 0, 1.2)
        view += share * air * np.float32(hu - lung_hu)


def soft(level: NDArray[np.float32], width_mm: float | NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of a voxel below level 0 when its edge crosses in `width_mm`: 1 inside, 0 outside, linear between."""
    share = np.float32(0.5) - level / np.asarray(width_mm, dtype=np.float32)
    return np.asarray(np.clip(share, 0, 1, out=share))


def tube_share(
    scene: Scene, start: NDArray[np.float64], end: NDArray[np.float64], radii: tuple[float, float]
) -> tuple[Box, NDArray[np.float32]]:
    """Share of each voxel inside a tapering round-ended tube from `start` to `end` (x, y, z), mm.

    The soft edge is as wide as a voxel is in the direction of the tube's normal, and the radius is corrected for it,
    so that the cross-section keeps its area down to a radius of half a voxel.
    """
    reach = max(radii) + max(scene.step_mm)
    box = scene.box(np.minimum(start, end) - reach, np.maximum(start, end) + reach)
    axes = scene.axes(box)
    along = (end - start).astype(np.float64)
    length2 = float(along @ along)
    dx, dy, dz = axes.x - np.float32(start[0]), axes.y - np.float32(start[1]), axes.z - np.float32(start[2])
    ax, ay, az = (np.float32(c / max(length2, 1e-9)) for c in along)
    t = dx * ax + dy * ay + dz * az
    np.clip(t, 0, 1, out=t)
    sx, sy, sz = (np.float32(c) for c in along)
    nx, ny, nz = dx - t * sx, dy - t * sy, dz - t * sz
    nx *= nx
    ny *= ny
    nz *= nz
    distance2 = nx + ny + nz
    k, j, i = scene.step_mm
    width2 = (nx * np.float32(i * i) + ny * np.float32(j * j) + nz * np.float32(k * k)) / np.maximum(distance2, 1e-6)
    np.maximum(width2, np.float32(min(scene.step_mm) ** 2), out=width2)
    radius = np.float32(radii[0]) + t * np.float32(radii[1] - radii[0])
    kept = np.sqrt(np.maximum(radius * radius - width2 / 12, np.float32(0.04)))
    return box, soft(np.sqrt(distance2) - kept, np.sqrt(width2))


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    *,
    spacing_mm: tuple[float, float, float],
    dimension: float = 2.4,
    longest_mm: float = 40.0,
) -> NDArray[np.float32]:
    """A random field of mean 0 and sd 1 whose plane sections are fractal surfaces of this dimension (2..3).

    Power falls as f^-(2H + 3) with H = 3 - dimension, level above wavelengths of `longest_mm`.
    """
    k, j, i = (scipy.fft.next_fast_len(n, real=True) for n in shape)
    white = rng.standard_normal((k, j, i), dtype=np.float32)
    spectrum = scipy.fft.rfftn(white)
    fz, fy, fx = (np.fft.fftfreq(k, spacing_mm[0]), np.fft.fftfreq(j, spacing_mm[1]), np.fft.rfftfreq(i, spacing_mm[2]))
    f2 = (fz[:, None, None] ** 2 + fy[None, :, None] ** 2 + fx[None, None, :] ** 2).astype(np.float32)
    f2 += np.float32(longest_mm**-2)
    spectrum *= f2 ** np.float32(-(2 * (3 - dimension) + 3) / 4)
    spectrum[0, 0, 0] = 0
    field = scipy.fft.irfftn(spectrum, s=(k, j, i))[: shape[0], : shape[1], : shape[2]]
    sd = float(np.sqrt(np.mean(np.square(field, dtype=np.float64))))
    return np.ascontiguousarray(field, dtype=np.float32) / np.float32(sd)
