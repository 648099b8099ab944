"""What every result object owes: patient and study of its source, a series of its own, and who made it."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from overread.evidence.check.items import code_of, first, sequence, text
from overread.evidence.check.remarks import Remark, error, note, warning
from overread.evidence.check.sources import SourceImage, Sources, same_text

_PROCESSING = ("109102", "DCM")


def check_identity(dataset: Dataset, images: list[SourceImage], sources: Sources) -> Iterator[Remark]:
    """Patient, study and series against the first source image at hand. No value is quoted."""
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        if not text(dataset, keyword):
            yield error("no_uid", f"it has no {keyword}")
    if not images:
        return
    header = sources.header(images[0])
    if header is None:
        return
    for keyword, words in (("PatientID", "patient ID"), ("PatientName", "patient name")):
        if not same_text(dataset, header, keyword):
            yield error("patient_differs", f"its {words} is not that of the images it refers to")
    if not same_text(dataset, header, "StudyInstanceUID"):
        yield error("study_differs", "it belongs to another study than the images it refers to")
    if text(dataset, "SeriesInstanceUID") == text(header, "SeriesInstanceUID"):
        yield error(
            "series_of_source", "it lies in the series of its source images; results go into a series of their own"
        )


def check_equipment(dataset: Dataset) -> Iterator[Remark]:
    """IHE AI Results 6.5.3.1: each algorithm is an item of Contributing Equipment with a Device UID."""
    makers = [
        item
        for item in sequence(dataset, "ContributingEquipmentSequence")
        if code_of(first(item, "PurposeOfReferenceCodeSequence")) == _PROCESSING
    ]
    if not makers:
        yield warning(
            "no_processing_equipment",
            "no item of Contributing Equipment names the algorithm (109102, DCM, Processing Equipment), "
            "a duty of IHE AI Results",
        )
        return
    lacking: dict[str, int] = {}
    for item in makers:
        for keyword in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions"):
            if not text(item, keyword):
                lacking[keyword] = lacking.get(keyword, 0) + 1
    for keyword in lacking:
        yield warning("equipment_incomplete", f"the algorithm's item of Contributing Equipment has no {keyword}")
    if not any(text(item, "DeviceUID") for item in makers):
        yield warning(
            "no_device_uid",
            "no item of Contributing Equipment has a Device UID, so a change of the algorithm cannot be seen",
        )


def check_found(named: set[str], sources: Sources, here: set[str]) -> Iterator[Remark]:
    """How many of the images it names are at hand.

    Parameters
    ----------
    named, here : set of str
        SOP Instance UIDs that it refers to; those of the other objects that are checked with it.
    """
    missing = named - set(sources.images) - here
    if not named:
        return
    if missing == named:
        yield note("source_not_here", f"none of the {len(named)} objects it refers to is here: not compared with them")
    elif missing:
        yield warning("reference_missing", f"{len(missing)} of the {len(named)} objects it refers to are not here")
