"""A reading to a folder of files, each read back before the folder appears."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from overread.cards import TaskCard
from overread.errors import IntegrityError
from overread.evidence import manifest, proof, result_json, table
from overread.evidence.dicom.headers import SourceHeaders, read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.seg import SegForm, build_seg, is_multi_frame, segment_numbers
from overread.evidence.dicom.sr import build_sr
from overread.evidence.folder import result_folder
from overread.evidence.nifti import write_nifti
from overread.evidence.page.overlay import overlay_png
from overread.evidence.page.report import report_html
from overread.evidence.segments import FrameMask, facts_on_grid, place_on_frames, voxels_by_label
from overread.findings import Reading
from overread.image import LabelMap, Volume
from overread.runtime import Progress, silent

MASK, SEG, SR, OVERLAY, REPORT = "mask.nii.gz", "seg.dcm", "sr.dcm", "overlay.png", "report.html"


_CODED_FACTS = frozenset({"body_part", "patient_position", "transfer_syntax", "study_date", "manufacturer", "model"})
"""Facts that the reader of the files has looked through, or in which nobody types a name; all others are looked
through again, since a Source may be made by hand."""


@dataclass(slots=True)
class _Ledger:
    """What one run wrote, did not write and proved; becomes part of result.json."""

    not_written: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    proofs: list[dict[str, Any]] = field(default_factory=list)
    source_frames: dict[str, Any] | None = None

    def skip(self, name: str, reason: str) -> None:
        self.not_written.append({"file": name, "reason": reason})


def _mask_of(reading: Reading, image: Volume | None) -> LabelMap | None:
    """The segments; an empty mask for an image in which nothing was found; None where there is nothing to say."""
    if reading.segments is not None:
        return reading.segments
    if image is None or not reading.assessable or reading.findings:
        return None
    return LabelMap(np.zeros(image.grid.shape, dtype=np.uint8), image.grid)


def _write_mask(folder: Path, mask: LabelMap | None, reading: Reading, ledger: _Ledger) -> None:
    if mask is None:
        ledger.skip(MASK, "the findings have no segments" if reading.findings else "the image was not assessed")
        return
    write_nifti(mask, folder / MASK)
    ledger.proofs.append(proof.prove_nifti(folder / MASK, mask))


def _why_no_dicom(reading: Reading) -> str:
    source = reading.source
    if source.kind != "dicom":
        return f"the source is not DICOM but {source.kind}"
    if not source.frames:
        return "no frame of the source could be placed"
    return ""


def _why_no_seg(reading: Reading) -> str:
    if not reading.findings:
        return "there is no finding"
    if reading.segments is None or not reading.segments.array.any():
        return "no finding has a segment"
    if not reading.source.frame_of_reference_uid:
        return "the source has no Frame of Reference, so a segment cannot be placed in the patient"
    files = {frame.path: frame.sop_uid for frame in reading.source.frames}
    if len(set(files.values())) < len(files):
        return "files of the source share a SOP Instance UID, so a segment cannot say on which of them it lies"
    return ""


def _frame_mask(reading: Reading, ledger: _Ledger) -> FrameMask | None:
    """The segments on the frames of the source, or None with the reason noted."""
    if reason := _why_no_seg(reading):
        ledger.skip(SEG, reason)
        return None
    assert reading.segments is not None  # noqa: S101  (_why_no_seg has looked)
    mask = place_on_frames(reading.segments, reading.source.frames, repaired=reading.verdict.repaired)
    ledger.source_frames = proof.source_frames_dict(reading.segments, mask)
    if not segment_numbers(reading, mask):
        ledger.skip(SEG, "no segment meets a frame of the source")
        return None
    if is_multi_frame(mask) and len({frame.path for frame in mask.frames}) > 1:
        ledger.skip(SEG, "the source is spread over several multi-frame objects")
        return None
    return mask


def _write_dicom(
    folder: Path,
    reading: Reading,
    headers: SourceHeaders,
    stamp: Stamp,
    *,
    form: SegForm,
    ledger: _Ledger,
    progress: Progress,
) -> None:
    mask = _frame_mask(reading, ledger)
    seg = None
    numbers: dict[int, int] = {}
    with warnings.catch_warnings():
        # Odd values in the source header are the verdict's business; here they are copied as they stand.
        warnings.filterwarnings("ignore", category=UserWarning, module="pydicom|highdicom")
        if mask is not None:
            headers_of_mask = _headers_of(mask, headers)
            seg, numbers = build_seg(reading, mask, headers_of_mask, stamp, form)
            _save(seg, folder / SEG)
        progress("report for DICOM", 0.5)
        _save(build_sr(reading, headers, stamp, seg, numbers), folder / SR)
    if mask is not None:
        assert reading.segments is not None  # noqa: S101
        ledger.proofs.append(proof.prove_seg(folder / SEG, reading, mask, numbers))
        left = [f.number for f in reading.findings if f.number not in numbers]
        if left:
            ledger.notes.append(f"finding(s) {', '.join(map(str, left))} have no segment in {SEG}")
    uid = str(seg.SOPInstanceUID) if seg is not None else ""
    ledger.proofs.append(proof.prove_sr(folder / SR, reading, uid, numbers))
    ledger.notes += headers.notes


def _save(dataset: Any, path: Path) -> None:
    """By way of memory: pydicom wraps an error of the disk so that its cause is lost."""
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    path.write_bytes(stream.getvalue())


def _headers_of(mask: FrameMask, headers: SourceHeaders) -> SourceHeaders:
    """Headers of the frames that the mask kept, in its order."""
    by_uid = {str(h.SOPInstanceUID): h for h in headers.datasets}
    kept = dict.fromkeys(frame.sop_uid for frame in mask.frames)
    return SourceHeaders(tuple(by_uid[uid] for uid in kept), headers.notes)


def _headers(reading: Reading, image: Volume | None, ledger: _Ledger) -> SourceHeaders | None:
    if reason := _why_no_dicom(reading):
        ledger.skip(SEG, reason)
        ledger.skip(SR, reason)
        return None
    grid = image.grid if image is not None else None
    return read_headers(reading.source.frames, gap_mm=grid.slice_gap_mm if grid is not None else 1.0)


def _withheld(reading: Reading, headers: SourceHeaders | None) -> frozenset[str]:
    """Facts of the source whose text names the patient."""
    if headers is None:
        return frozenset()
    texts = {key: value for key, value in reading.source.facts.items() if isinstance(value, str)}
    patient = headers.patient
    return frozenset(key for key in texts.keys() - _CODED_FACTS if patient.is_named_in(texts[key]))


def write(
    reading: Reading,
    image: Volume | None,
    out: Path | str,
    *,
    seg: SegForm = SegForm.BINARY,
    overwrite: bool = False,
    inputs: Mapping[str, str] | None = None,
    request: Mapping[str, object] | None = None,
    card: TaskCard | None = None,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Write a reading as result.json, findings.csv, pictures, masks, DICOM SEG and SR, report and manifest.

    Every mask and every DICOM object is read back by another path than the one that wrote it and compared with
    the reading before the folder appears. The same reading gives the same bytes.

    Parameters
    ----------
    image : Volume or None
        What was read; None where no image could be formed (a refusal).
    out : Path
        Folder to make. It appears by one rename; on any failure nothing is left.
    seg : SegForm
        Form of seg.dcm.
    overwrite : bool
        Replace an earlier result of overread.
    inputs : mapping
        Relative path of each input file to its SHA-256, for the manifest.
    request : mapping
        What `verify` needs to repeat the run, for the manifest.
    card : TaskCard or None
        Summarised in the report.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    UsageError
        The folder exists or cannot be written.
    ResourceError
        The disk is full.
    IntegrityError
        A file does not read back as what was written; nothing is left.
    """
    out = Path(out)
    _require_sense(reading, image)
    with result_folder(out, overwrite=overwrite) as folder:
        _write_all(folder, reading, image, form=seg, card=card, progress=progress)
        manifest.write_manifest(folder, reading.provenance, inputs=inputs or {}, request=request or {})
        names = sorted(path.name for path in folder.iterdir())
    progress("results written", 1.0)
    return tuple(out / name for name in names)


