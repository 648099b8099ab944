"""Segments of pictures and clips read by pydicom alone: pixels by segment, referenced object and frame number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.errors import IntegrityError
from overread.evidence.dicom.seg_readback import group_of
from overread.io.quiet import quiet

Place = tuple[int, str, int]
"""Segment number, SOP Instance UID of the source, frame number in it (1 for a single-frame object)."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureSegContent:
    """What a segmentation of a picture says: per segment its tracking UID, per frame its pixels."""

    tracking_uids: dict[int, str]
    masks: dict[Place, NDArray[np.bool_]]
    overlap: str


def read_picture_seg(path: Path) -> PictureSegContent:
    """Pixels of every frame, by what the frame refers to; classes of references are compared with each other.

    Raises
    ------
    IntegrityError
        Not readable as a binary segmentation, a frame refers to no or several frames, or two frames to the same.
    """
    try:
        with quiet("pydicom"):
            seg = pydicom.dcmread(path)
            return _content(seg, path.name)
    except IntegrityError:
        raise
    except Exception as error:  # a damaged file can fail anywhere in the parser
        raise IntegrityError(f"cannot be read back: {type(error).__name__}: {error}", where=path.name) from error


def _content(seg: Dataset, where: str) -> PictureSegContent:
    if seg.SegmentationType != "BINARY":
        raise IntegrityError(f"is of type {seg.SegmentationType}, expected BINARY", where=where)
    listed = {
        str(item.ReferencedSOPInstanceUID): str(item.ReferencedSOPClassUID)
        for series in seg.ReferencedSeriesSequence
        for item in series.ReferencedInstanceSequence
    }
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    masks: dict[Place, NDArray[np.bool_]] = {}
    for item, plane in zip(seg.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        (derivation,) = item.DerivationImageSequence
        (source,) = derivation.SourceImageSequence
        uid = str(source.ReferencedSOPInstanceUID)
        if listed.get(uid) != str(source.ReferencedSOPClassUID):
            raise IntegrityError("a frame refers to an object that the list of referenced series has not", where=where)
        number = int(group_of(seg, item, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        place = (number, uid, int(source.get("ReferencedFrameNumber") or 1))
        if place in masks:
            raise IntegrityError(f"two frames show segment {place[0]} on frame {place[2]} of the source", where=where)
        masks[place] = plane.astype(bool)
    uids = {int(s.SegmentNumber): str(s.get("TrackingUID", "")) for s in seg.SegmentSequence}
    return PictureSegContent(uids, masks, str(seg.SegmentsOverlap))


def prove_picture_seg(
    path: Path, inside: Mapping[int, NDArray[np.bool_]], numbers: Mapping[int, int], sop_uid: str
) -> dict[int, int]:
    """Compare a written segmentation of a picture with its masks, pixel by pixel and frame by frame.

    Parameters
    ----------
    inside : mapping of number to (row, column) or (frame, row, column) bool
    numbers : mapping of number to segment number
        As `build_picture_seg` returned it.
    sop_uid : str
        SOP Instance UID of the source.

    Returns
    -------
    dict
        Number to the number of its pixels, over all frames.

    Raises
    ------
    IntegrityError
        A pixel, a frame, a segment or whether segments overlap differs.
    """
    content = read_picture_seg(path)
    meant: dict[Place, NDArray[np.bool_]] = {}
    for number, segment in numbers.items():
        frames = inside[number] if inside[number].ndim == 3 else inside[number][None]
        meant |= {(segment, sop_uid, n): frame for n, frame in enumerate(frames, start=1) if frame.any()}
    if set(meant) != set(content.masks) or set(content.tracking_uids) != set(numbers.values()):
        raise IntegrityError(
            f"shows segments on frames {sorted((s, n) for s, _, n in content.masks)},"
            f" expected {sorted((s, n) for s, _, n in meant)} of the source",
            where=path.name,
        )
    for place, mask in meant.items():
        if not np.array_equal(mask, content.masks[place]):
            raise IntegrityError(
                f"segment {place[0]} on frame {place[2]} reads back with other pixels than were written",
                where=path.name,
            )
    overlap = any((a & b).any() for s, a in meant.items() for t, b in meant.items() if s[0] < t[0] and s[1:] == t[1:])
    if content.overlap != ("YES" if overlap else "NO"):
        raise IntegrityError(f"says {content.overlap} to overlapping segments, which is not so", where=path.name)
    return {number: int(np.count_nonzero(inside[number])) for number in numbers}
