"""Each written file against what was in memory: volume and centroid in patient mm, every number of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import IntegrityError
from overread.evidence.dicom.seg_readback import read_seg
from overread.evidence.dicom.sr_readback import compare_sr
from overread.evidence.nifti import read_nifti_labels
from overread.evidence.result_json import plain, segment_dict
from overread.evidence.segments import FrameMask, SegmentFacts, facts_on_frames, facts_on_grid
from overread.findings import Reading
from overread.image import LabelMap

VOLUME_RELATIVE = 1e-6
CENTROID_MM = 1e-3


def compare(
    name: str, written: Mapping[int, SegmentFacts], read: Mapping[int, SegmentFacts], *, within_mm: float = CENTROID_MM
) -> list[dict[str, Any]]:
    """Raise `IntegrityError` unless each segment has the same voxels, volume and centroid; return what was compared."""
    if set(written) != set(read):
        raise IntegrityError(f"holds segments {sorted(read)}, expected {sorted(written)}", where=name)
    rows = []
    for number, want in sorted(written.items()):
        got = read[number]
        moved = float(np.linalg.norm(np.subtract(want.centroid_lps, got.centroid_lps)))
        grown = abs(got.volume_mm3 / want.volume_mm3 - 1) if want.volume_mm3 else abs(got.volume_mm3)
        if want.voxels != got.voxels or not grown <= VOLUME_RELATIVE or not moved <= within_mm:
            raise IntegrityError(
                f"segment {number} reads back as {got.voxels} voxels, {got.volume_mm3:.3f} mm3, {moved:.4f} mm away;"
                f" written were {want.voxels} voxels, {want.volume_mm3:.3f} mm3",
                where=name,
            )
        rows.append({"finding": number, "written": segment_dict(want), "read": segment_dict(got)})
    return rows


def prove_nifti(path: Path, mask: LabelMap) -> dict[str, Any]:
    """Read the NIfTI by our own parser and compare it with the mask."""
    rows = compare(path.name, facts_on_grid(mask), facts_on_grid(read_nifti_labels(path)))
    return proof_of(path.name, "own NIfTI-1 parser", ["voxels", "volume_mm3", "centroid_lps_mm"], rows)


def prove_seg(path: Path, reading: Reading, mask: FrameMask, numbers: Mapping[int, int]) -> dict[str, Any]:
    """Read the SEG by pydicom alone; compare it with the mask on the frames, and with the grid if those agree."""
    content = read_seg(path, mask)
    for finding in reading.findings:
        number = numbers.get(finding.number)
        if number is not None and content.tracking_uids.get(number) != finding.tracking_uid:
            raise IntegrityError(f"segment {number} has lost its tracking UID", where=path.name)
    read = {finding: content.segments[n] for finding, n in numbers.items() if n in content.segments}
    if len(read) != len(content.segments):
        raise IntegrityError(
            f"holds segments {sorted(content.segments)}, expected {sorted(numbers.values())}", where=path.name
        )
    rows = compare(path.name, facts_on_frames(mask), read)
    if mask.how == "same" and isinstance(reading.segments, LabelMap):
        rows = compare(path.name, facts_on_grid(reading.segments), read, within_mm=CENTROID_MM + mask.off_mm)
    return proof_of(path.name, "pydicom", ["voxels", "volume_mm3", "centroid_lps_mm", "tracking_uid"], rows)


def prove_sr(path: Path, reading: Reading, seg_uid: str, numbers: dict[int, int]) -> dict[str, Any]:
    """Read the SR by our own walker and compare every number with the reading."""
    count = compare_sr(path, reading, seg_uid, numbers)
    compared = [f"{count} numbers: value, unit, low, high, coverage", "descriptors", "segment references"]
    return proof_of(path.name, "own SR walker on pydicom", compared, [])


def proof_of(name: str, reader: str, compared: list[str], rows: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What is said in result.json of one proven file."""
    return dict(plain({"file": name, "read_by": reader, "compared": compared, "segments": rows}))


def source_frames_dict(mask: LabelMap, on_frames: FrameMask) -> dict[str, Any]:
    """How the mask lies on the frames of the source, and what each segment lost on the way there."""
    here, there = facts_on_grid(mask), facts_on_frames(on_frames)
    loss = []
    for number, want in sorted(here.items()):
        got = there.get(number)
        loss.append(
            {
                "finding": number,
                "volume_percent": 100 * (got.volume_mm3 / want.volume_mm3 - 1) if got else -100.0,
                "centroid_mm": float(np.linalg.norm(np.subtract(got.centroid_lps, want.centroid_lps))) if got else None,
            }
        )
    return dict(
        plain(
            {
                "how": on_frames.how,
                "frames": len(on_frames.frames),
                "left_out": on_frames.left_out,
                "off_mm": on_frames.off_mm,
                "loss": loss,
            }
        )
    )
