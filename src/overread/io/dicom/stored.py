"""Stored samples of one frame, colour or grey, as they are in the file. What they mean is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import DamagedFileError
from overread.io.dicom.codecs import CODECS, NATIVE, require_end
from overread.io.dicom.fallback import coded_frame, native_bytes
from overread.io.dicom.frames import frame_bytes_at
from overread.io.dicom.header import Header
from overread.io.dicom.pixels import stored_dtype

Samples = NDArray[Any]


def read_samples(header: Header, planar: bool) -> Samples:
    """Samples of the frame `header.frame_number`.

    Parameters
    ----------
    planar : bool
        Planar Configuration 1: one plane a colour after the other (native pixels only; codecs say it themselves).

    Returns
    -------
    (row, column) or (row, column, sample) of the stored type; colour spaces are left as they are, except that JPEG
    and JPEG 2000 undo the transform that belongs to their own coding.

    Raises
    ------
    DamagedFileError
        Fewer bytes than pixels, or coded pixels that do not decode.
    """
    shared = header.shared
    if shared.transfer_syntax in NATIVE:
        return _native(header, planar)
    if header.pixel_offset < 0:
        coded = coded_frame(header)
    else:
        frames, index = max(1, shared.frames), header.frame_number - 1
        coded = frame_bytes_at(header.path, header.pixel_offset, header.file_size, frames, index)
    codec = CODECS[shared.transfer_syntax]
    try:
        decoded = _decoder_of(codec.name)(coded, header)
    except Exception as error:  # noqa: BLE001  (each codec has its own error classes; all mean the same here)
        raise _damaged(header, f"{codec.name} pixels do not decode: {error}") from None
    expected: tuple[int, ...] = (shared.rows, shared.columns)
    expected += (shared.samples,) if shared.samples > 1 else ()
    if decoded.shape != expected:
        raise _damaged(header, f"{codec.name} pixels have shape {decoded.shape}, the header says {expected}")
    if decoded.dtype.itemsize != stored_dtype(shared).itemsize:
        decoded = decoded.astype(stored_dtype(shared))
    return decoded.view(stored_dtype(shared)) if decoded.flags.c_contiguous else decoded.astype(stored_dtype(shared))


def _native(header: Header, planar: bool) -> Samples:
    shared = header.shared
    rows, columns, samples = shared.rows, shared.columns, shared.samples
    subsampled = shared.photometric == "YBR_FULL_422"
    count = rows * columns * (2 if subsampled else samples)
    if shared.bits_allocated == 1:
        return _one_bit(header, count)
    dtype = stored_dtype(shared)
    raw = native_bytes(header, (header.frame_number - 1) * count * dtype.itemsize, count * dtype.itemsize)
    if len(raw) < count * dtype.itemsize:
        raise _damaged(header, f"the pixels are cut short: {len(raw)} of {count * dtype.itemsize} bytes are there")
    flat = np.frombuffer(raw, dtype)
    if subsampled:
        return _spread_422(flat.reshape(rows, columns // 2, 4))
    if samples == 1:
        return flat.reshape(rows, columns)
    if planar:
        return np.ascontiguousarray(flat.reshape(samples, rows, columns).transpose(1, 2, 0))
    return flat.reshape(rows, columns, samples)


def _one_bit(header: Header, count: int) -> Samples:
    """Frames of single bits follow each other without padding, lowest bit first (PS3.5 8.1.1)."""
    first = (header.frame_number - 1) * count
    raw = native_bytes(header, first // 8, (first % 8 + count + 7) // 8)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")[first % 8 :][:count]
    if len(bits) < count:
        raise _damaged(header, f"the pixels are cut short: {len(bits)} of {count} bits are there")
    return bits.reshape(header.shared.rows, header.shared.columns)


def _spread_422(pairs: Samples) -> Samples:
    """(row, pair, [Y1 Y2 Cb Cr]) to (row, column, [Y Cb Cr]) (PS3.3 C.7.6.3.1.2)."""
    rows, half, _ = pairs.shape
    out = np.empty((rows, half, 2, 3), pairs.dtype)
    out[..., 0] = pairs[..., :2]
    out[..., 1] = pairs[..., 2:3]
    out[..., 2] = pairs[..., 3:4]
    return out.reshape(rows, 2 * half, 3)


def _decoder_of(name: str) -> Callable[[bytes, Header], Samples]:
    table: tuple[tuple[str, Callable[[bytes, Header], Samples]], ...] = (
        ("RLE", _rle),
        ("JPEG-LS", _jpegls),
        ("JPEG lossless", _jpeg_lossless),
        ("JPEG 2000", _jpeg2k),
        ("high-throughput", _jpeg2k),
        ("JPEG", _jpeg),
    )
    return next(decode for prefix, decode in table if name.startswith(prefix))


def _rle(coded: bytes, header: Header) -> Samples:
    """Segments are planes, one a byte of a sample; a short one is found by decoding onto two grounds."""
    from imagecodecs import dicomrle_decode  # noqa: PLC0415

    shared = header.shared
    dtype = stored_dtype(shared)
    size = shared.rows * shared.columns * shared.samples * dtype.itemsize
    grounds = [np.full(size, fill, np.uint8) for fill in (0, 255)]
    for ground in grounds:
        dicomrle_decode(coded, dtype=dtype, out=ground)  # type: ignore[arg-type]
    if not np.array_equal(grounds[0], grounds[1]):
        raise ValueError("a segment decodes to fewer bytes than the picture has")
    planes = grounds[0].view(dtype).reshape(shared.samples, shared.rows, shared.columns)
    return planes[0] if shared.samples == 1 else np.ascontiguousarray(planes.transpose(1, 2, 0))


def _jpegls(coded: bytes, header: Header) -> Samples:
    from imagecodecs import jpegls_decode  # noqa: PLC0415

    require_end(coded)
    return jpegls_decode(coded)


def _jpeg_lossless(coded: bytes, header: Header) -> Samples:
    from imagecodecs import jpegsof3_decode  # noqa: PLC0415

    require_end(coded)
    return np.ascontiguousarray(jpegsof3_decode(coded))


def _jpeg2k(coded: bytes, header: Header) -> Samples:
    from imagecodecs import jpeg2k_decode  # noqa: PLC0415

    return np.ascontiguousarray(jpeg2k_decode(coded))


def _jpeg(coded: bytes, header: Header) -> Samples:
    """RGB for colour: the header's word on the colour space is taken unless the JPEG stream itself says otherwise."""
    from imagecodecs import jpeg8_decode  # noqa: PLC0415

    require_end(coded)
    if header.shared.samples == 1:
        return jpeg8_decode(coded)
    head = coded[:1024]
    adobe = head.find(b"\xff\xee\0\x0eAdobe")  # a shorter APP14 is no Adobe marker (libjpeg: jdmarker.c)
    if 0 <= adobe < len(head) - 15:
        is_rgb = head[adobe + 15] == 0
    else:
        is_rgb = header.shared.photometric == "RGB" and b"JFIF\0" not in head[:32]
    return jpeg8_decode(coded, colorspace="RGB" if is_rgb else "YCBCR", outcolorspace="RGB")


def undoes_colour(transfer_syntax: str) -> bool:
    """Whether decoding already gives RGB: JPEG baseline and extended, and JPEG 2000 with its own transforms."""
    name = CODECS[transfer_syntax].name if transfer_syntax in CODECS else ""
    return name in ("JPEG baseline", "JPEG extended")


def _damaged(header: Header, what: str) -> DamagedFileError:
    return DamagedFileError(what, where=header.path, way_out="Copy or send the file again.")
