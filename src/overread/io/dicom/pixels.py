"""Pixels of one DICOM file: stored bits into a slice, checked, padded with air and rescaled. No geometry."""

from __future__ import annotations

from dataclasses import dataclass
from io import FileIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from overread.errors import DamagedFileError, InputError
from overread.io.dicom.codecs import NATIVE, decode_into
from overread.io.dicom.header import Header, Shared

AIR_HU = -1024
"""What pixels outside the scanned field become: the lowest value of the usual 12-bit HU scale."""
_TISSUE_FROM_HU = -900  # a padding value above this could be lung: it is left alone
_NOT_TISSUE_HU = -1200  # all four corners at one value below this are padding, even without the tag
_MAY_OVERFLOW = 1e28  # times the largest stored integer, near the end of float32
_INT16 = np.iinfo(np.int16)


class SliceReport(NamedTuple):
    """What reading one slice found. `fits` is False when the rescaled values need more than int16."""

    fits: bool
    padded: int = 0
    padding_hu: float = np.nan
    undeclared_padding: bool = False
    bits_cleaned: bool = False
    not_finite: int = 0


@dataclass(frozen=True, slots=True)
class Rescale:
    """How stored values become values, and whether these are HU (then padding becomes air)."""

    slope: float
    intercept: float
    is_hu: bool

    @property
    def is_integer(self) -> bool:
        """Both are whole numbers that int16 arithmetic can carry."""
        whole = self.slope.is_integer() and self.intercept.is_integer()
        return whole and 1 <= abs(self.slope) <= _INT16.max and _INT16.min <= self.intercept <= _INT16.max


def stored_dtype(shared: Shared) -> np.dtype[Any]:
    """Type of the stored pixels: 8, 16 or 32 bits, signed or not, or real; single bits are held in 8."""
    if shared.float_bits:
        return np.dtype(f"<f{shared.float_bits // 8}")
    if shared.bits_allocated == 1:
        return np.dtype(np.uint8)
    return np.dtype(f"<{'i' if shared.signed else 'u'}{shared.bits_allocated // 8}")


def read_int16(header: Header, out: NDArray[np.int16], rescale: Rescale) -> SliceReport:
    """Read one file into `out`, (row, column) int16 and contiguous, rescaled in place.

    With `fits` False in the report, `out` holds stored bits and the caller reads again with `read_float32`.
    """
    dtype = stored_dtype(header.shared)
    if dtype.itemsize == 2:
        stored: NDArray[Any] = out.view(dtype)
        read_stored(header, stored)
    else:
        stored = np.empty(out.shape, dtype)
        read_stored(header, stored)
    report, low, high, mask = _clean(header.shared, stored, rescale)
    ends = (low * rescale.slope + rescale.intercept, high * rescale.slope + rescale.intercept)
    if min(ends) < _INT16.min or max(ends) > _INT16.max:
        return SliceReport(fits=False)
    if dtype.itemsize != 2:
        np.copyto(out, stored, casting="unsafe")  # wraps; the sum below wraps back, since the ends fit
    if rescale.slope != 1:
        out *= np.int16(rescale.slope)
    if rescale.intercept != 0:
        out += np.int16(rescale.intercept)
    if mask is not None:
        out[mask] = AIR_HU
    return report


def read_float32(header: Header, out: NDArray[np.float32], rescale: Rescale) -> SliceReport:
    """Read one file into `out`, (row, column) float32, rescaled."""
    stored = np.empty(out.shape, stored_dtype(header.shared))
    read_stored(header, stored)
    if header.shared.float_bits:
        report, mask = _look_at_reals(header.shared, stored, rescale)
    else:
        report, _, _, mask = _clean(header.shared, stored, rescale)
    with np.errstate(invalid="ignore", over="ignore"):  # what becomes no number is counted
        np.multiply(stored, rescale.slope, out=out, casting="unsafe")
        out += np.float32(rescale.intercept)
    if mask is not None:
        out[mask] = AIR_HU
    if header.shared.float_bits or abs(rescale.slope) > _MAY_OVERFLOW:
        return report._replace(not_finite=int(np.count_nonzero(~np.isfinite(out))))
    return report


