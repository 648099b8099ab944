"""One score, and the mean of many that says how many were left out. Not how a score is made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from overread.findings import Interval
from overread.models.checked import finite

__all__ = ["Average", "Score", "average", "finite"]


@dataclass(frozen=True, slots=True)
class Score:
    """One score of `n` cases; NaN where it is undefined, and `note` then says why.

    `note` may also name a convention that was applied, such as "both_empty".
    """

    value: float
    n: int = 1
    interval: Interval | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Average:
    """Mean of the defined scores.

    `mean_plain` leaves out the scores that stand by convention only (`note` is not empty), such as the Dice of two
    empty masks; `skipped` counts the undefined ones, `by_convention` the others left out of `mean_plain`.
    """

    mean: float
    n: int
    skipped: int
    mean_plain: float
    by_convention: int


def average(scores: Iterable[Score]) -> Average:
    """Mean over scores; undefined ones are skipped and counted. No defined score at all: the mean is NaN."""
    every = list(scores)
    defined = [score for score in every if not math.isnan(score.value)]
    plain = [score.value for score in defined if not score.note]
    return Average(
        mean=float(np.mean([score.value for score in defined])) if defined else math.nan,
        n=len(defined),
        skipped=len(every) - len(defined),
        mean_plain=float(np.mean(plain)) if plain else math.nan,
        by_convention=len(defined) - len(plain),
    )
