"""DICOM files that our own walk does not follow, read by pydicom: the same raw values, the same stored pixels."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from overread.errors import DamagedFileError, NothingReadableError
from overread.io.dicom.codecs import NATIVE
from overread.io.dicom.tags import EXPLICIT_LITTLE, IMPLICIT_LITTLE, PIXEL_DATA, Walked, walk_dataset
from overread.io.quiet import quiet

_PIXEL_TAGS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)


def walk_with_pydicom(path: str, wanted: frozenset[int]) -> Walked:
    """As `tags.walk`, for any file that pydicom reads. `pixel_offset` is -1.

    Raises
    ------
    DamagedFileError
        It begins like DICOM but pydicom cannot follow it either.
    NothingReadableError
        It is not DICOM.
    """
    with quiet("pydicom"):
        dataset = _open(path, [*wanted, *_PIXEL_TAGS])
        try:
            syntax = str(dataset.file_meta.get("TransferSyntaxUID", "") or _guessed_syntax(dataset))
            if not re.fullmatch(r"[0-9.]{1,64}", syntax):
                raise ValueError("transfer syntax")
            pixel_tag = next((tag for tag in _PIXEL_TAGS if tag in dataset), 0)
            plain = pydicom.Dataset()
            for tag in sorted(wanted):
                if tag in dataset:
                    plain[tag] = dataset[tag]
            buffer = DicomBytesIO()
            buffer.is_little_endian, buffer.is_implicit_VR = True, False
            write_dataset(buffer, plain)
            elements = walk_dataset(buffer.getvalue(), 0, EXPLICIT_LITTLE, wanted, whole=True).elements
        except Exception as error:  # noqa: BLE001  (pydicom raises many kinds on damaged values)
            raise _damaged(path, error) from None
    return Walked(elements, syntax, pixel_tag, -1, 0)


def stored_with_pydicom(path: str, transfer_syntax: str, out: NDArray[Any]) -> None:
    """Stored pixels of a single-frame file into `out`, (row, column); raises `DamagedFileError`."""
    with quiet("pydicom"):
        dataset = _open(path, None)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(transfer_syntax)
        try:
            if transfer_syntax in NATIVE:
                out[...] = _native(dataset, out)
            else:
                out[...] = dataset.pixel_array.view(out.dtype).reshape(out.shape)
        except Exception as error:  # noqa: BLE001
            raise _damaged(path, error) from None


def _native(dataset: pydicom.Dataset, out: NDArray[Any]) -> NDArray[Any]:
    """All bits of native pixels, also those that pydicom would mask away; our own checks look at them."""
    dtype = out.dtype if dataset.original_encoding[1] else out.dtype.newbyteorder(">")
    raw = np.frombuffer(dataset.PixelData, dtype=dtype, count=out.size)
    return raw.reshape(out.shape)


def _open(path: str, tags: list[int] | None) -> pydicom.Dataset:
    try:
        try:
            return pydicom.dcmread(path, specific_tags=tags)
        except InvalidDicomError:
            dataset = pydicom.dcmread(path, specific_tags=tags, force=True)
            if "SOPClassUID" not in dataset:
                raise NothingReadableError("it is not a DICOM file", where=path) from None
            return dataset
    except (OSError, NothingReadableError):
        raise
    except Exception as error:  # noqa: BLE001
        raise _damaged(path, error) from None


def _guessed_syntax(dataset: pydicom.Dataset) -> str:
    """A file without meta information is native little endian; pydicom tried which of the two."""
    return IMPLICIT_LITTLE if dataset.original_encoding[0] else EXPLICIT_LITTLE


def _damaged(path: str, error: Exception) -> DamagedFileError:
    kind = type(error).__name__  # not the text of the error: it may quote values of the header
    return DamagedFileError(
        f"the DICOM file is damaged or contradicts itself ({kind})", where=path, way_out="Copy or send it again."
    )
