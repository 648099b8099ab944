"""Errors of volumes and lengths against a truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overread.errors import UsageError
from overread_lab.metrics.average import finite


@dataclass(frozen=True, slots=True)
class VolumeErrors:
    """Summary of (value - truth) / truth over `n` cases; `zero_truths` had none, and only enter `mean_absolute`.

    `limits` are mean -+ 1.96 sd of the relative error (NaN below 3 cases); `mean_log_ratio` is the mean of
    ln(value / truth).
    """

    n: int
    zero_truths: int
    median: float
    quartiles: tuple[float, float]
    mean: float
    sd: float
    limits: tuple[float, float]
    mean_log_ratio: float
    mean_absolute: float


def _pair(value: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, truths = finite(value, "value"), finite(truth, "truth")
    if values.shape != truths.shape:
        raise UsageError(f"{values.shape} values for {truths.shape} truths")
    if np.any(values < 0) or np.any(truths < 0):
        raise UsageError("volumes and lengths cannot be negative")
    return values, truths


def relative_error(value: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Signed (value - truth) / truth; NaN where the truth is 0 (undefined)."""
    values, truths = _pair(value, truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(truths > 0, (values - truths) / truths, np.nan)


def log_ratio(value: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """ln(value / truth): symmetric, for statistics; NaN where either is 0 (undefined)."""
    values, truths = _pair(value, truth)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((truths > 0) & (values > 0), np.log(values / truths), np.nan)


def volume_errors(value: ArrayLike, truth: ArrayLike) -> VolumeErrors:
    """Summary of the errors of `value` against `truth`, both in one unit. No case with a truth above 0: NaN."""
    values, truths = _pair(value, truth)
    relative = relative_error(values, truths)
    known = relative[~np.isnan(relative)]
    ratios = log_ratio(values, truths)
    ratios = ratios[~np.isnan(ratios)]
    n = len(known)
    q1, median, q3 = (float(q) for q in np.percentile(known, (25, 50, 75))) if n else (math.nan,) * 3
    mean = float(known.mean()) if n else math.nan
    sd = float(known.std(ddof=1)) if n >= 2 else math.nan
    half = 1.96 * sd if n >= 3 else math.nan
    return VolumeErrors(
        n=n,
        zero_truths=len(relative) - n,
        median=median,
        quartiles=(q1, q3),
        mean=mean,
        sd=sd,
        limits=(mean - half, mean + half),
        mean_log_ratio=float(ratios.mean()) if len(ratios) else math.nan,
        mean_absolute=float(np.abs(values - truths).mean()) if len(values) else math.nan,
    )
