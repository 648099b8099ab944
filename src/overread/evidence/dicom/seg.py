"""DICOM Segmentation of the findings, on the frames of the source. Written with highdicom; proven in `seg_readback`."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as DicomCode

from overread.errors import UsageError
from overread.evidence.dicom import identity
from overread.evidence.dicom.headers import SourceHeaders, is_as_stored
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.begin import loss_of
from overread.evidence.segments import FrameMask, voxels_by_label
from overread.evidence.vocabulary import PRIVATE, ascii_text
from overread.findings import Code, Finding, ProbabilityMap, Provenance, Reading
from overread.findings.codes import ABNORMAL_STRUCTURE
from overread.geometry import right_angled
from overread.image import SourceFrame

FAMILY = DicomCode("123110", "DCM", "Artificial Intelligence")


class SegForm(StrEnum):
    """How masks are stored in seg.dcm."""

    BINARY = "binary"
    """One bit a pixel; every viewer reads it."""
    LABELMAP = "labelmap"
    """One label a pixel (2024); smaller with many segments, unknown to older viewers and validators."""

    @classmethod
    def parse(cls, word: str) -> SegForm:
        """The form of this name; `UsageError` lists those there are."""
        try:
            return cls(word)
        except ValueError:
            raise UsageError(f"unknown form of seg.dcm {word!r}", way_out=f"Use {' or '.join(cls)}.") from None


def coded(code: Code) -> DicomCode:
    """Our code as pydicom's."""
    return DicomCode(code.value, code.scheme, ascii_text(code.meaning)[:64])


def tracking_id(finding: Finding) -> str:
    """The name under which a finding is followed: its number and label."""
    return ascii_text(f"{finding.number} {finding.label}")[:64]


def colour_rgb(number: int) -> tuple[int, int, int]:
    """A display colour of finding `number`, spread by the golden angle; 0..255 each."""
    r, g, b = colorsys.hsv_to_rgb((0.11 + 0.381966 * (number - 1)) % 1.0, 0.75, 1.0)
    return round(255 * r), round(255 * g), round(255 * b)


def segment_numbers(reading: Reading, mask: FrameMask) -> dict[int, int]:
    """Number of each finding that has voxels on the frames to its segment number, 1..n without gap."""
    present = set(voxels_by_label(mask.labels))
    with_voxels = [finding.number for finding in reading.findings if finding.number in present]
    return {number: n for n, number in enumerate(with_voxels, start=1)}


@dataclass(frozen=True, slots=True)
class Segment:
    """What one segment is of."""

    label: str
    kind: Code
    category: Code
    tracking_uid: str
    colour_rgb: tuple[int, int, int]
    site: Code | None = None

    @classmethod
    def of(cls, finding: Finding) -> Segment:
        """The segment of a finding."""
        category = finding.category or ABNORMAL_STRUCTURE
        colour = colour_rgb(finding.number)
        return cls(tracking_id(finding), finding.kind, category, finding.tracking_uid, colour, finding.site)

    @classmethod
    def of_map(cls, probability: ProbabilityMap) -> Segment:
        """The segment of a map of probabilities."""
        label = ascii_text(f"probability of {probability.label}")[:64]
        category = probability.category or ABNORMAL_STRUCTURE
        return cls(label, probability.kind, category, probability.tracking_uid, colour_rgb(1), probability.site)

    @property
    def is_private(self) -> bool:
        """Whether one of its codes is our own, so that the object must say what their scheme is."""
        return any(code.scheme == PRIVATE for code in (self.kind, self.category, self.site) if code)


def describe(segment: Segment, number: int, provenance: Provenance) -> Any:
    """Item of the Segment Sequence."""
    label = ascii_text(segment.label)[:64]
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=coded(segment.category),
        segmented_property_type=coded(segment.kind),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=ascii_text(provenance.task)[:64],
            family=FAMILY,
            version=(provenance.task_version or "unversioned")[:64],
            source="overread",
        ),
        tracking_uid=segment.tracking_uid,
        tracking_id=label,
        anatomic_regions=[coded(segment.site)] if segment.site else None,
        display_color=hd.color.CIELabColor.from_rgb(*segment.colour_rgb),
    )