def _clean(
    shared: Shared, stored: NDArray[Any], rescale: Rescale
) -> tuple[SliceReport, int, int, NDArray[np.bool_] | None]:
    """Mask padding and mend unused bits in `stored`; returns report, lowest and highest value, padding mask."""
    mask = _declared_padding(shared, stored, rescale)
    if mask is not None:
        padding = stored[np.unravel_index(np.argmax(mask), mask.shape)]
        stored[mask] = _air_in(stored.dtype, rescale)
    cleaned = False
    low, high = int(stored.min()), int(stored.max())
    if _outside_stored_bits(shared, low, high):
        _keep_stored_bits(shared, stored)
        cleaned = not (shared.signed and shared.transfer_syntax not in NATIVE)  # codecs do not extend the sign
        low, high = int(stored.min()), int(stored.max())
    undeclared = False
    if mask is None and rescale.is_hu and low * rescale.slope + rescale.intercept < _NOT_TISSUE_HU:
        mask = _corner_padding(stored, rescale)
        if mask is not None:
            undeclared, padding = True, stored[0, 0]
            stored[mask] = _air_in(stored.dtype, rescale)
            low, high = int(stored.min()), int(stored.max())
    if mask is None:
        return SliceReport(fits=True, bits_cleaned=cleaned), low, high, None
    count = int(np.count_nonzero(mask))
    value = float(padding) * rescale.slope + rescale.intercept
    return SliceReport(True, count, value, undeclared, cleaned), low, high, mask


def _look_at_reals(
    shared: Shared, stored: NDArray[Any], rescale: Rescale
) -> tuple[SliceReport, NDArray[np.bool_] | None]:
    """Report and padding mask of pixels that are real numbers; there are no unused bits, and nothing is guessed."""
    value = shared.float_padding * rescale.slope + rescale.intercept
    if not (rescale.is_hu and value <= _TISSUE_FROM_HU):
        return SliceReport(fits=False), None
    mask: NDArray[np.bool_] = stored == stored.dtype.type(shared.float_padding)
    return SliceReport(False, int(np.count_nonzero(mask)), value), mask


def padding_range(shared: Shared) -> tuple[int, int] | None:
    """Lowest and highest stored value that mark "outside the scanned field", or None.

    The tag is read by the signedness of the pixels, whatever VR it was written with: some archives write the
    signed -2000 as unsigned 63536.
    """
    if len(shared.padding) < 2:
        return None
    first = int.from_bytes(shared.padding[:2], "little", signed=shared.signed)
    if len(shared.padding_limit) < 2:
        return first, first
    second = int.from_bytes(shared.padding_limit[:2], "little", signed=shared.signed)
    return min(first, second), max(first, second)


def padding_is_tissue(shared: Shared, rescale: Rescale) -> bool:
    """Whether the padding value is one that tissue may have, so that it must not be turned to air."""
    limits = padding_range(shared)
    if limits is None or not rescale.is_hu:
        return False
    return max(end * rescale.slope + rescale.intercept for end in limits) > _TISSUE_FROM_HU


def _declared_padding(shared: Shared, stored: NDArray[Any], rescale: Rescale) -> NDArray[np.bool_] | None:
    limits = padding_range(shared)
    if limits is None or not rescale.is_hu or padding_is_tissue(shared, rescale):
        return None
    low, high = limits
    info = np.iinfo(stored.dtype)
    if high < info.min or low > info.max:
        return None
    mask: NDArray[np.bool_]
    mask = stored == low if low == high else (stored >= max(low, info.min)) & (stored <= min(high, info.max))
    return mask if mask.any() else None


def _corner_padding(stored: NDArray[Any], rescale: Rescale) -> NDArray[np.bool_] | None:
    corners = stored[:: max(1, stored.shape[0] - 1), :: max(1, stored.shape[1] - 1)]
    value = corners.flat[0]
    if float(value) * rescale.slope + rescale.intercept >= _NOT_TISSUE_HU or (corners != value).any():
        return None
    mask: NDArray[np.bool_] = stored == value
    return mask


