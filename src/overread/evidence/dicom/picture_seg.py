"""DICOM Segmentation of what has no place in the patient: X-ray, ultrasound, secondary captures, and their clips.

Segments share the pixel matrix of the source, frame by frame (PS3.3 C.8.20.2: Derivation Image instead of a plane).
highdicom writes one such frame; what it cannot write (clips, a Frame of Reference without planes) is added here.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from overread.errors import UsageError
from overread.evidence.dicom import identity
from overread.evidence.dicom.headers import SourceHeaders
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.begin import element_of, loss_of, source_item
from overread.evidence.dicom.seg import Segment, common_arguments, describe
from overread.evidence.vocabulary import ascii_text
from overread.findings import Provenance
from overread.io.quiet import quiet

SERIES_NUMBER = 9101
_OF_FRAMES = (
    "NumberOfFrames",
    "FrameIncrementPointer",
    "FrameTime",
    "FrameTimeVector",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
_OF_PLACE = (
    "FrameOfReferenceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",  # Pixel Measures would need a slice thickness, and a picture has none
    "SliceThickness",
    "SpacingBetweenSlices",
)
_TEMPORAL_POSITION, _FRAME_CONTENT = 0x00209128, 0x00209111


def masks_of(labels: NDArray[np.integer[Any]]) -> dict[int, NDArray[np.bool_]]:
    """Label to mask, of (row, column) or (frame, row, column) labels; 0 is background."""
    return {int(label): labels == label for label in np.unique(labels) if label}


def build_picture_seg(
    inside: Mapping[int, NDArray[np.bool_]],
    segments: Mapping[int, Segment],
    headers: SourceHeaders,
    stamp: Stamp,
    *,
    provenance: Provenance,
) -> tuple[Dataset, dict[int, int]]:
    """A BINARY Segmentation on the pixels of one picture or clip.

    Parameters
    ----------
    inside : mapping of number to (row, column) or (frame, row, column) bool
        True inside the segment; segments may overlap. Those without a pixel are left out.
    segments : mapping of the same numbers to Segment
    headers : SourceHeaders
        Of the one object that holds the picture or clip.

    Returns
    -------
    Dataset, dict
        The object, the same bytes for the same arguments; and the segment number, 1..n, of each number that has one.

    Raises
    ------
    UsageError
        A mask has not the shape of the picture, or no segment, or none has a pixel; or there are several objects.
    """
    masks = _require_on_picture(inside, segments, headers)
    numbers = {number: n for n, number in enumerate(sorted(masks), start=1)}
    digest = hashlib.sha256(repr([(n, segments[n]) for n in numbers]).encode())
    for number in numbers:
        digest.update(np.packbits(masks[number]).tobytes())
    purpose = f"picture-seg-{digest.hexdigest()}"
    with quiet("pydicom"):
        seg = hd.seg.Segmentation(
            source_images=[_single(headers.first)],
            pixel_array=np.stack([masks[number].any(axis=0) for number in numbers], axis=-1)[None],
            segmentation_type="BINARY",
            segment_descriptions=[describe(segments[number], n, provenance) for number, n in numbers.items()],
            series_number=SERIES_NUMBER,
            series_description=f"overread {ascii_text(provenance.task)} segments"[:64],
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **common_arguments(provenance, stamp, purpose),
        )
        _put_frames(seg, {n: masks[number] for number, n in numbers.items()}, headers.first)
        seg.update(loss_of(headers.datasets))  # highdicom heeds one header, and no transfer syntax
        _put_place(seg, headers.first)
        stamp.settle(seg, purpose)
        if any(segments[number].is_private for number in numbers):
            identity.declare_private_scheme(seg)
    return seg, numbers


def is_clip(header: Dataset) -> bool:
    """Whether the frames of an object are numbered, be it a single one."""
    return "NumberOfFrames" in header


def _require_on_picture(
    inside: Mapping[int, NDArray[np.bool_]], segments: Mapping[int, Segment], headers: SourceHeaders
) -> dict[int, NDArray[np.bool_]]:
    """(frame, row, column) masks of the segments that have a pixel."""
    if len(headers.datasets) != 1:
        raise UsageError(
            f"a segmentation of a picture is of one object, got {len(headers.datasets)}",
            way_out="Write one segmentation for each picture.",
        )
    header = headers.first
    shape = (int(header.get("NumberOfFrames") or 1), int(header.Rows), int(header.Columns))
    masks = {}
    for number, mask in inside.items():
        if mask.dtype != np.bool_ or not (mask.shape == shape or (shape[0] == 1 and mask.shape == shape[1:])):
            raise UsageError(
                f"the mask of segment {number} is {mask.shape} {mask.dtype}, expected bool on a picture of {shape[0]}"
                f" frame(s) of {shape[1]} x {shape[2]} pixels"
            )
        if number not in segments:
            raise UsageError(f"nothing says what segment {number} is", way_out="Pass a Segment for each mask.")
        if mask.any():
            masks[number] = mask.reshape(shape)
    if not masks:
        raise UsageError("no segment has a pixel", way_out="Write no segmentation where nothing was found.")
    return masks


def _single(header: Dataset) -> Dataset:
    """A copy that highdicom takes for one frame without a place: a secondary capture."""
    single = copy.deepcopy(header)
    for keyword in (*_OF_FRAMES, *_OF_PLACE):
        single.pop(keyword, None)
    single.SOPClassUID = SecondaryCaptureImageStorage
    return single


def _put_frames(seg: Dataset, masks: Mapping[int, NDArray[np.bool_]], header: Dataset) -> None:
    """One frame for each segment and frame of the source that it touches; references as the source really is."""
    clip = is_clip(header)
    planes, items = [], []
    for number, mask in masks.items():
        for index in np.flatnonzero(mask.any(axis=(1, 2))):
            planes.append(mask[index])
            items.append(_frame_item(number, int(index) + 1 if clip else None, header))
    if clip:
        _add_dimension(seg)
    seg.SharedFunctionalGroupsSequence = Sequence([Dataset()])
    seg.PerFrameFunctionalGroupsSequence = Sequence(items)
    seg.NumberOfFrames = len(planes)
    layers = np.zeros(next(iter(masks.values())).shape, np.uint16)
    for mask in masks.values():
        layers += mask
    seg.SegmentsOverlap = "YES" if layers.max() > 1 else "NO"
    packed = np.packbits(np.stack(planes), bitorder="little").tobytes()  # frames run on, without padding between them
    seg.PixelData = packed + b"\0" * (len(packed) % 2)
    for reference in _references(seg, str(header.SOPInstanceUID)):
        reference.ReferencedSOPClassUID = header.SOPClassUID


def _frame_item(number: int, frame_number: int | None, header: Dataset) -> Dataset:
    """Functional groups of one frame: where it comes from, which segment it shows, its place in the dimensions."""
    source = source_item(str(header.SOPClassUID), str(header.SOPInstanceUID), frame_number)
    source.SpatialLocationsPreserved = "YES"
    derivation = Dataset()
    derivation.SourceImageSequence = Sequence([source])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113076", "DCM", "Segmentation"
    derivation.DerivationCodeSequence = Sequence([code])
    content, segment, item = Dataset(), Dataset(), Dataset()
    content.DimensionIndexValues = [number] if frame_number is None else [number, frame_number]
    if frame_number is not None:
        content.TemporalPositionIndex = frame_number
    segment.ReferencedSegmentNumber = number
    item.DerivationImageSequence = Sequence([derivation])
    item.FrameContentSequence = Sequence([content])
    item.SegmentIdentificationSequence = Sequence([segment])
    return item


def _add_dimension(seg: Dataset) -> None:
    """The frame of the clip as second dimension, after the segment."""
    item = Dataset()
    item.DimensionOrganizationUID = seg.DimensionOrganizationSequence[0].DimensionOrganizationUID
    item.DimensionIndexPointer = _TEMPORAL_POSITION
    item.FunctionalGroupPointer = _FRAME_CONTENT
    item.DimensionDescriptionLabel = "Frame of the source"
    seg.DimensionIndexSequence.append(item)


def _references(dataset: Dataset, sop_uid: str) -> Iterator[Dataset]:
    """Every item, at any depth, that refers to the source."""
    for element in dataset:
        for item in element.value if element.VR == "SQ" else ():
            if item.get("ReferencedSOPInstanceUID") == sop_uid:
                yield item
            yield from _references(item, sop_uid)


def _put_place(seg: Dataset, header: Dataset) -> None:
    """Direction of rows and columns (type 2C without a plane), and the Frame of Reference where there is one."""
    seg.PatientOrientation = ""
    orientation = element_of(header, "PatientOrientation")
    if orientation is not None:
        seg.add(orientation)
    if header.get("FrameOfReferenceUID"):
        seg.FrameOfReferenceUID = header.FrameOfReferenceUID
        seg.PositionReferenceIndicator = str(header.get("PositionReferenceIndicator") or "")
