"""How stored grey values of a picture become values, and what shows them: modality LUT, turn, windows, VOI LUT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut

from overread.geometry import Fault, Severity
from overread.image import Window
from overread.io.dicom.header import Shared
from overread.io.dicom.pixels import padding_range
from overread.io.dicom.windows import is_window_function, windows_from


class Values(NamedTuple):
    """(row, column) values, and how many of them are padding that was not turned over."""

    array: NDArray[Any]
    padded: int


@dataclass(frozen=True, slots=True, eq=False)
class Display:
    """How stored grey values become values, and what shows them, in those values.

    `turn` is the sum of the lowest and highest possible value of a MONOCHROME1 picture: v becomes turn - v. `padding`
    is the range of stored values that mark no part of the picture; `darkest` is what they become in a turned picture.
    """

    dataset: Dataset
    changes: bool
    turn: float | None
    windows: tuple[Window, ...]
    voi_lut: tuple[int, NDArray[np.float32]] | None
    padding: tuple[int, int] | None = None
    darkest: float = 0.0

    @classmethod
    def of(cls, dataset: Dataset, shared: Shared) -> Display:
        """From the image pixel group of a frame."""
        changes = "ModalityLUTSequence" in dataset or _rescale(dataset) != (1.0, 0.0)
        plain = cls(
            dataset,
            changes,
            None,
            windows_from(_centers_and_widths(dataset), _function_name(dataset)),
            _voi_lut(dataset),
        )
        if dataset.get("PhotometricInterpretation", "") != "MONOCHROME1":
            return plain
        ends = _possible_values(dataset)
        return replace(plain, turn=sum(ends), padding=padding_range(shared), darkest=min(ends))._turned()

    def _turned(self) -> Display:
        turn = self.turn or 0.0
        windows = tuple(window.turned_over(turn) for window in self.windows)
        lut = None
        if self.voi_lut is not None:
            first, table = self.voi_lut
            lut = (round(turn) - first - len(table) + 1, (1 - table[::-1]).astype(np.float32))
        return replace(self, windows=windows, voi_lut=lut)

    def values(self, stored: NDArray[Any]) -> Values:
        """(row, column) stored values to values: the stored type where nothing changes them, else float32.

        Padding of a picture that is turned over would glare; it becomes the darkest value instead.
        """
        values = apply_modality_lut(stored, self.dataset).astype(np.float32) if self.changes else stored
        if self.turn is None:
            return Values(values, 0)
        if values.dtype == np.float32:
            values = np.float32(self.turn) - values
        else:
            values = (round(self.turn) - values.astype(np.int64)).astype(values.dtype)
        if self.padding is None:
            return Values(values, 0)
        mask = (stored >= self.padding[0]) & (stored <= self.padding[1])
        values[mask] = self.darkest
        return Values(values, int(np.count_nonzero(mask)))


def padding_faults(padded: int) -> list[Fault]:
    """A note of padding that was kept dark."""
    if not padded:
        return []
    message = f"{padded} pixels marked as padding were made as dark as can be, not turned over into bright"
    return [Fault("padding_darkened", Severity.NOTE, message)]


def window_faults(dataset: Dataset) -> list[Fault]:
    """A warning where windows are given for a function that does not exist."""
    if not _centers_and_widths(dataset) or is_window_function(_function_name(dataset)):
        return []
    message = "its display windows are for a function that is not known; they are not used"
    return [Fault("window_unknown", Severity.WARNING, message)]


def _function_name(dataset: Dataset) -> str:
    return str(dataset.get("VOILUTFunction", "") or "").strip()


def _rescale(dataset: Dataset) -> tuple[float, float]:
    slope, intercept = dataset.get("RescaleSlope", None), dataset.get("RescaleIntercept", None)
    return (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))


def _possible_values(dataset: Dataset) -> tuple[float, float]:
    """Lowest and highest value that Bits Stored, or the modality LUT, allow."""
    if "ModalityLUTSequence" in dataset:
        bits = int(dataset.ModalityLUTSequence[0].LUTDescriptor[2])
        return 0.0, float(2**bits - 1)
    bits = int(dataset.BitsStored)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dataset.get("PixelRepresentation", 0) else (0, 2**bits - 1)
    slope, intercept = _rescale(dataset)
    return float(low * slope + intercept), float(high * slope + intercept)


def _centers_and_widths(dataset: Dataset) -> list[tuple[float, float]]:
    centers, widths = (numbers(dataset.get(name, None)) for name in ("WindowCenter", "WindowWidth"))
    return list(zip(centers, widths, strict=False))


def numbers(value: Any) -> list[float]:
    """Values of a decimal string element; empty where it is absent."""
    if value is None or value == "":
        return []
    many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [float(one) for one in many]


def _voi_lut(dataset: Dataset) -> tuple[int, NDArray[np.float32]] | None:
    """The first table of the VOI LUT Sequence (PS3.3 C.11.2.1.1), scaled to 0..1."""
    items = dataset.get("VOILUTSequence", None)
    if not items:
        return None
    count, first, bits = (int(one) for one in items[0].LUTDescriptor)
    count = count or 65536
    data = items[0].LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if len(data) >= 2 * count else "u1")
    table = np.asarray(data, np.float32)[:count] / np.float32(2**bits - 1)
    if len(table) < count:
        raise ValueError("the VOI LUT is shorter than it says")
    if first >= 32768 and dataset.get("PixelRepresentation", 0):
        first -= 65536
    return first, table