def _air_in(dtype: np.dtype[Any], rescale: Rescale) -> int:
    """The stored value nearest to air, so that padding does not widen the range of a slice."""
    info = np.iinfo(dtype)
    return int(np.clip(round((AIR_HU - rescale.intercept) / rescale.slope), info.min, info.max))


def _outside_stored_bits(shared: Shared, low: int, high: int) -> bool:
    if shared.high_bit != shared.bits_stored - 1:
        return True
    if shared.bits_stored == shared.bits_allocated:
        return False
    top = 1 << (shared.bits_stored - 1 if shared.signed else shared.bits_stored)
    return high >= top or low < (-top if shared.signed else 0)


def without_unused_bits(shared: Shared, stored: NDArray[Any]) -> NDArray[Any]:
    """Stored samples of any shape without bits that are not pixel data; a copy where there are any."""
    low, high = int(stored.min()), int(stored.max())
    if shared.bits_allocated == 1 or not _outside_stored_bits(shared, low, high):
        return stored
    mended = stored.copy()
    _keep_stored_bits(shared, mended)
    return mended


def _keep_stored_bits(shared: Shared, stored: NDArray[Any]) -> None:
    """Keep the bits from High Bit down and extend the sign (PS3.5 8.1.1: the others are not pixel data)."""
    stored <<= shared.bits_allocated - 1 - shared.high_bit
    stored >>= shared.bits_allocated - shared.bits_stored


def read_stored(header: Header, out: NDArray[Any]) -> None:
    """Stored bits of one file into `out`, (row, column), contiguous and of `stored_dtype`.

    Raises
    ------
    DamagedFileError
        Fewer bytes than rows x columns, or compressed pixels that do not decode.
    InputError
        The file cannot be opened or read any more.
    """
    shared = header.shared
    if shared.frames > 1:
        from overread.io.dicom.stored import read_samples  # noqa: PLC0415  (only where there are several frames)

        out[...] = read_samples(header, planar=False)
        return
    if header.pixel_offset < 0:
        from overread.io.dicom.fallback import stored_with_pydicom  # noqa: PLC0415  (a heavy library, seldom needed)

        stored_with_pydicom(header.path, header.shared.transfer_syntax, out)
        return
    try:
        with FileIO(header.path) as stream:
            stream.seek(header.pixel_offset)
            if shared.transfer_syntax in NATIVE:
                _read_native(stream, header, out)
                return
            encapsulated = stream.read(header.file_size - header.pixel_offset)
    except OSError as error:
        raise cannot_read(header.path, error) from None
    decode_into(shared.transfer_syntax, encapsulated, out, header.path)


def _read_native(stream: FileIO, header: Header, out: NDArray[Any]) -> None:
    target = memoryview(out.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    done, total = 0, out.nbytes
    if header.pixel_length >= total:
        while done < total:
            count = stream.readinto(target[done:])
            if not count:
                break
            done += count
    if done < total:
        raise DamagedFileError(
            f"the pixels are cut short: {min(done or header.pixel_length, total)} of {total} bytes are there",
            where=header.path,
            way_out="Copy or send the file again.",
        )


def cannot_read(path: str, error: OSError) -> InputError:
    """An `OSError` in our own words."""
    if isinstance(error, PermissionError):
        return InputError("no permission to read it", where=path, way_out="Change its permissions or copy it.")
    return InputError(f"it cannot be read ({error.strerror or type(error).__name__})", where=path)


def same_pixels(first: Header, second: Header) -> bool:
    """Whether two files show the same picture with the same rescale; a damaged one shows none."""
    a, b = first.shared, second.shared
    if a is not b and (a.rows, a.columns, a.signed, a.bits_allocated, a.slope, a.intercept) != (
        b.rows,
        b.columns,
        b.signed,
        b.bits_allocated,
        b.slope,
        b.intercept,
    ):
        return False
    planes = [np.empty((a.rows, a.columns), stored_dtype(a)) for _ in range(2)]
    try:
        read_stored(first, planes[0])
        read_stored(second, planes[1])
    except InputError:
        return False
    return bool((planes[0] == planes[1]).all())
