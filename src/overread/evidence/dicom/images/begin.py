"""What every image of ours says of patient, study, series and equipment. No pixels, no geometry."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from collections.abc import Sequence as Many
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from overread.errors import InputError
from overread.evidence.dicom import identity
from overread.evidence.dicom.headers import TYPE_2
from overread.evidence.dicom.identity import Stamp
from overread.evidence.vocabulary import ascii_text
from overread.findings import Provenance
from overread.io.dicom.codecs import CODECS

_UTF_8 = "ISO_IR 192"
_TEXT = frozenset(("PN", "LO", "SH", "ST", "LT", "UT", "UC"))
_AGE = re.compile(r"\d{3}[DWMY]")
_LOSS = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")


@dataclass(frozen=True, slots=True)
class Kind:
    """What is begun: class, modality, and number and name of its series."""

    sop_class_uid: str
    modality: str
    series_number: int
    series_description: str
    instance_number: int = 1


def element_of(header: Dataset, keyword: str) -> DataElement | None:
    """A copy of one element, its text as characters rather than bytes; None where absent or unreadable."""
    try:
        if keyword not in header:
            return None
        element = header[keyword]
        if element.VR in _TEXT:
            values = element.value if element.VM > 1 else [element.value]
            return DataElement(element.tag, element.VR, "\\".join(str(value or "") for value in values))
        return copy.deepcopy(element)
    except (ValueError, TypeError, OverflowError):  # pydicom meets the odd value only here
        return None


def begin(header: Dataset, provenance: Provenance, stamp: Stamp, kind: Kind, *, uids: tuple[str, str]) -> Dataset:
    """A dataset with file meta, patient, study, series, equipment and SOP Common; in UTF-8, explicit VR.

    Parameters
    ----------
    header : Dataset
        First header of the source, as `read_headers` gives it.
    uids : (str, str)
        Purposes from which the stamp makes the UIDs of series and instance.

    Raises
    ------
    InputError
        The source has no Study Instance UID, so nothing can join its study.
    """
    if not header.get("StudyInstanceUID"):
        raise InputError(
            "the source has no Study Instance UID, so no object can be added to its study",
            way_out="Send the study again from the archive.",
        )
    ds = Dataset()
    ds.SpecificCharacterSet = _UTF_8
    for keyword in identity.COPIED:
        element = element_of(header, keyword)
        if element is not None and not (keyword == "PatientAge" and not _AGE.fullmatch(str(element.value))):
            ds.add(element)
        elif keyword in TYPE_2:
            setattr(ds, keyword, "")
    ds.StudyInstanceUID = header.StudyInstanceUID
    ds.Modality, ds.SOPClassUID = kind.modality, kind.sop_class_uid
    ds.SeriesInstanceUID, ds.SOPInstanceUID = (stamp.uid(purpose) for purpose in uids)
    ds.SeriesNumber, ds.InstanceNumber = kind.series_number, kind.instance_number
    ds.SeriesDescription = ascii_text(kind.series_description)[:64]
    ds.Manufacturer = identity.MANUFACTURER
    ds.ManufacturerModelName = ascii_text(provenance.task)[:64]
    ds.SoftwareVersions = identity.software_versions(provenance)
    ds.DeviceSerialNumber = identity.serial_number(provenance)
    ds.ContributingEquipmentSequence = Sequence(_equipment(header, provenance))
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.ImplementationClassUID = identity.uid_of("overread", "implementation")
    ds.file_meta.ImplementationVersionName = "OVERREAD"
    stamp.settle(ds, uids[1])
    return ds


def _equipment(header: Dataset, provenance: Provenance) -> Iterator[Dataset]:
    """The scanner, where the source names its maker, and this software."""
    import highdicom as hd  # noqa: PLC0415  (slow to load)

    if str(header.get("Manufacturer") or ""):
        # Texts or dates of the source that no sound item can hold: highdicom leaves the item out of its objects, too.
        with suppress(ValueError, TypeError, AttributeError):
            yield hd.ContributingEquipment.for_image_acquisition(header)
    yield identity.equipment(provenance)


def source_item(sop_class_uid: str, sop_uid: str, frame_number: int | None = None) -> Dataset:
    """Item of Source Image Sequence: this image was processed to make the new one (121322 DCM)."""
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "121322", "DCM"
    purpose.CodeMeaning = "Source image for image processing operation"
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_uid
    if frame_number is not None:
        item.ReferencedFrameNumber = frame_number
    item.PurposeOfReferenceCodeSequence = Sequence([purpose])
    return item


def loss_of(headers: Many[Dataset]) -> Dataset:
    """Lossy Image Compression of what is made from these slices: detail once lost stays so (PS3.3 C.7.6.1.1.5)."""
    ds = Dataset()
    lossy = [header for header in headers if is_lossy(header)]
    ds.LossyImageCompression = "01" if lossy else "00"
    for keyword in _LOSS if lossy else ():
        element = element_of(lossy[0], keyword)
        if element is not None:
            ds.add(element)
    return ds


def common_to(headers: Many[Dataset]) -> Dataset:
    """What follows from all slices of a source together: loss by compression, body part and side.

    Body part and side only where all agree; a side that is not known is left empty (type 2C) unless the body part
    makes it needless.
    """
    ds = loss_of(headers)
    parts = {str(h.get("BodyPartExamined") or "") for h in headers}
    sides = {str(h.get("ImageLaterality") or h.get("FrameLaterality") or h.get("Laterality") or "") for h in headers}
    part = parts.pop() if len(parts) == 1 else ""
    side = sides.pop() if len(sides) == 1 else ""
    if part:
        ds.BodyPartExamined = part
    if side in ("L", "R") or not part:
        ds.Laterality = side if side in ("L", "R") else ""
    return ds


def is_lossy(header: Any) -> bool:
    """Whether a header, or the transfer syntax of its file, says that detail was lost."""
    codec = CODECS.get(str(getattr(header, "file_meta", {}).get("TransferSyntaxUID", "")))
    return header.get("LossyImageCompression") == "01" or (codec is not None and codec.lossy)
