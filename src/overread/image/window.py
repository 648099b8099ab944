"""Display windows. Display only: a window never feeds a measurement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError


@dataclass(frozen=True, slots=True)
class Window:
    """A grey window in the unit of the image: `center` and `width` (> 1), and a name for people."""

    center: float
    width: float
    name: str = ""

    def __post_init__(self) -> None:
        if not self.width > 1:
            raise UsageError(f"window width is {self.width}, expected more than 1")

    def apply(self, image: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Grey values 0..255 by the LINEAR function of DICOM PS3.3 C.11.2.1.2.1; any shape, NaN is black."""
        low = self.center - 0.5 - (self.width - 1) / 2
        grey = (np.asarray(image, dtype=np.float32) - np.float32(low)) * np.float32(255 / (self.width - 1))
        shown: NDArray[np.uint8] = np.clip(np.nan_to_num(grey, nan=0.0) + 0.5, 0, 255).astype(np.uint8)
        return shown


LUNG = Window(-600, 1500, "lung")
SOFT_TISSUE = Window(40, 400, "soft tissue")
PULMONARY_PAPER = Window(-831.1, 1450, "lung, level -831.1")
"""Window width and level that the survey of Dong, Xiong and Zhang quotes for nodule reading."""
