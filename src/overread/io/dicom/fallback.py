"""DICOM files that our own walk does not follow, read by pydicom: the same raw values, the same stored pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from overread.errors import DamagedFileError, NothingReadableError, OverreadError
from overread.io.dicom.codecs import NATIVE
from overread.io.dicom.header import Header
from overread.io.dicom.pixels import cannot_read
from overread.io.dicom.tags import EXPLICIT_LITTLE, IMPLICIT_LITTLE, PIXEL_DATA, Walked, walk_dataset
from overread.io.quiet import quiet

SOP_CLASS = 0x00080016  # a DICOMDIR has it in its meta information only
_PIXEL_TAGS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)


@contextmanager
def understood(path: str) -> Iterator[None]:
    """What pydicom, or our reading of its values, raises inside becomes an error of our own about the file."""
    with quiet("pydicom"):
        try:
            yield
        except OverreadError:
            raise
        except OSError as error:
            if error.errno is not None:  # of the file system, not of what the file holds
                raise cannot_read(path, error) from None
            raise _damaged(path, error) from None
        except Exception as error:  # noqa: BLE001  (pydicom raises many kinds on damaged values)
            raise _damaged(path, error) from None


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
            if SOP_CLASS not in elements and "MediaStorageSOPClassUID" in dataset.file_meta:
                elements[SOP_CLASS] = str(dataset.file_meta.MediaStorageSOPClassUID).encode("latin-1")
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
    raw = np.frombuffer(_pixels(dataset).value, dtype=dtype, count=out.size)
    return raw.reshape(out.shape)


def _pixels(dataset: pydicom.Dataset) -> pydicom.DataElement:
    """The element that holds the pixels; `KeyError` where there is none."""
    return dataset[next((tag for tag in _PIXEL_TAGS if tag in dataset), PIXEL_DATA)]


def coded_frame(header: Header) -> bytes:
    """The coded bytes of one frame of a file that only pydicom can follow; raises `DamagedFileError`."""
    with understood(header.path):
        dataset, frames = _open(header.path, None), max(1, header.shared.frames)
        return bytes(get_frame(dataset.PixelData, header.frame_number - 1, number_of_frames=frames))


def native_bytes(header: Header, start: int, count: int) -> bytes:
    """`count` bytes of native pixels from byte `start` of the pixel data on, little endian; fewer at its end."""
    if header.pixel_offset >= 0:
        with open(header.path, "rb") as stream:  # noqa: PTH123
            stream.seek(header.pixel_offset + start)
            return stream.read(max(0, min(count, header.pixel_length - start)))
    with quiet("pydicom"):
        dataset = _open(header.path, None)
        if not any(tag in dataset for tag in _PIXEL_TAGS) or not isinstance(_pixels(dataset).value, bytes):
            raise DamagedFileError("there are no pixels in it", where=header.path)
        raw = bytes(_pixels(dataset).value)
        if not dataset.original_encoding[1] and _pixels(dataset).VR != "OB":  # words, also of 8-bit pixels
            wide = max(2, header.shared.bits_allocated // 8)
            raw = np.frombuffer(raw[: len(raw) // wide * wide], f">u{wide}").astype(f"<u{wide}").tobytes()
        return raw[start : start + count]


def _open(path: str, tags: list[int] | None) -> pydicom.Dataset:
    try:
        try:
            return pydicom.dcmread(path, specific_tags=tags)
        except InvalidDicomError:
            dataset = pydicom.dcmread(path, specific_tags=tags, force=True)
            if "SOPClassUID" not in dataset:
                raise NothingReadableError("it is not a DICOM file", where=path) from None
            return dataset
    except NothingReadableError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the file system, not of what the file holds
            raise
        raise _damaged(path, error) from None


def _guessed_syntax(dataset: pydicom.Dataset) -> str:
    """A file without meta information is native little endian; pydicom tried which of the two."""
    return IMPLICIT_LITTLE if dataset.original_encoding[0] else EXPLICIT_LITTLE


def _damaged(path: str, error: Exception) -> DamagedFileError:
    kind = type(error).__name__  # not the text of the error: it may quote values of the header
    return DamagedFileError(
        f"the DICOM file is damaged or contradicts itself ({kind})", where=path, way_out="Copy or send it again."
    )
