"""A reading to a folder of files, each read back before the folder appears."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cards import TaskCard
from overread.errors import IntegrityError
from overread.evidence import manifest, proof, result_json, table
from overread.evidence.dicom.headers import SourceHeaders
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.seg import SegForm
from overread.evidence.dicom_results import Job, Wish, source_headers, write_dicom
from overread.evidence.evidence_maps import write_evidence_maps
from overread.evidence.folder import result_folder
from overread.evidence.ledger import Ledger
from overread.evidence.nifti import write_nifti
from overread.evidence.page.overlay import overlay_png
from overread.evidence.page.report import report_html
from overread.evidence.picture_mask import PICTURE, mask_name, prove_picture_mask, write_picture_mask
from overread.evidence.segments import facts_of, voxels_by_label
from overread.findings import Reading
from overread.image import Image, LabelMap, PictureMask, Volume
from overread.runtime import Progress, silent

MASK, OVERLAY, REPORT = "mask.nii.gz", "overlay.png", "report.html"


_CODED_FACTS = frozenset({"body_part", "patient_position", "transfer_syntax", "study_date", "manufacturer", "model"})
"""Facts that the reader of the files has looked through, or in which nobody types a name; all others are looked
through again, since a Source may be made by hand."""


def _mask_of(reading: Reading, image: Image | None) -> LabelMap | PictureMask | None:
    """The segments; an empty mask for an image in which nothing was found; None where there is nothing to say."""
    if reading.segments is not None:
        return reading.segments
    if image is None or not reading.assessable or reading.findings:
        return None
    if isinstance(image, Volume):
        return LabelMap(np.zeros(image.grid.shape, dtype=np.uint8), image.grid)
    return PictureMask(np.zeros(image.grey().shape, dtype=np.uint8))


def _write_mask(folder: Path, mask: LabelMap | PictureMask | None, reading: Reading, ledger: Ledger) -> None:
    if mask is None:
        name = MASK if all(finding.region is None for finding in reading.findings) else PICTURE
        ledger.skip(name, "the findings have no segments" if reading.findings else "the image was not assessed")
    elif isinstance(mask, LabelMap):
        write_nifti(mask, folder / MASK)
        ledger.proofs.append(proof.prove_nifti(folder / MASK, mask))
    else:
        path = folder / mask_name(mask)
        write_picture_mask(mask, path)
        prove_picture_mask(path, mask)
        ledger.proofs.append(proof.proof_of(path.name, "pillow", ["every pixel"]))


def _withheld(reading: Reading, headers: SourceHeaders | None) -> frozenset[str]:
    """Facts of the source whose text names the patient."""
    if headers is None:
        return frozenset()
    texts = {key: value for key, value in reading.source.facts.items() if isinstance(value, str)}
    patient = headers.patient
    return frozenset(key for key in texts.keys() - _CODED_FACTS if patient.is_named_in(texts[key]))


def write(
    reading: Reading,
    image: Image | None,
    out: Path | str,
    *,
    seg: SegForm = SegForm.BINARY,
    secondary_capture: bool = False,
    overwrite: bool = False,
    inputs: Mapping[str, str] | None = None,
    request: Mapping[str, object] | None = None,
    card: TaskCard | None = None,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Write a reading as result.json, findings.csv, pictures, masks, DICOM SEG and SR, report and manifest.

    Pictures get their mask as mask.png, clips as mask.tif with a page for each frame.

    Every mask and every DICOM object is read back by another path than the one that wrote it and compared with
    the reading before the folder appears. The same reading gives the same bytes.

    Parameters
    ----------
    image : Volume, Radiograph, Frames or None
        What was read; None where no image could be formed (a refusal).
    out : Path
        Folder to make. It appears by one rename; on any failure nothing is left.
    seg : SegForm
        Form of seg.dcm; a picture's is always BINARY.
    secondary_capture : bool
        Also write the overlay as Secondary Capture, overlay.dcm, for archives that show nothing else.
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
        _write_all(folder, reading, image, wish=Wish(seg, secondary_capture), card=card, progress=progress)
        manifest.write_manifest(folder, reading.provenance, inputs=inputs or {}, request=request or {})
        names = sorted(path.name for path in folder.iterdir())
    progress("results written", 1.0)
    return tuple(out / name for name in names)


def _require_sense(reading: Reading, image: Image | None) -> None:
    """Our own callers' mistakes that would otherwise surface in the middle of writing."""
    numbers = [finding.number for finding in reading.findings]
    task = reading.provenance.task
    if len(set(numbers)) != len(numbers) or len({f.tracking_uid for f in reading.findings}) != len(numbers):
        raise IntegrityError("two findings share a number or a tracking UID", where=task)
    if reading.findings and not reading.assessable:
        raise IntegrityError("a refusal has findings", where=task)
    if reading.segments is not None:
        if image is not None and not _fits(reading.segments, image):
            raise IntegrityError("the segments are not on the grid of the image", where=task)
        stray = set(voxels_by_label(_layers(reading.segments))) - set(numbers)
        if stray:
            raise IntegrityError(f"segments {sorted(stray)} belong to no finding", where=task)
    if reading.probability is not None and (image is None or reading.probability.array.shape != image.array.shape):
        raise IntegrityError("the map of probabilities is not on the grid of the image", where=task)
    if any(isinstance(image, Volume | None) or m.array.shape != image.grey().shape for m in reading.evidence_maps):
        raise IntegrityError("a map of evidence is not on the pixels of a single picture", where=task)
    if isinstance(image, Volume) and any(finding.region is not None for finding in reading.findings):
        raise IntegrityError("a finding in a volume has a region in a picture instead of a point", where=task)
    if image is not None and not isinstance(image, Volume):
        _require_regions_inside(reading, image.grey().shape)


