"""Where a length in the picture plane comes from, and how far it may be off. A length without one is refused."""

from __future__ import annotations

import math
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


RELATIVE_ERRORS: dict[Calibration, tuple[float, float]] = {
    Calibration.PATIENT: (0.0, 0.0),
    Calibration.FIDUCIAL: (-0.02, 0.02),  # the known size, and finding its edges
    Calibration.GEOMETRY: (-0.05, 0.05),  # the depth of the body part in the beam is estimated
    Calibration.MAGNIFICATION: (-0.05, 0.05),  # as above: the factor is that of one plane
    Calibration.REGION: (-0.02, 0.02),  # speed of sound away from 1540 m/s
    Calibration.NOMINAL: (-0.3, 0.3),  # the film was a projection, and may have been printed smaller
    Calibration.UNSAID: (-0.3, 0.3),
    Calibration.DETECTOR: (-0.3, 0.0),  # magnified by 1.0 to 1.4 at usual distances, never made smaller
    Calibration.CALLER: (0.0, 0.0),
    Calibration.NONE: (-1.0, math.inf),
}
"""How far true lengths may lie from measured ones, from the usual spread of magnification (PS3.3 C.8.7.4, C.8.11.7)."""


@dataclass(frozen=True, slots=True)
class PixelScale:
    """Millimetres of a pixel, with their evidence.

    Parameters
    ----------
    spacing_mm : (row, column) or None
        Distance between neighbouring rows and columns; None where nothing tells it.
    relative_error : (lowest, highest)
        Of (true length - measured length) / measured length, at 95 %: what the calibration alone adds. One-sided where
        it can only err to one side.
    words : str
        One sentence for people.
    """

    calibration: Calibration
    spacing_mm: tuple[float, float] | None
    relative_error: tuple[float, float]
    words: str

    @classmethod
    def of(cls, calibration: Calibration, spacing_mm: tuple[float, float] | None, words: str) -> PixelScale:
        """With the usual error of its class."""
        return cls(calibration, spacing_mm, RELATIVE_ERRORS[calibration], words)

    def length_bounds_mm(self, length_mm: float) -> tuple[float, float]:
        """Between which lengths the true one lies, as far as the calibration goes, for a measured one."""
        low, high = self.relative_error
        return length_mm * (1 + low), length_mm * (1 + high)

    def require_mm(self) -> tuple[float, float]:
        """The spacing, (row, column) mm; `GeometryError` where there is none."""
        if self.spacing_mm is None:
            raise GeometryError(
                f"lengths are asked in mm, but the picture has no calibration ({self.words})",
                way_out="Give the distance between pixels yourself, or ask for ratios and pixels.",
            )
        return self.spacing_mm


NO_SCALE = PixelScale.of(Calibration.NONE, None, "nothing says how large a pixel is")
