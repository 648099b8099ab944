"""A Segmentation of anyone, read without trust: what is there, and a remark for what is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from overread.evidence.check.items import first, number, numbers, sequence, text, whole
from overread.evidence.check.remarks import Remark, error
from overread.io.dicom.codecs import CODECS, NATIVE, syntax_name
from overread.io.quiet import quiet

SEGMENTATION_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentation",
    "1.2.840.10008.5.1.4.1.1.66.7": "label map segmentation",
}
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class SegFrame:
    """One frame.

    Parameters
    ----------
    number : int
        From 1.
    position_lps, cosines, spacing_mm
        (x, y, z) of the first pixel's centre; row and column direction, six numbers; (row, column). None where the
        object does not say.
    pixels : dict
        Segment number to the (n, 2) indices (row, column) of its pixels.
    weights : dict
        Segment number to what each of these pixels counts, 1 or a fraction.
    derived_from : tuple of (SOP Instance UID, frame number)
        Frame number 1 where the reference names none.
    """

    number: int
    position_lps: Triple | None
    cosines: tuple[float, ...] | None
    spacing_mm: tuple[float, float] | None
    pixels: dict[int, NDArray[np.intp]]
    weights: dict[int, NDArray[np.float64]]
    derived_from: tuple[tuple[str, int], ...]

    @property
    def placed(self) -> bool:
        """Whether position, direction and spacing are all said."""
        return self.position_lps is not None and self.cosines is not None and self.spacing_mm is not None

    def points_lps(self, where: NDArray[np.intp]) -> NDArray[np.float64]:
        """(n, 3): centres of pixels (row, column), mm; the frame must be placed."""
        assert self.cosines is not None and self.spacing_mm is not None  # noqa: S101, PT018
        row, column = np.array(self.cosines[:3]), np.array(self.cosines[3:])
        along, down = where[:, 1] * self.spacing_mm[1], where[:, 0] * self.spacing_mm[0]
        points: NDArray[np.float64] = np.array(self.position_lps) + along[:, None] * row + down[:, None] * column
        return points


@dataclass(frozen=True, slots=True, eq=False)
class SegObject:
    """A Segmentation.

    Parameters
    ----------
    declared : dict
        Segment number to its item in the Segment Sequence; background (0) of a label map left out.
    readable : bool
        Whether `frames` hold its pixels; without, nothing can be said of sizes and places.
    """

    dataset: Dataset
    form: str
    declared: dict[int, Dataset]
    frames: tuple[SegFrame, ...] = ()
    readable: bool = True
    remarks: tuple[Remark, ...] = field(default=())


def read_seg_object(path: Path, dataset: Dataset) -> SegObject:
    """Parse a Segmentation that pydicom could open."""
    remarks: list[Remark] = []
    form = text(dataset, "SegmentationType") or "BINARY"
    declared = _declared(dataset, remarks)
    rows, columns, count = (whole(dataset, name) or 0 for name in ("Rows", "Columns", "NumberOfFrames"))
    per_frame = sequence(dataset, "PerFrameFunctionalGroupsSequence")
    if not rows or not columns or not count:
        remarks.append(error("no_pixels", f"it says {count} frames of {rows} x {columns} pixels"))
        return SegObject(dataset, form, declared, (), False, tuple(remarks))
    if len(per_frame) != count:
        remarks.append(error("frames_differ", f"Number of Frames is {count}, {len(per_frame)} frames are described"))
        return SegObject(dataset, form, declared, (), False, tuple(remarks))
    pixels, reason = _pixels(path, dataset, (count, rows, columns))
    if pixels is None:
        remarks.append(error("pixels_unreadable", reason))
        return SegObject(dataset, form, declared, (), False, tuple(remarks))
    shared = first(dataset, "SharedFunctionalGroupsSequence") or Dataset()
    largest = number(dataset, "MaximumFractionalValue") if form == "FRACTIONAL" else 1.0
    if form == "FRACTIONAL" and not largest:
        remarks.append(error("no_maximum", "it is fractional, and does not say which value means 1"))
        largest = 255.0
    frames = tuple(
        _frame(n + 1, item, shared, pixels[n], (form, float(largest or 1.0))) for n, item in enumerate(per_frame)
    )
    remarks += _values_fit(frames, form, pixels, float(largest or 1.0), declared)
    return SegObject(dataset, form, declared, frames, True, tuple(remarks))


def _declared(dataset: Dataset, remarks: list[Remark]) -> dict[int, Dataset]:
    declared: dict[int, Dataset] = {}
    for item in sequence(dataset, "SegmentSequence"):
        n = whole(item, "SegmentNumber")
        if n is None:
            remarks.append(error("segment_without_number", "a segment has no number"))
        elif n in declared:
            remarks.append(error("segment_numbers", f"two segments have number {n}", f"segment {n}"))
        else:
            declared[n] = item
    if text(dataset, "SegmentationType") == "LABELMAP":
        declared.pop(0, None)
    elif declared and sorted(declared) != list(range(1, len(declared) + 1)):
        remarks.append(error("segment_numbers", f"segments are numbered {sorted(declared)}, not 1 to {len(declared)}"))
    if not declared:
        remarks.append(error("no_segments", "it declares no segment"))
    return declared


def _pixels(path: Path, dataset: Dataset, shape: tuple[int, int, int]) -> tuple[NDArray[Any] | None, str]:
    """(frame, row, column), or None with the reason."""
    syntax = str(getattr(dataset.file_meta, "TransferSyntaxUID", ""))
    bits = whole(dataset, "BitsAllocated")
    if "PixelData" not in dataset:
        return None, "there are no pixels in it"
    if bits not in (1, 8, 16):
        return None, f"Bits Allocated is {bits}, not 1, 8 or 16"
    try:
        with quiet("pydicom"):
            if syntax in NATIVE:
                return dataset.pixel_array.reshape(shape), ""
            if syntax not in CODECS:
                return None, f"its pixels are coded as {syntax_name(syntax)}, which is not known here"
            return _decoded(dataset, syntax, shape), ""
    except Exception:  # noqa: BLE001  (damaged pixels fail anywhere in the decoders)
        return None, f"its pixels ({syntax_name(syntax)}) do not give {shape[0]} frames of {shape[1]} x {shape[2]}"


def _decoded(dataset: Dataset, syntax: str, shape: tuple[int, int, int]) -> NDArray[Any]:
    out = np.zeros(shape, dtype=np.uint16 if dataset.BitsAllocated == 16 else np.uint8)
    coded = generate_frames(dataset.PixelData, number_of_frames=shape[0])
    for plane, one in zip(out, coded, strict=True):
        CODECS[syntax].decode(one, plane)
    return out


def _group(item: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """A functional group of one frame: its own, or else the shared one, or else empty."""
    return first(item, keyword) or first(shared, keyword) or Dataset()


def _frame(n: int, item: Dataset, shared: Dataset, pixels: NDArray[Any], form: tuple[str, float]) -> SegFrame:
    position = numbers(_group(item, shared, "PlanePositionSequence"), "ImagePositionPatient", 3)
    cosines = numbers(_group(item, shared, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
    spacing = numbers(_group(item, shared, "PixelMeasuresSequence"), "PixelSpacing", 2)
    kind, largest = form
    if kind == "LABELMAP":
        layers = {int(v): np.argwhere(pixels == v) for v in np.unique(pixels) if v}
    else:
        segment = whole(_group(item, shared, "SegmentIdentificationSequence"), "ReferencedSegmentNumber") or 0
        layers = {segment: np.argwhere(pixels)}
    weights = {
        s: (pixels[where[:, 0], where[:, 1]] / largest if kind == "FRACTIONAL" else np.ones(len(where)))
        for s, where in layers.items()
    }
    derived = []
    for image in sequence(_group(item, shared, "DerivationImageSequence"), "SourceImageSequence"):
        frame_numbers = numbers(image, "ReferencedFrameNumber") or (1.0,)
        derived += [(text(image, "ReferencedSOPInstanceUID"), int(f)) for f in frame_numbers]
    return SegFrame(
        n,
        None if position is None else (position[0], position[1], position[2]),
        cosines,
        None if spacing is None or min(spacing) <= 0 else (spacing[0], spacing[1]),
        layers,
        weights,
        tuple(derived),
    )


def _values_fit(
    frames: tuple[SegFrame, ...], form: str, pixels: NDArray[Any], largest: float, declared: dict[int, Dataset]
) -> list[Remark]:
    remarks = []
    highest = int(pixels.max(initial=0))
    if form == "FRACTIONAL" and highest > largest:
        remarks.append(error("fraction_above_one", f"pixels reach {highest}, and {largest:g} already means 1"))
    if form == "BINARY" and highest > 1:
        remarks.append(error("not_binary", f"it is binary, and pixels reach {highest}"))
    used = sorted({s for frame in frames for s, where in frame.pixels.items() if len(where)} - set(declared))
    if used:
        remarks.append(error("undeclared_segment", f"pixels belong to segments {used}, which it does not declare"))
    return remarks
