"""One picture that nothing places in the patient: its verdict, and what its lengths are worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from overread.geometry import Fault, Policy, Severity, Verdict
from overread.geometry.stack import verdict_of
from overread.image import NO_SCALE, Calibration, PixelScale


def unknown_sides() -> Fault:
    """Neither the pixels nor the header say which side is which."""
    message = "pictures do not say where left and right, head and feet are"
    return Fault("orientation_unknown", Severity.WARNING, message)


def picture_verdict(scale: PixelScale, faults: Iterable[Fault], policy: Policy) -> Verdict:
    """The verdict of one picture with these faults: its sides are unknown, and where its millimetres come from."""
    words = f"lengths: {scale.calibration.value} ({scale.words})"
    return verdict_of([unknown_sides(), *faults, Fault("calibration", Severity.NOTE, words)], policy, {"frames": 1})


def callers_scale(spacing_mm: tuple[float, float]) -> PixelScale:
    """(row, column) spacing on the user's word."""
    return PixelScale.of(Calibration.CALLER, spacing_mm, "given with the picture")


def header_scale(spacing_mm: Sequence[float]) -> PixelScale:
    """What a header with two axes says of lengths, (row, column) mm; nothing where it gives none, or 1 x 1.

    Raises
    ------
    ValueError
        Not two lengths above 0.
    """
    if not spacing_mm:
        return NO_SCALE
    row, column = spacing_mm
    if not (math.isfinite(row) and math.isfinite(column) and row > 0 and column > 0):
        raise ValueError("spacing")
    if (row, column) == (1, 1):
        return PixelScale.of(Calibration.NONE, None, "the header says 1 x 1, as programs write when nobody told them")
    return PixelScale.of(Calibration.UNSAID, (row, column), "spacing of a picture that does not say how it was found")
