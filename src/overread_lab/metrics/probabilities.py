"""How good probabilities are: log loss and Brier score. Not whether they are calibrated: see `calibration`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import Score, finite
from overread_lab.metrics.checked import class_indices, class_probabilities, probabilities_of, two_classes

CLIP = 1e-7
"""Probabilities nearer to 0 or 1 than this are moved here before their logarithm is taken, and counted."""

RSNA_LABELS = ("any", "EDH", "IPH", "IVH", "SAH", "SDH")
"""Order of the six haemorrhage labels of RSNA 2019; "any" weighs 2, the others 1."""


@dataclass(frozen=True, slots=True)
class LogLoss:
    """Mean log loss (natural logarithm) of `n` cases; `clipped` counts the probabilities that had to be moved."""

    value: float
    n: int
    clipped: int


def _clip(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    moved = np.clip(p, CLIP, 1 - CLIP)
    return moved, int(np.count_nonzero(moved != p))


def log_loss(probabilities: ArrayLike, truth: ArrayLike) -> LogLoss:
    """-mean[y ln p + (1 - y) ln(1 - p)] of (n,) probabilities, or -mean ln p_true of (n, classes)."""
    if np.ndim(probabilities) == 2:
        rows = np.asarray(probabilities)
        table, clipped = _clip(class_probabilities(rows, len(rows)))
        true = class_indices(truth, table.shape[1])
        if len(true) != len(table):
            raise UsageError(f"{len(true)} truths for {len(table)} cases")
        return LogLoss(float(-np.log(table[np.arange(len(true)), true]).mean()), len(true), clipped)
    y = two_classes(truth)
    p, clipped = _clip(probabilities_of(probabilities, len(y)))
    return LogLoss(float(-np.where(y, np.log(p), np.log1p(-p)).mean()), len(y), clipped)


def rsna_log_loss(probabilities: ArrayLike, truth: ArrayLike) -> LogLoss:
    """Weighted log loss of RSNA 2019: (n, 6) in the order of `RSNA_LABELS`, weights 2 and 1, sum / 7 a slice."""
    p, y = finite(probabilities, "probabilities"), finite(truth, "truth")
    if p.ndim != 2 or p.shape[1] != len(RSNA_LABELS) or p.shape != y.shape or len(p) == 0:
        raise UsageError(f"probabilities {p.shape} and truth {y.shape}, expected (n, {len(RSNA_LABELS)}) each")
    if np.any(p < 0) or np.any(p > 1) or not np.isin(y, (0, 1)).all():
        raise UsageError("probabilities must lie in 0 to 1, truths be 0 or 1")
    moved, clipped = _clip(p)
    each = -np.where(y == 1, np.log(moved), np.log1p(-moved))
    weights = np.array([2.0] + [1.0] * (len(RSNA_LABELS) - 1))
    return LogLoss(float((each @ weights / weights.sum()).mean()), len(p), clipped)


def brier(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """mean (p - y)^2 of (n,) probabilities; of (n, classes) the sum over classes, mean over cases."""
    if np.ndim(probabilities) == 2:
        rows = np.asarray(probabilities)
        table = class_probabilities(rows, len(rows))
        true = class_indices(truth, table.shape[1])
        if len(true) != len(table):
            raise UsageError(f"{len(true)} truths for {len(table)} cases")
        return float(((table - np.eye(table.shape[1])[true]) ** 2).sum(axis=1).mean())
    y = two_classes(truth)
    return float(((probabilities_of(probabilities, len(y)) - y) ** 2).mean())


def brier_skill(probabilities: ArrayLike, truth: ArrayLike) -> Score:
    """1 - B / B_ref with B_ref = q (1 - q), q the share of positives; undefined where one class is missing."""
    y = two_classes(truth)
    q = float(y.mean())
    if q in (0.0, 1.0):
        return Score(math.nan, len(y), None, "only one class")
    return Score(1 - brier(probabilities, y) / (q * (1 - q)), len(y))
