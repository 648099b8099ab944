"""Pixels, values and places of written images, read by pydicom and compared with what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.errors import IntegrityError
from overread.evidence.dicom.identity import COPIED
from overread.io.quiet import quiet


def read_again(path: Path) -> tuple[Dataset, NDArray[Any]]:
    """The object and its stored pixels.

    Raises
    ------
    IntegrityError
        pydicom cannot read it.
    """
    try:
        with quiet("pydicom"):
            ds = pydicom.dcmread(path)
            return ds, ds.pixel_array
    except Exception as error:  # a damaged file can fail anywhere in the parser
        raise IntegrityError(f"cannot be read back: {type(error).__name__}: {error}", where=path.name) from error


def require_same_patient(ds: Dataset, header: Dataset, where: str) -> None:
    """Raise `IntegrityError` unless study and patient of an object are those of its source."""
    with quiet("pydicom"):
        for keyword in ("StudyInstanceUID", *COPIED[:3], "PatientBirthDate"):
            if str(ds.get(keyword) or "") != str(header.get(keyword) or ""):
                raise IntegrityError(f"{keyword} is not that of the source", where=where)


def prove_capture(path: Path, rgb: NDArray[np.uint8], header: Dataset) -> None:
    """Compare a Secondary Capture file with the picture, pixel by pixel, and with the patient of its source.

    Raises
    ------
    IntegrityError
        Something differs.
    """
    ds, pixels = read_again(path)
    require_same_patient(ds, header, path.name)
    if pixels.shape != rgb.shape or not np.array_equal(pixels, rgb):
        raise IntegrityError("the picture does not read back as it was drawn", where=path.name)
