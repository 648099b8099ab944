"""What callers say of files that do not say it themselves: checked, noted in the verdict, or refused."""

from __future__ import annotations

import math

from overread.errors import UsageError
from overread.geometry import Fault, Severity
from overread.image import Intensity

Spacing = tuple[float, float, float]
SpacingWord = Spacing | tuple[float, float]
"""(slice, row, column), or (row, column) of one picture; mm."""


def refuse_word(intensity: Intensity | None, spacing_mm: SpacingWord | None, where: str) -> None:
    """Raise `UsageError` when a file that knows its values and distances is told them."""
    if intensity is not None or spacing_mm is not None:
        raise UsageError(
            "DICOM files say themselves what their values and distances are",
            where=where,
            way_out="Leave intensity and spacing_mm out.",
        )


def refuse_spacing(spacing_mm: SpacingWord | None, where: str) -> None:
    """Raise `UsageError` when a file that knows its distances, but not what its values mean, is told them."""
    if spacing_mm is not None:
        raise UsageError("the file has its own spacing", where=where, way_out="Leave spacing_mm out.")


def require_lengths(spacing_mm: SpacingWord | None, expected: tuple[int, ...], where: str) -> None:
    """Raise `UsageError` unless a spacing, where given, is as many lengths above 0 as one of `expected`."""
    if spacing_mm is None:
        return
    if len(spacing_mm) not in expected or not all(math.isfinite(mm) and mm > 0 for mm in spacing_mm):
        kinds = {2: "two (row, column)", 3: "three (slice, row, column)"}
        raise UsageError(
            f"spacing_mm is {spacing_mm}, expected {' or '.join(kinds[n] for n in expected)} lengths above 0, in mm",
            where=where,
        )


def spacing_faults(spacing_mm: SpacingWord | None) -> list[Fault]:
    """A note of the spacing that was taken, where one was given."""
    if spacing_mm is None:
        return []
    axes = "(row, column)" if len(spacing_mm) == 2 else "(slice, row, column)"
    return [Fault("spacing_on_word", Severity.NOTE, f"{axes} spacing of {spacing_mm} mm taken on the user's word")]


def intensity_faults(intensity: Intensity | None) -> list[Fault]:
    """A note of what values were taken to mean, where it was given."""
    if intensity is None:
        return []
    words = "HU" if intensity is Intensity.HU else intensity.name
    return [Fault("intensity_on_word", Severity.NOTE, f"values taken as {words} on the user's word")]
