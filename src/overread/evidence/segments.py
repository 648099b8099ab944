"""Size and place of each label, on a grid or on the frames of the source; and labels carried to those frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.geometry import Grid
from overread.image import LabelMap, PictureMask, SourceFrame

SAME_PLACE_MM, SAME_PLACE_SHARE = 0.01, 0.02
"""Frames no farther from the grid than this, or this share of the slice gap, are the grid: positions in headers are
rounded decimals."""


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """Size and place of one label: number of voxels, volume in mm3, centroid (x, y, z) in mm, LPS."""

    voxels: int
    volume_mm3: float
    centroid_lps: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """Size and place of one label of a picture: number of pixels, frames from 0, mean (row, column)."""

    pixels: int
    frames: tuple[int, ...]
    centroid_rc: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class FrameMask:
    """Labels on the frames of the source.

    Parameters
    ----------
    frames : tuple of SourceFrame
        Frame n carries `labels[n]`.
    labels : (frame, row, column) unsigned int
    widths_mm : (frame,)
        Extent that each frame stands for, along the normal, mm.
    how : str
        "same" (the grid is the frames), "uneven" (same pixels, places differ), "mapped" (nearest neighbour).
    left_out : int
        Frames of the source that cannot be in one DICOM segmentation with the others.
    off_mm : float
        Largest distance between a frame and its slice of the grid; 0 where frames were mapped.
    """

    frames: tuple[SourceFrame, ...]
    labels: NDArray[np.integer[Any]]
    widths_mm: NDArray[np.float64]
    how: str
    left_out: int = 0
    off_mm: float = 0.0


def frame_affine(frame: SourceFrame) -> NDArray[np.float64]:
    """(3, 3): columns are mm per row index, mm per column index, and the centre of the first pixel (LPS)."""
    down = np.asarray(frame.column_lps) * frame.spacing_mm[0]
    along = np.asarray(frame.row_lps) * frame.spacing_mm[1]
    return np.stack([down, along, np.asarray(frame.position_lps)], axis=1)


def voxels_by_label(labels: NDArray[np.integer[Any]]) -> dict[int, NDArray[np.intp]]:
    """Label to the (n, 3) indices (slice, row, column) of its voxels, labels ascending."""
    slices = np.flatnonzero(labels.reshape(len(labels), -1).max(axis=1))  # nearly all are empty: skip them quickly
    lines = labels[slices].reshape(-1, labels.shape[2])
    occupied = np.flatnonzero(lines.max(axis=1))
    line, column = np.nonzero(lines[occupied])
    values = lines[occupied[line], column]
    k, row = np.divmod(occupied[line], labels.shape[1])
    where = np.stack([slices[k], row, column], axis=1)
    return {int(label): where[values == label] for label in np.unique(values)}


def facts_on_grid(mask: LabelMap) -> dict[int, SegmentFacts]:
    """Size and place of each label of a label map."""
    facts = {}
    for label, where in voxels_by_label(mask.array).items():
        x, y, z = mask.grid.to_lps(where.mean(axis=0))
        facts[label] = SegmentFacts(len(where), len(where) * mask.grid.voxel_volume_mm3, (float(x), float(y), float(z)))
    return facts


def facts_of(mask: LabelMap | PictureMask | None) -> dict[int, SegmentFacts] | dict[int, PixelFacts]:
    """Size and place of each label, in the patient or in the picture."""
    if isinstance(mask, LabelMap):
        return facts_on_grid(mask)
    return {} if mask is None else facts_in_picture(mask)


def facts_in_picture(mask: PictureMask) -> dict[int, PixelFacts]:
    """Size and place of each label in a picture or a clip."""
    facts = {}
    for label, where in voxels_by_label(mask.stack).items():
        row, column = (float(v) for v in where[:, 1:].mean(axis=0))
        facts[label] = PixelFacts(len(where), tuple(int(n) for n in np.unique(where[:, 0])), (row, column))
    return facts


def facts_on_frames(mask: FrameMask) -> dict[int, SegmentFacts]:
    """Size and place of each label by the geometry of the frames alone."""
    affines = np.stack([frame_affine(frame) for frame in mask.frames])
    areas = np.array([frame.spacing_mm[0] * frame.spacing_mm[1] for frame in mask.frames])
    facts = {}
    for label, where in voxels_by_label(mask.labels).items():
        n = where[:, 0]
        index = np.concatenate([where[:, 1:], np.ones((len(where), 1))], axis=1)
        points = np.einsum("pxc,pc->px", affines[n], index)
        weights = areas[n] * mask.widths_mm[n]
        x, y, z = weights @ points / weights.sum()
        facts[label] = SegmentFacts(len(where), float(weights.sum()), (float(x), float(y), float(z)))
    return facts


def widths_mm(frames: tuple[SourceFrame, ...]) -> NDArray[np.float64]:
    """Half the distance to each neighbour along the normal, mm; an end frame is as wide as its only gap."""
    normal = np.cross(frames[0].row_lps, frames[0].column_lps)
    along = np.array([frame.position_lps for frame in frames]) @ normal / np.linalg.norm(normal)
    order = np.argsort(along, kind="stable")
    gaps = np.diff(along[order])
    if not len(gaps):
        return np.ones(1)
    sides = np.concatenate([gaps[:1], gaps, gaps[-1:]])
    widths = np.empty(len(frames))
    widths[order] = (sides[:-1] + sides[1:]) / 2
    return widths


def _farthest_mm(frames: tuple[SourceFrame, ...], grid: Grid) -> float:
    """Largest distance between a corner of a frame and the same corner of its slice, mm."""
    _, rows, columns = grid.shape
    corners = np.array([(r, c) for r in (0, rows - 1) for c in (0, columns - 1)], dtype=np.float64)
    worst = 0.0
    for k, frame in enumerate(frames):
        there = np.hstack([corners, np.ones((4, 1))]) @ frame_affine(frame).T
        here = grid.to_lps(np.hstack([np.full((4, 1), float(k)), corners]))
        worst = max(worst, float(np.linalg.norm(there - here, axis=1).max()))
    return worst


def _stackable(frames: tuple[SourceFrame, ...]) -> tuple[SourceFrame, ...]:
    """The frames that one segmentation can hold: the commonest shape, spacing and direction; one for each place."""

    def kind(frame: SourceFrame) -> tuple[object, ...]:
        cosines = tuple(np.round((*frame.row_lps, *frame.column_lps), 4))
        return (frame.shape, tuple(np.round(frame.spacing_mm, 6)), cosines)

    commonest = Counter(kind(frame) for frame in frames).most_common(1)[0][0]
    kept: dict[tuple[float, ...], SourceFrame] = {}
    for frame in frames:
        if kind(frame) == commonest:
            kept.setdefault(tuple(np.round(frame.position_lps, 3)), frame)
    return tuple(kept.values())


def _nearest(mask: LabelMap, frames: tuple[SourceFrame, ...]) -> NDArray[np.integer[Any]]:
    """(frame, row, column): the label of the voxel nearest to the centre of each pixel; 0 outside the grid."""
    shape = frames[0].shape
    labels = np.zeros((len(frames), *shape), dtype=mask.array.dtype)
    where = np.argwhere(mask.array)
    if not len(where):
        return labels
    low, high = where.min(axis=0) - 0.5, where.max(axis=0) + 0.5
    corners = mask.grid.to_lps(
        [(a, b, c) for a in (low[0], high[0]) for b in (low[1], high[1]) for c in (low[2], high[2])]
    )
    for n, frame in enumerate(frames):
        affine = frame_affine(frame)
        normal = np.cross(affine[:, 0], affine[:, 1])
        away = (corners - affine[:, 2]) @ normal
        if away.min() > 0 or away.max() < 0:
            continue  # the plane of this frame misses every labelled voxel
        flat = np.linalg.lstsq(affine[:, :2], (corners - affine[:, 2]).T, rcond=None)[0].T
        r0, c0 = np.maximum(np.floor(flat.min(axis=0)).astype(int), 0)
        r1, c1 = np.minimum(np.ceil(flat.max(axis=0)).astype(int) + 1, shape)
        if r0 >= r1 or c0 >= c1:
            continue
        rows, columns = np.mgrid[r0:r1, c0:c1]
        points = np.stack([rows, columns, np.ones_like(rows)], axis=-1) @ affine.T
        index = np.floor(mask.grid.to_index(points) + 0.5).astype(int)
        inside: NDArray[np.bool_] = np.all((index >= 0) & (index < mask.grid.shape), axis=-1)
        k, j, i = np.moveaxis(np.where(inside[..., None], index, 0), -1, 0)
        labels[n, r0:r1, c0:c1] = np.where(inside, mask.array[k, j, i], 0)
    return labels


def where_slices_lie(grid: Grid, frames: tuple[SourceFrame, ...], *, repaired: bool) -> tuple[str, float]:
    """How the slices of a grid lie on the frames of its source, as `FrameMask.how` says it, and `FrameMask.off_mm`."""
    slices, rows, columns = grid.shape
    if not repaired and len(frames) == slices and all(frame.shape == (rows, columns) for frame in frames):
        off_mm = _farthest_mm(frames, grid)
        if off_mm <= max(SAME_PLACE_MM, SAME_PLACE_SHARE * grid.slice_gap_mm):
            return "same", off_mm
        if len(_stackable(frames)) == slices:
            return "uneven", off_mm
    return "mapped", 0.0


def place_on_frames(mask: LabelMap, frames: tuple[SourceFrame, ...], *, repaired: bool) -> FrameMask:
    """Carry labels from the grid of the image to the frames of its source.

    Unless the input was repaired, slice n is frame n. After a repair, or where shapes differ, each pixel centre
    of each frame takes the label of the nearest voxel.
    """
    how, off_mm = where_slices_lie(mask.grid, frames, repaired=repaired)
    if how != "mapped":
        wide = int(mask.array.max(initial=0)) > 255
        array: NDArray[np.integer[Any]] = mask.array.astype(np.uint16 if wide else np.uint8, copy=False)
        widths = np.full(len(frames), mask.grid.slice_gap_mm) if how == "same" else widths_mm(frames)
        return FrameMask(frames, array, widths, how, off_mm=off_mm)
    kept = _stackable(frames)
    return FrameMask(kept, _nearest(mask, kept), widths_mm(kept), "mapped", len(frames) - len(kept))