def _layers(segments: LabelMap | PictureMask) -> NDArray[np.integer[Any]]:
    return segments.array if isinstance(segments, LabelMap) else segments.stack


def _fits(segments: LabelMap | PictureMask, image: Image) -> bool:
    if isinstance(segments, LabelMap):
        return isinstance(image, Volume) and image.grid.same_place(segments.grid)
    return not isinstance(image, Volume) and image.grey().shape == segments.array.shape


def _require_regions_inside(reading: Reading, shape: tuple[int, ...]) -> None:
    frames, (rows, columns) = (shape[0] if len(shape) == 3 else 1), shape[-2:]
    for finding in reading.findings:
        if finding.region is None:
            raise IntegrityError("a finding in a picture has no region", where=reading.provenance.task)
    regions = [f.region for f in reading.findings if f.region is not None]
    for region in (*regions, *reading.marks, *(mark for f in reading.findings for mark in f.marks)):
        inside = all(-0.5 <= r <= rows - 0.5 and -0.5 <= c <= columns - 0.5 for r, c in region.points_rc)
        if not inside or not 0 <= region.frame_index < frames:
            raise IntegrityError(
                f"a {region.shape} lies outside the picture of {frames} x {rows} x {columns}",
                where=reading.provenance.task,
            )


def _write_all(
    folder: Path,
    reading: Reading,
    image: Image | None,
    *,
    wish: Wish,
    card: TaskCard | None,
    progress: Progress,
) -> None:
    ledger = Ledger()
    progress("masks", 0.0)
    mask = _mask_of(reading, image)
    headers = source_headers(reading, image, wish, ledger)
    result = result_json.reading_dict(reading, image, facts_of(mask), withheld=_withheld(reading, headers))
    (folder / table.NAME).write_bytes(table.findings_csv(reading))
    _write_mask(folder, mask, reading, ledger)
    result["evidence_maps"] = write_evidence_maps(folder, reading.evidence_maps, ledger)
    if headers is not None:
        progress("segmentation for DICOM", 0.2)
        stamp = Stamp.make(result_json.dumps(result) + wish.form.value.encode(), headers.first)
        write_dicom(Job(folder, reading, headers, stamp, ledger), image, wish, progress)
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
