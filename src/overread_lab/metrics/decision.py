"""Decision curve: what acting on a probability is worth against acting on all or on none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import finite
from overread_lab.metrics.checked import probabilities_of, two_classes


@dataclass(frozen=True, slots=True, eq=False)
class DecisionCurve:
    """Net benefit in true positives a case at each threshold; acting on none is worth 0.

    Parameters
    ----------
    threshold, net_benefit, treat_all : (points,) float
    """

    threshold: NDArray[np.float64]
    net_benefit: NDArray[np.float64]
    treat_all: NDArray[np.float64]


def net_benefit(tp: int, fp: int, n: int, *, threshold: float) -> float:
    """TP/n - FP/n t/(1-t), t in 0.01..0.99 (Vickers and Elkin 2006)."""
    if n < 1 or tp < 0 or fp < 0 or tp + fp > n:
        raise UsageError(f"{tp} true and {fp} false positives of {n} cases cannot be")
    if not 0.01 <= threshold <= 0.99:
        raise UsageError(f"threshold is {threshold}, expected 0.01 to 0.99")
    return tp / n - fp / n * threshold / (1 - threshold)


def decision_curve(probabilities: ArrayLike, truth: ArrayLike, thresholds: ArrayLike | None = None) -> DecisionCurve:
    """Net benefit of acting when the probability reaches t, for t in `thresholds` (0.01, 0.02 ... 0.99)."""
    true = two_classes(truth)
    p = probabilities_of(probabilities, len(true))
    levels = np.arange(1, 100) / 100 if thresholds is None else np.atleast_1d(finite(thresholds, "thresholds"))
    n, positives = len(true), int(np.count_nonzero(true))
    acted = p[None, :] >= levels[:, None]
    tp, fp = (acted & true).sum(axis=1), (acted & ~true).sum(axis=1)
    gains = [
        (
            net_benefit(int(t), int(f), n, threshold=float(level)),
            net_benefit(positives, n - positives, n, threshold=float(level)),
        )
        for t, f, level in zip(tp, fp, levels, strict=True)
    ]
    table = np.array(gains, dtype=np.float64).reshape(-1, 2)
    return DecisionCurve(levels, table[:, 0], table[:, 1])
