"""Whether a picture is a chest film that the view task answers for; from headers first, then from pixels."""

from __future__ import annotations

import numpy as np

from overread.findings import Reason, Scope, ScopeAnswer
from overread.image import Image, Radiograph, Source
from overread.ops.film import standardise
from overread.tasks.chest_xray_view.plan import ViewPlan

_MODALITIES = frozenset(("CR", "DX", "RG", "XC", "OT", ""))
_CHEST = ("CHEST", "THORAX", "LUNG", "RIB")
LEAST_SPREAD = 0.05
"""Standard deviation of a standardised film, 0..1; below it hardly anything is shown."""
MOST_GRAIN = 0.12
"""Root mean square of the difference between neighbours of a standardised film; white noise has 0.4."""


def scope_of_headers(source: Source, shape: tuple[int, int, int], plan: ViewPlan) -> Scope:
    """Scope by modality, size and body part; `shape` is (frames, rows, columns)."""
    against, doubts = [], []
    if source.modality not in _MODALITIES:
        against.append(Reason("not_a_film", f"modality is {source.modality}, the task reads plain radiographs"))
    if shape[0] > 1:
        against.append(Reason("several_pictures", f"it holds {shape[0]} pictures, the task reads one at a time"))
    if min(shape[1:]) < plan.least_side:
        size = f"{shape[1]} x {shape[2]} pixels"
        against.append(Reason("too_small", f"the picture has {size}, at least {plan.least_side} a side are needed"))
    part = str(source.facts.get("body_part", "")).upper()
    if part and not any(word in part for word in _CHEST):
        doubts.append(Reason("body_part", f"the header names the body part {part}"))
    if against:
        return Scope(ScopeAnswer.NO, tuple(against))
    return Scope(ScopeAnswer.DOUBTFUL if doubts else ScopeAnswer.YES, tuple(doubts))


def scope_of_image(image: Image, plan: ViewPlan) -> Scope:
    """Scope by headers and by what the pixels hold at all: not blank, not noise, not colour."""
    if not isinstance(image, Radiograph):
        words = f"it is a {type(image).__name__.lower()}, not one radiograph"
        return Scope(ScopeAnswer.NO, (Reason("not_a_radiograph", words),))
    headers = scope_of_headers(image.source, (1, *image.array.shape[:2]), plan)
    if headers.answer is ScopeAnswer.NO:
        return headers
    if image.is_colour:
        return Scope(ScopeAnswer.NO, (Reason("colour", "the picture is in colour, as no radiograph is"),))
    tone = standardise(image.array)
    spread = float(tone.std())
    if spread < LEAST_SPREAD:
        return Scope(ScopeAnswer.NO, (Reason("blank", "hardly anything is shown on the picture"),))
    step = max(1, min(tone.shape) // 256)  # grain that is seen at the size of a small film
    coarse = tone[: tone.shape[0] // step * step, : tone.shape[1] // step * step]
    small = coarse.reshape(coarse.shape[0] // step, step, -1, step).mean(axis=(1, 3))
    grain = float(np.sqrt(np.mean(np.diff(small, axis=0) ** 2)))
    if grain > MOST_GRAIN:
        return Scope(ScopeAnswer.NO, (Reason("noise", "the picture is little more than noise"),))
    return headers
