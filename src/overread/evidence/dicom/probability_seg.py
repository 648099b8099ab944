"""A map of probabilities as DICOM Segmentation, FRACTIONAL, on the frames of the source; proven in its read-back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from overread.errors import GeometryError, InputError, UnsupportedFormatError, UsageError
from overread.evidence.dicom import identity
from overread.evidence.dicom.headers import SourceHeaders
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.begin import loss_of
from overread.evidence.dicom.seg import Segment, common_arguments, describe, in_source_order, sound_orientation
from overread.evidence.segments import where_slices_lie
from overread.evidence.vocabulary import ascii_text
from overread.findings import Provenance
from overread.image import Volume
from overread.io.quiet import quiet

SERIES_NUMBER = 9105
_MOST = 255
_SAME = 2e-7
"""Half a step of float32 below 1, and a little: two probabilities no farther apart are one level."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbabilitySeg:
    """The object, and how exactly it holds the map.

    Parameters
    ----------
    steps : int
        Maximum Fractional Value: a probability is stored as a whole number of 1 / steps.
    rounding : float
        Largest difference between a probability and what is read back; at most 1 / (2 * steps).
    """

    dataset: Dataset
    steps: int
    rounding: float


def steps_of(probability: NDArray[Any]) -> int:
    """The smallest number of steps, 1 to 255, on which all probabilities lie; 255 where none does.

    Four readers who agree or not give 4: 0, 0.25, 0.5, 0.75 and 1 are then stored exactly.
    """
    levels: NDArray[np.float64] = np.zeros(0)
    for plane in probability:
        levels = np.unique(np.concatenate([levels, np.unique(plane).astype(np.float64)]))
        if len(levels) > _MOST + 1:
            return _MOST
    for steps in range(1, _MOST):
        if np.abs(np.rint(levels * steps) / steps - levels).max(initial=0) <= _SAME:
            return steps
    return _MOST


def in_steps(probability: NDArray[Any], steps: int) -> NDArray[np.uint8]:
    """Each probability as the nearest whole number of 1 / steps."""
    out = np.empty(probability.shape, np.uint8)
    for plane, rounded in zip(probability, out, strict=True):
        rounded[...] = np.rint(plane.astype(np.float64) * steps)
    return out


def build_probability_seg(
    probability: Volume,
    headers: SourceHeaders,
    stamp: Stamp,
    *,
    provenance: Provenance,
    segment: Segment,
    compress: bool = True,
) -> ProbabilitySeg:
    """One segment of type FRACTIONAL, PROBABILITY; frames without any probability are left out.

    Parameters
    ----------
    probability : Volume
        float, 0 to 1, on the grid and with the source of the image that was read: slice n is frame n.
    headers : SourceHeaders
        Of the frames of `probability.source`.
    segment : Segment
        What it is the probability of.
    compress : bool
        JPEG-LS lossless (much smaller) rather than raw.

    Raises
    ------
    UsageError
        A probability is outside 0..1 or not a number, or all of them round to 0: then nothing is to be written.
    GeometryError
        The map does not lie on the frames of the source, or these have no Frame of Reference.
    InputError
        Files of the source share a SOP Instance UID.
    UnsupportedFormatError
        The source is spread over several multi-frame objects.
    """
    _require_placed(probability, headers)
    low, high = float(np.min(probability.array)), float(np.max(probability.array))
    if not 0 <= low <= high <= 1:
        raise UsageError(f"probabilities run from {low} to {high}, expected 0 to 1")
    steps = steps_of(probability.array)
    rounded = in_steps(probability.array, steps)
    if not rounded.any():
        raise UsageError(
            f"no probability reaches {0.5 / steps:.2g}, so every frame would be empty",
            way_out="Write no probability map where nothing is probable.",
        )
    frames = probability.source.frames
    digest = hashlib.sha256(repr((steps, segment)).encode() + rounded.tobytes()).hexdigest()
    fractions = in_source_order(rounded.astype(np.float32) / np.float32(steps), frames, headers)
    with quiet("pydicom"):
        seg = hd.seg.Segmentation(
            source_images=list(headers.datasets),
            pixel_array=fractions,
            segmentation_type="FRACTIONAL",
            fractional_type="PROBABILITY",
            max_fractional_value=steps,
            segment_descriptions=[describe(segment, 1, provenance)],
            series_number=SERIES_NUMBER,
            series_description=f"overread {ascii_text(provenance.task)} probability"[:64],
            plane_orientation=sound_orientation(frames[0], headers),
            transfer_syntax_uid=JPEGLSLossless if compress else ExplicitVRLittleEndian,
            **common_arguments(provenance, stamp, f"probability-{digest}"),
        )
        seg.update(loss_of(headers.datasets))  # highdicom heeds one header, and no transfer syntax
        stamp.settle(seg, f"probability-{digest}")
        if segment.is_private:
            identity.declare_private_scheme(seg)
    off = max(
        float(np.abs(r / steps - p.astype(np.float64)).max()) for r, p in zip(rounded, probability.array, strict=True)
    )
    return ProbabilitySeg(seg, steps, off)


def _require_placed(probability: Volume, headers: SourceHeaders) -> None:
    frames = probability.source.frames
    if not frames or where_slices_lie(probability.grid, frames, repaired=probability.verdict.repaired)[0] == "mapped":
        raise GeometryError(
            f"the map of {probability.grid.shape} slices, rows and columns does not lie on the {len(frames)} frames of"
            " its source, since slices were repaired, cropped or resampled",
            way_out="Compute the map on the image as it was read, or write it as NIfTI.",
        )
    files = {frame.path: frame.sop_uid for frame in frames}
    if len(set(files.values())) < len(files):
        raise InputError(
            "files of the source share a SOP Instance UID, so a map cannot say on which of them it lies",
            way_out="Remove the copies, or send the study again from the archive.",
        )
    uids = [str(header.SOPInstanceUID) for header in headers.datasets]
    if list(dict.fromkeys(frame.sop_uid for frame in frames)) != uids:
        raise UsageError(
            f"{len(uids)} headers do not belong to the {len(frames)} frames of the map",
            way_out="Read them with read_headers(probability.source.frames, ...).",
        )
    if len(uids) > 1 and any(frame.frame_number > 1 for frame in frames):
        raise UnsupportedFormatError(f"the source is spread over {len(uids)} multi-frame objects")
    if not all(header.get("FrameOfReferenceUID") for header in headers.datasets):
        raise GeometryError("the source has no Frame of Reference, so a map cannot be placed in the patient")
