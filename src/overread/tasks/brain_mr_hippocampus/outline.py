"""From decisions to an outline, and the coronal plane that parts anterior from posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.ops.adhesion import separate
from overread.tasks.brain_mr_hippocampus.atlas import Map, Prior
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread.tasks.brain_mr_hippocampus.rows import Band

Mask = NDArray[np.bool_]
ANTERIOR, POSTERIOR = 1, 2
SURE = 1.5
"""Decisions beyond this count as this, so that one voxel cannot outvote its neighbours."""
MOST_CUT = 0.05
"""What clings is small: where more of the outline would go, the cut ran through the hippocampus itself."""
OFFSETS_MM = np.arange(-15.0, 16.0, 3.0)
_LEAST_AREA_MM2 = 5.0


def outline(band: Band, decisions: NDArray[np.float64], threshold: float, plan: HippocampusPlan) -> Mask:
    """Smooth, take the largest component, cut off what clings, fill holes.

    Parameters
    ----------
    decisions : (n,) float64
        Of the voxels of the band, above `threshold` for hippocampus.
    """
    field = np.where(band.phi_mm > 0, SURE, -SURE).astype(np.float32)
    field[tuple(band.points.T)] = np.clip(decisions - threshold, -SURE, SURE)
    inside = largest(ndi.gaussian_filter(field, plan.smooth_sigma_mm, mode="nearest") > 0)
    if plan.neck_mm > 0 and inside.any():
        middle = np.argwhere(inside).mean(axis=0)
        kept = separate(inside, middle, (1.0, 1.0, 1.0), radius_mm=plan.neck_mm, depth_mm=2.0).inside
        # the ball also rounds edges: only thick pieces are taken off, and never the thin hippocampus' own head or tail
        freed = largest(inside & ~ndi.binary_opening(inside & ~kept, iterations=1))
        if np.count_nonzero(freed) >= (1 - MOST_CUT) * np.count_nonzero(inside):
            inside = freed
    filled: Mask = ndi.binary_fill_holes(inside)
    return filled


def largest(mask: Mask) -> Mask:
    """The largest 6-connected component."""
    labels, count = ndi.label(mask)
    if count < 2:
        return mask
    kept: Mask = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return kept


def cut_row(anterior: NDArray[np.floating] | Mask, whole: NDArray[np.floating] | Mask) -> float:
    """Row (float) of the coronal plane: rows before it are anterior. NaN for an empty shape.

    The first row of the shape plus, over its rows, the share of their area that is anterior: right to a part of a row
    for probabilities too.
    """
    front, area = (np.asarray(part, np.float64).sum(axis=(0, 2)) for part in (anterior, whole))
    rows = np.flatnonzero(area >= min(_LEAST_AREA_MM2, area.max()))
    if not len(rows) or area.max() <= 0:
        return float("nan")
    first, last = rows[0], rows[-1]
    share = front[first : last + 1] / np.maximum(area[first : last + 1], 1e-9)
    return float(first + share.sum())


def profile(inside: Mask, cut: float) -> NDArray[np.float64]:
    """(13,) areas (mm2) of coronal sections about a row, and the distance (mm) of both ends from it."""
    area = inside.sum(axis=(0, 2)).astype(np.float64)
    rows = np.flatnonzero(area >= _LEAST_AREA_MM2)
    ends = (cut - rows[0], rows[-1] - cut) if len(rows) else (0.0, 0.0)
    areas = np.interp(cut + OFFSETS_MM, np.arange(len(area)), area)
    return np.array([*areas, *ends])


@dataclass(frozen=True, slots=True, eq=False)
class PlaneRule:
    """Ridge regression of how far the plane lies behind that of the prior, mm, on the profile about it.

    Parameters
    ----------
    mean, scale, slope : (13,) float64
    offset_mm : float
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    slope: NDArray[np.float64]
    offset_mm: float

    def __call__(self, inside: Mask, prior_cut: float) -> float:
        """The row of the plane; never farther than 6 mm from that of the prior."""
        moved = (profile(inside, prior_cut) - self.mean) / self.scale @ self.slope + self.offset_mm
        return prior_cut + float(np.clip(moved, -6, 6))


def prior_cut(prior: Prior) -> float:
    """The plane of the place prior."""
    inside = prior.whole > 0.3
    return cut_row(np.where(inside, prior.anterior, 0), np.where(inside, prior.whole, 0))


def part(inside: Mask, cut: float) -> NDArray[np.uint8]:
    """(slice, row, column) 0, ANTERIOR before the plane, POSTERIOR behind it."""
    rows = np.arange(inside.shape[1])[None, :, None]
    return np.where(inside, np.where(rows < np.rint(cut), ANTERIOR, POSTERIOR), 0).astype(np.uint8)


def overlap(a: Mask | Map, b: Mask) -> float:
    """Dice of two masks; 1 where both are empty."""
    first = np.asarray(a, bool)
    size = np.count_nonzero(first) + np.count_nonzero(b)
    return 2 * np.count_nonzero(first & b) / size if size else 1.0
