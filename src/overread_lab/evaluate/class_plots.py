"""Plots of answers of classes: reliability, ROC, decision curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from overread_lab import metrics
from overread_lab.evaluate.plots import Curve, Dot, Plot, padded_range


def class_plots(p: NDArray[np.float64], truth: NDArray[np.intp], positive: str | None) -> list[Plot]:
    """Of (n, classes) probabilities: ROC, reliability and decision curve of two classes, the second looked for
    (`positive`); reliability of the top class of more."""
    n = len(truth)
    bins = metrics.reliability(p[:, 1] if positive else p, truth)
    what = f"probability of {positive}" if positive else "probability of the class named"
    found = [
        Plot(
            "Reliability",
            f"Share against {what}, in bins of equal numbers of cases, with Wilson intervals; n {n}.",
            what,
            "share of cases",
            (0, 1),
            (0, 1),
            (Curve(((0, 0), (1, 1)), "perfect", "guide"),),
            tuple(Dot(b.mean_probability, b.share, b.interval.low, b.interval.high) for b in bins),
        )
    ]
    if positive is None or len(np.unique(truth)) < 2:
        return found
    curve = metrics.roc(p[:, 1], truth == 1)
    steps = tuple(zip(curve.false_positive_rate.tolist(), curve.sensitivity.tolist(), strict=True))
    roc = Plot(
        "ROC",
        f"Sensitivity for {positive} against false positive rate; n {n}.",
        "1 - specificity",
        "sensitivity",
        (0, 1),
        (0, 1),
        (Curve(((0, 0), (1, 1)), "chance", "guide"), Curve(steps)),
    )
    worth = metrics.decision_curve(p[:, 1], truth)
    level = worth.threshold.tolist()
    low, high = padded_range([*worth.net_benefit.tolist(), 0.0, float(truth.mean())])
    decision = Plot(
        "Decision curve",
        f"Net benefit of acting on {positive} from a threshold probability on, in true positives a case.",
        "threshold probability",
        "net benefit",
        (0, 1),
        (max(low, -0.1), high),
        (
            Curve(((0, 0), (1, 0)), "act on none", "guide"),
            Curve(tuple(zip(level, worth.treat_all.tolist(), strict=True)), "act on all", "other"),
            Curve(tuple(zip(level, worth.net_benefit.tolist(), strict=True)), "act on the task", "main"),
        ),
    )
    return [roc, found[0], decision]
