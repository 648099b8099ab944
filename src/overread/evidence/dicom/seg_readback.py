"""Size and place of each segment in a DICOM SEG, read by pydicom alone: highdicom, which wrote it, stays out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.errors import IntegrityError
from overread.evidence.segments import FrameMask, SegmentFacts

SAME_PLANE_MM = 0.01


@dataclass(frozen=True, slots=True)
class SegContent:
    """What a SEG says: per segment number its tracking UID, and size and place of its pixels."""

    sop_uid: str
    form: str
    tracking_uids: dict[int, str]
    segments: dict[int, SegmentFacts]


def group_of(seg: Dataset, item: Dataset, keyword: str) -> Any:
    """A functional group of one frame: its own, or else the shared one."""
    for holder in (item, seg.SharedFunctionalGroupsSequence[0]):
        if keyword in holder:
            return holder[keyword].value[0]
    return None


def nearest_frame(position: NDArray[np.float64], places: NDArray[np.float64], where: str) -> int:
    """Index of the source frame at `position`; `IntegrityError` where there is none within `SAME_PLANE_MM`."""
    distance = np.linalg.norm(places - position, axis=1)
    nearest = int(distance.argmin())
    if distance[nearest] > SAME_PLANE_MM:
        raise IntegrityError(
            f"a frame lies at {position.tolist()} mm, {distance[nearest]:.3f} mm from any frame of the source",
            where=where,
        )
    return nearest


def _frame_layers(seg: Dataset, item: Dataset, pixels: NDArray[Any]) -> dict[int, NDArray[np.intp]]:
    """Segment number to the (n, 2) indices (row, column) of its pixels in one frame."""
    if seg.SegmentationType == "LABELMAP":
        return {int(n): np.argwhere(pixels == n) for n in np.unique(pixels) if n}
    number = group_of(seg, item, "SegmentIdentificationSequence").ReferencedSegmentNumber
    return {int(number): np.argwhere(pixels)}


def read_seg(path: Path, mask: FrameMask) -> SegContent:
    """Sum up the pixels of every frame of a SEG in patient mm.

    Parameters
    ----------
    mask : FrameMask
        Gives only how thick each plane of the source is: a SEG that leaves out empty frames does not say.

    Raises
    ------
    IntegrityError
        Not readable as a SEG, or a frame lies where the source has none.
    """
    try:
        seg = pydicom.dcmread(path)
        frames = np.atleast_3d(seg.pixel_array) if seg.get("NumberOfFrames", 1) > 1 else seg.pixel_array[None]
        content = _sum_up(seg, frames, mask)
    except IntegrityError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the parser
        raise IntegrityError(f"cannot be read back: {type(error).__name__}: {error}", where=path.name) from error
    return content


def _sum_up(seg: Dataset, frames: NDArray[Any], mask: FrameMask) -> SegContent:
    places = np.array([frame.position_lps for frame in mask.frames])
    voxels: dict[int, int] = {}
    volume: dict[int, float] = {}
    moment: dict[int, NDArray[np.float64]] = {}
    for item, pixels in zip(seg.PerFrameFunctionalGroupsSequence, frames, strict=True):
        cosines = np.array(group_of(seg, item, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
        row_mm, column_mm = (float(s) for s in group_of(seg, item, "PixelMeasuresSequence").PixelSpacing)
        position = np.array(group_of(seg, item, "PlanePositionSequence").ImagePositionPatient, dtype=float)
        pixel_mm3 = row_mm * column_mm * float(mask.widths_mm[nearest_frame(position, places, "seg.dcm")])
        for number, where in _frame_layers(seg, item, pixels).items():
            down, along = where.sum(axis=0)
            total = len(where) * position + down * row_mm * cosines[3:] + along * column_mm * cosines[:3]
            voxels[number] = voxels.get(number, 0) + len(where)
            volume[number] = volume.get(number, 0.0) + len(where) * pixel_mm3
            moment[number] = moment.get(number, np.zeros(3)) + total * pixel_mm3
    facts = {}
    for number, count in voxels.items():
        x, y, z = moment[number] / volume[number] if volume[number] else (np.nan, np.nan, np.nan)
        facts[number] = SegmentFacts(count, volume[number], (float(x), float(y), float(z)))
    uids = {int(s.SegmentNumber): str(s.get("TrackingUID", "")) for s in seg.SegmentSequence}
    return SegContent(str(seg.SOPInstanceUID), str(seg.SegmentationType), uids, facts)
