"""A map of evidence over its picture: orange speaks for the answer, blue against it, as strongly as it is dense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overread.evidence.page.display import Panel, Stack, make_panel, whole
from overread.evidence.page.figure import Figure, figure_of, png_uri
from overread.findings import EvidenceMap
from overread.image import Window

FOR, AGAINST = (255, 150, 0), (40, 130, 255)
"""Told apart without colour vision too: one is far brighter."""
DENSEST = 0.6
"""Share of the colour where the evidence is strongest."""


def strongest(shown: EvidenceMap) -> float:
    """The largest amount of evidence at one place, in logits."""
    return float(np.abs(shown.array).max(initial=0.0))


def evidence_panel(stack: Stack, shown: EvidenceMap, window: Window, side: int) -> tuple[Panel, NDArray[np.uint8]]:
    """The panel of the picture, and its (row, column, 3) pixels with the evidence over them."""
    frame, most = whole(stack), strongest(shown)
    panel = make_panel(stack, 0, frame, side)
    painted = np.repeat(window.apply(panel.values)[..., None], 3, axis=2).astype(np.float32)
    for sign, colour in ((1, FOR), (-1, AGAINST)):
        part = np.maximum(sign * shown.array, 0)[None]
        amount = make_panel(replace(stack, array=part, labels=None, where={}), 0, frame, side).values
        share = DENSEST * np.clip(amount / most, 0, 1)[..., None] if most else np.zeros((side, side, 1))
        painted += share * (np.array(colour, np.float32) - painted)
    return panel, np.rint(painted).astype(np.uint8)


def evidence_words(shown: EvidenceMap) -> str:
    """What the colours mean and how strong they are."""
    return (
        f"Orange speaks for “{shown.label}”, blue against it; the strongest place {strongest(shown):.1f} logits "
        f"({shown.method})"
    )


def evidence_figure(stack: Stack, shown: EvidenceMap, window: Window, side: int) -> Figure:
    """For the page."""
    panel, painted = evidence_panel(stack, shown, window, side)
    alt = f"Where in the picture the evidence for {shown.label} lies"
    bare = figure_of(panel, window, marks=False, tags=False, caption=evidence_words(shown), alt=alt)
    return replace(bare, uri=png_uri(painted))
