"""Stored samples of one frame, colour or grey, as they are in the file. What they mean is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import DamagedFileError
from overread.io.dicom.codecs import CODECS, NATIVE, Coding, require_end
from overread.io.dicom.fallback import coded_frame, native_bytes
from overread.io.dicom.frames import frame_bytes_at
from overread.io.dicom.header import Header
from overread.io.dicom.pixels import cannot_read, stored_dtype

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
        Fewer bytes than pixels, or coded pixels that do not decode to what the header says.
    InputError
        The file cannot be opened or read any more.
    """
    try:
        if header.shared.transfer_syntax in NATIVE:
            return _native(header, planar)
        return _coded(header)
    except OSError as error:
        raise cannot_read(header.path, error) from None


def _coded(header: Header) -> Samples:
    shared, dtype = header.shared, stored_dtype(header.shared)
    if header.pixel_offset < 0:
        coded = coded_frame(header)
    else:
        frames, index = max(1, shared.frames), header.frame_number - 1
        coded = frame_bytes_at(header.path, header.pixel_offset, header.file_size, frames, index)
    codec = CODECS[shared.transfer_syntax]
    try:
        decoded = _DECODERS[codec.coding](coded, header)
    except Exception as error:  # noqa: BLE001  (each codec has its own error classes; all mean the same here)
        raise _damaged(header, f"{codec.name} pixels do not decode: {error}") from None
    expected: tuple[int, ...] = (shared.rows, shared.columns)
    expected += (shared.samples,) if shared.samples > 1 else ()
    if decoded.shape != expected:
        raise _damaged(header, f"{codec.name} pixels have shape {decoded.shape}, the header says {expected}")
    if decoded.dtype.itemsize > dtype.itemsize:
        bits = 8 * decoded.dtype.itemsize
        raise _damaged(header, f"{codec.name} pixels have {bits} bits, the header says {shared.bits_allocated}")
    return decoded.view(dtype) if decoded.dtype.itemsize == dtype.itemsize else decoded.astype(dtype)


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
    return np.ascontiguousarray(jpegls_decode(coded))


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


_DECODERS: dict[Coding, Callable[[bytes, Header], Samples]] = {
    "rle": _rle,
    "jpeg": _jpeg,
    "jpeg lossless": _jpeg_lossless,
    "jpeg-ls": _jpegls,
    "jpeg 2000": _jpeg2k,
}


def gives_rgb(transfer_syntax: str) -> bool:
    """Whether decoding a colour picture gives RGB whatever its photometric interpretation says."""
    return transfer_syntax in CODECS and CODECS[transfer_syntax].coding == "jpeg"


def _damaged(header: Header, what: str) -> DamagedFileError:
    return DamagedFileError(what, where=header.path, way_out="Copy or send the file again.")
