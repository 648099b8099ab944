"""Bootstrap by group: whole patients are drawn with replacement, all their items with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread.findings import Interval

Statistic = Callable[[NDArray[np.intp]], float]
"""Takes indices of groups (repeats included), gives the figure; NaN where it is undefined for that draw."""

FEW_GROUPS = 8
ENOUGH_FOR_BCA = 20


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A figure with its bootstrap interval.

    `redrawn` counts draws for which the statistic was undefined; `notes` says what to beware of ("few groups", many
    redraws). `interval` is None where the value or too many draws were undefined.
    """

    value: float
    interval: Interval | None
    groups: int
    draws: int
    redrawn: int
    method: str
    notes: tuple[str, ...] = ()


def _draw(statistic: Statistic, groups: int, draws: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], int]:
    values: list[float] = []
    redrawn = 0
    while len(values) < draws and redrawn <= draws:
        value = statistic(rng.integers(0, groups, groups))
        if math.isnan(value):
            redrawn += 1
        else:
            values.append(value)
    return np.array(values), redrawn


def _bca_levels(
    value: float, drawn: NDArray[np.float64], statistic: Statistic, groups: int, level: float
) -> tuple[float, float] | None:
    """Quantile levels of the bias-corrected and accelerated interval (Efron 1987); None where it is undefined."""
    normal = NormalDist()
    below = float(np.mean(drawn < value) + np.mean(drawn == value) / 2)
    every = np.arange(groups)
    left_out = np.array([statistic(np.delete(every, i)) for i in range(groups)])
    if not 0 < below < 1 or np.isnan(left_out).any():
        return None
    pull = left_out.mean() - left_out
    spread = float(np.sum(pull**2))
    acceleration = float(np.sum(pull**3)) / (6 * spread**1.5) if spread > 0 else 0.0
    bias = normal.inv_cdf(below)

    def adjusted(tail: float) -> float:
        z = bias + normal.inv_cdf(tail)
        return normal.cdf(bias + z / (1 - acceleration * z))

    return adjusted((1 - level) / 2), adjusted((1 + level) / 2)


def bootstrap(
    statistic: Statistic,
    groups: int,
    *,
    seed: int,
    draws: int = 2000,
    method: Literal["auto", "percentile", "bca"] = "auto",
    level: float = 0.95,
) -> Bootstrap:
    """Value of `statistic` on all groups, with an interval from `draws` draws of `groups` groups.

    "auto" takes the bias-corrected and accelerated interval from 20 groups on, else percentiles. Draws for which the
    statistic is undefined are drawn again and counted. The same seed gives the same interval.
    """
    if groups < 1 or draws < 1:
        raise UsageError(f"{draws} draws of {groups} groups: expected at least one of each")
    value = statistic(np.arange(groups))
    notes = ["few groups"] if groups < FEW_GROUPS else []
    if math.isnan(value):
        return Bootstrap(value, None, groups, 0, 0, "none", ("undefined on all groups", *notes))
    drawn, redrawn = _draw(statistic, groups, draws, np.random.default_rng(seed))
    if redrawn > 0.1 * draws:
        notes.append(f"{redrawn} draws were undefined and drawn again")
    if len(drawn) < draws:
        return Bootstrap(value, None, groups, len(drawn), redrawn, "none", tuple(notes))
    wanted = method if method != "auto" else ("bca" if groups >= ENOUGH_FOR_BCA else "percentile")
    levels = _bca_levels(value, drawn, statistic, groups, level) if wanted == "bca" else None
    if wanted == "bca" and levels is None:
        notes.append("percentiles, because the accelerated interval is undefined here")
    low, high = np.quantile(drawn, levels or ((1 - level) / 2, (1 + level) / 2))
    return Bootstrap(
        value, Interval(float(low), float(high), level), groups, draws, redrawn,
        "bca" if levels else "percentile", tuple(notes),
    )  # fmt: skip
