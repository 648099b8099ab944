"""Whether an image is a region that the hippocampus task answers for; from headers first, then from pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread.findings import Reason, Scope, ScopeAnswer
from overread.image import Image, Intensity, Source, Volume
from overread.tasks._shared.axial import axial

LEAST_MM, MOST_MM = 24.0, 90.0
"""Extent along each axis: the training regions are 24 to 59 mm; more than 90 mm is a head, not a region."""
SPACING_MM = (0.4, 1.6)
_WAY_OUT = "cut out a box of about 36 x 50 x 36 mm (left-right, front-back, height) round one hippocampus first"


def scope_of_headers(
    source: Source, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float] | None
) -> Scope:
    """Scope by modality, spacing and extent; `shape` and `spacing_mm` are (slice, row, column)."""
    against: list[Reason] = []
    if source.kind == "dicom" and source.modality != "MR":
        against.append(Reason("not_mr", f"modality is {source.modality or 'not given'}, the task reads MR"))
    if source.kind == "picture":
        against.append(Reason("picture", "an exported picture has no place in the patient"))
    if spacing_mm is None:
        against.append(Reason("no_spacing", "the distance between voxels is not known"))
    else:
        if min(spacing_mm) < SPACING_MM[0] or max(spacing_mm) > SPACING_MM[1]:
            given = " x ".join(f"{s:.3g}" for s in spacing_mm)
            against.append(
                Reason("spacing", f"spacing is {given} mm, expected {SPACING_MM[0]} to {SPACING_MM[1]} mm each way")
            )
        extent = [n * s for n, s in zip(shape, spacing_mm, strict=True)]
        words = " x ".join(f"{e:.0f}" for e in extent)
        if min(extent) < LEAST_MM:
            against.append(Reason("too_small", f"the image is {words} mm, less than {LEAST_MM:.0f} mm along an axis"))
        if max(extent) > MOST_MM:
            against.append(Reason("not_a_region", f"the image is {words} mm, at most {MOST_MM:.0f} mm; {_WAY_OUT}"))
    if against:
        return Scope(ScopeAnswer.NO, tuple(against))
    return Scope(ScopeAnswer.YES)


def scope_of_image(image: Image) -> Scope:
    """Scope by headers and by the values."""
    if not isinstance(image, Volume):
        words = f"it is a {type(image).__name__.lower()}, not a volume"
        return Scope(ScopeAnswer.NO, (Reason("not_a_volume", words),))
    if image.intensity is not Intensity.ARBITRARY:
        return Scope(ScopeAnswer.NO, (Reason("not_mr", "values are in HU or SUV: it is no MR image"),))
    grid = axial(image).grid
    headers = scope_of_headers(image.source, grid.shape, grid.spacing_mm)
    if headers.answer is ScopeAnswer.NO:
        return headers
    reason = _against_values(image.array.astype(np.float32))
    if grid.shear_deg > 1:
        reason = Reason("sheared", f"the grid is sheared by {grid.shear_deg:.1f} degrees")
    return headers if reason is None else Scope(ScopeAnswer.NO, (reason,))


def _against_values(values: NDArray[np.float32]) -> Reason | None:
    if not np.isfinite(values).all():
        return Reason("not_finite", "some values are NaN or infinite")
    low, high = np.percentile(values, (1, 99))
    if not high > low:
        return Reason("flat", f"nearly all values are {float(low):g}: there is no picture")
    return None
