"""Real values to 16-bit stored values and back: whole numbers exactly, others to a decimal step as fine as fits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError

_MOST = 32767


@dataclass(frozen=True, slots=True, eq=False)
class StoredValues:
    """16-bit samples with `value = stored * slope + intercept`.

    Parameters
    ----------
    array : (slice, row, column) int16 or uint16
    slope, intercept : str
        As they stand in the file (DS, at most 16 characters).
    rounding : float
        Largest difference between a value and what its sample reads back as, in the unit of the values; 0 is exact.
    """

    array: NDArray[np.int16] | NDArray[np.uint16]
    slope: str
    intercept: str
    rounding: float

    @property
    def is_plain(self) -> bool:
        """Whether samples are the values."""
        return float(self.slope) == 1 and float(self.intercept) == 0


def _steps(at_least: float) -> Iterator[str]:
    """1, 2 and 5 times a power of ten, upwards from the largest that does not exceed `at_least`."""
    exponent = math.floor(math.log10(at_least))
    while True:
        yield from (f"{float(f'{digit}e{exponent}'):.9g}" for digit in (1, 2, 5))
        exponent += 1


def _is_whole(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iu" or all(np.array_equal(np.rint(plane), plane) for plane in values)


def store(values: NDArray[Any]) -> StoredValues:
    """Samples for a DICOM file.

    Whole numbers between -32768 and 65535 (of one sign bit) are their own samples. Otherwise the step is the
    smallest of 1, 2, 5 times a power of ten that fits the range into 16 bits: 0.1 HU for -1024..3071.

    Parameters
    ----------
    values : (slice, row, column) real

    Raises
    ------
    UsageError
        A value is not finite.
    """
    low, high = float(np.min(values)), float(np.max(values))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UsageError(
            f"values run from {low} to {high}, expected finite numbers",
            way_out="Replace what is not a number before the image is written.",
        )
    whole = _is_whole(values)
    if whole and low >= -32768 and high <= 32767:
        return StoredValues(values.astype(np.int16), "1", "0", 0.0)
    if whole and low >= 0 and high <= 65535:
        return StoredValues(values.astype(np.uint16), "1", "0", 0.0)
    span, middle = high - low, (low + high) / 2
    for slope in ("1",) if span == 0 else _steps(max(span / (2 * _MOST), 1.0 if whole else 0.0)):
        step = float(slope)
        intercept = f"{np.rint(middle / step) * step if span else middle:.9g}"
        ends = np.rint((np.array((low, high)) - float(intercept)) / step)
        if np.abs(ends).max() <= _MOST:
            return _by(values, slope, intercept)
    raise AssertionError  # steps grow without end


def _by(values: NDArray[Any], slope: str, intercept: str) -> StoredValues:
    step, zero = float(slope), float(intercept)
    array = np.empty(values.shape, np.int16)
    rounding = 0.0
    for plane, out in zip(values, array, strict=True):
        exact = plane.astype(np.float64)
        out[...] = np.rint((exact - zero) / step)
        rounding = max(rounding, float(np.abs(out * step + zero - exact).max()))
    return StoredValues(array, slope, intercept, rounding)
