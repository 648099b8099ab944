"""DICOM Segmentation of the findings, on the frames of the source. Written with highdicom; proven in `seg_readback`."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
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
from overread.evidence.segments import FrameMask, voxels_by_label
from overread.evidence.vocabulary import ascii_text
from overread.findings import Code, Finding, Reading
from overread.findings.codes import ABNORMAL_STRUCTURE
from overread.geometry import right_angled

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


def _describe(finding: Finding, number: int, reading: Reading) -> Any:
    p = reading.provenance
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=tracking_id(finding),
        segmented_property_category=coded(finding.category or ABNORMAL_STRUCTURE),
        segmented_property_type=coded(finding.kind),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=ascii_text(p.task)[:64],
            family=FAMILY,
            version=(p.task_version or "unversioned")[:64],
            source="overread",
        ),
        tracking_uid=finding.tracking_uid,
        tracking_id=tracking_id(finding),
        anatomic_regions=[coded(finding.site)] if finding.site else None,
        display_color=hd.color.CIELabColor.from_rgb(*colour_rgb(finding.number)),
    )


def is_multi_frame(mask: FrameMask) -> bool:
    """Whether the frames lie in objects that hold several."""
    return any(frame.frame_number > 1 for frame in mask.frames)


def _pixels(mask: FrameMask, numbers: Mapping[int, int], headers: SourceHeaders) -> NDArray[Any]:
    """(source frame, row, column): segment numbers, in the frame order of the source objects."""
    table = np.zeros(int(mask.labels.max()) + 1, dtype=np.uint8 if len(numbers) < 256 else np.uint16)
    for label, number in numbers.items():
        table[label] = number
    pixels: NDArray[Any] = table[mask.labels]
    if is_multi_frame(mask):  # highdicom wants every frame of the object, in its own order
        whole = np.zeros((int(headers.first.NumberOfFrames), *pixels.shape[1:]), dtype=pixels.dtype)
        whole[[frame.frame_number - 1 for frame in mask.frames]] = pixels
        return whole
    return pixels


def build_seg(
    reading: Reading, mask: FrameMask, headers: SourceHeaders, stamp: Stamp, form: SegForm
) -> tuple[Dataset, dict[int, int]]:
    """The Segmentation object, and the segment number of each finding.

    At least one finding must have voxels on the frames.
    """
    numbers = segment_numbers(reading, mask)
    by_number = {finding.number: finding for finding in reading.findings}
    frame = mask.frames[0]
    cosines = np.concatenate(right_angled(frame.row_lps, frame.column_lps)).tolist()
    orientation = None
    if not is_as_stored(cosines, headers.first):  # the header rounds them; the standard wants right angles
        orientation = hd.PlaneOrientationSequence("PATIENT", cosines)
    p = reading.provenance
    seg = hd.seg.Segmentation(
        source_images=list(headers.datasets),
        pixel_array=_pixels(mask, numbers, headers),
        segmentation_type=form.name,
        segment_descriptions=[_describe(by_number[n], s, reading) for n, s in numbers.items()],
        series_instance_uid=stamp.uid("seg-series"),
        series_number=9101,
        sop_instance_uid=stamp.uid("seg"),
        instance_number=1,
        manufacturer=identity.MANUFACTURER,
        manufacturer_model_name=ascii_text(p.task)[:64],
        software_versions=identity.software_versions(p),
        device_serial_number=identity.serial_number(p),
        content_label="OVERREAD",
        content_description="Research use only, not a diagnosis",
        content_creator_name="overread^",
        series_description=f"overread {ascii_text(p.task)} segments"[:64],
        plane_orientation=orientation,
        contributing_equipment=[identity.equipment(p)],
    )
    stamp.settle(seg, "seg")
    if any(code.scheme == "99OVERREAD" for f in reading.findings for code in (f.kind, f.site, f.category) if code):
        identity.declare_private_scheme(seg)
    return seg, numbers
