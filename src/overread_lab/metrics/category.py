"""Categories under uncertainty: a printed set of classes against the true class."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from overread.errors import UsageError
from overread_lab.metrics.average import Score
from overread_lab.metrics.proportion import proportion


@dataclass(frozen=True, slots=True)
class SetCoverage:
    """`share` of cases whose set holds the true class, beside the `mean_size` that bought it."""

    share: Score
    mean_size: float


def set_coverage(sets: Sequence[Collection[str]], truth: Sequence[str]) -> SetCoverage:
    """Share of cases whose printed set of classes contains the true class, with the mean size of the sets."""
    if len(sets) != len(truth):
        raise UsageError(f"{len(sets)} sets for {len(truth)} truths")
    hits = sum(true in printed for printed, true in zip(sets, truth, strict=True))
    size = sum(map(len, sets)) / len(sets) if sets else math.nan
    return SetCoverage(proportion(hits, len(sets)), size)
