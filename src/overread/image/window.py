"""Display windows. Display only: a window never feeds a measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError


class WindowFunction(StrEnum):
    """How values become grey (VOI LUT Function, DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3)."""

    LINEAR = "LINEAR"
    """A ramp between whole values: black up to center - 0.5 - (width - 1) / 2."""
    LINEAR_EXACT = "LINEAR_EXACT"
    """A ramp from center - width / 2 to center + width / 2."""
    SIGMOID = "SIGMOID"
    """A film-like curve without ends; its slope at the center is that of a ramp of this width."""


@dataclass(frozen=True, slots=True)
class Window:
    """A grey window in the unit of the image: `center` and `width`, and a name for people.

    `width` is above 1 for a LINEAR window, above 0 for others.
    """

    center: float
    width: float
    name: str = ""
    function: WindowFunction = WindowFunction.LINEAR

    def __post_init__(self) -> None:
        least = self.least_width(self.function)
        if not self.width > least:
            raise UsageError(f"window width is {self.width}, expected more than {least}")

    @staticmethod
    def least_width(function: WindowFunction) -> int:
        """What a width must be above."""
        return 1 if function is WindowFunction.LINEAR else 0

    def apply(self, image: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Grey values 0..255; any shape, NaN is black."""
        values = np.asarray(image, dtype=np.float32)
        if self.function is WindowFunction.SIGMOID:
            steep = np.clip((values - np.float32(self.center)) * np.float32(-4 / self.width), -80, 80)
            grey = np.float32(255) / (1 + np.exp(steep))
        else:
            is_exact = self.function is WindowFunction.LINEAR_EXACT
            span = self.width if is_exact else self.width - 1
            low = self.center - span / 2 - (0.0 if is_exact else 0.5)
            grey = (values - np.float32(low)) * np.float32(255 / span)
        shown: NDArray[np.uint8] = np.clip(np.nan_to_num(grey, nan=0.0) + 0.5, 0, 255).astype(np.uint8)
        return shown

    def turned_over(self, turn: float) -> Window:
        """What shows `turn` - v as the negative of what this window makes of v."""
        half = 1 if self.function is WindowFunction.LINEAR else 0  # LINEAR is symmetric about center - 0.5
        return replace(self, center=turn - self.center + half)


LUNG = Window(-600, 1500, "lung")
SOFT_TISSUE = Window(40, 400, "soft tissue")
PULMONARY_PAPER = Window(-831.1, 1450, "lung, level -831.1")
"""Window width and level that the survey of Dong, Xiong and Zhang quotes for nodule reading."""
