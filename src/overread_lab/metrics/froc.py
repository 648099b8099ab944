"""Free-response curve over scans: sensitivity against false positives a scan, and figures read off it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.errors import UsageError
from overread_lab.metrics.bootstrap import Bootstrap, bootstrap
from overread_lab.metrics.detection import FALSE_POSITIVE, ScanOutcome

CPM_RATES = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0, 4.0, 8.0)
"""False positives a scan at which the competition performance metric averages the sensitivity."""

CurveReading = Literal["step", "interp"]


@dataclass(frozen=True, slots=True, eq=False)
class Froc:
    """One point for each distinct score, from the highest down; candidates of equal score enter together.

    Parameters
    ----------
    threshold, false_positives_per_scan, sensitivity : (points,) float
        Sensitivity is NaN throughout when there is no truth: undefined.
    """

    threshold: NDArray[np.float64]
    false_positives_per_scan: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    scans: int
    truths: int

    def sensitivity_at(self, rate: float, *, reading: CurveReading = "step") -> float:
        """Sensitivity at `rate` false positives a scan.

        "step": the best sensitivity reached at no more than `rate` (never flatters). "interp": linear between the
        best points at each rate, the first joined to (0, 0), as the LUNA16 challenge reads it. Beyond the last point
        both give the last sensitivity. NaN without any truth.
        """
        if not rate >= 0:
            raise UsageError(f"rate is {rate}, expected 0 or more false positives a scan")
        if reading not in ("step", "interp"):
            raise UsageError(f"unknown reading {reading!r}", way_out="Use step or interp.")
        if self.truths == 0:
            return math.nan
        if reading == "step":
            reached = self.sensitivity[self.false_positives_per_scan <= rate]
            return float(reached.max(initial=0.0))
        rates = np.unique(self.false_positives_per_scan)
        best = np.array([self.sensitivity[self.false_positives_per_scan == r].max() for r in rates])
        if len(rates) == 0 or rates[0] > 0:
            rates, best = np.append(0.0, rates), np.append(0.0, best)
        return float(np.interp(rate, rates, best))

    def cpm(self, *, reading: CurveReading = "step") -> float:
        """Mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives a scan; NaN without any truth."""
        return float(np.mean([self.sensitivity_at(rate, reading=reading) for rate in CPM_RATES]))


def froc(outcomes: Sequence[ScanOutcome]) -> Froc:
    """The curve of all scans together; scans without truths count in the false positives a scan."""
    if not outcomes:
        raise UsageError("no scans")
    score = np.concatenate([scan.score for scan in outcomes])
    outcome = np.concatenate([scan.outcome for scan in outcomes])
    truths = sum(scan.truths for scan in outcomes)
    order = np.argsort(-score, kind="stable")
    score, outcome = score[order], outcome[order]
    last_of_tie = (
        np.flatnonzero(np.append(score[1:] != score[:-1], True)) if len(score) else np.array([], dtype=np.intp)
    )
    found, false = np.cumsum(outcome >= 0)[last_of_tie], np.cumsum(outcome == FALSE_POSITIVE)[last_of_tie]
    sensitivity = found / truths if truths else np.full(len(found), np.nan)
    return Froc(score[last_of_tie], false / len(outcomes), sensitivity, len(outcomes), truths)


def _by_group(outcomes: Sequence[ScanOutcome], figure: Callable[[Froc], float], *, seed: int, draws: int) -> Bootstrap:
    names = sorted({scan.group for scan in outcomes})
    members = [[scan for scan in outcomes if scan.group == name] for name in names]

    def statistic(drawn: NDArray[np.intp]) -> float:
        return figure(froc([scan for i in drawn for scan in members[i]]))

    return bootstrap(statistic, len(names), seed=seed, draws=draws, method="percentile")


def sensitivity_interval(
    outcomes: Sequence[ScanOutcome], rate: float, *, reading: CurveReading = "step", seed: int = 0, draws: int = 1000
) -> Bootstrap:
    """Sensitivity at `rate` false positives a scan, with a percentile bootstrap interval over patients."""
    return _by_group(outcomes, lambda curve: curve.sensitivity_at(rate, reading=reading), seed=seed, draws=draws)


def cpm_interval(
    outcomes: Sequence[ScanOutcome], *, reading: CurveReading = "step", seed: int = 0, draws: int = 1000
) -> Bootstrap:
    """Mean sensitivity at the seven rates, with a percentile bootstrap interval over patients."""
    return _by_group(outcomes, lambda curve: curve.cpm(reading=reading), seed=seed, draws=draws)