def _require_sense(reading: Reading, image: Volume | None) -> None:
    """Our own callers' mistakes that would otherwise surface in the middle of writing."""
    numbers = [finding.number for finding in reading.findings]
    if len(set(numbers)) != len(numbers) or len({f.tracking_uid for f in reading.findings}) != len(numbers):
        raise IntegrityError("two findings share a number or a tracking UID", where=reading.provenance.task)
    if reading.findings and not reading.assessable:
        raise IntegrityError("a refusal has findings", where=reading.provenance.task)
    if image is not None and reading.segments is not None and not image.grid.same_place(reading.segments.grid):
        raise IntegrityError("the segments are not on the grid of the image", where=reading.provenance.task)
    if reading.segments is not None:
        stray = set(voxels_by_label(reading.segments.array)) - set(numbers)
        if stray:
            raise IntegrityError(f"segments {sorted(stray)} belong to no finding", where=reading.provenance.task)


def _write_all(
    folder: Path,
    reading: Reading,
    image: Volume | None,
    *,
    form: SegForm,
    card: TaskCard | None,
    progress: Progress,
) -> None:
    ledger = _Ledger()
    progress("masks", 0.0)
    mask = _mask_of(reading, image)
    facts = facts_on_grid(mask) if mask is not None else {}
    headers = _headers(reading, image, ledger)
    result = result_json.reading_dict(reading, image, facts, withheld=_withheld(reading, headers))
    (folder / table.NAME).write_bytes(table.findings_csv(reading))
    _write_mask(folder, mask, reading, ledger)
    if headers is not None:
        progress("segmentation for DICOM", 0.2)
        stamp = Stamp.make(result_json.dumps(result) + form.value.encode(), headers.first)
        _write_dicom(folder, reading, headers, stamp, form=form, ledger=ledger, progress=progress)
    progress("pictures", 0.5)
    if image is None:
        ledger.skip(OVERLAY, "there is no image to draw on")
    else:
        (folder / OVERLAY).write_bytes(overlay_png(reading, image))
    names = [*(path.name for path in folder.iterdir()), result_json.NAME, REPORT, manifest.NAME]
    result |= {
        "files": sorted(names),
        "not_written": ledger.not_written,
        "notes": ledger.notes,
        "read_back": ledger.proofs,
        "source_frames": ledger.source_frames,
    }
    (folder / result_json.NAME).write_bytes(result_json.dumps(result))
    result_json.read_result(folder)
    progress("report", 0.7)
    (folder / REPORT).write_bytes(report_html(reading, image, result, card))
