"""A FRACTIONAL Segmentation read by pydicom alone and compared with the map: every value, and sums in patient mm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.errors import IntegrityError
from overread.evidence.dicom.seg_readback import group_of, nearest_frame
from overread.evidence.proof import CENTROID_MM, compare
from overread.evidence.segments import SegmentFacts, frame_affine, where_slices_lie
from overread.image import Volume
from overread.io.quiet import quiet

FLOAT32 = 1e-7
"""What single precision costs below 1."""


def prove_probability_seg(path: Path, probability: Volume, *, steps: int, rounding: float) -> dict[str, Any]:
    """Read the map back and compare it with what was meant; returns what was compared.

    Each frame is laid by its place in mm on a frame of the source and compared value by value, no farther than
    `rounding`. The sum of all values times their volume, and its centroid, from the geometry in the file, are compared
    with those of the map rounded to `steps`: by the frames of the source and, where slices are even, by the grid.

    Raises
    ------
    IntegrityError
        Not readable as such an object, or something differs.
    """
    try:
        with quiet("pydicom"):
            seg = pydicom.dcmread(path)
            pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
            _require_kind(seg, steps, path.name)
            read, facts = _sum_up(seg, pixels, probability, path.name)
    except IntegrityError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the parser
        raise IntegrityError(f"cannot be read back: {type(error).__name__}: {error}", where=path.name) from error
    off = max(float(np.abs(a - b).max()) for a, b in zip(read, probability.array, strict=True))
    if not off <= rounding + FLOAT32:
        raise IntegrityError(
            f"a probability reads back {off:.6f} off, at most {rounding:.6f} was said", where=path.name
        )
    rounded = np.rint(probability.array.astype(np.float64) * steps) / steps
    rows = compare(path.name, {1: _facts_on_frames(rounded, probability)}, {1: facts})
    how, off_mm = where_slices_lie(probability.grid, probability.source.frames, repaired=probability.verdict.repaired)
    if how == "same":  # else frames lie unevenly, and the grid is no measure for them
        rows = compare(path.name, {1: _facts_on_grid(rounded, probability)}, {1: facts}, within_mm=CENTROID_MM + off_mm)
    return {"off": off, "segments": rows}


def _require_kind(seg: Dataset, steps: int, where: str) -> None:
    said = (seg.SegmentationType, seg.SegmentationFractionalType, int(seg.MaximumFractionalValue))
    if said != ("FRACTIONAL", "PROBABILITY", steps):
        raise IntegrityError(f"reads back as {said}, expected FRACTIONAL, PROBABILITY, {steps}", where=where)


def _sum_up(
    seg: Dataset, pixels: NDArray[Any], probability: Volume, where: str
) -> tuple[NDArray[np.float32], SegmentFacts]:
    """The map (slice, row, column) laid on the source frames by place, and its sums by the geometry of the file."""
    frames, gap_mm = probability.source.frames, probability.grid.slice_gap_mm
    places = np.array([frame.position_lps for frame in frames])
    read = np.zeros(probability.grid.shape, np.float32)
    count, volume, moment = 0, 0.0, np.zeros(3)
    filled: set[int] = set()
    for item, stored in zip(seg.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        cosines = np.array(group_of(seg, item, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
        row_mm, column_mm = (float(s) for s in group_of(seg, item, "PixelMeasuresSequence").PixelSpacing)
        position = np.array(group_of(seg, item, "PlanePositionSequence").ImagePositionPatient, dtype=float)
        n = nearest_frame(position, places, where)
        if n in filled:
            raise IntegrityError(f"two frames lie at {position.tolist()} mm", where=where)
        filled.add(n)
        weights = stored.astype(np.float64) / int(seg.MaximumFractionalValue)
        read[n] = weights
        down, along = weights.sum(axis=1), weights.sum(axis=0)
        total = down.sum() * position
        total += np.arange(len(down)) @ down * row_mm * cosines[3:]
        total += np.arange(len(along)) @ along * column_mm * cosines[:3]
        count += int(np.count_nonzero(stored))
        volume += float(down.sum()) * row_mm * column_mm * gap_mm
        moment += total * row_mm * column_mm * gap_mm
    x, y, z = moment / volume if volume else (np.nan,) * 3
    return read, SegmentFacts(count, volume, (float(x), float(y), float(z)))


def _facts_on_frames(weights: NDArray[np.float64], probability: Volume) -> SegmentFacts:
    """Sum of the weights in mm3, each frame as wide as the slice gap, and their centroid, by the source frames."""
    volume, moment = 0.0, np.zeros(3)
    for frame, plane in zip(probability.source.frames, weights, strict=True):
        pixel_mm3 = frame.spacing_mm[0] * frame.spacing_mm[1] * probability.grid.slice_gap_mm
        down, along = plane.sum(axis=1), plane.sum(axis=0)
        sums = (np.arange(len(down)) @ down, np.arange(len(along)) @ along, down.sum())
        moment += frame_affine(frame) @ sums * pixel_mm3
        volume += float(down.sum()) * pixel_mm3
    x, y, z = moment / volume
    return SegmentFacts(int(np.count_nonzero(weights)), volume, (float(x), float(y), float(z)))


def _facts_on_grid(weights: NDArray[np.float64], probability: Volume) -> SegmentFacts:
    """Sum of the weights in mm3, and their centroid, by the affine of the grid."""
    grid, total = probability.grid, float(weights.sum())
    k, j, i = (
        float(np.arange(n) @ weights.sum(axis=tuple(a for a in range(3) if a != axis))) / total
        for axis, n in enumerate(grid.shape)
    )
    x, y, z = grid.to_lps((k, j, i))
    return SegmentFacts(int(np.count_nonzero(weights)), total * grid.voxel_volume_mm3, (float(x), float(y), float(z)))
