"""Transfer syntaxes and what decodes each, straight into a slice of an array. No file handling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from overread.errors import DamagedFileError
from overread.io.dicom.tags import (
    DEFLATED_LITTLE,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    UNDEFINED,
)

NATIVE = frozenset((IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED_LITTLE, EXPLICIT_BIG))
Plane = NDArray[np.integer[Any]]


def _rle(data: bytes, out: Plane) -> None:
    from imagecodecs import dicomrle_decode  # noqa: PLC0415

    # A segment that decodes short leaves the rest untouched, in silence: two different grounds show it.
    flat = out.reshape(-1).view(np.uint8)
    again = np.full_like(flat, 255)
    flat[...] = 0
    for ground in (flat, again):
        dicomrle_decode(data, dtype=out.dtype, out=ground)  # type: ignore[arg-type]
    if not np.array_equal(flat, again):
        raise ValueError("a segment decodes to fewer bytes than the picture has")


def _jpegls(data: bytes, out: Plane) -> None:
    from imagecodecs import jpegls_decode  # noqa: PLC0415

    require_end(data)
    _require_shape(jpegls_decode(data, out=out), out)


def _jpeg2k(data: bytes, out: Plane) -> None:
    from imagecodecs import jpeg2k_decode  # noqa: PLC0415

    _require_shape(jpeg2k_decode(data, out=out), out)


def _jpeg_lossless(data: bytes, out: Plane) -> None:
    from imagecodecs import jpegsof3_decode  # noqa: PLC0415

    require_end(data)
    _require_shape(jpegsof3_decode(data, out=out), out)


def _jpeg(data: bytes, out: Plane) -> None:
    from imagecodecs import jpeg8_decode  # noqa: PLC0415

    require_end(data)
    _require_shape(jpeg8_decode(data, out=out), out)


def require_end(data: bytes) -> None:
    """A JPEG or JPEG-LS picture has its end marker, which coded pixels cannot hold, but for padding as its last bytes.

    Without it libjpeg fills the rest with grey in silence, and CharLS 2 may never return.
    """
    if data.rfind(b"\xff\xd9", max(0, len(data) - 64)) < 0:
        raise ValueError("the coded picture has no end")


def _require_shape(decoded: NDArray[Any], out: Plane) -> None:
    if decoded.shape != out.shape:
        raise ValueError(f"the coded picture has shape {decoded.shape}")


Coding = Literal["rle", "jpeg", "jpeg lossless", "jpeg-ls", "jpeg 2000"]


@dataclass(frozen=True, slots=True)
class Codec:
    """One transfer syntax: its UID, a name for people, whether it loses detail, its coding and its decoder."""

    uid: str
    name: str
    lossy: bool
    coding: Coding
    decode: Callable[[bytes, Plane], None]


CODECS: dict[str, Codec] = {
    codec.uid: codec
    for codec in (
        Codec("1.2.840.10008.1.2.5", "RLE", False, "rle", _rle),
        Codec("1.2.840.10008.1.2.4.50", "JPEG baseline", True, "jpeg", _jpeg),
        Codec("1.2.840.10008.1.2.4.51", "JPEG extended", True, "jpeg", _jpeg),
        Codec("1.2.840.10008.1.2.4.57", "JPEG lossless (process 14)", False, "jpeg lossless", _jpeg_lossless),
        Codec("1.2.840.10008.1.2.4.70", "JPEG lossless (SV1)", False, "jpeg lossless", _jpeg_lossless),
        Codec("1.2.840.10008.1.2.4.80", "JPEG-LS lossless", False, "jpeg-ls", _jpegls),
        Codec("1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless", True, "jpeg-ls", _jpegls),
        Codec("1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", False, "jpeg 2000", _jpeg2k),
        Codec("1.2.840.10008.1.2.4.91", "JPEG 2000", True, "jpeg 2000", _jpeg2k),
        Codec("1.2.840.10008.1.2.4.201", "high-throughput JPEG 2000 lossless", False, "jpeg 2000", _jpeg2k),
        Codec("1.2.840.10008.1.2.4.202", "high-throughput JPEG 2000 lossless (RPCL)", False, "jpeg 2000", _jpeg2k),
        Codec("1.2.840.10008.1.2.4.203", "high-throughput JPEG 2000", True, "jpeg 2000", _jpeg2k),
    )
}


_NATIVE_NAMES = {
    IMPLICIT_LITTLE: "raw, implicit VR",
    EXPLICIT_LITTLE: "raw",
    DEFLATED_LITTLE: "deflated",
    EXPLICIT_BIG: "raw, big endian",
}


def syntax_name(transfer_syntax: str) -> str:
    """A name for people; the UID itself where there is none."""
    codec = CODECS.get(transfer_syntax)
    return codec.name if codec else _NATIVE_NAMES.get(transfer_syntax, transfer_syntax)


def is_known(transfer_syntax: str) -> bool:
    """Whether pixels of this transfer syntax can be read."""
    return transfer_syntax in NATIVE or transfer_syntax in CODECS


def decode_into(transfer_syntax: str, encapsulated: bytes, out: Plane, path: str) -> None:
    """Decode the only frame of `encapsulated` (PS3.5 A.4: offset table, fragments) into `out`, (row, column).

    Raises
    ------
    DamagedFileError
        Fragments are cut short, the coded picture is broken or has another shape than `out`.
    """
    codec = CODECS[transfer_syntax]
    coded = frame_bytes(encapsulated, path)
    try:
        codec.decode(coded, out)
    except Exception as error:  # noqa: BLE001  (each codec has its own error classes; all mean the same here)
        raise DamagedFileError(
            f"{codec.name} pixels do not decode to {out.shape[0]} x {out.shape[1]} pixels: {error}",
            where=path,
            way_out="Copy or send the file again.",
        ) from None


_item = Struct("<HHI").unpack_from


def frame_bytes(encapsulated: bytes, path: str) -> bytes:
    """All fragments of a single-frame object joined, without the offset table."""
    fragments: list[bytes] = []
    pos, size = 0, len(encapsulated)
    while pos + 8 <= size:
        group, element, length = _item(encapsulated, pos)
        pos += 8
        if (group, element) == (0xFFFE, 0xE0DD):
            break
        if (group, element) != (0xFFFE, 0xE000) or length == UNDEFINED or pos + length > size:
            raise DamagedFileError(
                "the compressed pixels are cut short or their fragments are broken",
                where=path,
                way_out="Copy or send the file again.",
            )
        fragments.append(encapsulated[pos : pos + length])
        pos += length
    if len(fragments) < 2:
        raise DamagedFileError("there are no compressed pixels in it", where=path)
    return fragments[1] if len(fragments) == 2 else b"".join(fragments[1:])
