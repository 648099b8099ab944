"""Where a length in the picture plane comes from, and how far it may be off. A length without one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from overread.errors import GeometryError


class Calibration(StrEnum):
    """Evidence behind the millimetres of a picture, best first."""

    PATIENT = "patient"
    """Voxels of a cross-sectional scanner: lengths in the patient."""
    FIDUCIAL = "fiducial"
    """An object of known size was in the picture (0028,0A02 = FIDUCIAL)."""
    GEOMETRY = "geometry"
    """The detector's pixels divided by an estimated magnification (0028,0A02 = GEOMETRY)."""
    REGION = "ultrasound region"
    """Sequence of Ultrasound Regions (0018,6011), in cm a pixel."""
    MAGNIFICATION = "detector, corrected"
    """Imager Pixel Spacing divided by the magnification factor or by source distances."""
    UNSAID = "pixel spacing of unknown origin"
    """Pixel Spacing of a projection picture that does not say how it was calibrated."""
    NOMINAL = "nominal scan"
    """Nominal Scanned Pixel Spacing: millimetres on the film, not in the patient."""
    DETECTOR = "detector plane"
    """Imager Pixel Spacing alone: too large by a magnification that is not known."""
    CALLER = "on the caller's word"
    NONE = "none"
    """Only pixels."""


@dataclass(frozen=True, slots=True)
class PixelScale:
    """Millimetres of a pixel, with their evidence.

    Parameters
    ----------
    spacing_mm : (row, column) or None
        Distance between neighbouring rows and columns; None where nothing tells it.
    relative_error : float
        Half-width at 95 % of what the calibration alone adds to a length, as a share of it.
    words : str
        One sentence for people.
    """

    calibration: Calibration
    spacing_mm: tuple[float, float] | None
    relative_error: float
    words: str

    def require_mm(self) -> tuple[float, float]:
        """The spacing, (row, column) mm; `GeometryError` where there is none."""
        if self.spacing_mm is None:
            raise GeometryError(
                f"lengths are asked in mm, but the picture has no calibration ({self.words})",
                way_out="Give the distance between pixels yourself, or ask for ratios and pixels.",
            )
        return self.spacing_mm


NO_SCALE = PixelScale(Calibration.NONE, None, float("inf"), "nothing says how large a pixel is")
