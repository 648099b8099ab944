"""The lung field of a chest CT: both lungs with everything in them, right and left. Not what is in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.findings import Reason
from overread.geometry import orient, orientation_of
from overread.image import Volume
from overread.ops.airway import follow_airway
from overread.ops.closing import close_lung
from overread.ops.lung_sides import LEFT, RIGHT, split_lungs
from overread.ops.pool import block_mean, pool_factors, spread_blocks
from overread.runtime import Runtime

AIR_HU = -400.0
"""Between aerated lung (-900..-600) and soft tissue (0); also the 50 % level of the lung wall."""
COARSE_MM = 2.0
SMALLEST_PART = 0.05
"""A separate piece of lung is at least this share of the largest piece; bowel gas and trachea are smaller."""
SMALLEST_PART_ML = 20.0
GAS_HU = -965.0
"""Median below which a closed-in piece is gas (stomach, bowel); even emphysematous lung stays above."""
OUTSIDE_HU = -950.0
SLAB_BLOCKS = 12
SMALLEST_LUNG_ML_PER_CM = 20.0
"""Less aerated lung than this per cm of scan is no lung scan (a lung is 60-250 mL per cm)."""


@dataclass(frozen=True, slots=True, eq=False)
class LungField:
    """Both lungs on the grid of the image.

    Parameters
    ----------
    inside : (slice, row, column) bool
        Aerated lung with the vessels and nodules in it, closed over nodules at the pleura.
    sides : (slice, row, column) uint8
        0 outside, 1 the patient's right lung, 2 the patient's left.
    airway : (slice, row, column) bool or None
        Lumen of trachea and main bronchi (not part of `inside`); None when no trachea was found.
    box : (slice, slice, slice)
        Smallest box around `inside`; empty slices when there is none.
    volume_ml : float
        Of `inside`.
    reasons : tuple of Reason
        Why there is no lung field; empty when there is one.
    facts : dict
        right_ml, left_ml, airway_ml (mL), coarse_mm.
    """

    inside: NDArray[np.bool_]
    sides: NDArray[np.uint8]
    airway: NDArray[np.bool_] | None
    box: tuple[slice, slice, slice]
    volume_ml: float
    reasons: tuple[Reason, ...] = ()
    facts: dict[str, float | int] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """Whether there is a lung to look at."""
        return not self.reasons


def lung_field(
    image: Volume,
    runtime: Runtime,
    *,
    closing_mm: float = 15.0,
    costal_closing_mm: float = 20.0,
) -> LungField:
    """Find both lungs in a chest CT in HU, in any orientation.

    On a grid of about 2 mm: air that the body surrounds, large pieces, trachea and main bronchi taken out, split in
    right and left, each closed by a ball of `closing_mm` (`costal_closing_mm` towards the ribs) and filled; then the
    border is drawn anew on the full grid, at -400 HU where it is lung wall and smoothly where the closing made it.

    Parameters
    ----------
    image : Volume
        CT in HU; shape (slice, row, column), any of the 48 orientations.
    closing_mm, costal_closing_mm : float
        Ball radii: a nodule on the wall up to about twice the radius stays inside.

    Returns
    -------
    LungField
        With `found` False and coded `reasons` when there is no lung; never raises for an image in HU.
    """
    array, grid = orient(image.array, image.grid)
    spacing = grid.spacing_mm
    factors = pool_factors(spacing, target_mm=COARSE_MM)
    coarse = block_mean(array, factors)
    coarse_mm = (spacing[0] * factors[0], spacing[1] * factors[1], spacing[2] * factors[2])
    aerated, midline, closed_in = _aerated_lung(coarse, coarse_mm)
    scan_cm = coarse.shape[0] * coarse_mm[0] / 10
    voxel_ml = float(np.prod(coarse_mm)) / 1000
    if aerated.sum() * voxel_ml < SMALLEST_LUNG_ML_PER_CM * scan_cm:
        return _no_lung(image.array.shape, float(aerated.sum() * voxel_ml))
    airway = follow_airway(np.where(closed_in, coarse, np.float32(0)), midline, coarse_mm)
    aerated &= ~ndi.binary_dilation(airway, iterations=1)
    around = ndi.find_objects(aerated.view(np.uint8))[0]
    side = np.zeros(aerated.shape, dtype=np.uint8)
    side[around] = split_lungs(aerated[around], coarse_mm, midline_column=midline - around[2].start)
    closed = _close_both(side, coarse_mm, midline, (closing_mm, costal_closing_mm), runtime)
    closed[airway] = 0
    inside, sides_full = _full_border(array, aerated, closed, factors, runtime)
    airway_full = spread_blocks(airway, factors, array.shape) if airway.any() else None
    return _in_image_frame(image, inside, sides_full, airway_full, coarse_mm)


def _aerated_lung(
    coarse: NDArray[np.float32], coarse_mm: tuple[float, float, float]
) -> tuple[NDArray[np.bool_], float, NDArray[np.bool_]]:
    """Large pieces of lung-like air inside the body, the midline column, and all that is not air around the body."""
    air = coarse < AIR_HU
    labels, count = ndi.label(air)
    outside = _outside(labels, coarse, count)
    closed_in = ~outside[labels]
    columns = np.count_nonzero(~air, axis=(0, 1)).cumsum()
    midline = float(np.searchsorted(columns, columns[-1] / 2)) if columns[-1] else coarse.shape[2] / 2
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[outside] = 0
    voxel_ml = float(np.prod(coarse_mm)) / 1000
    order = [n for n in np.argsort(-sizes, kind="stable")[:12] if sizes[n] * voxel_ml > SMALLEST_PART_ML]
    lung_like = [n for n in order if np.median(coarse[labels == n]) > GAS_HU]
    keep = np.zeros(count + 1, dtype=bool)
    if lung_like:
        keep[[n for n in lung_like if sizes[n] >= SMALLEST_PART * sizes[lung_like[0]]]] = True
    return keep[labels], midline, closed_in


def _outside(labels: NDArray[np.int32], coarse: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
    """Per label, whether it is air around the patient: it meets the picture's edge and is as thin as room air.

    A lung that the field of view cuts also meets the edge, but its median is far above room air.
    """
    outside = np.zeros(count + 1, dtype=bool)
    edge = [labels[:, 0, :], labels[:, -1, :], labels[:, :, 0], labels[:, :, -1]]
    at_edge = np.unique(np.concatenate([part.ravel() for part in edge]))
    for number in at_edge[at_edge > 0]:
        outside[number] = np.median(coarse[labels == number]) < OUTSIDE_HU
    outside[0] = True
    return outside


def _close_both(
    side: NDArray[np.uint8],
    coarse_mm: tuple[float, float, float],
    midline: float,
    radii_mm: tuple[float, float],
    runtime: Runtime,
) -> NDArray[np.uint8]:
    """Each lung closed and filled on its own; where both claim a voxel the right one has it."""
    lung_rows = np.nonzero((side > 0).any(axis=(0, 2)))[0]
    centre = (float(lung_rows.mean()), midline)

    def close(number: int) -> tuple[tuple[slice, ...], NDArray[np.bool_]] | None:
        boxes = ndi.find_objects((side == number).astype(np.uint8))
        if not boxes:
            return None
        box = boxes[0]
        medial = (centre[0] - box[1].start, centre[1] - box[2].start)
        return box, close_lung(
            side[box] == number,
            coarse_mm,
            radius_mm=radii_mm[0],
            costal_radius_mm=radii_mm[1],
            medial_rc=medial,
        )

    closed = np.zeros_like(side)
    for number, result in zip((RIGHT, LEFT), runtime.map(close, (RIGHT, LEFT)), strict=True):
        if result is not None:
            box, mask = result
            part = closed[box]
            part[mask & (part == 0)] = number
    return closed


def _full_border(
    array: NDArray[Any],
    aerated: NDArray[np.bool_],
    closed: NDArray[np.uint8],
    factors: tuple[int, int, int],
    runtime: Runtime,
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Full-grid mask and side; the border is redrawn, the interior repeats the coarse blocks."""
    inside = closed > 0
    shell = ndi.binary_dilation(inside) & ~ndi.binary_erosion(inside, border_value=1)
    made = ndi.binary_dilation(inside & ~aerated, iterations=1)
    labels = np.where(inside, closed, ndi.grey_dilation(closed, size=3)).astype(np.uint8)
    soft = np.pad(inside.astype(np.float32), 1, mode="edge")
    depth = SLAB_BLOCKS * factors[0]

    def redraw(first: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        blocks = slice(first // factors[0], first // factors[0] + SLAB_BLOCKS)
        part = array[first : first + depth]
        mask, rim, bridge, side = (spread_blocks(m[blocks], factors, part.shape) for m in (inside, shell, made, labels))
        at = np.nonzero(rim)
        where = [
            (axis + (first if n == 0 else 0) + 0.5) / f - 0.5 + 1
            for n, (axis, f) in enumerate(zip(at, factors, strict=True))
        ]
        share = ndi.map_coordinates(soft, where, order=1, mode="nearest", prefilter=False)
        mask[at] = np.where(bridge[at], share > 0.5, (part[at] < AIR_HU) & (share > 0.02))
        return mask, np.where(mask, side, 0).astype(np.uint8)

    parts = runtime.map(redraw, range(0, array.shape[0], depth))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _in_image_frame(
    image: Volume,
    inside: NDArray[np.bool_],
    side: NDArray[np.uint8],
    airway: NDArray[np.bool_] | None,
    coarse_mm: tuple[float, float, float],
) -> LungField:
    """Turn everything back to the axes of the image and sum up."""
    letters = orientation_of(image.grid)
    _, oriented = orient(image.array, image.grid)

    def back(mask: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(orient(mask, oriented, letters)[0])

    mask = back(inside)
    voxel_ml = image.grid.voxel_volume_mm3 / 1000
    counts = {number: float(np.count_nonzero(side == number) * voxel_ml) for number in (RIGHT, LEFT)}
    facts: dict[str, float | int] = {
        "right_ml": counts[RIGHT],
        "left_ml": counts[LEFT],
        "airway_ml": 0.0 if airway is None else float(np.count_nonzero(airway) * voxel_ml),
        "coarse_mm": float(max(coarse_mm)),
    }
    return LungField(
        mask, back(side), None if airway is None else back(airway), _box(mask), sum(counts.values()), facts=facts
    )


def _box(mask: NDArray[Any]) -> tuple[slice, slice, slice]:
    """Smallest box around True voxels; there is at least one."""
    planes = np.asarray(mask.any(axis=0))
    spans = [
        np.flatnonzero(mask.any(axis=(1, 2))),
        np.flatnonzero(planes.any(axis=1)),
        np.flatnonzero(planes.any(axis=0)),
    ]
    a, b, c = (slice(int(span[0]), int(span[-1]) + 1) for span in spans)
    return a, b, c


def _no_lung(shape: tuple[int, ...], aerated_ml: float) -> LungField:
    nothing = (slice(0, 0), slice(0, 0), slice(0, 0))
    reason = Reason("no_lung", f"no lung was found in this scan ({aerated_ml:.0f} mL of lung-like air inside the body)")
    return LungField(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=np.uint8), None, nothing, 0.0, (reason,))
