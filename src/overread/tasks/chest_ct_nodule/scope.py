"""Whether an image is one that the nodule task answers for; from headers first, then from pixels."""

from __future__ import annotations

import numpy as np

from overread.findings import Reason, Scope, ScopeAnswer
from overread.image import Image, Intensity, Source, Volume
from overread.tasks._shared.axial import axial

MIN_LENGTH_MM = 30.0
"""Less of the chest along the slices than this cannot hold a lung segment with its surroundings."""
MAX_SPACING_MM = (5.0, 1.2, 1.2)
DOUBTFUL_GAP_MM = 3.0
_CHEST_WORDS = ("CHEST", "THORAX", "LUNG", "TORSO", "BODY", "ABDOMEN", "WHOLE")


def scope_of_headers(
    source: Source, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float] | None
) -> Scope:
    """Scope by modality, extent and spacing; `shape` and `spacing_mm` are (slice, row, column)."""
    against: list[Reason] = []
    doubts: list[Reason] = []
    if source.kind == "dicom" and source.modality != "CT":
        against.append(Reason("not_ct", f"modality is {source.modality or 'not given'}, the task reads CT"))
    if source.kind == "picture":
        against.append(Reason("picture", "an exported picture has no Hounsfield units"))
    if spacing_mm is None:
        against.append(Reason("no_spacing", "the distance between pixels is not known"))
    else:
        against += _against_spacing(shape, spacing_mm)
        if DOUBTFUL_GAP_MM < spacing_mm[0] <= MAX_SPACING_MM[0]:
            doubts.append(Reason("thick_slices", f"slices are {spacing_mm[0]:.2f} mm apart: small nodules are missed"))
    part = str(source.facts.get("body_part", "")).upper()
    if part and not any(word in part for word in _CHEST_WORDS):
        doubts.append(Reason("body_part", f"the header names the body part {part}"))
    if against:
        return Scope(ScopeAnswer.NO, tuple(against))
    return Scope(ScopeAnswer.DOUBTFUL if doubts else ScopeAnswer.YES, tuple(doubts))


def _against_spacing(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> list[Reason]:
    reasons = []
    if any(given > most for given, most in zip(spacing_mm, MAX_SPACING_MM, strict=True)):
        given, most = (" x ".join(f"{s:.3g}" for s in triple) for triple in (spacing_mm, MAX_SPACING_MM))
        reasons.append(Reason("coarse", f"spacing is {given} mm, at most {most} mm can be read"))
    length_mm = shape[0] * spacing_mm[0]
    if length_mm < MIN_LENGTH_MM:
        reasons.append(
            Reason(
                "too_short", f"{shape[0]} slices cover {length_mm:.0f} mm, at least {MIN_LENGTH_MM:.0f} mm is needed"
            )
        )
    return reasons


def scope_of_image(image: Image) -> Scope:
    """Scope by headers and by the range of values."""
    if not isinstance(image, Volume):
        words = f"it is a {type(image).__name__.lower()}, not a stack of CT slices"
        return Scope(ScopeAnswer.NO, (Reason("not_a_volume", words),))
    return _scope_of_volume(image)


def _scope_of_volume(image: Volume) -> Scope:
    grid = axial(image).grid
    headers = scope_of_headers(image.source, grid.shape, grid.spacing_mm)
    if headers.answer is ScopeAnswer.NO:
        return headers
    if image.intensity is not Intensity.HU:
        files = image.source.kind == "dicom"
        way_out = "the files lack a rescale to HU" if files else "say that they are HU (--intensity hu) if they are"
        return Scope(ScopeAnswer.NO, (Reason("unit_unknown", f"values carry no unit; {way_out}"),))
    sample = image.array[:: max(1, image.array.shape[0] // 16), ::4, ::4].astype(np.float32)
    if not np.isfinite(sample).all():
        return Scope(ScopeAnswer.NO, (Reason("not_finite", "some values are NaN or infinite"),))
    airy = float(np.mean((sample > -1100) & (sample < -500)))
    if sample.min() == sample.max() or sample.min() > -700:
        span = f"{float(sample.min()):.0f} to {float(sample.max()):.0f}"
        return Scope(ScopeAnswer.NO, (Reason("no_air", f"values run from {span} HU: there is no aerated lung"),))
    if airy < 0.02:
        doubts = (*headers.reasons, Reason("little_lung", "hardly any voxel has the density of lung"))
        return Scope(ScopeAnswer.DOUBTFUL, doubts)
    return headers
