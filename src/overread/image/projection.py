"""Pictures that are no volume: one projection or photograph, and clips of frames. Brighter is always larger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.geometry import Verdict
from overread.image.calibration import NO_SCALE, PixelScale
from overread.image.source import Source
from overread.image.volume import Intensity
from overread.image.window import Window


@dataclass(frozen=True, slots=True)
class Region:
    """One calibrated part of an ultrasound picture: rows and columns [first, last), and its scale.

    `kind` is what it shows: "tissue", "colour flow", "spectral doppler", "m-mode" or "other".
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    kind: str
    scale: PixelScale


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """One picture: X-ray, mammogram, ultrasound still, secondary capture.

    Parameters
    ----------
    array : (row, column) uint8, uint16, int16 or float32; or (row, column, 3) uint8 RGB
        After the modality LUT or rescale; pictures stored as MONOCHROME1 are inverted, so that larger is brighter.
    scale : PixelScale
        Millimetres of a pixel and where they come from.
    windows : tuple of Window
        In the values of `array`.
    voi_lut : (first value, table) or None
        Values to display by table (0028,3010): value v shows as table[v - first], clipped at both ends; the table is
        scaled to 0..1. It takes the place of a window.
    regions : tuple of Region
        Of ultrasound; `scale` is that of the largest tissue region.
    """

    array: NDArray[Any]
    scale: PixelScale = NO_SCALE
    intensity: Intensity = Intensity.ARBITRARY
    source: Source = field(default_factory=lambda: Source(kind="array"))
    verdict: Verdict = field(default_factory=Verdict)
    windows: tuple[Window, ...] = ()
    voi_lut: tuple[int, NDArray[np.float32]] | None = None
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim not in (2, 3) or (self.array.ndim == 3 and self.array.shape[2] != 3):
            raise UsageError(f"a radiograph is (row, column) or (row, column, 3), got {self.array.shape}")

    @property
    def is_colour(self) -> bool:
        """Whether pixels are RGB."""
        return self.array.ndim == 3

    def grey(self) -> NDArray[Any]:
        """(row, column): `array` itself, or the luma (ITU-R BT.601) of a colour picture as float32."""
        return luma(self.array) if self.is_colour else self.array


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A clip, or pictures of equal size that have no place in space.

    Parameters
    ----------
    array : (frame, row, column) or (frame, row, column, 3) uint8 RGB
        As for `Radiograph`.
    time_s : (frame,) float64 or None
        When each frame was taken, from the first on.
    regions : tuple of Region
        Of ultrasound; `scale` is that of the largest tissue region.
    """

    array: NDArray[Any]
    scale: PixelScale = NO_SCALE
    intensity: Intensity = Intensity.ARBITRARY
    source: Source = field(default_factory=lambda: Source(kind="array"))
    verdict: Verdict = field(default_factory=Verdict)
    windows: tuple[Window, ...] = ()
    voi_lut: tuple[int, NDArray[np.float32]] | None = None
    time_s: NDArray[np.float64] | None = None
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim not in (3, 4) or (self.array.ndim == 4 and self.array.shape[3] != 3):
            raise UsageError(f"frames are (frame, row, column) or (frame, row, column, 3), got {self.array.shape}")
        if self.time_s is not None and len(self.time_s) != len(self.array):
            raise UsageError(f"{len(self.time_s)} times for {len(self.array)} frames")

    @property
    def is_colour(self) -> bool:
        """Whether pixels are RGB."""
        return self.array.ndim == 4

    def grey(self) -> NDArray[Any]:
        """(frame, row, column): `array` itself, or the luma of colour frames as float32."""
        return luma(self.array) if self.is_colour else self.array


@dataclass(frozen=True, slots=True, eq=False)
class PictureMask:
    """Integer labels on the pixels of a picture or a clip.

    Parameters
    ----------
    array : (row, column) or (frame, row, column) uint8 or uint16
        0 is background; label n is segment n.
    names : dict
        Label to plain words.
    """

    array: NDArray[np.integer[Any]]
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.array.ndim not in (2, 3) or self.array.dtype not in (np.uint8, np.uint16):
            raise UsageError(
                f"a mask of a picture is (row, column) or (frame, row, column) of uint8 or uint16, "
                f"got {self.array.shape} {self.array.dtype}"
            )

    @property
    def stack(self) -> NDArray[np.integer[Any]]:
        """(frame, row, column): one frame for a single picture."""
        return self.array if self.array.ndim == 3 else self.array[None]


def luma(rgb: NDArray[Any]) -> NDArray[np.float32]:
    """(..., 3) RGB to (...) luma by ITU-R BT.601, in the same range."""
    weights = np.array((0.299, 0.587, 0.114), np.float32)
    grey: NDArray[np.float32] = rgb.astype(np.float32) @ weights
    return grey
