"""Pixel Data of one simulated frame in the transfer syntaxes that phantoms are written in."""

from __future__ import annotations

from enum import StrEnum

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless


class Transfer(StrEnum):
    """How the pixels are stored; the values are transfer syntax UIDs."""

    UNCOMPRESSED = str(ExplicitVRLittleEndian)
    JPEG_LS = str(JPEGLSLossless)
    RLE = str(RLELossless)


def encode(plane: NDArray[np.int16], syntax: Transfer) -> bytes:
    """Pixel Data of one frame."""
    if syntax is Transfer.UNCOMPRESSED:
        return plane.astype("<i2").tobytes()
    if syntax is Transfer.JPEG_LS:
        return bytes(encapsulate([bytes(imagecodecs.jpegls_encode(plane.view(np.uint16)))]))
    high, low = (plane.view(np.uint16) >> 8).astype(np.uint8), (plane.view(np.uint16) & 255).astype(np.uint8)
    segments = [b"".join(_packbits(row) for row in part) for part in (high, low)]
    segments = [s + b"\0" * (len(s) % 2) for s in segments]
    offsets = np.zeros(16, dtype="<u4")
    offsets[:3] = (2, 64, 64 + len(segments[0]))
    return bytes(encapsulate([offsets.tobytes() + b"".join(segments)]))


def _packbits(row: NDArray[np.uint8]) -> bytes:
    """One row of one byte plane as PackBits; DICOM PS3.5 annex G wants each row on its own."""
    return bytes(imagecodecs.packbits_encode(row.tobytes()))
