"""The DICOM part of a result folder: Segmentation, report and capture of the overlay, each proven after writing."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from overread.errors import GeometryError, UnsupportedFormatError, UsageError
from overread.evidence import proof
from overread.evidence.dicom.headers import SourceHeaders, read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.images.readback import prove_capture
from overread.evidence.dicom.images.secondary_capture import build_secondary_capture
from overread.evidence.dicom.picture_readback import prove_picture_seg
from overread.evidence.dicom.picture_seg import build_picture_seg, masks_of
from overread.evidence.dicom.probability_readback import prove_probability_seg
from overread.evidence.dicom.probability_seg import build_probability_seg
from overread.evidence.dicom.seg import SegForm, Segment, build_seg, is_multi_frame, segment_numbers
from overread.evidence.dicom.sr import build_sr
from overread.evidence.ledger import Ledger
from overread.evidence.page.overlay import overlay_rgb
from overread.evidence.segments import FrameMask, place_on_frames
from overread.findings import ProbabilityMap, Reading
from overread.image import Image, Intensity, LabelMap, PictureMask, Volume
from overread.runtime import Progress

SEG, SR, CAPTURE, PROBABILITY = "seg.dcm", "sr.dcm", "overlay.dcm", "probability.dcm"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller wants of the DICOM objects."""

    form: SegForm
    secondary_capture: bool


@dataclass(frozen=True, slots=True)
class Job:
    """What every writer of this folder needs."""

    folder: Path
    reading: Reading
    headers: SourceHeaders
    stamp: Stamp
    ledger: Ledger


def source_headers(reading: Reading, image: Image | None, wish: Wish, ledger: Ledger) -> SourceHeaders | None:
    """Headers of the source for the writers; None, with the reason noted, where no DICOM object can be written."""
    reason, with_map = "", reading.probability is not None
    if reading.source.kind != "dicom":
        reason = f"the source is not DICOM but {reading.source.kind}"
    elif not reading.source.frames:
        reason = "no frame of the source could be placed"
    if reason:
        for name, wanted in ((SEG, True), (SR, True), (CAPTURE, wish.secondary_capture), (PROBABILITY, with_map)):
            if wanted:
                ledger.skip(name, reason)
        return None
    gap_mm = image.grid.slice_gap_mm if isinstance(image, Volume) else 1.0 if image is None else None
    return read_headers(reading.source.frames, gap_mm=gap_mm)


def write_dicom(job: Job, image: Image | None, wish: Wish, progress: Progress) -> None:
    """Write and prove every object that the reading gives rise to."""
    reading, path = job.reading, job.folder / SR
    with warnings.catch_warnings():
        # Odd values in the source header are the verdict's business; here they are copied as they stand.
        warnings.filterwarnings("ignore", category=UserWarning, module="pydicom|highdicom")
        seg, numbers = _write_segments(job, wish.form)
        progress("report for DICOM", 0.5)
        save_dataset(build_sr(reading, job.headers, job.stamp, seg, numbers), path)
    uid = str(seg.SOPInstanceUID) if seg is not None else ""
    job.ledger.proofs.append(proof.prove_sr(path, reading, uid, numbers))
    if reading.probability is not None:
        _write_probability(job, reading.probability, image)
    if wish.secondary_capture:
        _write_capture(job, image)
    job.ledger.notes += job.headers.notes


def _why_no_seg(reading: Reading) -> str:
    if not reading.findings:
        return "there is no finding"
    if reading.segments is None or not reading.segments.array.any():
        return "no finding has a segment"
    if isinstance(reading.segments, LabelMap) and not reading.source.frame_of_reference_uid:
        return "the source has no Frame of Reference, so a segment cannot be placed in the patient"
    files = {frame.path: frame.sop_uid for frame in reading.source.frames}
    if len(set(files.values())) < len(files):
        return "files of the source share a SOP Instance UID, so a segment cannot say on which of them it lies"
    return ""


