"""The threshold of a machine by left-out cases, from a grid: the same rule for machines of any scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.tasks.brain_mr_hippocampus.plan import HippocampusPlan
from overread_lab.recipes.hippocampus_fit import BIAS_PRICE, Ready, dice_and_size


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
        pairs = [dice_and_size(one, decisions[n], threshold, plan) for n, one in enumerate(ready)]
        dice, log_ratio = np.array(pairs).T
        return float(dice.mean()) - BIAS_PRICE * abs(float(np.median(log_ratio)))

    return max(thresholds, key=score)
