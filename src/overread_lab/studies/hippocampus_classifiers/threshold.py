"""The threshold of a machine by left-out cases, from a grid: the same rule for machines of any scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.tasks.brain_mr_hippocampus.outline import outline
from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread_lab.recipes.hippocampus_fit import BIAS_PRICE, Ready, labels_of


def best_threshold(
    ready: Sequence[Ready],
    decisions: Mapping[int, NDArray[np.float64]],
    thresholds: Sequence[float],
    plan: HippocampusPlan,
) -> float:
    """The one of `thresholds` with the best mean Dice, less a price for volumes that are off in the median.

    The recipe of the task goes on from there to where volumes are right in the median; machines are compared without.
    """

    def score(threshold: float) -> float:
        dice, log_ratio = [], []
        for n, one in enumerate(ready):
            mask, truth = outline(one.band, decisions[n], threshold, plan), labels_of(one) > 0
            found, true = max(int(np.count_nonzero(mask)), 1), int(np.count_nonzero(truth))
            dice.append(2 * int(np.count_nonzero(mask & truth)) / (found + true))
            log_ratio.append(np.log(true / found))
        return float(np.mean(dice)) - BIAS_PRICE * abs(float(np.median(log_ratio)))

    return max(thresholds, key=score)