def _frame_mask(reading: Reading, ledger: Ledger) -> FrameMask | None:
    """The segments on the frames of the source, or None with the reason noted."""
    if reason := _why_no_seg(reading):
        ledger.skip(SEG, reason)
        return None
    assert isinstance(reading.segments, LabelMap)  # noqa: S101  (_why_no_seg has looked)
    mask = place_on_frames(reading.segments, reading.source.frames, repaired=reading.verdict.repaired)
    ledger.source_frames = proof.source_frames_dict(reading.segments, mask)
    if not segment_numbers(reading, mask):
        ledger.skip(SEG, "no segment meets a frame of the source")
        return None
    if is_multi_frame(mask) and len({frame.path for frame in mask.frames}) > 1:
        ledger.skip(SEG, "the source is spread over several multi-frame objects")
        return None
    return mask


def _write_segments(job: Job, form: SegForm) -> tuple[Dataset | None, dict[int, int]]:
    """The Segmentation, if there is one, and the segment number of each finding."""
    path, reading = job.folder / SEG, job.reading
    if isinstance(reading.segments, PictureMask):
        if reason := _why_no_seg(reading):
            job.ledger.skip(SEG, reason)
            return None, {}
        masks = masks_of(reading.segments.array)
        segments = {finding.number: Segment.of(finding) for finding in reading.findings}
        seg, numbers = build_picture_seg(masks, segments, job.headers, job.stamp, provenance=reading.provenance)
        save_dataset(seg, path)
        prove_picture_seg(path, masks, numbers, reading.source.frames[0].sop_uid)
        job.ledger.proofs.append(proof.proof_of(SEG, "pydicom", ["every pixel of every frame", "frame references"]))
    else:
        mask = _frame_mask(reading, job.ledger)
        if mask is None:
            return None, {}
        seg, numbers = build_seg(reading, mask, _headers_of(mask, job.headers), job.stamp, form)
        save_dataset(seg, path)
        job.ledger.proofs.append(proof.prove_seg(path, reading, mask, numbers))
    left = [f.number for f in reading.findings if f.number not in numbers]
    if left:
        job.ledger.notes.append(f"finding(s) {', '.join(map(str, left))} have no segment in {SEG}")
    return seg, numbers


def _headers_of(mask: FrameMask, headers: SourceHeaders) -> SourceHeaders:
    """Headers of the frames that the mask kept, in its order."""
    by_uid = {str(h.SOPInstanceUID): h for h in headers.datasets}
    kept = dict.fromkeys(frame.sop_uid for frame in mask.frames)
    return SourceHeaders(tuple(by_uid[uid] for uid in kept), headers.notes)


def _write_probability(job: Job, probability: ProbabilityMap, image: Image | None) -> None:
    """The map of probabilities, or the reason why it cannot be a DICOM object."""
    path = job.folder / PROBABILITY
    if not isinstance(image, Volume):
        job.ledger.skip(PROBABILITY, "a map of probabilities is written for volumes only")
        return
    whole = replace(image, array=probability.array, intensity=Intensity.ARBITRARY, windows=())
    segment, provenance = Segment.of_map(probability), job.reading.provenance
    try:
        built = build_probability_seg(whole, job.headers, job.stamp, provenance=provenance, segment=segment)
    except (GeometryError, UnsupportedFormatError, UsageError) as reason:
        job.ledger.skip(PROBABILITY, reason.what)
        return
    save_dataset(built.dataset, path)
    prove_probability_seg(path, whole, steps=built.steps, rounding=built.rounding)
    compared = [f"every probability, at most {built.rounding:.2g} off", "sum and centroid in mm"]
    job.ledger.proofs.append(proof.proof_of(PROBABILITY, "pydicom", compared))


def _write_capture(job: Job, image: Image | None) -> None:
    if image is None:
        job.ledger.skip(CAPTURE, "there is no image to draw on")
        return
    path, provenance = job.folder / CAPTURE, job.reading.provenance
    rgb = np.asarray(overlay_rgb(job.reading, image))
    save_dataset(
        build_secondary_capture(rgb, job.headers, job.stamp, provenance=provenance, title=job.reading.title), path
    )
    prove_capture(path, rgb, job.headers.first)
    job.ledger.proofs.append(proof.proof_of(CAPTURE, "pydicom", ["every pixel", "patient and study"]))


def save_dataset(dataset: Any, path: Path) -> None:
    """By way of memory: pydicom wraps an error of the disk so that its cause is lost."""
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    path.write_bytes(stream.getvalue())
