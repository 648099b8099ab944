"""UIDs and clock of written objects: derived from content, so that the same input gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from overread._version import __version__
from overread.evidence.vocabulary import PRIVATE, ascii_text
from overread.findings import Provenance

_NAMESPACE = uuid.UUID("5f0c0c3e-6b1d-5d62-9d0b-2f6f3f0f7c11")
_EPOCH = "19700101"
MANUFACTURER = "overread"
COPIED = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Attributes of patient and study that pass from the source into the written objects."""


def uid_of(digest: str, purpose: str) -> str:
    """A UID under 2.25 for one purpose within the content that has this digest."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, f'{digest}/{purpose}').int}"


def _copied(header: Dataset | None) -> bytes:
    """What the objects copy from the source: two patients must never share a UID, whatever else they share."""
    values = [str(header.get(keyword) or "") if header is not None else "" for keyword in COPIED]
    return json.dumps(values).encode()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stands in a written object where others put a random UID or the time of day.

    Parameters
    ----------
    digest : str
        Of everything that shapes the objects, the patient and study attributes they copy included.
    date, time : str
        Of the source study (DA, TM), not of today; 1970-01-01 where the source has none.
    """

    digest: str
    date: str
    time: str

    @classmethod
    def make(cls, content: bytes, header: Dataset | None) -> Stamp:
        """From the bytes of the reading and the first header of the source."""
        date = str(header.get("StudyDate", "") or "") if header is not None else ""
        time = str(header.get("StudyTime", "") or "") if header is not None else ""
        sound_date = date if re.fullmatch(r"\d{8}", date) else _EPOCH
        sound_time = time if re.fullmatch(r"\d{6}(\.\d{1,6})?", time) else "000000"
        whole = content + _copied(header) + __version__.encode()
        return cls(hashlib.sha256(whole).hexdigest(), sound_date, sound_time)

    def uid(self, purpose: str) -> str:
        """The UID of one thing in these objects."""
        return uid_of(self.digest, purpose)

    def settle(self, dataset: Dataset, purpose: str) -> None:
        """Replace every clock time and random UID that highdicom wrote into `dataset`."""
        dataset.InstanceCreationDate = dataset.ContentDate = self.date
        dataset.InstanceCreationTime = dataset.ContentTime = self.time
        for item in dataset.get("ContributingEquipmentSequence", ()):
            if "ContributionDateTime" in item:
                item.ContributionDateTime = self.date + self.time
        organization = self.uid(f"{purpose}-dimensions")
        for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
            for item in dataset.get(keyword, ()):
                item.DimensionOrganizationUID = organization


def equipment(provenance: Provenance) -> Dataset:
    """Item of Contributing Equipment (0018,A001): this software with the Device UID that its weights and plan give."""
    import highdicom as hd  # noqa: PLC0415  (slow to load; callers have loaded it)
    from pydicom.sr.coding import Code  # noqa: PLC0415

    item = hd.ContributingEquipment(
        MANUFACTURER,
        Code("109102", "DCM", "Processing Equipment"),
        manufacturer_model_name=ascii_text(provenance.task)[:64],
        software_versions=software_versions(provenance),
        contribution_description="Automatic measurement, research use only",
    )
    if provenance.device_uid:
        item.DeviceUID = provenance.device_uid
    return item


def software_versions(provenance: Provenance) -> list[str]:
    """Version of overread and of the task."""
    return [f"overread {__version__}", f"{ascii_text(provenance.task)} {provenance.task_version or 'unversioned'}"[:64]]


def serial_number(provenance: Provenance) -> str:
    """Never empty: the Device UID, or the version."""
    return provenance.device_uid or __version__


def declare_private_scheme(dataset: Dataset) -> None:
    """Say what the designator of our own codes stands for (0008,0110)."""
    item = Dataset()
    item.CodingSchemeDesignator = PRIVATE
    item.CodingSchemeName = "overread concepts"
    item.CodingSchemeResponsibleOrganization = "The overread developers"
    dataset.CodingSchemeIdentificationSequence = Sequence([item])
