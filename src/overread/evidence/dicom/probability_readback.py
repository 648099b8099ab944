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
from overread.evidence.proof import compare
from overread.evidence.segments import SegmentFacts, place_on_frames
from overread.image import LabelMap, Volume
from overread.io.quiet import quiet

FLOAT32 = 1e-7
"""What single precision costs below 1."""


def prove_probability_seg(path: Path, probability: Volume, *, steps: int, rounding: float) -> dict[str, Any]:
    """Read the map back and compare it with what was meant; returns what was compared.

    Two ways that share nothing: each frame is laid by its place in mm on a frame of the source and compared value by
    value, no farther than `rounding`; and the sum of all values times their volume, and its centroid, from the
    geometry in the file, are compared with those of the map rounded to `steps`.

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
    frames, repaired = probability.source.frames, probability.verdict.repaired
    rounded = np.rint(probability.array.astype(np.float64) * steps) / steps
    placed = place_on_frames(LabelMap((rounded > 0).astype(np.uint8), probability.grid), frames, repaired=repaired)
    if placed.how != "same":
        return {"off": off, "segments": []}  # frames lie unevenly, so the grid has no say in mm
    meant = _facts_on_grid(rounded, probability)
    return {"off": off, "segments": compare(path.name, {1: meant}, {1: facts}, within_mm=1e-3 + placed.off_mm)}


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


def _facts_on_grid(weights: NDArray[np.float64], probability: Volume) -> SegmentFacts:
    """Sum of the weights in mm3, and their centroid, by the affine of the grid."""
    grid, total = probability.grid, float(weights.sum())
    k, j, i = (
        float(np.arange(n) @ weights.sum(axis=tuple(a for a in range(3) if a != axis))) / total
        for axis, n in enumerate(grid.shape)
    )
    x, y, z = grid.to_lps((k, j, i))
    return SegmentFacts(int(np.count_nonzero(weights)), total * grid.voxel_volume_mm3, (float(x), float(y), float(z)))
