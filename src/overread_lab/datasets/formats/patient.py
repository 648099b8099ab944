"""The patient of a published DICOM file: the pseudonym that the publisher gave, nothing else of the header."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from overread.errors import DamagedFileError


def published_patient(path: Path) -> str:
    """Patient ID (0010,0020); raises `DamagedFileError` where there is none: without it nothing can be split."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"])
        patient = str(header.get("PatientID") or "").strip()
    except (OSError, InvalidDicomError, ValueError) as error:
        raise DamagedFileError(f"its header cannot be read ({type(error).__name__})", where=path.name) from None
    if not patient:
        raise DamagedFileError("it has no Patient ID, so its patient is not known", where=path.name)
    return patient
