"""Result objects among files, and the check of each: Segmentations first, since reports refer to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from overread.evidence.check.items import references, text
from overread.evidence.check.outside import check_outside
from overread.evidence.check.remarks import ObjectCheck, error, worst_first
from overread.evidence.check.seg_check import CheckedSeg
from overread.evidence.check.seg_object import SEGMENTATION_CLASSES
from overread.evidence.check.sources import Sources
from overread.evidence.check.sr_check import check_report
from overread.io.dicom.header import first_bytes
from overread.io.door.sniff import kind_of
from overread.io.quiet import quiet
from overread.runtime import Progress, silent

REPORT = "structured report"
_REPORT_CLASSES = "1.2.840.10008.5.1.4.1.1.88."


@dataclass(frozen=True, slots=True)
class ResultObject:
    """A file that says it is a Segmentation or a structured report."""

    path: Path
    kind: str


def find_objects(files: Iterable[str]) -> list[ResultObject]:
    """The Segmentations and structured reports among files, by their SOP class; other files are passed over."""
    found = []
    for file in files:
        kind = _kind(Path(file))
        if kind:
            found.append(ResultObject(Path(file), kind))
    return found


def _kind(path: Path) -> str:
    try:
        if kind_of(first_bytes(str(path))[0]) != "dicom":
            return ""
        with quiet("pydicom"):
            head = pydicom.dcmread(path, force=True, specific_tags=["SOPClassUID", "Modality"], stop_before_pixels=True)
    except Exception:  # noqa: BLE001  (what no parser opens is no result object; `inspect` names such files)
        return ""
    uid, modality = text(head, "SOPClassUID"), text(head, "Modality")
    if uid in SEGMENTATION_CLASSES or modality == "SEG":
        return SEGMENTATION_CLASSES.get(uid, "segmentation")
    return REPORT if uid.startswith(_REPORT_CLASSES) or modality == "SR" else ""


def check_objects(
    objects: list[ResultObject], sources: Sources, *, outside: bool = True, progress: Progress = silent
) -> list[ObjectCheck]:
    """Check every object.

    Parameters
    ----------
    outside : bool
        Ask other validators too, where they are installed.
    """
    checks: list[ObjectCheck] = []
    segs: dict[str, CheckedSeg] = {}
    ordered = sorted(objects, key=lambda one: (one.kind == REPORT, str(one.path)))
    for n, one in enumerate(ordered):
        progress("validate", n / len(ordered))
        dataset = _read(one.path)
        if dataset is None:
            trouble = error("unreadable", "it is damaged: its header or its end cannot be read")
            checks.append(ObjectCheck(one.path, one.kind, "", "not read", (trouble,)))
            continue
        checks.append(_check(one, dataset, sources, segs, outside=outside))
    progress("validate", 1.0)
    return checks


def _read(path: Path) -> Dataset | None:
    try:
        with quiet("pydicom"):
            dataset = pydicom.dcmread(path, force=True)
            dataset.walk(lambda *_: None)
            return dataset
    except Exception:  # noqa: BLE001  (a damaged file can fail anywhere in the parser)
        return None


def _check(
    one: ResultObject, dataset: Dataset, sources: Sources, segs: dict[str, CheckedSeg], *, outside: bool
) -> ObjectCheck:
    uid = text(dataset, "SOPInstanceUID")
    with quiet("pydicom"):
        if one.kind == REPORT:
            report = check_report(dataset, sources, segs)
            summary, remarks, recomputed = report.summary, list(report.remarks), report.recomputed
        else:
            checked = CheckedSeg(one.path, dataset, sources)
            segs[uid] = checked
            summary, remarks, recomputed = checked.summary, checked.remarks, ()
    if outside:
        named = (text(item, "ReferencedSOPInstanceUID") for item in references(dataset))
        source = next((sources.images[name].path for name in named if name in sources.images), None)
        label_map = one.kind.startswith("label map")
        remarks += check_outside(one.path, source, label_map=label_map, report=one.kind == REPORT)
    return ObjectCheck(one.path, one.kind, uid, summary, worst_first(remarks), recomputed)
