"""How far two masks overlap: Dice and intersection over union. Not where they differ."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import Score

Mask = NDArray[np.bool_]


def _counts(a: Mask, b: Mask) -> tuple[int, int, int]:
    if a.dtype != np.bool_ or b.dtype != np.bool_:
        raise UsageError(f"masks are {a.dtype} and {b.dtype}, expected bool", way_out="Compare the labels first.")
    if a.shape != b.shape:
        raise UsageError(f"masks have shapes {a.shape} and {b.shape}", way_out="Put both on one grid first.")
    return int(np.count_nonzero(a)), int(np.count_nonzero(b)), int(np.count_nonzero(a & b))


def dice(a: Mask, b: Mask) -> Score:
    """2 |A and B| / (|A| + |B|) of two bool masks of equal shape. Both empty: 1, noted; one empty: 0."""
    count_a, count_b, both = _counts(a, b)
    if count_a + count_b == 0:
        return Score(1.0, note="both_empty")
    return Score(2 * both / (count_a + count_b))


def iou(a: Mask, b: Mask) -> Score:
    """|A and B| / |A or B| of two bool masks of equal shape. Both empty: 1, noted; one empty: 0."""
    count_a, count_b, both = _counts(a, b)
    if count_a + count_b == 0:
        return Score(1.0, note="both_empty")
    return Score(both / (count_a + count_b - both))


def dice_pooled(pairs: Iterable[tuple[Mask, Mask]]) -> Score:
    """Dice of all voxels of all cases thrown together: large objects rule it. Not the mean of the cases."""
    total = np.zeros(3, dtype=np.int64)
    n = 0
    for n, (a, b) in enumerate(pairs, start=1):  # noqa: B007  (n is the number of cases afterwards)
        total += _counts(a, b)
    if total[0] + total[1] == 0:
        return Score(1.0, n, note="both_empty")
    return Score(float(2 * total[2] / (total[0] + total[1])), n)


def per_class(a: NDArray[np.integer], b: NDArray[np.integer], *, of: str = "dice") -> dict[int, Score]:
    """Dice ("dice") or intersection over union ("iou") for each label present in either map; 0 is background."""
    scores = {"dice": dice, "iou": iou}
    if of not in scores:
        raise UsageError(f"unknown score {of!r}", way_out=f"Use one of {', '.join(scores)}.")
    present = np.union1d(np.unique(a), np.unique(b))
    return {int(label): scores[of](a == label, b == label) for label in present if label != 0}


def require_possible_means(mean_dice: float, mean_iou: float, *, tolerance: float = 5e-4) -> None:
    """Raises `UsageError` for a mean Dice and a mean IoU that cannot belong to the same cases.

    For one case D = 2J / (1 + J); that curve is concave, so mean D <= 2 mean J / (1 + mean J), and D >= J always.
    """
    limit = 2 * mean_iou / (1 + mean_iou)
    if math.isnan(mean_dice) or math.isnan(mean_iou):
        raise UsageError(f"mean Dice {mean_dice} and mean IoU {mean_iou} must be numbers")
    if not mean_iou - tolerance <= mean_dice <= limit + tolerance:
        raise UsageError(
            f"a mean Dice of {mean_dice} cannot go with a mean IoU of {mean_iou}",
            way_out=f"Over the same cases it lies between the mean IoU and {limit:.4f}.",
        )
