"""Long and short axes, sections and spatial extents of a surface given as a signed distance. No intervals here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError
from skimage.measure import find_contours, marching_cubes

from overread.measure.patch import Float

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Lengths in mm, areas in mm2; end points are float indices (slice, row, column) of the array measured.

    `long_mm` is the largest Feret diameter over all slices, `short_mm` the widest extent perpendicular to it on the
    same slice (Fleischner Society, Bankier 2017). `long_3d_mm` is the largest distance between two points of the
    surface, `short_3d_mm` the smallest extent along the principal axes of the body.
    """

    long_mm: float
    short_mm: float
    long_ends: Points
    short_ends: Points
    area_mm2: float
    long_3d_mm: float
    short_3d_mm: float


def measure_axes(depth: Float, spacing_mm: tuple[float, float, float]) -> Axes | None:
    """Axes of the body depth > 0.

    Parameters
    ----------
    depth : (slice, row, column) float32
        Distance inside the surface, mm, negative outside.

    Returns
    -------
    Axes or None
        None when no slice holds a closed contour.
    """
    inside = depth > 0
    if not inside.any():
        return None
    box = _box_of(inside)
    start = np.array([part.start for part in box])
    crop = np.pad(depth[box], 1, constant_values=-float(max(spacing_mm)))
    start = start - 1
    best = _largest_section(crop, spacing_mm)
    if best is None:
        return None
    slice_index, long_ends, short_ends = best
    long_mm, short_mm = (float(np.linalg.norm((e[1] - e[0]) * spacing_mm[1:])) for e in (long_ends, short_ends))
    share = np.clip(0.5 + crop / np.float32(np.mean(spacing_mm[1:])), 0, 1)
    area = float(share.sum(axis=(1, 2), dtype=np.float64).max()) * spacing_mm[1] * spacing_mm[2]
    long_3d, short_3d = _spatial(crop, spacing_mm)
    lift = np.full((2, 1), float(slice_index))
    ends = [np.hstack([lift, e]) + start for e in (long_ends, short_ends)]
    return Axes(long_mm, short_mm, ends[0], ends[1], area, long_3d, short_3d)


def feret_and_width(points: Points) -> tuple[Points, Points]:
    """End points of the largest distance between (n, 2) points, and of the extent perpendicular to it, mm.

    The second line runs perpendicular to the first, through the middle between the two extreme points.
    """
    hull = _hull(points)
    apart = hull[:, None, :] - hull[None, :, :]
    first, second = np.unravel_index(int(np.argmax((apart**2).sum(axis=-1))), apart.shape[:2])
    ends = hull[[first, second]]
    unit = (ends[1] - ends[0]) / max(float(np.linalg.norm(ends[1] - ends[0])), 1e-9)
    normal = np.array([-unit[1], unit[0]])
    across = hull @ normal
    low, high = hull[int(np.argmin(across))], hull[int(np.argmax(across))]
    along = (low @ unit + high @ unit) / 2
    return ends, np.stack([along * unit + across.min() * normal, along * unit + across.max() * normal])


def _hull(points: Points) -> Points:
    """Vertices of the convex hull; the points themselves where they lie on one line."""
    try:
        return np.asarray(points[ConvexHull(points).vertices])
    except (QhullError, ValueError):
        return points


def _largest_section(depth: Float, spacing_mm: tuple[float, float, float]) -> tuple[int, Points, Points] | None:
    """Slice and end points, in (row, column) index, of the largest Feret diameter over the slices."""
    angles = np.arange(24) * np.pi / 24
    turn = np.stack([np.sin(angles), np.cos(angles)])
    rough = np.zeros(len(depth))
    for k, plane in enumerate(depth > 0):
        where = np.argwhere(plane) * np.array(spacing_mm[1:])
        if len(where):
            rough[k] = np.ptp(where @ turn, axis=0).max() / np.cos(np.pi / 48) + 2 * max(spacing_mm[1:])
    step = np.array(spacing_mm[1:])
    best, found = 0.0, None
    for at in np.argsort(-rough, kind="stable"):  # rough bounds every contour of its slice from above
        if rough[at] < best:
            break
        for contour in find_contours(depth[at], 0.0):
            if len(contour) < 4:
                continue
            long_ends, short_ends = feret_and_width(contour * step)
            length = float(np.linalg.norm(long_ends[1] - long_ends[0]))
            if length > best:
                best, found = length, (int(at), long_ends / step, short_ends / step)
    return found


def _spatial(depth: Float, spacing_mm: tuple[float, float, float]) -> tuple[float, float]:
    """Largest distance between surface points and smallest extent along the principal axes."""
    points = marching_cubes(depth, 0.0, spacing=spacing_mm)[0].astype(np.float64)
    inside = np.argwhere(depth > 0) * np.array(spacing_mm)
    spread = inside - inside.mean(axis=0)
    _, own = np.linalg.eigh(spread.T @ spread)
    ends = _extremes(points, 300)
    longest = float(np.sqrt(((ends[:, None] - ends[None]) ** 2).sum(axis=-1).max()))
    return longest, float(np.ptp(points @ own, axis=0).min())


def _extremes(points: Points, directions: int) -> Points:
    """The points that are extreme in any of many even directions."""
    n = np.arange(directions) + 0.5
    height, turn = 1 - n / directions, n * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - height**2)
    along = points @ np.stack([flat * np.cos(turn), flat * np.sin(turn), height])
    return np.asarray(points[np.unique(np.concatenate([along.argmax(axis=0), along.argmin(axis=0)]))])


def _box_of(inside: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """The smallest box that holds all True voxels and one voxel more, within the array."""
    parts = []
    for axis in range(3):
        seen = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
        parts.append(slice(max(int(seen[0]) - 1, 0), min(int(seen[-1]) + 2, inside.shape[axis])))
    return parts[0], parts[1], parts[2]
