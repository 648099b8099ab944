"""Pixels, values and places of written images, read by pydicom and compared with what was meant."""

from __future__ import annotations

from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from overread.errors import IntegrityError
from overread.evidence.dicom.headers import SourceHeaders
from overread.evidence.dicom.identity import COPIED
from overread.evidence.dicom.images.begin import is_lossy
from overread.image import SourceFrame, Volume
from overread.io.quiet import quiet

SAME_COSINE = 1e-6
"""Half a micrometre over the widest picture."""


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


def prove_derived(paths: Many[Path], volume: Volume, headers: SourceHeaders, *, rounding: float) -> None:
    """Compare a written derived series with the volume, and its places with the headers of the source.

    Parameters
    ----------
    paths : sequence of Path
        In slice order.
    rounding : float
        As `DerivedSeries.rounding`: how far a value may be off.

    Raises
    ------
    IntegrityError
        A value, a place, the patient or the trace of lossy compression differs.
    """
    lossy = any(is_lossy(header) for header in headers.datasets)
    for path, header, frame, values in zip(paths, headers.datasets, volume.source.frames, volume.array, strict=True):
        ds, stored = read_again(path)
        require_same_patient(ds, header, path.name)
        _require_same_place(ds, header, frame, path.name)
        if lossy and ds.LossyImageCompression != "01":
            raise IntegrityError("it no longer says that its source was compressed with loss", where=path.name)
        read = stored * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
        if read.shape != values.shape:
            raise IntegrityError(f"reads back as {read.shape} pixels, expected {values.shape}", where=path.name)
        off = float(np.abs(read - values).max())
        if not off <= rounding:
            raise IntegrityError(f"a value reads back {off:.6g} off, at most {rounding:.6g} was said", where=path.name)


def _require_same_place(ds: Dataset, header: Dataset, frame: SourceFrame, where: str) -> None:
    for keyword in ("FrameOfReferenceUID", "ImagePositionPatient", "PixelSpacing"):
        if ds.get(keyword) != header.get(keyword):
            raise IntegrityError(f"{keyword} is not that of the source", where=where)
    turned = np.subtract(ds.ImageOrientationPatient, (*frame.row_lps, *frame.column_lps), dtype=np.float64)
    if not np.abs(turned).max() < SAME_COSINE:
        raise IntegrityError("ImageOrientationPatient is not that of the source", where=where)
