"""Headers of the source, read again for the writers, with what the standard lets them lack filled in a copy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from overread.errors import InputError, IntegrityError
from overread.image import SourceFrame
from overread.io.dicom.privacy import Patient
from overread.io.quiet import quiet

TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_DAY = r"(19|20|18)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
_CLOCK = r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"
_FORMS = {
    "PatientBirthDate": re.compile(_DAY),
    "StudyDate": re.compile(_DAY),
    "StudyTime": re.compile(_CLOCK),
    "PatientSex": re.compile("[MFO]"),
}
_THICKNESS = re.compile(r"\+?\d*\.?\d+([eE][+-]?\d+)?")
_NAMES = ("PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName")
_IDENTIFIERS = ("PatientID", "OtherPatientIDs")


@dataclass(frozen=True, slots=True)
class SourceHeaders:
    """Headers in the order of the frames (one only for a multi-frame object), and what was filled in."""

    datasets: tuple[Dataset, ...]
    notes: tuple[str, ...]

    @property
    def first(self) -> Dataset:
        """Header of the first frame."""
        return self.datasets[0]

    @property
    def patient(self) -> Patient:
        """What the first header calls the patient."""
        return Patient(self._values(_NAMES), self._values(_IDENTIFIERS), str(self.first.get("PatientBirthDate") or ""))

    def _values(self, keywords: tuple[str, ...]) -> tuple[str, ...]:
        stored = [self.first.get(keyword) or "" for keyword in keywords]
        return tuple(str(v) for value in stored for v in (value if isinstance(value, MultiValue) else [value]))


def _read(path: Path) -> Dataset:
    try:
        return pydicom.dcmread(path, stop_before_pixels=True)
    except (OSError, pydicom.errors.InvalidDicomError) as error:
        raise InputError(
            f"the source cannot be read again: {error}",
            where=str(path),
            way_out="Leave the source in place until the results are written.",
        ) from error


def _to_utf8(dataset: Dataset, changed: dict[str, int]) -> None:
    """Turn the texts of a header copy into UTF-8 unless they are in it or in Latin 1.

    highdicom takes neither the empty first value nor unlisted spellings that sources from Japan, Korea or China have.
    """
    stored = dataset.get("SpecificCharacterSet")
    if stored is None or stored in ("ISO_IR 100", "ISO_IR 192"):
        return
    dataset.decode()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    changed["SpecificCharacterSet"] = changed.get("SpecificCharacterSet", 0) + 1


def _value(dataset: Dataset, keyword: str) -> str:
    """The value as text; "" where it is absent or pydicom cannot read it."""
    try:
        return str(dataset.get(keyword) or "")
    except (ValueError, TypeError):
        return ""


def _empty_unreadable(dataset: Dataset, emptied: dict[str, int]) -> None:
    """Empty dates, times and codes that break the standard, as 00000000 for a birth date: no writer takes them."""
    for keyword, form in _FORMS.items():
        if keyword in dataset and dataset.get_item(keyword).value and not form.fullmatch(_value(dataset, keyword)):
            dataset[keyword] = DataElement(keyword, dictionary_VR(keyword), "")
            emptied[keyword] = emptied.get(keyword, 0) + 1


def _fill(dataset: Dataset, gap_mm: float | None, filled: dict[str, int]) -> None:
    for keyword in TYPE_2:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
            filled[keyword] = filled.get(keyword, 0) + 1
    if gap_mm is None:
        return
    if not _THICKNESS.fullmatch(_value(dataset, "SliceThickness")) and "SharedFunctionalGroupsSequence" not in dataset:
        dataset.pop("SliceThickness", None)
        dataset.SliceThickness = pydicom.valuerep.DSfloat(gap_mm, auto_format=True)
        filled["SliceThickness (set to the slice gap)"] = filled.get("SliceThickness (set to the slice gap)", 0) + 1


def read_headers(frames: tuple[SourceFrame, ...], *, gap_mm: float | None) -> SourceHeaders:
    """Read the header of each file behind `frames`, once.

    Parameters
    ----------
    gap_mm : float or None
        Distance between slices; stands in for an absent Slice Thickness in the copy. None for pictures: they have none.

    Raises
    ------
    InputError
        A file cannot be read any more.
    IntegrityError
        A file is no longer the object that was analysed.
    """
    datasets: dict[Path, Dataset] = {}
    filled: dict[str, int] = {}
    recoded: dict[str, int] = {}
    emptied: dict[str, int] = {}
    with quiet("pydicom"):
        for frame in frames:
            if frame.path in datasets:
                continue
            dataset = _read(frame.path)
            if str(dataset.get("SOPInstanceUID", "")) != frame.sop_uid:
                raise IntegrityError("the source changed between reading and writing", where=str(frame.path))
            _empty_unreadable(dataset, emptied)
            _fill(dataset, gap_mm, filled)
            _to_utf8(dataset, recoded)
            datasets[frame.path] = dataset
    notes = [
        f"{keyword} is absent from {count} source header(s); filled in the copy for seg.dcm and sr.dcm"
        for keyword, count in sorted(filled.items())
    ]
    notes += [
        f"{keyword} cannot be read in {count} source header(s); emptied in the copy for seg.dcm and sr.dcm"
        for keyword, count in sorted(emptied.items())
    ]
    if recoded:
        notes.append("the texts of the source headers are written in UTF-8 in seg.dcm and sr.dcm")
    return SourceHeaders(tuple(datasets.values()), tuple(notes))


def is_as_stored(cosines: Sequence[float], header: Dataset) -> bool:
    """Whether the header holds these six cosines, to 1e-6: half a micrometre over the widest picture."""
    stored = header.get("ImageOrientationPatient")
    return stored is None or bool(np.abs(np.subtract(stored, cosines, dtype=np.float64)).max() < 1e-6)