def common_arguments(provenance: Provenance, stamp: Stamp, purpose: str) -> dict[str, Any]:
    """What every Segmentation of ours says of its series, its maker and its purpose."""
    return {
        "series_instance_uid": stamp.uid(f"{purpose}-series"),
        "sop_instance_uid": stamp.uid(purpose),
        "instance_number": 1,
        "manufacturer": identity.MANUFACTURER,
        "manufacturer_model_name": ascii_text(provenance.task)[:64],
        "software_versions": identity.software_versions(provenance),
        "device_serial_number": identity.serial_number(provenance),
        "content_label": "OVERREAD",
        "content_description": "Research use only, not a diagnosis",
        "content_creator_name": "overread^",
        "contributing_equipment": [identity.equipment(provenance)],
    }


def is_multi_frame(mask: FrameMask) -> bool:
    """Whether the frames lie in objects that hold several."""
    return _of_several(mask.frames)


def _of_several(frames: Sequence[SourceFrame]) -> bool:
    return any(frame.frame_number > 1 for frame in frames)


def in_source_order(pixels: NDArray[Any], frames: Sequence[SourceFrame], headers: SourceHeaders) -> NDArray[Any]:
    """(frame, row, column), one for each of `frames`, as highdicom wants it: every frame of a multi-frame object."""
    if not _of_several(frames):
        return pixels
    whole = np.zeros((int(headers.first.NumberOfFrames), *pixels.shape[1:]), dtype=pixels.dtype)
    whole[[frame.frame_number - 1 for frame in frames]] = pixels
    return whole


def sound_orientation(frame: SourceFrame, headers: SourceHeaders) -> Any:
    """Plane Orientation Sequence where the header rounds the cosines (the standard wants right angles); or None."""
    cosines = np.concatenate(right_angled(frame.row_lps, frame.column_lps)).tolist()
    return None if is_as_stored(cosines, headers.first) else hd.PlaneOrientationSequence("PATIENT", cosines)


def _pixels(mask: FrameMask, numbers: Mapping[int, int]) -> NDArray[Any]:
    """(frame, row, column): segment numbers."""
    table = np.zeros(int(mask.labels.max()) + 1, dtype=np.uint8 if len(numbers) < 256 else np.uint16)
    for label, number in numbers.items():
        table[label] = number
    pixels: NDArray[Any] = table[mask.labels]
    return pixels


def build_seg(
    reading: Reading, mask: FrameMask, headers: SourceHeaders, stamp: Stamp, form: SegForm
) -> tuple[Dataset, dict[int, int]]:
    """The Segmentation object, and the segment number of each finding.

    At least one finding must have voxels on the frames.
    """
    numbers = segment_numbers(reading, mask)
    segments = {numbers[f.number]: Segment.of(f) for f in reading.findings if f.number in numbers}
    seg = hd.seg.Segmentation(
        source_images=list(headers.datasets),
        pixel_array=in_source_order(_pixels(mask, numbers), mask.frames, headers),
        segmentation_type=form.name,
        segment_descriptions=[describe(segments[n], n, reading.provenance) for n in sorted(segments)],
        series_number=9101,
        series_description=f"overread {ascii_text(reading.provenance.task)} segments"[:64],
        plane_orientation=sound_orientation(mask.frames[0], headers),
        **common_arguments(reading.provenance, stamp, "seg"),
    )
    seg.update(loss_of(headers.datasets))  # highdicom heeds one header, and no transfer syntax
    stamp.settle(seg, "seg")
    if any(segment.is_private for segment in segments.values()):
        identity.declare_private_scheme(seg)
    return seg, numbers
